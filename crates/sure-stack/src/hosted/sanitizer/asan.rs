//! By the runtime's interface for allocators (LLVM's `sanitizer/asan_interface.h`).

use core::ffi::c_void;
use core::ptr::NonNull;

unsafe extern "C" {
    fn __asan_poison_memory_region(address: *const c_void, size: usize);
    fn __asan_unpoison_memory_region(address: *const c_void, size: usize);
}

pub(crate) fn handed_out(limit: NonNull<u8>, base: NonNull<u8>) {
    unmapped(limit.as_ptr(), size(limit, base));
}

pub(crate) fn given_back(limit: NonNull<u8>, base: NonNull<u8>) {
    // SAFETY: it changes no memory but the runtime's own.
    unsafe { __asan_poison_memory_region(limit.as_ptr().cast(), size(limit, base)) };
}

pub(crate) fn unmapped(start: *mut u8, bytes: usize) {
    // SAFETY: it changes no memory but the runtime's own.
    unsafe { __asan_unpoison_memory_region(start.cast(), bytes) };
}

fn size(limit: NonNull<u8>, base: NonNull<u8>) -> usize {
    base.addr().get() - limit.addr().get()
}
