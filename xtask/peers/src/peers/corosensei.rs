//! corosensei: what most rows are compared with, because it is the fastest of the others.

use crate::at_depth;
use crate::contestant::Contestant;
use crate::peer::{Crowd, Peer};
use crate::shared::calls::{Suspend, echo};
use crate::shared::json::{self, Piece};
use crate::shared::lock;
use crate::shared::pipeline::{Items, pipeline};
use crate::shared::tree::{self, Tree};
use crate::shared::turns::in_turn;
use crate::work::{Life, MANY, Value, Work};
use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use std::hint::black_box;

pub struct Corosensei;

/// As large as ours.
const STACK: usize = 256 << 10;

type Word = Coroutine<usize, usize, ()>;

impl Suspend for Yielder<usize, usize> {
    #[inline(always)]
    fn suspend(&self, value: usize) -> usize {
        self.suspend(value)
    }
}

fn stack() -> DefaultStack {
    DefaultStack::new(STACK).expect("memory for a stack")
}

fn echoing(depth: usize) -> Word {
    at_depth!(depth, DEPTH => {
        Coroutine::with_stack(stack(), |yielder: &Yielder<usize, usize>, value| {
            echo::<_, DEPTH>(yielder, value)
        })
    })
}

impl Peer for Corosensei {
    fn name(&self) -> &'static str {
        "corosensei"
    }

    fn version(&self) -> String {
        lock::version("corosensei")
    }

    fn contestants(&self, work: Work) -> Vec<Contestant> {
        match work {
            Work::RoundTrip { value, depth } => vec![round_trip(value, depth)],
            Work::Nested => vec![nested()],
            Work::Life(Life::KeptStack) => vec![life_on_kept_stack()],
            Work::Life(Life::NewStack(bytes)) => vec![life(bytes)],
            Work::DropSuspended => vec![drop_suspended()],
            Work::Turns { shuffled, depth } => {
                let mut all: Vec<Word> = (0..MANY).map(|_| echoing(depth)).collect();
                for one in &mut all {
                    let _ = one.resume(0);
                }
                vec![in_turn("", all, shuffled, |one, i| {
                    black_box(one.resume(i));
                })]
            }
            Work::Pipeline => vec![pipeline("", source, stage)],
            Work::Tree => vec![tree::tree("", walk)],
            Work::Json => vec![json::json("", parser)],
            Work::CallOnKeptStack => vec![call_on_kept_stack()],
            Work::CallThatGrows => vec![call_on_new_stack()],
            Work::CallWithRoom | Work::Copied { .. } => Vec::new(),
        }
    }

    fn crowds(&self) -> Vec<Crowd> {
        vec![Crowd::new("", || {
            let stack = DefaultStack::new(STACK).map_err(|error| error.to_string())?;
            let mut one: Word = Coroutine::with_stack(stack, |yielder, value| {
                echo::<Yielder<usize, usize>, 0>(yielder, value)
            });
            let _ = one.resume(0);
            Ok(one)
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
            let mut coroutine: Coroutine<(), (), ()> =
                Coroutine::with_stack(stack(), |yielder, ()| {
                    loop {
                        yielder.suspend(());
                    }
                });
            Contestant::new("", move |_| {
                black_box(coroutine.resume(()));
            })
        }
        Value::Large => {
            let mut coroutine: Coroutine<[u64; 8], [u64; 8], ()> =
                Coroutine::with_stack(stack(), |yielder, mut value| {
                    loop {
                        value = yielder.suspend(value);
                    }
                });
            Contestant::new("", move |i| {
                black_box(coroutine.resume(black_box([i as u64; 8])));
            })
        }
    }
}

fn nested() -> Contestant {
    let mut outer: Word = Coroutine::with_stack(stack(), |yielder, mut value| {
        let mut inner = echoing(0);
        while let CoroutineResult::Yield(out) = inner.resume(value) {
            value = yielder.suspend(out);
        }
    });
    Contestant::new("", move |i| {
        black_box(outer.resume(i));
    })
}

fn life(bytes: usize) -> Contestant {
    Contestant::new("", move |i| {
        let stack = DefaultStack::new(bytes).expect("memory for a stack");
        let body = |_: &Yielder<usize, ()>, value| value;
        black_box(Coroutine::with_stack(stack, body).resume(i));
    })
}

fn life_on_kept_stack() -> Contestant {
    let mut kept = Some(stack());
    Contestant::new("reused", move |i| {
        let stack = kept.take().expect("kept below");
        let mut coroutine = Coroutine::with_stack(stack, |_: &Yielder<usize, ()>, value| value);
        black_box(coroutine.resume(i));
        kept = Some(coroutine.into_stack());
    })
}

fn drop_suspended() -> Contestant {
    let mut kept = Some(stack());
    Contestant::new("reused", move |_| {
        let stack = kept.take().expect("kept below");
        let body = |yielder: &Yielder<(), ()>, ()| yielder.suspend(());
        let mut coroutine = Coroutine::with_stack(stack, body);
        black_box(coroutine.resume(()));
        coroutine.force_unwind();
        kept = Some(coroutine.into_stack());
    })
}

/// What corosensei leaves to its users.
struct Iter(Coroutine<(), usize, ()>);

impl Iterator for Iter {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.0.done() {
            None
        } else {
            self.0.resume(()).as_yield()
        }
    }
}

fn iter(body: impl FnOnce(&Yielder<(), usize>) + 'static) -> Items {
    Box::new(Iter(Coroutine::with_stack(stack(), |yielder, ()| {
        body(yielder)
    })))
}

fn source() -> Items {
    iter(|yielder| (0..usize::MAX).for_each(|item| yielder.suspend(item)))
}

fn stage(items: Items) -> Items {
    iter(move |yielder| items.for_each(|item| yielder.suspend(item + 1)))
}

fn walk(tree: &'static Tree) -> Items {
    fn visit(tree: &Tree, yielder: &Yielder<(), usize>) {
        let children = tree.children.as_deref();
        if let Some([left, _]) = children {
            visit(left, yielder);
        }
        yielder.suspend(tree.value);
        if let Some([_, right]) = children {
            visit(right, yielder);
        }
    }
    iter(|yielder| visit(tree, yielder))
}

fn parser() -> json::Parser {
    let mut coroutine = Coroutine::with_stack(stack(), |yielder: &Yielder<Piece, ()>, first| {
        json::parse(first, || yielder.suspend(()))
    });
    Box::new(move |piece| coroutine.resume(piece).as_return())
}

fn call_on_kept_stack() -> Contestant {
    let mut kept = stack();
    Contestant::new("on_stack", move |i| {
        black_box(corosensei::on_stack(&mut kept, || black_box(i)));
    })
}

fn call_on_new_stack() -> Contestant {
    Contestant::new("on_stack", move |i| {
        black_box(corosensei::on_stack(stack(), || black_box(i)));
    })
}
