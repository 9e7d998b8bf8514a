//! Frames go to the heap and come back.
//!
//! All copying on a stack that is in use is done from below everything that is
//! copied, in a [`descend`](sure_context::descend): a signal handler may write
//! to any byte below the stack pointer, at any moment.
//!
//! ```text
//!            resumed from here            resumed from further down
//!
//!     ··· main ···                         ··· main ···
//!     resumer                  base ─────▶ ··· main ···  ┐ displaced: on the heap
//! sp▶ ─────────                            resumer       │ while the coroutine runs
//!     (gap)                            sp▶ ─────────     ┘
//!     ───────── ◀───── base                               both are put back
//!     coroutine │ the delta: on the                       when it suspends
//!     coroutine │ heap while it is
//!     ─────────   suspended
//!     copier
//! ```

use crate::header::{Extent, Header, Mode, Stage};
use crate::region::{Displaced, Inhabitant, Region};
use std::mem::MaybeUninit;
use std::num::NonZeroUsize;
use std::ptr::{self, NonNull};
use sure_context::{
    DESCENT, Departure, Descent, ExecutionContext, Signal, speculate, stack_pointer,
};

/// A coroutine that is about to run: exchange the frames, and continue it.
#[repr(transparent)]
pub(crate) struct Enter(Header);

impl Descent for Enter {
    #[inline(always)]
    unsafe fn run(this: NonNull<Self>, from: ExecutionContext) -> Departure {
        // SAFETY: its descent passes a header, which outlives the execution.
        let header = unsafe { &this.as_ref().0 };
        // SAFETY: the resumer has just been suspended by the descent, above this frame.
        let is_below = unsafe { Header::low_edge(&from) } >= header.base();
        if !is_below || header.stage() != Stage::Running || !is_few(header.bytes()) {
            // SAFETY: called by the descent, with the resumer.
            return unsafe { enter_otherwise(header, from) };
        }
        note_resumer(header, from);
        // SAFETY: the stack pointer is below the frames' place, whose present content is above the
        // low edge of the resumer; the frames are few.
        let to = unsafe { bring_back(header, copy_few) };
        header.begin(Mode::Below);
        Departure {
            to,
            word: header.region().word.get(),
            signal: Signal::Run,
        }
    }
}

/// As [`Enter::run`](Descent::run), whatever the frames are and wherever the resumer stands.
///
/// The usual turn calls nothing that returns. So the compiler keeps all that it needs in registers that it does not
/// have to save, in a function that is entered twice in each turn and never returns.
///
/// # Safety
/// The resumer has just been suspended by the descent, and this runs below it.
#[cold]
#[inline(never)]
unsafe fn enter_otherwise(header: &Header, from: ExecutionContext) -> Departure {
    let base = header.base();
    // SAFETY: the resumer has just been suspended.
    let mode = if unsafe { Header::low_edge(&from) } >= base {
        note_resumer(header, from);
        Mode::Below
    } else {
        displace(header, from, base);
        Mode::Displacing
    };
    let signal = if header.stage().is_unwinding() {
        Signal::Unwind
    } else {
        Signal::Run
    };
    // SAFETY: the stack pointer is below the frames' place, whose present content has been saved.
    let to = unsafe { bring(header) };
    header.begin(mode);
    Departure {
        to,
        word: header.region().word.get(),
        signal,
    }
}

/// Notes a resumer that stays in its place.
#[inline(always)]
fn note_resumer(header: &Header, resumer: ExecutionContext) {
    header.parent.lead_to(&resumer);
    note::keep(resumer.into_raw());
}

/// The resumer that [`note_resumer`] has noted, to continue it.
///
/// # Safety
/// The coroutine runs, the resumer stays in its place, and its token is used once.
#[inline(always)]
unsafe fn noted_resumer(header: &Header) -> ExecutionContext {
    // The note is read first: of two equal values, the compiler keeps the older.
    let guess = note::read();
    // SAFETY: the coroutine runs; this token becomes the one below.
    let resumer = unsafe { header.parent.resumer() }.into_raw();
    // SAFETY: `speculate` returns its second argument, which is not 0, and came from a token.
    unsafe {
        ExecutionContext::from_raw(NonZeroUsize::new_unchecked(speculate(guess, resumer.get())))
    }
}

/// The resumer of the coroutine that was resumed last on this thread: a guess.
///
/// What counts is the parent link. But the processor knows it only once it has found the coroutine's block, its frames therein
/// and in these the address of the header, one after the other; and all that the resumer does next is on the resumer's stack. So
/// one turn would wait for the other. With a guess, turns overlap. One that is wrong costs a mispredicted branch.
mod note {
    use std::cell::Cell;
    use std::num::NonZeroUsize;

    thread_local! {
        static NOTE: Cell<usize> = const { Cell::new(0) };
    }

