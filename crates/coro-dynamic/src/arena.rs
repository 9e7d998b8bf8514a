//! Memory for headers and deltas: many blocks of few sizes, with next to no
//! overhead for each.
//!
//! A *slab* is 64 KiB, aligned to its size, so that the slab of a block is
//! found by masking its address; all its blocks have the size of one *class*.
//! Blocks that were never used are cut off one after the other, so that the
//! pages behind them are not touched before they are needed. A slab whose
//! blocks are all free serves any class again, and if there are many such, its
//! pages go back to the system.

use crate::class::{self, CLASSES};
use memmap2::{MmapMut, MmapOptions};
use std::alloc::{self, Layout, handle_alloc_error};
use std::cell::{Cell, RefCell};
use std::ptr::{self, NonNull};

/// Size and alignment of a slab, in bytes.
const SLAB: usize = 64 << 10;

/// How much address space is asked for at once: at first, and at most.
const FIRST_CHUNK: usize = 1 << 20;
const LARGEST_CHUNK: usize = if cfg!(target_pointer_width = "64") {
    64 << 20
} else {
    4 << 20
};

/// How many empty slabs keep their pages.
const KEPT: usize = 16;

/// What stands at the beginning of a slab.
struct Slab {
    /// Freed blocks, each of which begins with the address of the next.
    free: Cell<*mut u8>,
    /// The first block that was never used.
    fresh: Cell<*mut u8>,
    /// Blocks in use.
    used: Cell<u32>,
    /// Blocks altogether.
    capacity: u32,
    class: usize,
    /// Neighbours in the list of slabs of this class that have free blocks.
    previous: Cell<*mut Slab>,
    next: Cell<*mut Slab>,
}

/// A block's first word, while it is free.
type Link = *mut u8;

pub(crate) struct Arena {
    /// For each class, the slabs that have a free block.
    partial: [Cell<*mut Slab>; CLASSES],
    /// Slabs that are empty; the first ones keep their pages.
    empty: RefCell<Vec<NonNull<Slab>>>,
    /// Address space of which slabs are cut: where the next begins, and the end.
    next: Cell<usize>,
    end: Cell<usize>,
    chunks: RefCell<Vec<MmapMut>>,
}

impl Arena {
    pub(crate) fn new() -> Arena {
        Arena {
            partial: [const { Cell::new(ptr::null_mut()) }; CLASSES],
            empty: RefCell::new(Vec::new()),
            next: Cell::new(0),
            end: Cell::new(0),
            chunks: RefCell::new(Vec::new()),
        }
    }

