//! The least coroutine that a test needs: words in, words out.

use alloc::boxed::Box;
use alloc::{vec, vec::Vec};
use core::ptr::NonNull;
use sure_context::{
    Arrival, Departure, ExecutionContext, FnTrampoline, ParentLink, Signal, Word, prepare,
};

/// Zeroed memory for a stack; pages that are never touched cost nothing.
pub(crate) struct Memory(Vec<u128>);

impl Memory {
    pub(crate) fn new(bytes: usize) -> Memory {
        Memory(vec![0; bytes / 16])
    }

    pub(crate) fn bounds(&mut self) -> (NonNull<u8>, NonNull<u8>) {
        let range = self.0.as_mut_ptr_range();
        let end = |pointer: *mut u128| NonNull::new(pointer.cast()).expect("a Vec is not at null");
        (end(range.start), end(range.end))
    }
}

type Body = Box<dyn FnOnce(&mut Inside, Word) -> Word>;
type First = FnTrampoline<Box<dyn FnOnce(Arrival) -> Departure>>;

/// A suspended piece of test code. One that is dropped before its end leaves
/// its frames behind, as dropping a context does.
pub(crate) struct Fiber {
    context: Option<ExecutionContext>,
    first: NonNull<First>,
    _memory: Memory,
}

/// The inside of a fiber: the way back to its resumer.
pub(crate) struct Inside {
    resumer: Option<ExecutionContext>,
}

impl Fiber {
    pub(crate) fn new(body: impl FnOnce(&mut Inside, Word) -> Word + 'static) -> Fiber {
        Fiber::with_memory(Memory::new(256 << 10), body)
    }

    pub(crate) fn with_memory(
        mut memory: Memory,
        body: impl FnOnce(&mut Inside, Word) -> Word + 'static,
    ) -> Fiber {
        let body: Body = Box::new(body);
        let first = First::new(Box::new(move |arrival| {
            let mut inside = Inside {
                resumer: arrival.from,
            };
            let word = body(&mut inside, arrival.word);
            Departure {
                to: inside.resumer.expect("a resumer"),
                word,
                signal: Signal::Run,
            }
        }));
        let first = NonNull::from(Box::leak(Box::new(first)));
        let (_, base) = memory.bounds();
        // SAFETY: memory and trampoline belong to the fiber.
        let context = unsafe { prepare(base, first) };
        Fiber {
            context: Some(context),
            first,
            _memory: memory,
        }
    }

    /// Runs it until it suspends or ends, and returns what it sends.
    #[inline(always)]
    pub(crate) fn resume(&mut self, word: Word) -> Word {
        let context = self.context.take().expect("not complete");
        let link: NonNull<ParentLink> = self.first.cast();
        // SAFETY: suspended, alive and of this thread; the trampoline begins
        // with the link; tests agree with themselves on what words mean.
        let arrival = unsafe { context.resume(link, word, Signal::Run) };
        assert_eq!(arrival.signal, Signal::Run);
        self.context = arrival.from;
        arrival.word
    }

    pub(crate) fn resume_number(&mut self, number: usize) -> usize {
        // SAFETY: for fibers whose words are numbers.
        unsafe { self.resume(Word::from_usize(number)).as_usize() }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.context.is_none()
    }
}

impl Drop for Fiber {
    fn drop(&mut self) {
        // SAFETY: made by `Box::leak`; frames that still refer to it never run again.
        drop(unsafe { Box::from_raw(self.first.as_ptr()) });
    }
}

impl Inside {
    #[inline(always)]
    pub(crate) fn suspend(&mut self, word: Word) -> Word {
        let resumer = self.resumer.take().expect("a resumer");
        // SAFETY: the resumer waits in `Fiber::resume`.
        let arrival = unsafe { resumer.switch(word, Signal::Run) };
        assert_eq!(arrival.signal, Signal::Run);
        self.resumer = arrival.from;
        arrival.word
    }

    pub(crate) fn suspend_number(&mut self, number: usize) -> usize {
        // SAFETY: for fibers whose words are numbers.
        unsafe { self.suspend(Word::from_usize(number)).as_usize() }
    }
}
