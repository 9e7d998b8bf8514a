//! The memory below a stack that must fault.

mod probe;

use crate::StackError;
use crate::map_count::Claims;
use crate::sys::{self, Advice};

pub(crate) use probe::{clears_memory, lightweight_guards};

/// Bytes of guard below every stack, before rounding up to pages.
///
/// Where the compiler probes the stack, a frame touches each page on its way
/// down, and one page is enough. Where it does not (rustc 1.95 on MIPS, 32-bit
/// ARM, RISC-V, SPARC and LoongArch), a large frame steps over the guard
/// unless the guard is larger; frames beyond this size are a limit of such targets.
pub const GUARD_SIZE: usize = if COMPILER_PROBES {
    1
} else if usize::BITS == 64 {
    1 << 20
} else {
    64 << 10
};

/// Whether rustc emits stack probes for this target.
const COMPILER_PROBES: bool = cfg!(any(
    target_arch = "x86",
    target_arch = "x86_64",
    target_arch = "aarch64",
    target_arch = "powerpc",
    target_arch = "powerpc64",
    target_arch = "s390x",
));

/// How the guards of a [`StackArena`](crate::StackArena) are made.
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
) -> Result<Claims, StackError> {
    if guards == Guards::Automatic && lightweight_guards() {
        // SAFETY: the caller's pages, unused.
        match unsafe { sys::advise(start, bytes, Advice::InstallGuard) } {
            Ok(()) => return Ok(Claims::NONE),
            // Not in locked memory.
            Err(os) if os.raw_os_error() == Some(libc::EINVAL) => {}
            Err(os) => return Err(StackError::guard(os)),
        }
    }
    // SAFETY: the same.
    unsafe { protect(start, bytes) }
}

/// Makes every access to the range fault, by a mapping of its own.
///
/// # Safety
/// The range is page-aligned, part of a mapping of the caller's, and unused.
pub(crate) unsafe fn protect(start: *mut u8, bytes: usize) -> Result<Claims, StackError> {
    let claims = Claims::one()?;
    // SAFETY: the caller's pages, unused.
    unsafe { sys::protect(start, bytes) }.map_err(StackError::guard)?;
    Ok(claims)
}
