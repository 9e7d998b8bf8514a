//! Faults that are no overflow of a stack of ours, and handlers beside ours.

use crate::overflow::{assert_not_ours, assert_ours, overflow_this_thread, stack, touch_below};
use core::ffi::{c_int, c_void};
use core::ptr;
use libc::{SIGABRT, SIGBUS, SIGSEGV};
use std::sync::atomic::{AtomicUsize, Ordering};
use sure_stack::{Stack, overflow};
use testing::child;

testing::scenarios!(
    scenario;
    fault_elsewhere,
    fault_in_a_reused_address,
    fault_inside_a_stack,
    overflow_the_thread,
    fault_with_own_handler,
    fault_with_plain_handler,
    fault_with_ignored_signal,
    fault_with_default_action,
    hit_below_a_later_handler,
    signal_sent,
    bus_error,
    install_over_flags,
);

fn run(scenario: &str) -> child::Ended {
    child::run("faults::scenario", scenario)
}

/// An address where nothing is mapped, and which was never a stack.
const NOWHERE: usize = 0x10;

fn touch_nowhere() {
    println!("touching");
    // SAFETY: it is meant to fault.
    unsafe { ptr::without_provenance_mut::<u8>(NOWHERE).write_volatile(1) };
    println!("survived");
}

fn fault_elsewhere() {
    overflow::install().unwrap();
    let _stack = stack();
    touch_nowhere();
}

#[test]
fn a_fault_elsewhere_ends_the_process_as_ever() {
    assert_not_ours(&run("fault_elsewhere"), SIGSEGV, &["touching"]);
}

fn fault_in_a_reused_address() {
    overflow::install().unwrap();
    let stack = stack();
    let guard = stack.limit().as_ptr().wrapping_sub(1);
    overflow::set_name(&stack, "gone");
    drop(stack);
    println!("touching");
    // SAFETY: it is meant to fault, unless something else is there now.
    unsafe {
        let page = libc::sysconf(libc::_SC_PAGESIZE) as usize;
        let start = guard.map_addr(|address| address & !(page - 1));
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
        let mapped = libc::mmap(start.cast(), page, libc::PROT_NONE, flags, -1, 0);
        assert_eq!(mapped, start.cast());
        guard.write_volatile(1);
    }
    println!("survived");
}

#[test]
fn a_freed_stack_is_forgotten() {
    assert_not_ours(&run("fault_in_a_reused_address"), SIGSEGV, &["touching"]);
}

fn fault_inside_a_stack() {
    overflow::install().unwrap();
    let stack = stack();
    println!("touching");
    // SAFETY: the pages are ours; the access is meant to fault.
    unsafe {
        let failed = libc::mprotect(stack.limit().as_ptr().cast(), 16 << 10, libc::PROT_NONE);
        assert_eq!(failed, 0);
        stack.limit().as_ptr().write_volatile(1);
    }
    println!("survived");
}

#[test]
fn a_fault_above_the_guard_is_not_an_overflow() {
    assert_not_ours(&run("fault_inside_a_stack"), SIGSEGV, &["touching"]);
}

fn overflow_the_thread() {
    overflow::install().unwrap();
    println!("touching");
    println!("survived {}", overflow_this_thread(0));
}

#[test]
fn the_threads_own_overflow_has_its_usual_message() {
    let message = "has overflowed its stack";
    assert_not_ours(&run("overflow_the_thread"), SIGABRT, &["touching", message]);
}

static SEEN: AtomicUsize = AtomicUsize::new(0);

fn set_action(handler: usize, flags: c_int) -> libc::sigaction {
    // SAFETY: all zeros is an action; the callers' functions have the types that the flags tell.
    unsafe {
        let mut action: libc::sigaction = core::mem::zeroed();
        let mut before = core::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        libc::sigaddset(&mut action.sa_mask, libc::SIGUSR1);
        assert_eq!(libc::sigaction(libc::SIGSEGV, &action, &mut before), 0);
        before
    }
}

/// Notes what it is given, and ends the process with success.
extern "C" fn informed(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: as the kernel gives them.
    let (address, code) = unsafe { ((*info).si_addr().addr(), (*info).si_code) };
    assert_eq!(
        (signal, address),
        (SIGSEGV, NOWHERE & !0xFFF | address & 0xFFF)
    );
    assert!(!context.is_null() && code > 0);
    let blocked = |signal| {
        // SAFETY: asks for the mask.
        unsafe {
            let mut mask = core::mem::zeroed();
            libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), &mut mask);
            libc::sigismember(&mask, signal) == 1
        }
    };
    assert!(blocked(libc::SIGUSR1), "the mask is the handler's own");
    println!("the handler was called");
    // SAFETY: ends the process.
    unsafe { libc::_exit(0) };
}

fn fault_with_own_handler() {
    set_action(
        informed as *const () as usize,
        libc::SA_SIGINFO | libc::SA_ONSTACK,
    );
    overflow::install().unwrap();
    touch_nowhere();
}

#[test]
fn the_handler_of_before_gets_what_it_would_get() {
    let ended = run("fault_with_own_handler");
    ended.assert_success(&["touching", "the handler was called"]);
}

extern "C" fn plain(signal: c_int) {
    assert_eq!(signal, SIGSEGV);
    SEEN.fetch_add(1, Ordering::Relaxed);
    if SEEN.load(Ordering::Relaxed) > 1 {
        println!("called once too often");
    }
}

