//! What ends the process, and how it says so.

use coro::{Coroutine, SuspendHandle};
use std::cell::RefCell;
use std::panic::resume_unwind;
use testing::{OnDrop, child};

testing::scenarios!(
    scenario;
    overflow,
    explained_overflow,
    explained_overflow_of_a_stack_used_before,
    panic_in_destructor,
    drop_in_own_panic,
    exit_inside,
    exit_inside_an_inner_one,
    exit_thread,
    out_of_address_space,
);

const SIGABRT: i32 = 6;
const SIGSEGV: i32 = 11;

fn run(scenario: &str) -> child::Ended {
    child::run("crashes::scenario", scenario)
}

fn named(f: impl FnOnce(&SuspendHandle<(), ()>, ()) + 'static) -> Coroutine<(), (), ()> {
    Coroutine::builder().name("fragile").build(f).unwrap()
}

#[inline(never)]
fn without_end(n: u64) -> u64 {
    std::hint::black_box([n; 64]);
    if std::hint::black_box(n) == u64::MAX {
        return 0;
    }
    1 + std::hint::black_box(without_end(n + 1))
}

fn overflow() {
    println!("about to overflow");
    named(|_, ()| println!("{}", without_end(0))).resume(());
    println!("survived");
}

#[test]
fn an_overflow_hits_the_guard() {
    let ended = run("overflow");
    ended.assert_killed(SIGSEGV, &["about to overflow"]);
    assert!(!ended.output.contains("survived"));
}

fn explained_overflow() {
    sure_stack::overflow::install().unwrap();
    println!("about to overflow");
    named(|_, ()| println!("{}", without_end(0))).resume(());
    println!("survived");
}

#[test]
fn an_overflow_names_the_coroutine() {
    let ended = run("explained_overflow");
    ended.assert_killed(
        SIGABRT,
        &[
            "about to overflow\n",
            // What is filled in; the words around it are sure-stack's.
            "the stack of `fragile`",
            " 0x",
            "ask for more bytes: `Coroutine::builder().stack_size(bytes)`",
        ],
    );
    assert!(!ended.output.contains("survived"));
}

fn explained_overflow_of_a_stack_used_before() {
    sure_stack::overflow::install().unwrap();
    drop(named(|_, ()| ()));
    let mut complete = named(|_, ()| ());
    complete.resume(());
    let stack = complete.into_stack().unwrap();
    println!("about to overflow");
    Coroutine::with_stack(stack, |_: &SuspendHandle<(), ()>, ()| {
        println!("{}", without_end(0))
    })
    .resume(());
    println!("survived");
}

#[test]
fn a_coroutine_takes_its_name_with_it() {
    let ended = run("explained_overflow_of_a_stack_used_before");
    ended.assert_killed(SIGABRT, &["about to overflow", "a stack without a name"]);
    assert!(!ended.output.contains("survived"));
}

fn panic_in_destructor() {
    let mut coroutine = named(|handle, ()| {
        let _bomb = OnDrop(|| panic!("the bomb"));
        handle.suspend(());
    });
    coroutine.resume(());
    drop(coroutine);
    println!("survived");
}

#[test]
fn a_panic_in_a_destructor_during_forced_unwind_aborts() {
    let ended = run("panic_in_destructor");
    ended.assert_killed(
        SIGABRT,
        &["the bomb", "panic in a destructor during cleanup"],
    );
    assert!(!ended.output.contains("survived"));
}

fn drop_in_own_panic() {
    let mut coroutine = named(|handle, ()| {
        let _late = OnDrop(|| handle.suspend(()));
        resume_unwind(Box::new(()));
    });
    coroutine.resume(());
    println!("suspended in its own panic");
    drop(coroutine);
    println!("survived");
}

#[test]
fn dropped_while_it_is_suspended_in_its_own_panic_it_aborts() {
    let ended = run("drop_in_own_panic");
    ended.assert_killed(
        SIGABRT,
        &[
            "suspended in its own panic",
            "panic in a destructor during cleanup",
        ],
    );
    assert!(!ended.output.contains("survived"));
}

/// Exits from inside of a coroutine that a thread-local keeps.
fn exit_inside_of(make: fn() -> Coroutine<(), (), ()>) {
    thread_local! {
        static KEPT: RefCell<Option<Coroutine<(), (), ()>>> = const { RefCell::new(None) };
    }
    KEPT.with(|kept| {
        let mut kept = kept.borrow_mut();
        kept.insert(make()).resume(());
    });
}

fn exit_inside() {
    exit_inside_of(|| named(|_, ()| std::process::exit(42)));
}

fn exit_inside_an_inner_one() {
    exit_inside_of(|| {
        named(|_, ()| {
            let mut inner = named(|_, ()| std::process::exit(43));
            inner.resume(());
        })
    });
}

fn exit_thread() {
    let exits = || exit_inside_of(|| named(|_, ()| std::process::exit(44)));
    let _ = std::thread::spawn(exits).join();
}

#[test]
fn a_process_exits_inside_of_a_coroutine_that_a_thread_local_keeps() {
    for (scenario, code) in [
        ("exit_inside", 42),
        ("exit_inside_an_inner_one", 43),
        ("exit_thread", 44),
    ] {
        let ended = run(scenario);
        assert_eq!(ended.status.code(), Some(code), "{ended}");
    }
}

fn out_of_address_space() {
    let mut alive = Vec::new();
    let error = loop {
        match Coroutine::try_new(|handle: &SuspendHandle<(), ()>, ()| handle.suspend(())) {
            Ok(mut coroutine) => {
                coroutine.resume(());
                alive.push(coroutine);
            }
            Err(error) => break error,
        }
    };
    println!("{} coroutines, then: {error}", alive.len());
    for mut coroutine in alive {
        assert!(coroutine.resume(()).complete().is_some());
    }
    println!("all of them finished");
}

#[test]
fn exhausted_address_space_is_an_error() {
    let ended = child::run_below(
        "ulimit -v 1000000",
        "crashes::scenario",
        "out_of_address_space",
    );
    // Where each coroutine is a thread, the thread's stack is the larger one.
    let refused = match cfg!(any(sure_context_portable, windows)) {
        true => "no thread to run on",
        false => "raise `ulimit -v`",
    };
    ended.assert_success(&[refused, "all of them finished"]);
}
