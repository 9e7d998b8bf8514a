//! Coroutines that borrow.

use coro::{Coroutine, CoroutineState, Scope, ScopedCoroutine, Status, SuspendHandle, scope};
use static_assertions::assert_not_impl_any;
use std::cell::{Cell, RefCell};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use sure_stack::{GuardedMmapStack, Stack};
use testing::{Counted, Drops};

assert_not_impl_any!(Scope<'static, 'static>: Send, Sync);
assert_not_impl_any!(ScopedCoroutine<'static, (), (), ()>: Send, Sync);

/// Writes its name to a log when it is dropped.
struct Logged<'a>(&'a RefCell<Vec<String>>, &'a str);

impl Drop for Logged<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().push(self.1.to_owned());
    }
}

/// Suspends once, with a `Logged` on its stack.
fn logging<'scope>(
    s: &'scope Scope<'scope, '_>,
    log: &'scope RefCell<Vec<String>>,
    name: &'scope str,
) -> ScopedCoroutine<'scope, (), (), ()> {
    let mut coroutine = s.coroutine(move |handle: &SuspendHandle<(), ()>, ()| {
        let _logged = Logged(log, name);
        handle.suspend(());
    });
    coroutine.resume(());
    coroutine
}

#[test]
fn it_borrows_and_changes_what_is_outside() {
    let mut numbers = vec![1, 2, 3];
    let name = String::from("shared");
    let sum = scope(|s| {
        let mut adder = s.coroutine(|handle: &SuspendHandle<i32, usize>, mut n| {
            while n != 0 {
                numbers.push(n);
                n = handle.suspend(name.len() + numbers.len());
            }
            numbers.iter().sum::<i32>()
        });
        let mut reader = s.coroutine(|_: &SuspendHandle<(), ()>, ()| name.as_str());
        assert_eq!(adder.resume(4), CoroutineState::Yielded(10));
        assert_eq!(reader.resume(()), CoroutineState::Complete("shared"));
        assert_eq!(adder.resume(5), CoroutineState::Yielded(11));
        adder.resume(0).complete().unwrap()
    });
    assert_eq!(sum, 15);
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
}

#[test]
fn borrowed_values_go_in_and_out() {
    let words = [String::from("a"), String::from("b")];
    let longest = scope(|s| {
        let mut echo = s.coroutine(|handle: &SuspendHandle<&str, &str>, mut word| {
            while !word.is_empty() {
                word = handle.suspend(word);
            }
        });
        assert_eq!(echo.resume(&words[0]), CoroutineState::Yielded("a"));
        assert_eq!(echo.resume(&words[1]), CoroutineState::Yielded("b"));
        echo.resume("x").yielded().map(str::len)
    });
    assert_eq!(longest, Some(1));
}

#[test]
fn what_is_left_unwinds_newest_first() {
    let log = RefCell::new(Vec::new());
    scope(|s| {
        mem::forget(logging(s, &log, "first"));
        drop(logging(s, &log, "dropped"));
        assert_eq!(*log.borrow(), ["dropped"], "at once");
        mem::forget(logging(s, &log, "second"));
        mem::forget(logging(s, &log, "third"));
    });
    assert_eq!(*log.borrow(), ["dropped", "third", "second", "first"]);
}

#[test]
fn leaking_ends_no_borrow() {
    let drops = Drops::new();
    let counted = drops.make();
    scope(|s| {
        let mut leaked = s.coroutine(|handle: &SuspendHandle<Counted, Counted>, input| {
            let _borrowed = &counted;
            let _local = drops.make();
            let _second = handle.suspend(input);
        });
        let yielded = leaked.resume(drops.make());
        assert_eq!(drops.alive(), 3);
        mem::forget(leaked);
        let never_run = s.coroutine(|_: &SuspendHandle<(), ()>, ()| drop(drops.make()));
        mem::forget(never_run);
        drop(yielded);
        assert_eq!(drops.alive(), 2);
    });
    assert_eq!((drops.alive(), drops.dropped()), (1, 2));
}

#[test]
fn swapped_coroutines_are_only_called_otherwise() {
    let drops = Drops::new();
    scope(|s| {
        let make = |number: u8| {
            let drops = &drops;
            s.coroutine(move |handle: &SuspendHandle<(), u8>, ()| {
                let _local = drops.make();
                handle.suspend(number);
                handle.suspend(number + 10);
            })
        };
        let (mut one, mut two) = (make(1), make(2));
        assert_eq!(one.resume(()).yielded(), Some(1));
        mem::swap(&mut one, &mut two);
        assert_eq!(one.resume(()).yielded(), Some(2));
        assert_eq!(two.resume(()).yielded(), Some(11));
        let replaced = mem::replace(&mut one, make(3));
        mem::forget(replaced);
        assert_eq!(one.resume(()).yielded(), Some(3));
        assert_eq!(drops.alive(), 3);
    });
    assert_eq!((drops.alive(), drops.dropped()), (0, 3));
}

