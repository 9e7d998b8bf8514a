use crate::DynamicHandle;
use crate::delta::{self, Finish};
use crate::header::{Header, Mode, Stage};
use coro::internal::{self, Payload};
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, size_of};
use std::ptr::{self, NonNull};
use sure_context::{
    Arrival, Departure, ExecutionContext, Signal, Trampoline, Word, descend, prepare_unchecked,
};

/// A header that knows its closure: the root of the coroutine's frames.
#[repr(C)]
pub(crate) struct Root<F, Input, Yield, Return> {
    header: Header,
    closure: PhantomData<F>,
    types: PhantomData<fn(Input) -> (Yield, Return)>,
}

impl<F, Input, Yield, Return> Root<F, Input, Yield, Return>
where
    F: FnOnce(&DynamicHandle<Input, Yield>, Input) -> Return,
{
    /// See [`Start`](crate::header::Start).
    ///
    /// # Safety
    /// The closure is in the header's block, and no other code takes it. Below
    /// the base, if there is one, is room for a first frame, which is left alone.
    pub(crate) unsafe fn start(
        header: NonNull<Header>,
        base: Option<NonNull<u8>>,
    ) -> Option<ExecutionContext> {
        match base {
            // SAFETY: the caller promises room for a first frame below the base, which is left
            // alone; the header, which begins with a link, stays in place.
            Some(base) => Some(unsafe { prepare_unchecked(base, header.cast::<Self>()) }),
            None => {
                // SAFETY: the closure is dropped here and nowhere else.
                drop(unsafe { header.as_ref().block().cast::<F>().read_unaligned() });
                None
            }
        }
    }

    /// Calls the closure; what it returns is sent as a word, if need be from
    /// the block.
    #[inline(always)]
    fn call(&self, word: Word) -> Result<Word, Payload> {
        internal::catch(|| {
            // SAFETY: a first frame runs once.
            let closure = unsafe { self.header.block().cast::<F>().read_unaligned() };
            let handle = DynamicHandle::of(&self.header);
            self.header.set_stage(Stage::Running);
            // SAFETY: the first resume has sent an input.
            let input = unsafe { handle.receive(word) };
            let mut value = ManuallyDrop::new(closure(handle, input));
            if Word::fits::<Return>() {
                Word::send(&mut value)
            } else {
                self.keep(&value);
                Word::EMPTY
            }
        })
    }

    /// Moves a value to the block, where it is out of the way of frames.
    fn keep<T>(&self, value: &ManuallyDrop<T>) {
        let fits = self.header.resize(size_of::<T>());
        assert!(fits, "a value of less than 32 GiB");
        // SAFETY: the block has that many bytes.
        unsafe {
            ptr::copy_nonoverlapping(
                ptr::from_ref(value).cast::<u8>(),
                self.header.block(),
                size_of::<T>(),
            );
        }
    }
}

// SAFETY: `#[repr(C)]`, and so is the header, whose first field is a `ParentLink`.
unsafe impl<F, Input, Yield, Return> Trampoline for Root<F, Input, Yield, Return>
where
    F: FnOnce(&DynamicHandle<Input, Yield>, Input) -> Return,
{
    #[inline(always)]
    unsafe fn run(this: NonNull<Self>, arrival: Arrival) -> Departure {
        // SAFETY: the header outlives the execution; all that changes is in cells.
        let root = unsafe { this.as_ref() };
        let header = &root.header;
        let word = match root.call(arrival.word) {
            Ok(word) => {
                header.set_stage(Stage::Returned);
                word
            }
            Err(payload) => {
                root.keep(&ManuallyDrop::new(payload));
                header.set_stage(Stage::Panicked);
                Word::EMPTY
            }
        };
        // SAFETY: it runs, so it has begun.
        unsafe { header.end() };
        if header.mode() == Mode::Displacing {
            finish(header, word);
        }
        Departure {
            // SAFETY: the resumer is noted there, and continued once.
            to: unsafe { header.parent.resumer() },
            word,
            signal: Signal::Unwind,
        }
    }
}

/// Leaves for good, and puts back what was displaced.
#[cold]
#[inline(never)]
fn finish(header: &Header, word: Word) -> ! {
    header.region().word.set(word);
    let top = ptr::with_exposed_provenance_mut(delta::below_here(header));
    // SAFETY: far enough below; the room there was made sure of at the resume,
    // from further down. Nothing in the frames of this execution is needed.
    let _ = unsafe {
        descend(
            NonNull::new_unchecked(top),
            NonNull::from(header).cast::<Finish>(),
        )
    };
    unreachable!("an execution that has ended is not continued")
}
