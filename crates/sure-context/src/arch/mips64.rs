//! MIPS, 64 bits, n64 ABI with hardware floating point, either byte order,
//! releases 2 to 6.
//!
//! Non-volatile are $16-$23 (s0-s7), $28 (gp), $29 (sp), $30 (fp) and
//! $f24-$f31 (MIPSpro N32 ABI Handbook, chapter 2, whose register rules n64
//! shares).
//!
//! The compiler keeps values in $1, which `asm!` cannot name: so the switch is
//! out of line, where $1, hi, lo and all the temporaries are volatile. It
//! returns the saved address, with the signal in its lowest bit, in $2, and the
//! word in $3, as the ABI returns a structure of two words.

use super::{Entry, EntryBelow, Landing};
use crate::Word;
use core::arch::{asm, naked_asm};
use core::mem::{offset_of, size_of};
use core::ptr;

pub(crate) const STACK_ALIGNMENT: usize = 16;

/// No red zone; what is saved lies above the stack pointer.
pub(crate) const BYTES_BELOW: usize = 0;

pub(crate) const FIRST_FRAME: usize = size_of::<Saved>();

/// The frame of a suspended switch; a context is its address, which is the
/// stack pointer.
#[repr(C, align(16))]
struct Saved {
    f24_f31: [u64; 8],
    s0: Option<Entry>,
    s1: *mut u8,
    s2_s7: [usize; 6],
    gp: usize,
    fp: usize,
    ra: *const u8,
}

const _: () = assert!(offset_of!(Saved, s0) == 64 && offset_of!(Saved, ra) == 144);
const _: () = assert!(size_of::<Saved>() == 160);

/// # Safety
/// `top` is aligned to `STACK_ALIGNMENT`, and the `FIRST_FRAME` bytes below it
/// may be written. `object` begins with a `ParentLink` and stays where it is.
pub(crate) unsafe fn prepare(top: *mut u8, entry: Entry, object: *mut u8) -> usize {
    let frame = top.wrapping_sub(FIRST_FRAME).cast::<Saved>();
    let saved = Saved {
        f24_f31: [0; 8],
        s0: Some(entry),
        s1: object,
        s2_s7: [0; 6],
        gp: 0,
        fp: 0,
        ra: root_address(),
    };
    // SAFETY: these are the bytes below `top`, which is aligned.
    unsafe { frame.write(saved) };
    frame.expose_provenance()
}

pub(crate) fn stack_pointer_of(context: usize) -> *mut u8 {
    ptr::with_exposed_provenance_mut(context)
}

/// CFI: the registers of a `Saved`, where the canonical frame address is 160
/// bytes above its beginning. Floating-point registers are numbered from 32.
macro_rules! saved_registers {
    () => {
        ".cfi_def_cfa_offset 160
             .cfi_rel_offset 16, 64
             .cfi_rel_offset 17, 72
             .cfi_rel_offset 18, 80
             .cfi_rel_offset 19, 88
             .cfi_rel_offset 20, 96
             .cfi_rel_offset 21, 104
             .cfi_rel_offset 22, 112
             .cfi_rel_offset 23, 120
             .cfi_rel_offset 28, 128
             .cfi_rel_offset 30, 136
             .cfi_rel_offset 31, 144
             .cfi_rel_offset 56, 0
             .cfi_rel_offset 57, 8
             .cfi_rel_offset 58, 16
             .cfi_rel_offset 59, 24
             .cfi_rel_offset 60, 32
             .cfi_rel_offset 61, 40
             .cfi_rel_offset 62, 48
             .cfi_rel_offset 63, 56\n"
    };
}

/// Every register of a `Saved`, stored to it or loaded from it.
macro_rules! each {
    ($float:literal, $word:literal) => {
        concat!(
            $float, " $f24, 0($29)\n", $float, " $f25, 8($29)\n", $float, " $f26, 16($29)\n",
            $float, " $f27, 24($29)\n", $float, " $f28, 32($29)\n", $float, " $f29, 40($29)\n",
            $float, " $f30, 48($29)\n", $float, " $f31, 56($29)\n", $word, " $16, 64($29)\n",
            $word, " $17, 72($29)\n", $word, " $18, 80($29)\n", $word, " $19, 88($29)\n",
            $word, " $20, 96($29)\n", $word, " $21, 104($29)\n", $word, " $22, 112($29)\n",
            $word, " $23, 120($29)\n", $word, " $28, 128($29)\n", $word, " $30, 136($29)\n",
            $word, " $31, 144($29)\n",
        )
    };
}

/// Continue the context in $4. Its frame looks like the one that is left, so
/// the same unwind information serves from the first instruction on.
macro_rules! continue_other {
    () => {
        concat!(
            "move $29, $4\n",
            saved_registers!(),
            each!("ldc1", "ld"),
            "jr $31
             daddiu $29, $29, 160\n",
        )
    };
}

/// The one switch, with or without storing the parent link: `(to, word,
/// signal, link)` in $4-$7.
macro_rules! switch_with {
    ($($store_link:literal)?) => {
        naked_asm!(
            ".set push",
            ".set noreorder",
            ".set nomacro",
            ".set noat",
            ".cfi_startproc",
            "daddiu $29, $29, -160",
            ".cfi_def_cfa_offset 160",
            each!("sdc1", "sd"),
            $($store_link,)?
            "or $2, $29, $6",
            "move $3, $5",
            continue_other!(),
            ".cfi_endproc",
            ".set pop",
        )
    };
}

