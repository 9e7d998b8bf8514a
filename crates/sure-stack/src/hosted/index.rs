//! An ordered map that a signal handler can search.
//!
//! A skip list. A thread that changes it holds a lock. A search takes none: a
//! signal handler that waited for the lock would wait for ever if the thread that it
//! interrupted holds it. What a search relies on:
//!
//! - Every single store leaves each level a sorted list, which ends. A node that
//!   is in the map during the whole search is on the lowest level throughout.
//! - A node that is taken out goes on pointing to its successors, and its
//!   memory is not freed before a moment without searches: those that begin
//!   later cannot reach it. Until then it waits in limbo.

use crate::hosted::sys::lock::{self, INDEX};
use core::ptr;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicPtr, AtomicUsize};
use std::alloc::{Layout, alloc};
use std::boxed::Box;

/// One node in four is also on the next level: eight levels are enough for as
/// many mappings as a process can have by default.
const LEVELS: usize = 8;

/// The next node on each level.
type Links<T> = [AtomicPtr<Node<T>>; LEVELS];

/// From addresses to values, in the order of the addresses.
pub(crate) struct Index<T> {
    first: Links<T>,
    searches: Searches,
    /// Nodes that are taken out and not yet freed. Changed under the lock only.
    limbo: AtomicPtr<Node<T>>,
}

struct Node<T> {
    key: usize,
    value: T,
    height: usize,
    next: Links<T>,
    /// The next one in limbo.
    limbo: AtomicPtr<Node<T>>,
}

/// A new list of links, all of them to nothing.
const fn unlinked<T>() -> Links<T> {
    [const { AtomicPtr::new(ptr::null_mut()) }; LEVELS]
}

/// How many searches are under way in this process.
///
/// A forked child has copies of the searches that other threads of its parent
/// had begun, and which never end there. So the count holds the generation of its
/// process in its upper half: the count of another generation is 0.
struct Searches(AtomicUsize);

/// The bits of a [`Searches`] that count.
const COUNT: usize = usize::MAX >> (usize::BITS / 2);

impl Searches {
    const fn new() -> Searches {
        Searches(AtomicUsize::new(0))
    }

    /// This generation, with a count of 0.
    fn none() -> usize {
        lock::generation() << (usize::BITS / 2)
    }

    /// Counts a search, and returns the generation in which it is counted.
    fn begin(&self) -> usize {
        let none = Searches::none();
        self.change(|counted| match counted & !COUNT == none {
            true => Some(counted + 1),
            false => Some(none + 1),
        });
        none
    }

    /// The search ends. A search of a signal handler's may have forked in
    /// between: then it was never counted in this process.
    fn end(&self, generation: usize) {
        self.change(|counted| (counted & !COUNT == generation).then(|| counted - 1));
    }

    fn are_under_way(&self) -> bool {
        let counted = self.0.load(SeqCst);
        counted & !COUNT == Searches::none() && counted & COUNT > 0
    }

    fn change(&self, to: impl FnMut(usize) -> Option<usize>) {
        // `None` leaves the count as it is.
        let _ = self.0.fetch_update(SeqCst, SeqCst, to);
    }
}

