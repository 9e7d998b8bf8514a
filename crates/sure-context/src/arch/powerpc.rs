//! PowerPC with hardware floating point: 32 bits, System V ABI; 64 bits, ELFv2
//! ABI (always in little endian) and ELFv1 ABI.
//!
//! Non-volatile are r1 (sp), r14-r31, f14-f31 and the condition fields cr2-cr4,
//! and with AltiVec v20-v31; r13 never changes. r2 never changes in 32 bits; in
//! 64 bits it is the TOC of the module whose code runs (System V ABI, PowerPC
//! Processor Supplement, 3-14 ff.; 64-Bit ELF V2 ABI Specification, 2.2.1;
//! 64-bit PowerPC ELF ABI Supplement, 3.2.1). `asm!` can declare all of them
//! lost except r2, and r29-r31, which the compiler reserves: those, sp and the
//! address to continue at are what a switch saves itself, in a local.
//!
//! In 32 bits the compiler knows AltiVec only with the target feature
//! `altivec`. Without it no Rust code uses v20-v31, and nothing here saves them:
//! C code that does (`-maltivec`) must not be suspended in mid-call.
//!
//! Both directions leave through ctr, and `bcl 20, 31` is known to processors
//! as a way to ask for an address.

use super::Entry;
use core::arch::{asm, naked_asm};
use core::mem::{MaybeUninit, offset_of, size_of};

pub(crate) const STACK_ALIGNMENT: usize = 16;

pub(crate) const BYTES_BELOW: usize = 0;

/// A context is the address of this.
#[repr(C)]
struct Saved {
    pc: *const u8,
    r29: usize,
    r30: *mut u8,
    r31: Option<Entry>,
    sp: usize,
    #[cfg(target_pointer_width = "64")]
    r2: usize,
}

const _: () = assert!(offset_of!(Saved, sp) == 4 * size_of::<usize>());

/// Where in a `Saved` a context points.
const CONTEXT: usize = offset_of!(Saved, pc);

impl Saved {
    fn stack_pointer(&self) -> usize {
        self.sp
    }
}

/// At the stack pointer: an end of the chain of frames, and what a caller
/// provides for `entry` to save its return address and arguments in.
#[repr(C, align(16))]
struct FirstFrame {
    back_chain: usize,
    for_entry: [usize; if cfg!(target_pointer_width = "64") { 13 } else { 1 }],
    saved: Saved,
}

/// Where in a first frame its `Saved` is.
const SAVED: usize = offset_of!(FirstFrame, saved);

impl FirstFrame {
    /// That of an execution that will begin in `root`, with this stack pointer.
    fn first(sp: usize, entry: Entry, object: *mut u8) -> FirstFrame {
        FirstFrame {
            back_chain: 0,
            for_entry: [0; _],
            saved: Saved {
                pc: root_address(),
                r29: 0,
                r30: object,
                r31: Some(entry),
                sp,
                #[cfg(target_pointer_width = "64")]
                r2: 0,
            },
        }
    }
}

/// Load a register from word `$index` of the `Saved` at r6.
macro_rules! load {
    ($register:literal, $index:literal) => {
        concat!(by_width!("lwz ", "ld "), $register, by_width!(", 4*", ", 8*"), $index, "(6)\n")
    };
}

/// Store a register to word `$index` of the `Saved` at r3.
macro_rules! store {
    ($register:literal, $index:literal) => {
        concat!(by_width!("stw ", "std "), $register, by_width!(", 4*", ", 8*"), $index, "(3)\n")
    };
}

/// CFI: a register is word `$index` above the canonical frame address.
macro_rules! saved_at {
    ($register:literal, $index:literal) => {
        concat!(".cfi_offset ", $register, by_width!(", 4*", ", 8*"), $index, "\n")
    };
}

/// CFI: the registers of a `Saved`, where the canonical frame address is its
/// beginning; sp is one of them, and the link register (65) the return address.
macro_rules! saved_registers {
    () => {
        concat!(
            saved_at!(65, 0),
            saved_at!(29, 1),
            saved_at!(30, 2),
            saved_at!(31, 3),
            saved_at!(1, 4),
        )
    };
}

/// Continue the context in r6.
macro_rules! jump_to {
    () => {
        concat!(
            load!(7, 0),
            "mtctr 7\n",
            by_width!("", "ld 2, 40(6)\n"),
            cfi!(".cfi_remember_state\n"),
            load!(1, 4),
            cfi!(".cfi_def_cfa 6, 0\n"),
            cfi!(saved_registers!()),
            load!(29, 1),
            load!(30, 2),
            load!(31, 3),
            "bctr\n",
            cfi!(".cfi_restore_state\n"),
        )
    };
}

/// Jump to the function pointer in r5, as this ABI has them; see `call_r31`.
#[cfg(any(target_pointer_width = "32", target_abi = "elfv2"))]
macro_rules! jump_r5 {
    () => {
        "mr 12, 5
         mtctr 12
         bctr\n"
    };
}
#[cfg(all(target_pointer_width = "64", not(target_abi = "elfv2")))]
macro_rules! jump_r5 {
    () => {
        "ld 12, 0(5)
         ld 2, 8(5)
         ld 11, 16(5)
         mtctr 12
         bctr\n"
    };
}

