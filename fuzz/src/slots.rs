//! A table of the coroutines that are not running, from which all of them take each other.

use std::cell::RefCell;

pub(crate) struct Slots<T, const N: usize>(RefCell<[Option<T>; N]>);

impl<T, const N: usize> Default for Slots<T, N> {
    fn default() -> Self {
        Slots(RefCell::new([const { None }; N]))
    }
}

impl<T, const N: usize> Slots<T, N> {
    /// Keeps an entry, in its slot or another one; or gives it back, for the caller to drop when the table is not
    /// borrowed: its frames may use it.
    pub(crate) fn put(&self, slot: usize, entry: T) -> Option<T> {
        let mut slots = self.0.borrow_mut();
        let free = slots.iter().position(Option::is_none);
        match Some(slot).filter(|&slot| slots[slot].is_none()).or(free) {
            Some(slot) => slots[slot].replace(entry),
            None => Some(entry),
        }
    }

    pub(crate) fn take(&self, slot: usize) -> Option<T> {
        self.0.borrow_mut()[slot].take()
    }

    /// The first that there is.
    pub(crate) fn take_any(&self) -> Option<T> {
        self.0.borrow_mut().iter_mut().find_map(Option::take)
    }

    pub(crate) fn swap(&self, one: usize, other: usize) {
        self.0.borrow_mut().swap(one, other);
    }
}
