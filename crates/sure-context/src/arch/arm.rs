//! Arm, 32 bits, in Arm or in Thumb-2 state, with the register file of VFP.
//!
//! Non-volatile are r4-r11, sp and d8-d15 (Procedure Call Standard for the Arm
//! Architecture, 6.1.1 and 6.1.2). `asm!` can declare all of them lost except
//! r6, r7 and r11, one or the other of which the compiler reserves: those, sp
//! and the address to continue at are what a switch saves itself, in a local.
//!
//! An address to continue at carries the state in its lowest bit, so that
//! `bx` returns to Arm and to Thumb code alike.
//!
//! Unwinders read neither CFI nor expressions here, but the opcodes of the
//! Exception Handling ABI for the Arm Architecture (EHABI, chapter 10). They
//! describe whole functions, never single instructions.

use super::Entry;
use core::arch::{asm, naked_asm};
use core::mem::{MaybeUninit, offset_of};

pub(crate) const STACK_ALIGNMENT: usize = 8;

pub(crate) const BYTES_BELOW: usize = 0;

/// A context is the address of this, which makes it a frame record, `{caller's
/// r11, return address}`, that a frame-pointer walk in Arm state can follow.
#[repr(C, align(8))]
struct Saved {
    r11: *mut u8,
    pc: *const u8,
    r6: Option<Entry>,
    r7: usize,
    sp: usize,
}

const _: () = assert!(offset_of!(Saved, r6) == 8 && offset_of!(Saved, sp) == 16);

/// Where in a `Saved` a context points.
const CONTEXT: usize = offset_of!(Saved, r11);

/// Where in a first frame its `Saved` is.
const SAVED: usize = 0;

type FirstFrame = Saved;

impl Saved {
    /// That of an execution that will begin in `root`, with this stack pointer.
    fn first(sp: usize, entry: Entry, object: *mut u8) -> Saved {
        Saved {
            r11: object,
            pc: root_address(),
            r6: Some(entry),
            r7: 0,
            sp,
        }
    }

    fn stack_pointer(&self) -> usize {
        self.sp
    }
}

/// Continue the context in r3.
macro_rules! jump_to {
    () => {
        "ldr r12, [r3, #16]
         mov sp, r12
         ldr r11, [r3]
         ldr r12, [r3, #4]
         ldr r6, [r3, #8]
         ldr r7, [r3, #12]
         bx r12\n"
    };
}

/// Call the function in r2 with `(from, object)`, on a stack that ends at
/// r3, and as the end of every walk: nothing returns there, and what lies
/// above is about to be overwritten.
macro_rules! call_below {
    () => {
        concat!(
            "mov sp, r3
             mov r11, #0
             mov lr, #0
             bx r2\n",
        )
    };
}

/// The one switch, with or without storing the parent link.
///
/// Which state it is assembled for shows in the size of `add lr, pc`: four
/// bytes in Arm state, where pc reads as the instruction after the next one;
/// two in Thumb state, where it does so too, and where an address to continue
/// at has its lowest bit set. The constant at 5 is made from that.
macro_rules! exchange {
    ($leave:ident, $from:ident, $to:ident, $word:ident, $signal:ident $(, $link:ident)?) => {{
        let mut saved = MaybeUninit::<Saved>::uninit();
        asm!(
            "ldr lr, 5f",
            "3:",
            "add lr, pc",
            "4:",
            "mov r12, sp",
            "str r11, [r0]",
            "str lr, [r0, #4]",
            "str r6, [r0, #8]",
            "str r7, [r0, #12]",
            "str r12, [r0, #16]",
            $(concat!("str r0, [{", stringify!($link), "}]"),)?
            $leave!(),
            ".balign 4",
            "5:",
            ".long 2f - 3b - 2 * (4b - 3b) + (4 - (4b - 3b)) / 2",
            "2:",
            $($link = in(reg) $link,)?
            inout("r0") saved.as_mut_ptr() => $from,
            inout("r1") $word.0,
            inout("r2") $signal,
            inout("r3") $to => _,
            out("lr") _,
            out("r12") _,
            lateout("r4") _, lateout("r5") _, lateout("r8") _, lateout("r9") _, lateout("r10") _,
            lateout("d8") _, lateout("d9") _, lateout("d10") _, lateout("d11") _,
            lateout("d12") _, lateout("d13") _, lateout("d14") _, lateout("d15") _,
            clobber_abi("C"),
        );
    }};
}

/// Continues the other side for good; it receives a null `from`.
macro_rules! depart {
    ($to:ident, $word:ident, $signal:ident) => {
        asm!(
            jump_to!(),
            in("r0") 0_usize,
            in("r1") $word.0,
            in("r2") $signal,
            in("r3") $to,
            options(noreturn),
        )
    };
}

/// Entered by the first resume with r0, r1, r2 as in every landing, and from
/// the first `Saved`: r6 the entry, r11 the object.
///
/// r11 stays the address of the parent link, so the resumer's `Saved` is always
/// at `*r11`. The first instruction is four bytes long in either state.
#[unsafe(naked)]
unsafe extern "C" fn root() -> ! {
    naked_asm!(
        ".fnstart",
        // vsp = r11; pop {sp}: vsp is at the `Saved`; pop {r11, pc}; pop {r6, r7, sp}
        ".unwind_raw 0, 0x9b, 0x82, 0x00, 0x88, 0x80, 0x82, 0x0c",
        "orr r12, r12, #0",
        "mov r3, r11",
        "blx r6",
        "udf #0",
        ".fnend",
    )
}

/// Bytes of the first instruction of `root`.
const ROOT_BEGIN: usize = 4;

stack_pointer_is!("mov {}, sp");
prefetch_is!(reg, "pld [{}]");

#[path = "common.rs"]
mod common;
#[path = "inline.rs"]
mod shape;
pub(crate) use {common::*, shape::*};
