//! Boxes whose memory stays until the end of the execution, so that no address comes back: a use after the drop is
//! one of an atomic that is known to be dropped. In the next execution the same addresses mean the same.

use core::mem;
use core::ops::Deref;
use core::ptr;
pub use std::alloc::Layout;
use std::cell::Cell;

/// Bytes that an execution may take.
const ROOM: usize = 64 << 10;

thread_local! {
    /// The room, and how much of it is taken.
    static HEAP: (*mut u8, Cell<usize>) = {
        // SAFETY: the layout has a size.
        (unsafe { std::alloc::alloc(room()) }, Cell::new(0))
    };
}

fn room() -> Layout {
    Layout::from_size_align(ROOM, 4096).expect("a power of two")
}

/// Memory until [`clear`]; the same addresses in each execution that asks for the same.
///
/// # Safety
/// None: it is the signature of the real one.
pub unsafe fn alloc(layout: Layout) -> *mut u8 {
    HEAP.with(|(start, taken)| {
        let offset = taken.get().next_multiple_of(layout.align());
        taken.set(offset + layout.size());
        assert!(taken.get() <= ROOM, "an execution takes too much memory");
        start.wrapping_add(offset)
    })
}

/// A value that all threads share, and that is never dropped.
pub fn share<T>(value: T) -> &'static T {
    // SAFETY: fresh memory of this layout, which nothing refers to any more when it is given back.
    unsafe {
        let memory = alloc(Layout::new::<T>()).cast::<T>();
        memory.write(value);
        &*memory
    }
}

/// Gives back all memory.
///
/// # Safety
/// Nothing refers to it any more.
pub unsafe fn clear() {
    HEAP.with(|(_, taken)| taken.set(0));
}

pub struct Box<T>(*mut T);

impl<T> Box<T> {
    /// # Safety
    /// A value in memory of [`alloc`], which has no other owner.
    pub unsafe fn from_raw(value: *mut T) -> Box<T> {
        Box(value)
    }

    pub fn into_raw(this: Box<T>) -> *mut T {
        let value = this.0;
        mem::forget(this);
        value
    }
}

impl<T> Deref for Box<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the value is alive until the drop.
        unsafe { &*self.0 }
    }
}

impl<T> Drop for Box<T> {
    fn drop(&mut self) {
        // SAFETY: the only owner; the memory stays.
        unsafe { ptr::drop_in_place(self.0) };
    }
}
