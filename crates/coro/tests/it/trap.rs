//! Faults that end a coroutine with a value.

use coro::{Coroutine, Status, SuspendHandle, TrapHandler};
use std::cell::Cell;
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::ptr;
use sure_stack::{GuardedMmapStack, StackArena};
use testing::child;

testing::scenarios!(scenario; faults_become_values, another_fault_kills);

/// More than a word, and over-aligned: it waits on the stack that has faulted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
struct Outcome([u64; 9]);

type Trap = TrapHandler<u64, u64, Outcome>;

/// Where the bad address is, as far as handlers are told: a number may be read in two halves, and
/// s390x tells the page.
const BAD: std::ops::Range<usize> = 0..4096;

thread_local! {
    static RUNNING: Cell<Option<Trap>> = const { Cell::new(None) };
}

/// Lets the signal through again that the handler has been called for.
///
/// # Safety
/// Called in its handler, which does not return.
unsafe fn unblock(signal: i32) {
    // SAFETY: all zeros is a set, which is emptied before it is used.
    unsafe {
        let mut signals: libc::sigset_t = MaybeUninit::zeroed().assume_init();
        libc::sigemptyset(&raw mut signals);
        libc::sigaddset(&raw mut signals, signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const signals, ptr::null_mut());
    }
}

extern "C" fn on_fault(signal: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the system passes it, for the length of this call.
    let address = unsafe { (*info).si_addr() };
    let trap = RUNNING
        .take()
        .filter(|trap| trap.holds(address.cast()) || BAD.contains(&address.addr()));
    let Some(trap) = trap else {
        // SAFETY: a plain call of the system's.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
        return;
    };
    let kind = u64::from(BAD.contains(&address.addr()));
    // SAFETY: (1) the handler of a fault, on the thread's alternate stack; (2) the guest was noted
    // directly before it was resumed; (3, 4) it computes only; (5) this signal is all that
    // is blocked more than before; (6) nothing here is to be dropped.
    unsafe {
        unblock(signal);
        trap.end(Outcome([kind, 1, 2, 3, 4, 5, 6, 7, 8]))
    }
}

fn install() {
    // An alternate stack of its own, because the standard library's is small on some targets.
    let stack = Box::leak(Box::new([0_u8; 64 << 10]));
    // SAFETY: the memory stays; the action is whole before it is installed.
    unsafe {
        let alternate = libc::stack_t {
            ss_sp: stack.as_mut_ptr().cast(),
            ss_flags: 0,
            ss_size: stack.len(),
        };
        assert_eq!(libc::sigaltstack(&raw const alternate, ptr::null_mut()), 0);
        let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
        action.sa_sigaction = on_fault as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        for signal in [libc::SIGSEGV, libc::SIGBUS] {
            assert_eq!(
                libc::sigaction(signal, &raw const action, ptr::null_mut()),
                0
            );
        }
    }
}

#[inline(never)]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 16]);
    if depth == 0 {
        frame[3]
    } else {
        recurse(depth - 1) + frame[5]
    }
}

fn guest(handle: &SuspendHandle<u64, u64>, depth: u64) -> Outcome {
    let next = handle.suspend(recurse(depth));
    if next == 0 {
        // SAFETY: none; this is the fault.
        unsafe { black_box(16 as *const u64).read_volatile() };
    }
    Outcome([recurse(next); 9])
}

fn faults_become_values() {
    install();
    let arena = StackArena::new(32 << 10).unwrap();
    for round in 0..50 {
        let stack = arena.allocate().unwrap();
        let mut coroutine = Coroutine::with_stack(stack, guest);
        assert_eq!(coroutine.resume(4).yielded(), Some(10));
        RUNNING.set(Some(coroutine.trap_handler()));
        let bad_address = round % 2;
        let depth = if bad_address == 1 { 0 } else { u64::MAX };
        let outcome = coroutine.resume(depth).complete().unwrap();
        assert_eq!(outcome, Outcome([bad_address, 1, 2, 3, 4, 5, 6, 7, 8]));
        assert_eq!(coroutine.status(), Status::Complete);
        // Its stack is as good as any.
        let stack = coroutine.into_stack().unwrap();
        let mut next = Coroutine::with_stack(stack, guest);
        assert_eq!(next.resume(5).yielded(), Some(15));
        assert_eq!(next.resume(6).complete(), Some(Outcome([21; 9])));
    }
    assert_eq!(arena.statistics().live, 0);
    println!("all survived");
}

#[test]
fn a_fault_becomes_a_value_as_often_as_it_happens() {
    child::run("trap::scenario", "faults_become_values").assert_success(&["all survived"]);
}

fn another_fault_kills() {
    install();
    println!("about to fault");
    // SAFETY: none; this is the fault.
    unsafe { black_box(24 as *const u64).read_volatile() };
}

#[test]
fn a_fault_elsewhere_is_not_the_coroutines() {
    let ended = child::run("trap::scenario", "another_fault_kills");
    ended.assert_killed(libc::SIGSEGV, &["about to fault"]);
}

#[test]
fn the_stack_and_its_guard_are_known() {
    let stack = GuardedMmapStack::allocate_at_least(64 << 10).unwrap();
    let (guard, base) = (stack.guard(), sure_stack::Stack::base(&stack).as_ptr());
    let coroutine = Coroutine::with_stack(stack, guest);
    let trap = coroutine.trap_handler();
    let at = |address| trap.holds(ptr::without_provenance(address));
    assert!(at(guard.end) && at(guard.end - 1) && at(guard.end + 1000));
    assert!(!at(guard.end - 2 * guard.len()) && !at(0));
    assert!(!trap.holds(base) && !trap.holds(&raw const trap as *const u8));
}
