//! Which thread this is, and where its stack lies.

use std::cell::Cell;
use std::io;
#[cfg(not(target_vendor = "apple"))]
use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_vendor = "apple",
    target_os = "freebsd"
)))]
compile_error!(
    "coro-dynamic asks for the bounds of a thread's stack as Linux, Android, Apple's systems and \
     FreeBSD tell them"
);

/// Whether the calling thread is the one that [`serial`] gave this number to.
#[inline(always)]
pub(crate) fn is(serial: usize) -> bool {
    // One that has no number yet has 0 there, which is nobody's.
    SERIAL.get() == serial
}

thread_local! {
    static SERIAL: Cell<usize> = const { Cell::new(0) };
}

/// A number that no other thread of the process has, has had, or will have
/// before 2^32 more threads have asked for one. Usable in every destructor.
#[inline(always)]
pub(crate) fn serial() -> usize {
    #[cold]
    fn assign(serial: &Cell<usize>) -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        serial.set(NEXT.fetch_add(1, Ordering::Relaxed));
        serial.get()
    }
    SERIAL.with(|serial| match serial.get() {
        0 => assign(serial),
        known => known,
    })
}

/// The addresses of this thread's stack that can be used: from the lowest, to
/// which it may grow, to its high end.
///
/// The main thread's stack grows on demand up to `RLIMIT_STACK`, as it is at
/// the time of the call (`pthread_getattr_np(3)`). The guard is left out,
/// whether or not the C library counts it as a part of the stack
/// (`pthread_attr_getguardsize(3)`, BUGS).
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn stack_bounds() -> io::Result<Range<usize>> {
    let mut attributes = MaybeUninit::uninit();
    // SAFETY: `attributes` is writable; the thread is this one.
    check(unsafe { libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) })?;
    let mut lowest = std::ptr::null_mut();
    let (mut size, mut guard) = (0, 0);
    // SAFETY: initialised by the call above, read twice, destroyed once.
    let read = unsafe {
        let stack = libc::pthread_attr_getstack(attributes.as_ptr(), &mut lowest, &mut size);
        let guarded = libc::pthread_attr_getguardsize(attributes.as_ptr(), &mut guard);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        check(stack).and(check(guarded))
    };
    read?;
    Ok(lowest.addr() + guard..lowest.addr() + size)
}

/// The addresses of this thread's stack that can be used, from the lowest to its high end
/// (Apple's `pthread.h`: the address is that of the high end; the guard lies below).
#[cfg(target_vendor = "apple")]
pub(crate) fn stack_bounds() -> io::Result<Range<usize>> {
    // SAFETY: asks about the calling thread, which is alive.
    let (end, size) = unsafe {
        let this = libc::pthread_self();
        (
            libc::pthread_get_stackaddr_np(this),
            libc::pthread_get_stacksize_np(this),
        )
    };
    Ok(end.addr() - size..end.addr())
}

/// The addresses of this thread's stack that can be used, from the lowest to its high end
/// (`pthread_attr_get_np(3)`; the guard lies below).
#[cfg(target_os = "freebsd")]
pub(crate) fn stack_bounds() -> io::Result<Range<usize>> {
    let mut attributes = MaybeUninit::uninit();
    // SAFETY: `attributes` is writable.
    check(unsafe { libc::pthread_attr_init(attributes.as_mut_ptr()) })?;
    let mut lowest = std::ptr::null_mut();
    let mut size = 0;
    // SAFETY: initialised by the call above, filled in for this thread, read once, destroyed once.
    let read = unsafe {
        let known = libc::pthread_attr_get_np(libc::pthread_self(), attributes.as_mut_ptr());
        let stack = libc::pthread_attr_getstack(attributes.as_ptr(), &mut lowest, &mut size);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        check(known).and(check(stack))
    };
    read?;
    Ok(lowest.addr()..lowest.addr() + size)
}

#[cfg(not(target_vendor = "apple"))]
fn check(code: libc::c_int) -> io::Result<()> {
    match code {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn serials_differ() {
        let here = serial();
        assert_eq!(here, serial());
        let there = thread::spawn(serial).join().expect("no panic");
        assert_ne!(here, there);
    }

    #[test]
    fn bounds_contain_a_local_and_as_much_as_was_asked_for() {
        let check = |least: usize| {
            let local = 0_u8;
            let bounds = stack_bounds().expect("bounds");
            assert!(bounds.contains(&(&raw const local).addr()));
            // A guard may have been taken off twice.
            assert!(bounds.len() >= least - (64 << 10), "{}", bounds.len());
            bounds
        };
        check(64 << 10);
        // More than other tests: glibc gives the stack of a thread that has ended to a thread that asks for less.
        const LARGE: usize = 24 << 20;
        let bounds = thread::Builder::new()
            .stack_size(LARGE)
            .spawn(move || check(LARGE))
            .expect("a thread")
            .join()
            .expect("no panic");
        // There glibc gives what it was asked for; on other machines and by other libraries it may be more.
        let exact = cfg!(all(target_arch = "x86_64", target_env = "gnu"));
        assert!(!exact || bounds.len() <= LARGE, "{}", bounds.len());
    }

    #[cfg(not(target_vendor = "apple"))]
    #[test]
    fn what_a_call_refuses_is_an_error() {
        assert!(super::check(0).is_ok());
        let refused = super::check(libc::ENOMEM).expect_err("no memory");
        assert_eq!(refused.raw_os_error(), Some(libc::ENOMEM));
    }
}
