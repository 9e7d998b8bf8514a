//! Which stack an address is on, for code that asks about its own stack pointer.

use crate::hosted::registry::{self, find};
use crate::hosted::sys::thread::own_stack;
use core::cell::Cell;
use core::ops::Range;

/// The stack that was found last, and when.
#[derive(Clone, Copy)]
struct Found {
    limit: usize,
    end: usize,
    /// How many regions had been forgotten: as long as no more are, what was
    /// found is still there.
    forgotten: usize,
}

/// Not a stack.
const NOTHING: Found = Found {
    limit: 0,
    end: 0,
    forgotten: 0,
};

std::thread_local! {
    static LAST: Cell<Found> = const { Cell::new(NOTHING) };
    /// The thread's own stack; it has one until it ends. `None` before the first question.
    static OWN: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
}

/// The usable addresses of the stack on which `address` lies: one of this crate's, or the
/// calling thread's own. `None` if it is on neither.
///
/// For a stack of this crate, the end may be some bytes above its
/// [`base`](crate::Stack::base). The thread's own stack may grow down to the beginning of the
/// range, which for the main thread is where `RLIMIT_STACK` put it at the time of the thread's first
/// question (`pthread_getattr_np(3)`).
///
/// Asked again for the same stack it takes a few instructions; for another one of this
/// crate's O(log n) steps for n mappings; the thread's own bounds are read from the system once.
/// Stacks that no caller asks about pay nothing.
///
/// ```
/// use sure_stack::{GuardedMmapStack, Stack, stack_at};
///
/// let stack = GuardedMmapStack::allocate_at_least(1 << 16)?;
/// let range = stack_at(stack.limit().as_ptr()).expect("it is one of ours");
/// assert_eq!(range, stack.limit().addr().get()..stack.base().addr().get());
///
/// let local = 0_u8;
/// assert!(stack_at(&local).is_some_and(|range| range.contains(&(&raw const local).addr())));
/// assert_eq!(stack_at(Box::new(1_u8).as_ref()), None);
/// # Ok::<(), sure_stack::StackError>(())
/// ```
// With `movable` on, it has a frame of its own, in which thread-locals are asked for anew.
#[cfg_attr(feature = "movable", inline(never))]
#[cfg_attr(not(feature = "movable"), inline)]
pub fn stack_at(address: *const u8) -> Option<Range<usize>> {
    let address = address.addr();
    let last = LAST.get();
    if (last.limit..last.end).contains(&address) && last.forgotten == registry::forgotten() {
        return Some(last.limit..last.end);
    }
    look_up(address)
}

#[cold]
#[inline(never)]
fn look_up(address: usize) -> Option<Range<usize>> {
    let own = match OWN.get() {
        Some(own) => own,
        None => {
            // An empty range, if the system does not say.
            let own = own_stack().unwrap_or_default();
            OWN.set(Some(own));
            own
        }
    };
    // Counted first: a region that is forgotten while the answer is on its way
    // makes the answer old at once.
    let forgotten = registry::forgotten();
    let (limit, end) = if (own.0..own.1).contains(&address) {
        own
    } else {
        let slot = find(address).filter(|slot| !slot.guards(address))?;
        (slot.limit, slot.end)
    };
    LAST.set(Found {
        limit,
        end,
        forgotten,
    });
    Some(limit..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GuardedMmapStack, PooledStack, Stack};

    fn inside(stack: &impl Stack) -> Option<Range<usize>> {
        stack_at(stack.base().as_ptr().wrapping_sub(100))
    }

    #[test]
    fn the_threads_own_stack() {
        let check = |least: usize| {
            let local = 0_u8;
            for _ in 0..2 {
                let own = stack_at(&local).expect("bounds");
                assert!(own.contains(&(&raw const local).addr()));
                // A guard may have been taken off twice.
                assert!(own.len() >= least - (64 << 10), "{}", own.len());
            }
        };
        check(64 << 10);
        let thread = std::thread::Builder::new().stack_size(1 << 20);
        thread
            .spawn(move || check(1 << 20))
            .unwrap()
            .join()
            .unwrap();
    }

    #[test]
    fn pooled_stacks_one_after_the_other() {
        let stacks: Vec<_> = (0..20).map(|_| PooledStack::new().unwrap()).collect();
        for _ in 0..3 {
            for stack in &stacks {
                let found = inside(stack).expect("it is one of ours");
                assert_eq!(found.start, stack.limit().addr().get());
                assert!(found.end >= stack.base().addr().get());
            }
        }
        let below = stacks[0].limit().as_ptr().wrapping_sub(1);
        assert_eq!(stack_at(below), None, "its guard");
    }

    /// A mapping at the same place, with its limit somewhere else: what was found before must not
    /// be taken for it.
    #[test]
    fn a_stack_that_is_gone_is_not_found_again() {
        let mut seen = 0;
        for round in 0..200_usize {
            let bytes = 1 << (14 + round % 5);
            let stack = GuardedMmapStack::allocate_at_least(bytes).unwrap();
            let range = stack.limit().addr().get()..stack.base().addr().get();
            assert_eq!(inside(&stack), Some(range.clone()));
            drop(stack);
            if let Some(other) = stack_at(core::ptr::without_provenance(range.end - 100)) {
                // Another test's, by now.
                assert_ne!(other, range);
                seen += 1;
            }
        }
        assert!(seen < 200);
    }
}
