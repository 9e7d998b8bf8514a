//! Sixteen threads take stacks, write to them, and hand them to each other;
//! the receivers put them back.
//!
//! The standard library is not built with the sanitizer, which therefore cannot see
//! what its channels and locks order; so everything here is ordered by atomics of this program.

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::thread;
use sure_stack::{ArenaConfig, GuardedMmapStack, PoolConfig, PooledStack, Stack, StackArena};

const THREADS: usize = 16;
const ROUNDS: usize = 2_000;

/// A stack on its way from one thread to another, with what is written in it.
type Parcel = (Box<dyn Stack + Send>, u8);

/// Where threads leave stacks for others.
static SHELF: [AtomicPtr<Parcel>; 64] = [const { AtomicPtr::new(ptr::null_mut()) }; 64];

/// How many were taken and not put back yet.
static ALIVE: AtomicUsize = AtomicUsize::new(0);

fn main() {
    let arena = ArenaConfig::new()
        .stack_size(8192)
        .keep(20)
        .build()
        .expect("a size");
    // Before there are other threads: its first use is ordered by the standard library.
    drop(PooledStack::new());
    let threads: Vec<_> = (0..THREADS)
        .map(|me| {
            let arena = arena.clone();
            thread::spawn(move || work(me, &arena))
        })
        .collect();
    for thread in threads {
        thread.join().expect("no thread panics");
    }
    SHELF
        .iter()
        .for_each(|place| put_back(place.swap(ptr::null_mut(), Ordering::Acquire)));
    assert_eq!(ALIVE.load(Ordering::Relaxed), 0);
    assert_eq!(arena.statistics().live, 0);
    arena.trim();
    assert_eq!(arena.statistics().reserved_bytes, 0);
    println!("{THREADS} threads, {ROUNDS} stacks each");
}

fn work(me: usize, arena: &StackArena) {
    PooledStack::configure(PoolConfig::new().kept_stacks(me));
    let mut random = me * 7919 + 1;
    for round in 0..ROUNDS {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005_usize)
            .wrapping_add(1_442_695);
        let choice = random >> 40;
        let stack: Box<dyn Stack + Send> = match choice % 16 {
            0 => Box::new(GuardedMmapStack::allocate_at_least(4096).expect("a mapping")),
            1..8 => Box::new(PooledStack::new().expect("a stack")),
            _ => Box::new(arena.allocate().expect("a stack")),
        };
        ALIVE.fetch_add(1, Ordering::Relaxed);
        let with = round as u8;
        // SAFETY: the lowest page of a stack on which nothing runs.
        unsafe {
            stack
                .limit()
                .as_ptr()
                .write_bytes(with, 4096.min(stack.size()))
        };
        let place = &SHELF[choice / 16 % SHELF.len()];
        let parcel = Box::into_raw(Box::new((stack, with)));
        put_back(place.swap(parcel, Ordering::AcqRel));
        if choice % 509 == 0 {
            arena.trim();
            PooledStack::trim();
        }
    }
}

/// Takes a parcel from the shelf, if there is one, and looks into it.
fn put_back(parcel: *mut Parcel) {
    if parcel.is_null() {
        return;
    }
    // SAFETY: the thread that has swapped a parcel out is its only owner.
    let (stack, with) = *unsafe { Box::from_raw(parcel) };
    // SAFETY: the stack is this thread's now.
    let page =
        unsafe { std::slice::from_raw_parts(stack.limit().as_ptr(), 4096.min(stack.size())) };
    assert!(page.iter().all(|byte| *byte == with));
    ALIVE.fetch_sub(1, Ordering::Relaxed);
}
