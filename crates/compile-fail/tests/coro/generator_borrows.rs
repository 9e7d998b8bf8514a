//! An iterator that is returned on a promise borrows what its type says, as the promise needs.
use coro::{Coroutine, SuspendHandle};

struct Text {
    lines: Vec<String>,
}

impl Text {
    /// The lengths of all lines. No item has the lifetime; the iterator has.
    fn lengths(&self) -> impl Iterator<Item = usize> {
        let walk = |handle: &SuspendHandle<(), usize>, ()| {
            self.lines.iter().for_each(|line| handle.suspend(line.len()));
        };
        // SAFETY: the return type has the lifetime of `&self`; `walk` lends nothing on.
        unsafe { Coroutine::new_unchecked(walk) }.unwrap().into_iter()
    }
}

fn main() {
    let text = Text { lines: vec![String::new()] };
    let mut lengths = text.lengths();
    lengths.next();
    drop(text);
    lengths.next();
}
