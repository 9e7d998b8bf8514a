//! Dynamic coroutines on the thread's stack and on run stacks, resumed, unwound and dropped from calls of many depths and from
//! other stacks, with others in their frames; and schedulers of them. Sums, counts of values and orders of turns are known.

use crate::bytes::Bytes;
use crate::expected::{Expected, assert_expected, ensure, fail};
use coro_dynamic::{
    CoroutineState, DynamicCoroutine, DynamicHandle, Refusal, RunError, RunStack, Scheduler, Status,
};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use sure_stack::PooledStack;
use testing::{Counted, Drops};

const MOST: usize = 12;

/// What a coroutine is told.
enum Order {
    /// Add a number, and suspend so many calls down.
    Add(u32, usize, Counted),
    /// Do something with the coroutine in the own frames.
    Inner(u8, Counted),
    Finish,
    Panic,
}

type Adder = DynamicCoroutine<Order, (u32, Counted), (u32, Counted)>;
type Handle = DynamicHandle<Order, (u32, Counted)>;

thread_local! {
    /// Two, so that coroutines of one resume those of the other. Kept, because making one takes system calls.
    static RUN_STACKS: [RunStack; 2] = [(); 2].map(|()| RunStack::new(1 << 20).expect("a stack"));
}

pub(crate) fn run(bytes: &[u8]) {
    let bytes = Bytes::new(bytes);
    let (drops, leaked) = (Drops::new(), coro_dynamic::leaked());
    if bytes.below(4) == 0 {
        schedule(&bytes, &drops);
    } else {
        let mut subjects: Vec<Subject> = Vec::new();
        while let Some(byte) = bytes.next() {
            match byte % 16 {
                0..3 if subjects.len() < MOST => subjects.push(Subject::new(&bytes, &drops)),
                3 | 4 if !subjects.is_empty() => {
                    let which = bytes.below(subjects.len());
                    subjects.swap_remove(which).end(&bytes);
                }
                _ if !subjects.is_empty() => {
                    let which = bytes.below(subjects.len());
                    subjects[which].step(&bytes, &drops);
                }
                _ => {}
            }
        }
    }
    ensure!(
        drops.alive() == 0,
        "{} values live at the end",
        drops.alive()
    );
    ensure!(coro_dynamic::leaked() == leaked, "coroutines were leaked");
}

/// On the thread's own stack for 0, on a run stack for others.
fn make<I: 'static, Y: 'static, R: 'static>(
    place: usize,
    f: impl FnOnce(&DynamicHandle<I, Y>, I) -> R + 'static,
) -> DynamicCoroutine<I, Y, R> {
    match place.checked_sub(1) {
        // SAFETY: (1) to (4) the closures here lend no address of a local, use none of others' frames, start no threads, and
        // are left by switches and unwinding only. (5) No memory depends on their destructors.
        None => unsafe { DynamicCoroutine::new(f) },
        // SAFETY: (1) to (5) as above.
        Some(which) => RUN_STACKS.with(|stacks| unsafe {
            DynamicCoroutine::on_run_stack(&stacks[which % stacks.len()], f)
        }),
    }
}

fn adder(place: usize, drops: &Drops) -> Adder {
    let captured = drops.make();
    let drops = drops.clone();
    make(place, move |handle: &Handle, mut order| {
        let _captured = captured;
        let (mut sum, mut kept) = (0_u32, VecDeque::new());
        let mut inner = None;
        loop {
            let calls = match order {
                Order::Add(n, calls, counted) => {
                    sum = sum.wrapping_add(n);
                    kept.push_back(counted);
                    calls
                }
                Order::Inner(act, counted) => {
                    kept.push_back(counted);
                    with_inner(&mut inner, act, &drops);
                    usize::from(act & 3)
                }
                Order::Finish => return (sum, drops.make()),
                Order::Panic => resume_unwind(Box::new(Expected(sum))),
            };
            kept.truncate(3);
            order = dive(handle, &drops, sum, calls);
        }
    })
}

/// Suspends so many calls down, and checks on the way back that the frames are as they were.
#[inline(never)]
fn dive(handle: &Handle, drops: &Drops, sum: u32, calls: usize) -> Order {
    let _local = drops.make();
    let frame = black_box([sum; 9]);
    let float = black_box(f64::from(sum));
    let reference = &frame[calls % 9];
    let order = match (calls, sum & 1) {
        (0, 0) => handle.suspend((sum, drops.make())),
        (0, _) => match handle.try_suspend((sum, drops.make())) {
            Ok(order) => order,
            Err(unwind) => unwind.resume(),
        },
        _ => dive(handle, drops, sum, calls - 1),
    };
    ensure!(
        *reference == sum && float == black_box(f64::from(sum)),
        "a frame has changed"
    );
    order
}

