//! Generators that pull from one another.

use crate::contestant::Contestant;
use std::hint::black_box;

/// A generator, whatever is inside.
pub type Items = Box<dyn Iterator<Item = usize>>;

/// The generators in a row.
const STAGES: usize = 5;

/// Pulls items through a source, which counts, and stages, each of which adds one.
pub fn pipeline(
    variant: &str,
    source: impl Fn() -> Items,
    stage: impl Fn(Items) -> Items,
) -> Contestant {
    let mut items = (1..STAGES).fold(source(), |items, _| stage(items));
    assert_eq!(
        items.next(),
        Some(STAGES - 1),
        "{variant}: every stage adds one"
    );
    Contestant::new(variant, move |_| {
        black_box(items.next());
    })
}
