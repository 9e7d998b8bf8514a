//! Every system call fails once, at every place where one is made. Then there is an
//! error, or a way around it; nothing is lost, and nothing is broken.

use super::sys::failpoint::{Call, Calls, during};
use super::sys::lock::INDEX;
use crate::{
    ArenaConfig, GuardedMmapStack, Guards, PoolConfig, PooledStack, Stack, StackArena, StackError,
};
use std::error::Error;
use std::panic::catch_unwind;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// More than a first reservation holds.
const STACKS: usize = 20;

/// Asked before anything fails, because the answers are kept for ever.
fn probe() {
    super::guard::lightweight_guards();
    super::guard::clears_memory();
    INDEX.locked(|| ());
}

fn use_it(stack: &impl Stack) {
    for address in [
        stack.limit().as_ptr(),
        stack.base().as_ptr().wrapping_sub(1),
    ] {
        // SAFETY: the lowest and the highest byte of a stack on which nothing runs.
        unsafe {
            address.write_volatile(0x5A);
            assert_eq!(address.read_volatile(), 0x5A);
        }
    }
}

/// An error says what failed.
fn examine<T>(result: Result<T, StackError>) -> Option<T> {
    result
        .map_err(|error| {
            let matches = matches!(error, StackError::Map { .. } | StackError::Guard { .. });
            assert!(matches && error.source().is_some(), "{error:?}");
        })
        .ok()
}

/// Stacks come and go; afterwards the arena is as good as new.
fn stress(arena: &StackArena) {
    for _ in 0..2 {
        let stacks: Vec<_> = (0..STACKS)
            .filter_map(|_| examine(arena.allocate()))
            .collect();
        stacks.iter().for_each(use_it);
        assert_eq!(arena.statistics().live, stacks.len());
    }
    arena.trim();
    let statistics = arena.statistics();
    assert_eq!((statistics.live, statistics.kept), (0, 0));
    assert_eq!((statistics.reserved_bytes, statistics.used), (0, 0));
}

/// Whether each mapping that was made was unmapped, or the system would not let it go.
#[track_caller]
fn assert_balanced(calls: &Calls) {
    let count = |calls: &[Call], which| calls.iter().filter(|call| **call == which).count();
    let made = count(&calls.all, Call::Map) - count(&calls.failed, Call::Map);
    assert_eq!(made, count(&calls.all, Call::Unmap), "{calls:?}");
}

/// Runs `work` once for each call that it makes when nothing fails, with that
/// call failing; and once more with all calls from there on failing.
fn at_every_step(errno: i32, which: fn(Call) -> bool, work: impl Fn() + Copy) {
    probe();
    let steps = during(|_, _| None, work);
    let count = steps.all.len();
    assert!(count > 2, "{steps:?}");
    // Every step, or some of them where all would take too long.
    for step in (0..count).step_by(count.div_ceil(testing::cases(count))) {
        let calls = during(
            move |n, call| (n == step && which(call)).then_some(errno),
            work,
        );
        assert_balanced(&calls);
        assert!(!calls.failed.is_empty() || !which(steps.all[step]));
        let calls = during(
            move |n, call| (n >= step && which(call)).then_some(errno),
            work,
        );
        assert_balanced(&calls);
    }
}

fn arena(guards: Guards) -> StackArena {
    let config = ArenaConfig::new().stack_size(8192).guards(guards).keep(3);
    config.build().expect("a size")
}

#[test]
fn an_arena_survives_any_call_that_fails() {
    for guards in [Guards::Automatic, Guards::Mprotect] {
        for errno in [libc::ENOMEM, libc::EAGAIN, libc::EINVAL] {
            at_every_step(errno, |_| true, || stress(&arena(guards)));
        }
    }
}

#[test]
fn an_arena_survives_its_own_end_while_calls_fail() {
    at_every_step(
        libc::ENOMEM,
        |_| true,
        || {
            let arena = arena(Guards::Automatic);
            let stack = examine(arena.allocate());
            drop(arena.clone());
            drop(arena);
            stack.iter().for_each(use_it);
        },
    );
}

#[test]
fn what_failed_once_works_the_next_time() {
    probe();
    for guards in [Guards::Automatic, Guards::Mprotect] {
        let arena = arena(guards);
        for step in 0..12 {
            during(
                move |n, _| (n >= step).then_some(libc::ENOMEM),
                || {
                    let stacks: Vec<_> = (0..2 * STACKS)
                        .map_while(|_| examine(arena.allocate()))
                        .collect();
                    assert!(stacks.len() < 2 * STACKS);
                },
            );
            let again: Vec<_> = (0..STACKS).map(|_| arena.allocate().unwrap()).collect();
            again.iter().for_each(use_it);
            drop(again);
            // So that the next time there is something to call for again.
            arena.trim();
        }
        assert_eq!(arena.statistics().live, 0);
    }
}

#[test]
fn locked_memory_gets_protected_guards() {
    probe();
    let arena = arena(Guards::Automatic);
    let calls = during(
        |_, call| (call == Call::Advise).then_some(libc::EINVAL),
        || {
            let stacks: Vec<_> = (0..STACKS).map(|_| arena.allocate().unwrap()).collect();
            stacks.iter().for_each(use_it);
            assert_eq!(arena.statistics().protected_guards, STACKS);
        },
    );
    let protected = calls.all.iter().filter(|call| **call == Call::Protect);
    assert_eq!(protected.count(), STACKS);
}

