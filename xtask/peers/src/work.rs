//! What is compared: one row for each piece of work.

/// A piece of work, which every peer that can does in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// One coroutine is resumed and suspends, with a value each way, from inside so many calls
    /// that are not inlined.
    RoundTrip { value: Value, depth: usize },
    /// A word goes to a coroutine that resumes another one with it, and back.
    Nested,
    /// A coroutine is created, runs to its end in one go, and is dropped.
    Life(Life),
    /// A coroutine is created, suspends once, and is dropped with its frames in place.
    DropSuspended,
    /// 10,000 coroutines, each resumed in its turn, suspended inside so many calls.
    Turns { shuffled: bool, depth: usize },
    /// So many coroutines in turn whose frames are copied away while they are suspended.
    Copied { many: usize },
    /// An item passes through five generators, each of which pulls from the one before it.
    Pipeline,
    /// A recursive function walks a tree and yields every node.
    Tree,
    /// Blocking code parses a JSON document whose bytes come in pieces.
    Json,
    /// A call through a check whether enough stack is left, where there is.
    CallWithRoom,
    /// A call on another stack, which is kept for the next one.
    CallOnKeptStack,
    /// A call for which a larger stack is made.
    CallThatGrows,
}

/// What goes in and comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    Unit,
    Word,
    /// 64 bytes.
    Large,
}

/// Where the stack of a short life comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// From the operating system, of so many bytes, and back to it.
    NewStack(usize),
    /// From a pool, or from the life before.
    KeptStack,
}

/// A row of the report.
pub struct Row {
    pub name: &'static str,
    pub work: Work,
    /// Into how many pieces the time of one repetition is divided.
    pub pieces: usize,
    /// Whose times the others are divided by; where that peer is missing, the first one that is
    /// not.
    pub base: &'static str,
    /// Whether peers meet the base one after the other instead of all at once: ten thousand
    /// stacks of several libraries are more mappings than a process may have.
    pub apart: bool,
}

/// How many coroutines take turns.
pub const MANY: usize = 10_000;

const fn row(name: &'static str, work: Work) -> Row {
    Row {
        name,
        work,
        pieces: 1,
        base: "corosensei",
        apart: false,
    }
}

const fn round_trip(name: &'static str, value: Value, depth: usize) -> Row {
    row(name, Work::RoundTrip { value, depth })
}

const fn new_stack(name: &'static str, bytes: usize) -> Row {
    row(name, Work::Life(Life::NewStack(bytes)))
}

const fn turns(name: &'static str, shuffled: bool, depth: usize) -> Row {
    Row {
        apart: true,
        ..row(name, Work::Turns { shuffled, depth })
    }
}

/// All rows, in the order of the report.
pub const ROWS: &[Row] = &[
    round_trip("resume and suspend, ()", Value::Unit, 0),
    round_trip("resume and suspend, usize", Value::Word, 0),
    round_trip("resume and suspend, 64 bytes", Value::Large, 0),
    round_trip("resume and suspend, usize, inside 1 call", Value::Word, 1),
    round_trip("resume and suspend, usize, inside 3 calls", Value::Word, 3),
    round_trip(
        "resume and suspend, usize, inside 10 calls",
        Value::Word,
        10,
    ),
    row(
        "resume and suspend, usize, through an inner coroutine",
        Work::Nested,
    ),
    row("create, run, drop; stack kept", Work::Life(Life::KeptStack)),
    new_stack("create, run, drop; new stack of 16 KiB", 16 << 10),
    new_stack("create, run, drop; new stack of 256 KiB", 256 << 10),
    new_stack("create, run, drop; new stack of 1 MiB", 1 << 20),
    row("create, suspend, drop while suspended", Work::DropSuspended),
    turns("10,000 in order", false, 0),
    turns("10,000 shuffled", true, 0),
    turns("10,000 shuffled, each inside 3 calls", true, 3),
    Row {
        base: "greenlet",
        ..row("copied frames, one coroutine", Work::Copied { many: 1 })
    },
    Row {
        base: "greenlet",
        ..row("copied frames, 10,000 in turn", Work::Copied { many: MANY })
    },
    row("an item through a pipeline of 5 generators", Work::Pipeline),
    Row {
        pieces: crate::shared::tree::NODES,
        ..row("a node of a tree, walked recursively", Work::Tree)
    },
    row("a JSON document of 4 KiB in pieces of 64 bytes", Work::Json),
    Row {
        base: "stacker",
        ..row(
            "a call that checks the stack and finds room",
            Work::CallWithRoom,
        )
    },
    row("a call on a kept stack", Work::CallOnKeptStack),
    Row {
        base: "stacker",
        ..row("a call on a new stack of 256 KiB", Work::CallThatGrows)
    },
];
