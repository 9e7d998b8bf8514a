//! Whether landing pads matter where they are said to: a program that has passed its tests on a processor
//! that enforces them must be stopped at the first switch once those of `sure-context` are taken away.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{exec, freestanding};
use crate::target::freestanding::Machine;

/// `nop`, `bti j` as in `crates/sure-context/src/arch/aarch64.rs` (Arm ARM, C6.2). The compiler's own pads follow
/// no `nop`: they are where jump tables lead to.
const PAD: [u32; 2] = [NOP, 0xD503_249F];
const NOP: u32 = 0xD503_201F;
/// What a branch to anything else raises.
const SIGILL: i32 = 4;

/// An error if the program does as well without them.
pub(super) fn are_needed(machine: &Machine, program: &Path, log: &Path) -> Result<()> {
    let without = program.with_extension("without-pads");
    // A copy, because of its permissions.
    fs::copy(program, &without).with_context(|| program.display().to_string())?;
    let mut bytes = fs::read(program)?;
    let pads = take_away(&mut bytes);
    fs::write(&without, bytes)?;
    let mut command = freestanding::command(machine, &without);
    let finished = exec::run(&mut command, log, Duration::from_secs(60))?;
    ensure!(
        pads > 0 && finished.status.signal() == Some(SIGILL),
        "without its {pads} landing pads it {}, not with an illegal instruction",
        finished.ending()
    );
    Ok(())
}

/// Puts `nop`s in their place; returns how many there were. Instructions are little-endian, and are aligned in a
/// file as in memory.
fn take_away(program: &mut [u8]) -> usize {
    let mut pads = 0;
    let mut before = 0;
    for place in program.as_chunks_mut::<4>().0 {
        let instruction = u32::from_le_bytes(*place);
        if [before, instruction] == PAD {
            *place = NOP.to_le_bytes();
            pads += 1;
        }
        before = instruction;
    }
    pads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pads_behind_a_nop_are_taken_away() {
        let bytes = |words: &[u32]| -> Vec<u8> {
            words.iter().flat_map(|word| word.to_le_bytes()).collect()
        };
        let [nop, pad] = PAD;
        let branch = 0xD61F_03C0;
        let mut program = bytes(&[branch, nop, pad, pad, branch, pad, nop, pad]);
        assert_eq!(take_away(&mut program), 2);
        assert_eq!(
            program,
            bytes(&[branch, nop, nop, pad, branch, pad, nop, nop])
        );
    }
}
