//! A walk along frame pointers, as a profiler does it.

use std::arch::asm;

unsafe extern "C" {
    // The Itanium C++ ABI's unwinder: the beginning of the function around an address.
    safe fn _Unwind_FindEnclosingFunction(address: usize) -> usize;
}

/// A frame record of x86-64: what the frame pointer points at.
#[repr(C)]
struct Record {
    caller: *const Record,
    return_address: usize,
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
