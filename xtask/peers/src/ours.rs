//! The work, done with this workspace's `coro`.

use crate::order::shuffled;
use crate::measure::Contestant;
use coro::{Coroutine, SuspendHandle};
use std::hint::black_box;

macro_rules! deep {
    ($($name:ident => $next:expr;)*) => {$(
        #[inline(never)]
        fn $name(handle: &SuspendHandle<usize, usize>, value: usize) -> usize {
            #[allow(clippy::redundant_closure_call, reason = "one shape for both ends of the chain")]
            let value: usize = $next(handle, value.wrapping_add(1));
            black_box(value)
        }
    )*};
}
deep! {
    deep1 => |handle: &SuspendHandle<usize, usize>, value| handle.suspend(value);
    deep2 => deep1;
    deep3 => deep2;
}

type Word = Coroutine<usize, usize, ()>;

fn depth(levels: usize) -> Word {
    match levels {
        0 => Coroutine::new(|handle, mut value: usize| loop {
            value = handle.suspend(value);
        }),
        1 => Coroutine::new(|handle, mut value: usize| loop {
            value = deep1(handle, value);
        }),
        _ => Coroutine::new(|handle, mut value: usize| loop {
            value = deep3(handle, value);
        }),
    }
}

pub fn round_trip(levels: usize) -> Contestant {
    let mut coroutine = depth(levels);
    Contestant::new("coro", move |n| {
        for i in 0..n {
            black_box(coroutine.resume(i as usize));
        }
    })
}

pub fn unit() -> Contestant {
    let mut coroutine = Coroutine::new(|handle, ()| loop {
        handle.suspend(());
    });
    Contestant::new("coro", move |n| {
        for _ in 0..n {
            let _: coro::CoroutineState<(), ()> = black_box(coroutine.resume(()));
        }
    })
}

pub fn large() -> Contestant {
    let mut coroutine = Coroutine::new(|handle, mut value: [u64; 8]| loop {
        value = handle.suspend(value);
    });
    Contestant::new("coro", move |n| {
        for i in 0..n {
            let _: coro::CoroutineState<[u64; 8], ()> = black_box(coroutine.resume(black_box([i; 8])));
        }
    })
}

pub fn nested() -> Contestant {
    let mut outer = Coroutine::new(|handle, mut value: usize| {
        let mut inner = depth(0);
        loop {
            value = handle.suspend(inner.resume(value).yielded().unwrap());
        }
    });
    Contestant::new("coro", move |n| {
        for i in 0..n {
            let _: coro::CoroutineState<usize, ()> = black_box(outer.resume(i as usize));
        }
    })
}

pub fn create() -> Contestant {
    Contestant::new("coro, pooled", |n| {
        for i in 0..n {
            let mut coroutine = Coroutine::new(|_: &SuspendHandle<usize, ()>, value| value);
            black_box(coroutine.resume(i as usize));
        }
    })
}

pub fn create_fresh() -> Contestant {
    Contestant::new("coro, new mapping", |n| {
        for i in 0..n {
            let stack = sure_stack::GuardedMmapStack::allocate_at_least(256 << 10).unwrap();
            let mut coroutine = Coroutine::with_stack(stack, |_: &SuspendHandle<usize, ()>, value| value);
            black_box(coroutine.resume(i as usize));
        }
    })
}

pub fn drop_suspended() -> Contestant {
    Contestant::new("coro, pooled", |n| {
        for _ in 0..n {
            let mut coroutine = Coroutine::new(|handle, ()| handle.suspend(()));
            black_box(coroutine.resume(()));
        }
    })
}

pub fn many(levels: usize, in_order: bool) -> Contestant {
    let mut coroutines: Vec<Word> = (0..10_000).map(|_| depth(levels)).collect();
    let order = shuffled(coroutines.len(), in_order);
    let mut next = 0;
    Contestant::new("coro", move |n| {
        for _ in 0..n {
            black_box(coroutines[order[next]].resume(next));
            next = if next + 1 == order.len() { 0 } else { next + 1 };
        }
    })
}

pub fn many_prefetched(levels: usize) -> Contestant {
    const AHEAD: usize = 6;
    let mut coroutines: Vec<Word> = (0..10_000).map(|_| depth(levels)).collect();
    let mut order = shuffled(coroutines.len(), false);
    order.extend_from_within(..AHEAD);
    let mut next = 0;
    Contestant::new("coro, prefetch 6 ahead", move |n| {
        for _ in 0..n {
            coroutines[order[next + AHEAD]].prefetch();
            black_box(coroutines[order[next]].resume(next));
            next = if next + 1 == order.len() - AHEAD { 0 } else { next + 1 };
        }
    })
}
