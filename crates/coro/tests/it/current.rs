//! The coroutine that runs the caller, and values of which each has its own.

use coro::{Coroutine, CoroutineState, LocalError, SuspendHandle, current_name, with_current};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use sure_stack::{GuardedMmapStack, PooledStack};
use testing::{Drops, OnDrop};

type Numbers = SuspendHandle<u32, u32>;

/// Suspends whatever coroutine runs this.
#[inline(never)]
fn ask(question: u32) -> Option<u32> {
    with_current::<u32, u32, _>(|handle| handle.suspend(question))
}

fn findable<R: 'static>(
    f: impl FnOnce(&Numbers, u32) -> R + 'static,
) -> Coroutine<u32, u32, R, PooledStack> {
    Coroutine::builder().findable().build(f).unwrap()
}

#[test]
fn it_is_found_at_any_depth_and_nowhere_else() {
    #[inline(never)]
    fn deep(levels: u32) -> u32 {
        let below = if levels == 0 {
            ask(1).unwrap()
        } else {
            deep(levels - 1)
        };
        std::hint::black_box(below) + 1
    }
    assert_eq!(ask(0), None);
    let mut coroutine = findable(|_, levels| deep(levels));
    assert_eq!(coroutine.resume(9), CoroutineState::Yielded(1));
    assert_eq!(ask(0), None);
    assert_eq!(coroutine.resume(100), CoroutineState::Complete(110));
    let mut plain = Coroutine::new(|_: &Numbers, _| ask(0));
    assert_eq!(plain.resume(0), CoroutineState::Complete(None));
}

#[test]
fn other_types_are_not_found() {
    let mut coroutine = findable(|_, _| {
        let by_input = with_current::<i32, u32, _>(|_| ()).is_some();
        let by_yield = with_current::<u32, (), _>(|_| ()).is_some();
        let right = with_current::<u32, u32, _>(|_| ()).is_some();
        [by_input, by_yield, right]
    });
    assert_eq!(
        coroutine.resume(0),
        CoroutineState::Complete([false, false, true])
    );
}

#[test]
fn one_that_may_borrow_has_a_name_but_no_type() {
    let builder = Coroutine::builder().name("borrows").findable();
    // SAFETY: what it borrows is `'static`.
    let coroutine = unsafe { builder.build_unchecked(|_: &Numbers, _| (current_name(), ask(0))) };
    let expected = (Some("borrows".to_owned()), None);
    assert_eq!(
        coroutine.unwrap().resume(0),
        CoroutineState::Complete(expected)
    );
}

#[test]
fn the_inner_one_is_the_current_one() {
    let mut outer = findable(|_, first| {
        let mut inner = findable(|_, n| {
            let n = ask(n + 1).unwrap();
            n + 1
        });
        let from_inner = inner.resume(first).yielded().unwrap();
        let answer = ask(from_inner).unwrap();
        inner.resume(answer).complete().unwrap()
    });
    assert_eq!(outer.resume(1), CoroutineState::Yielded(2));
    assert_eq!(outer.resume(10), CoroutineState::Complete(11));
    // One that is not findable hides the outer one.
    let mut outer = findable(|_, _| {
        let mut inner = Coroutine::new(|_: &Numbers, _| ask(0));
        inner.resume(0).complete().unwrap()
    });
    assert_eq!(outer.resume(0), CoroutineState::Complete(None));
}

#[test]
fn an_inner_one_suspends_the_outer_one_on_its_stack() {
    let drops = Drops::new();
    for dropped in [false, true] {
        let inside = drops.clone();
        let mut outer = findable(move |_, _| {
            let mut inner = Coroutine::new(move |inner: &SuspendHandle<(), ()>, ()| {
                let _frame = inside.make();
                // The inner coroutine waits, and travels along with the outer one.
                inner.on_parent_stack(|| ask(7)).unwrap()
            });
            inner.resume(()).complete().unwrap()
        });
        assert_eq!(outer.resume(0), CoroutineState::Yielded(7));
        assert_eq!(drops.alive(), 1);
        if !dropped {
            assert_eq!(outer.resume(8), CoroutineState::Complete(8));
        }
        drop(outer);
        assert_eq!(drops.alive(), 0);
    }
}

