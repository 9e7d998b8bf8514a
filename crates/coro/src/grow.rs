//! More stack in the middle of a call, for recursion whose depth is not known.

use crate::{MIN_STACK_SIZE, on_stack};
use std::cell::RefCell;
use std::iter;
use std::vec::Vec;
use sure_context::stack_pointer;
use sure_stack::{PooledStack, Stack};

/// The most bytes of stacks that a thread keeps for growing again.
const MOST_KEPT: usize = 16 << 20;

/// The stacks by which code of a thread grows.
struct Growths {
    /// Unused, oldest first.
    kept: Vec<PooledStack>,
    kept_bytes: usize,
    /// In use. Those of code that waits are here, too: of coroutines that are suspended.
    active: Vec<Active>,
}

/// A stack on which a closure runs, and where the call was.
#[derive(Clone, Copy)]
struct Active {
    limit: usize,
    base: usize,
    /// An address of the calling stack.
    from: usize,
}

std::thread_local! {
    static GROWTHS: RefCell<Growths> = const {
        RefCell::new(Growths { kept: Vec::new(), kept_bytes: 0, active: Vec::new() })
    };
}

/// Calls `f` with the stacks of the present thread; `None` once its thread-locals are gone.
///
/// Apart where coroutines change their thread: see `with_pool` of `sure_stack`.
#[cfg_attr(feature = "movable", inline(never))]
#[cfg_attr(not(feature = "movable"), inline(always))]
fn with_growths<R>(f: impl FnOnce(&mut Growths) -> R) -> Option<R> {
    GROWTHS
        .try_with(|growths| f(&mut growths.borrow_mut()))
        .ok()
}

/// How many bytes of the stack that runs now are left below the caller: the thread's own, a
/// coroutine's, or one that [`grow`] has added. `None` if it is not known.
///
/// It is known for threads on Linux and Android, and for all stacks of [`sure_stack`]; not for
/// other implementations of [`Stack`]. Code that is called needs some of it for
/// itself: see [the guide](crate::guide::stack_size) for how much.
///
/// ```
/// let outside = coro::remaining_stack();
/// let mut inside = coro::Coroutine::builder()
///     .stack_size(64 << 10)
///     .build(|_: &coro::SuspendHandle<(), ()>, ()| coro::remaining_stack())?;
/// let inside = inside.resume(()).complete().flatten();
/// assert!(inside.is_some_and(|bytes| bytes < 80 << 10));
/// # let _ = outside;
/// # Ok::<(), sure_stack::StackError>(())
/// ```
#[inline]
pub fn remaining_stack() -> Option<usize> {
    let address = stack_pointer();
    sure_stack::stack_at(address).map(|stack| address.addr() - stack.start)
}

/// Calls `f` where there is stack for it: on the present stack, if at least `red_zone` bytes are
/// left of that, and otherwise on another one of at least `stack_size` bytes.
///
/// Put it where a recursion comes along, with a red zone that suffices for everything up to the
/// next time; then the recursion is as deep as memory allows. It takes a few nanoseconds
/// if there is stack enough, and some more for a growth: the stacks are kept.
///
/// ```
/// /// The sum of a list; as deep as the list is long.
/// fn sum(list: &[u64]) -> u64 {
///     coro::maybe_grow(32 << 10, 1 << 20, || match list {
///         [] => 0,
///         [first, rest @ ..] => first + sum(rest),
///     })
/// }
///
/// assert_eq!(sum(&vec![1; 20_000]), 20_000);
/// ```
///
/// In a coroutine the code on the other stack is still the coroutine's, and may suspend it:
/// ```
/// use coro::SuspendHandle;
///
/// fn count_down(handle: &SuspendHandle<(), u32>, n: u32) {
///     handle.suspend(n);
///     if n > 0 {
///         coro::maybe_grow(32 << 10, 128 << 10, || count_down(handle, n - 1));
///     }
/// }
///
/// let numbers = coro::iter(|handle| count_down(handle, 2_000));
/// assert!(numbers.eq((0..=2_000).rev()));
/// ```
///
/// Panics pass through, and a backtrace shows the callers on all stacks.
///
/// # Panics
/// - With the panic of `f`.
/// - If there is no stack to be had.
#[inline]
#[track_caller]
pub fn maybe_grow<F, R>(red_zone: usize, stack_size: usize, f: F) -> R
where
    F: FnOnce() -> R,
{
    match remaining_stack() {
        Some(left) if left >= red_zone => f(),
        _ => grow(stack_size, f),
    }
}