    /// A block of at least `bytes`, aligned to 8; dangling for 0 bytes. Ends
    /// the process if there is no memory, as collections do.
    #[inline]
    pub(crate) fn allocate(&self, bytes: usize) -> NonNull<u8> {
        let Some(class) = class::of(bytes) else {
            return allocate_alone(bytes);
        };
        let slab = self.partial[class].get();
        // SAFETY: a slab in the list is alive.
        match unsafe { slab.as_ref() } {
            // SAFETY: it is in the list.
            Some(slab) => unsafe { self.take(slab) },
            None => self.allocate_slow(class),
        }
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// It came from [`allocate`](Arena::allocate) of this arena, with as many
    /// bytes or others of the same [`class::size`], and is not used any more.
    #[inline]
    pub(crate) unsafe fn free(&self, block: NonNull<u8>, bytes: usize) {
        if class::of(bytes).is_none() {
            // SAFETY: bytes of no class came from `allocate_alone`; the caller uses them no more.
            return unsafe { free_alone(block, bytes) };
        }
        let slab = block
            .as_ptr()
            .map_addr(|address| address & !(SLAB - 1))
            .cast::<Slab>();
        // SAFETY: a block in use lies in a slab, which is alive.
        let slab = unsafe { &*slab };
        // SAFETY: the block is aligned to a word, and large enough for one.
        unsafe { block.as_ptr().cast::<Link>().write(slab.free.get()) };
        slab.free.set(block.as_ptr());
        let used = slab.used.get() - 1;
        slab.used.set(used);
        if used == slab.capacity - 1 {
            self.enlist(slab);
        } else if used == 0 {
            self.retire(slab);
        }
    }

    /// # Safety
    /// The slab is in the list of its class.
    #[inline(always)]
    unsafe fn take(&self, slab: &Slab) -> NonNull<u8> {
        let mut block = slab.free.get();
        if block.is_null() {
            block = slab.fresh.get();
            slab.fresh.set(block.wrapping_add(class::SIZES[slab.class]));
        } else {
            // SAFETY: a free block begins with a link.
            slab.free.set(unsafe { block.cast::<Link>().read() });
        }
        slab.used.set(slab.used.get() + 1);
        if slab.used.get() == slab.capacity {
            self.unlist(slab);
        }
        // SAFETY: an address inside a slab.
        unsafe { NonNull::new_unchecked(block) }
    }

    #[cold]
    #[inline(never)]
    fn allocate_slow(&self, class: usize) -> NonNull<u8> {
        let slab = self.empty_slab();
        let first = slab
            .as_ptr()
            .cast::<u8>()
            .wrapping_add(size_of::<Slab>().next_multiple_of(16));
        let room = SLAB - size_of::<Slab>().next_multiple_of(16);
        // SAFETY: an empty slab is memory that nothing uses, aligned to more than this.
        let slab = unsafe {
            slab.write(Slab {
                free: Cell::new(ptr::null_mut()),
                fresh: Cell::new(first),
                used: Cell::new(0),
                capacity: (room / class::SIZES[class]) as u32,
                class,
                previous: Cell::new(ptr::null_mut()),
                next: Cell::new(ptr::null_mut()),
            });
            slab.as_ref()
        };
        self.enlist(slab);
        // SAFETY: it has just been put there, with all its blocks free.
        unsafe { self.take(slab) }
    }

    fn empty_slab(&self) -> NonNull<Slab> {
        if let Some(slab) = self.empty.borrow_mut().pop() {
            return slab;
        }
        if self.next.get() == self.end.get() {
            self.map_chunk();
        }
        let slab = self.next.get();
        self.next.set(slab + SLAB);
        NonNull::new(ptr::with_exposed_provenance_mut(slab)).expect("no mapping is at null")
    }

    fn map_chunk(&self) {
        let mut chunks = self.chunks.borrow_mut();
        let doublings = chunks.len().min(16);
        let bytes = (FIRST_CHUNK << doublings).min(LARGEST_CHUNK);
        let mapped = MmapOptions::new()
            .len(bytes + SLAB)
            .no_reserve_swap()
            .map_anon();
        let Ok(mut chunk) = mapped else {
            let layout = Layout::from_size_align(bytes, SLAB).expect("a small power of two");
            handle_alloc_error(layout)
        };
        let start = chunk
            .as_mut_ptr()
            .expose_provenance()
            .next_multiple_of(SLAB);
        self.next.set(start);
        self.end.set(start + bytes);
        chunks.push(chunk);
    }

    /// A slab with its first free block comes into the list.
    #[inline(never)]
    fn enlist(&self, slab: &Slab) {
        let this = ptr::from_ref(slab).cast_mut();
        let head = self.partial[slab.class].replace(this);
        slab.previous.set(ptr::null_mut());
        slab.next.set(head);
        // SAFETY: slabs in the list are alive.
        if let Some(head) = unsafe { head.as_ref() } {
            head.previous.set(this);
        }
    }

    #[inline(never)]
    fn unlist(&self, slab: &Slab) {
        let (previous, next) = (slab.previous.get(), slab.next.get());
        // SAFETY: slabs in the list are alive.
        match unsafe { previous.as_ref() } {
            Some(previous) => previous.next.set(next),
            None => self.partial[slab.class].set(next),
        }
        // SAFETY: slabs in the list are alive.
        if let Some(next) = unsafe { next.as_ref() } {
            next.previous.set(previous);
        }
    }

    /// An empty slab may serve another class. The last one of its class stays:
    /// a block that comes and goes should not take a slab with it each time.
    #[inline(never)]
    fn retire(&self, slab: &Slab) {
        if slab.previous.get().is_null() && slab.next.get().is_null() {
            return;
        }
        self.unlist(slab);
        let slab = NonNull::from(slab);
        let mut empty = self.empty.borrow_mut();
        if empty.len() >= KEPT {
            // SAFETY: the slab is mapped and empty, so no block in it is used. If the system
            // refuses, the pages stay, which costs memory and nothing else.
            unsafe { libc::madvise(slab.as_ptr().cast(), SLAB, libc::MADV_DONTNEED) };
        }
        empty.push(slab);
    }
}

fn layout(bytes: usize) -> Layout {
    // Deltas are no larger than a stack, values no larger than memory.
    Layout::from_size_align(class::size(bytes), 16).expect("less than the address space")
}

#[cold]
fn allocate_alone(bytes: usize) -> NonNull<u8> {
    let layout = layout(bytes);
    // SAFETY: the size is not 0: that is a class.
    NonNull::new(unsafe { alloc::alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}

#[cold]
unsafe fn free_alone(block: NonNull<u8>, bytes: usize) {
    // SAFETY: it came from `allocate_alone` with the same layout.
    unsafe { alloc::dealloc(block.as_ptr(), layout(bytes)) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use testing::Random;

    /// Blocks of random sizes, filled with their own number, come and go.
    #[test]
    fn blocks_do_not_overlap() {
        let arena = Arena::new();
        let mut random = Random::new(1);
        let mut blocks: Vec<(NonNull<u8>, usize, u8)> = Vec::new();
        for round in 0..testing::cases(20_000) {
            if random.below(5) > 1 && blocks.len() < 600 {
                let most = [40, 300, 5_000, 40_000][random.below(4)];
                let bytes = random.below(most);
                let block = arena.allocate(bytes);
                assert!(block.addr().get().is_multiple_of(8));
                // SAFETY: that many bytes are ours.
                unsafe { block.write_bytes(round as u8, bytes) };
                blocks.push((block, bytes, round as u8));
            } else if !blocks.is_empty() {
                let (block, bytes, mark) = blocks.swap_remove(random.below(blocks.len()));
                // SAFETY: still ours, and initialised.
                let content = unsafe { std::slice::from_raw_parts(block.as_ptr(), bytes) };
                assert!(content.iter().all(|&byte| byte == mark));
                // SAFETY: from the same arena, not used after this.
                unsafe { arena.free(block, bytes) };
            }
        }
        for (block, bytes, _) in blocks {
            // SAFETY: from the same arena, with that size, and not used after this.
            unsafe { arena.free(block, bytes) };
        }
    }

    #[test]
    fn small_blocks_stand_side_by_side() {
        let arena = Arena::new();
        let first = arena.allocate(56).addr().get();
        for n in 1..1000 {
            assert_eq!(arena.allocate(56).addr().get(), first + 56 * n);
        }
    }

    #[test]
    fn an_empty_slab_serves_another_class() {
        let arena = Arena::new();
        let many =
            |bytes: usize| -> Vec<_> { (0..20_000).map(|_| arena.allocate(bytes)).collect() };
        for bytes in [32, 48, 64, 80, 32] {
            for block in many(bytes) {
                // SAFETY: allocated just now with that size.
                unsafe { arena.free(block, bytes) };
            }
        }
        let mapped: usize = arena.chunks.borrow().iter().map(|chunk| chunk.len()).sum();
        assert!(
            mapped < 20_000 * 80 * 3,
            "{mapped} bytes for 1.6 MB at a time"
        );
    }

    /// The first slabs that become empty are kept as they are; the others' pages go back, which
    /// then read as zeros.
    #[test]
    fn pages_of_empty_slabs_go_back_except_for_some() {
        let arena = Arena::new();
        let bytes = 8 << 10;
        let blocks: Vec<_> = (0..40 * SLAB / bytes)
            .map(|_| {
                let block = arena.allocate(bytes);
                // SAFETY: that many bytes are ours.
                unsafe { block.write_bytes(0xA5, bytes) };
                block
            })
            .collect();
        for block in blocks {
            // SAFETY: allocated just now with that size.
            unsafe { arena.free(block, bytes) };
        }
        let empty = arena.empty.borrow();
        assert!(empty.len() > 2 * KEPT);
        for (number, slab) in empty.iter().enumerate() {
            // SAFETY: it is mapped; the byte was written, or is a page's that was given back.
            let middle = unsafe { slab.cast::<u8>().add(SLAB / 2).read() };
            assert_eq!(middle == 0xA5, number < KEPT, "{number}: {middle:#x}");
        }
    }

    #[test]
    fn chunks_double_up_to_the_largest() {
        let arena = Arena::new();
        for _ in 0..8 {
            arena.map_chunk();
        }
        let sizes: Vec<usize> = arena
            .chunks
            .borrow()
            .iter()
            .map(|c| c.len() - SLAB)
            .collect();
        let doubled = |n: u32| (FIRST_CHUNK << n).min(LARGEST_CHUNK);
        assert_eq!(sizes, (0..8).map(doubled).collect::<Vec<_>>());
        let most = if cfg!(target_pointer_width = "64") {
            64
        } else {
            4
        };
        assert_eq!(sizes.last(), Some(&(most * 1024 * 1024)));
    }
}
