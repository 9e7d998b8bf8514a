use std::cell::Cell;
use std::rc::Rc;

/// Counts values that are made and dropped.
#[derive(Clone, Debug, Default)]
pub struct Drops {
    alive: Rc<Cell<usize>>,
    dropped: Rc<Cell<usize>>,
}

impl Drops {
    /// Nothing made, nothing dropped.
    pub fn new() -> Drops {
        Drops::default()
    }

    /// A value that is counted.
    pub fn make(&self) -> Counted {
        self.alive.set(self.alive.get() + 1);
        Counted {
            drops: self.clone(),
        }
    }

    /// How many of them live.
    pub fn alive(&self) -> usize {
        self.alive.get()
    }

    /// How many of them were dropped.
    pub fn dropped(&self) -> usize {
        self.dropped.get()
    }
}

/// A value whose destructor is counted. It is not `Send`, as the hardest case.
#[derive(Debug)]
pub struct Counted {
    drops: Drops,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let alive = self.drops.alive.get();
        self.drops
            .alive
            .set(alive.checked_sub(1).expect("more dropped than made"));
        self.drops.dropped.set(self.drops.dropped.get() + 1);
    }
}

/// Calls a function when it is dropped.
#[derive(Debug)]
pub struct OnDrop<F: FnMut()>(pub F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
