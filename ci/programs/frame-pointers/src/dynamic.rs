//! From a copied coroutine into its resumer while the resumer's frames are in memory, and to an end
//! at the coroutine's root while they have been displaced.

use coro_dynamic::{DynamicCoroutine, DynamicHandle};
use std::hint::black_box;

fn known() -> [(usize, &'static str); 4] {
    [
        (inside as *const () as usize, "inside"),
        (resumer as *const () as usize, "resumer"),
        (deeper as *const () as usize, "deeper"),
        (crate::main as *const () as usize, "main"),
    ]
}

#[inline(never)]
fn inside(handle: &DynamicHandle<(), ()>) {
    for _ in 0..3 {
        crate::walk::print(&known());
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

pub(crate) fn run() {
    // SAFETY: no address of a local leaves the coroutine, nor comes into it.
    let mut coroutine = unsafe { DynamicCoroutine::new(|handle, ()| inside(handle)) };
    resumer(&mut coroutine);
    deeper(&mut coroutine);
    resumer(&mut coroutine);
}
