//! Hundreds of coroutines with random lives, compared with a model.

use crate::kinds::{Kind, deeper, each};
use coro_dynamic::{CoroutineState, DynamicCoroutine, DynamicHandle, Status};
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use testing::{Counted, Drops, Random, cases};

/// What a coroutine is told.
enum Order {
    /// Add a number, and suspend so many calls down.
    Add(u64, usize, Counted),
    Finish,
    Panic,
}

type Adder = DynamicCoroutine<Order, (u64, Counted), (u64, Counted)>;

fn adder(kind: &Kind, drops: &Drops) -> Adder {
    #[inline(never)]
    fn dive(
        handle: &DynamicHandle<Order, (u64, Counted)>,
        drops: &Drops,
        sum: u64,
        calls: usize,
    ) -> Order {
        let _local = drops.make();
        let frame = black_box([sum; 9]);
        let float = black_box(sum as f64);
        let reference = &frame[calls % 9];
        let order = match calls {
            0 => handle.suspend((sum, drops.make())),
            _ => dive(handle, drops, sum, calls - 1),
        };
        assert_eq!((*reference, float), (sum, black_box(sum as f64)));
        order
    }
    let captured = drops.make();
    let drops = drops.clone();
    kind.make(move |handle, mut order| {
        let _captured = captured;
        let (mut sum, mut kept) = (0_u64, Vec::new());
        loop {
            match order {
                Order::Add(n, calls, counted) => {
                    sum = sum.wrapping_add(n);
                    kept.push(counted);
                    kept.truncate(3);
                    order = dive(handle, &drops, sum, calls);
                }
                Order::Finish => return (sum, drops.make()),
                Order::Panic => resume_unwind(Box::new(sum)),
            }
        }
    })
}

/// A coroutine, and what the model knows of it: its sum, unless it is complete.
struct Subject {
    adder: Adder,
    sum: Option<u64>,
}

impl Subject {
    fn step(&mut self, random: &mut Random, drops: &Drops) {
        let from = [0, 1, 4, 40][random.below(4)];
        let resume = |adder: &mut Adder, order: Order| {
            let mut order = Some(order);
            deeper(from, &mut || adder.try_resume(order.take().expect("once")))
        };
        match random.below(40) {
            0 => match (resume(&mut self.adder, Order::Finish), self.sum.take()) {
                (Ok(CoroutineState::Complete((sum, _counted))), known) => {
                    assert_eq!(Some(sum), known)
                }
                (Err(_), None) => {}
                _ => panic!("not as the model says"),
            },
            1 => {
                let outcome =
                    catch_unwind(AssertUnwindSafe(|| resume(&mut self.adder, Order::Panic)));
                match (outcome, self.sum.take()) {
                    (Err(payload), known) => {
                        assert_eq!(payload.downcast_ref::<u64>().copied(), known)
                    }
                    (Ok(Err(_)), None) => {}
                    _ => panic!("not as the model says"),
                }
            }
            _ => {
                let (n, calls) = (random.bits(), random.below(20));
                let order = Order::Add(n, calls, drops.make());
                match (resume(&mut self.adder, order), &mut self.sum) {
                    (Ok(CoroutineState::Yielded((sum, _counted))), Some(known)) => {
                        *known = known.wrapping_add(n);
                        assert_eq!(sum, *known);
                    }
                    (Err(error), None) => {
                        assert!(matches!(error.into_input(), Order::Add(m, ..) if m == n));
                    }
                    _ => panic!("not as the model says"),
                }
            }
        }
        assert_eq!(self.adder.is_complete(), self.sum.is_none());
    }
}

#[test]
fn random_lives() {
    each(|kind| {
        for seed in 0..3 {
            let drops = Drops::new();
            let mut random = Random::new(seed);
            let mut subjects: Vec<Subject> = Vec::new();
            for _ in 0..cases(20_000) {
                match random.below(30) {
                    0 if !subjects.is_empty() => {
                        let which = random.below(subjects.len());
                        let mut gone = Some(subjects.swap_remove(which));
                        deeper(random.below(60), &mut || drop(gone.take()));
                    }
                    1 | 2 if subjects.len() < 300 => subjects.push(Subject {
                        adder: adder(kind, &drops),
                        sum: Some(0),
                    }),
                    _ if !subjects.is_empty() => {
                        let which = random.below(subjects.len());
                        subjects[which].step(&mut random, &drops);
                    }
                    _ => {}
                }
            }
            let statuses = subjects.iter().map(|subject| subject.adder.status());
            assert!(statuses.clone().all(|status| status != Status::Running));
            drop(subjects);
            assert_eq!(drops.alive(), 0);
        }
    });
}
