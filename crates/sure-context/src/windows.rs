//! Register windows.

/// Has the processor store what it still holds of the caller's callers: on SPARC their register
/// windows, each to the 128 bytes at its frame's stack pointer; on all other machines nothing.
///
/// A switch does so itself. But a signal handler that writes to the stack of what it has
/// interrupted, because it does not return there, calls this first: else windows that are stored
/// later overwrite what it wrote. (Linux stores them before it starts a handler,
/// `synchronize_user_stack` in its `arch/sparc/kernel/signal_64.c`; qemu's user mode does not.)
#[inline(always)]
pub fn flush_windows() {
    #[cfg(target_arch = "sparc64")]
    // SAFETY: each window goes to the place that its frame has for it, as in any trap.
    unsafe {
        core::arch::asm!("flushw");
    }
}
