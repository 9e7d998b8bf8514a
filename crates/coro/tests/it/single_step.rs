//! A profiler may interrupt anywhere, also in the middle of a switch.
//!
//! The processor's trap flag raises a signal after every single instruction.
//! The handler walks the stack by its unwind tables, each time, and must find
//! its way from wherever it is to the function that drives the coroutines.

use coro::{Coroutine, SuspendHandle};
use std::arch::asm;
use std::ffi::{c_int, c_void};
use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

unsafe extern "C" {
    // The Itanium C++ ABI's unwinder, which the standard library links.
    safe fn _Unwind_Backtrace(
        callback: extern "C" fn(*mut c_void, *mut c_void) -> c_int,
        data: *mut c_void,
    ) -> c_int;
    fn _Unwind_GetRegionStart(frame: *mut c_void) -> usize;
    /// The beginning of the function around an address; 0 where there is no unwind information.
    safe fn _Unwind_FindEnclosingFunction(address: usize) -> usize;
}

const GO_ON: c_int = 0;
const TRAP_FLAG: i64 = 0x100;
/// Enough for some hundred round trips.
const STEPS: usize = 20_000;

static WALKS: AtomicUsize = AtomicUsize::new(0);
static LOST: AtomicUsize = AtomicUsize::new(0);
/// The first lost place, for the message.
static LOST_AT: AtomicUsize = AtomicUsize::new(0);
/// Steps in the linker's stubs for functions of shared libraries: some linkers describe them to no
/// unwinder, and a walk from there ends at once.
static IN_STUBS: AtomicUsize = AtomicUsize::new(0);
static DRIVER: AtomicUsize = AtomicUsize::new(0);
/// Steps at which the interrupted stack pointer was on another stack than before.
static CROSSINGS: AtomicUsize = AtomicUsize::new(0);
static LAST_STACK: AtomicUsize = AtomicUsize::new(0);

/// Whether the driver is among the frames.
extern "C" fn look(frame: *mut c_void, found: *mut c_void) -> c_int {
    // SAFETY: the unwinder's own frame, and `walk`'s own flag.
    unsafe {
        if _Unwind_GetRegionStart(frame) == DRIVER.load(Relaxed) {
            found.cast::<bool>().write(true);
        }
    }
    GO_ON
}

extern "C" fn on_trap(_: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel gives a `SA_SIGINFO` handler the interrupted registers.
    let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    let walks = WALKS.fetch_add(1, Relaxed);
    if walks >= STEPS {
        registers[libc::REG_EFL as usize] &= !TRAP_FLAG;
        return;
    }
    let stack = registers[libc::REG_RSP as usize] as usize >> 16;
    if LAST_STACK.swap(stack, Relaxed) != stack {
        CROSSINGS.fetch_add(1, Relaxed);
    }
    let mut found = false;
    _Unwind_Backtrace(look, (&raw mut found).cast());
    let here = registers[libc::REG_RIP as usize] as usize;
    if !found && _Unwind_FindEnclosingFunction(here) == 0 {
        IN_STUBS.fetch_add(1, Relaxed);
    } else if !found {
        LOST.fetch_add(1, Relaxed);
        let _ = LOST_AT.compare_exchange(0, here, Relaxed, Relaxed);
    }
}

/// Turns the trap flag on; the handler turns it off.
#[inline(always)]
fn start_stepping() {
    // SAFETY: the flag changes nothing but that a signal follows each instruction.
    unsafe { asm!("pushfq", "or qword ptr [rsp], {flag}", "popfq", flag = const TRAP_FLAG) };
}

#[inline(never)]
fn suspend_deep(handle: &SuspendHandle<usize, usize>, value: usize, depth: usize) -> usize {
    black_box(match depth {
        0 => handle.suspend(value),
        _ => suspend_deep(handle, value, depth - 1),
    })
}

fn echo(depth: Option<usize>) -> Coroutine<usize, usize, ()> {
    Coroutine::new(move |handle, mut value| {
        loop {
            value = match depth {
                None => handle.suspend(value),
                Some(depth) => suspend_deep(handle, value, depth),
            };
        }
    })
}

fn nested() -> Coroutine<usize, usize, ()> {
    Coroutine::new(|handle, mut value| {
        let mut inner = echo(Some(1));
        loop {
            value = handle.suspend(inner.resume(value).yielded().unwrap());
        }
    })
}

/// One of which every part is stepped through: its creation, the first entry, the end.
#[inline(never)]
fn brief(n: usize) -> usize {
    let mut coroutine = Coroutine::new(|_: &SuspendHandle<usize, ()>, n| black_box(n) + 1);
    coroutine.resume(n).complete().unwrap()
}

/// Resumes in turn until the steps are used up.
#[inline(never)]
fn driver(coroutines: &mut [Coroutine<usize, usize, ()>]) {
    DRIVER.store(driver as *const () as usize, Relaxed);
    start_stepping();
    for n in 0.. {
        for coroutine in &mut *coroutines {
            assert_eq!(coroutine.resume(n).yielded(), Some(n));
        }
        // In debug a creation takes a thousand steps and more.
        if n % 4 == 1 {
            assert_eq!(brief(n), n + 1);
        }
        if WALKS.load(Relaxed) > STEPS {
            break;
        }
    }
}

#[test]
fn every_instruction_can_be_walked_from() {
    // The handler's counters are the process's.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock();
    // SAFETY: the handler touches atomics, and its own frame.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_trap as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        assert_eq!(
            libc::sigaction(libc::SIGTRAP, &action, std::ptr::null_mut()),
            0
        );
    }
    let mut coroutines = [echo(None), echo(Some(0)), echo(Some(3)), nested()];
    for coroutine in &mut coroutines {
        let _ = coroutine.resume(0);
    }
    driver(&mut coroutines);
    let (walks, lost) = (WALKS.load(Relaxed), LOST.load(Relaxed));
    let place = LOST_AT
        .load(Relaxed)
        .wrapping_sub(driver as *const () as usize);
    assert_eq!(
        lost, 0,
        "of {walks} walks; the first at driver{:+#x}",
        place as isize
    );
    let in_stubs = IN_STUBS.load(Relaxed);
    assert!(
        in_stubs * 100 < walks,
        "{in_stubs} steps without unwind information"
    );
    assert!(
        walks >= STEPS && CROSSINGS.load(Relaxed) > 20,
        "it stepped through switches"
    );
}
