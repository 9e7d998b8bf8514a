//! Coroutines as iterators.

use coro::{Coroutine, Iter, Status, SuspendHandle};
use std::iter::FusedIterator;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use sure_stack::{GuardedMmapStack, Stack, StackError};
use testing::Drops;

#[test]
fn items_come_in_order_and_lazily() {
    let drops = Drops::new();
    let inside = drops.clone();
    let mut items = coro::iter(move |handle| {
        let _started = inside.make();
        (0..3).for_each(|i| handle.suspend(i));
    });
    assert_eq!(drops.alive(), 0, "nothing runs before the first item");
    assert_eq!(items.next(), Some(0));
    assert_eq!(drops.alive(), 1);
    assert_eq!(items.by_ref().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(drops.alive(), 0);
}

#[test]
fn it_is_fused_and_its_size_hint_is_honest() {
    fn assert_fused(_: &impl FusedIterator) {}
    let mut items = coro::iter(|handle| handle.suspend('a'));
    assert_fused(&items);
    assert_eq!(items.size_hint(), (0, None));
    assert_eq!(items.next(), Some('a'));
    assert_eq!(items.size_hint(), (0, None), "it may go on");
    for _ in 0..3 {
        assert_eq!(items.next(), None);
        assert_eq!(items.size_hint(), (0, Some(0)));
    }
}

#[test]
fn half_used_it_drops_every_local() {
    let drops = Drops::new();
    let (captured, inside) = (drops.make(), drops.clone());
    let mut items = coro::iter(move |handle| {
        let _captured = captured;
        let _local = inside.make();
        loop {
            handle.suspend(inside.make());
        }
    });
    let taken: Vec<_> = items.by_ref().take(5).collect();
    assert_eq!(drops.alive(), 7);
    drop(items);
    assert_eq!(drops.alive(), 5);
    drop(taken);
    assert_eq!((drops.alive(), drops.dropped()), (0, 7));
}

#[test]
fn unused_it_drops_its_closure() {
    let drops = Drops::new();
    let captured = drops.make();
    let items: Iter<()> = coro::iter(move |_| drop(captured));
    drop(items);
    assert_eq!((drops.alive(), drops.dropped()), (0, 1));
}

#[test]
fn a_panic_reaches_next_and_ends_the_iteration() {
    let mut items = coro::iter(|handle| {
        handle.suspend(1);
        resume_unwind(Box::new("inside"));
    });
    assert_eq!(items.next(), Some(1));
    let payload = catch_unwind(AssertUnwindSafe(|| items.next())).unwrap_err();
    assert_eq!(*payload.downcast::<&str>().unwrap(), "inside");
    assert_eq!(items.next(), None);
    assert_eq!(items.size_hint(), (0, Some(0)));
}

#[test]
fn a_started_coroutine_goes_on_as_an_iterator() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), u8>, ()| {
        (0..5).for_each(|i| handle.suspend(i));
    });
    coroutine.resume(());
    let mut items = coroutine.into_iter();
    assert_eq!(items.by_ref().take(2).collect::<Vec<_>>(), [1, 2]);
    let mut coroutine = items.into_inner();
    assert_eq!(coroutine.resume(()).yielded(), Some(3));
    assert_eq!(coroutine.status(), Status::Suspended);
}

#[test]
fn a_builder_gives_it_a_name_and_a_stack() {
    let builder = Coroutine::builder().name("digits").stack_size(32 << 10);
    let mut items = builder
        .build_iter(|handle| (0..3).for_each(|i| handle.suspend(i)))
        .unwrap();
    assert_eq!(items.next(), Some(0));
    let coroutine = items.into_inner();
    assert_eq!(coroutine.name(), Some("digits"));
    assert!(coroutine.into_iter().eq([1, 2]));
    let stack = GuardedMmapStack::allocate_at_least(64 << 10).unwrap();
    let limit = stack.limit();
    let mut items = Coroutine::builder()
        .stack(stack)
        .build_iter(|handle| handle.suspend('a'))
        .unwrap();
    assert_eq!((items.next(), items.next()), (Some('a'), None));
    assert_eq!(items.into_inner().into_stack().unwrap().limit(), limit);
    let refused = Coroutine::builder()
        .stack_size(1)
        .build_iter(|handle| handle.suspend(()));
    assert!(matches!(refused, Err(StackError::TooSmall { .. })));
}

#[test]
fn iterators_nest() {
    fn permutations(mut items: Vec<u8>, fixed: usize) -> Iter<Vec<u8>> {
        coro::iter(move |handle| {
            if fixed == items.len() {
                return handle.suspend(items);
            }
            for i in fixed..items.len() {
                items.swap(fixed, i);
                permutations(items.clone(), fixed + 1).for_each(|found| handle.suspend(found));
                items.swap(fixed, i);
            }
        })
    }
    let mut all: Vec<_> = permutations(vec![1, 2, 3, 4], 0).collect();
    assert_eq!(all.len(), 24);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 24, "each once");
}
