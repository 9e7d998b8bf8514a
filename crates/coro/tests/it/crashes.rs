//! What ends the process, and how it says so.

use coro::{Coroutine, SuspendHandle};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use testing::{OnDrop, child};

testing::scenarios!(
    scenario;
    overflow,
    explained_overflow,
    explained_overflow_of_a_stack_used_before,
    swallow_and_suspend,
    panic_in_destructor,
    suspend_in_own_panic,
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
            "has overflowed the stack of `fragile`\n",
            "\n  stack ",
            " bytes from 0x",
            "\n  access    to 0x",
            "\n  code ",
            "\n  to enlarge it, ask for more bytes: `Coroutine::builder().stack_size(bytes)`",
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
    ended.assert_killed(
        SIGABRT,
        &["about to overflow", "has overflowed a stack without a name"],
    );
    assert!(!ended.output.contains("survived"));
}

fn swallow_and_suspend() {
    let mut coroutine = named(|handle, ()| {
        let _ = catch_unwind(AssertUnwindSafe(|| handle.suspend(())));
        println!("swallowed");
        handle.suspend(());
        println!("resumed");
    });
    coroutine.resume(());
    drop(coroutine);
    println!("survived");
}

#[test]
fn a_suspend_after_a_swallowed_unwind_aborts() {
    let ended = run("swallow_and_suspend");
    ended.assert_killed(
        SIGABRT,
        &["swallowed", "coroutine `fragile` is being dropped"],
    );
    assert!(!ended.output.contains("resumed") && !ended.output.contains("survived"));
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

fn suspend_in_own_panic() {
    let mut coroutine = named(|handle, ()| {
        let _late = OnDrop(|| handle.suspend(()));
        resume_unwind(Box::new(()));
    });
    coroutine.resume(());
    println!("survived");
}

#[test]
fn a_suspend_in_the_coroutines_own_panic_is_refused() {
    let ended = run("suspend_in_own_panic");
    let message = "coroutine `fragile` was asked to suspend by a destructor while it unwinds";
    ended.assert_killed(SIGABRT, &[message]);
    assert!(!ended.output.contains("survived"));
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
    ended.assert_success(&["raise `ulimit -v`", "all of them finished"]);
}
