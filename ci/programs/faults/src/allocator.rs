//! The allocator: the system's, with failures, and a count of what is alive.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use crate::plan::{self, Call};

struct Failing;

#[global_allocator]
static ALLOCATOR: Failing = Failing;

static BYTES: AtomicUsize = AtomicUsize::new(0);

/// How many bytes are allocated now.
pub fn live_bytes() -> usize {
    BYTES.load(SeqCst)
}

// SAFETY: the system's allocator, which may say that it has no memory.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if plan::fails(Call::Allocation) {
            return ptr::null_mut();
        }
        BYTES.fetch_add(layout.size(), SeqCst);
        // SAFETY: the caller's layout.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), SeqCst);
        // SAFETY: the caller's memory, which came from `System`.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if plan::fails(Call::Allocation) {
            return ptr::null_mut();
        }
        BYTES.fetch_add(size, SeqCst);
        BYTES.fetch_sub(layout.size(), SeqCst);
        // SAFETY: the caller's memory, which came from `System`, and the size it wants.
        unsafe { System.realloc(memory, layout, size) }
    }
}
