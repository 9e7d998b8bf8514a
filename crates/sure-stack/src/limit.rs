use core::fmt;

/// The likely reason why the operating system refused memory. It is found
/// without allocating, because memory is what has just run out.
///
/// Non-exhaustive: systems have more limits than are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// The process has an address-space limit (`ulimit -v`), in bytes.
    AddressSpace(u64),
    /// `vm.overcommit_memory` is 2: every mapping must be backed by memory and swap.
    Overcommit,
    /// `vm.max_map_count`: how many mappings a process may have. A stack with
    /// a protected guard takes two.
    MapCount(u64),
    /// The process locks its memory (`mlockall`), and may not lock more.
    LockedMemory,
    /// None of these: memory itself, or address space.
    Unknown,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::AddressSpace(bytes) => {
                write!(
                    f,
                    "the address space is limited to {bytes} bytes: raise `ulimit -v`"
                )
            }
            Limit::Overcommit => f.write_str(
                "vm.overcommit_memory is 2, which counts every untouched page: set it to 0 or 1, \
                 or use smaller stacks",
            ),
            Limit::MapCount(maps) => write!(
                f,
                "a process may have {maps} mappings, and has used them: raise vm.max_map_count"
            ),
            Limit::LockedMemory => {
                f.write_str("the process locks all of its memory: raise `ulimit -l`")
            }
            Limit::Unknown => f.write_str("memory or address space has run out"),
        }
    }
}
