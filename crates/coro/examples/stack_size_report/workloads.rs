//! What the coroutines do: ordinary code, whose source does not tell how much
//! stack it takes.

use serde_json::Value;
use std::fmt::Write;
use testing::Random;

/// Some kind of work.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// Does it once; its input is made of random numbers. Returns something
    /// that depends on all of it.
    pub(crate) run: fn(&mut Random) -> usize,
}

/// All of them.
pub(crate) const WORKLOADS: [Workload; 4] = [
    Workload {
        name: "parse JSON",
        run: parse_json,
    },
    Workload {
        name: "format",
        run: format_tree,
    },
    Workload {
        name: "flood fill",
        run: flood_fill,
    },
    Workload {
        name: "sort",
        run: sort_words,
    },
];

/// Mostly small, sometimes much larger: documents, trees and pictures are so.
fn skewed(random: &mut Random, octaves: usize) -> usize {
    let octave = 1 + random.below(octaves);
    1 + random.below(1 << octave)
}

/// The parser calls itself for each level of a document.
fn parse_json(random: &mut Random) -> usize {
    // Now and then there is a monster.
    let depth = if random.below(2500) == 0 {
        45
    } else {
        skewed(random, 5)
    };
    let text = "[{\"key\": 1.5, \"nested\": ".repeat(depth) + "null" + &"}]".repeat(depth);
    let value: Value = serde_json::from_str(&text).expect("the text is well-formed");
    value.to_string().len()
}

#[derive(Debug)]
#[allow(dead_code, reason = "read by its `Debug`")]
struct Tree {
    weight: f64,
    children: Vec<Tree>,
}

/// `Debug` calls itself, too, through layers of formatting.
fn format_tree(random: &mut Random) -> usize {
    fn grow(random: &mut Random, depth: usize) -> Tree {
        let children = if depth == 0 { 0 } else { 1 + random.below(2) };
        Tree {
            weight: random.bits() as f64 / 7.0,
            children: (0..children).map(|_| grow(random, depth - 1)).collect(),
        }
    }
    let depth = skewed(random, 3);
    let mut text = String::new();
    write!(text, "{:#?}", grow(random, depth)).expect("a string takes everything");
    text.len()
}

/// A call for each cell: the classic that outgrows a stack.
fn flood_fill(random: &mut Random) -> usize {
    fn fill(cells: &mut [bool], side: usize, at: usize) -> usize {
        if std::mem::replace(&mut cells[at], true) {
            return 0;
        }
        let (x, y) = (at % side, at / side);
        let mut filled = 1;
        if x > 0 {
            filled += fill(cells, side, at - 1);
        }
        if x + 1 < side {
            filled += fill(cells, side, at + 1);
        }
        if y > 0 {
            filled += fill(cells, side, at - side);
        }
        if y + 1 < side {
            filled += fill(cells, side, at + side);
        }
        filled
    }
    let side = 2 + skewed(random, 4);
    let mut cells: Vec<_> = (0..side * side).map(|_| random.below(4) == 0).collect();
    fill(&mut cells, side, 0)
}

/// The standard library's sort has a buffer on the stack.
fn sort_words(random: &mut Random) -> usize {
    let count = 10 * skewed(random, 8);
    let mut words: Vec<_> = (0..count).map(|_| random.bits().to_string()).collect();
    words.sort();
    words[0].len() + words[count - 1].len()
}
