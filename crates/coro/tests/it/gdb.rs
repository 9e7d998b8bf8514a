//! The script for gdb knows where a switch saves registers, by a table of its own. Here it is
//! compared with an execution that was just prepared: its registers are known.
//!
//! (What gdb does with it is tested by `cargo xtask gdb`, which needs a gdb.)

use core::mem::size_of;
use core::ptr::NonNull;
use std::collections::BTreeMap;
use sure_context::{Arrival, Departure, FnTrampoline, Signal, Word, prepare};

const SCRIPT: &str = include_str!("../../gdb/coro-gdb.py");

/// The register that begins with the address of the object at the root, where the backend of this
/// instruction set says so (`sure-context/src/arch`); and gdb's names of the program counter and
/// the stack pointer.
const ROLES: &[(&str, [&str; 3])] = &[
    ("x86_64", ["rbp", "rip", "rsp"]),
    ("x86", ["ebp", "eip", "esp"]),
    ("aarch64", ["x29", "pc", "sp"]),
    ("arm", ["r11", "pc", "sp"]),
    ("mips", ["s1", "pc", "sp"]),
    ("mips64", ["s1", "pc", "sp"]),
    ("riscv64", ["fp", "pc", "sp"]),
    ("powerpc", ["r30", "pc", "r1"]),
    ("powerpc64", ["r30", "pc", "r1"]),
    ("s390x", ["r11", "pc", "r15"]),
    ("loongarch64", ["r22", "pc", "r3"]),
];

/// This instruction set, as the script names it: all releases of MIPS save alike.
fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "mips32r6" => "mips",
        "mips64r6" => "mips64",
        arch => arch,
    }
}

/// The script's row of this instruction set: for each register the number of its word, counted
/// from the context, and whether it is that word's address.
fn row() -> Option<BTreeMap<&'static str, (isize, bool)>> {
    let arch = arch();
    let (_, table) = SCRIPT.split_once("\nSAVED = {\n").expect("a table");
    let (table, _) = table.split_once("\n}\n").expect("its end");
    let mut lines = table.lines();
    let line = lines.find_map(|line| line.trim().strip_prefix(&format!("\"{arch}\": \"")))?;
    let registers = line.trim_end_matches("\",").split(' ').map(|entry| {
        let (register, place) = entry.split_once('=').expect("a register and its place");
        let number = place.trim_start_matches('&').parse().expect("a number");
        (register, (number, place.starts_with('&')))
    });
    Some(registers.collect())
}

#[test]
fn the_scripts_table_of_saved_registers_is_right_here() {
    let Some(row) = row() else {
        let unknown = ["sparc64"];
        assert!(
            unknown.contains(&std::env::consts::ARCH),
            "the script has no row"
        );
        return;
    };
    let mut stack = vec![0_u128; 4096];
    let base = NonNull::new(stack.as_mut_ptr_range().end).unwrap().cast();
    let mut first = FnTrampoline::new(|arrival: Arrival| Departure {
        to: arrival.from.expect("a resumer"),
        word: Word::EMPTY,
        signal: Signal::Run,
    });
    let first = NonNull::from(&mut first);
    // SAFETY: (1) the stack is this function's, and nothing else uses it; (2) so is the trampoline.
    let context = unsafe { prepare(base, first) };
    // SAFETY: the stack is alive (1), and nothing has run on it (2).
    let stack_pointer = unsafe { context.stack_pointer() }.addr();
    let raw = context.into_raw().get();
    let value = |register: &str| {
        let &(number, is_address) = row.get(register).expect("a row with this register");
        let address = raw.wrapping_add_signed(number * size_of::<usize>() as isize);
        match is_address {
            true => address,
            // SAFETY: the table's claim, that a word of the first frame is there, lies in `stack`.
            false => unsafe { core::ptr::with_exposed_provenance::<usize>(address).read() },
        }
    };
    let arch = arch();
    let (_, [object, pc, sp]) = ROLES.iter().find(|it| it.0 == arch).expect("roles");
    // A frame pointer stands behind the frame record on RISC-V and LoongArch.
    let behind = match arch.starts_with("riscv") || arch.starts_with("loongarch") {
        true => 2 * size_of::<usize>(),
        false => 0,
    };
    let root = first.as_ptr().addr();
    assert_eq!(value(object), root + behind, "the object at the root");
    // SAFETY: a link is two words, of which the second is an address inside the root function.
    let root = unsafe { first.cast::<usize>().add(1).read() };
    assert_eq!(value(pc), root, "where it continues");
    // Out of line, a switch has a frame, which it leaves before it returns.
    let frame = value(sp) - stack_pointer;
    let out_of_line = arch.starts_with("mips");
    assert_eq!(frame != 0, out_of_line, "{frame} bytes");
    assert!(frame <= 160 && frame.is_multiple_of(8), "{frame} bytes");
    // SAFETY: the token of an execution that was never continued; its trampoline and stack are alive
    // to the end of this function; no word is read; it continues this one once.
    let arrival = unsafe {
        let context = sure_context::ExecutionContext::from_raw(raw.try_into().unwrap());
        context.resume(first.cast(), Word::EMPTY, Signal::Run)
    };
    assert!(arrival.from.is_none(), "it has ended");
}
