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

use super::Entry;
use core::arch::{asm, naked_asm};
use core::mem::{offset_of, size_of};
use core::ptr;

pub(crate) const STACK_ALIGNMENT: usize = 16;

/// The saved registers. The rest of the red zone of a suspended execution is
/// empty, because it belongs to the `asm!` block that suspends.
pub(crate) const BYTES_BELOW: usize = size_of::<Saved>();

/// The return address, and the six registers that the entry's prologue may push (rbp, r15, r14, r13, r12, rbx).
pub(crate) const ENTRY_WORDS: usize = 7;

/// Lies directly below the suspended stack pointer. A context is the address
/// of `rbp`, which makes it a frame record, `{caller's rbp, return address}`,
/// that a frame-pointer walk can follow.
#[repr(C)]
struct Saved {
    rbx: Option<Entry>,
    rbp: *mut u8,
    rip: *const u8,
}

/// Where in a `Saved` a context points.
const CONTEXT: usize = offset_of!(Saved, rbp);

/// Where in a first frame its `Saved` is.
const SAVED: usize = 0;

type FirstFrame = Saved;

impl Saved {
    /// That of an execution that will begin in `root`, with this stack pointer.
    fn first(_: usize, entry: Entry, object: *mut u8) -> Saved {
        Saved {
            rbx: Some(entry),
            rbp: object,
            rip: root_address(),
        }
    }

    fn stack_pointer(&self) -> usize {
        ptr::from_ref(self).addr() + size_of::<Saved>()
    }
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
/// information says so: a profiler's signal handler that interrupts the next
/// three instructions finds a frame that was called from where the other side
/// will continue.
///
/// The link is stored only where it is another one than before. A caller that
/// resumes in a loop is the same resumer each time, and on some processors
/// stores are what bounds a round trip: one retires in each cycle, while a
/// comparison that is predicted costs nothing.
macro_rules! exchange {
    ($leave:ident, $from:ident, $to:ident, $word:ident, $signal:ident $(, $link:ident)?) => {{
        asm!(
            "lea rax, [rip + 2f]",
            "mov [rsp - 8], rax",
            "mov [rsp - 16], rbp",
            "mov [rsp - 24], rbx",
            "lea rdi, [rsp - 16]",
            $(
                concat!("cmp [{", stringify!($link), "}], rdi"),
                "je 3f",
                concat!("mov [{", stringify!($link), "}], rdi"),
                "3:",
            )?
            $leave!(),
            "nop",
            "2:",
            $($link = in(reg) $link,)?
            out("rax") _,
            inout("rcx") $to => _,
            inout("rsi") $word.0,
            inout("rdx") $signal,
            out("rdi") $from,
            lateout("r12") _, lateout("r13") _, lateout("r14") _, lateout("r15") _,
            clobber_abi("sysv64"),
        );
    }};
}

/// Continues the other side for good; it receives a null `from`.
macro_rules! depart {
    ($to:ident, $word:ident, $signal:ident) => {
        asm!(
            "xor edi, edi",
            jump_to!(),
            in("rcx") $to,
            in("rsi") $word.0,
            in("rdx") $signal,
            options(noreturn),
        )
    };
}

/// Entered by the first resume with rdi, rsi, rdx as in every landing, and
/// from the first `Saved`: rbx the entry, rbp the object.
///
/// rbp stays the address of the parent link, so the resumer's stack pointer is
/// always `*rbp + 16`; that expression is the canonical frame address.
///
/// The entry never returns, but its prologue saves registers, and those are words on every stack. So
/// all that it may save hold the same, the object's address, and the return address is that of
/// the link: who copies frames need not keep words that are known (`ENTRY_WORDS`).
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
        "mov rax, rbx",
        "mov rcx, rbp",
        "mov rbx, rbp",
        "mov r12, rbp",
        "mov r13, rbp",
        "mov r14, rbp",
        "mov r15, rbp",
        "push [rbp + 8]",
        "jmp rax",
        ".cfi_endproc",
    )
}

/// Bytes of the first instruction of `root`.
const ROOT_BEGIN: usize = 1;

stack_pointer_is!("mov {}, rsp");
prefetch_is!(reg, "prefetcht0 [{}]");

#[path = "common.rs"]
mod common;
#[path = "inline.rs"]
mod shape;
pub(crate) use {common::*, shape::*};
