//! The four switches, and for each the other side of it.

use super::Place;
use super::functions::{Arrived, Call};
use crate::battery::fiber::Memory;
use core::cell::Cell;
use core::num::NonZeroUsize;
use core::ptr::NonNull;
use sure_context::{
    Arrival, Departure, Descent, ExecutionContext, FnTrampoline, ParentLink, Signal, Word, descend,
    prepare, stack_pointer,
};

/// A way to switch.
pub(in crate::battery) trait Operation {
    const NAME: &'static str;

    /// How many numbers it is given, at least 2 and at most 4.
    const OPERANDS: usize;

    /// Switches, with numbers as operands (those of `exchange`), and returns what arrives.
    ///
    /// # Safety
    /// The operands are those of a switch that may be made.
    unsafe fn perform(operands: [usize; 4]) -> Arrived;

    /// Sets the other side up, gives the operands to `placed`, which performs the operation, and
    /// asserts what arrives there and what comes back. `number` is the first of the numbers sent.
    fn exchange(
        memory: &mut Memory,
        number: usize,
        place: &Place,
        call: &mut Call,
        placed: &dyn Fn(&mut Call),
    );
}

impl From<Arrival> for Arrived {
    #[inline(always)]
    fn from(arrival: Arrival) -> Arrived {
        Arrived {
            from: arrival.from.map_or(0, |from| from.into_raw().get()),
            // SAFETY: here all words are numbers.
            word: unsafe { arrival.word.as_usize() },
            signal: arrival.signal,
        }
    }
}

#[inline(always)]
fn signal(number: usize) -> Signal {
    if number == 0 {
        Signal::Run
    } else {
        Signal::Unwind
    }
}

/// The token with this number.
///
/// # Safety
/// 1. The number is that of a suspended execution, which is alive.
/// 2. It becomes a token once.
#[inline(always)]
unsafe fn token(number: usize) -> ExecutionContext {
    // SAFETY: the number came from `into_raw` (1), and no other token is made from it (2).
    unsafe { ExecutionContext::from_raw(NonZeroUsize::new_unchecked(number)) }
}

/// Runs `placed` against an execution that checks what arrives and switches back.
///
/// `operands` makes the operands from the numbers of its context, of its link, of the word, and of
/// the signal; `linked` says whether the switch notes the resumer in the link.
fn against_a_fiber(
    memory: &mut Memory,
    number: usize,
    place: &Place,
    call: &mut Call,
    placed: &dyn Fn(&mut Call),
    operands: fn(usize, usize, usize, usize) -> [usize; 4],
    linked: bool,
) {
    let sent = number % 2;
    let link: Cell<Option<NonNull<ParentLink>>> = Cell::new(None);
    let mut first = FnTrampoline::new(|arrival: Arrival| {
        let Arrived {
            from,
            word,
            signal: arrived,
        } = arrival.into();
        if linked {
            let link = link.get().expect("it is set below");
            // SAFETY: the resume that runs this has noted its caller; the token is only looked at.
            let noted = unsafe { link.as_ref().resumer() }.into_raw().get();
            assert_eq!(noted, from, "the link's resumer: {place}");
        }
        assert_eq!(word, number, "the word: {place}");
        assert_eq!(arrived, signal(sent), "the signal: {place}");
        // SAFETY: the caller of `placed` waits, and has not been continued.
        let to = unsafe { token(from) };
        let (word, signal) = (Word::from_usize(!number), signal(1 - sent));
        // SAFETY: the token is that of the side that waits; words are numbers; this side is left
        // suspended for good, and has nothing to drop.
        let _ = unsafe { to.switch(word, signal) };
        unreachable!("it is not continued again");
    });
    let first = NonNull::from(&mut first);
    link.set(Some(first.cast()));
    let (limit, base) = memory.bounds();
    // SAFETY: memory and trampoline stay in place while the execution may continue, here.
    let context = unsafe { prepare(base, first) };
    let link = first.addr().get();
    first.as_ptr().expose_provenance();
    call.operands = operands(context.into_raw().get(), link, number, sent);
    placed(call);
    let Arrived {
        from,
        word,
        signal: arrived,
    } = call.arrived;
    let inside = limit.addr().get()..base.addr().get();
    assert!(inside.contains(&from), "the token that arrives: {place}");
    assert_eq!(word, !number, "the word that arrives: {place}");
    assert_eq!(
        arrived,
        signal(1 - sent),
        "the signal that arrives: {place}"
    );
}

pub(super) struct Resume;

impl Operation for Resume {
    const NAME: &'static str = "resume";

    const OPERANDS: usize = 4;

    #[inline(always)]
    unsafe fn perform([to, link, word, signal_number]: [usize; 4]) -> Arrived {
        let link = NonZeroUsize::new(link).map(NonNull::with_exposed_provenance);
        // SAFETY: `exchange` gives the number of a link.
        let link = unsafe { link.unwrap_unchecked() };
        // SAFETY: `exchange` gives the context of a fresh execution, its own link, and a word that
        // it takes for a number; it continues the caller once, while that waits.
        unsafe { token(to).resume(link, Word::from_usize(word), signal(signal_number)) }.into()
    }

