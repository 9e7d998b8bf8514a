//! The calling thread: its stack, its number.

#[link(name = "kernel32")]
unsafe extern "system" {
    /// `processthreadsapi.h`, since Windows 8.
    fn GetCurrentThreadStackLimits(low: *mut usize, high: *mut usize);
    fn GetCurrentThreadId() -> u32;
}

/// The reserved part of the calling thread's own stack, its guard pages among it: they move down
/// as the stack grows.
pub(crate) fn own_stack() -> Option<(usize, usize)> {
    let (mut low, mut high) = (0, 0);
    // SAFETY: both can be written.
    unsafe { GetCurrentThreadStackLimits(&mut low, &mut high) };
    Some((low, high))
}

/// The system's number of the calling thread; as a `c_int`, like that of other systems.
pub(crate) fn number() -> core::ffi::c_int {
    // SAFETY: asks for a number.
    unsafe { GetCurrentThreadId() }.cast_signed()
}
