//! A handler on the current stack may interrupt anywhere: whatever is below the
//! stack pointer, the red zone apart, is its to write to.

use crate::kinds::{Kind, deeper};
use coro_dynamic::{CoroutineState, DynamicCoroutine, DynamicHandle};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use testing::{Random, cases, child, scenarios};

type Echo = DynamicCoroutine<u64, u64, ()>;

/// Sends back what it gets, over patterned frames and live floats.
fn echo(kind: &Kind, calls: usize) -> Echo {
    kind.make(move |handle: &DynamicHandle<u64, u64>, mut n| {
        let float = black_box(calls as f64 + 0.25);
        while n < u64::MAX {
            n = deeper(calls, &mut || handle.suspend(n));
            assert_eq!(float, black_box(calls as f64 + 0.25));
        }
    })
}

/// Resumes coroutines of several depths from several depths, one of them from
/// inside another one.
fn exercise(rounds: impl Fn(u64) -> bool) {
    let kind = Kind::Thread;
    let mut echoes: Vec<Echo> = [0, 0, 1, 5, 30].map(|calls| echo(&kind, calls)).into();
    let mut inner = echo(&kind, 3);
    echoes.push(kind.make(move |handle: &DynamicHandle<u64, u64>, mut n| {
        while n < u64::MAX {
            let state = deeper((n % 7) as usize * 4, &mut || inner.resume(n));
            n = handle.suspend(state.yielded().expect("an echo"));
        }
    }));
    let mut random = Random::new(2);
    let mut round = 0;
    while rounds(round) {
        let which = random.below(echoes.len());
        let calls = [0, 0, 2, 25][random.below(4)];
        let state = deeper(calls, &mut || echoes[which].resume(round));
        assert_eq!(state, CoroutineState::Yielded(round));
        if round % 16 == 15 {
            echoes[which.min(4)] = echo(&kind, random.below(9));
            let _ = echoes[which.min(4)].resume(0);
        }
        round += 1;
    }
}

static SIGNALS: AtomicUsize = AtomicUsize::new(0);
static OUTSIDE: AtomicUsize = AtomicUsize::new(0);
static LOWEST: AtomicUsize = AtomicUsize::new(0);
static HIGHEST: AtomicUsize = AtomicUsize::new(usize::MAX);
/// The thread whose bounds these are.
static THREAD: AtomicUsize = AtomicUsize::new(0);

/// Looks where it is, and overwrites what lies below.
#[inline(never)]
fn scribble() {
    let mut noise = [0xA5A5_A5A5_u32; 700];
    black_box(&mut noise);
    let here = noise.as_ptr().addr();
    if here < LOWEST.load(Relaxed) || here > HIGHEST.load(Relaxed) {
        OUTSIDE.fetch_add(1, Relaxed);
    }
    SIGNALS.fetch_add(1, Relaxed);
}

/// Remembers where this thread's stack lies: between the bounds that the
/// system tells.
fn note_bounds() {
    // SAFETY: plain calls, with room for the answers.
    unsafe {
        let mut attributes = std::mem::zeroed();
        assert_eq!(
            libc::pthread_getattr_np(libc::pthread_self(), &mut attributes),
            0
        );
        let (mut low, mut size) = (std::ptr::null_mut(), 0);
        assert_eq!(
            libc::pthread_attr_getstack(&attributes, &mut low, &mut size),
            0
        );
        libc::pthread_attr_destroy(&mut attributes);
        LOWEST.store(low.addr(), Relaxed);
        HIGHEST.store(low.addr() + size, Relaxed);
    }
}

fn handle(signal: libc::c_int, handler: *const ()) {
    // SAFETY: the handlers touch atomics, and their own frames.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler.addr();
        // On the current stack, and with no system call to be interrupted.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        assert_eq!(libc::sigaction(signal, &action, std::ptr::null_mut()), 0);
    }
}

scenarios!(child; sampled, stepped);

/// A timer of this process's own time, as profilers use it.
fn sampled() {
    /// The timer is the process's: its signal may come to a thread of the test harness, too.
    extern "C" fn on_timer(_: libc::c_int) {
        // SAFETY: a plain call, which a handler may make.
        if unsafe { libc::pthread_self() } as usize == THREAD.load(Relaxed) {
            scribble();
        }
    }
    // SAFETY: a plain call.
    THREAD.store(unsafe { libc::pthread_self() } as usize, Relaxed);
    note_bounds();
    handle(libc::SIGPROF, on_timer as *const ());
    let often = libc::timeval {
        tv_sec: 0,
        tv_usec: 100,
    };
    let timer = libc::itimerval {
        it_interval: often,
        it_value: often,
    };
    // SAFETY: the timer is valid; no old value is asked for.
    let set = unsafe { libc::setitimer(libc::ITIMER_PROF, &timer, std::ptr::null_mut()) };
    assert_eq!(set, 0);
    let samples = cases(200);
    exercise(|round| round < 5_000 || SIGNALS.load(Relaxed) < samples);
    let timer = libc::itimerval {
        it_interval: libc::timeval {
            tv_sec: 0,
            tv_usec: 0,
        },
        it_value: libc::timeval {
            tv_sec: 0,
            tv_usec: 0,
        },
    };
    // SAFETY: the timer is valid; no old value is asked for.
    unsafe { libc::setitimer(libc::ITIMER_PROF, &timer, std::ptr::null_mut()) };
    assert_eq!(OUTSIDE.load(Relaxed), 0, "inside the thread's own stack");
    println!("sampled {} times", SIGNALS.load(Relaxed));
}

#[test]
fn a_sampling_profiler_may_interrupt() {
    child::run("signals::child", "sampled").assert_success(&["sampled "]);
}

#[cfg(target_arch = "x86_64")]
use single_step::stepped;
#[cfg(not(target_arch = "x86_64"))]
fn stepped() {}

/// After every single instruction.
#[cfg(target_arch = "x86_64")]
mod single_step {
    use super::*;
    use std::arch::asm;
    use std::ffi::{c_int, c_void};

    const TRAP_FLAG: i64 = 1 << 8;

    extern "C" fn on_trap(_: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
        // SAFETY: the kernel gives a `SA_SIGINFO` handler the interrupted registers.
        let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
        let sp = registers[libc::REG_RSP as usize] as usize;
        if sp < LOWEST.load(Relaxed) || sp > HIGHEST.load(Relaxed) {
            OUTSIDE.fetch_add(1, Relaxed);
        }
        scribble();
        if SIGNALS.load(Relaxed) > 80_000 {
            registers[libc::REG_EFL as usize] &= !TRAP_FLAG;
        }
    }

    pub(super) fn stepped() {
        note_bounds();
        handle(libc::SIGTRAP, on_trap as *const ());
        // SAFETY: the flag changes nothing but that a signal follows each instruction.
        unsafe { asm!("pushfq", "or qword ptr [rsp], {flag}", "popfq", flag = const TRAP_FLAG) };
        exercise(|_| SIGNALS.load(Relaxed) <= 80_000);
        assert_eq!(OUTSIDE.load(Relaxed), 0, "inside the thread's own stack");
        println!("stepped {} instructions", SIGNALS.load(Relaxed));
    }

    #[test]
    fn after_every_instruction() {
        child::run("signals::child", "stepped").assert_success(&["stepped 8000"]);
    }
}