#[unsafe(naked)]
unsafe extern "C" fn resume_out_of_line(
    to: usize,
    word: Word,
    signal: usize,
    link: *mut u8,
) -> Registers {
    switch_with!("sd $29, 0($7)")
}

#[unsafe(naked)]
unsafe extern "C" fn switch_out_of_line(to: usize, word: Word, signal: usize) -> Registers {
    switch_with!()
}

/// As `switch_with`, but then the function in $6 is called with `(from,
/// object)`, on a stack that ends at $4, and as the end of every walk: nothing
/// returns there, and what lies above is about to be overwritten.
#[unsafe(naked)]
unsafe extern "C" fn descend_out_of_line(
    top: usize,
    object: Word,
    entry: EntryBelow,
) -> Registers {
    naked_asm!(
        ".set push",
        ".set noreorder",
        ".set nomacro",
        ".set noat",
        ".cfi_startproc",
        "daddiu $29, $29, -160",
        ".cfi_def_cfa_offset 160",
        each!("sdc1", "sd"),
        ".cfi_undefined 31",
        "move $2, $29",
        "daddiu $29, $4, -0",
        "move $4, $2",
        "move $25, $6",
        "move $30, $0",
        "jr $25
         move $31, $0",
        ".cfi_endproc",
        ".set pop",
    )
}

#[unsafe(naked)]
unsafe extern "C" fn exit_out_of_line(to: usize, word: Word, signal: usize) -> ! {
    naked_asm!(
        ".set push",
        ".set noreorder",
        ".set nomacro",
        ".set noat",
        ".cfi_startproc",
        "move $2, $6",
        "move $3, $5",
        continue_other!(),
        ".cfi_endproc",
        ".set pop",
    )
}

/// What a switch returns: $2 and $3.
#[repr(C)]
struct Registers {
    from_and_signal: usize,
    word: Word,
}

#[inline(always)]
fn land(registers: Registers) -> Landing {
    Landing {
        from: registers.from_and_signal & !1,
        word: registers.word,
        signal: registers.from_and_signal & 1,
    }
}

/// # Safety
/// `to` is the address of a `Saved` that nobody has continued yet; `link` may
/// be written.
#[inline(always)]
pub(crate) unsafe fn resume(to: usize, link: *mut u8, word: Word, signal: usize) -> Landing {
    // SAFETY: the caller's promise is what the function needs; it keeps the
    // registers that the ABI wants kept.
    land(unsafe { resume_out_of_line(to, word, signal, link) })
}

/// # Safety
/// `to` is the address of a `Saved` that nobody has continued yet.
#[inline(always)]
pub(crate) unsafe fn switch(to: usize, word: Word, signal: usize) -> Landing {
    // SAFETY: as in `resume`.
    land(unsafe { switch_out_of_line(to, word, signal) })
}

/// # Safety
/// The bytes below `top`, which is aligned to `STACK_ALIGNMENT`, may be written
/// as soon as they are below the stack pointer.
#[inline(always)]
pub(crate) unsafe fn descend(top: usize, entry: EntryBelow, object: Word) -> Landing {
    // SAFETY: as in `resume`.
    land(unsafe { descend_out_of_line(top, object, entry) })
}

/// # Safety
/// `to` is the address of a `Saved` that nobody has continued yet. The frames
/// of the caller are never returned to.
#[inline(always)]
pub(crate) unsafe fn exit_to(to: usize, word: Word, signal: usize) -> ! {
    // SAFETY: the caller's promise is what the function needs.
    unsafe { exit_out_of_line(to, word, signal) }
}

/// Entered by the first resume with $2 and $3 as at the return of a switch,
/// and from the first `Saved`: s0 the entry, s1 the object.
///
/// s1 stays the address of the parent link, so the resumer's saved registers
/// are always at `*s1`. Marked as a signal frame, because debuggers expect the
/// stack pointer to rise from frame to frame except there.
#[unsafe(naked)]
unsafe extern "C" fn root() -> ! {
    naked_asm!(
        ".set push",
        ".set noreorder",
        ".set nomacro",
        ".set noat",
        ".cfi_startproc",
        ".cfi_signal_frame",
        saved_registers!(),
        // DW_CFA_def_cfa_expression: DW_OP_breg17 (s1) 0, DW_OP_deref, DW_OP_plus_uconst 160
        ".cfi_escape 0x0f, 6, 0x81, 0, 0x06, 0x23, 0xa0, 1",
        "nop",
        "move $25, $16",
        "andi $6, $2, 1",
        "xor $4, $2, $6",
        "move $5, $3",
        "jalr $25",
        "move $7, $17",
        "break",
        ".cfi_endproc",
        ".set pop",
    )
}

/// An address inside `root`: its second instruction. A return address is looked
/// up a little before it points, and that must belong to `root` as well.
pub(crate) fn root_address() -> *const u8 {
    (root as *const u8).wrapping_add(4)
}

#[inline(always)]
pub(crate) fn stack_pointer() -> *mut u8 {
    let sp;
    // The operand may well be $1.
    // SAFETY: reads a register.
    unsafe {
        asm!(
            ".set push",
            ".set noat",
            "move {}, $29",
            ".set pop",
            out(reg) sp,
            options(pure, nomem, nostack, preserves_flags),
        )
    };
    sp
}

#[inline(always)]
pub(crate) fn prefetch(address: *const u8) {
    // SAFETY: a hint; any address is allowed and nothing is changed.
    unsafe {
        asm!(
            ".set push",
            ".set noat",
            "pref 0, 0({})",
            ".set pop",
            in(reg) address,
            options(readonly, nostack, preserves_flags),
        )
    };
}