#[test]
fn a_mapped_stack_survives_any_call_that_fails() {
    for errno in [libc::ENOMEM, libc::EAGAIN] {
        at_every_step(
            errno,
            |_| true,
            || {
                examine(GuardedMmapStack::allocate_at_least(1))
                    .iter()
                    .for_each(use_it);
                examine(PooledStack::allocate_at_least(
                    crate::LARGEST_POOLED_SIZE + 1,
                ))
                .iter()
                .for_each(use_it);
            },
        );
    }
}

#[test]
fn a_pool_survives_advice_that_is_refused() {
    // The arenas of all threads may map at any time, so mapping is left alone.
    let refused = |call| call == Call::Advise;
    let work = || {
        for config in [
            PoolConfig::new().measure(true),
            PoolConfig::new().kept_bytes(600 << 10),
            PoolConfig::new().kept_stacks(0),
        ] {
            PooledStack::configure(config);
            let stacks: Vec<_> = (0..5).filter_map(|_| examine(PooledStack::new())).collect();
            stacks.iter().for_each(use_it);
            drop(stacks);
            assert!(PooledStack::kept() <= 5);
            PooledStack::trim();
        }
    };
    let tried = std::thread::spawn(move || {
        probe();
        PooledStack::arena().trim();
        for step in 0..40 {
            during(
                move |n, call| (n >= step && refused(call)).then_some(libc::EINVAL),
                work,
            );
        }
    });
    tried.join().unwrap();
}

testing::scenarios!(scenario; fork_while_the_lock_is_first_taken, ask_what_takes_no_advice);

/// In a process of its own, because each question is asked once.
fn ask_what_takes_no_advice() {
    use super::guard::{clears_memory, lightweight_guards, vectored_guards};
    during(
        |_, call| (call == Call::Advise).then_some(libc::EINVAL),
        || assert!(!vectored_guards() && !lightweight_guards() && !clears_memory()),
    );
    println!("nothing is believed of it");
}

#[test]
fn a_system_that_refuses_all_advice_is_known() {
    let ended = testing::child::run(
        "hosted::failing_calls::scenario",
        "ask_what_takes_no_advice",
    );
    ended.assert_success(&["nothing is believed of it"]);
}

/// In a process of its own, because handlers are registered once.
fn fork_while_the_lock_is_first_taken() {
    let calls = during(
        |_, call| {
            if call == Call::AtFork {
                fork_beside_a_holder();
            }
            None
        },
        || INDEX.locked(|| println!("taken")),
    );
    assert_eq!(calls.all, [Call::AtFork]);
    fork_beside_a_holder();
    println!("no child hung");
}

/// Forks while another thread holds the lock; the child takes it.
fn fork_beside_a_holder() {
    let (sender, receiver) = mpsc::channel();
    let holder = thread::spawn(move || {
        INDEX.locked(|| {
            sender.send(()).unwrap();
            thread::sleep(Duration::from_millis(300));
        });
    });
    receiver.recv().unwrap();
    // SAFETY: the child takes a lock, and ends.
    unsafe {
        let process = libc::fork();
        if process == 0 {
            libc::alarm(20);
            INDEX.locked(|| ());
            libc::_exit(0);
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(process, &mut status, 0), process);
        assert_eq!(
            status, 0,
            "the child waits for a lock that nothing releases"
        );
    }
    holder.join().unwrap();
}

#[test]
fn no_lock_is_held_before_handlers_of_forks_are_registered() {
    let scenario = "hosted::failing_calls::scenario";
    let ended = testing::child::run(scenario, "fork_while_the_lock_is_first_taken");
    ended.assert_success(&["taken", "no child hung"]);
}

#[test]
fn invalid_sizes_make_no_call() {
    for bytes in [0, usize::MAX, isize::MAX as usize] {
        let calls = during(
            |_, _| None,
            || assert!(catch_unwind(|| StackArena::new(bytes).is_err()).unwrap()),
        );
        assert!(calls.all.is_empty());
    }
}

fn count(calls: &Calls, call: Call) -> usize {
    calls.all.iter().filter(|it| **it == call).count()
}

/// So many that an arena makes guards ahead, which begins where a reservation has 256 in use.
const MANY: usize = 1100;

/// The calls while so many stacks are taken, of which none comes back.
fn take_many(plan: fn(usize, Call) -> Option<i32>) -> Calls {
    probe();
    super::guard::vectored_guards();
    let config = ArenaConfig::new().stack_size(8192).keep(MANY);
    let arena = config.build().unwrap();
    let mut stacks = Vec::new();
    let calls = during(plan, || {
        stacks.extend((0..MANY).map(|_| arena.allocate().unwrap()));
    });
    stacks.iter().for_each(use_it);
    calls
}

#[test]
fn guards_of_many_stacks_are_made_together() {
    let calls = take_many(|_, _| None);
    if super::guard::vectored_guards() {
        assert!(count(&calls, Call::Advise) < MANY * 9 / 10, "{calls:?}");
    }
}

#[test]
fn in_locked_memory_nothing_is_made_ahead() {
    let calls = take_many(|_, call| (call == Call::Advise).then_some(libc::EINVAL));
    if super::guard::lightweight_guards() {
        // Each is tried once, and nothing but it; so are huge pages, for each reservation.
        let reservations = count(&calls, Call::Map);
        assert_eq!(count(&calls, Call::Advise), MANY + reservations);
    }
}

#[test]
fn the_memory_of_neighbours_goes_back_in_one_call() {
    probe();
    let config = ArenaConfig::new().stack_size(8192).keep(STACKS);
    let arena = config.build().unwrap();
    drop(
        (0..10)
            .map(|_| arena.allocate().unwrap())
            .collect::<Vec<_>>(),
    );
    let calls = during(|_, _| None, || _ = arena.trim());
    assert_eq!(count(&calls, Call::Advise), 1, "{calls:?}");
}