#[test]
fn it_is_found_on_a_growth_but_not_on_another_stack() {
    let mut coroutine = findable(|_, _| {
        let grown = coro::grow(64 << 10, || coro::grow(64 << 10, || ask(1)));
        let mut stack = GuardedMmapStack::allocate_at_least(64 << 10).unwrap();
        let elsewhere = coro::on_stack(&mut stack, || ask(2));
        (grown, elsewhere)
    });
    assert_eq!(coroutine.resume(0), CoroutineState::Yielded(1));
    assert_eq!(
        coroutine.resume(5),
        CoroutineState::Complete((Some(5), None))
    );
}

#[test]
fn it_is_found_while_it_is_being_dropped() {
    let seen = Rc::new(RefCell::new(None));
    let note = seen.clone();
    let builder = Coroutine::builder().name("dropped").findable();
    let mut coroutine = builder
        .build(move |handle: &Numbers, _| {
            let _note = OnDrop(|| *note.borrow_mut() = current_name());
            handle.suspend(0);
        })
        .unwrap();
    coroutine.resume(0);
    drop(coroutine);
    assert_eq!(seen.borrow().as_deref(), Some("dropped"));
}

#[test]
fn a_stack_that_is_used_again_belongs_to_its_new_owner() {
    let stack = GuardedMmapStack::allocate_at_least(64 << 10).unwrap();
    let builder = Coroutine::builder().stack(stack).findable();
    let mut first = builder.build(|_: &Numbers, _| ask(1)).unwrap();
    first.resume(0);
    first.resume(0);
    let stack = first.into_stack().unwrap();
    let mut second = Coroutine::with_stack(stack, |handle: &Numbers, _| {
        handle.suspend(0);
        ask(1)
    });
    assert_eq!(second.resume(0), CoroutineState::Yielded(0));
    // SAFETY: its frames hold nothing.
    let stack = unsafe { second.abandon() };
    let builder = Coroutine::builder().stack(stack).findable().name("third");
    let mut third = builder.build(|_: &Numbers, _| current_name()).unwrap();
    assert_eq!(
        third.resume(0).complete().flatten().as_deref(),
        Some("third")
    );
}

#[test]
fn each_of_many_finds_itself() {
    let mut random = testing::Random::new(7);
    let mut alive: Vec<(u32, Coroutine<u32, u32, (), PooledStack>)> = Vec::new();
    for round in 0..testing::cases(3000) as u32 {
        match random.below(4) {
            0 | 1 => alive.push((round, findable(move |_, _| while ask(round).is_some() {}))),
            2 if !alive.is_empty() => drop(alive.swap_remove(random.below(alive.len()))),
            _ => {}
        }
        for _ in 0..3.min(alive.len()) {
            let index = random.below(alive.len());
            let (number, coroutine) = &mut alive[index];
            assert_eq!(coroutine.resume(0), CoroutineState::Yielded(*number));
        }
    }
}

coro::local! {
    static COUNTER: Cell<u32> = Cell::new(100);
    static NAMES: RefCell<Vec<&'static str>> = RefCell::default();
}

fn count() -> u32 {
    COUNTER.with(|counter| counter.replace(counter.get() + 1))
}

#[test]
fn each_coroutine_has_its_own_values() {
    let counts = || {
        findable(|handle, _| {
            let one = count();
            handle.suspend(one);
            let two = COUNTER.with(|counter| {
                handle.suspend(counter.get());
                count()
            });
            NAMES.with(|names| names.borrow_mut().push("a"));
            handle.suspend(two);
            NAMES.with(|names| names.borrow().len())
        })
    };
    let (mut a, mut b) = (counts(), counts());
    for expected in [100, 101, 101] {
        for coroutine in [&mut a, &mut b] {
            assert_eq!(coroutine.resume(0), CoroutineState::Yielded(expected));
        }
    }
    assert_eq!(a.resume(0), CoroutineState::Complete(1));
    assert_eq!(b.resume(0), CoroutineState::Complete(1));
}

