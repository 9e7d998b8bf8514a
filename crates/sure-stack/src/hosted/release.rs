//! Memory of a stack that is in use, given back to the system.

use super::guard::clears_memory;
use super::sys::memory::{self, Advice, page_size};
use crate::Stack;

/// Gives the memory of the whole pages between the stack's limit and `address` back to the system,
/// and returns how many bytes that was: a multiple of the page size. The stack keeps its size; the
/// pages read as zeros, and take memory again when they are touched.
///
/// The page in which `address` lies stays as it is, and so does the guard. The result is 0 if none
/// of the pages takes memory, if `address` is not on the stack, and where the system gives nothing
/// back: locked memory, or an emulator that ignores the advice (madvise(2), `MADV_DONTNEED`).
///
/// It takes one system call for 128 pages, which asks which of them take memory (mincore(2)), and
/// one more if any does, in time proportional to those. [`high_water_mark`](crate::high_water_mark)
/// counts from then on.
///
/// # Safety
/// 1. No byte of the stack below `address` is needed: no frame, saved register, value, or
///    red zone of code that is suspended there.
/// 2. No code runs on the stack until this returns.
///
/// ```
/// use sure_stack::{GuardedMmapStack, Stack, release_below};
///
/// let stack = GuardedMmapStack::allocate_at_least(256 << 10)?;
/// let (deep, in_use) = (stack.limit().as_ptr(), stack.base().as_ptr().wrapping_sub(8));
/// // SAFETY: two bytes of the stack, on which nothing runs.
/// unsafe {
///     deep.write(7);
///     in_use.write(7);
/// }
/// // SAFETY: what is needed is at `in_use`, and nothing runs on the stack.
/// let bytes = unsafe { release_below(&stack, in_use) };
/// // Unless an emulator ignores it.
/// if bytes > 0 {
///     // SAFETY: the same two bytes.
///     assert_eq!(unsafe { (deep.read(), in_use.read()) }, (0, 7));
/// }
/// # Ok::<(), sure_stack::StackError>(())
/// ```
pub unsafe fn release_below<S: Stack + ?Sized>(stack: &S, address: *const u8) -> usize {
    // SAFETY: nothing below is needed (1), and nothing runs there (2).
    unsafe { release_below_if(stack, address, 0) }
}

