//! A tree whose nodes a recursive function visits.

use crate::contestant::Contestant;
use crate::shared::pipeline::Items;
use std::hint::black_box;

/// A binary tree.
pub struct Tree {
    pub value: usize,
    pub children: Option<Box<[Tree; 2]>>,
}

const LEVELS: u32 = 10;

/// How many nodes the tree has.
pub const NODES: usize = (1 << LEVELS) - 1;

fn complete(levels: u32, value: usize) -> Tree {
    let child = |value| complete(levels - 1, value);
    let children = (levels > 1).then(|| Box::new([child(2 * value), child(2 * value + 1)]));
    Tree { value, children }
}

/// Walks the whole tree in each repetition, by an iterator made anew.
pub fn tree(variant: &str, walk: impl Fn(&'static Tree) -> Items + 'static) -> Contestant {
    let tree: &'static Tree = Box::leak(Box::new(complete(LEVELS, 1)));
    let sum: usize = walk(tree).sum();
    assert_eq!(
        sum,
        NODES * (NODES + 1) / 2,
        "{variant}: every node is visited once"
    );
    Contestant::new(variant, move |_| {
        black_box(walk(tree).sum::<usize>());
    })
}
