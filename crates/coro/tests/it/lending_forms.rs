//! Lending coroutines in the forms that plain ones have: of a scope, unchecked, unwound, abandoned.

use coro::{
    Coroutine, ForcedUnwind, LendingCoroutine, LendingHandle, ScopedLendingCoroutine, Status,
};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use sure_stack::{GuardedMmapStack, Stack, StackError};
use testing::Drops;

fn stack() -> GuardedMmapStack {
    GuardedMmapStack::allocate_at_least(64 << 10).unwrap()
}

#[test]
fn a_scope_unwinds_what_is_left_with_nothing_lent() {
    let drops = Drops::new();
    let left = Cell::new(None);
    let mut world = 0;
    coro::scope(|s| {
        struct Looks<'a>(&'a LendingHandle<u32, ()>, &'a Cell<Option<Option<u32>>>);
        impl Drop for Looks<'_> {
            fn drop(&mut self) {
                self.1.set(Some(self.0.try_with(|world| *world)));
            }
        }
        let mut script = s.lending(|handle: &LendingHandle<u32, ()>| {
            let _counted = drops.make();
            let _looks = Looks(handle, &left);
            handle.with(|world| *world += 1);
            handle.suspend(());
        });
        script.resume(&mut world);
        assert_eq!(script.status(), Status::Suspended);
        assert!(format!("{script:?}").contains("Suspended"));
        std::mem::forget(script);
        assert_eq!(drops.alive(), 1);
    });
    assert_eq!((world, drops.alive(), left.get()), (1, 0, Some(None)));
}

#[test]
fn one_of_a_scope_runs_on_the_callers_stack_and_gives_it_back() {
    let text = String::from("borrowed");
    let mut stack = stack();
    let base = stack.base();
    for turns in 0..3 {
        let builder = Coroutine::builder().name("lent").stack(stack);
        stack = coro::scope(|s| {
            let mut script: ScopedLendingCoroutine<'_, String, usize, (), _> = builder
                .build_scoped_lending(s, |handle| {
                    for _ in 0..turns {
                        handle.with(|all: &mut String| all.push_str(&text));
                        handle.suspend(text.len());
                    }
                })?;
            assert_eq!(script.name(), Some("lent"));
            let mut all = String::new();
            for turn in 1..=turns {
                assert_eq!(script.resume(&mut all).yielded(), Some(8));
                assert_eq!(all.len(), 8 * turn);
                assert!(!script.is_complete());
                script = script.into_stack().expect_err("it is suspended");
            }
            assert!(
                script
                    .high_water_mark()
                    .is_some_and(|bytes| bytes > size_of::<usize>())
            );
            assert_eq!(script.release_unused() % 4096, 0);
            assert_eq!(script.resume(&mut all).complete(), Some(()));
            assert!(script.is_complete());
            assert!(script.try_resume(&mut all).is_err());
            Ok::<_, StackError>(script.into_stack().expect("it is complete"))
        })
        .unwrap();
        assert_eq!(stack.base(), base);
    }
}

#[test]
fn one_of_a_scope_is_unwound_in_place() {
    let drops = Drops::new();
    coro::scope(|s| {
        let mut script = s.lending(|handle: &LendingHandle<[u8], ()>| {
            let _counted = drops.make();
            handle.suspend(());
        });
        script.resume(&mut [1]);
        script.unwind();
        assert_eq!((drops.dropped(), script.status()), (1, Status::Complete));
        assert!(script.try_resume(&mut []).is_err());
        script.unwind();
    });
}

/// A type that borrows is lent to a coroutine that borrows.
#[test]
fn a_family_is_lent_inside_a_scope() {
    type Lists = dyn for<'w> coro::Lend<'w, Lent = Vec<&'w str>>;
    let names = RefCell::new(Vec::new());
    coro::scope(|s| {
        let mut script = s.lending(|handle: &LendingHandle<Lists, ()>| {
            while handle.with(|list| {
                names
                    .borrow_mut()
                    .extend(list.iter().map(ToString::to_string));
                !list.is_empty()
            }) {
                handle.suspend(());
            }
        });
        for word in ["a b", "c"] {
            let text = String::from(word);
            script.resume(&mut text.split(' ').collect());
        }
        assert!(script.resume(&mut vec![]).complete().is_some());
    });
    assert_eq!(names.into_inner(), ["a", "b", "c"]);
}

#[test]
fn unchecked_ones_borrow_what_the_caller_keeps() {
    let offset = Cell::new(10);
    let add = |handle: &LendingHandle<u32, u32>| {
        loop {
            let sum = handle.with(|number| *number + offset.get());
            handle.suspend(sum);
        }
    };
    let check = |mut script: LendingCoroutine<u32, u32, (), _>| {
        offset.set(10);
        assert_eq!(script.resume(&mut 1).yielded(), Some(11));
        offset.set(20);
        assert_eq!(script.resume(&mut 2).yielded(), Some(22));
    };
    // SAFETY: (1, 2) `check` drops it, before `offset` goes.
    check(unsafe { LendingCoroutine::new_unchecked(add) }.unwrap());
    let builder = Coroutine::builder().stack_size(32 << 10);
    // SAFETY: (1, 2) `check` drops it, before `offset` goes.
    check(unsafe { builder.build_lending_unchecked(add) }.unwrap());
    let check = |mut script: LendingCoroutine<u32, u32, (), _>| {
        assert_eq!(script.resume(&mut 5).yielded(), Some(25));
    };
    // SAFETY: (1, 2) `check` drops it, before `offset` goes.
    check(unsafe { LendingCoroutine::with_stack_unchecked(stack(), add) }.unwrap());
}

