//! The same walk from inside a dynamic coroutine: into its resumer while the
//! frames of that are in memory, and to an end at the coroutine's root while
//! they have been displaced.

use coro_dynamic::{DynamicCoroutine, DynamicHandle};
use std::arch::asm;
use std::hint::black_box;

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

/// The known functions among the callers, innermost first.
#[inline(never)]
fn walk() -> Vec<&'static str> {
    let known: [(usize, &str); 4] = [
        (inside as *const () as usize, "inside"),
        (resumer as *const () as usize, "resumer"),
        (deeper as *const () as usize, "deeper"),
        (main as *const () as usize, "main"),
    ];
    let mut record: *const Record;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rbp", out(reg) record, options(nomem, nostack, preserves_flags)) };
    let mut names = Vec::new();
    while !record.is_null() && names.last() != Some(&"main") {
        // SAFETY: every function here keeps frame pointers, and so does the
        // coroutine's root; the walk ends at `main`, or at a null record.
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
        let names_here = known.iter().filter(|(start, _)| *start == function);
        names.extend(names_here.map(|(_, name)| name));
        record = caller;
    }
    names
}

#[inline(never)]
fn inside(handle: &DynamicHandle<(), ()>) {
    for _ in 0..3 {
        println!("{}", walk().join(" < "));
        black_box(handle).suspend(());
    }
}

#[inline(never)]
fn resumer(coroutine: &mut DynamicCoroutine<(), (), ()>) {
    black_box((1, coroutine.resume(())));
}

/// Its frame is larger than the gap above a coroutine's base.
#[inline(never)]
fn deeper(coroutine: &mut DynamicCoroutine<(), (), ()>) {
    let mut room = [0_u8; 8192];
    black_box(&mut room);
    resumer(coroutine);
    black_box(&mut room);
}

fn main() {
    // SAFETY: no address of a local leaves the coroutine, nor comes into it.
    let mut coroutine = unsafe { DynamicCoroutine::new(|handle, ()| inside(handle)) };
    resumer(&mut coroutine);
    deeper(&mut coroutine);
    resumer(&mut coroutine);
}
