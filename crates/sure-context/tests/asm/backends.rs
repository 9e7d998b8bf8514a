//! Every backend, with the facts of its ABI. (The documents are named at the head
//! of each backend's file.)

use crate::machine::Role::{Address, Load, Memory, None, Read, Store, Write};
use crate::machine::{Machine, Role, Syntax};

macro_rules! source {
    ($name:literal) => {
        include_str!(concat!("../../src/arch/", $name))
    };
}

const MIPS: &[(&str, &[Role])] = &[
    ("sw", &[Store, Memory]),
    ("sd", &[Store, Memory]),
    ("sdc1", &[Store, Memory]),
    ("lw", &[Load, Memory]),
    ("ld", &[Load, Memory]),
    ("ldc1", &[Load, Memory]),
    ("move", &[Write, Read]),
    ("or", &[Write, Read, Read]),
    ("addiu", &[Write, Read, None]),
    ("daddiu", &[Write, Read, None]),
    ("jr", &[Read]),
];

const POWERPC: &[(&str, &[Role])] = &[
    ("bcl", &[None, None, None]),
    ("mflr", &[Address]),
    ("addi", &[Write, Read, None]),
    ("stw", &[Store, Memory]),
    ("std", &[Store, Memory]),
    ("lwz", &[Load, Memory]),
    ("ld", &[Load, Memory]),
    ("mtctr", &[Read]),
    ("mtlr", &[Read]),
    ("mr", &[Write, Read]),
    ("li", &[Write, None]),
    ("bctr", &[]),
    ("nop", &[]),
];

/// r14-r31, f14-f31, v20-v31 and three condition fields; `$more` is r2, where it is not constant.
macro_rules! powerpc_non_volatile {
    ($($more:literal),*) => {
        &[
            $($more,)*
            "r14", "r15", "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25",
            "r26", "r27", "r28", "r29", "r30", "r31", "f14", "f15", "f16", "f17", "f18", "f19",
            "f20", "f21", "f22", "f23", "f24", "f25", "f26", "f27", "f28", "f29", "f30", "f31",
            "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31",
            "cr2", "cr3", "cr4",
        ]
    };
}

const POWERPC_VOLATILE: &[&str] = &[
    "r0", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "ctr", "lr",
];

/// What has no other value for any architecture.
const INLINE: Machine = Machine {
    name: "",
    abi: "",
    sources: &[],
    facts: &[],
    stack_pointer: "sp",
    non_volatile: &[],
    volatile: &[],
    never_chosen: &[],
    clobber_abi: "C",
    landing_pad: Option::None,
    arguments: &[],
    syntax: Syntax::Plain,
    instructions: &[],
};

