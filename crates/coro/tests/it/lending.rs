//! Coroutines that are lent something at each resume, and attacks on the loan.

use coro::{
    Coroutine, CoroutineState, Lend, LendingCoroutine, LendingHandle, Status, SuspendHandle,
};
use static_assertions::assert_not_impl_any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use sure_stack::GuardedMmapStack;
use testing::{Drops, OnDrop, child};

testing::scenarios!(
    scenario;
    with_in_a_destructor,
    suspend_in_a_destructor,
    ended_while_used,
);

assert_not_impl_any!(LendingCoroutine<u8, u8, u8, GuardedMmapStack>: Send, Sync);
assert_not_impl_any!(LendingHandle<u8, u8>: Send, Sync);

const SIGABRT: i32 = 6;

type List = Vec<u32>;
type Handle = LendingHandle<List, u32>;
type Script = LendingCoroutine<List, u32, ()>;

fn message<R>(f: impl FnOnce() -> R) -> String {
    let caught = catch_unwind(AssertUnwindSafe(f)).map(|_| ());
    *caught.unwrap_err().downcast::<String>().expect("a message")
}

fn refuses_in_use<R>(f: impl FnOnce() -> R) {
    let message = message(f);
    assert!(message.contains("inside of `with`"), "{message}");
}

#[test]
fn each_resume_lends_what_it_likes() {
    let scripts = (0..50).map(|who| {
        LendingCoroutine::new(move |handle: &Handle| {
            for turn in 0.. {
                let length = handle.with(|list| {
                    list.push(who * 100 + turn);
                    list.len()
                });
                handle.suspend(length as u32);
            }
        })
    });
    let mut scripts: Vec<Script> = scripts.collect();
    let (mut even, mut odd) = (vec![], vec![]);
    for turn in 0..4 {
        for (who, script) in scripts.iter_mut().enumerate() {
            let list = if (who + turn) % 2 == 0 {
                &mut even
            } else {
                &mut odd
            };
            let length = list.len() as u32 + 1;
            assert_eq!(script.resume(list), CoroutineState::Yielded(length));
        }
    }
    assert_eq!((even.len(), odd.len()), (100, 100));
    assert!(even.iter().all(|n| (n / 100 + n % 100) % 2 == 0));
    assert!(odd.iter().all(|n| (n / 100 + n % 100) % 2 == 1));
}

#[test]
fn what_is_lent_is_free_again_after_each_resume() {
    let mut list = vec![1];
    let mut script = LendingCoroutine::new(|handle: &Handle| {
        handle.with(|list| list.push(2));
        handle.suspend(0);
    });
    script.resume(&mut list);
    // While the coroutine is suspended, the list is changed, moved and dropped.
    list.push(3);
    let moved = list;
    assert_eq!(moved, [1, 2, 3]);
    drop(moved);
    assert_eq!(script.resume(&mut vec![]), CoroutineState::Complete(()));
}

#[test]
fn a_suspend_or_a_second_with_inside_of_with_is_refused() {
    let mut script = LendingCoroutine::new(|handle: &Handle| {
        for _ in 0..3 {
            handle.with(|list| {
                refuses_in_use(|| handle.suspend(99));
                refuses_in_use(|| handle.with(|list| list.clear()));
                assert!(handle.try_with(|list| list.clear()).is_none());
                list.push(1);
            });
            handle.suspend(handle.with(|list| list.len() as u32));
        }
    });
    let mut list = vec![];
    for length in 1..=3 {
        assert_eq!(script.resume(&mut list), CoroutineState::Yielded(length));
    }
    assert_eq!(script.resume(&mut list), CoroutineState::Complete(()));
    assert_eq!(list, [1; 3]);
}

#[test]
fn the_refusal_names_the_coroutine() {
    let builder = Coroutine::builder().name("greedy");
    let mut script = builder
        .build_lending(|handle: &Handle| handle.with(|_| handle.with(|list| list.clear())))
        .unwrap();
    let said = message(|| script.resume(&mut vec![]));
    assert!(
        said.starts_with("coroutine `greedy` was asked to use what is lent"),
        "{said}"
    );
    assert_eq!(script.status(), Status::Complete);
}

#[test]
fn on_other_stacks_it_is_the_same() {
    let mut large = GuardedMmapStack::allocate_at_least(1 << 16).unwrap();
    let mut script = LendingCoroutine::new(move |handle: &Handle| {
        coro::on_stack(&mut large, || {
            handle.with(|list| {
                list.push(1);
                refuses_in_use(|| handle.suspend(99));
            });
            let said = message(|| handle.suspend(99));
            assert!(said.contains("not run on its own stack"), "{said}");
            // A suspend that was refused ends no loan.
            handle.with(|list| list.push(2));
        });
        handle.suspend(7);
        handle.with(|list| list.push(3));
    });
    let mut list = vec![];
    assert_eq!(script.resume(&mut list), CoroutineState::Yielded(7));
    assert_eq!(list, [1, 2]);
    script.resume(&mut list);
    assert_eq!(list, [1, 2, 3]);
}

