//! The list of fibers to run (LL): linked through the fibers' heads, walked by a cursor.

use crate::fiber::{Fibers, NONE, State};

/// Both ends of the list, and whose turn it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    head: u32,
    tail: u32,
    cursor: u32,
}

impl List {
    pub(crate) const EMPTY: List = List {
        head: NONE,
        tail: NONE,
        cursor: NONE,
    };

    /// The fiber whose turn it is.
    #[inline]
    pub(crate) fn current(&self) -> Option<u32> {
        (self.cursor != NONE).then_some(self.cursor)
    }

    /// The turn of the fiber after the one whose turn it is; after the last comes the first.
    #[inline]
    pub(crate) fn advance(&mut self, fibers: &Fibers, current: u32) {
        debug_assert_eq!(self.cursor, current);
        self.cursor = match fibers.heads[current as usize].next {
            NONE => self.head,
            next => next,
        };
    }

    /// Puts a fiber at the end of the list.
    pub(crate) fn append(&mut self, fibers: &mut Fibers, index: u32) {
        let head = &mut fibers.heads[index as usize];
        head.state = State::Ready;
        (head.prev, head.next) = (self.tail, NONE);
        match self.tail {
            NONE => (self.head, self.cursor) = (index, index),
            tail => fibers.heads[tail as usize].next = index,
        }
        self.tail = index;
    }

    /// Takes a fiber off the list. If it was its turn, the next one's comes.
    pub(crate) fn unlink(&mut self, fibers: &mut Fibers, index: u32, state: State) {
        let head = &mut fibers.heads[index as usize];
        let (prev, next) = (head.prev, head.next);
        head.state = state;
        (head.prev, head.next) = (NONE, NONE);
        match prev {
            NONE => self.head = next,
            prev => fibers.heads[prev as usize].next = next,
        }
        match next {
            NONE => self.tail = prev,
            next => fibers.heads[next as usize].prev = prev,
        }
        if self.cursor == index {
            self.cursor = if next == NONE { self.head } else { next };
        }
    }

    /// The fibers on the list, in order.
    pub(crate) fn iter<'a>(&self, fibers: &'a Fibers) -> impl Iterator<Item = u32> + use<'a> {
        let listed = |index: u32| (index != NONE).then_some(index);
        core::iter::successors(listed(self.head), move |&index| {
            listed(fibers.heads[index as usize].next)
        })
    }
}
