//! Resumed from further down than the frames begin: what is in the way goes and
//! comes back.

use crate::kinds::{Kind, deeper, each};
use coro_dynamic::{CoroutineState, DynamicCoroutine, DynamicHandle};
use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;
use testing::{Random, cases};

type Counter = DynamicCoroutine<u64, u64, u64>;

/// Adds up what it gets, over frames of random sizes.
fn counter(kind: &Kind, seed: u64) -> Counter {
    #[inline(never)]
    fn dive(handle: &DynamicHandle<u64, u64>, calls: usize, sum: u64) -> u64 {
        let frame = black_box([sum ^ calls as u64; 12]);
        let next = match calls {
            0 => handle.suspend(sum),
            _ => dive(handle, calls - 1, sum),
        };
        assert_eq!(black_box(frame), [sum ^ calls as u64; 12]);
        next
    }
    kind.make(move |handle, first| {
        let mut random = Random::new(seed);
        let mut sum = first;
        while sum < u64::MAX / 2 {
            let n = dive(handle, random.below(30), sum);
            sum = sum.wrapping_add(n);
        }
        sum
    })
}

#[test]
fn from_random_depths() {
    each(|kind| {
        let mut random = Random::new(7);
        let mut counters: Vec<(Counter, u64)> =
            (0..20).map(|seed| (counter(kind, seed), 0)).collect();
        for _ in 0..cases(20_000) {
            let which = random.below(20);
            let (counter, sum) = &mut counters[which];
            let n = random.below(1000) as u64;
            *sum += n;
            let calls = [0, 1, 10, 60][random.below(4)];
            let state = deeper(random.below(calls + 1), &mut || counter.resume(n));
            assert_eq!(state, CoroutineState::Yielded(*sum));
        }
    });
}

/// The first resume is far down, all later ones far up, and the other way round.
#[test]
fn first_down_then_up_and_the_reverse() {
    each(|kind| {
        for (first, later) in [(200, 0), (0, 200)] {
            let mut counter = counter(kind, 3);
            let mut sum = 1;
            let state = deeper(first, &mut || counter.resume(1));
            assert_eq!(state, CoroutineState::Yielded(1));
            for n in 0..50 {
                sum += n;
                let state = deeper(later, &mut || counter.resume(n));
                assert_eq!(state, CoroutineState::Yielded(sum));
            }
            let state = deeper(later, &mut || counter.resume(u64::MAX / 2));
            assert!(matches!(state, CoroutineState::Complete(_)));
        }
    });
}

/// Coroutines that resume one another, in any order, from any depth.
#[test]
fn nested_in_any_order() {
    each(|kind| {
        type Shared = Rc<Vec<RefCell<Option<DynamicCoroutine<usize, u64, ()>>>>>;
        const MANY: usize = 12;
        let all: Shared = Rc::new((0..MANY).map(|_| RefCell::new(None)).collect());
        let resumes = Rc::new(RefCell::new(Random::new(11)));
        for (number, slot) in all.iter().enumerate() {
            let (all, random) = (Rc::clone(&all), Rc::clone(&resumes));
            *slot.borrow_mut() = Some(kind.make(move |handle, mut fuel: usize| {
                let mut turns = 0_u64;
                let mark = black_box([number; 40]);
                loop {
                    // Resume another one that is not running, with less fuel.
                    while fuel > 0 {
                        fuel -= 1;
                        let (which, calls) = {
                            let mut random = random.borrow_mut();
                            (random.below(MANY), random.below(25))
                        };
                        if let Ok(mut other) = all[which].try_borrow_mut() {
                            let other = other.as_mut().expect("made");
                            let part = fuel / 2;
                            fuel -= part;
                            let state = deeper(calls, &mut || other.resume(part));
                            assert!(matches!(state, CoroutineState::Yielded(n) if n > 0));
                        }
                        assert_eq!(mark, [number; 40]);
                    }
                    turns += 1;
                    fuel = handle.suspend(turns);
                    assert_eq!(black_box(mark), [number; 40]);
                }
            }));
        }
        let mut random = Random::new(5);
        for _ in 0..cases(2_000) {
            let mut coroutine = all[random.below(MANY)].borrow_mut();
            let coroutine = coroutine.as_mut().expect("made");
            let calls = random.below(40);
            let state = deeper(calls, &mut || coroutine.resume(30));
            assert!(matches!(state, CoroutineState::Yielded(_)));
        }
        for slot in all.iter() {
            drop(slot.take());
        }
    });
}

/// An inner coroutine outlives the one that made it, and is resumed by others.
#[test]
fn made_inside_and_resumed_outside() {
    each(|kind| {
        let inner_kind = kind.clone();
        let mut outer = kind.make(move |_: &DynamicHandle<(), ()>, ()| {
            let mut inner = deeper(20, &mut || counter(&inner_kind, 9));
            assert_eq!(inner.resume(5), CoroutineState::Yielded(5));
            inner
        });
        let mut inner = outer.resume(()).complete().expect("the end");
        drop(outer);
        for n in 1..50 {
            let state = deeper(n % 7 * 10, &mut || inner.resume(1));
            assert_eq!(state, CoroutineState::Yielded(5 + n as u64));
        }
    });
}

/// Only the next one to run on the stack makes the frames go.
#[test]
fn frames_that_were_left_on_a_run_stack_are_not_saved() {
    let kind = Kind::shared();
    let make = || {
        let captured = [7_u8; 100];
        kind.make(move |handle: &DynamicHandle<(), ()>, ()| {
            black_box(captured);
            handle.suspend(());
        })
    };
    let (mut first, mut second) = (make(), make());
    assert_eq!(first.saved_bytes(), 0, "a closure is no frame");
    first.resume(());
    assert_eq!(first.saved_bytes(), 0, "its frames are where they were");
    second.resume(());
    assert!(first.saved_bytes() > 0);
    assert_eq!(second.saved_bytes(), 0);
    assert_eq!(first.resume(()), CoroutineState::Complete(()));
    assert_eq!(second.resume(()), CoroutineState::Complete(()));
}