#[test]
fn an_inner_coroutine_that_waits_inside_of_with_holds_the_loan() {
    let mut script = LendingCoroutine::new(|handle: &Handle| {
        coro::scope(|s| {
            let mut inner = s.coroutine(|own: &SuspendHandle<(), u32>, ()| {
                handle.with(|list| {
                    list.push(1);
                    own.suspend(5);
                    list.push(2);
                });
                own.suspend(6);
            });
            assert_eq!(inner.resume(()), CoroutineState::Yielded(5));
            refuses_in_use(|| handle.suspend(99));
            refuses_in_use(|| handle.with(|list| list.clear()));
            assert_eq!(inner.resume(()), CoroutineState::Yielded(6));
            handle.with(|list| list.push(3));
            handle.suspend(10);
        });
    });
    let mut list = vec![];
    assert_eq!(script.resume(&mut list), CoroutineState::Yielded(10));
    assert_eq!(list, [1, 2, 3]);
    drop(script);
}

#[test]
fn an_inner_coroutine_is_unwound_out_of_with_before_the_loan_ends() {
    for leaks in [false, true] {
        let mut script = LendingCoroutine::new(move |handle: &Handle| {
            coro::scope(|s| {
                let mut inner = s.coroutine(|own: &SuspendHandle<(), ()>, ()| {
                    handle.with(|list| {
                        list.push(1);
                        let list = RefCell::new(list);
                        let _late = OnDrop(|| list.borrow_mut().push(2));
                        own.suspend(());
                    });
                });
                inner.resume(());
                if leaks {
                    std::mem::forget(inner);
                }
            });
            // The scope has taken it down, and the loan is back.
            handle.with(|list| list.push(3));
            resume_unwind(Box::new("over"));
        });
        let mut list = vec![];
        let caught = catch_unwind(AssertUnwindSafe(|| {
            script.resume(&mut list);
        }));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"over"));
        assert_eq!(list, [1, 2, 3]);
    }
}

#[test]
fn a_panic_leaves_the_lender_with_what_it_lent() {
    let mut list = vec![];
    let mut script = LendingCoroutine::new(|handle: &Handle| {
        let caught = catch_unwind(AssertUnwindSafe(|| {
            handle.with(|list| {
                list.push(1);
                resume_unwind(Box::new(()));
            });
        }));
        assert!(caught.is_err());
        handle.with(|list| list.push(2));
        handle.suspend(0);
        handle.with(|list| {
            list.push(3);
            resume_unwind(Box::new("broken"));
        });
    });
    script.resume(&mut list);
    let caught = catch_unwind(AssertUnwindSafe(|| {
        script.resume(&mut list);
    }));
    assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"broken"));
    assert_eq!(script.status(), Status::Complete);
    list.push(4);
    assert_eq!(list, [1, 2, 3, 4]);
    assert!(script.try_resume(&mut list).is_err());
    assert!(message(|| script.resume(&mut list)).contains("it is complete"));
}

#[test]
fn destructors_use_the_loan_if_there_is_one() {
    /// Leaves the list in the end, if there is one; and notes whether there was.
    struct Leave<'h>(&'h Handle, Rc<Cell<Option<bool>>>);
    impl Drop for Leave<'_> {
        fn drop(&mut self) {
            self.1
                .set(Some(self.0.try_with(|list| list.pop()).is_some()));
        }
    }
    let start = |seen: &Rc<Cell<Option<bool>>>| {
        let seen = seen.clone();
        LendingCoroutine::new(move |handle: &Handle| {
            handle.with(|list| list.push(1));
            let _leave = Leave(handle, seen);
            handle.suspend(0);
            if handle.with(|list| list.len()) == 2 {
                resume_unwind(Box::new("a panic"));
            }
        })
    };
    let mut list = vec![];
    let seen = Rc::new(Cell::new(None));

    let mut script = start(&seen);
    script.resume(&mut list);
    script.resume(&mut list);
    assert_eq!((seen.take(), list.len()), (Some(true), 0));

    let mut script = start(&seen);
    script.resume(&mut list);
    list.push(2);
    let caught = catch_unwind(AssertUnwindSafe(|| {
        script.resume(&mut list);
    }));
    assert!(caught.is_err());
    assert_eq!((seen.take(), &*list), (Some(true), &[1][..]));

    let mut script = start(&seen);
    script.resume(&mut list);
    let length = list.len();
    drop(script);
    assert_eq!((seen.take(), list.len()), (Some(false), length));
}

