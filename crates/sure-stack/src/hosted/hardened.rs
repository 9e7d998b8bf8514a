//! Processors that keep a second copy of every return address, on a stack that a program cannot
//! write to. A switch of stacks leaves that copy behind: the first return on the other stack
//! would be a fault. So where the system has turned it on there are no stacks to run on, but an error.
//!
//! | processor | name | how it is asked |
//! |---|---|---|
//! | x86-64 | shadow stacks (CET) | arch_prctl(2), `ARCH_SHSTK_STATUS` (Linux 6.6, `Documentation/arch/x86/shstk.rst`) |
//! | AArch64 | guarded control stacks (GCS) | prctl(2), `PR_GET_SHADOW_STACK_STATUS` (Linux 6.13, `Documentation/arch/arm64/gcs.rst`) |
//! | RISC-V | `Zicfiss` | the same (`Documentation/arch/riscv/zicfiss.rst`) |
//!
//! It is asked once in a process, when the first memory for stacks is mapped: C libraries turn it on
//! before `main`, for all threads. Programs must ask for it (glibc's tunables `glibc.cpu.x86_shstk` and
//! `glibc.cpu.aarch64_gcs`, and a mark in each of their object files), and none of ours has the mark.

use super::sys::protection;
use crate::StackError;
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

const UNKNOWN: u8 = 2;

/// An error if the system has turned on what a switch of stacks does not serve.
pub(crate) fn check() -> Result<(), StackError> {
    static KNOWN: AtomicU8 = AtomicU8::new(UNKNOWN);
    #[cfg(test)]
    if let Some(status) = tests::SIMULATED.get() {
        return answer(is_on(status));
    }
    if KNOWN.load(Relaxed) == UNKNOWN {
        KNOWN.store(is_on(protection::shadow_stack_status()).into(), Relaxed);
    }
    answer(KNOWN.load(Relaxed) == 1)
}

/// The lowest bit is "enabled" on all three (`ARCH_SHSTK_SHSTK`, `PR_SHADOW_STACK_ENABLE`). A
/// system that does not know the question has nothing turned on.
fn is_on(status: Option<u64>) -> bool {
    status.is_some_and(|features| features & 1 == 1)
}

fn answer(on: bool) -> Result<(), StackError> {
    match on {
        true => Err(StackError::ShadowStack),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GuardedMmapStack, StackArena};
    use core::cell::Cell;

    std::thread_local! {
        /// What the system is said to answer, if it is not asked.
        pub(super) static SIMULATED: Cell<Option<Option<u64>>> = const { Cell::new(None) };
    }

    fn with_status(status: Option<u64>, f: impl FnOnce()) {
        SIMULATED.set(Some(status));
        f();
        SIMULATED.set(None);
    }

    /// What the sentence tells a user to do on this processor.
    fn turned_off_by() -> &'static str {
        match std::env::consts::ARCH {
            "x86_64" => "GLIBC_TUNABLES=glibc.cpu.x86_shstk=off, or build it without",
            "aarch64" => "GLIBC_TUNABLES=glibc.cpu.aarch64_gcs=0, or build it without",
            _ => "; build the program without",
        }
    }

    #[test]
    fn with_a_shadow_stack_there_is_an_error_with_a_sentence() {
        let refused = |result: Result<(), StackError>| {
            let error = result.expect_err("it is on");
            assert!(matches!(error, StackError::ShadowStack));
            let sentence = error.to_string();
            assert!(sentence.contains("shadow stack"), "{sentence}");
            assert!(sentence.contains(turned_off_by()), "{sentence}");
        };
        // Enabled alone; with writes to it (`ARCH_SHSTK_WRSS`) or pushes allowed, too.
        for status in [1, 3, 5] {
            with_status(Some(status), || {
                refused(GuardedMmapStack::allocate_at_least(4096).map(drop));
                let arena = StackArena::new(64 << 10).unwrap();
                refused(arena.allocate().map(drop));
            });
        }
    }

    #[test]
    fn without_one_there_are_stacks() {
        for status in [None, Some(0), Some(2)] {
            with_status(status, || {
                drop(GuardedMmapStack::allocate_at_least(4096).unwrap());
                let arena = StackArena::new(64 << 10).unwrap();
                drop(arena.allocate().unwrap());
            });
        }
    }

    /// What a program's file asks the system to turn on: the bits of the property
    /// `GNU_PROPERTY_X86_FEATURE_1_AND` (1 landing pads, 2 a shadow stack), which the linker keeps
    /// if every object file has them.
    fn features_asked_for(file: &[u8]) -> u32 {
        // A name of 4 bytes, the size of what follows, the type NT_GNU_PROPERTY_TYPE_0; the name.
        let word = |at: usize| {
            let bytes = file.get(at..at + 4)?;
            Some(u32::from_le_bytes(bytes.try_into().ok()?))
        };
        let is_note = |at: usize| {
            word(at) == Some(4) && word(at + 8) == Some(5) && file[at + 12..].starts_with(b"GNU\0")
        };
        let notes = (0..file.len().saturating_sub(32)).step_by(4);
        let properties = notes.filter(|&at| is_note(at)).flat_map(|at| {
            let bytes = word(at + 4).unwrap_or(0) as usize;
            let mut next = at + 16;
            core::iter::from_fn(move || {
                let this = (next + 12 <= at + 16 + bytes).then_some(next)?;
                let size = word(this + 4)? as usize;
                next += 8 + size.next_multiple_of(8);
                Some((word(this)?, word(this + 8)?))
            })
        });
        let features = properties.filter(|(kind, _)| *kind == 0xC000_0002);
        features.fold(0, |all, (_, bits)| all | bits)
    }

    #[test]
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    fn a_program_with_our_code_asks_for_nothing() {
        let file = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(features_asked_for(&file), 0);
    }

    #[test]
    fn what_a_program_asks_for_is_found() {
        let note = |bits: u32| {
            let words = [
                4,
                32,
                5,
                0x0055_4E47,
                0xC000_8002,
                4,
                7,
                0,
                0xC000_0002,
                4,
                bits,
                0,
            ];
            let mut file = vec![0x5A_u8; 64];
            file.extend(words.iter().flat_map(|word: &u32| word.to_le_bytes()));
            file.extend([0; 64]);
            file
        };
        assert_eq!(
            [0, 1, 2, 3].map(|bits| features_asked_for(&note(bits))),
            [0, 1, 2, 3]
        );
        assert_eq!(features_asked_for(b"no program"), 0);
    }

    #[test]
    fn this_process_has_none() {
        assert!(!is_on(protection::shadow_stack_status()));
        check().unwrap();
    }
}
