//! Random lives of many coroutines, compared with a model.

use coro::{Coroutine, CoroutineState, SuspendHandle};
use proptest::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use testing::{Counted, Drops, cases};

/// One step in the life of a coroutine, chosen among those alive.
#[derive(Clone, Debug)]
enum Step {
    Create,
    /// With the number to add.
    Resume(usize, u64),
    /// Resume with the order to return.
    Finish(usize),
    /// Resume with the order to panic.
    Panic(usize),
    Drop(usize),
    Forget(usize),
    /// Exchange two of them.
    Swap(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Create),
        12 => (any::<usize>(), any::<u64>()).prop_map(|(who, n)| Step::Resume(who, n)),
        2 => any::<usize>().prop_map(Step::Finish),
        2 => any::<usize>().prop_map(Step::Panic),
        3 => any::<usize>().prop_map(Step::Drop),
        1 => any::<usize>().prop_map(Step::Forget),
        2 => any::<(usize, usize)>().prop_map(|(a, b)| Step::Swap(a, b)),
    ]
}

/// What a coroutine is told.
enum Order {
    Add(u64, Counted),
    Finish,
    Panic,
}

type Adder = Coroutine<Order, (u64, Counted), u64>;

/// Adds up what it is told; suspends at a depth that depends on the sum.
fn adder(drops: &Drops) -> Adder {
    fn suspend_deep(
        handle: &SuspendHandle<Order, (u64, Counted)>,
        drops: &Drops,
        sum: u64,
        depth: u64,
    ) -> Order {
        let _local = drops.make();
        match depth {
            0 => handle.suspend((sum, drops.make())),
            _ => suspend_deep(handle, drops, sum, depth - 1),
        }
    }
    let captured = drops.make();
    let drops = drops.clone();
    Coroutine::new(move |handle, mut order| {
        let _captured = captured;
        let (mut sum, mut kept) = (0_u64, Vec::new());
        loop {
            match order {
                Order::Add(n, counted) => {
                    sum = sum.wrapping_add(n);
                    kept.push(counted);
                }
                Order::Finish => return sum,
                Order::Panic => std::panic::resume_unwind(Box::new(sum)),
            }
            order = suspend_deep(handle, &drops, sum, sum % 7);
        }
    })
}

/// What the model knows of an adder: its sum, unless it is complete.
type Model = Option<u64>;

fn run(steps: &[Step]) {
    let drops = Drops::new();
    let mut adders: Vec<(Adder, Model)> = Vec::new();
    let mut leaked = 0;
    for step in steps {
        let before = drops.alive();
        match *step {
            Step::Create => adders.push((adder(&drops), Some(0))),
            Step::Resume(who, n) => {
                if let Some((adder, model)) = pick(&mut adders, who) {
                    let order = Order::Add(n, drops.make());
                    match (adder.try_resume(order), model) {
                        (Ok(CoroutineState::Yielded((sum, _counted))), Some(known)) => {
                            *known = known.wrapping_add(n);
                            assert_eq!(sum, *known);
                        }
                        (Err(error), None) => {
                            assert!(matches!(error.into_input(), Order::Add(m, _) if m == n));
                            assert_eq!(drops.alive(), before, "the input came back");
                        }
                        (other, model) => panic!("{:?} but {model:?}", other.is_ok()),
                    }
                }
            }
            Step::Finish(who) => {
                if let Some((adder, model)) = pick(&mut adders, who) {
                    match (adder.try_resume(Order::Finish), model.take()) {
                        (Ok(CoroutineState::Complete(sum)), known) => assert_eq!(Some(sum), known),
                        (Err(_), None) => {}
                        (other, model) => panic!("{:?} but {model:?}", other.is_ok()),
                    }
                }
            }
            Step::Panic(who) => {
                if let Some((adder, model)) = pick(&mut adders, who) {
                    match (
                        catch_unwind(AssertUnwindSafe(|| adder.try_resume(Order::Panic))),
                        model.take(),
                    ) {
                        (Err(payload), known) => {
                            assert_eq!(payload.downcast_ref::<u64>().copied(), known)
                        }
                        (Ok(Err(_)), None) => {}
                        (_, model) => panic!("no panic, but {model:?}"),
                    }
                }
            }
            Step::Drop(who) => {
                if !adders.is_empty() {
                    adders.swap_remove(who % adders.len());
                }
            }
            Step::Forget(who) => {
                if !adders.is_empty() {
                    let (adder, model) = adders.swap_remove(who % adders.len());
                    if model.is_some() {
                        let before = drops.alive();
                        std::mem::forget(adder);
                        assert_eq!(drops.alive(), before);
                        leaked += 1;
                    }
                }
            }
            Step::Swap(a, b) => {
                if !adders.is_empty() {
                    let len = adders.len();
                    adders.swap(a % len, b % len);
                }
            }
        }
        for (adder, model) in &adders {
            assert_eq!(adder.is_complete(), model.is_none());
        }
    }
    drop(adders);
    if leaked == 0 {
        assert_eq!(drops.alive(), 0);
    } else {
        assert!(
            drops.alive() >= leaked,
            "each leaked one keeps its closure at least"
        );
    }
}

fn pick(adders: &mut [(Adder, Model)], who: usize) -> Option<&mut (Adder, Model)> {
    let len = adders.len();
    adders.get_mut(who.checked_rem(len)?)
}

#[test]
fn random_lives() {
    let config = ProptestConfig {
        cases: cases(5_000) as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(steps in prop::collection::vec(step(), 1..80))| run(&steps));
}
