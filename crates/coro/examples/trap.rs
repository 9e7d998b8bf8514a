//! A host whose guests may overflow their stacks, or read where nothing is: the fault becomes an
//! error that `resume` returns, and the host goes on.
//!
//! ```sh
//! cargo run --release --example trap
//! ```

/// Signals, and handlers that need not return, are Unix's.
#[cfg(not(unix))]
fn main() {
    println!("faults are not signals here");
}

#[cfg(unix)]
fn main() {
    host::main();
}

#[cfg(unix)]
mod host {
    use coro::{Coroutine, SuspendHandle, TrapHandler};
    use std::cell::Cell;
    use std::hint::black_box;
    use std::mem::MaybeUninit;
    use std::ptr;

    /// What a guest's program comes to.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Outcome {
        Value(u64),
        Overflow,
        BadAddress(usize),
    }

    type Guest = Coroutine<u64, u64, Outcome>;

    thread_local! {
        /// The guest that runs on this thread, for the signal handler.
        static RUNNING: Cell<Option<TrapHandler<u64, u64, Outcome>>> = const { Cell::new(None) };
    }

    /// A guest: its recursion is as deep as its input says, and a depth of 0 reads a bad address.
    fn guest(handle: &SuspendHandle<u64, u64>, mut depth: u64) -> Outcome {
        #[inline(never)]
        fn recurse(depth: u64) -> u64 {
            let frame = black_box([depth; 16]);
            if depth == 1 {
                frame[3]
            } else {
                recurse(depth - 1) + frame[5]
            }
        }
        loop {
            if depth == 0 {
                // SAFETY: none; this is the fault that the host has to survive.
                return Outcome::Value(unsafe { black_box(16 as *const u64).read_volatile() });
            }
            let sum = recurse(depth);
            if sum > 1_000_000 {
                return Outcome::Value(sum);
            }
            depth = handle.suspend(sum);
        }
    }

    /// Lets the signal through again that the handler has been called for: that is all that is
    /// blocked more than before, as the action blocks no others.
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

    /// The host's handler of SIGSEGV.
    extern "C" fn on_fault(signal: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: the system passes a siginfo that lives as long as this call.
        let address = unsafe { (*info).si_addr() };
        // By the fault's address: an overflow's is on the guest's stack or in its guard. A fault
        // elsewhere, while a guest runs, is the guest's, too: this host does nothing meanwhile.
        let Some(trap) = RUNNING.take() else {
            // Not a guest's. The default action takes place when the instruction is tried again.
            // SAFETY: a plain call of the system's.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
            return;
        };
        let outcome = match trap.holds(address.cast()) {
            true => Outcome::Overflow,
            false => Outcome::BadAddress(address.addr()),
        };
        // SAFETY: (1) this is the handler of a fault, on the alternate stack that `main` has made;
        // (2) the guest that was noted runs, and calls nothing that runs elsewhere; (3) a guest
        // only computes, and holds nothing; (4) it catches no panics and has no destructors; (5) the
        // mask is set here; (6) this frame has nothing to drop.
        unsafe {
            unblock(signal);
            trap.end(outcome)
        }
    }

    /// Installs the handler, and gives this thread an alternate stack.
    fn install() {
        const BYTES: usize = 64 << 10;
        let stack = Box::leak(Box::new([0_u8; BYTES]));
        // SAFETY: the memory is never freed; the action is filled in before it is installed, and
        // its handler has the signature that `SA_SIGINFO` asks for.
        unsafe {
            let alternate = libc::stack_t {
                ss_sp: stack.as_mut_ptr().cast(),
                ss_flags: 0,
                ss_size: BYTES,
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

    /// Resumes a guest, with the handler armed.
    fn resume(guest: &mut Guest, depth: u64) -> coro::CoroutineState<u64, Outcome> {
        RUNNING.set(Some(guest.trap_handler()));
        let state = guest.resume(depth);
        RUNNING.set(None);
        state
    }

    pub(crate) fn main() {
        install();
        for depth in [10, 0, 1_000_000_000, 20] {
            let mut guest = Coroutine::new(guest);
            println!("a depth of 5: {:?}", resume(&mut guest, 5));
            println!("a depth of {depth}: {:?}", resume(&mut guest, depth));
            println!("it is {:?} now", guest.status());
        }
    }
}
