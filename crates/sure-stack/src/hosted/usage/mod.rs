//! How much of a stack was used.

mod report;

pub use report::{Bucket, UsageReport};

use crate::Stack;
use crate::hosted::sys::memory::{page_size, residence};
use core::mem::size_of;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// The most bytes of a stack that were in use at once: from the lowest byte
/// that is not zero up to the base.
///
/// Memory from the system is zero until it is written to, so this counts since the memory
/// was mapped, or last given back to the system. A stack from a pool has been used
/// before; see [`PoolConfig::measure`](crate::PoolConfig::measure) for marks of
/// its last use alone. Nothing on the stack need be dead, but what is suspended
/// there may come to need more.
///
/// Pages that were never touched are not touched by this either: it asks the system which
/// pages take memory (mincore(2)), and looks at these only, from the low end. That takes one
/// system call for 128 pages, and the time to read the resident pages below the mark, of
/// which there are usually none.
///
/// # Bounds
/// - What was only ever written as zero is not seen. The mark is too low by
///   the zeros at the low end of the deepest frame: padding, or an array
///   that was never filled.
/// - It does not see pages that are swapped out; use it while there is memory.
/// - A frame that was reserved and not written to does not count; the guard
///   has to be far enough for it all the same.
/// - No other thread may write to the stack meanwhile, and none can: code runs
///   on a stack by owning it or by an exclusive reference, so that a thread with a
///   shared reference has it to itself ([`Stack`], obligation 1).
///
/// ```
/// use sure_stack::{GuardedMmapStack, Stack, high_water_mark};
///
/// let stack = GuardedMmapStack::allocate_at_least(64 << 10)?;
/// assert_eq!(high_water_mark(&stack), 0);
/// // SAFETY: the stack's memory, on which nothing runs.
/// unsafe { stack.base().sub(5000).write(1) };
/// assert_eq!(high_water_mark(&stack), 5000);
/// # Ok::<(), sure_stack::StackError>(())
/// ```
pub fn high_water_mark<S: Stack + ?Sized>(stack: &S) -> usize {
    // SAFETY: the bounds of a stack.
    unsafe { mark(stack.limit(), stack.base()) }
}

/// The high-water mark of the stack with these bounds.
///
/// # Safety
/// All bytes of it are mapped and readable, and no other thread writes to them.
pub(crate) unsafe fn mark(limit: NonNull<u8>, base: NonNull<u8>) -> usize {
    let (limit, base) = (limit.as_ptr(), base.as_ptr());
    let page = page_size();
    let mut start = limit.map_addr(|address| address & !(page - 1));
    let mut answer = [false; 128];
    while start.addr() < base.addr() {
        let left = (base.addr() - start.addr()).div_ceil(page);
        let answer = &mut answer[..left.min(128)];
        // SAFETY: pages in which there is a byte of the stack, so that they
        // are mapped; asking changes nothing.
        let known = unsafe { residence(start, answer) }.is_ok();
        for resident in answer {
            let end = start.wrapping_add(page);
            if !known || *resident {
                // SAFETY: bytes of the stack.
                let used = unsafe { first_used(start.max(limit), end.min(base)) };
                if let Some(used) = used {
                    return base.addr() - used;
                }
            }
            start = end;
        }
    }
    0
}

/// The address of the first byte from `start` to `end` that is not zero.
///
/// # Safety
/// The bytes are readable, and no other thread writes to them.
unsafe fn first_used(start: *mut u8, end: *mut u8) -> Option<usize> {
    const WORD: usize = size_of::<usize>();
    let mut next = start;
    while next.addr() < end.addr() {
        let whole = next.addr().is_multiple_of(WORD) && end.addr() - next.addr() >= WORD;
        // SAFETY: an aligned word of the range.
        if whole && unsafe { AtomicUsize::from_ptr(next.cast()) }.load(Ordering::Relaxed) == 0 {
            next = next.wrapping_add(WORD);
            continue;
        }
        // SAFETY: a byte of the range.
        if unsafe { AtomicU8::from_ptr(next) }.load(Ordering::Relaxed) != 0 {
            return Some(next.addr());
        }
        next = next.wrapping_add(1);
    }
    None
}
