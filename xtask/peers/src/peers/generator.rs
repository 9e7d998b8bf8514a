//! generator, on which may is built too.

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
use generator::{Gn, Scope};
use std::cell::UnsafeCell;
use std::hint::black_box;

pub struct Generator;

/// As large as ours. Sizes are in words.
const STACK: usize = 256 << 10 >> 3;

type Word = generator::Generator<'static, usize, usize>;

struct Yielding<'scope>(UnsafeCell<Scope<'scope, 'static, usize, usize>>);

impl Suspend for Yielding<'_> {
    #[inline(always)]
    fn suspend(&self, value: usize) -> usize {
        // SAFETY: only this function borrows the scope, and nothing is called that comes back
        // here before it has returned; the value that goes out is a number.
        let scope = unsafe { &mut *self.0.get() };
        scope.yield_(value).unwrap_or_default()
    }
}

fn echoing(depth: usize) -> Word {
    let mut word = at_depth!(depth, DEPTH => Gn::new_scoped_opt(STACK, |scope| {
        echo::<_, DEPTH>(&Yielding(UnsafeCell::new(scope)), 0)
    }));
    // The first resume carries no value.
    let _ = word.raw_send(None);
    word
}

impl Peer for Generator {
    fn name(&self) -> &'static str {
        "generator"
    }

    fn version(&self) -> String {
        lock::version("generator")
    }

    fn contestants(&self, work: Work) -> Vec<Contestant> {
        match work {
            Work::RoundTrip { value, depth } => vec![round_trip(value, depth)],
            Work::Nested => vec![nested()],
            Work::Life(Life::KeptStack) => vec![life_on_kept_stack()],
            Work::DropSuspended => vec![Contestant::new("new stack", |_| {
                let mut one = Gn::<()>::new_scoped_opt(STACK, |mut scope| {
                    scope.yield_with(());
                });
                black_box(one.resume());
            })],
            Work::Life(Life::NewStack(bytes)) => vec![Contestant::new("", move |i| {
                let mut one = Gn::<()>::new_scoped_opt(bytes / 8, move |_| i);
                black_box(one.resume());
            })],
            Work::Turns { shuffled, depth } => {
                let all = (0..MANY).map(|_| echoing(depth)).collect();
                vec![in_turn("", all, shuffled, |one: &mut Word, i| {
                    black_box(one.send(i));
                })]
            }
            Work::Pipeline => vec![pipeline("", source, stage)],
            Work::Tree => vec![tree::tree("", walk)],
            Work::Json => vec![json::json("", parser)],
            Work::CallWithRoom
            | Work::CallOnKeptStack
            | Work::CallThatGrows
            | Work::Copied { .. } => Vec::new(),
        }
    }

    fn crowds(&self) -> Vec<Crowd> {
        vec![Crowd::new("", || Ok(echoing(0)))]
    }
}

fn round_trip(value: Value, depth: usize) -> Contestant {
    match value {
        Value::Word => {
            let mut one = echoing(depth);
            Contestant::new("send", move |i| {
                black_box(one.send(i));
            })
        }
        Value::Unit => {
            let mut one = Gn::<()>::new_scoped_opt(STACK, |mut scope| {
                loop {
                    scope.yield_with(());
                }
            });
            Contestant::new("resume", move |_| {
                black_box(one.resume());
            })
        }
        Value::Large => {
            let mut one = Gn::<[u64; 8]>::new_scoped_opt(STACK, |mut scope| {
                let mut value = [0; 8];
                loop {
                    value = scope.yield_(value).unwrap_or_default();
                }
            });
            let _ = one.raw_send(None);
            Contestant::new("send", move |i| {
                black_box(one.send(black_box([i as u64; 8])));
            })
        }
    }
}

/// One that has ended is given something new to run.
fn life_on_kept_stack() -> Contestant {
    let mut one = Gn::<()>::new_scoped_opt(STACK, |_| 0);
    let _ = one.resume();
    Contestant::new("reused", move |i| {
        one.scoped_init(move |_| i);
        black_box(one.resume());
    })
}

fn nested() -> Contestant {
    let mut outer: Word = Gn::new_scoped_opt(STACK, |mut scope| {
        let mut inner = echoing(0);
        let mut value = 0;
        loop {
            value = scope.yield_(inner.send(value)).unwrap_or_default();
        }
    });
    let _ = outer.raw_send(None);
    Contestant::new("send", move |i| {
        black_box(outer.send(i));
    })
}

type Yields<'scope, 'a> = Scope<'scope, 'a, (), Option<usize>>;

/// A generator yields and returns the same type: `None` is the end.
fn iter(body: impl FnOnce(&mut Yields<'_, '_>) + 'static) -> Items {
    let all = Gn::<()>::new_scoped_opt_local(STACK, |mut scope: Yields<'_, '_>| {
        body(&mut scope);
        None
    });
    Box::new(all.map_while(|item| item))
}

fn source() -> Items {
    iter(|scope| (0..usize::MAX).for_each(|item| scope.yield_with(Some(item))))
}

fn stage(items: Items) -> Items {
    iter(|scope| items.for_each(|item| scope.yield_with(Some(item + 1))))
}

fn walk(tree: &'static Tree) -> Items {
    fn visit(tree: &Tree, scope: &mut Yields<'_, '_>) {
        let children = tree.children.as_deref();
        if let Some([left, _]) = children {
            visit(left, scope);
        }
        scope.yield_with(Some(tree.value));
        if let Some([_, right]) = children {
            visit(right, scope);
        }
    }
    iter(|scope| visit(tree, scope))
}

fn parser() -> json::Parser {
    let mut one = Gn::<Piece>::new_scoped_opt(STACK, |mut scope| {
        let first = scope.get_yield().unwrap_or_default();
        Some(json::parse(first, || {
            scope.yield_(None).unwrap_or_default()
        }))
    });
    Box::new(move |piece| one.raw_send(Some(piece)).flatten())
}
