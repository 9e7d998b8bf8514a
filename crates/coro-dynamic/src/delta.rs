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

use crate::header::{Header, Mode, Stage};
use crate::region::{Displaced, Inhabitant, Region};
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use sure_context::{DESCENT, Departure, Descent, ExecutionContext, Signal, stack_pointer};

/// A coroutine that is about to run: exchange the frames, and continue it.
#[repr(transparent)]
pub(crate) struct Enter(Header);

impl Descent for Enter {
    #[inline(always)]
    unsafe fn run(this: NonNull<Self>, from: ExecutionContext) -> Departure {
        // SAFETY: its descent passes a header, which outlives the execution.
        let header = unsafe { &this.as_ref().0 };
        let base = header.base();
        // SAFETY: the resumer has just been suspended by the descent, above this frame.
        let mode = if unsafe { Header::low_edge(&from) } >= base {
            header.parent.lead_to(&from);
            let _ = from.into_raw();
            Mode::Below
        } else {
            displace(header, from, base);
            Mode::Displacing
        };
        let signal = match header.stage() {
            Stage::Unwinding { .. } => Signal::Unwind,
            _ => Signal::Run,
        };
        // SAFETY: the stack pointer is below the frames' place, whose present
        // content has been saved.
        let to = unsafe { bring(header, base) };
        header.begin(mode);
        Departure {
            to,
            word: header.region().word.get(),
            signal,
        }
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
        // SAFETY: it runs, so it has begun.
        unsafe { header.end() };
        // SAFETY: the frames are in place, above the stack pointer.
        unsafe { take_away(header, &from) };
        header.suspended(from);
        Departure {
            to: resumer(header),
            word: header.region().word.get(),
            signal: Signal::Run,
        }
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
/// Below `base`, which is the coroutine's, is memory that may be written and
/// that no signal handler may write to.
#[inline(always)]
pub(crate) unsafe fn bring(header: &Header, base: usize) -> ExecutionContext {
    if header.stage() == Stage::Starting {
        // SAFETY: an address on a stack is not null.
        let base = unsafe { NonNull::new_unchecked(ptr::with_exposed_provenance_mut(base)) };
        // SAFETY: created until now; there is room for a first frame and more.
        return unsafe { header.start()(NonNull::from(header), Some(base)) }
            .expect("a first frame");
    }
    let bytes = header.bytes();
    // SAFETY: the block holds that many bytes; as many below `base` may be written, and no
    // signal handler writes there (the caller's promises).
    unsafe {
        copy(
            header.block(),
            ptr::with_exposed_provenance_mut(base - bytes),
            bytes,
        );
        header.context()
    }
}

/// Copies the frames of a coroutine that has suspended itself to its block.
///
/// # Safety
/// They are in place, and no signal handler may write there.
#[inline(always)]
pub(crate) unsafe fn take_away(header: &Header, context: &ExecutionContext) {
    // SAFETY: the frames are in place (the caller's promise).
    let low = unsafe { Header::low_edge(context) };
    let fits = header.resize(header.base() - low);
    assert!(fits, "`suspend` has looked at the size");
    // SAFETY: the block has as many bytes as the frames.
    unsafe {
        copy(
            ptr::with_exposed_provenance_mut(low),
            header.block(),
            header.bytes(),
        )
    };
}

/// Up to this many bytes are copied here, and more by the C library.
const FEW: usize = 512;

/// Word by word, because most words of a small delta have just been written
/// one by one: a wider load would have to wait until they are in the cache.
/// (`volatile` keeps the compiler from making a call of the loop.)
///
/// # Safety
/// As for [`ptr::copy_nonoverlapping`]; both are aligned to 8, and `bytes` is a
/// multiple of it.
#[inline(always)]
unsafe fn copy(from: *mut u8, to: *mut u8, bytes: usize) {
    // Frames have holes, which hold nothing.
    type Bits = MaybeUninit<usize>;
    let (from, to) = (from.cast::<Bits>(), to.cast::<Bits>());
    let words = bytes / size_of::<usize>();
    if bytes > FEW {
        // SAFETY: both ranges are valid, apart and aligned (the caller's promise); `words` words
        // are `bytes` bytes.
        return unsafe { ptr::copy_nonoverlapping(from, to, words) };
    }
    let mut n = 0;
    while n < words {
        // SAFETY: `n < words`, so it is inside both ranges, which the caller promises are valid.
        unsafe { to.add(n).write_volatile(from.add(n).read_volatile()) };
        n += 1;
    }
}

/// The resumer of a coroutine that leaves; what was displaced is put back.
#[inline(always)]
fn resumer(header: &Header) -> ExecutionContext {
    if header.mode() == Mode::Displacing {
        return put_back(header.region());
    }
    // SAFETY: the resumer is noted there, and continued once.
    unsafe { header.parent.resumer() }
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
            take_away(resident, &resident.context());
        }
    }
    // SAFETY: nothing is on the run stack, and signal handlers write to the
    // stack that the caller is on.
    unsafe { bring(header, header.base()) }
}
