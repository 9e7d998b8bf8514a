//! x86-64, System V ABI.
//!
//! Non-volatile are rbx, rbp, r12-r15 and rsp; the direction flag is clear and
//! the x87 stack is empty at every call boundary (System V ABI, AMD64
//! supplement, 3.2.1 and 3.2.3). `asm!` can declare all of them lost except
//! rbx and rbp, which the compiler reserves: those two and the address to
//! continue at are what a switch saves itself.
//!
//! They are stored below the stack pointer without moving it. The ABI's red
//! zone keeps signal handlers off the 128 bytes there, and an `asm!` block
//! without `nostack` has that zone to itself.
//!
//! Both directions leave by `jmp`. A `call`/`ret` pair across the switch would
//! unbalance the processor's return predictor whenever the suspend stands in a
//! function of its own, and cost every return above it a mispredict.

use super::{Entry, EntryBelow, Landing};
use crate::Word;
use core::arch::{asm, naked_asm};
use core::mem::{offset_of, size_of};
use core::ptr;

pub(crate) const STACK_ALIGNMENT: usize = 16;

/// The saved registers. The rest of the red zone of a suspended execution is
/// empty, because it belongs to the `asm!` block that suspends.
pub(crate) const BYTES_BELOW: usize = size_of::<Saved>();

pub(crate) const FIRST_FRAME: usize = size_of::<Saved>();

/// Lies directly below the suspended stack pointer. A context is the address
/// of `rbp`, which makes it a frame record, `{caller's rbp, return address}`,
/// that a frame-pointer walk can follow.
#[repr(C)]
struct Saved {
    rbx: Option<Entry>,
    rbp: *mut u8,
    rip: *const u8,
}

/// From a context to the stack pointer that it will continue with.
const ABOVE: usize = size_of::<Saved>() - offset_of!(Saved, rbp);

/// # Safety
/// `top` is aligned to `STACK_ALIGNMENT`, and the `FIRST_FRAME` bytes below it
/// may be written. `object` begins with a `ParentLink` and stays where it is.
pub(crate) unsafe fn prepare(top: *mut u8, entry: Entry, object: *mut u8) -> usize {
    let saved = top.wrapping_sub(size_of::<Saved>()).cast::<Saved>();
    // SAFETY: `Saved` is smaller than `FIRST_FRAME`, and `top` is aligned.
    unsafe {
        saved.write(Saved {
            rbx: Some(entry),
            rbp: object,
            rip: root_address(),
        })
    };
    top.wrapping_sub(ABOVE).expose_provenance()
}

pub(crate) fn stack_pointer_of(context: usize) -> *mut u8 {
    ptr::with_exposed_provenance_mut(context + ABOVE)
}

/// Continue the context in rcx. CFI: the frame that is left ends here, the
/// caller of what follows is the other side, registers as in its `Saved`.
///
/// The canonical frame address becomes rsp by DW_CFA_def_cfa in its bytes.
/// Written as `.cfi_def_cfa`, the assembler would note the new offset, and not
/// take it back at `.cfi_restore_state`; the compiler's own directives around
/// later calls, which adjust an offset by what they push, would then be wrong.
macro_rules! jump_to {
    () => {
        concat!(
            cfi!(".cfi_remember_state\n"),
            "lea rsp, [rcx + 16]\n",
            cfi!(
                ".cfi_escape 0x0c, 7, 0
                 .cfi_offset rip, -8
                 .cfi_offset rbp, -16
                 .cfi_offset rbx, -24\n"
            ),
            "mov rbx, [rcx - 8]\n",
            "mov rbp, [rcx]\n",
            "jmp [rcx + 8]\n",
            cfi!(".cfi_restore_state\n"),
        )
    };
}

/// Call the function in rdx with `(from, object)`, on a stack that ends at
/// rcx, and as the end of every walk: nothing returns there, and what lies
/// above is about to be overwritten.
macro_rules! call_below {
    () => {
        concat!(
            cfi!(".cfi_remember_state\n"),
            cfi!(".cfi_undefined rip\n"),
            "mov rsp, rcx
             xor ebp, ebp
             push rbp
             jmp rdx\n",
            cfi!(".cfi_restore_state\n"),
        )
    };
}