#[test]
fn a_panic_of_the_scope_unwinds_everything_first() {
    let log = RefCell::new(Vec::new());
    let caught = catch_unwind(AssertUnwindSafe(|| {
        scope(|s| {
            mem::forget(logging(s, &log, "leaked"));
            let _held = logging(s, &log, "held");
            resume_unwind(Box::new("the scope"));
        })
    }));
    let payload = caught.unwrap_err();
    assert_eq!(*payload.downcast::<&str>().unwrap(), "the scope");
    assert_eq!(*log.borrow(), ["held", "leaked"]);
}

#[test]
fn panics_at_the_end_stop_nothing() {
    /// A payload whose own destructor panics.
    struct Vicious;
    impl Drop for Vicious {
        fn drop(&mut self) {
            resume_unwind(Box::new("a payload"));
        }
    }
    fn panics_when_unwound(handle: &SuspendHandle<(), ()>, with: Box<dyn std::any::Any + Send>) {
        let _ = catch_unwind(AssertUnwindSafe(|| handle.suspend(())));
        resume_unwind(with);
    }
    let log = RefCell::new(Vec::new());
    let caught = catch_unwind(AssertUnwindSafe(|| {
        scope(|s| {
            mem::forget(logging(s, &log, "oldest"));
            let mut vicious = s.coroutine(|h, ()| panics_when_unwound(h, Box::new(Vicious)));
            vicious.resume(());
            mem::forget(vicious);
            mem::forget(logging(s, &log, "between"));
            let mut late = s.coroutine(|h, ()| panics_when_unwound(h, Box::new("late")));
            late.resume(());
            mem::forget(late);
        })
    }));
    assert_eq!(*log.borrow(), ["between", "oldest"]);
    let payload = caught.unwrap_err();
    assert_eq!(*payload.downcast::<&str>().unwrap(), "late", "the first");
}

#[test]
fn a_panic_inside_reaches_resume() {
    let text = String::from("borrowed");
    scope(|s| {
        let mut coroutine = s.coroutine(|_: &SuspendHandle<(), ()>, ()| -> () {
            resume_unwind(Box::new(text.len()));
        });
        let caught = catch_unwind(AssertUnwindSafe(|| coroutine.resume(())));
        assert_eq!(*caught.unwrap_err().downcast::<usize>().unwrap(), 8);
        assert_eq!(coroutine.status(), Status::Complete);
        assert!(coroutine.try_resume(()).is_err());
    });
}

#[test]
fn coroutines_of_a_scope_make_and_own_others() {
    let log = RefCell::new(Vec::new());
    scope(|s| {
        let log = &log;
        let mut outer = s.coroutine(move |handle: &SuspendHandle<(), ()>, ()| {
            let _logged = Logged(log, "outer");
            let _kept = logging(s, log, "owned");
            mem::forget(logging(s, log, "leaked"));
            handle.suspend(());
        });
        outer.resume(());
        mem::forget(outer);
    });
    // The leaked one is the newest; when the outer one unwinds, the owned one is gone.
    assert_eq!(*log.borrow(), ["leaked", "owned", "outer"]);
}

#[test]
fn coroutines_made_while_the_scope_ends_are_unwound_too() {
    struct MakesOne<'scope, 'env>(&'scope Scope<'scope, 'env>, &'scope RefCell<Vec<String>>);
    impl Drop for MakesOne<'_, '_> {
        fn drop(&mut self) {
            mem::forget(logging(self.0, self.1, "late"));
        }
    }
    let log = RefCell::new(Vec::new());
    scope(|s| {
        mem::forget(logging(s, &log, "oldest"));
        let log = &log;
        let mut makes_one = s.coroutine(move |handle: &SuspendHandle<(), ()>, ()| {
            let _makes_one = MakesOne(s, log);
            handle.suspend(());
        });
        makes_one.resume(());
        mem::forget(makes_one);
    });
    assert_eq!(*log.borrow(), ["late", "oldest"]);
}

#[test]
fn one_that_owns_itself_is_unwound() {
    type Own<'scope> = Rc<RefCell<Option<ScopedCoroutine<'scope, (), (), ()>>>>;
    /// Resumes the coroutine that is being unwound.
    struct Resumes<'scope, 'a>(Own<'scope>, &'a Cell<bool>);
    impl Drop for Resumes<'_, '_> {
        fn drop(&mut self) {
            let mut own = self.0.borrow_mut();
            self.1.set(own.as_mut().unwrap().try_resume(()).is_err());
        }
    }
    let refused = Cell::new(false);
    scope(|s| {
        let own: Own<'_> = Rc::default();
        let (inside, refused) = (own.clone(), &refused);
        let mut coroutine = s.coroutine(move |handle: &SuspendHandle<(), ()>, ()| {
            let _resumes = Resumes(inside, refused);
            handle.suspend(());
        });
        coroutine.resume(());
        *own.borrow_mut() = Some(coroutine);
    });
    assert!(refused.get());
}

