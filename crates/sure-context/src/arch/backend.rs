//! No architecture at all: one error, and enough for the rest of the crate to
//! compile, so that the error stands alone.

compile_error!(
    "sure-context has no context switch for this target; it has one for x86_64, x86, aarch64, \
     arm, riscv64, mips, mips64, powerpc, powerpc64, s390x and loongarch64, except on Windows"
);