/// The one switch, with or without storing the parent link.
///
/// From the moment at which rsp belongs to the other side, the unwind
/// information says so: whoever interrupts the next three instructions (a
/// profiler's signal handler, say) finds a frame that was called from where
/// the other side will continue.
macro_rules! switch_with {
    ($leave:ident [$($store_link:literal)?] $to:ident, $word:ident, $signal:ident $(, link: $link:ident)?) => {{
        let from;
        let word;
        let signal;
        asm!(
            "lea rax, [rip + 2f]",
            "mov [rsp - 8], rax",
            "mov [rsp - 16], rbp",
            "mov [rsp - 24], rbx",
            "lea rdi, [rsp - 16]",
            $($store_link,)?
            $leave!(),
            "nop",
            "2:",
            $(link = in(reg) $link,)?
            out("rax") _,
            inout("rcx") $to => _,
            inout("rsi") $word.0 => word,
            inout("rdx") $signal => signal,
            out("rdi") from,
            lateout("r12") _, lateout("r13") _, lateout("r14") _, lateout("r15") _,
            clobber_abi("sysv64"),
        );
        Landing { from, word: Word(word), signal }
    }};
}

/// # Safety
/// `to` is the address of a `Saved` that nobody has continued yet; `link` may
/// be written.
#[inline(always)]
pub(crate) unsafe fn resume(to: usize, link: *mut u8, word: Word, signal: usize) -> Landing {
    // SAFETY: every register that the other side may change is saved by the
    // block or declared lost to the compiler; memory is not declared untouched.
    unsafe { switch_with!(jump_to ["mov [{link}], rdi"] to, word, signal, link: link) }
}

/// # Safety
/// `to` is the address of a `Saved` that nobody has continued yet.
#[inline(always)]
pub(crate) unsafe fn switch(to: usize, word: Word, signal: usize) -> Landing {
    // SAFETY: as in `resume`.
    unsafe { switch_with!(jump_to [] to, word, signal) }
}

/// # Safety
/// The bytes below `top`, which is aligned to `STACK_ALIGNMENT`, may be written
/// as soon as they are below the stack pointer.
#[inline(always)]
pub(crate) unsafe fn descend(top: usize, entry: EntryBelow, object: Word) -> Landing {
    let entry = entry as usize;
    // SAFETY: as in `resume`.
    unsafe { switch_with!(call_below [] top, object, entry) }
}

/// # Safety
/// `to` is the address of a `Saved` that nobody has continued yet. The frames
/// of the caller are never returned to.
#[inline(always)]
pub(crate) unsafe fn exit_to(to: usize, word: Word, signal: usize) -> ! {
    // SAFETY: the block leaves this stack for good, so nothing needs saving.
    unsafe {
        asm!(
            "xor edi, edi",
            jump_to!(),
            in("rcx") to,
            in("rsi") word.0,
            in("rdx") signal,
            options(noreturn),
        )
    }
}

/// Entered by the first resume with rdi, rsi, rdx as in every landing, and
/// from the first `Saved`: rbx the entry, rbp the object.
///
/// rbp stays the address of the parent link, so the resumer's stack pointer is
/// always `*rbp + 16`; that expression is the canonical frame address. Marked
/// as a signal frame, because debuggers expect the stack pointer to rise from
/// frame to frame except there.
#[unsafe(naked)]
unsafe extern "C" fn root() -> ! {
    naked_asm!(
        ".cfi_startproc",
        ".cfi_signal_frame",
        // DW_CFA_def_cfa_expression: DW_OP_breg6 (rbp) 0, DW_OP_deref, DW_OP_plus_uconst 16
        ".cfi_escape 0x0f, 5, 0x76, 0, 0x06, 0x23, 16",
        ".cfi_offset rip, -8",
        ".cfi_offset rbp, -16",
        ".cfi_offset rbx, -24",
        "nop",
        "mov rcx, rbp",
        "call rbx",
        "ud2",
        ".cfi_endproc",
    )
}

/// An address inside `root`: its second instruction. A return address is looked
/// up a little before it points, and that must belong to `root` as well.
pub(crate) fn root_address() -> *const u8 {
    (root as *const u8).wrapping_add(1)
}

#[inline(always)]
pub(crate) fn stack_pointer() -> *mut u8 {
    let sp;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rsp", out(reg) sp, options(pure, nomem, nostack, preserves_flags)) };
    sp
}

#[inline(always)]
pub(crate) fn prefetch(address: *const u8) {
    // SAFETY: a hint; any address is allowed and nothing is changed.
    unsafe {
        asm!("prefetcht0 [{}]", in(reg) address, options(readonly, nostack, preserves_flags))
    };
}
