//! This workspace's `coro`.

use crate::at_depth;
use crate::contestant::Contestant;
use crate::peer::{Crowd, Peer};
use crate::shared::calls::{Suspend, echo};
use crate::shared::json::{self, Piece};
use crate::shared::pipeline::{Items, pipeline};
use crate::shared::tree::{self, Tree};
use crate::shared::turns::{in_turn, in_turn_prefetched};
use crate::work::{Life, MANY, Value, Work};
use coro::{Coroutine, CoroutineState, SuspendHandle};
use std::hint::black_box;
use sure_stack::{GuardedMmapStack, StackArena};

pub struct Coro;

/// As large as the pool's.
const KEPT: usize = 256 << 10;

type Word = Coroutine<usize, usize, ()>;

impl Suspend for SuspendHandle<usize, usize> {
    #[inline(always)]
    fn suspend(&self, value: usize) -> usize {
        self.suspend(value)
    }
}

fn echoing(depth: usize) -> Word {
    at_depth!(depth, DEPTH => Coroutine::new(|handle: &SuspendHandle<usize, usize>, value| {
        echo::<_, DEPTH>(handle, value)
    }))
}

/// As many as take turns, each suspended for the first time.
fn many(depth: usize) -> Vec<Word> {
    let mut all: Vec<Word> = (0..MANY).map(|_| echoing(depth)).collect();
    for one in &mut all {
        let _ = one.resume(0);
    }
    all
}

fn mapped(bytes: usize) -> GuardedMmapStack {
    GuardedMmapStack::allocate_at_least(bytes).expect("memory for a stack")
}

impl Peer for Coro {
    fn name(&self) -> &'static str {
        "coro"
    }

    fn version(&self) -> String {
        "this commit".to_owned()
    }

    fn contestants(&self, work: Work) -> Vec<Contestant> {
        match work {
            Work::RoundTrip { value, depth } => vec![round_trip(value, depth)],
            Work::Nested => vec![nested()],
            Work::Life(Life::KeptStack) => vec![pooled_life(), life_on_kept_stack()],
            Work::Life(Life::NewStack(bytes)) => {
                vec![life(bytes)]
            }
            Work::DropSuspended => vec![drop_suspended(), drop_suspended_on_kept_stack()],
            Work::Turns { shuffled, depth } => {
                let resume = |one: &mut Word, i| {
                    black_box(one.resume(i));
                };
                vec![
                    in_turn("", many(depth), shuffled, resume),
                    in_turn_prefetched(many(depth), shuffled, Word::prefetch, resume),
                ]
            }
            Work::Pipeline => vec![pipeline("", source, stage)],
            Work::Tree => vec![tree::tree("", walk)],
            Work::Json => vec![json::json("", parser)],
            Work::CallOnKeptStack => call_on_kept_stack(),
            Work::CallThatGrows => vec![call_on_new_stack()],
            Work::CallWithRoom => vec![Contestant::new("maybe_grow", |i| {
                black_box(coro::maybe_grow(32 << 10, 256 << 10, || black_box(i)));
            })],
            Work::Copied { .. } => Vec::new(),
        }
    }

    fn crowds(&self) -> Vec<Crowd> {
        let suspended = |mut one: Coroutine<usize, usize, (), _>| {
            let _ = one.resume(0);
            one
        };
        let echo = |handle: &SuspendHandle<usize, usize>, value| echo::<_, 0>(handle, value);
        let arena = StackArena::new(256 << 10).expect("a size");
        vec![Crowd::new("", move || {
            let stack = arena.allocate().map_err(|error| error.to_string())?;
            Ok(suspended(Coroutine::with_stack(stack, echo)))
        })]
    }
}