/// Calls `f` on another stack of at least `stack_size` bytes, whatever is left of the present one;
/// see [`maybe_grow`].
///
/// The stack comes from those that the thread has grown by before, of which it keeps some (16 MiB
/// at most, all together); if none is large enough, from [`PooledStack::allocate_at_least`]. Unlike
/// with [`on_stack`](crate::on_stack()), `f` may suspend the coroutine that calls this.
///
/// ```
/// let bytes = coro::grow(1 << 20, || {
///     let buffer = [7_u8; 512 << 10];
///     std::hint::black_box(&buffer).len()
/// });
/// assert_eq!(bytes, 512 << 10);
/// ```
///
/// # Panics
/// - With the panic of `f`.
/// - If there is no stack to be had.
#[track_caller]
pub fn grow<F, R>(stack_size: usize, f: F) -> R
where
    F: FnOnce() -> R,
{
    // A debug build has several copies of either, of what is moved there and back.
    let moved = size_of::<F>()
        .saturating_add(size_of::<R>())
        .saturating_mul(16);
    let least = MIN_STACK_SIZE.saturating_add(moved);
    let mut growth = Growth::new(stack_size.max(least));
    on_stack(growth.stack(), f)
}

/// The places from which the stack was added on which `address` lies: on the stack that called for
/// it, on the one before, and so on.
pub(crate) fn origins(address: usize) -> impl Iterator<Item = usize> {
    // Asked after thread-locals are gone, nothing is known: then nothing has grown, or
    // it is refused.
    let origin = |address: usize| {
        let found = with_growths(|growths| {
            let holds = |active: &&Active| active.limit < address && address <= active.base;
            growths
                .active
                .iter()
                .rev()
                .find(holds)
                .map(|active| active.from)
        });
        found.flatten()
    };
    iter::successors(origin(address), move |&from| origin(from))
}

/// A stack in use; it is kept again when this is dropped.
struct Growth {
    stack: Option<PooledStack>,
}

impl Growth {
    #[track_caller]
    fn new(bytes: usize) -> Growth {
        let kept = with_growths(|growths| growths.take(bytes));
        let stack = kept
            .flatten()
            .map_or_else(|| PooledStack::allocate_at_least(bytes), Ok);
        let stack = match stack {
            Ok(stack) => stack,
            Err(error) => panic!("no stack to grow by: {error}"),
        };
        let active = Active {
            limit: stack.limit().addr().get(),
            base: stack.base().addr().get(),
            from: stack_pointer().addr(),
        };
        // Without thread-locals, `f` runs all the same, but cannot suspend.
        let _ = with_growths(|growths| growths.active.push(active));
        Growth { stack: Some(stack) }
    }

    fn stack(&mut self) -> &mut PooledStack {
        self.stack.as_mut().expect("it is there until the drop")
    }
}

impl Drop for Growth {
    fn drop(&mut self) {
        let Some(stack) = self.stack.take() else {
            return;
        };
        let surplus = with_growths(|growths| growths.put_back(stack));
        // Outside of the borrow, and where there is nowhere to keep it.
        drop(surplus);
    }
}

impl Growths {
    /// The stack that was kept last among those that are large enough.
    fn take(&mut self, bytes: usize) -> Option<PooledStack> {
        let index = self.kept.iter().rposition(|stack| stack.size() >= bytes)?;
        let stack = self.kept.remove(index);
        self.kept_bytes -= stack.size();
        Some(stack)
    }

    /// Keeps a stack that is not in use any more, or hands it out if that would be too many.
    fn put_back(&mut self, stack: PooledStack) -> Option<PooledStack> {
        let base = stack.base().addr().get();
        // The last one, unless a coroutine is suspended on a later one. None, if the
        // code has been moved here from another thread.
        if let Some(index) = self.active.iter().rposition(|active| active.base == base) {
            self.active.remove(index);
        }
        let bytes = self.kept_bytes + stack.size();
        if bytes > MOST_KEPT {
            return Some(stack);
        }
        self.kept_bytes = bytes;
        self.kept.push(stack);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_that_is_taken_makes_room_for_it_when_it_comes_back() {
        let mut growths = Growths {
            kept: Vec::new(),
            kept_bytes: 0,
            active: Vec::new(),
        };
        let mut stack = PooledStack::allocate_at_least(MOST_KEPT / 2 + 1).unwrap();
        let bytes = stack.size();
        for _ in 0..3 {
            assert!(growths.put_back(stack).is_none());
            assert_eq!(growths.kept_bytes, bytes);
            stack = growths.take(bytes).expect("it is kept");
            assert_eq!(growths.kept_bytes, 0);
        }
        assert!(growths.put_back(stack).is_none());
        let second = PooledStack::allocate_at_least(bytes).unwrap();
        let handed_out = growths.put_back(second);
        let second = handed_out.expect("two would be too many");
        growths.kept_bytes = MOST_KEPT - second.size();
        assert!(growths.put_back(second).is_none(), "as many as may be kept");
    }
}
