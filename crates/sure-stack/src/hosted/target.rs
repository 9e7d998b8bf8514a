//! What stacks need to know about an instruction set, one entry of [`ALL`] each, and about
//! a system, one entry of `SYSTEMS` each.
//!
//! To add an instruction set, add an entry; nothing else in this crate names one. A system
//! needs an entry and its calls (`sys`).
//! The file needs nothing but `core`, so that other programs can include it and
//! make their tables from it.

/// The facts about one instruction set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// Its name in `cfg(target_arch = "...")`.
    pub(crate) arch: &'static str,
    /// The size of a pointer, in bits.
    pub(crate) bits: u32,
    /// Whether rustc touches every page of a large frame on its way down
    /// (`StackProbeType` in rustc's `rustc_target`; 1.95), so that no frame steps
    /// over a guard of one page.
    pub(crate) stack_probes: bool,
    /// Where Linux says the address of the interrupted instruction, if that is known.
    pub(crate) program_counter: Option<ProgramCounter>,
}

/// A place in what the third argument of a signal handler points to: that of libc's
/// `ucontext_t`, or else of the kernel's headers `asm/sigcontext.h` and
/// `asm/ucontext.h`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProgramCounter {
    /// Where a pointer to the registers is, in bytes from the beginning of the
    /// context; if there is none, the registers are in the context itself.
    pub(crate) through: Option<usize>,
    /// Bytes from the beginning of the context, or from where the pointer points to.
    pub(crate) at: usize,
    /// How many bytes it has.
    pub(crate) bytes: usize,
}

impl Target {
    /// How many bytes of guard a stack has, before rounding up to pages.
    ///
    /// Where the compiler probes large frames, one page is enough. Where it does
    /// not, a frame larger than the guard steps over it.
    pub(crate) const fn guard_bytes(&self) -> usize {
        match (self.stack_probes, self.bits) {
            (true, _) => 1,
            (false, 64) => 1 << 20,
            (false, _) => 64 << 10,
        }
    }

    /// The entry of an instruction set. An unknown one has neither stack probes
    /// nor a program counter.
    pub(crate) const fn named(arch: &str) -> Target {
        let mut n = 0;
        while n < ALL.len() {
            if equal(ALL[n].arch.as_bytes(), arch.as_bytes()) {
                return ALL[n];
            }
            n += 1;
        }
        Target {
            arch: "unknown",
            bits: usize::BITS,
            stack_probes: false,
            program_counter: None,
        }
    }
}

/// In the context itself.
const fn context(at: usize, bytes: usize) -> ProgramCounter {
    ProgramCounter {
        through: None,
        at,
        bytes,
    }
}

/// As [`context`], for the table of instruction sets.
const fn inside(at: usize, bytes: usize) -> Option<ProgramCounter> {
    Some(context(at, bytes))
}

/// In 8 bytes of what a pointer in the context leads to.
const fn behind(through: usize, at: usize) -> ProgramCounter {
    ProgramCounter {
        through: Some(through),
        at,
        bytes: 8,
    }
}

/// Every instruction set that is known.
pub(crate) const ALL: &[Target] = &[
    Target {
        arch: "x86_64",
        bits: 64,
        stack_probes: true,
        // Flags, link, stack (40 bytes); `RIP` is the 17th general register.
        program_counter: inside(40 + 16 * 8, 8),
    },
    Target {
        arch: "x86",
        bits: 32,
        stack_probes: true,
        // Flags, link, stack (20 bytes); `EIP` is the 15th general register.
        program_counter: inside(20 + 14 * 4, 4),
    },
    Target {
        arch: "aarch64",
        bits: 64,
        stack_probes: true,
        // Flags, link, stack, 128 bytes of mask, to 16 bytes; fault address, 31 registers, `sp`.
        program_counter: inside(176 + 8 + 31 * 8 + 8, 8),
    },
    Target {
        arch: "arm",
        bits: 32,
        stack_probes: false,
        // Flags, link, stack (20 bytes); trap number, error code, mask, `r0` to `r14`.
        program_counter: inside(20 + 3 * 4 + 15 * 4, 4),
    },
    Target {
        arch: "riscv32",
        bits: 32,
        stack_probes: false,
        // Flags, link, stack (20 bytes), 128 bytes of mask, to 16 bytes; then `pc`.
        program_counter: inside(160, 4),
    },
    Target {
        arch: "riscv64",
        bits: 64,
        stack_probes: false,
        // Flags, link, stack, 128 bytes of mask, to 16 bytes; then `pc`.
        program_counter: inside(176, 8),
    },
    Target {
        arch: "loongarch64",
        bits: 64,
        stack_probes: false,
        // Flags, link, stack, 128 bytes of mask, to 16 bytes; then `sc_pc`.
        program_counter: inside(176, 8),
    },
    Target {
        arch: "s390x",
        bits: 64,
        stack_probes: true,
        // Flags, link, stack (40 bytes); the mask of the program status word, then its address.
        program_counter: inside(40 + 8, 8),
    },
    Target {
        arch: "powerpc64",
        bits: 64,
        stack_probes: true,
        // Flags, link, stack, 128 bytes of mask, 64 of what is before the registers;
        // `NIP` is the 33rd of the kernel's list.
        program_counter: inside(168 + 64 + 32 * 8, 8),
    },
    Target {
        arch: "powerpc",
        bits: 32,
        stack_probes: true,
        // Flags, link, stack (5 words) and padding (7 words); then a pointer to the registers.
        program_counter: Some(ProgramCounter {
            through: Some(12 * 4),
            at: 32 * 4,
            bytes: 4,
        }),
    },
    Target {
        arch: "mips",
        bits: 32,
        stack_probes: false,
        program_counter: MIPS,
    },
    Target {
        arch: "mips32r6",
        bits: 32,
        stack_probes: false,
        program_counter: MIPS,
    },
    Target {
        arch: "mips64",
        bits: 64,
        stack_probes: false,
        program_counter: MIPS64,
    },
    Target {
        arch: "mips64r6",
        bits: 64,
        stack_probes: false,
        program_counter: MIPS64,
    },
    Target {
        arch: "sparc64",
        bits: 64,
        stack_probes: false,
        // Not a `ucontext_t` but the `siginfo_t` (128 bytes), 16 registers, `tstate`
        // (`struct rt_signal_frame` in the kernel's `signal_64.c`); then `tpc`.
        program_counter: inside(128 + 16 * 8 + 8, 8),
    },
];

