//! Which call fails: the n-th one of those that are made while the plan is armed, or all from there on.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};

/// What can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Call {
    Allocation,
    Mmap,
    Munmap,
    Mprotect,
    Madvise,
    Mincore,
    Sigaltstack,
    Sigaction,
    Getrlimit,
    Uname,
    AtFork,
    Attributes,
}

impl Call {
    pub const ALL: [Call; 12] = [
        Call::Allocation,
        Call::Mmap,
        Call::Munmap,
        Call::Mprotect,
        Call::Madvise,
        Call::Mincore,
        Call::Sigaltstack,
        Call::Sigaction,
        Call::Getrlimit,
        Call::Uname,
        Call::AtFork,
        Call::Attributes,
    ];

    /// As it is called in C.
    pub fn name(self) -> &'static str {
        match self {
            Call::Allocation => "an allocation",
            Call::Mmap => "mmap",
            Call::Munmap => "munmap",
            Call::Mprotect => "mprotect",
            Call::Madvise => "madvise",
            Call::Mincore => "mincore",
            Call::Sigaltstack => "sigaltstack",
            Call::Sigaction => "sigaction",
            Call::Getrlimit => "getrlimit",
            Call::Uname => "uname",
            Call::AtFork => "pthread_atfork",
            Call::Attributes => "pthread_getattr_np",
        }
    }
}

/// Which of the calls fail.
#[derive(Clone, Copy, Debug)]
pub enum Plan {
    /// None.
    Nothing,
    /// The one of this number, counted from 0.
    Once(usize),
    /// From the call of this number on, each that is none of the allocator's.
    SystemFrom(usize),
}

static ARMED: AtomicBool = AtomicBool::new(false);
/// How many calls were made while armed.
static CALLS: AtomicUsize = AtomicUsize::new(0);
static ONCE: AtomicUsize = AtomicUsize::new(usize::MAX);
static FROM: AtomicUsize = AtomicUsize::new(usize::MAX);
/// Which call was the first to fail, as its place in [`Call::ALL`].
static FAILED: AtomicUsize = AtomicUsize::new(usize::MAX);

/// From now on calls are counted, and fail by the plan.
pub fn arm(plan: Plan) {
    let (once, from) = match plan {
        Plan::Nothing => (usize::MAX, usize::MAX),
        Plan::Once(n) => (n, usize::MAX),
        Plan::SystemFrom(n) => (usize::MAX, n),
    };
    ONCE.store(once, SeqCst);
    FROM.store(from, SeqCst);
    CALLS.store(0, SeqCst);
    ARMED.store(true, SeqCst);
}

/// Nothing fails any more. Returns how many calls there were.
pub fn disarm() -> usize {
    ARMED.store(false, SeqCst);
    CALLS.load(SeqCst)
}

/// Whether this call is to fail.
pub fn fails(call: Call) -> bool {
    if !ARMED.load(SeqCst) {
        return false;
    }
    let number = CALLS.fetch_add(1, SeqCst);
    let system = call != Call::Allocation;
    let fails = number == ONCE.load(SeqCst) || system && number >= FROM.load(SeqCst);
    if fails {
        let _ = FAILED.compare_exchange(usize::MAX, call as usize, SeqCst, SeqCst);
    }
    fails
}

/// The first call that was made to fail.
pub fn failed() -> Option<Call> {
    Call::ALL.get(FAILED.load(SeqCst)).copied()
}
