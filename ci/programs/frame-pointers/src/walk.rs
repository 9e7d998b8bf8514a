//! A walk along frame pointers, as a profiler does it.

use std::arch::asm;
use std::mem::MaybeUninit;

unsafe extern "C" {
    // The Itanium C++ ABI's unwinder: the beginning of the function around an address.
    safe fn _Unwind_FindEnclosingFunction(address: usize) -> usize;
}

/// A frame record of x86-64: what the frame pointer points at.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Record {
    pub(crate) caller: *const Record,
    pub(crate) return_address: usize,
}

/// Reads a record, if there is memory: the kernel looks, so that a walk that goes astray is none that crashes.
pub(crate) fn read(record: *const Record) -> Option<Record> {
    let mut found = MaybeUninit::<Record>::uninit();
    let size = size_of::<Record>();
    let to = libc::iovec {
        iov_base: found.as_mut_ptr().cast(),
        iov_len: size,
    };
    let from = libc::iovec {
        iov_base: record.cast_mut().cast(),
        iov_len: size,
    };
    // SAFETY: what is written to is a local of that size; what is read from may be anything.
    let read = unsafe { libc::process_vm_readv(libc::getpid(), &to, 1, &from, 1, 0) };
    // SAFETY: the call has written all of it; any words are a record.
    (read == size as isize).then(|| unsafe { found.assume_init() })
}

/// The beginning of the function around an address; 0 where there is no unwind information.
pub(crate) fn function_around(address: usize) -> usize {
    _Unwind_FindEnclosingFunction(address)
}

/// Prints those of the `known` functions that are among the callers, innermost first, up to `main` or
/// the end of the chain.
#[inline(never)]
pub(crate) fn print(known: &[(usize, &'static str)]) {
    let mut record: *const Record;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rbp", out(reg) record, options(nomem, nostack, preserves_flags)) };
    let mut names = Vec::new();
    while !record.is_null() && names.last() != Some(&"main") {
        // SAFETY: every function here keeps frame pointers, and so does a coroutine's root: the
        // chain leads from record to record until one has a null caller, and the walk does not go
        // beyond `main`.
        let Record {
            caller,
            return_address,
        } = unsafe { record.read() };
        if return_address == 0 {
            names.push("the end");
            break;
        }
        // A return address points behind the call, perhaps behind the function.
        let function = _Unwind_FindEnclosingFunction(return_address - 1);
        let here = known.iter().filter(|(start, _)| *start == function);
        names.extend(here.map(|(_, name)| name));
        record = caller;
    }
    println!("{}", names.join(" < "));
}