/// Call the function in r5 with `(from, object)`, on a stack that ends at
/// r6, and as the end of every walk: nothing returns there, and what lies
/// above is about to be overwritten.
macro_rules! call_below {
    () => {
        concat!(
            cfi!(".cfi_remember_state\n"),
            cfi!(".cfi_undefined 65\n"),
            by_width!("addi 1, 6, -16\n", "addi 1, 6, -112\n"),
            "li 7, 0\n",
            by_width!("stw 7, 0(1)\n", "std 7, 0(1)\n"),
            "mtlr 7\n",
            jump_r5!(),
            cfi!(".cfi_restore_state\n"),
        )
    };
}

/// The one switch, with or without storing the parent link.
macro_rules! exchange {
    ($leave:ident, $from:ident, $to:ident, $word:ident, $signal:ident $(, $link:ident)?) => {{
        let mut saved = MaybeUninit::<Saved>::uninit();
        asm!(
            "bcl 20, 31, 3f",
            "3:",
            "mflr 7",
            "addi 7, 7, 2f - 3b",
            store!(7, 0),
            store!(29, 1),
            store!(30, 2),
            store!(31, 3),
            store!(1, 4),
            by_width!("", "std 2, 40(3)"),
            $(concat!(by_width!("stw", "std"), " 3, 0({", stringify!($link), "})"),)?
            $leave!(),
            "nop",
            "2:",
            $($link = in(reg_nonzero) $link,)?
            inout("r3") saved.as_mut_ptr() => $from,
            inout("r4") $word.0,
            inout("r5") $signal,
            inout("r6") $to => _,
            out("r7") _,
            lateout("r14") _, lateout("r15") _, lateout("r16") _, lateout("r17") _, lateout("r18") _,
            lateout("r19") _, lateout("r20") _, lateout("r21") _, lateout("r22") _, lateout("r23") _,
            lateout("r24") _, lateout("r25") _, lateout("r26") _, lateout("r27") _, lateout("r28") _,
            lateout("f14") _, lateout("f15") _, lateout("f16") _, lateout("f17") _, lateout("f18") _,
            lateout("f19") _, lateout("f20") _, lateout("f21") _, lateout("f22") _, lateout("f23") _,
            lateout("f24") _, lateout("f25") _, lateout("f26") _, lateout("f27") _, lateout("f28") _,
            lateout("f29") _, lateout("f30") _, lateout("f31") _,
            lateout("v20") _, lateout("v21") _, lateout("v22") _, lateout("v23") _, lateout("v24") _,
            lateout("v25") _, lateout("v26") _, lateout("v27") _, lateout("v28") _, lateout("v29") _,
            lateout("v30") _, lateout("v31") _,
            lateout("cr2") _, lateout("cr3") _, lateout("cr4") _,
            clobber_abi("C"),
        );
    }};
}

/// Continues the other side for good; it receives a null `from`.
macro_rules! depart {
    ($to:ident, $word:ident, $signal:ident) => {
        asm!(
            jump_to!(),
            in("r3") 0_usize,
            in("r4") $word.0,
            in("r5") $signal,
            in("r6") $to,
            options(noreturn),
        )
    };
}

/// Call the function pointer in r31, as this ABI has them: an address, which
/// ELFv2 also wants in r12;
#[cfg(any(target_pointer_width = "32", target_abi = "elfv2"))]
macro_rules! call_r31 {
    () => {
        "mr 12, 31
         mtctr 12
         bctrl\n"
    };
}
/// in ELFv1, the address of {code, TOC, environment}.
#[cfg(all(target_pointer_width = "64", not(target_abi = "elfv2")))]
macro_rules! call_r31 {
    () => {
        "ld 12, 0(31)
         ld 2, 8(31)
         ld 11, 16(31)
         mtctr 12
         bctrl\n"
    };
}

/// Entered by the first resume with r3, r4, r5 as in every landing, and from
/// the first `Saved`: r31 the entry, r30 the object.
///
/// r30 stays the address of the parent link, so the resumer's `Saved` is always
/// at `*r30`.
#[unsafe(naked)]
unsafe extern "C" fn root() -> ! {
    naked_asm!(
        ".cfi_startproc",
        ".cfi_signal_frame",
        // DW_CFA_def_cfa_expression: DW_OP_breg30 (r30) 0, DW_OP_deref
        ".cfi_escape 0x0f, 3, 0x8e, 0, 0x06",
        saved_registers!(),
        "nop",
        "mr 6, 30",
        call_r31!(),
        "trap",
        ".cfi_endproc",
    )
}

/// Bytes of the first instruction of `root`.
const ROOT_BEGIN: usize = 4;

stack_pointer_is!("mr {}, 1");
prefetch_is!(reg, "dcbt 0, {}");

#[path = "common.rs"]
mod common;
#[path = "inline.rs"]
mod shape;
pub(crate) use {common::*, shape::*};
