//! Leaks on purpose, one kind for each of the books.

use coro::{Coroutine, SuspendHandle};
use std::hint::black_box;
use std::mem::forget;
use sure_stack::GuardedMmapStack;

/// What is leaked after each generation.
pub(crate) enum Leak {
    Nothing,
    /// A few bytes of the allocator.
    Bytes,
    /// A suspended coroutine, with its stack from a pool.
    Coroutine,
    /// A stack in a mapping of its own.
    Mapping,
    /// Memory that stays resident, of one mapping that there was before: so much of it is in use.
    Resident(Box<[u8]>, usize),
}

impl Leak {
    pub(crate) fn new(kind: Option<&str>) -> Result<Leak, String> {
        match kind {
            None => Ok(Leak::Nothing),
            Some("bytes") => Ok(Leak::Bytes),
            Some("coroutine") => Ok(Leak::Coroutine),
            Some("mapping") => Ok(Leak::Mapping),
            // Zeros, which take no memory until they are written to.
            Some("resident") => Ok(Leak::Resident(vec![0; 1 << 30].into(), 0)),
            Some(kind) => Err(format!("there is no leak of {kind:?}")),
        }
    }

    pub(crate) fn leak(&mut self) {
        match self {
            Leak::Nothing => {}
            Leak::Bytes => forget(black_box(Box::new([1_u8; 40]))),
            Leak::Coroutine => {
                let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
                    handle.suspend(());
                });
                assert!(coroutine.resume(()).yielded().is_some());
                forget(coroutine);
            }
            Leak::Mapping => forget(GuardedMmapStack::allocate_at_least(1 << 16).expect("a stack")),
            Leak::Resident(memory, used) => {
                let more = &mut memory[*used..*used + (1 << 20)];
                black_box(more).fill(1);
                *used += 1 << 20;
            }
        }
    }
}
