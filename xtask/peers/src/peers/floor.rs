//! The same work without suspending anything: what there is to be added to.

use crate::contestant::Contestant;
use crate::peer::Peer;
use crate::shared::json;
use crate::shared::pipeline::{Items, pipeline};
use crate::shared::tree::{self, Tree};
use crate::work::{Life, Value, Work};
use std::hint::black_box;

pub struct Floor;

impl Peer for Floor {
    fn name(&self) -> &'static str {
        "(plain)"
    }

    fn version(&self) -> String {
        "no library".to_owned()
    }

    fn contestants(&self, work: Work) -> Vec<Contestant> {
        match work {
            Work::RoundTrip {
                value: Value::Word,
                depth: 0,
            }
            | Work::CallWithRoom => {
                vec![call()]
            }
            Work::Life(Life::KeptStack) => vec![Contestant::new("a boxed closure", |i| {
                let one: Box<dyn FnOnce() -> usize> = black_box(Box::new(move || i));
                black_box(one());
            })],
            Work::Pipeline => vec![pipeline("boxed iterators", source, stage)],
            Work::Tree => vec![tree::tree("an iterator with a stack in a Vec", walk)],
            Work::Json => vec![json::json_at_once("all at hand")],
            _ => Vec::new(),
        }
    }
}

fn call() -> Contestant {
    #[inline(never)]
    fn callee(value: usize) -> usize {
        value
    }
    let function: fn(usize) -> usize = black_box(callee);
    Contestant::new("an indirect call", move |i| {
        black_box(function(i));
    })
}

fn source() -> Items {
    Box::new(0..)
}

fn stage(items: Items) -> Items {
    Box::new(items.map(|item| item + 1))
}

/// In order, with the way up kept by hand.
fn walk(tree: &'static Tree) -> Items {
    let mut up = Vec::new();
    let mut down = Some(tree);
    Box::new(std::iter::from_fn(move || {
        while let Some(node) = down {
            up.push(node);
            down = node.children.as_deref().map(|[left, _]| left);
        }
        let node = up.pop()?;
        down = node.children.as_deref().map(|[_, right]| right);
        Some(node.value)
    }))
}