#[test]
fn try_suspend_says_that_the_coroutine_is_dropped() {
    let drops = Drops::new();
    let inside = drops.clone();
    let mut script = LendingCoroutine::new(move |handle: &LendingHandle<u32, u32>| {
        let _counted = inside.make();
        let unwind: ForcedUnwind = loop {
            let turn = handle.with(|turn| *turn);
            if let Err(unwind) = handle.try_suspend(turn) {
                break unwind;
            }
        };
        assert_eq!(handle.try_with(|_| ()), None);
        // Asked again, it never switches.
        assert!(handle.try_suspend(9).is_err());
        assert_eq!(handle.try_with(|_| ()), None);
        unwind.resume()
    });
    let _: &LendingCoroutine<u32, u32, ()> = &script;
    assert_eq!(script.resume(&mut 1).yielded(), Some(1));
    assert_eq!(script.resume(&mut 2).yielded(), Some(2));
    drop(script);
    assert_eq!((drops.alive(), drops.dropped()), (0, 1));
}

#[test]
fn try_suspend_is_refused_inside_of_with_and_on_another_stack() {
    let mut script = LendingCoroutine::new(|handle: &LendingHandle<u32, ()>| {
        let within = catch_unwind(AssertUnwindSafe(|| {
            handle.with(|_| handle.try_suspend(()).is_ok())
        }));
        let message = within.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("inside of `with`"), "{message}");
        let mut large = stack();
        let elsewhere = catch_unwind(AssertUnwindSafe(|| {
            coro::on_stack(&mut large, || handle.try_suspend(()).is_ok())
        }));
        assert!(elsewhere.is_err());
        // What is lent is there as before.
        handle.with(|number| *number += 1);
    });
    let mut number = 1;
    assert!(script.resume(&mut number).complete().is_some());
    assert_eq!(number, 2);
}

#[test]
fn unwind_keeps_the_stack_and_abandon_forgets_the_frames() {
    let drops = Drops::new();
    let mut stack = stack();
    let base = stack.base();
    for abandon in [false, true, false] {
        let inside = drops.clone();
        let mut script =
            LendingCoroutine::with_stack(stack, move |handle: &LendingHandle<u8, ()>| {
                let _counted = inside.make();
                handle.with(|number| *number += 1);
                handle.suspend(());
            });
        let (mut number, dropped) = (0, drops.dropped());
        script.resume(&mut number);
        assert_eq!(number, 1);
        stack = if abandon {
            // SAFETY: (1) it is suspended; (2, 3) what is in its frames is this test's, which counts.
            unsafe { script.abandon() }
        } else {
            script.unwind();
            assert!(script.is_complete());
            script.into_stack().expect("it is complete")
        };
        assert_eq!(stack.base(), base);
        assert_eq!(drops.dropped() - dropped, usize::from(!abandon));
    }
}

#[test]
fn large_work_runs_on_the_lenders_stack() {
    let builder = Coroutine::builder().stack_size(coro::MIN_STACK_SIZE);
    let mut small = builder
        .build_lending(|handle: &LendingHandle<Vec<u8>, usize>| {
            let large = || std::hint::black_box([1_u8; 300 << 10]).len();
            let len = handle.with(|list| handle.on_parent_stack(|| large() + list.len()));
            handle.suspend(len);
        })
        .unwrap();
    assert_eq!(
        small.resume(&mut vec![0; 5]).yielded(),
        Some((300 << 10) + 5)
    );
}

#[cfg(not(any(sure_context_portable, windows)))]
#[test]
fn a_backtrace_shows_where_it_waits() {
    #[inline(never)]
    fn wait_for_its_turn(handle: &LendingHandle<u8, ()>) {
        handle.suspend(());
    }
    let mut script =
        LendingCoroutine::new(|handle: &LendingHandle<u8, ()>| wait_for_its_turn(handle));
    assert!(script.backtrace().is_none());
    script.resume(&mut 0);
    assert!(script.backtrace().is_some());
}

#[test]
fn a_plain_one_tells_its_name_and_how_much_stack_it_took() {
    let builder = Coroutine::builder().name("lent").stack(stack());
    let mut script: LendingCoroutine<(), (), (), _> = builder
        .build_lending(|handle: &LendingHandle<(), ()>| {
            assert_eq!(handle.name(), Some("lent"));
            handle.suspend(());
        })
        .unwrap();
    assert_eq!(script.name(), Some("lent"));
    script.resume(&mut ());
    let used = script.high_water_mark();
    assert!(
        (size_of::<LendingHandle<(), ()>>()..64 << 10).contains(&used),
        "{used}"
    );
}