#[test]
fn an_outer_handle_in_a_scoped_coroutine_is_refused() {
    let mut outer = Coroutine::new(|handle: &SuspendHandle<u8, u8>, first: u8| {
        let got = scope(|s| {
            let mut inner = s.coroutine(|own: &SuspendHandle<(), u8>, ()| {
                let refused = catch_unwind(AssertUnwindSafe(|| handle.suspend(99)));
                assert!(refused.is_err());
                own.suspend(first + 1);
            });
            let value = inner.resume(()).yielded().unwrap();
            // Here it is in its place, also between two resumes of the inner one.
            let got = handle.suspend(value);
            assert_eq!(inner.resume(()), CoroutineState::Complete(()));
            got
        });
        handle.suspend(got + 1);
    });
    assert_eq!(outer.resume(1), CoroutineState::Yielded(2));
    assert_eq!(outer.resume(7), CoroutineState::Yielded(8));
}

#[test]
fn a_scope_in_a_coroutine_is_unwound_with_it() {
    let drops = Drops::new();
    let inside = drops.clone();
    let mut outer = Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
        let local = inside.make();
        scope(|s| {
            let mut inner = s.coroutine(|own: &SuspendHandle<(), ()>, ()| {
                let _borrowed = (&local, inside.make());
                own.suspend(());
            });
            inner.resume(());
            mem::forget(inner);
            handle.suspend(());
        });
    });
    outer.resume(());
    assert_eq!(drops.alive(), 2);
    drop(outer);
    assert_eq!((drops.alive(), drops.dropped()), (0, 2));
}

#[test]
fn thousands_come_and_go_in_any_order() {
    let drops = Drops::new();
    let mut random = testing::Random::new(11);
    scope(|s| {
        let mut alive = Vec::new();
        for _ in 0..5000 {
            let mut coroutine = s.coroutine(|handle: &SuspendHandle<(), ()>, ()| {
                let _local = drops.make();
                handle.suspend(());
            });
            coroutine.resume(());
            alive.push(coroutine);
            if random.below(20) == 0 {
                mem::forget(alive.swap_remove(random.below(alive.len())));
            } else if alive.len() > 100 {
                drop(alive.swap_remove(random.below(alive.len())));
            }
        }
        assert!(drops.alive() > alive.len());
    });
    assert_eq!((drops.alive(), drops.dropped()), (0, 5000));
}

#[test]
fn a_scoped_iterator_walks_what_it_borrows() {
    let words = vec![String::from("a b"), String::from("c")];
    let letters: Vec<&str> = scope(|s| {
        let letters = s.coroutine(|handle, ()| {
            for line in &words {
                line.split(' ').for_each(|word| handle.suspend(word));
            }
        });
        letters.collect()
    });
    assert_eq!(letters, ["a", "b", "c"]);
}

#[test]
fn a_scoped_coroutine_on_a_stack_of_the_callers_gives_it_back() {
    let text = String::from("borrowed");
    let mut stack = GuardedMmapStack::allocate_at_least(64 << 10).unwrap();
    let base = stack.base();
    let drops = Drops::new();
    for unwinds in [false, true] {
        let builder = Coroutine::builder().name("on mine").stack(stack);
        stack = coro::scope(|s| {
            let mut coroutine = builder
                .build_scoped(s, |handle: &SuspendHandle<(), usize>, ()| {
                    let _local = drops.make();
                    handle.suspend(text.len());
                })
                .unwrap();
            assert_eq!(coroutine.resume(()).yielded(), Some(8));
            let mut coroutine = coroutine.into_stack().expect_err("it is suspended");
            if unwinds {
                coroutine.unwind();
            } else {
                coroutine.resume(());
            }
            assert_eq!(drops.alive(), 0);
            assert!(coroutine.is_complete());
            coroutine.into_stack().expect("it is complete")
        });
        assert_eq!(stack.base(), base);
    }
}

#[test]
fn how_many_items_a_scoped_coroutine_has_is_known_at_its_end() {
    coro::scope(|s| {
        let mut items = s.coroutine(|handle: &SuspendHandle<(), u8>, ()| handle.suspend(1));
        assert_eq!(items.size_hint(), (0, None));
        assert_eq!(items.next(), Some(1));
        assert_eq!(items.size_hint(), (0, None));
        assert_eq!(items.next(), None);
        assert_eq!(items.size_hint(), (0, Some(0)));
    });
}

#[test]
fn a_name_is_there_while_it_runs_and_after_it_has_ended() {
    coro::scope(|s| {
        let unnamed = s.coroutine(|_: &SuspendHandle<(), ()>, ()| ());
        assert_eq!(unnamed.name(), None);
        let mut named = Coroutine::builder()
            .name("reader")
            .build_scoped(s, |handle: &SuspendHandle<(), String>, ()| {
                handle.suspend(handle.name().unwrap().to_owned());
            })
            .unwrap();
        assert_eq!(named.name(), Some("reader"));
        assert_eq!(named.resume(()).yielded().as_deref(), named.name());
        named.unwind();
        assert_eq!(named.name(), Some("reader"));
        assert!(format!("{named:?}").contains(r#"name: Some("reader")"#));
    });
}
