//! Which thread this is: a number of ours, that no later thread has, and the kernel's.

use core::cell::Cell;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;
use std::format;
use std::string::String;

static COUNT: AtomicUsize = AtomicUsize::new(0);

std::thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(0) };
}

/// From 1; 0 where the thread's locals are gone.
// Apart from code that may change its thread, because it uses a thread-local; so is the next one.
#[inline(never)]
pub(super) fn number() -> usize {
    let number = NUMBER.try_with(|number| {
        if number.get() == 0 {
            number.set(COUNT.fetch_add(1, Relaxed) + 1);
        }
        number.get()
    });
    number.unwrap_or(0)
}

/// The thread's name, or its number where it has none.
pub(super) fn name() -> String {
    let thread = std::thread::current();
    thread
        .name()
        .map_or_else(|| format!("{}", number()), String::from)
}

/// What debuggers call the thread; 0 where the system has no such number.
#[inline(never)]
pub(super) fn kernel_number() -> u32 {
    std::thread_local! {
        static KERNEL_NUMBER: Cell<u32> = const { Cell::new(0) };
    }
    let number = KERNEL_NUMBER.try_with(|number| {
        if number.get() == 0 {
            number.set(sure_stack::internal::kernel_thread());
        }
        number.get()
    });
    number.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debuggers_know_a_thread_by_the_kernels_number() {
        let both = || (kernel_number(), sure_stack::internal::kernel_thread());
        let ((first, expected), (again, _)) = (both(), both());
        assert_eq!([first, again], [expected; 2]);
        let (other, expected) = std::thread::spawn(both).join().unwrap();
        assert_eq!(other, expected);
    }
}
