//! Random programs: what happens to coroutines, one step after the other.

use testing::Random;

/// One step: one act of the program or of a coroutine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// What acts: the walk from the program itself down through its coroutines.
    pub(crate) walk: u32,
    pub(crate) act: Act,
    /// Which of those that there are, or which way; taken modulo whatever there is to choose from.
    pub(crate) which: u32,
}

macro_rules! acts {
    ($($act:ident: $weight:literal, $what:literal;)*) => {
        /// What is done. Not all of it is possible at any time.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Act {
            $(#[doc = $what] $act,)*
        }

        /// Every act, how often it is drawn, and what it is.
        pub(crate) const ACTS: &[(Act, usize, &str)] = &[$((Act::$act, $weight, $what)),*];
    };
}

acts! {
    Create: 16, "create a coroutine, of many types and on several kinds of stack";
    CreateScoped: 12, "create a coroutine in a scope";
    Touch: 14, "resume, and suspend with a value at once";
    Keep: 6, "suspend, and keep the next input";
    Hold: 8, "call a function that holds a value";
    Catch: 5, "call a function in catch_unwind";
    Swallow: 2, "call a function in a catch_unwind that swallows forced unwinds";
    Scope: 9, "call a function in a scope";
    ResumingDestructor: 3, "call a function with a local whose destructor uses coroutines";
    Leave: 5, "return from such a call";
    Finish: 4, "return from the coroutine";
    Panic: 5, "raise a panic without the hook";
    LoudPanic: 2, "raise a panic with the hook";
    Drop: 6, "drop a coroutine";
    Forget: 2, "leak a coroutine";
    SetAside: 3, "move a coroutine to where it is not used until the end";
    Swap: 7, "swap two coroutines";
    Rehouse: 7, "move a coroutine to a Vec, a HashMap, a Box, and back";
    GiveUp: 5, "hand a coroutine to the resumer";
    GiveDown: 3, "hand a coroutine to the one that is resumed";
    Delegate: 14, "delegate to an inner coroutine";
    Recycle: 4, "take the stack of a coroutine for another one";
    Refused: 3, "resume a complete coroutine";
    Elsewhere: 3, "suspend on another stack than the coroutine's own, which is refused";
    OnStack: 6, "create, resume, drop or panic on another stack";
}

/// What is counted besides acts.
pub(crate) const EVENTS: &[&str] = &[
    "acts inside of a coroutine",
    "acts inside of a coroutine inside of a coroutine",
    "acts three coroutines deep, or more",
    "panics that go through a coroutine to its resumer",
    "suspended coroutines that are dropped, and so unwound",
    "of these, by a panic",
    "of these, by their scope, because they were leaked",
];

/// The program of a seed.
pub(crate) fn program(seed: u64) -> Vec<Step> {
    let total: usize = ACTS.iter().map(|(_, weight, _)| weight).sum();
    let mut random = Random::new(seed);
    let length = 40 + random.below(80);
    let mut step = || {
        let mut at = random.below(total);
        let drawn = ACTS.iter().find(|(_, weight, _)| {
            let here = at < *weight;
            at = at.wrapping_sub(*weight);
            here
        });
        let bits = random.bits();
        Step {
            walk: bits as u32,
            act: drawn.expect("below the total").0,
            which: (bits >> 32) as u32,
        }
    };
    (0..length).map(|_| step()).collect()
}