#[test]
fn dropped_and_leaked_ones() {
    let drops = Drops::new();
    let make = || {
        let counted = drops.make();
        LendingCoroutine::new(move |handle: &Handle| {
            let _counted = counted;
            handle.suspend(0);
        })
    };
    let mut list = vec![];
    drop(make());
    assert_eq!(drops.alive(), 0);
    let mut script = make();
    script.resume(&mut list);
    drop(script);
    assert_eq!(drops.alive(), 0);
    let mut script = make();
    script.resume(&mut list);
    std::mem::forget(script);
    assert_eq!(drops.alive(), 1);
    list.push(1);
}

#[test]
fn what_is_lent_is_lent_on() {
    /// Lends on through `depth` coroutines, each inside of the `with` of the one before.
    fn nest(depth: u32) -> Script {
        LendingCoroutine::new(move |handle: &Handle| {
            let mut inner = (depth > 0).then(|| nest(depth - 1));
            loop {
                handle.with(|list| {
                    list.push(depth);
                    if let Some(inner) = &mut inner {
                        inner.resume(list);
                        list.push(depth);
                    }
                });
                handle.suspend(depth);
            }
        })
    }
    let mut list = vec![];
    let mut outermost = nest(3);
    for _ in 0..2 {
        outermost.resume(&mut list);
    }
    assert_eq!(list, [[3, 2, 1, 0, 1, 2, 3]; 2].concat());
}

/// What a script works on may hold the scripts.
#[test]
fn a_world_that_holds_its_scripts() {
    #[derive(Default)]
    struct World {
        scripts: Vec<LendingCoroutine<World, (), ()>>,
        alive: u32,
    }
    fn script(handle: &LendingHandle<World, ()>, children: u32) {
        handle.with(|world| {
            world.alive += 1;
            for _ in 0..children {
                let child = LendingCoroutine::new(move |handle: &_| script(handle, children - 1));
                world.scripts.push(child);
            }
        });
        handle.suspend(());
        handle.with(|world| world.alive -= 1);
    }
    let mut world = World::default();
    world
        .scripts
        .push(LendingCoroutine::new(|handle: &_| script(handle, 4)));
    let mut most = 0;
    while let Some(mut next) = world.scripts.pop() {
        next.resume(&mut world);
        most = most.max(world.alive);
        if !next.is_complete() {
            world.scripts.insert(0, next);
        }
    }
    assert_eq!(world.alive, 0);
    assert!(most > 4, "{most}");
}

struct Turn<'w> {
    name: &'w str,
    line: &'w mut String,
}
type Turns = dyn for<'w> Lend<'w, Lent = Turn<'w>>;

trait Engine {
    fn start(&mut self) -> u32;
}
impl Engine for u32 {
    fn start(&mut self) -> u32 {
        *self += 1;
        *self
    }
}
type Engines = dyn for<'w> Lend<'w, Lent = dyn Engine + 'w>;

#[test]
fn types_that_borrow_and_types_without_a_size() {
    let mut greeter = LendingCoroutine::new(|handle: &LendingHandle<Turns, usize>| {
        loop {
            let length = handle.with(|turn| {
                turn.line.push_str(turn.name);
                turn.line.len()
            });
            handle.suspend(length);
        }
    });
    let _: &LendingCoroutine<Turns, usize, ()> = &greeter;
    for name in ["Ada", "Grace"] {
        let (name, mut line) = (name.to_owned(), String::from("hello "));
        let mut turn = Turn {
            name: &name,
            line: &mut line,
        };
        assert_eq!(greeter.resume(&mut turn).yielded(), Some(6 + name.len()));
        assert_eq!(line, format!("hello {name}"));
    }

    let mut bytes = LendingCoroutine::new(|handle: &LendingHandle<[u8], usize>| {
        handle.with(|bytes| bytes.reverse());
        handle.suspend(handle.with(|bytes| bytes.len()));
        handle.with(|bytes| bytes.fill(0));
    });
    let mut three = [1, 2, 3];
    assert_eq!(bytes.resume(&mut three), CoroutineState::Yielded(3));
    assert_eq!(three, [3, 2, 1]);
    bytes.resume(&mut three[1..]);
    assert_eq!(three, [3, 0, 0]);

    let mut driver = LendingCoroutine::new(|handle: &LendingHandle<Engines, u32>| {
        loop {
            handle.suspend(handle.with(|engine| engine.start()));
        }
    });
    let _: &LendingCoroutine<Engines, u32, ()> = &driver;
    assert_eq!(driver.resume(&mut 7_u32).yielded(), Some(8));
    assert_eq!(driver.resume(&mut 1_u32).yielded(), Some(2));

    let mut nothing = LendingCoroutine::new(|handle: &LendingHandle<(), ()>| {
        handle.with(|()| ());
        handle.suspend(());
    });
    nothing.resume(&mut ());
    nothing.resume(&mut ());
}