    /// Stores only what is new, so that reading need not wait for a store.
    #[inline(always)]
    pub(super) fn keep(resumer: NonZeroUsize) {
        if NOTE.get() != resumer.get() {
            std::hint::cold_path();
            NOTE.set(resumer.get());
        }
    }

    #[inline(always)]
    pub(super) fn read() -> usize {
        NOTE.get()
    }
}

/// A coroutine that suspends itself: exchange the frames, and continue the resumer.
#[repr(transparent)]
pub(crate) struct Leave(Header);

impl Descent for Leave {
    #[inline(always)]
    unsafe fn run(this: NonNull<Self>, from: ExecutionContext) -> Departure {
        // SAFETY: its descent passes a header, which outlives the execution.
        let header = unsafe { &this.as_ref().0 };
        // SAFETY: the frames are in place, above the stack pointer.
        let extent = unsafe { header.measure(&from) };
        if header.mode() != Mode::Below || !header.fits(&extent) || !is_few(header.bytes()) {
            // SAFETY: called by the descent, with the coroutine that leaves.
            return unsafe { leave_otherwise(header, from) };
        }
        // SAFETY: it runs, so it has begun.
        unsafe { header.end() };
        // SAFETY: the frames are in place, above the stack pointer, and few.
        unsafe { take_away(header, extent, copy_few) };
        header.suspended(from);
        Departure {
            // SAFETY: the coroutine ran below its resumer, which is continued here only.
            to: unsafe { noted_resumer(header) },
            word: header.region().word.get(),
            signal: Signal::Run,
        }
    }
}

/// As [`Leave::run`](Descent::run), whatever the frames are and whatever they have displaced. (It stands apart for the
/// reason that [`enter_otherwise`] has.)
///
/// # Safety
/// The coroutine runs, and has just been suspended by the descent, above this frame.
#[cold]
#[inline(never)]
unsafe fn leave_otherwise(header: &Header, from: ExecutionContext) -> Departure {
    // SAFETY: it runs, so it has begun.
    unsafe { header.end() };
    // SAFETY: the frames are in place, above the stack pointer.
    unsafe { take_away(header, header.measure(&from), copy) };
    header.suspended(from);
    let to = if header.mode() == Mode::Displacing {
        put_back(header.region())
    } else {
        // SAFETY: the resumer is noted there, and continued once.
        unsafe { header.parent.resumer() }
    };
    Departure {
        to,
        word: header.region().word.get(),
        signal: Signal::Run,
    }
}

/// A coroutine that has ended over displaced frames: put them back, and
/// continue the resumer.
#[repr(transparent)]
pub(crate) struct Finish(Header);

impl Descent for Finish {
    unsafe fn run(this: NonNull<Self>, from: ExecutionContext) -> Departure {
        // Its frames are over.
        let _ = from.into_raw();
        // SAFETY: its descent passes a header, which outlives the execution.
        let header = unsafe { &this.as_ref().0 };
        Departure {
            to: put_back(header.region()),
            word: header.region().word.get(),
            signal: Signal::Unwind,
        }
    }
}

/// Copies the frames of a suspended coroutine to their place, or makes the
/// first frame of a created one there.
///
/// # Safety
/// Below the coroutine's base is memory that may be written and
/// that no signal handler may write to.
#[inline(always)]
unsafe fn bring(header: &Header) -> ExecutionContext {
    if header.stage() == Stage::Starting {
        // SAFETY: an address on a stack is not null.
        let base =
            unsafe { NonNull::new_unchecked(ptr::with_exposed_provenance_mut(header.base())) };
        // SAFETY: created until now; there is room for a first frame and more.
        return unsafe { header.start()(NonNull::from(header), Some(base)) }
            .expect("a first frame");
    }
    // SAFETY: it is suspended; the caller promises the rest.
    unsafe { bring_back(header, copy) }
}

/// Copies the frames of a suspended coroutine to their place.
///
/// # Safety
/// As for [`bring`]; the frames are in the block, and as many as `copy` takes.
#[inline(always)]
unsafe fn bring_back(
    header: &Header,
    copy: unsafe fn(*mut u8, *mut u8, usize),
) -> ExecutionContext {
    let low = ptr::with_exposed_provenance_mut(header.low());
    // SAFETY: the block holds so many bytes; they and the known words may be written below the base, and no
    // signal handler writes there (the caller's promises). The coroutine is suspended, and its token used once.
    unsafe {
        header.put_known();
        copy(header.block(), low, header.bytes());
        header.context()
    }
}

/// Copies the frames of a coroutine that has suspended itself to its block.
///
/// # Safety
/// They are in place, of this extent, and as many as `copy` takes; no signal handler may write there.
#[inline(always)]
unsafe fn take_away(header: &Header, extent: Extent, copy: unsafe fn(*mut u8, *mut u8, usize)) {
    let low = ptr::with_exposed_provenance_mut(extent.low);
    header.make_room(&extent);
    // SAFETY: the block has room for them.
    unsafe { copy(low, header.block(), header.bytes()) };
}

