//! Stacks that come back.

use std::cell::RefCell;
use sure_stack::{DEFAULT_STACK_SIZE, PooledStack, Stack};

/// Runs in a thread of its own, which begins with an empty pool.
fn in_fresh_thread(f: impl FnOnce() + Send) {
    std::thread::scope(|scope| scope.spawn(f).join().unwrap());
}

#[test]
fn the_last_one_returned_is_taken_first() {
    in_fresh_thread(|| {
        let (a, b) = (PooledStack::new().unwrap(), PooledStack::new().unwrap());
        let (base_a, base_b) = (a.base(), b.base());
        drop(a);
        drop(b);
        assert_eq!(PooledStack::kept(), 2);
        let (first, second) = (PooledStack::new().unwrap(), PooledStack::new().unwrap());
        assert_eq!((first.base(), second.base()), (base_b, base_a));
        assert_eq!(PooledStack::kept(), 0);
    });
}

#[test]
fn other_sizes_are_not_kept() {
    in_fresh_thread(|| {
        drop(PooledStack::allocate_at_least(64 << 10));
        drop(PooledStack::allocate_at_least(1 << 20));
        assert_eq!(PooledStack::kept(), 0);
        drop(PooledStack::allocate_at_least(DEFAULT_STACK_SIZE));
        assert_eq!(PooledStack::kept(), 1);
    });
}

#[test]
fn the_pool_is_bounded_and_gives_back_on_request() {
    in_fresh_thread(|| {
        let stacks: Vec<_> = (0..300).map(|_| PooledStack::new().unwrap()).collect();
        drop(stacks);
        assert_eq!(PooledStack::kept(), 256);
        assert_eq!(PooledStack::trim(), 256);
        assert_eq!((PooledStack::kept(), PooledStack::trim()), (0, 0));
    });
}

#[test]
fn a_stack_returns_to_the_thread_that_drops_it() {
    in_fresh_thread(|| {
        let stack = PooledStack::new().unwrap();
        in_fresh_thread(move || {
            drop(stack);
            assert_eq!(PooledStack::kept(), 1);
        });
        assert_eq!(PooledStack::kept(), 0);
    });
}

#[test]
fn usable_while_thread_locals_are_torn_down() {
    struct AtExit(std::sync::mpsc::Sender<usize>, Option<PooledStack>);
    impl Drop for AtExit {
        fn drop(&mut self) {
            // One kept from before, one of now; dropped on either side of the pool's end.
            drop(self.1.take());
            drop(PooledStack::new().unwrap());
            self.0.send(PooledStack::kept()).unwrap();
        }
    }
    thread_local! {
        static FIRST: RefCell<Option<AtExit>> = const { RefCell::new(None) };
        static LAST: RefCell<Option<AtExit>> = const { RefCell::new(None) };
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    in_fresh_thread(move || {
        FIRST.set(Some(AtExit(sender.clone(), None)));
        let stack = PooledStack::new().unwrap();
        LAST.set(Some(AtExit(sender, Some(stack))));
    });
    assert_eq!(receiver.iter().count(), 2);
}

#[test]
fn a_reused_stack_is_as_usable_as_a_new_one() {
    in_fresh_thread(|| {
        for round in 0..10_u8 {
            let stack = PooledStack::new().unwrap();
            // SAFETY: the whole of the stack is ours.
            unsafe {
                stack.limit().as_ptr().write_bytes(round, stack.size());
                assert_eq!(stack.base().as_ptr().sub(1).read(), round);
            }
        }
    });
}
