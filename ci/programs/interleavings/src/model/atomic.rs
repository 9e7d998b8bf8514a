//! Atomics of the model. Their values are in the [`World`](super::World); what is in them is how they begin.

use core::marker::PhantomData;
use core::ptr;
use core::sync::atomic::Ordering;

use super::{Kind, wait_for, with};

/// The word behind each kind of atomic.
struct Word(usize);

impl Word {
    fn address(&self) -> usize {
        let address = ptr::from_ref(self).addr();
        with(|world| {
            let alive = world.over || !world.dead.contains(&address);
            assert!(alive, "an atomic is used after it was dropped");
        });
        address
    }

    /// What this thread sees.
    fn see(&self, address: usize) -> usize {
        with(|world| {
            let buffer = world.current.map(|current| &world.buffers[current]);
            let own = buffer.and_then(|it| it.iter().rev().find(|(to, _)| *to == address));
            let known = own.map(|(_, value)| *value);
            known.unwrap_or_else(|| world.memory.get(&address).copied().unwrap_or(self.0))
        })
    }

    fn load(&self, ordering: Ordering) -> usize {
        // What the lock protects no other thread changes: such a load is no step of its own.
        let protected = ordering == Ordering::Relaxed && with(|world| world.holds_a_lock());
        if !protected {
            wait_for(self.address(), Kind::Load);
        }
        self.see(self.address())
    }

    fn store(&self, value: usize, ordering: Ordering) {
        let address = self.address();
        if ordering == Ordering::SeqCst {
            wait_for(address, Kind::Store);
            // It may have been dropped meanwhile.
            self.address();
        }
        with(|world| match world.current {
            Some(current) if ordering != Ordering::SeqCst => {
                world.buffers[current].push_back((address, value));
            }
            _ => {
                world.memory.insert(address, value);
            }
        });
    }

    fn change(&self, to: impl FnOnce(usize) -> Option<usize>) -> Result<usize, usize> {
        wait_for(self.address(), Kind::Change);
        let address = self.address();
        let before = self.see(address);
        match to(before) {
            Some(value) => {
                with(|world| world.memory.insert(address, value));
                Ok(before)
            }
            None => Err(before),
        }
    }
}

impl Drop for Word {
    fn drop(&mut self) {
        let address = ptr::from_ref(self).addr();
        wait_for(address, Kind::Drop);
        with(|world| world.dead.insert(address));
    }
}

pub struct AtomicUsize(Word);

impl AtomicUsize {
    pub const fn new(value: usize) -> AtomicUsize {
        AtomicUsize(Word(value))
    }

    pub fn load(&self, ordering: Ordering) -> usize {
        self.0.load(ordering)
    }

    pub fn store(&self, value: usize, ordering: Ordering) {
        self.0.store(value, ordering);
    }

    pub fn fetch_update(
        &self,
        _: Ordering,
        _: Ordering,
        to: impl FnMut(usize) -> Option<usize>,
    ) -> Result<usize, usize> {
        self.0.change(to)
    }

    pub fn fetch_add(&self, more: usize, _: Ordering) -> usize {
        let before = self.0.change(|value| Some(value.wrapping_add(more)));
        before.unwrap_or_default()
    }
}

pub struct AtomicBool(Word);

impl AtomicBool {
    pub const fn new(value: bool) -> AtomicBool {
        AtomicBool(Word(value as usize))
    }

    pub fn load(&self, ordering: Ordering) -> bool {
        self.0.load(ordering) != 0
    }

    pub fn store(&self, value: bool, ordering: Ordering) {
        self.0.store(usize::from(value), ordering);
    }

    pub fn swap(&self, value: bool, _: Ordering) -> bool {
        self.0.change(|_| Some(usize::from(value))) != Ok(0)
    }
}

/// Begins with nothing: the index makes no others.
pub struct AtomicPtr<T>(Word, PhantomData<*mut T>);

// SAFETY: an address, which any thread may have.
unsafe impl<T> Send for AtomicPtr<T> {}
// SAFETY: an address, which any thread may have.
unsafe impl<T> Sync for AtomicPtr<T> {}

impl<T> AtomicPtr<T> {
    pub const fn new(null: *mut T) -> AtomicPtr<T> {
        assert!(null.is_null());
        AtomicPtr(Word(0), PhantomData)
    }

    pub fn load(&self, ordering: Ordering) -> *mut T {
        ptr::with_exposed_provenance_mut(self.0.load(ordering))
    }

    pub fn store(&self, to: *mut T, ordering: Ordering) {
        self.0.store(to.expose_provenance(), ordering);
    }
}
