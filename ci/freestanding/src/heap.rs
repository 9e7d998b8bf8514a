//! Memory for the tests: handed out from a static, and not taken back.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicUsize, Ordering};

/// More than all tests allocate; pages that are not touched cost nothing.
const SIZE: usize = 256 << 20;

static mut MEMORY: [u128; SIZE / 16] = [0; SIZE / 16];

static USED: AtomicUsize = AtomicUsize::new(0);

struct Heap;

#[global_allocator]
static HEAP: Heap = Heap;

// SAFETY: hands out each byte of the static at most once, aligned; null when nothing is left.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let memory = (&raw mut MEMORY).cast::<u8>();
        let used = USED.load(Ordering::Relaxed);
        let begin = (memory.addr() + used).next_multiple_of(layout.align()) - memory.addr();
        match begin.checked_add(layout.size()) {
            Some(end) if end <= SIZE => {
                USED.store(end, Ordering::Relaxed);
                memory.wrapping_add(begin)
            }
            _ => null_mut(),
        }
    }

    /// The static is 0, and each byte is handed out once.
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises that the layout's size is not 0.
        unsafe { self.alloc(layout) }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
