//! The calls into the system that the libraries make, in the place of the C library's: a program's own
//! functions come first where names are resolved. Each fails by the plan, and else does what it should.
//! What the C library calls itself (`malloc`, for its threads) it finds without names, so that it is left alone.

use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::sync::atomic::AtomicIsize;
use std::sync::atomic::Ordering::SeqCst;

use crate::plan::{self, Call};

/// Bytes that were mapped and not unmapped; those that the plan did not let go are not counted.
static MAPPED: AtomicIsize = AtomicIsize::new(0);

/// How many bytes are mapped now, besides what was mapped at the start.
pub fn mapped_bytes() -> isize {
    MAPPED.load(SeqCst)
}

/// What a failing call returns: -1, with this `errno`.
fn refuse(errno: c_int) -> c_int {
    // SAFETY: the address of this thread's `errno`.
    unsafe { *libc::__errno_location() = errno };
    -1
}

/// The result of a system call that returns 0 or -1.
fn narrow(result: c_long) -> c_int {
    result as c_int
}

/// The C library's function of this name, and of type `F`.
///
/// # Safety
/// `F` is the type of a pointer to that function.
unsafe fn original<F: Copy>(name: &CStr) -> F {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    // SAFETY: a name that ends with a zero.
    let found = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    assert!(!found.is_null(), "{name:?}");
    // SAFETY: a pointer to a function, of the type that the caller says.
    unsafe { std::mem::transmute_copy(&found) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn mmap(
    at: *mut c_void,
    bytes: usize,
    protection: c_int,
    flags: c_int,
    file: c_int,
    offset: c_long,
) -> *mut c_void {
    if plan::fails(Call::Mmap) {
        refuse(libc::ENOMEM);
        return libc::MAP_FAILED;
    }
    // SAFETY: what the caller asks of the system.
    let mapped =
        unsafe { libc::syscall(libc::SYS_mmap, at, bytes, protection, flags, file, offset) };
    let mapped = mapped as *mut c_void;
    if mapped != libc::MAP_FAILED {
        MAPPED.fetch_add(bytes.next_multiple_of(4096) as isize, SeqCst);
    }
    mapped
}

#[unsafe(no_mangle)]
unsafe extern "C" fn mmap64(
    at: *mut c_void,
    bytes: usize,
    protection: c_int,
    flags: c_int,
    file: c_int,
    offset: c_long,
) -> *mut c_void {
    // SAFETY: the same function where offsets have 64 bits, with what the caller asks.
    unsafe { mmap(at, bytes, protection, flags, file, offset) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn munmap(at: *mut c_void, bytes: usize) -> c_int {
    // The addresses are lost then: that is the system's doing.
    MAPPED.fetch_sub(bytes.next_multiple_of(4096) as isize, SeqCst);
    if plan::fails(Call::Munmap) {
        return refuse(libc::ENOMEM);
    }
    // SAFETY: what the caller asks of the system.
    narrow(unsafe { libc::syscall(libc::SYS_munmap, at, bytes) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn mprotect(at: *mut c_void, bytes: usize, protection: c_int) -> c_int {
    if plan::fails(Call::Mprotect) {
        return refuse(libc::ENOMEM);
    }
    // SAFETY: what the caller asks of the system.
    narrow(unsafe { libc::syscall(libc::SYS_mprotect, at, bytes, protection) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn madvise(at: *mut c_void, bytes: usize, advice: c_int) -> c_int {
    if plan::fails(Call::Madvise) {
        return refuse(libc::EINVAL);
    }
    // SAFETY: what the caller asks of the system.
    narrow(unsafe { libc::syscall(libc::SYS_madvise, at, bytes, advice) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn mincore(at: *mut c_void, bytes: usize, answer: *mut u8) -> c_int {
    if plan::fails(Call::Mincore) {
        return refuse(libc::ENOMEM);
    }
    // SAFETY: what the caller asks of the system.
    narrow(unsafe { libc::syscall(libc::SYS_mincore, at, bytes, answer) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sigaltstack(new: *const libc::stack_t, old: *mut libc::stack_t) -> c_int {
    if plan::fails(Call::Sigaltstack) {
        return refuse(libc::ENOMEM);
    }
    // SAFETY: what the caller asks of the system.
    narrow(unsafe { libc::syscall(libc::SYS_sigaltstack, new, old) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn uname(to: *mut libc::utsname) -> c_int {
    if plan::fails(Call::Uname) {
        return refuse(libc::EFAULT);
    }
    // SAFETY: what the caller asks of the system.
    narrow(unsafe { libc::syscall(libc::SYS_uname, to) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn getrlimit(which: c_int, to: *mut libc::rlimit) -> c_int {
    if plan::fails(Call::Getrlimit) {
        return refuse(libc::EINVAL);
    }
    // SAFETY: what the caller asks of the system; 0 is this process.
    narrow(unsafe { libc::syscall(libc::SYS_prlimit64, 0, which, 0, to) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sigaction(
    signal: c_int,
    new: *const libc::sigaction,
    old: *mut libc::sigaction,
) -> c_int {
    type Sigaction =
        unsafe extern "C" fn(c_int, *const libc::sigaction, *mut libc::sigaction) -> c_int;
    if plan::fails(Call::Sigaction) {
        return refuse(libc::EINVAL);
    }
    // SAFETY: the C library's, called as the caller calls it.
    unsafe { original::<Sigaction>(c"sigaction")(signal, new, old) }
}

unsafe extern "C" {
    /// What `pthread_atfork` calls, which is linked into each program.
    fn __register_atfork(
        prepare: Option<unsafe extern "C" fn()>,
        parent: Option<unsafe extern "C" fn()>,
        child: Option<unsafe extern "C" fn()>,
        library: *mut c_void,
    ) -> c_int;
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_atfork(
    prepare: Option<unsafe extern "C" fn()>,
    parent: Option<unsafe extern "C" fn()>,
    child: Option<unsafe extern "C" fn()>,
) -> c_int {
    if plan::fails(Call::AtFork) {
        return libc::ENOMEM;
    }
    // SAFETY: functions of the caller's, of a program that is never unloaded.
    unsafe { __register_atfork(prepare, parent, child, std::ptr::null_mut()) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_getattr_np(
    thread: libc::pthread_t,
    attributes: *mut libc::pthread_attr_t,
) -> c_int {
    type GetAttributes = unsafe extern "C" fn(libc::pthread_t, *mut libc::pthread_attr_t) -> c_int;
    if plan::fails(Call::Attributes) {
        return libc::ENOMEM;
    }
    // SAFETY: the C library's, called as the caller calls it.
    unsafe { original::<GetAttributes>(c"pthread_getattr_np")(thread, attributes) }
}

/// Writes to standard error without the library: usable while everything fails.
pub fn say(text: &str) {
    // SAFETY: readable bytes.
    unsafe { libc::write(2, text.as_ptr().cast::<c_char>().cast(), text.len()) };
}