/// A coroutine in the frames of another one, with its sum.
fn with_inner(inner: &mut Option<(Adder, u32)>, act: u8, drops: &Drops) {
    let Some((adder, sum)) = inner else {
        *inner = Some((self::adder(usize::from(act >> 4) % 3, drops), 0));
        return;
    };
    match act >> 2 & 3 {
        0 => *inner = None,
        _ => {
            let n = u32::from(act);
            let order = Order::Add(n, usize::from(act & 7), drops.make());
            match adder.try_resume(order) {
                Ok(CoroutineState::Yielded((found, _counted))) => {
                    *sum += n;
                    ensure!(
                        found == *sum,
                        "an inner coroutine's sum is {found}, not {sum}"
                    );
                }
                Ok(CoroutineState::Complete(_)) => fail("an inner coroutine has ended"),
                // The outer one stands on the run stack of the inner one, or on another than the thread's.
                Err(error) => {
                    let refusal = error.refusal();
                    let known = matches!(refusal, Refusal::OtherStack | Refusal::Busy);
                    ensure!(known, "an inner coroutine: {refusal}");
                }
            }
        }
    }
}

/// Calls `f` from so many calls further down.
#[inline(never)]
fn deeper<R>(calls: usize, f: &mut dyn FnMut() -> R) -> R {
    let pattern = calls.wrapping_mul(0x9E37_79B9);
    let frame = black_box([pattern; 24]);
    let result = match calls {
        0 => f(),
        _ => deeper(calls - 1, f),
    };
    ensure!(
        black_box(frame) == [pattern; 24],
        "a resumer's frame has changed"
    );
    result
}

/// A coroutine, and what is known of it.
struct Subject {
    adder: Adder,
    /// `None` if it is complete.
    sum: Option<u32>,
    on_thread: bool,
    started: bool,
}

impl Subject {
    fn new(bytes: &Bytes, drops: &Drops) -> Subject {
        let place = bytes.below(3);
        Subject {
            adder: adder(place, drops),
            sum: Some(0),
            on_thread: place == 0,
            started: false,
        }
    }

    fn step(&mut self, bytes: &Bytes, drops: &Drops) {
        let (how, n) = (bytes.below(256), bytes.below(256));
        let from = [0, 1, 4, 40][how & 3];
        let order = match how >> 2 & 15 {
            0 => Order::Finish,
            1 => Order::Panic,
            2..5 => Order::Inner(n as u8, drops.make()),
            calls => Order::Add(n as u32, calls * 2, drops.make()),
        };
        if let Order::Inner(..) | Order::Add(..) = order
            && how >= 224
        {
            return self.elsewhere(order);
        }
        let (kind, added) = match &order {
            Order::Finish => (0, 0),
            Order::Panic => (1, 0),
            Order::Inner(..) => (2, 0),
            Order::Add(n, ..) => (2, *n),
        };
        let mut order = Some(order);
        let resume = || {
            deeper(from, &mut || {
                self.adder.try_resume(order.take().expect("once"))
            })
        };
        let result = catch_unwind(AssertUnwindSafe(resume));
        match (result, self.sum, kind) {
            (Ok(Ok(CoroutineState::Yielded((found, _counted)))), Some(sum), 2) => {
                let sum = sum.wrapping_add(added);
                ensure!(found == sum, "the sum is {found}, not {sum}");
                (self.sum, self.started) = (Some(sum), true);
            }
            (Ok(Ok(CoroutineState::Complete((found, _counted)))), Some(sum), 0) => {
                ensure!(found == sum, "the last sum is {found}, not {sum}");
                self.sum = None;
            }
            (Err(payload), Some(sum), 1) => {
                assert_expected(&*payload, sum);
                self.sum = None;
            }
            (Ok(Err(error)), None, _) => {
                ensure!(
                    error.refusal() == Refusal::Complete,
                    "refused: {}",
                    error.refusal()
                );
            }
            (result, sum, _) => fail(&format!("{:?} with the sum {sum:?}", result.is_ok())),
        }
        let status = match (self.sum, self.started) {
            (None, _) => Status::Complete,
            (_, false) => Status::Created,
            _ => Status::Suspended,
        };
        ensure!(
            self.adder.status() == status,
            "it is {:?}",
            self.adder.status()
        );
    }

