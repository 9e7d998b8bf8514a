//! stacker: calls on a larger stack where the present one runs out.

use crate::contestant::Contestant;
use crate::peer::Peer;
use crate::shared::lock;
use crate::work::Work;
use std::hint::black_box;

pub struct Stacker;

/// As in its documentation's example.
const RED_ZONE: usize = 32 << 10;
const STACK: usize = 256 << 10;

impl Peer for Stacker {
    fn name(&self) -> &'static str {
        "stacker"
    }

    fn version(&self) -> String {
        lock::version("stacker")
    }

    fn contestants(&self, work: Work) -> Vec<Contestant> {
        match work {
            Work::CallWithRoom => vec![Contestant::new("maybe_grow", |i| {
                black_box(stacker::maybe_grow(RED_ZONE, STACK, || black_box(i)));
            })],
            Work::CallThatGrows => vec![Contestant::new("grow", |i| {
                black_box(stacker::grow(STACK, || black_box(i)));
            })],
            _ => Vec::new(),
        }
    }
}
