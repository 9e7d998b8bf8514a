//! genawaiter: generators made of `async` blocks.

use crate::contestant::Contestant;
use crate::peer::{Crowd, Peer};
use crate::shared::lock;
use crate::shared::pipeline::{Items, pipeline};
use crate::shared::tree::{self, Tree};
use crate::shared::turns::in_turn;
use crate::work::{Life, MANY, Value, Work};
use genawaiter::GeneratorState;
use genawaiter::rc::{Co, Gen};
use std::hint::black_box;
use std::pin::Pin;

pub struct Genawaiter;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

async fn echo<T: Default>(co: Co<T, T>) {
    let mut value = T::default();
    loop {
        value = co.yield_(value).await;
    }
}

fn round_trip<T: Default + 'static>(value: impl Fn(usize) -> T + 'static) -> Contestant {
    let mut one = Gen::new(echo::<T>);
    Contestant::new("rc", move |i| {
        black_box(one.resume_with(value(i)));
    })
}

impl Peer for Genawaiter {
    fn name(&self) -> &'static str {
        "genawaiter"
    }

    fn version(&self) -> String {
        lock::version("genawaiter")
    }

    fn contestants(&self, work: Work) -> Vec<Contestant> {
        match work {
            Work::RoundTrip {
                value: Value::Unit,
                depth: 0,
            } => vec![round_trip(|_| ())],
            Work::RoundTrip {
                value: Value::Word,
                depth: 0,
            } => vec![round_trip(|i| i)],
            Work::RoundTrip {
                value: Value::Large,
                depth: 0,
            } => {
                vec![round_trip(|i| [i as u64; 8])]
            }
            Work::Life(Life::KeptStack) => vec![Contestant::new("rc", |i| {
                let mut one = Gen::new(|_: Co<(), ()>| async move { i });
                black_box(one.resume());
            })],
            Work::DropSuspended => vec![Contestant::new("rc", |_| {
                let mut one = Gen::new(|co: Co<(), ()>| async move { co.yield_(()).await });
                black_box(one.resume());
            })],
            Work::Turns { shuffled, depth: 0 } => {
                let all = (0..MANY).map(|_| Gen::new(echo::<usize>)).collect();
                vec![in_turn("rc", all, shuffled, |one: &mut Gen<_, _, _>, i| {
                    black_box(one.resume_with(i));
                })]
            }
            Work::Pipeline => vec![pipeline("rc", source, stage)],
            Work::Tree => vec![tree::tree("rc, boxed", walk)],
            _ => Vec::new(),
        }
    }

    fn crowds(&self) -> Vec<Crowd> {
        vec![Crowd::new("rc", || {
            let mut one = Gen::new(echo::<usize>);
            match one.resume_with(0) {
                GeneratorState::Yielded(_) => Ok(one),
                GeneratorState::Complete(()) => Err("it has ended".to_owned()),
            }
        })]
    }
}

fn source() -> Items {
    let all = Gen::new(|co: Co<usize>| async move {
        for item in 0.. {
            co.yield_(item).await;
        }
    });
    Box::new(all.into_iter())
}

fn stage(items: Items) -> Items {
    let all = Gen::new(|co: Co<usize>| async move {
        for item in items {
            co.yield_(item + 1).await;
        }
    });
    Box::new(all.into_iter())
}

fn walk(tree: &'static Tree) -> Items {
    /// Boxed, because it awaits itself.
    fn visit<'a>(tree: &'a Tree, co: &'a Co<usize>) -> Boxed<'a, ()> {
        Box::pin(async move {
            let children = tree.children.as_deref();
            if let Some([left, _]) = children {
                visit(left, co).await;
            }
            co.yield_(tree.value).await;
            if let Some([_, right]) = children {
                visit(right, co).await;
            }
        })
    }
    Box::new(Gen::new(|co| async move { visit(tree, &co).await }).into_iter())
}