    /// A resume from another stack: refused where the frames belong to the thread's own.
    fn elsewhere(&mut self, order: Order) {
        let added = if let Order::Add(n, ..) = order { n } else { 0 };
        let mut stack = PooledStack::new().expect("a stack");
        let result = coro::on_stack(&mut stack, || self.adder.try_resume(order));
        match (result, self.sum) {
            (Ok(CoroutineState::Yielded((found, _counted))), Some(sum)) if !self.on_thread => {
                let sum = sum.wrapping_add(added);
                ensure!(found == sum, "the sum is {found}, not {sum}");
                (self.sum, self.started) = (Some(sum), true);
            }
            (Err(error), sum) => {
                let refusal = error.refusal();
                let expected = match sum {
                    None => Refusal::Complete,
                    Some(_) => Refusal::OtherStack,
                };
                ensure!(refusal == expected, "refused from another stack: {refusal}");
                ensure!(sum.is_none() || self.on_thread, "refused on a run stack");
            }
            (Ok(_), sum) => fail(&format!("resumed from another stack: {sum:?}")),
        }
    }

    fn end(self, bytes: &Bytes) {
        let how = bytes.below(256);
        let from = how >> 2 & 31;
        let mut adder = Some(self.adder);
        if how & 3 == 0 && self.on_thread && self.started && self.sum.is_some() {
            // It comes back, because its frames cannot be put there.
            let mut stack = PooledStack::new().expect("a stack");
            let whole = adder.take().expect("put there");
            match coro::on_stack(&mut stack, || whole.unwind()) {
                Err(error) => {
                    ensure!(error.refusal() == Refusal::OtherStack, "{error}");
                    adder = Some(error.into_coroutine());
                }
                Ok(()) => fail("unwound on another stack"),
            }
        }
        match how & 1 {
            0 => deeper(from, &mut || drop(adder.take())),
            _ => deeper(from, &mut || {
                let unwound = adder.take().expect("once").unwind();
                ensure!(unwound.is_ok(), "could not be unwound");
            }),
        }
    }
}

/// Tasks that take turns, spawn others and panic; their order is that of a queue.
fn schedule(bytes: &Bytes, drops: &Drops) {
    let mut scheduler = match bytes.flag() {
        false => Scheduler::new(),
        true => Scheduler::on_run_stack(RUN_STACKS.with(|stacks| stacks[0].clone())),
    };
    // Who had a turn, as the tasks say, and as the model says.
    let log = Rc::new(RefCell::new(Vec::new()));
    let (mut model, mut expected) = (VecDeque::new(), Vec::new());
    let mut spawned = 0;
    while let Some(byte) = bytes.next() {
        match byte % 4 {
            0 if model.len() < MOST => {
                let turns = bytes.below(6);
                let (panics, children) = (bytes.flag(), bytes.below(3));
                let (log, drops, id) = (Rc::clone(&log), drops.clone(), spawned);
                // SAFETY: (1) to (5) as for `make`: the task lends no address, and uses only what it owns.
                unsafe {
                    scheduler.spawn(move |task| {
                        let _captured = drops.make();
                        for _ in 0..turns {
                            log.borrow_mut().push(id);
                            task.yield_now();
                        }
                        for child in 0..children as u32 {
                            let (log, number) = (Rc::clone(&log), 1000 * (child + 1) + id);
                            // SAFETY: (1) to (5) as for its parent.
                            task.spawn(move |_| log.borrow_mut().push(number));
                        }
                        if panics {
                            resume_unwind(Box::new(Expected(id)));
                        }
                    })
                };
                model.push_back((id, turns, panics, children));
                spawned += 1;
            }
            _ => {
                let step = catch_unwind(AssertUnwindSafe(|| scheduler.step()));
                let Ok(step) = step else {
                    fail("a scheduler has panicked");
                };
                let mut panicked = None;
                let there_was_one = match model.pop_front() {
                    None => false,
                    Some((id, 0, _, 0)) if id >= 1000 => {
                        expected.push(id);
                        true
                    }
                    Some((id, 0, panics, children)) => {
                        model.extend(
                            (0..children as u32).map(|n| (1000 * (n + 1) + id, 0, false, 0)),
                        );
                        panicked = panics.then_some(id);
                        true
                    }
                    Some((id, turns, panics, children)) => {
                        expected.push(id);
                        model.push_back((id, turns - 1, panics, children));
                        true
                    }
                };
                match (step, panicked) {
                    (Ok(found), None) => ensure!(found == there_was_one, "a step: {found}"),
                    (Err(RunError::Panicked(_, payload)), Some(id)) => {
                        assert_expected(&*payload, id)
                    }
                    (step, _) => fail(&format!("a step: {step:?}, not a panic of {panicked:?}")),
                }
                ensure!(scheduler.len() == model.len(), "{} tasks", scheduler.len());
            }
        }
    }
    ensure!(
        *log.borrow() == expected,
        "turns {:?}, not {expected:?}",
        log.borrow()
    );
}
