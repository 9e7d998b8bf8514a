//! Tasks that take turns.

use crate::kinds::deeper;
use coro_dynamic::{Refusal, RunError, RunStack, Scheduler, Status, Task};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use sure_context::stack_pointer;
use testing::{Drops, OnDrop};

fn each(test: impl Fn(Scheduler)) {
    test(Scheduler::new());
    test(Scheduler::on_run_stack(
        RunStack::new(1 << 20).expect("a stack"),
    ));
}

#[test]
fn round_robin() {
    each(|mut scheduler| {
        let log = Rc::new(RefCell::new(Vec::new()));
        for number in 0..4 {
            let log = Rc::clone(&log);
            // SAFETY: no addresses of locals cross.
            unsafe {
                scheduler.spawn(move |task| {
                    for turn in 0..number {
                        log.borrow_mut().push((turn, number));
                        deeper(number, &mut || task.yield_now());
                    }
                })
            };
        }
        assert_eq!((scheduler.len(), scheduler.is_empty()), (4, false));
        scheduler.run().expect("no panic");
        assert!(scheduler.is_empty());
        let expected = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];
        assert_eq!(*log.borrow(), expected);
    });
}

#[test]
fn tasks_spawn_tasks() {
    fn tree(task: &Task<'_>, height: u32, leaves: &Rc<Cell<u32>>) {
        if height == 0 {
            leaves.set(leaves.get() + 1);
            return;
        }
        for _ in 0..2 {
            let leaves = Rc::clone(leaves);
            // SAFETY: no addresses of locals cross.
            unsafe { task.spawn(move |task| tree(task, height - 1, &leaves)) };
            task.yield_now();
        }
    }
    each(|mut scheduler| {
        let leaves = Rc::new(Cell::new(0));
        let counted = Rc::clone(&leaves);
        // SAFETY: no addresses of locals cross.
        unsafe { scheduler.spawn(move |task| tree(task, 8, &counted)) };
        scheduler.run().expect("no panic");
        assert_eq!(leaves.get(), 256);
    });
}

#[test]
fn a_panic_is_reported_and_the_others_go_on() {
    each(|mut scheduler| {
        let drops = Drops::new();
        let finished = Rc::new(Cell::new(0));
        let mut ids = Vec::new();
        for number in 0..5 {
            let (counted, finished) = (drops.make(), Rc::clone(&finished));
            // SAFETY: no addresses of locals cross.
            let id = unsafe {
                scheduler.spawn(move |task| {
                    let _counted = counted;
                    task.yield_now();
                    if number % 2 == 1 {
                        std::panic::resume_unwind(Box::new(format!("number {number}")));
                    }
                    task.yield_now();
                    finished.set(finished.get() + 1);
                })
            };
            ids.push(id);
        }
        for number in [1, 3] {
            let error = scheduler.run().expect_err("one panics");
            assert_eq!(error.task(), ids[number]);
            let text = error.to_string();
            assert_eq!(text, format!("task {number} panicked: number {number}"));
        }
        assert_eq!(drops.dropped(), 2);
        scheduler.run().expect("the others end");
        assert_eq!((finished.get(), drops.alive()), (3, 0));
    });
}

#[test]
fn dropped_with_suspended_tasks() {
    each(|mut scheduler| {
        let drops = Drops::new();
        for _ in 0..10 {
            let counted = drops.make();
            // SAFETY: no addresses of locals cross.
            unsafe {
                scheduler.spawn(move |task| {
                    let _counted = counted;
                    task.yield_now();
                })
            };
        }
        for _ in 0..5 {
            assert!(scheduler.step().expect("no panic"));
        }
        let mut scheduler = Some(scheduler);
        deeper(30, &mut || drop(scheduler.take()));
        assert_eq!((drops.alive(), drops.dropped()), (0, 10));
    });
}

#[test]
fn what_a_dropped_task_spawns_is_dropped_too() {
    each(|mut scheduler| {
        let drops = Drops::new();
        let made = drops.clone();
        // SAFETY: no addresses of locals cross but that of the task, within the task.
        unsafe {
            scheduler.spawn(move |task| {
                let _last = OnDrop(|| {
                    let counted = made.make();
                    task.spawn(move |_| drop(counted));
                });
                task.yield_now();
            })
        };
        assert!(scheduler.step().expect("no panic"));
        drop(scheduler);
        assert_eq!((drops.alive(), drops.dropped()), (0, 1));
    });
}

#[test]
fn a_task_that_cannot_be_resumed_is_kept() {
    let mut scheduler = Scheduler::new();
    // SAFETY: no addresses of locals cross.
    let id = unsafe { scheduler.spawn(|task| task.yield_now()) };
    let mut stack = sure_stack::GuardedMmapStack::allocate_at_least(256 << 10).expect("a stack");
    match coro::on_stack(&mut stack, || scheduler.run()) {
        Err(RunError::Refused(refused, Refusal::OtherStack)) => assert_eq!(refused, id),
        other => panic!("{other:?}"),
    }
    assert_eq!(scheduler.len(), 1);
    scheduler.run().expect("no panic");
}

#[test]
fn tasks_are_listed_with_their_bytes() {
    each(|mut scheduler| {
        let mut ids = Vec::new();
        for large in [false, true] {
            // SAFETY: no addresses of locals cross.
            ids.push(unsafe {
                scheduler.spawn(move |task| {
                    let bytes = [7_u8; 4096];
                    if large {
                        std::hint::black_box(&bytes);
                    }
                    task.yield_now();
                    std::hint::black_box(&bytes);
                })
            });
        }
        let listed = |scheduler: &Scheduler| -> Vec<_> {
            scheduler
                .tasks()
                .map(|task| (task.id, task.status))
                .collect()
        };
        let fresh = [(ids[0], Status::Created), (ids[1], Status::Created)];
        assert_eq!(listed(&scheduler), fresh);
        assert!(scheduler.step().expect("no panic"));
        let turned = [(ids[1], Status::Created), (ids[0], Status::Suspended)];
        assert_eq!(listed(&scheduler), turned);
        assert!(scheduler.step().expect("no panic"));
        // At least one of them was copied away, or both: on a run stack the last one may stay.
        let bytes: usize = scheduler.tasks().map(|task| task.saved_bytes).sum();
        assert!(bytes > 4096, "{bytes}");
        scheduler.run().expect("no panic");
        assert_eq!(scheduler.tasks().count(), 0);
    });
}

#[test]
fn tasks_run_on_the_stack_that_was_given() {
    let given = RunStack::new(1 << 20).expect("a stack");
    for (mut scheduler, elsewhere) in [
        (Scheduler::new(), false),
        (Scheduler::on_run_stack(given), true),
    ] {
        let here = stack_pointer().addr();
        let there = Rc::new(Cell::new(0));
        let seen = Rc::clone(&there);
        // SAFETY: no addresses of locals cross.
        unsafe { scheduler.spawn(move |_| seen.set(stack_pointer().addr())) };
        scheduler.run().expect("no panic");
        assert_eq!(here.abs_diff(there.get()) > 512 << 10, elsewhere);
    }
}