#[rustfmt::skip]
pub(crate) const MACHINES: &[Machine] = &[
    Machine {
        name: "x86-64",
        abi: "System V",
        sources: &[source!("x86_64.rs")],
        stack_pointer: "rsp",
        non_volatile: &["rbx", "rbp", "r12", "r13", "r14", "r15"],
        volatile: &["rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"],
        clobber_abi: "sysv64",
        instructions: &[
            ("lea", &[Write, Read]),
            ("mov", &[Write, Read]),
            ("cmp", &[Memory, Read]),
            ("je", &[None]),
            ("jmp", &[Read]),
            ("xor", &[Write, None]),
            ("push", &[Read]),
            ("nop", &[]),
        ],
        ..INLINE
    },
    Machine {
        name: "x86",
        abi: "System V",
        sources: &[source!("x86.rs")],
        stack_pointer: "esp",
        non_volatile: &["ebx", "ebp", "esi", "edi"],
        volatile: &["eax", "ecx", "edx"],
        syntax: Syntax::DestinationLast,
        instructions: &[
            ("leal", &[Read, Write]),
            ("movl", &[Read, Write]),
            ("jmp", &[Read]),
            ("xorl", &[None, Write]),
            ("pushl", &[Read]),
            ("call", &[None]),
            ("nop", &[]),
        ],
        ..INLINE
    },
    Machine {
        name: "AArch64",
        abi: "AAPCS64",
        sources: &[source!("aarch64.rs")],
        non_volatile: &[
            "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29",
            "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15",
        ],
        volatile: &[
            "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
            "x13", "x14", "x15", "x16", "x17", "x30",
        ],
        instructions: &[
            ("adr", &[Address, None]),
            ("stp", &[Store, Store, Memory]),
            ("str", &[Store, Memory]),
            ("ldp", &[Load, Load, Memory]),
            ("ldr", &[Load, Memory]),
            ("mov", &[Write, Read]),
            ("br", &[Read]),
            ("hint", &[None]),
            ("nop", &[]),
        ],
        landing_pad: Some("hint 36"),
        ..INLINE
    },
    Machine {
        name: "Arm",
        abi: "AAPCS",
        sources: &[source!("arm.rs")],
        non_volatile: &[
            "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11",
            "d8", "d9", "d10", "d11", "d12", "d13", "d14", "d15",
        ],
        volatile: &["r0", "r1", "r2", "r3", "r12", "lr"],
        instructions: &[
            ("add", &[Address, None]),
            ("str", &[Store, Memory]),
            ("ldr", &[Load, Memory]),
            ("mov", &[Write, Read]),
            ("bx", &[Read]),
        ],
        ..INLINE
    },
    Machine {
        name: "RISC-V, 32 bits",
        abi: "ilp32d",
        sources: &[source!("riscv.rs"), source!("width.rs")],
        facts: &[("target_pointer_width", "32")],
        non_volatile: &[
            "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11",
            "fs0", "fs1", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11",
        ],
        volatile: &[
            "ra", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3", "t4",
            "t5", "t6",
        ],
        instructions: &[
            ("lla", &[Address, None]),
            ("sw", &[Store, Memory]),
            ("lw", &[Load, Memory]),
            ("addi", &[Write, Read, None]),
            ("mv", &[Write, Read]),
            ("li", &[Write, None]),
            ("jr", &[Read]),
            ("nop", &[]),
        ],
        ..INLINE
    },
    Machine {
        name: "RISC-V, 64 bits",
        abi: "lp64d",
        sources: &[source!("riscv.rs"), source!("width.rs")],
        facts: &[("target_pointer_width", "64")],
        non_volatile: &[
            "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11",
            "fs0", "fs1", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11",
        ],
        volatile: &[
            "ra", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3", "t4",
            "t5", "t6",
        ],
        instructions: &[
            ("lla", &[Address, None]),
            ("sd", &[Store, Memory]),
            ("ld", &[Load, Memory]),
            ("addi", &[Write, Read, None]),
            ("mv", &[Write, Read]),
            ("li", &[Write, None]),
            ("jr", &[Read]),
            ("nop", &[]),
        ],
        ..INLINE
    },
    Machine {
        name: "LoongArch, 64 bits",
        abi: "lp64d",
        sources: &[source!("loongarch64.rs")],
        non_volatile: &[
            "fp", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8",
            "fs0", "fs1", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7",
        ],
        volatile: &[
            "ra", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3", "t4",
            "t5", "t6", "t7", "t8",
        ],
        instructions: &[
            ("la.pcrel", &[Address, None]),
            ("st.d", &[Store, Memory, None]),
            ("ld.d", &[Load, Memory, None]),
            ("addi.d", &[Write, Read, None]),
            ("move", &[Write, Read]),
            ("jr", &[Read]),
            ("nop", &[]),
        ],
        ..INLINE
    },
    Machine {
        name: "s390x",
        abi: "ELF",
        sources: &[source!("s390x.rs")],
        stack_pointer: "r15",
        non_volatile: &[
            "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13",
            "f8", "f9", "f10", "f11", "f12", "f13", "f14", "f15",
        ],
        volatile: &["r0", "r1", "r2", "r3", "r4", "r5", "r14"],
        instructions: &[
            ("larl", &[Address, None]),
            ("stg", &[Store, Memory]),
            ("lg", &[Load, Memory]),
            ("lay", &[Write, Memory]),
            ("lghi", &[Write, None]),
            ("br", &[Read]),
            ("nop", &[]),
        ],
        ..INLINE
    },
    Machine {
        name: "PowerPC, 32 bits",
        abi: "System V",
        sources: &[source!("powerpc.rs"), source!("width.rs")],
        facts: &[("target_pointer_width", "32")],
        stack_pointer: "r1",
        non_volatile: powerpc_non_volatile!(),
        volatile: POWERPC_VOLATILE,
        never_chosen: &["lr", "ctr"],
        syntax: Syntax::Numbers,
        instructions: POWERPC,
        ..INLINE
    },
    Machine {
        name: "PowerPC, 64 bits",
        abi: "ELFv1",
        sources: &[source!("powerpc.rs"), source!("width.rs")],
        facts: &[("target_pointer_width", "64"), ("target_abi", "elfv1")],
        stack_pointer: "r1",
        non_volatile: powerpc_non_volatile!("r2"),
        volatile: POWERPC_VOLATILE,
        never_chosen: &["lr", "ctr"],
        syntax: Syntax::Numbers,
        instructions: POWERPC,
        ..INLINE
    },
    Machine {
        name: "PowerPC, 64 bits",
        abi: "ELFv2",
        sources: &[source!("powerpc.rs"), source!("width.rs")],
        facts: &[("target_pointer_width", "64"), ("target_abi", "elfv2")],
        stack_pointer: "r1",
        non_volatile: powerpc_non_volatile!("r2"),
        volatile: POWERPC_VOLATILE,
        never_chosen: &["lr", "ctr"],
        syntax: Syntax::Numbers,
        instructions: POWERPC,
        ..INLINE
    },
    Machine {
        name: "MIPS, 32 bits",
        abi: "o32",
        sources: &[source!("mips.rs"), source!("mips/o32.rs")],
        facts: &[("target_pointer_width", "32"), ("target_endian", "big")],
        stack_pointer: "$29",
        // $28 belongs to the running function, whose caller may expect it back.
        non_volatile: &[
            "$16", "$17", "$18", "$19", "$20", "$21", "$22", "$23", "$28", "$30",
            "f20", "f22", "f24", "f26", "f28", "f30",
        ],
        arguments: &["$4", "$5", "$6", "$7"],
        instructions: MIPS,
        ..INLINE
    },
    Machine {
        name: "MIPS, 64 bits",
        abi: "n64",
        sources: &[source!("mips.rs"), source!("mips/n64.rs")],
        facts: &[("target_pointer_width", "64")],
        stack_pointer: "$29",
        non_volatile: &[
            "$16", "$17", "$18", "$19", "$20", "$21", "$22", "$23", "$28", "$30",
            "f24", "f25", "f26", "f27", "f28", "f29", "f30", "f31",
        ],
        arguments: &["$4", "$5", "$6", "$7"],
        instructions: MIPS,
        ..INLINE
    },
    Machine {
        name: "SPARC, 64 bits",
        abi: "V9",
        sources: &[source!("sparc64.rs")],
        // The window, which `flushw` puts into the frame, but for its %fp and
        // return address, which the other side exchanges.
        non_volatile: &["fp", "i7"],
        arguments: &["i0", "i1", "i2", "i3"],
        syntax: Syntax::DestinationLast,
        instructions: &[
            ("save", &[None, None, None]),
            ("flushw", &[]),
            ("mov", &[Read, Write]),
            ("add", &[Read, None, Write]),
            ("sub", &[Read, None, Write]),
            ("or", &[Read, Read, Write]),
            ("stx", &[Store, Memory]),
            ("ldx", &[Memory, Load]),
            ("jmp", &[Read]),
            ("ret", &[]),
            ("restore", &[]),
        ],
        ..INLINE
    },
];
