//! The work, done with corosensei.

use crate::measure::Contestant;
use crate::order::shuffled;
use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use std::hint::black_box;

const STACK: usize = 256 << 10;

macro_rules! deep {
    ($($name:ident => $next:expr;)*) => {$(
        #[inline(never)]
        fn $name(yielder: &Yielder<usize, usize>, value: usize) -> usize {
            #[allow(clippy::redundant_closure_call, reason = "one shape for both ends of the chain")]
            let value: usize = $next(yielder, value.wrapping_add(1));
            black_box(value)
        }
    )*};
}
deep! {
    deep1 => |yielder: &Yielder<usize, usize>, value| yielder.suspend(value);
    deep2 => deep1;
    deep3 => deep2;
}

type Word = Coroutine<usize, usize, ()>;

fn stack() -> DefaultStack {
    DefaultStack::new(STACK).unwrap()
}

fn depth(levels: usize) -> Word {
    match levels {
        0 => Coroutine::with_stack(stack(), |yielder, mut value: usize| loop {
            value = yielder.suspend(value);
        }),
        1 => Coroutine::with_stack(stack(), |yielder, mut value: usize| loop {
            value = deep1(yielder, value);
        }),
        _ => Coroutine::with_stack(stack(), |yielder, mut value: usize| loop {
            value = deep3(yielder, value);
        }),
    }
}

pub fn round_trip(levels: usize) -> Contestant {
    let mut coroutine = depth(levels);
    Contestant::new("corosensei", move |n| {
        for i in 0..n {
            black_box(coroutine.resume(i as usize));
        }
    })
}

pub fn unit() -> Contestant {
    let mut coroutine = Coroutine::with_stack(stack(), |yielder: &Yielder<(), ()>, ()| loop {
        yielder.suspend(());
    });
    Contestant::new("corosensei", move |n| {
        for _ in 0..n {
            let _: CoroutineResult<(), ()> = black_box(coroutine.resume(()));
        }
    })
}

pub fn large() -> Contestant {
    let mut coroutine =
        Coroutine::with_stack(stack(), |yielder: &Yielder<[u64; 8], [u64; 8]>, mut value| loop {
            value = yielder.suspend(value);
        });
    Contestant::new("corosensei", move |n| {
        for i in 0..n {
            let _: CoroutineResult<[u64; 8], ()> = black_box(coroutine.resume(black_box([i; 8])));
        }
    })
}

pub fn nested() -> Contestant {
    let mut outer = Coroutine::with_stack(stack(), |yielder: &Yielder<usize, usize>, mut value| {
        let mut inner = depth(0);
        loop {
            value = yielder.suspend(inner.resume(value).as_yield().unwrap());
        }
    });
    Contestant::new("corosensei", move |n| {
        for i in 0..n {
            let _: CoroutineResult<usize, ()> = black_box(outer.resume(i as usize));
        }
    })
}

pub fn create() -> Contestant {
    let mut kept = Some(stack());
    Contestant::new("corosensei, reused stack", move |n| {
        for i in 0..n {
            let mut coroutine =
                Coroutine::with_stack(kept.take().unwrap(), |_: &Yielder<usize, ()>, value| value);
            black_box(coroutine.resume(i as usize));
            kept = Some(coroutine.into_stack());
        }
    })
}

pub fn create_fresh() -> Contestant {
    Contestant::new("corosensei, new stack", move |n| {
        for i in 0..n {
            let mut coroutine = Coroutine::with_stack(stack(), |_: &Yielder<usize, ()>, value| value);
            black_box(coroutine.resume(i as usize));
        }
    })
}

pub fn drop_suspended() -> Contestant {
    let mut kept = Some(stack());
    Contestant::new("corosensei, reused stack", move |n| {
        for _ in 0..n {
            let mut coroutine = Coroutine::with_stack(
                kept.take().unwrap(),
                |yielder: &Yielder<(), ()>, ()| yielder.suspend(()),
            );
            black_box(coroutine.resume(()));
            coroutine.force_unwind();
            kept = Some(coroutine.into_stack());
        }
    })
}

pub fn many(levels: usize, in_order: bool) -> Contestant {
    let mut coroutines: Vec<Word> = (0..10_000).map(|_| depth(levels)).collect();
    let order = shuffled(coroutines.len(), in_order);
    let mut next = 0;
    Contestant::new("corosensei", move |n| {
        for _ in 0..n {
            black_box(coroutines[order[next]].resume(next));
            next = if next + 1 == order.len() { 0 } else { next + 1 };
        }
    })
}