#[test]
fn used_by_a_destructor_during_a_panic() {
    let list = Rc::new(RefCell::new(vec![]));
    let inside = list.clone();
    let caught = catch_unwind(AssertUnwindSafe(move || {
        let _resumes = OnDrop(move || {
            let mut script = LendingCoroutine::new(|handle: &Handle| {
                handle.with(|list| list.push(1));
                handle.suspend(0);
                handle.with(|list| list.push(2));
            });
            script.resume(&mut inside.borrow_mut());
            script.resume(&mut inside.borrow_mut());
        });
        resume_unwind(Box::new(()));
    }));
    assert!(caught.is_err());
    assert_eq!(*list.borrow(), [1, 2]);
}

/// What crates for scoped thread-locals do, in small: a reference that is there for the length of a call.
mod scoped {
    use super::*;

    thread_local! {
        static CURRENT: Cell<Option<*const Handle>> = const { Cell::new(None) };
    }

    pub(super) fn set<R>(handle: &Handle, f: impl FnOnce() -> R) -> R {
        let before = CURRENT.replace(Some(handle));
        let _restore = OnDrop(|| CURRENT.set(before));
        f()
    }

    pub(super) fn with<R>(f: impl FnOnce(&Handle) -> R) -> R {
        let handle = CURRENT.get().expect("inside of `set`");
        // SAFETY: `set` has the reference, and takes the pointer away before it returns.
        f(unsafe { &*handle })
    }
}

#[test]
fn a_handle_that_was_smuggled_out_finds_nothing() {
    let mut script = LendingCoroutine::new(|handle: &Handle| {
        scoped::set(handle, || {
            let mut inner = Coroutine::new(|own: &SuspendHandle<(), ()>, ()| {
                // In place and time: the loan is there.
                scoped::with(|handle| handle.with(|list| list.push(1)));
                own.suspend(());
            });
            inner.resume(());
            handle.suspend(7);
            handle.with(|list| list.push(2));
        });
    });
    let mut list = vec![];
    assert_eq!(script.resume(&mut list), CoroutineState::Yielded(7));
    // The coroutine is suspended, and the loan is over.
    scoped::with(|handle| {
        assert!(handle.try_with(|list| list.clear()).is_none());
        let said = message(|| handle.with(|list| list.clear()));
        assert!(said.contains("nothing is lent"), "{said}");
        let said = message(|| handle.suspend(99));
        assert!(said.contains("not run on its own stack"), "{said}");
    });
    assert_eq!(script.resume(&mut list), CoroutineState::Complete(()));
    assert_eq!(list, [1, 2]);
}

fn with_in_a_destructor() {
    let mut script = LendingCoroutine::new(|handle: &Handle| {
        let _late = OnDrop(|| handle.with(|list| list.clear()));
        handle.suspend(0);
    });
    script.resume(&mut vec![]);
    drop(script);
    println!("survived");
}

#[test]
fn with_in_a_destructor_of_a_dropped_one_ends_the_process() {
    let ended = child::run("lending::scenario", "with_in_a_destructor");
    ended.assert_killed(
        SIGABRT,
        &["but nothing is lent to it while it is suspended or dropped"],
    );
    assert!(!ended.output.contains("survived"));
}

fn suspend_in_a_destructor() {
    let mut script = LendingCoroutine::new(|handle: &Handle| {
        let _late = OnDrop(|| handle.suspend(1));
        handle.suspend(0);
    });
    script.resume(&mut vec![]);
    drop(script);
    println!("survived");
}

#[test]
fn a_suspend_in_a_destructor_of_a_dropped_one_ends_the_process() {
    let ended = child::run("lending::scenario", "suspend_in_a_destructor");
    ended.assert_killed(SIGABRT, &["coroutine"]);
    assert!(!ended.output.contains("survived"));
}

fn ended_while_used() {
    let kept = Rc::new(RefCell::new(None));
    let inside = kept.clone();
    let mut script = LendingCoroutine::new(move |handle: &Handle| {
        scoped::set(handle, || {
            let mut inner = Coroutine::new(|own: &SuspendHandle<(), ()>, ()| {
                scoped::with(|handle| handle.with(|_| own.suspend(())));
            });
            inner.resume(());
            *inside.borrow_mut() = Some(inner);
        });
    });
    script.resume(&mut vec![]);
    println!("survived");
}

#[test]
fn an_end_while_another_coroutine_uses_the_loan_aborts() {
    let ended = child::run("lending::scenario", "ended_while_used");
    ended.assert_killed(
        SIGABRT,
        &["ends while what was lent to it is used by another coroutine"],
    );
    assert!(!ended.output.contains("survived"));
}