/// With `SA_RESETHAND` a handler is called once; the next fault kills.
fn fault_with_plain_handler() {
    set_action(
        plain as *const () as usize,
        libc::SA_RESETHAND | libc::SA_NODEFER,
    );
    overflow::install().unwrap();
    // SAFETY: the handler returns.
    unsafe { libc::raise(libc::SIGSEGV) };
    println!("seen {}", SEEN.load(Ordering::Relaxed));
    touch_nowhere();
}

#[test]
fn a_handler_for_one_call_is_called_once() {
    let ended = run("fault_with_plain_handler");
    assert_not_ours(&ended, SIGSEGV, &["seen 1", "touching"]);
    assert!(!ended.output.contains("too often"), "{ended}");
}

fn fault_with_ignored_signal() {
    set_action(libc::SIG_IGN, 0);
    overflow::install().unwrap();
    // SAFETY: ignored.
    unsafe { libc::raise(libc::SIGSEGV) };
    println!("ignored");
    touch_nowhere();
}

#[test]
fn what_was_ignored_is_ignored_but_no_fault() {
    assert_not_ours(
        &run("fault_with_ignored_signal"),
        SIGSEGV,
        &["ignored", "touching"],
    );
}

static LATER_BEFORE: AtomicUsize = AtomicUsize::new(0);

/// A handler that was installed later, and passes everything on.
extern "C" fn later(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    println!("the later handler was called");
    let before = LATER_BEFORE.load(Ordering::Relaxed);
    type Handler = unsafe extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
    // SAFETY: the handler that was there before, which takes three arguments.
    unsafe { core::mem::transmute::<usize, Handler>(before)(signal, info, context) };
}

fn hit_below_a_later_handler() {
    overflow::install().unwrap();
    let before = set_action(
        later as *const () as usize,
        libc::SA_SIGINFO | libc::SA_ONSTACK,
    );
    assert_ne!(before.sa_flags & libc::SA_SIGINFO, 0);
    LATER_BEFORE.store(before.sa_sigaction, Ordering::Relaxed);
    overflow::install().unwrap();
    touch_below(&stack(), 8);
}

#[test]
fn a_later_handler_that_passes_on_keeps_the_message() {
    assert_ours(
        &run("hit_below_a_later_handler"),
        &["the later handler was called"],
    );
}

fn fault_with_default_action() {
    set_action(libc::SIG_DFL, 0);
    overflow::install().unwrap();
    touch_nowhere();
}

#[test]
fn the_default_action_kills() {
    assert_not_ours(&run("fault_with_default_action"), SIGSEGV, &["touching"]);
}

fn signal_sent() {
    set_action(libc::SIG_DFL, 0);
    overflow::install().unwrap();
    println!("touching");
    // SAFETY: kills the process.
    unsafe { libc::raise(libc::SIGSEGV) };
    println!("survived");
}

#[test]
fn a_signal_that_was_sent_kills() {
    assert_not_ours(&run("signal_sent"), SIGSEGV, &["touching"]);
}

fn bus_error() {
    overflow::install().unwrap();
    println!("touching");
    // SAFETY: a mapping beyond the end of a file, which is meant to fault.
    unsafe {
        let mut path = *b"/tmp/sure-stack-XXXXXX\0";
        let file = libc::mkstemp(path.as_mut_ptr().cast());
        assert!(file >= 0);
        assert_eq!(libc::unlink(path.as_ptr().cast()), 0);
        let page = libc::mmap(
            ptr::null_mut(),
            1,
            libc::PROT_READ,
            libc::MAP_SHARED,
            file,
            0,
        );
        println!("survived {}", page.cast::<u8>().read_volatile());
    }
}

#[test]
fn a_bus_error_is_left_alone() {
    assert_not_ours(&run("bus_error"), SIGBUS, &["touching"]);
}

fn install_over_flags() {
    extern "C" fn handler(_: c_int) {}
    let before = handler as *const () as usize;
    // SAFETY: all zeros is an action.
    let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
    action.sa_sigaction = before;
    action.sa_flags = libc::SA_RESTART | libc::SA_RESETHAND;
    for signal in [SIGSEGV, SIGBUS] {
        // SAFETY: a handler that does nothing.
        let set = unsafe { libc::sigaction(signal, &action, ptr::null_mut()) };
        assert_eq!(set, 0);
    }
    overflow::install().unwrap();
    // The system says of a guard by one of them, or by either.
    let ours = [SIGSEGV, SIGBUS].into_iter().filter(|&signal| {
        // SAFETY: the action is written to, and none is set.
        let read = unsafe { libc::sigaction(signal, ptr::null(), &mut action) };
        assert_eq!(read, 0);
        let flags = libc::SA_RESTART | libc::SA_SIGINFO | libc::SA_ONSTACK;
        let others = libc::SA_RESETHAND | libc::SA_NODEFER;
        let is_ours = action.sa_sigaction != before;
        assert!(!is_ours || action.sa_flags & (flags | others) == flags);
        is_ours
    });
    println!("ours {}", ours.count() > 0);
}

#[test]
fn our_handler_has_the_flags_of_the_one_before_but_stays() {
    run("install_over_flags").assert_success(&["ours true"]);
}