#[test]
fn without_a_findable_coroutine_there_is_no_value() {
    assert_eq!(COUNTER.try_with(Cell::get), Err(LocalError));
    let mut plain = Coroutine::builder()
        .name("named")
        .build(|_: &Numbers, _| COUNTER.try_with(Cell::get))
        .unwrap();
    assert_eq!(plain.resume(0), CoroutineState::Complete(Err(LocalError)));
    let said = catch_unwind(count)
        .unwrap_err()
        .downcast::<String>()
        .unwrap();
    assert!(said.contains("builder().findable()"), "{said}");
}

#[test]
fn values_are_dropped_with_their_coroutine_in_order() {
    thread_local!(static LOG: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) });
    struct Logs(&'static str);
    impl Drop for Logs {
        fn drop(&mut self) {
            LOG.with(|log| log.borrow_mut().push(self.0));
        }
    }
    coro::local! {
        static FIRST: Logs = Logs("first");
        static SECOND: Logs = { FIRST.with(|_| ()); Logs("second") };
    }
    let mut coroutine = findable(|handle, _| {
        SECOND.with(|_| ());
        let _frame = Logs("frame");
        handle.suspend(0);
    });
    coroutine.resume(0);
    assert!(LOG.take().is_empty());
    drop(coroutine);
    assert_eq!(LOG.take(), ["frame", "first", "second"]);
    // And when the stack is given away.
    let mut coroutine = findable(|_, _| FIRST.with(|_| ()));
    coroutine.resume(0);
    assert!(LOG.take().is_empty());
    drop(coroutine.into_stack());
    assert_eq!(LOG.take(), ["first"]);
}

#[test]
fn an_initialiser_that_panics_leaves_no_value() {
    thread_local!(static FAILS: Cell<bool> = const { Cell::new(true) });
    coro::local!(static FRAGILE: u32 = { assert!(!FAILS.get(), "not yet"); 5 });
    let mut coroutine = findable(|handle, _| {
        let caught = catch_unwind(|| FRAGILE.with(|value| *value));
        handle.suspend(u32::from(caught.is_err()));
        FRAGILE.with(|value| *value)
    });
    assert_eq!(coroutine.resume(0), CoroutineState::Yielded(1));
    FAILS.set(false);
    assert_eq!(coroutine.resume(0), CoroutineState::Complete(5));
}

#[test]
fn a_value_may_ask_for_itself_while_it_is_made() {
    coro::local!(static AGAIN: u32 = if LEVEL.replace(1) == 0 { AGAIN.with(|v| *v) + 1 } else { 10 });
    thread_local!(static LEVEL: Cell<u32> = const { Cell::new(0) });
    let mut coroutine = findable(|_, _| AGAIN.with(|value| *value));
    // The one that was made first stays.
    assert_eq!(coroutine.resume(0), CoroutineState::Complete(10));
}

#[test]
fn a_value_whose_destructor_panics_costs_no_stack() {
    struct Fails;
    impl Drop for Fails {
        fn drop(&mut self) {
            panic!("in a local");
        }
    }
    coro::local!(static FAILS: Fails = Fails);
    let arena = sure_stack::StackArena::new(64 << 10).unwrap();
    let builder = Coroutine::builder()
        .stack(arena.allocate().unwrap())
        .findable();
    let mut coroutine = builder.build(|_: &Numbers, _| FAILS.with(|_| ())).unwrap();
    coroutine.resume(0);
    let caught = catch_unwind(AssertUnwindSafe(|| drop(coroutine)));
    assert_eq!(
        *caught.unwrap_err().downcast::<&str>().unwrap(),
        "in a local"
    );
    assert_eq!(arena.statistics().live, 0);
}

#[test]
fn another_thread_has_coroutines_of_its_own() {
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            std::thread::spawn(move || {
                let all = (0..50).map(|n| findable(move |_, _| ask(thread * 100 + n)));
                let mut all: Vec<_> = all.collect();
                for (n, coroutine) in all.iter_mut().enumerate() {
                    assert_eq!(coroutine.resume(0).yielded(), Some(thread * 100 + n as u32));
                }
                for coroutine in &mut all {
                    assert_eq!(coroutine.resume(3).complete(), Some(Some(3)));
                }
            })
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
}
