//! The memory below a stack that must fault.
//!
//! To add a strategy: a variant of [`Guards`], its arm in [`install`], and the call
//! into the system in `sys`.

mod probe;

use super::mapping_budget::MappingClaims;
use super::sys::memory::{self, Advice};
use super::target::Target;
use crate::StackError;
use std::io::ErrorKind;

pub(crate) use probe::{clears_memory, lightweight_guards, vectored_guards};

/// Bytes of guard below every stack, before rounding up to pages.
///
/// Where the compiler probes the stack, a frame touches each page on its way
/// down, and one page is enough. Where it does not (rustc 1.95 on MIPS, 32-bit
/// ARM, RISC-V, SPARC and LoongArch), a large frame steps over the guard
/// unless the guard is larger; frames beyond this size are a limit of such targets.
pub const GUARD_SIZE: usize = Target::named(std::env::consts::ARCH).guard_bytes();

/// How guards are made.
///
/// Non-exhaustive: systems get more ways to protect pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Guards {
    /// Lightweight where the system has them and does what it says (Linux 6.13:
    /// `MADV_GUARD_INSTALL`, `madvise(2)`), protected where not, and for stacks
    /// in locked memory (`mlockall(2)`).
    #[default]
    Automatic,
    /// Protected by `mprotect(2)`, which every system can. Each takes two of
    /// the process's mappings, so there is room for about 32,500 of them.
    Mprotect,
}

/// Makes every access to the range fault. Claims nothing if the guard is lightweight.
///
/// # Safety
/// The range is page-aligned, part of a mapping of the caller's, and unused.
pub(crate) unsafe fn install(
    start: *mut u8,
    bytes: usize,
    guards: Guards,
) -> Result<MappingClaims, StackError> {
    match guards {
        Guards::Automatic if lightweight_guards() => {
            // SAFETY: whole pages of the caller's mapping; nothing in them is needed.
            match unsafe { memory::advise(start, bytes, Advice::InstallGuard) } {
                Ok(()) => Ok(MappingClaims::NONE),
                // `EINVAL`: not in locked memory.
                Err(os) if os.kind() == ErrorKind::InvalidInput => {
                    // SAFETY: whole pages of the caller's mapping, unused.
                    unsafe { protect(start, bytes) }
                }
                Err(os) => Err(StackError::guard(os)),
            }
        }
        // SAFETY: whole pages of the caller's mapping, unused.
        Guards::Automatic | Guards::Mprotect => unsafe { protect(start, bytes) },
    }
}

/// Makes lightweight guards of so many bytes at each of many places, in one call of the system.
/// Whether it has: if not, none of them can be relied on.
///
/// # Safety
/// Each place is the beginning of a range as for [`install`]; one that is a guard already stays one.
pub(crate) unsafe fn install_each(starts: &[*mut u8], bytes: usize, guards: Guards) -> bool {
    guards == Guards::Automatic
        && vectored_guards()
        // SAFETY: whole pages of the caller's mappings; nothing in them is needed.
        && unsafe { memory::advise_each(starts, bytes, Advice::InstallGuard) }.is_ok()
}

/// Makes every access to the range fault, by a mapping of its own.
///
/// # Safety
/// The range is page-aligned, part of a mapping of the caller's, and unused.
unsafe fn protect(start: *mut u8, bytes: usize) -> Result<MappingClaims, StackError> {
    let claims = MappingClaims::one().map_err(|exhausted| StackError::MapCount {
        stacks: exhausted.stacks,
        limit: exhausted.limit,
        lightweight_guards: lightweight_guards(),
    })?;
    // SAFETY: whole pages of the caller's mapping, unused.
    unsafe { memory::protect(start, bytes) }.map_err(StackError::guard)?;
    Ok(claims)
}
