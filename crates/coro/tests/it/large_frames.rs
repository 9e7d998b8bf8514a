//! Frames larger than what is left of the stack, or than all of it.

use coro::{Coroutine, MIN_STACK_SIZE, SuspendHandle};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use sure_stack::{GUARD_SIZE, GuardedMmapStack, Stack, StackArena};
use testing::child;

testing::scenarios!(
    scenario;
    a_mebibyte_on_a_mapped_stack,
    a_mebibyte_on_a_stack_of_an_arena,
    a_guards_size_on_a_mapped_stack,
    a_guards_size_on_a_stack_of_an_arena,
);

/// Where the guard is, for the signal handler.
static GUARD: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];

/// Says whether the fault is in the guard, and ends the process.
extern "C" fn on_fault(_: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes a description of a fault.
    let address = unsafe { (*info).si_addr() }.addr();
    let (low, high) = (
        GUARD[0].load(Ordering::Relaxed),
        GUARD[1].load(Ordering::Relaxed),
    );
    let message: &[u8] = if (low..high).contains(&address) {
        b"a fault in the guard\n"
    } else {
        b"a fault elsewhere\n"
    };
    // SAFETY: writes a message that lives for ever, and ends the process.
    unsafe {
        libc::write(1, message.as_ptr().cast(), message.len());
        libc::_exit(0);
    }
}

/// Handles faults on a stack of its own.
fn handle_faults() {
    let memory: &'static mut [u8] = Box::leak(vec![0_u8; 64 << 10].into());
    // SAFETY: the memory is the handler's from now on; the handler calls
    // nothing but what may be called in one.
    unsafe {
        let mut stack: libc::stack_t = std::mem::zeroed();
        stack.ss_sp = memory.as_mut_ptr().cast();
        stack.ss_size = memory.len();
        assert_eq!(libc::sigaltstack(&stack, std::ptr::null_mut()), 0);
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_fault as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        for signal in [libc::SIGSEGV, libc::SIGBUS] {
            assert_eq!(libc::sigaction(signal, &action, std::ptr::null_mut()), 0);
        }
    }
}

/// A frame of more than `N` bytes, of which only the lowest is touched, unless the
/// compiler probes it.
#[inline(never)]
fn large_frame<const N: usize>(value: u8) -> u8 {
    let mut bytes = std::mem::MaybeUninit::<[u8; N]>::uninit();
    let lowest = black_box(&mut bytes).as_mut_ptr().cast::<u8>();
    // SAFETY: a byte of the array, if it is there at all.
    unsafe {
        lowest.write_volatile(value);
        lowest.read_volatile()
    }
}

fn run<const N: usize>(stack: impl Stack + 'static) {
    let limit = stack.limit().addr().get();
    // SAFETY: asks for a constant.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap();
    GUARD[0].store(limit - GUARD_SIZE.next_multiple_of(page), Ordering::Relaxed);
    GUARD[1].store(limit, Ordering::Relaxed);
    handle_faults();
    println!("about to overflow");
    Coroutine::with_stack(stack, |_: &SuspendHandle<u8, ()>, value: u8| {
        large_frame::<N>(value)
    })
    .resume(1);
    println!("survived");
}

fn mapped(bytes: usize) -> GuardedMmapStack {
    GuardedMmapStack::allocate_at_least(bytes).unwrap()
}

fn of_an_arena(bytes: usize) -> impl Stack + 'static {
    let arena = StackArena::new(bytes).unwrap();
    // What is below the guard is another stack, and would not fault.
    let mut stacks: Vec<_> = (0..40).map(|_| arena.allocate().unwrap()).collect();
    stacks.sort_by_key(|stack| stack.limit());
    let highest = stacks.pop().unwrap();
    std::mem::forget(stacks);
    highest
}

fn a_mebibyte_on_a_mapped_stack() {
    run::<{ 1 << 20 }>(mapped(64 << 10));
}

fn a_mebibyte_on_a_stack_of_an_arena() {
    run::<{ 1 << 20 }>(of_an_arena(64 << 10));
}

/// As large as the guard, or somewhat larger than the stack, where the guard is small.
const GUARDED: usize = if GUARD_SIZE > 1 {
    GUARD_SIZE
} else {
    3 * MIN_STACK_SIZE
};

fn a_guards_size_on_a_mapped_stack() {
    run::<GUARDED>(mapped(MIN_STACK_SIZE));
}

fn a_guards_size_on_a_stack_of_an_arena() {
    run::<GUARDED>(of_an_arena(MIN_STACK_SIZE));
}

#[track_caller]
fn assert_hits_the_guard(scenario: &str) {
    let ended = child::run("large_frames::scenario", scenario);
    ended.assert_success(&["about to overflow", "a fault in the guard"]);
    assert!(!ended.output.contains("survived"));
}

#[test]
fn a_frame_of_a_mebibyte_hits_the_guard() {
    assert_hits_the_guard("a_mebibyte_on_a_mapped_stack");
    assert_hits_the_guard("a_mebibyte_on_a_stack_of_an_arena");
}

#[test]
fn a_frame_as_large_as_the_guard_hits_it() {
    assert_hits_the_guard("a_guards_size_on_a_mapped_stack");
    assert_hits_the_guard("a_guards_size_on_a_stack_of_an_arena");
}