/// Up to this many bytes are copied here, and more by the C library.
const FEW: usize = 512;

#[inline(always)]
fn is_few(bytes: usize) -> bool {
    bytes <= FEW
}

/// Copies any number of bytes.
///
/// # Safety
/// As for [`ptr::copy_nonoverlapping`]; both are aligned to 8, and `bytes` is a
/// multiple of it.
#[inline(always)]
unsafe fn copy(from: *mut u8, to: *mut u8, bytes: usize) {
    if is_few(bytes) {
        // SAFETY: the caller promises that both ranges are valid, apart and aligned.
        unsafe { copy_few(from, to, bytes) };
    } else {
        // SAFETY: the caller promises that both ranges are valid and apart.
        unsafe { ptr::copy_nonoverlapping(from, to, bytes) };
    }
}

/// Word by word, because most words of a small delta have just been written
/// one by one: a wider load would have to wait until they are in the cache.
/// (`volatile` keeps the compiler from making a call of the loop.)
///
/// # Safety
/// As for [`copy`].
#[inline(always)]
unsafe fn copy_few(from: *mut u8, to: *mut u8, bytes: usize) {
    // Frames have holes, which hold nothing.
    type Bits = MaybeUninit<usize>;
    let (from, to) = (from.cast::<Bits>(), to.cast::<Bits>());
    let words = bytes / size_of::<usize>();
    // SAFETY: called with `n < words`, which is inside both ranges, and the caller promises that these are valid.
    let word = |n: usize| unsafe { to.add(n).write_volatile(from.add(n).read_volatile()) };
    let mut n = 0;
    while n < words & !3 {
        (n..n + 4).for_each(word);
        n += 4;
    }
    if words & 2 != 0 {
        (n..n + 2).for_each(word);
        n += 2;
    }
    if words & 1 != 0 {
        word(n);
    }
}

/// Saves what stands from the resumer's low edge up to `base`.
#[cold]
#[inline(never)]
fn displace(header: &Header, from: ExecutionContext, base: usize) {
    let region = header.region();
    // SAFETY: the resumer has just been suspended, and is displaced only below.
    let low = unsafe { Header::low_edge(&from) };
    let bytes = base - low;
    let block = region.arena.allocate(bytes);
    // SAFETY: live frames of this stack; a fresh block of that size.
    unsafe { copy(ptr::with_exposed_provenance_mut(low), block.as_ptr(), bytes) };
    // A walk of the stack must not enter frames that are not there.
    header.parent.lead_nowhere();
    region.displaced.borrow_mut().push(Displaced {
        low,
        bytes,
        copy: block,
        resumer: from.into_raw(),
    });
}

/// Puts back what the innermost displacing coroutine has displaced; its resumer.
#[cold]
#[inline(never)]
fn put_back(region: &Region) -> ExecutionContext {
    let displaced = region.displaced.borrow_mut().pop();
    let Displaced {
        low,
        bytes,
        copy: block,
        resumer,
    } = displaced.expect("a coroutine that displaces has noted what");
    // SAFETY: these bytes were saved from there; nothing else needs the place,
    // because whatever ran there has been taken away or has ended. The block
    // came from `displace`; the token is used once.
    unsafe {
        copy(block.as_ptr(), ptr::with_exposed_provenance_mut(low), bytes);
        region.arena.free(block, bytes);
        ExecutionContext::from_raw(resumer)
    }
}

/// How far down a descent from here must begin, for a coroutine that leaves.
#[inline(always)]
pub(crate) fn below_here(header: &Header) -> usize {
    let top = stack_pointer().addr() - DESCENT;
    if header.mode() == Mode::Displacing {
        let displaced = header.region().displaced.borrow();
        displaced.last().map_or(top, |d| top.min(d.low))
    } else {
        top
    }
}

/// Makes a coroutine's frames those on its run stack, for a resumer on another
/// stack: the present ones are taken away, unless they are its own.
#[inline(always)]
pub(crate) fn occupy(header: &Header) -> ExecutionContext {
    let resident = header.region().resident.replace(None);
    if resident == Some(header.inhabitant()) {
        // SAFETY: it is suspended, and its frames were never taken away.
        return unsafe { header.context() };
    }
    exchange(header, resident)
}

#[inline(never)]
fn exchange(header: &Header, resident: Option<Inhabitant>) -> ExecutionContext {
    if let Some(resident) = resident {
        // SAFETY: an inhabitant is a header; a coroutine that goes is resident no more, see
        // `occupy`; it is suspended, and nothing else has run on this stack since.
        unsafe {
            let resident = resident.cast::<Header>().as_ref();
            let extent = resident.measure(&resident.context());
            take_away(resident, extent, copy);
        }
    }
    // SAFETY: nothing is on the run stack, and signal handlers write to the
    // stack that the caller is on.
    unsafe { bring(header) }
}
