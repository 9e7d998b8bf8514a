//! Where stacks come from: taking, touching and putting back, with thousands alive.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use sure_stack::{
    ArenaConfig, DEFAULT_STACK_SIZE, GuardedMmapStack, Guards, PooledStack, Reclaim, Stack,
    StackArena,
};

/// As many as protected guards leave room for, twice.
const ALIVE: usize = 16_384;

/// What a program does that needs a guarded stack and has no library for it.
struct Plain {
    start: *mut libc::c_void,
    bytes: usize,
}

impl Plain {
    fn new() -> Plain {
        let bytes = DEFAULT_STACK_SIZE + 4096;
        let (access, kind) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK,
        );
        // SAFETY: a new mapping, the first page of which is not in use.
        unsafe {
            let start = libc::mmap(std::ptr::null_mut(), bytes, access, kind, -1, 0);
            assert_ne!(start, libc::MAP_FAILED);
            assert_eq!(libc::mprotect(start, 4096, libc::PROT_NONE), 0);
            Plain { start, bytes }
        }
    }

    fn touch(self) -> Plain {
        // SAFETY: the highest bytes of the mapping.
        unsafe {
            self.start
                .byte_add(self.bytes - 64)
                .cast::<u8>()
                .write_volatile(1)
        };
        self
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`.
        unsafe { libc::munmap(self.start, self.bytes) };
    }
}

/// As the first frame of a coroutine does.
fn touch<S: Stack>(stack: S) -> S {
    // SAFETY: inside the stack, on which nothing runs.
    unsafe { stack.base().as_ptr().sub(64).write_volatile(1) };
    stack
}

fn arena(change: impl FnOnce(ArenaConfig) -> ArenaConfig) -> StackArena {
    change(ArenaConfig::new()).build().expect("a size")
}

fn take(arena: &StackArena) -> impl Stack + use<> {
    touch(arena.allocate().expect("memory for one stack"))
}

fn many_alive(c: &mut Criterion) {
    let mut group = c.benchmark_group("16,384 stacks alive: take, touch, put back");
    group
        .throughput(Throughput::Elements(ALIVE as u64))
        .sample_size(10);
    group.bench_function("mmap, mprotect, munmap", |b| {
        b.iter(|| (0..ALIVE).map(|_| Plain::new().touch()).collect::<Vec<_>>());
    });
    group.bench_function("GuardedMmapStack", |b| {
        let fresh = || GuardedMmapStack::allocate_at_least(DEFAULT_STACK_SIZE);
        let take = || touch(fresh().expect("memory for one stack"));
        b.iter(|| (0..ALIVE).map(|_| take()).collect::<Vec<_>>());
    });
    let mut run = |name: &str, arena: &dyn Fn() -> StackArena, fresh: bool| {
        group.bench_function(name, |b| {
            let kept = arena();
            b.iter(|| {
                let arena = if fresh { arena() } else { kept.clone() };
                black_box((0..ALIVE).map(|_| take(&arena)).collect::<Vec<_>>());
            });
        });
    };
    let usual = || arena(|config| config);
    run("an arena, memory goes back", &usual, false);
    run(
        "an arena, memory goes back when short",
        &|| arena(|it| it.reclaim(Reclaim::Lazily)),
        false,
    );
    run(
        "an arena, memory is kept",
        &|| arena(|it| it.keep(ALIVE)),
        false,
    );
    run("a new arena each time", &usual, true);
    run(
        "a new arena each time, mprotect",
        &|| arena(|it| it.guards(Guards::Mprotect)),
        true,
    );
}

fn one_at_a_time(c: &mut Criterion) {
    let mut group = c.benchmark_group("one stack: take, touch, put back");
    group.bench_function("mmap, mprotect, munmap", |b| {
        b.iter(|| Plain::new().touch())
    });
    let mut run = |name: &str, arena: StackArena| {
        group.bench_function(name, |b| b.iter(|| take(&arena)));
    };
    run("an arena, memory goes back", arena(|it| it.keep(0)));
    run("an arena, memory is kept", arena(|it| it));
    group.bench_function("the thread's pool", |b| {
        b.iter(|| touch(PooledStack::new().expect("memory for one stack")));
    });
}

criterion_group!(benches, many_alive, one_at_a_time);
criterion_main!(benches);