impl<T: Send + Sync> Index<T> {
    pub(crate) const fn new() -> Self {
        Index {
            first: unlinked(),
            searches: Searches::new(),
            limbo: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Calls `f` with the entry of the highest key up to `address`.
    ///
    /// It takes O(log n) steps, neither locks nor allocates, and may be called
    /// by a signal handler. `f` must not keep the entry.
    pub(crate) fn find<R>(&self, address: usize, f: impl FnOnce(usize, &T) -> R) -> Option<R> {
        // `SeqCst` in the count of searches and where links are loaded or stored:
        // in the one order of them all, either this precedes the look at the
        // count, or the links are loaded after the node was taken out.
        let search = self.searches.begin();
        let mut links = &self.first;
        let mut found = None;
        for level in (0..LEVELS).rev() {
            // SAFETY: a node that is reached is not freed during a search.
            while let Some(node) = unsafe { links[level].load(SeqCst).as_ref() } {
                if node.key > address {
                    break;
                }
                links = &node.next;
                found = Some(node);
            }
        }
        let result = found.map(|node| f(node.key, &node.value));
        self.searches.end(search);
        result
    }

    /// Adds an entry, in the place of one with the same key.
    ///
    /// # Errors
    /// The value, if there is no memory.
    pub(crate) fn insert(&self, key: usize, value: T) -> Result<(), T> {
        let node = Node::allocate(key, value)?;
        INDEX.locked(|| {
            self.take_out(key);
            let before = self.before(key);
            let before = &before[..node.height];
            for (level, links) in before.iter().enumerate() {
                node.next[level].store(links[level].load(Relaxed), Relaxed);
            }
            let node = Box::into_raw(node);
            for (level, links) in before.iter().enumerate() {
                links[level].store(node, SeqCst);
            }
            self.reclaim();
        });
        Ok(())
    }

    /// Takes out the entries with a key in `low..high`.
    pub(crate) fn remove(&self, low: usize, high: usize) {
        // Names are few: usually there is nothing to lock for.
        if self.first[0].load(SeqCst).is_null() {
            return;
        }
        INDEX.locked(|| {
            // SAFETY: under the lock, what is on a level is not freed.
            while let Some(node) = unsafe { self.before(low)[0][0].load(Relaxed).as_ref() } {
                if node.key >= high {
                    break;
                }
                self.take_out(node.key);
            }
            self.reclaim();
        });
    }

    /// On each level, the links to the first node whose key is not below
    /// `key`. The caller holds the lock, and uses them while it does.
    fn before(&self, key: usize) -> [&Links<T>; LEVELS] {
        let mut links = &self.first;
        let mut before = [links; LEVELS];
        for level in (0..LEVELS).rev() {
            // SAFETY: under the lock, what is on a level is not freed.
            while let Some(node) = unsafe { links[level].load(Relaxed).as_ref() } {
                if node.key >= key {
                    break;
                }
                links = &node.next;
            }
            before[level] = links;
        }
        before
    }

    /// Moves the node of this key, if there is one, to limbo. The caller holds the lock.
    fn take_out(&self, key: usize) {
        let before = self.before(key);
        let taken = before[0][0].load(Relaxed);
        // SAFETY: under the lock, what is on a level is not freed.
        match unsafe { taken.as_ref() } {
            Some(node) if node.key == key => {
                for level in (0..node.height).rev() {
                    before[level][level].store(node.next[level].load(Relaxed), SeqCst);
                }
                node.limbo.store(self.limbo.load(Relaxed), Relaxed);
                self.limbo.store(taken, Relaxed);
            }
            _ => {}
        }
    }

    /// Frees what is in limbo, if no search is under way. The caller holds the lock.
    fn reclaim(&self) {
        let mut first = self.limbo.load(Relaxed);
        if first.is_null() || self.searches.are_under_way() {
            return;
        }
        self.limbo.store(ptr::null_mut(), Relaxed);
        while !first.is_null() {
            // SAFETY: made by `Node::allocate`; taken out, so that neither a
            // search that begins now nor the lock's next holder reaches it; and
            // a search that could have, has ended.
            let node = unsafe { Box::from_raw(first) };
            first = node.limbo.load(Relaxed);
        }
    }
}

impl<T> Node<T> {
    /// A node, or the value if there is no memory.
    fn allocate(key: usize, value: T) -> Result<Box<Node<T>>, T> {
        // SAFETY: a node has a size.
        let memory = unsafe { alloc(Layout::new::<Node<T>>()) }.cast::<Node<T>>();
        if memory.is_null() {
            return Err(value);
        }
        let node = Node {
            key,
            value,
            height: height(key),
            next: unlinked(),
            limbo: AtomicPtr::new(ptr::null_mut()),
        };
        // SAFETY: fresh memory of this layout, from the allocator of boxes.
        unsafe {
            memory.write(node);
            Ok(Box::from_raw(memory))
        }
    }
}

/// On how many levels a node is: by its key, which is as good as by chance once
/// the key's bits are mixed.
fn height(key: usize) -> usize {
    let mixed = ((key >> 4) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    1 + (mixed.leading_zeros() as usize / 2).min(LEVELS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::atomic::AtomicBool;
    use std::vec::Vec;
    use testing::Random;

    fn floor(index: &Index<usize>, address: usize) -> Option<(usize, usize)> {
        index.find(address, |key, value| (key, *value))
    }

    #[test]
    fn finds_what_a_sorted_map_finds() {
        let index = Index::new();
        let mut model = BTreeMap::new();
        let mut random = Random::new(7);
        for step in 0..testing::cases(20_000) {
            let key = random.below(500) << 12;
            match random.below(3) {
                0 => {
                    index.insert(key, step).unwrap();
                    model.insert(key, step);
                }
                1 => {
                    let high = key + (random.below(4) << 12);
                    index.remove(key, high);
                    model.retain(|k, _| !(key..high).contains(k));
                }
                _ => {
                    let last = model.range(..=key).next_back();
                    assert_eq!(floor(&index, key), last.map(|(k, v)| (*k, *v)));
                }
            }
        }
        index.remove(0, usize::MAX);
        assert_eq!(floor(&index, usize::MAX), None);
        assert!(index.limbo.load(Relaxed).is_null(), "nothing is left over");
    }

    #[test]
    fn values_are_dropped_once_and_not_during_a_search() {
        use std::sync::Arc;
        let value = Arc::new(());
        let index = Index::new();
        for key in 0..10 {
            index.insert(key, value.clone()).unwrap();
        }
        index.insert(3, value.clone()).unwrap();
        assert_eq!(Arc::strong_count(&value), 11, "one was replaced");
        index.find(5, |_, found| {
            index.remove(0, 10);
            assert_eq!(Arc::strong_count(found), 11, "they wait for the search");
        });
        index.insert(0, value.clone()).unwrap();
        assert_eq!(Arc::strong_count(&value), 2);
        index.remove(0, 1);
        assert_eq!(Arc::strong_count(&value), 1);
    }

    /// Whether `child` returns true in a forked process, within some seconds.
    #[cfg(unix)]
    fn succeeds_in_a_child(child: impl FnOnce() -> bool) -> bool {
        // SAFETY: the child does what is tested, and ends.
        unsafe {
            let process = libc::fork();
            if process == 0 {
                libc::alarm(20);
                libc::_exit(i32::from(!child()));
            }
            let mut status = 0;
            assert_eq!(libc::waitpid(process, &mut status, 0), process);
            libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_search_of_the_parent_holds_up_no_child() {
        use std::sync::Barrier;
        let (index, barrier) = (Index::new(), Barrier::new(2));
        index.insert(1, 1).unwrap();
        let frees = || {
            index.insert(2, 2).unwrap();
            index.remove(2, 3);
            index.limbo.load(Relaxed).is_null()
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                index.find(1, |_, _| {
                    barrier.wait();
                    barrier.wait();
                });
            });
            barrier.wait();
            let waits = !frees();
            let child = succeeds_in_a_child(|| {
                let (freed, searched) = (frees(), floor(&index, 5) == Some((1, 1)));
                // A search of the child's own counts there.
                let waits = index.find(1, |_, _| !frees());
                freed && searched && waits == Some(true) && frees()
            });
            barrier.wait();
            assert!(waits, "the parent waits for its search");
            assert!(child);
        });
        assert!(frees());
    }

    #[test]
    fn heights_are_spread_over_equal_strides() {
        for stride in [2 << 12, 65 << 12, 66 << 12, 1 << 18] {
            let mut nodes = [0; LEVELS + 1];
            (1..=4096).for_each(|n| nodes[height(0x7F00_0000 + n * stride)] += 1);
            assert!((2600..3500).contains(&nodes[1]), "{stride:#x}: {nodes:?}");
            let high: usize = nodes[4..].iter().sum();
            assert!((16..160).contains(&high), "{stride:#x}: {nodes:?}");
        }
    }

    #[test]
    fn what_stays_is_found_while_others_come_and_go() {
        let index = Index::new();
        let stays: Vec<_> = (1..200).map(|n| n * 0x10_0000).collect();
        for &key in &stays {
            index.insert(key, key + 1).unwrap();
        }
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for seed in 0..2 {
                let (index, done) = (&index, &done);
                scope.spawn(move || {
                    let mut random = Random::new(seed);
                    for _ in 0..testing::cases(20_000) {
                        // Between those that stay; each thread has keys of its own.
                        let key = (1 + random.below(200)) * 0x10_0000
                            + 0x1000 * (1 + seed as usize + 2 * random.below(50));
                        index.insert(key, key + 1).unwrap();
                        index.remove(key, key + 1);
                    }
                    done.store(true, Relaxed);
                });
            }
            let mut random = Random::new(99);
            while !done.load(Relaxed) {
                let key = stays[random.below(stays.len())];
                assert_eq!(floor(&index, key), Some((key, key + 1)));
                let (key, value) = floor(&index, key + random.below(0xF_FFFF)).unwrap();
                assert_eq!(value, key + 1, "an entry is whole");
            }
        });
        index.remove(0, usize::MAX);
        assert_eq!(floor(&index, usize::MAX), None);
    }
}