fn round_trip(value: Value, depth: usize) -> Contestant {
    match value {
        Value::Word => {
            let mut coroutine = echoing(depth);
            Contestant::new("", move |i| {
                black_box(coroutine.resume(i));
            })
        }
        Value::Unit => {
            let mut coroutine: Coroutine<(), (), ()> = Coroutine::new(|handle, ()| {
                loop {
                    handle.suspend(());
                }
            });
            Contestant::new("", move |_| {
                black_box(coroutine.resume(()));
            })
        }
        Value::Large => {
            let mut coroutine: Coroutine<[u64; 8], [u64; 8], ()> =
                Coroutine::new(|handle, mut value| {
                    loop {
                        value = handle.suspend(value);
                    }
                });
            Contestant::new("", move |i| {
                black_box(coroutine.resume(black_box([i as u64; 8])));
            })
        }
    }
}

fn nested() -> Contestant {
    let mut outer: Word = Coroutine::new(|handle, mut value| {
        let mut inner = echoing(0);
        while let CoroutineState::Yielded(out) = inner.resume(value) {
            value = handle.suspend(out);
        }
    });
    Contestant::new("", move |i| {
        black_box(outer.resume(i));
    })
}

fn pooled_life() -> Contestant {
    Contestant::new("pooled", |i| {
        let mut coroutine = Coroutine::new(|_: &SuspendHandle<usize, ()>, value| value);
        black_box(coroutine.resume(i));
    })
}

fn life_on_kept_stack() -> Contestant {
    let mut kept = Some(Box::new(mapped(KEPT)));
    Contestant::new("reused", move |i| {
        let stack = kept.take().expect("kept below");
        let mut coroutine =
            Coroutine::with_stack(stack, |_: &SuspendHandle<usize, ()>, value| value);
        black_box(coroutine.resume(i));
        kept = coroutine.into_stack().ok();
    })
}

fn life(bytes: usize) -> Contestant {
    Contestant::new("", move |i| {
        let body = |_: &SuspendHandle<usize, ()>, value| value;
        black_box(Coroutine::with_stack(mapped(bytes), body).resume(i));
    })
}

fn drop_suspended() -> Contestant {
    Contestant::new("pooled", |_| {
        let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| handle.suspend(()));
        black_box(coroutine.resume(()));
    })
}

fn drop_suspended_on_kept_stack() -> Contestant {
    let mut kept = Some(Box::new(mapped(KEPT)));
    Contestant::new("reused", move |_| {
        let stack = kept.take().expect("kept below");
        let body = |handle: &SuspendHandle<(), ()>, ()| handle.suspend(());
        let mut coroutine = Coroutine::with_stack(stack, body);
        black_box(coroutine.resume(()));
        coroutine.unwind();
        kept = coroutine.into_stack().ok();
    })
}

fn source() -> Items {
    Box::new(coro::iter(|handle| {
        (0..usize::MAX).for_each(|item| handle.suspend(item))
    }))
}

fn stage(items: Items) -> Items {
    Box::new(coro::iter(move |handle| {
        items.for_each(|item| handle.suspend(item + 1))
    }))
}

fn walk(tree: &'static Tree) -> Items {
    fn visit(tree: &Tree, handle: &SuspendHandle<(), usize>) {
        let children = tree.children.as_deref();
        if let Some([left, _]) = children {
            visit(left, handle);
        }
        handle.suspend(tree.value);
        if let Some([_, right]) = children {
            visit(right, handle);
        }
    }
    Box::new(coro::iter(|handle| visit(tree, handle)))
}

fn parser() -> json::Parser {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<Piece, ()>, first| {
        json::parse(first, || handle.suspend(()))
    });
    Box::new(move |piece| coroutine.resume(piece).complete())
}

/// On a stack at hand, and on one that the thread keeps for growing.
fn call_on_kept_stack() -> Vec<Contestant> {
    let mut kept = mapped(KEPT);
    vec![
        Contestant::new("on_stack", move |i| {
            black_box(coro::on_stack(&mut kept, || black_box(i)));
        }),
        Contestant::new("grow", move |i| {
            black_box(coro::grow(KEPT, || black_box(i)));
        }),
    ]
}

fn call_on_new_stack() -> Contestant {
    Contestant::new("on_stack", move |i| {
        black_box(coro::on_stack(&mut mapped(KEPT), || black_box(i)));
    })
}
