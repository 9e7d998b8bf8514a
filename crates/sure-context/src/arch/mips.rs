//! MIPS, 32 bits, o32 ABI with hardware floating point, either byte order,
//! releases 2 to 6.
//!
//! Non-volatile are $16-$23 (s0-s7), $29 (sp), $30 (fp) and the even
//! floating-point registers $f20-$f30 (System V ABI, MIPS RISC Processor
//! Supplement, 3rd edition, 3-11 ff.). $28 (gp) belongs to the function that
//! runs; a caller restores it, but from where it likes, so it is saved too.
//! `sdc1` and `ldc1` of an even register move all 64 bits of it, whichever way
//! the processor pairs its registers.
//!
//! The compiler keeps values in $1, which `asm!` cannot name: so the switch is
//! out of line, where $1, hi, lo and all the temporaries are volatile. It
//! returns the saved address, with the signal in its lowest bit, in $2, and the
//! word in $3, as the ABI returns 64 bits.

use super::{Entry, EntryBelow, Landing};
use crate::Word;
use core::arch::{asm, naked_asm};
use core::mem::{MaybeUninit, offset_of, size_of, transmute};
use core::ptr;

pub(crate) const STACK_ALIGNMENT: usize = 8;

/// No red zone; what is saved lies above the stack pointer.
pub(crate) const BYTES_BELOW: usize = 0;

pub(crate) const FIRST_FRAME: usize = size_of::<FirstFrame>();

/// The frame of a suspended switch; a context is its address, which is the
/// stack pointer.
#[repr(C, align(8))]
struct Saved {
    f20_f30: [u64; 6],
    s0: Option<Entry>,
    s1: *mut u8,
    s2_s7: [usize; 6],
    gp: usize,
    fp: usize,
    ra: *const u8,
}

const _: () = assert!(offset_of!(Saved, s0) == 48 && offset_of!(Saved, ra) == 88);
const _: () = assert!(size_of::<Saved>() == 96);

/// Above it, the 16 bytes that `entry` may store its arguments to.
#[repr(C)]
struct FirstFrame {
    saved: Saved,
    home: [usize; 4],
}

/// # Safety
/// `top` is aligned to `STACK_ALIGNMENT`, and the `FIRST_FRAME` bytes below it
/// may be written. `object` begins with a `ParentLink` and stays where it is.
pub(crate) unsafe fn prepare(top: *mut u8, entry: Entry, object: *mut u8) -> usize {
    let frame = top.wrapping_sub(FIRST_FRAME).cast::<FirstFrame>();
    let saved = Saved {
        f20_f30: [0; 6],
        s0: Some(entry),
        s1: object,
        s2_s7: [0; 6],
        gp: 0,
        fp: 0,
        ra: root_address(),
    };
    // SAFETY: these are the bytes below `top`, which is aligned.
    unsafe { (&raw mut (*frame).saved).write(saved) };
    frame.expose_provenance()
}

pub(crate) fn stack_pointer_of(context: usize) -> *mut u8 {
    ptr::with_exposed_provenance_mut(context)
}

/// CFI: the registers of a `Saved`, where the canonical frame address is 96
/// bytes above its beginning. The halves of a floating-point register have
/// numbers of their own; the odd one holds the upper bits.
macro_rules! saved_registers {
    () => {
        concat!(
            ".cfi_def_cfa_offset 96
             .cfi_rel_offset 16, 48
             .cfi_rel_offset 17, 52
             .cfi_rel_offset 18, 56
             .cfi_rel_offset 19, 60
             .cfi_rel_offset 20, 64
             .cfi_rel_offset 21, 68
             .cfi_rel_offset 22, 72
             .cfi_rel_offset 23, 76
             .cfi_rel_offset 28, 80
             .cfi_rel_offset 30, 84
             .cfi_rel_offset 31, 88\n",
            float_pair!(20, 0),
            float_pair!(22, 8),
            float_pair!(24, 16),
            float_pair!(26, 24),
            float_pair!(28, 32),
            float_pair!(30, 40),
        )
    };
}

#[cfg(target_endian = "little")]
macro_rules! float_pair {
    ($register:literal, $offset:literal) => {
        concat!(
            ".cfi_rel_offset 32+", $register, ", ", $offset, "\n",
            ".cfi_rel_offset 33+", $register, ", ", $offset, "+4\n",
        )
    };
}
#[cfg(target_endian = "big")]
macro_rules! float_pair {
    ($register:literal, $offset:literal) => {
        concat!(
            ".cfi_rel_offset 32+", $register, ", ", $offset, "+4\n",
            ".cfi_rel_offset 33+", $register, ", ", $offset, "\n",
        )
    };
}

/// Every register of a `Saved`, stored to it or loaded from it.
macro_rules! each {
    ($float:literal, $word:literal) => {
        concat!(
            $float, " $f20, 0($29)\n", $float, " $f22, 8($29)\n", $float, " $f24, 16($29)\n",
            $float, " $f26, 24($29)\n", $float, " $f28, 32($29)\n", $float, " $f30, 40($29)\n",
            $word, " $16, 48($29)\n", $word, " $17, 52($29)\n", $word, " $18, 56($29)\n",
            $word, " $19, 60($29)\n", $word, " $20, 64($29)\n", $word, " $21, 68($29)\n",
            $word, " $22, 72($29)\n", $word, " $23, 76($29)\n", $word, " $28, 80($29)\n",
            $word, " $30, 84($29)\n", $word, " $31, 88($29)\n",
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
            each!("ldc1", "lw"),
            "jr $31
             addiu $29, $29, 96\n",
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
            "addiu $29, $29, -96",
            ".cfi_def_cfa_offset 96",
            each!("sdc1", "sw"),
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
) -> u64 {
    switch_with!("sw $29, 0($7)")
}

#[unsafe(naked)]
unsafe extern "C" fn switch_out_of_line(to: usize, word: Word, signal: usize) -> u64 {
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
) -> u64 {
    naked_asm!(
        ".set push",
        ".set noreorder",
        ".set nomacro",
        ".set noat",
        ".cfi_startproc",
        "addiu $29, $29, -96",
        ".cfi_def_cfa_offset 96",
        each!("sdc1", "sw"),
        ".cfi_undefined 31",
        "move $2, $29",
        "addiu $29, $4, -16",
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

/// What a switch has returned: $2 and $3, in the order of memory.
#[inline(always)]
fn land(registers: u64) -> Landing {
    // SAFETY: any 64 bits are two numbers.
    let [from, word] = unsafe { transmute::<u64, [usize; 2]>(registers) };
    Landing {
        from: from & !1,
        word: Word(MaybeUninit::new(ptr::with_exposed_provenance_mut(word))),
        signal: from & 1,
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
        // DW_CFA_def_cfa_expression: DW_OP_breg17 (s1) 0, DW_OP_deref, DW_OP_plus_uconst 96
        ".cfi_escape 0x0f, 5, 0x81, 0, 0x06, 0x23, 96",
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