/// As [`release_below`], if the pages that it would give back take more than `bytes`
/// bytes of memory; otherwise it only asks (mincore(2)), and returns 0.
///
/// # Safety
/// As [`release_below`].
///
/// ```
/// use sure_stack::{GuardedMmapStack, Stack, release_below_if};
///
/// let stack = GuardedMmapStack::allocate_at_least(256 << 10)?;
/// // SAFETY: the lowest 64 KiB of a stack on which nothing runs.
/// unsafe { stack.limit().write_bytes(7, 64 << 10) };
/// let base = stack.base().as_ptr();
/// // SAFETY: nothing on the stack is needed, and nothing runs there.
/// unsafe {
///     assert_eq!(release_below_if(&stack, base, 100 << 10), 0);
///     // Unless an emulator ignores it.
///     assert!([64 << 10, 0].contains(&release_below_if(&stack, base, 50 << 10)));
/// }
/// # Ok::<(), sure_stack::StackError>(())
/// ```
pub unsafe fn release_below_if<S: Stack + ?Sized>(
    stack: &S,
    address: *const u8,
    bytes: usize,
) -> usize {
    let (limit, base) = (stack.limit().as_ptr(), stack.base().as_ptr());
    if !(limit.addr()..=base.addr()).contains(&address.addr()) {
        return 0;
    }
    let page = page_size();
    // A stack of this crate begins at a page; another one need not.
    let start = limit.map_addr(|limit| limit.next_multiple_of(page));
    let pages = address.addr().saturating_sub(start.addr()) / page;
    if pages == 0 || !clears_memory() {
        return 0;
    }
    // SAFETY: whole pages between the bounds of a stack, which are mapped.
    let resident = unsafe { memory::count_resident(start, pages) };
    if resident * page <= bytes {
        return 0;
    }
    // SAFETY: whole pages of the stack, below `address`: nothing in them is needed (1), and
    // nothing is being put there (2).
    match unsafe { memory::advise(start, pages * page, Advice::DontNeed) } {
        Ok(()) => resident * page,
        Err(_) => 0,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::hosted::sys::failpoint::{Call, during};
    use crate::{GuardedMmapStack, PooledStack};
    use core::ptr::NonNull;
    use core::slice;

    const PAGES: usize = 150;

    /// A stack whose bounds lie inside of pages.
    struct Inside(GuardedMmapStack);

    // SAFETY: a part of another stack, with a guard that begins some bytes below the limit; no
    // code runs on it.
    unsafe impl Stack for Inside {
        fn base(&self) -> NonNull<u8> {
            // SAFETY: inside the stack.
            unsafe { self.0.base().sub(100) }
        }

        fn limit(&self) -> NonNull<u8> {
            // SAFETY: inside the stack.
            unsafe { self.0.limit().add(100) }
        }
    }

    #[allow(clippy::mut_from_ref, reason = "memory of the stack, not of the value")]
    fn bytes(stack: &impl Stack) -> &mut [u8] {
        // SAFETY: the stack's bytes; nothing runs there, and a test has one such slice at a time.
        unsafe { slice::from_raw_parts_mut(stack.limit().as_ptr(), stack.size()) }
    }

    /// Fills the stack, releases what is below the byte at `offset`, and checks every byte.
    fn check(stack: &impl Stack, offset: usize) {
        let page = page_size();
        bytes(stack).fill(0xA5);
        let limit = stack.limit().addr().get();
        let first = limit.next_multiple_of(page);
        let end = ((limit + offset) / page * page).max(first);
        let address = stack.limit().as_ptr().wrapping_add(offset);
        // SAFETY: nothing on the stack is needed, and nothing runs there.
        let released = unsafe { release_below(stack, address) };
        let done = if clears_memory() { end - first } else { 0 };
        assert_eq!(released, done, "at {offset}");
        // SAFETY: as above. Before the bytes are read, which brings pages of zeros.
        let again = unsafe { release_below(stack, address) };
        assert_eq!(again, 0, "at {offset}, again");
        let zeros = first - limit..first - limit + done;
        for (at, byte) in bytes(stack).iter().enumerate() {
            assert_eq!(*byte == 0, zeros.contains(&at), "at {at}, below {offset}");
        }
    }

    fn check_edges(stack: &impl Stack) {
        let page = page_size();
        for offset in [0, 1, page, 7 * page + 13, stack.size() - 1, stack.size()] {
            for offset in offset.saturating_sub(1)..=(offset + 1).min(stack.size()) {
                check(stack, offset);
            }
        }
    }

    #[test]
    fn whole_pages_below_an_address_and_nothing_else_are_given_back() {
        let stack = GuardedMmapStack::allocate_at_least(PAGES * page_size()).unwrap();
        // More than the system is asked about at once.
        check(&stack, 140 * page_size());
        let stack = GuardedMmapStack::allocate_at_least(9 * page_size()).unwrap();
        check_edges(&stack);
        check_edges(&Inside(stack));
        check_edges(&PooledStack::new().unwrap());
    }

    #[test]
    fn an_address_elsewhere_releases_nothing() {
        let stack = GuardedMmapStack::allocate_at_least(4 * page_size()).unwrap();
        bytes(&stack).fill(1);
        let (limit, base) = (stack.limit().as_ptr(), stack.base().as_ptr());
        let elsewhere = [
            core::ptr::null_mut(),
            limit.wrapping_sub(1),
            base.wrapping_add(1),
            base.wrapping_add(1 << 20),
        ];
        for address in elsewhere {
            // SAFETY: nothing on the stack is needed, and nothing runs there.
            assert_eq!(unsafe { release_below(&stack, address) }, 0);
        }
        assert!(bytes(&stack).iter().all(|byte| *byte == 1));
    }

    #[test]
    fn pages_that_take_no_memory_are_left_alone() {
        clears_memory();
        let calls = during(
            |_, call| (call == Call::Advise).then_some(libc::EINVAL),
            || {
                let stack = GuardedMmapStack::allocate_at_least(PAGES * page_size()).unwrap();
                // SAFETY: nothing on the stack is needed, and nothing runs there.
                assert_eq!(unsafe { release_below(&stack, stack.base().as_ptr()) }, 0);
            },
        );
        assert!(!calls.all.contains(&Call::Advise), "{calls:?}");
    }

    #[test]
    fn what_the_system_refuses_stays() {
        let cleared = clears_memory();
        let stack = GuardedMmapStack::allocate_at_least(4 * page_size()).unwrap();
        bytes(&stack).fill(1);
        for errno in [libc::EINVAL, libc::ENOMEM, libc::EAGAIN] {
            let base = stack.base().as_ptr();
            let calls = during(
                move |_, call| (call == Call::Advise).then_some(errno),
                || {
                    // SAFETY: nothing on the stack is needed, and nothing runs there.
                    assert_eq!(unsafe { release_below(&stack, base) }, 0);
                },
            );
            assert_eq!(calls.failed.len(), usize::from(cleared));
            assert!(bytes(&stack).iter().all(|byte| *byte == 1));
        }
    }
}