/// Flags, link, stack (20 bytes), to 8 bytes; register mask, status; then `sc_pc`.
const MIPS: Option<ProgramCounter> = inside(24 + 8, 8);
/// Flags, link, stack (40 bytes); 32 + 32 registers, 2 × 4 of hi and lo; then `sc_pc`.
const MIPS64: Option<ProgramCounter> = inside(40 + (32 + 32 + 8) * 8, 8);

/// The facts about one system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct System {
    /// Its names in `cfg(target_os = "...")`.
    pub(crate) names: &'static [&'static str],
    /// The signals that an access to a guard may raise. None where there are no signals, and so
    /// no report of an overflow.
    pub(crate) guard_signals: &'static [i32],
    /// Where the interrupted instruction is, for instruction sets on which it is known: see
    /// [`Target::program_counter`], which is Linux's.
    pub(crate) program_counters: &'static [(&'static str, ProgramCounter)],
}

/// The `SIGSEGV` of every system here (`signal.h`).
const SIGSEGV: i32 = 11;
/// The `SIGBUS` of the systems that come from BSD (`signal.h`).
const BSD_SIGBUS: i32 = 10;

/// Every system that is known.
pub(crate) const SYSTEMS: &[System] = &[
    System {
        names: &["linux", "android"],
        // mprotect(2): `SIGSEGV`; a lightweight guard raises it, too (madvise(2), `MADV_GUARD_INSTALL`).
        guard_signals: &[SIGSEGV],
        // Those of `ALL`.
        program_counters: &[],
    },
    System {
        names: &["macos", "ios", "tvos", "watchos", "visionos"],
        // `ux_exception` in XNU's `bsd/uxkern/ux_exception.c`: an address without a mapping is
        // `SIGSEGV`, an access that the mapping does not allow is `SIGBUS` (but near the main
        // thread's own stack: `handle_ux_exception` there).
        guard_signals: &[SIGSEGV, BSD_SIGBUS],
        // `sys/_types/_ucontext.h`: two words of 4 bytes, a stack (24), a link and a size (8 each);
        // then a pointer to the registers, `_mcontext.h`: 16 bytes about the exception, then those of
        // XNU's `osfmk/mach`:
        program_counters: &[
            // 29 registers, `fp`, `lr`, `sp` (`arm/_structs.h`).
            ("aarch64", behind(48, 16 + 32 * 8)),
            // 16 registers (`i386/_structs.h`).
            ("x86_64", behind(48, 16 + 16 * 8)),
        ],
    },
    System {
        names: &["freebsd"],
        // `vm_fault_trap` in `sys/vm/vm_fault.c`: for an access that the mapping does not allow, `SIGSEGV`;
        // for programs marked as older than FreeBSD 7, and with `machdep.prot_fault_translation` set to 1,
        // `SIGBUS`.
        guard_signals: &[SIGSEGV, BSD_SIGBUS],
        // `sys/sys/_ucontext.h`: 16 bytes of mask; then the registers:
        program_counters: &[
            // `x0` to `x29`, `lr`, `sp`; then `elr` (`sys/arm64/include/ucontext.h`).
            ("aarch64", context(16 + 32 * 8, 8)),
            // A word, 15 registers, the trap's number, address, flags and error, each with segments to 8
            // bytes; then `rip` (`sys/x86/include/ucontext.h`).
            ("x86_64", context(16 + 20 * 8, 8)),
        ],
    },
    System {
        names: &["windows"],
        guard_signals: &[],
        program_counters: &[],
    },
];

impl System {
    /// The entry of a system. An unknown one has no signals.
    pub(crate) const fn named(os: &str) -> System {
        let mut n = 0;
        while n < SYSTEMS.len() {
            let mut name = 0;
            while name < SYSTEMS[n].names.len() {
                if equal(SYSTEMS[n].names[name].as_bytes(), os.as_bytes()) {
                    return SYSTEMS[n];
                }
                name += 1;
            }
            n += 1;
        }
        System {
            names: &[],
            guard_signals: &[],
            program_counters: &[],
        }
    }

    /// Where the address of the interrupted instruction is, if it is known.
    pub(crate) const fn program_counter(&self, arch: &str) -> Option<ProgramCounter> {
        let mut n = 0;
        while n < self.program_counters.len() {
            let (known, place) = self.program_counters[n];
            if equal(known.as_bytes(), arch.as_bytes()) {
                return Some(place);
            }
            n += 1;
        }
        // Its own where it has any; Linux's, where it is Linux.
        if !self.names.is_empty() && equal(self.names[0].as_bytes(), b"linux") {
            Target::named(arch).program_counter
        } else {
            None
        }
    }
}

/// `==`, which is no `const fn`.
const fn equal(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut n = 0;
    while n < one.len() {
        if one[n] != other[n] {
            return false;
        }
        n += 1;
    }
    true
}
