//! The calling thread's own stack.

#[link(name = "kernel32")]
unsafe extern "system" {
    /// `processthreadsapi.h`, since Windows 8.
    fn GetCurrentThreadStackLimits(low: *mut usize, high: *mut usize);
}

/// The reserved part of the calling thread's own stack, its guard pages among it: they move down
/// as the stack grows.
pub(crate) fn own_stack() -> Option<(usize, usize)> {
    let (mut low, mut high) = (0, 0);
    // SAFETY: both can be written.
    unsafe { GetCurrentThreadStackLimits(&mut low, &mut high) };
    Some((low, high))
}
