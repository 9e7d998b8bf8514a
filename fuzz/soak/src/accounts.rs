//! What the process has: bytes of the allocator, stacks that are out, mappings, resident memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use sure_stack::{PooledStack, StackArena};

/// The system's allocator, which counts what is out.
pub(crate) struct Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);
static BLOCKS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's layout, whose size is not 0 (the caller's promise).
        let block = unsafe { System.alloc(layout) };
        if !block.is_null() {
            BYTES.fetch_add(layout.size(), Ordering::Relaxed);
            BLOCKS.fetch_add(1, Ordering::Relaxed);
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        BLOCKS.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: `alloc` has returned the block for this layout (the caller's promise).
        unsafe { System.dealloc(block, layout) }
    }
}

/// Has malloc serve all threads from one heap: a heap for each thread would be a mapping that comes when threads compete.
pub(crate) fn settle_malloc() {
    // SAFETY: the first of all threads, before there are others.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}

/// The books at the end of a generation, when no thread works.
pub(crate) struct Books {
    bytes: usize,
    blocks: usize,
    /// Stacks of all pooled sizes that are out.
    stacks: usize,
    /// Reservations of their arenas.
    reservations: usize,
    /// Dynamic coroutines that could not be unwound, ever.
    leaked: usize,
    /// Anonymous mappings, and their bytes of address space. The heap, whose end moves, is none.
    mappings: usize,
    mapped: usize,
}

impl Books {
    /// After trimming what this thread and all arenas keep.
    pub(crate) fn read() -> Books {
        PooledStack::trim();
        let arenas = || (14..=23).filter_map(|log| PooledStack::arena_of(1 << log));
        for arena in arenas() {
            arena.trim();
        }
        let statistics: Vec<_> = arenas().map(StackArena::statistics).collect();
        let (mut mappings, mut mapped) = (0, 0);
        let maps = fs::read_to_string("/proc/self/maps").expect("the system is Linux");
        for line in maps.lines() {
            // Address range, permissions, offset, device, inode, and a name if it has one.
            let mut words = line.split_whitespace();
            let range = words.next().unwrap_or_default();
            if words.nth(4).is_none() {
                mappings += 1;
                mapped += length(range).expect("two addresses");
            }
        }
        drop(maps);
        Books {
            bytes: BYTES.load(Ordering::Relaxed) - size_of_val(&*statistics),
            blocks: BLOCKS.load(Ordering::Relaxed) - 1,
            stacks: statistics.iter().map(|arena| arena.live).sum(),
            reservations: statistics.iter().map(|arena| arena.reservations).sum(),
            leaked: coro_dynamic::leaked(),
            mappings,
            mapped,
        }
    }

    /// What is left over since the books were these.
    pub(crate) fn compare(&self, now: &Books) -> Result<(), String> {
        let accounts = [
            ("bytes of the allocator", self.bytes, now.bytes),
            ("blocks of the allocator", self.blocks, now.blocks),
            ("stacks that are out", self.stacks, now.stacks),
            (
                "reservations of arenas",
                self.reservations,
                now.reservations,
            ),
            ("leaked dynamic coroutines", self.leaked, now.leaked),
            ("mappings", self.mappings, now.mappings),
            ("bytes of mappings", self.mapped, now.mapped),
        ];
        let more = accounts.iter().filter(|(_, before, after)| after > before);
        let more: Vec<_> = more
            .map(|(what, before, after)| format!("{} {what} are left over", after - before))
            .collect();
        if more.is_empty() {
            Ok(())
        } else {
            Err(more.join(", "))
        }
    }
}

impl fmt::Display for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} bytes in {} blocks, {} stacks out, {} anonymous mappings, as after the warm-up",
            self.bytes, self.blocks, self.stacks, self.mappings
        )
    }
}

fn length(range: &str) -> Option<usize> {
    let (start, end) = range.split_once('-')?;
    let address = |digits| usize::from_str_radix(digits, 16).ok();
    Some(address(end)? - address(start)?)
}

/// What the process has in memory.
pub(crate) fn resident_bytes() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").expect("the system is Linux");
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    // SAFETY: always allowed.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    pages.expect("the second number") * page as usize
}
