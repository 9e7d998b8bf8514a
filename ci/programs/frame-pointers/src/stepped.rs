//! A profiler's sample at any instruction: the processor's trap flag raises a signal after every single one, and
//! the handler walks from the interrupted frame pointer to the caller of what drives the coroutines.
//!
//! (The same by unwind tables is `coro`'s test `it/single_step`.)

use coro::{Coroutine, SuspendHandle};
use std::arch::asm;
use std::ffi::{c_int, c_void};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::walk::{self, Record};

const TRAP_FLAG: i64 = 0x100;
const STEPS: usize = 50_000;

static WALKS: AtomicUsize = AtomicUsize::new(0);
static LOST: AtomicUsize = AtomicUsize::new(0);
/// The first lost place, for the message.
static LOST_AT: AtomicUsize = AtomicUsize::new(0);
/// Steps after which the stack pointer was on another stack than before.
static CROSSINGS: AtomicUsize = AtomicUsize::new(0);
static LAST_STACK: AtomicUsize = AtomicUsize::new(0);

/// Whether a function is the interrupted one or among its callers.
fn leads_to(function: usize, here: usize, mut record: *const Record) -> bool {
    let mut address = here;
    for _ in 0..64 {
        if walk::function_around(address) == function {
            return true;
        }
        // A function that was just entered has not linked its frame yet: its caller (the driver, even)
        // is left out of the walk, as in any profile. What matters is where the walk ends.
        let Some(next) = walk::read(record) else {
            return false;
        };
        // A return address points behind the call, perhaps behind the function.
        address = next.return_address.wrapping_sub(1);
        record = next.caller;
    }
    false
}

extern "C" fn on_trap(_: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel gives a `SA_SIGINFO` handler the interrupted registers.
    let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    let register = |number: c_int| registers[number as usize] as usize;
    let walks = WALKS.fetch_add(1, Relaxed);
    if walks >= STEPS {
        registers[libc::REG_EFL as usize] &= !TRAP_FLAG;
        return;
    }
    let stack = register(libc::REG_RSP) >> 16;
    if LAST_STACK.swap(stack, Relaxed) != stack {
        CROSSINGS.fetch_add(1, Relaxed);
    }
    let here = register(libc::REG_RIP);
    let record = register(libc::REG_RBP) as *const Record;
    if !leads_to(run as *const () as usize, here, record) {
        LOST.fetch_add(1, Relaxed);
        let _ = LOST_AT.compare_exchange(0, here, Relaxed, Relaxed);
    }
}

#[inline(never)]
fn suspend_deep(handle: &SuspendHandle<usize, usize>, value: usize, depth: usize) -> usize {
    black_box(match depth {
        0 => handle.suspend(value),
        _ => suspend_deep(handle, value, depth - 1),
    })
}

fn echo(depth: usize) -> Coroutine<usize, usize, ()> {
    Coroutine::new(move |handle, mut value| {
        loop {
            value = suspend_deep(handle, value, depth);
        }
    })
}

fn nested() -> Coroutine<usize, usize, ()> {
    Coroutine::new(|handle, mut value| {
        let mut inner = echo(1);
        loop {
            value = handle.suspend(inner.resume(value).yielded().unwrap());
        }
    })
}

/// One that is stepped through from its first entry to its end.
#[inline(never)]
fn brief(n: usize) -> usize {
    let mut coroutine = Coroutine::new(|_: &SuspendHandle<usize, ()>, n| black_box(n) + 1);
    coroutine.resume(n).complete().unwrap()
}

/// Resumes in turn until the steps are used up.
#[inline(never)]
fn driver(coroutines: &mut [Coroutine<usize, usize, ()>]) {
    // SAFETY: the flag changes nothing but that a signal follows each instruction; the handler
    // clears it again.
    unsafe { asm!("pushfq", "or qword ptr [rsp], {flag}", "popfq", flag = const TRAP_FLAG) };
    for n in 0.. {
        for coroutine in &mut *coroutines {
            assert_eq!(coroutine.resume(n).yielded(), Some(n));
        }
        if n % 4 == 1 {
            assert_eq!(brief(n), n + 1);
        }
        if WALKS.load(Relaxed) > STEPS {
            break;
        }
    }
}

#[inline(never)]
pub(crate) fn run() {
    // SAFETY: the handler touches atomics and its own frame, and reads by system calls.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_trap as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        let installed = libc::sigaction(libc::SIGTRAP, &action, std::ptr::null_mut());
        assert_eq!(installed, 0);
    }
    let mut coroutines = [echo(0), echo(3), nested()];
    for coroutine in &mut coroutines {
        let _ = coroutine.resume(0);
    }
    driver(black_box(&mut coroutines));
    let walks = WALKS.load(Relaxed);
    let (lost, at) = (LOST.load(Relaxed), LOST_AT.load(Relaxed));
    let place = at.wrapping_sub(driver as *const () as usize) as isize;
    assert_eq!(lost, 0, "of {walks} walks; the first at driver{place:+#x}");
    let crossings = CROSSINGS.load(Relaxed);
    assert!(
        walks > STEPS && crossings > 20,
        "{crossings} in {walks} steps"
    );
    println!("{STEPS} samples reach the driver's caller");
}