    fn exchange(
        memory: &mut Memory,
        number: usize,
        place: &Place,
        call: &mut Call,
        placed: &dyn Fn(&mut Call),
    ) {
        let operands = |to, link, word, signal| [to, link, word, signal];
        against_a_fiber(memory, number, place, call, placed, operands, true);
    }
}

pub(super) struct Switch;

impl Operation for Switch {
    const NAME: &'static str = "switch";

    const OPERANDS: usize = 3;

    #[inline(always)]
    unsafe fn perform([to, word, signal_number, _]: [usize; 4]) -> Arrived {
        // SAFETY: the caller promises that the operands are those of a switch that may be made.
        unsafe { token(to).switch(Word::from_usize(word), signal(signal_number)) }.into()
    }

    fn exchange(
        memory: &mut Memory,
        number: usize,
        place: &Place,
        call: &mut Call,
        placed: &dyn Fn(&mut Call),
    ) {
        let operands = |to, _, word, signal| [to, word, signal, 0];
        against_a_fiber(memory, number, place, call, placed, operands, false);
    }
}

pub(super) struct Exit;

impl Operation for Exit {
    const NAME: &'static str = "exit_to";

    const OPERANDS: usize = 3;

    #[inline(always)]
    unsafe fn perform([to, word, signal_number, _]: [usize; 4]) -> Arrived {
        // SAFETY: `exchange` gives the context of the side that waits, and a word that it takes
        // for a number; no frame of the side that is left has anything to drop.
        unsafe { token(to).exit_to(Word::from_usize(word), signal(signal_number)) }
    }

    /// `placed` runs on a stack of its own, and leaves it.
    fn exchange(
        memory: &mut Memory,
        number: usize,
        place: &Place,
        call: &mut Call,
        placed: &dyn Fn(&mut Call),
    ) {
        let sent = number % 2;
        let mut first = FnTrampoline::new(|arrival: Arrival| -> Departure {
            call.operands = [Arrived::from(arrival).from, number, sent, 0];
            placed(call);
            unreachable!("it has left")
        });
        let first = NonNull::from(&mut first);
        let (_, base) = memory.bounds();
        // SAFETY: memory and trampoline stay in place until the execution has left.
        let context = unsafe { prepare(base, first) };
        // SAFETY: the link is that of the trampoline; words are numbers; the caller waits here.
        let arrival = unsafe { context.resume(first.cast(), Word::from_usize(0), Signal::Run) };
        let Arrived {
            from,
            word,
            signal: arrived,
        } = arrival.into();
        assert_eq!(from, 0, "the side that was left: {place}");
        assert_eq!(word, number, "the word: {place}");
        assert_eq!(arrived, signal(sent), "the signal: {place}");
    }
}

pub(super) struct Descend;

/// What runs below: it checks where, and goes back.
struct Below {
    limit: usize,
    base: usize,
    number: usize,
    place: Place,
    from: Cell<usize>,
}

impl Descent for Below {
    unsafe fn run(this: NonNull<Self>, from: ExecutionContext) -> Departure {
        // SAFETY: `exchange` keeps the object, and gives its address.
        let this = unsafe { this.as_ref() };
        let inside = this.limit..this.base;
        assert!(
            inside.contains(&stack_pointer().addr()),
            "the top: {}",
            this.place
        );
        let from = from.into_raw().get();
        this.from.set(from);
        Departure {
            // SAFETY: the side that has descended waits, and has not been continued.
            to: unsafe { token(from) },
            word: Word::from_usize(this.number),
            signal: signal(this.number % 2),
        }
    }
}

impl Operation for Descend {
    const NAME: &'static str = "descend";

    const OPERANDS: usize = 2;

    #[inline(always)]
    unsafe fn perform([top, object, ..]: [usize; 4]) -> Arrived {
        let pointer = |number| NonZeroUsize::new(number).map(NonNull::with_exposed_provenance);
        let object = NonZeroUsize::new(object).map(NonNull::<Below>::with_exposed_provenance);
        // SAFETY: `exchange` gives the high end of memory that is used for nothing else, and the
        // address of an object that stays; that continues the caller once, while it waits.
        unsafe { descend(pointer(top).unwrap_unchecked(), object.unwrap_unchecked()) }.into()
    }

    fn exchange(
        memory: &mut Memory,
        number: usize,
        place: &Place,
        call: &mut Call,
        placed: &dyn Fn(&mut Call),
    ) {
        let (limit, base) = memory.bounds();
        let below = Below {
            limit: limit.addr().get(),
            base: base.addr().get(),
            number,
            place: *place,
            from: Cell::new(0),
        };
        let object = (&raw const below).expose_provenance();
        call.operands = [base.as_ptr().expose_provenance(), object, 0, 0];
        placed(call);
        let Arrived {
            from,
            word,
            signal: arrived,
        } = call.arrived;
        assert_ne!(below.from.get(), 0, "the object: {place}");
        assert_eq!(from, 0, "the side that was left: {place}");
        assert_eq!(word, number, "the word: {place}");
        assert_eq!(arrived, signal(number % 2), "the signal: {place}");
    }
}
