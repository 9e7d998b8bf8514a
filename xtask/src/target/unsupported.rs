//! Which targets have a context switch; and what a build for another one says: one sentence that lists the targets
//! that have one, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::report::Section;
use crate::run::{exec, side_by_side};
use crate::target::toolchain::Toolchain;
use crate::workspace::Workspace;

/// Targets for which the whole crate is checked: the sentence must stand alone. One whose programs cannot reach their own
/// stack; one without the floating-point registers that its backend saves; one with another calling convention; one without a
/// red zone.
const CHECKED: [&str; 4] = [
    "wasm32-unknown-unknown",
    "mips-unknown-linux-musl",
    "x86_64-unknown-uefi",
    "x86_64-unknown-none",
];

/// Targets that look like others which have a context switch, and for which none may be selected. (For the reasons see
/// `selection.rs`; Windows is then given the portable backend, and the others are refused.)
const REFUSED: [&str; 28] = [
    "aarch64-pc-windows-msvc",
    "aarch64-unknown-linux-gnu_ilp32",
    "aarch64-unknown-uefi",
    "arm64_32-apple-watchos",
    "armeb-unknown-linux-gnueabi",
    "armv7k-apple-watchos",
    "i686-apple-darwin",
    "i686-pc-windows-gnu",
    "i686-unknown-uefi",
    "mips64-openwrt-linux-musl",
    "mipsel-sony-psp",
    "mipsel-unknown-linux-uclibc",
    "mipsel-unknown-none",
    "powerpc-unknown-linux-gnuspe",
    "powerpc64-ibm-aix",
    "riscv32e-unknown-none-elf",
    "s390x-unknown-none-softfloat",
    "sparc-unknown-linux-gnu",
    "thumbv6m-none-eabi",
    "thumbv7a-pc-windows-msvc",
    "thumbv7m-none-eabi",
    "x86_64-fortanix-unknown-sgx",
    "x86_64-pc-cygwin",
    "x86_64-pc-windows-msvc",
    "x86_64-unknown-hermit",
    "x86_64-unknown-linux-gnux32",
    "x86_64-unknown-uefi",
    "x86_64-wrs-vxworks",
];

/// Targets with a context switch, and the file that has it.
const ADMITTED: [(&str, &str); 29] = [
    ("aarch64-apple-darwin", "aarch64"),
    ("aarch64-linux-android", "aarch64"),
    ("aarch64-unknown-linux-gnu", "aarch64"),
    ("aarch64-unknown-linux-musl", "aarch64"),
    ("aarch64-unknown-none", "aarch64"),
    ("armv7-linux-androideabi", "arm"),
    ("armv7-unknown-linux-gnueabihf", "arm"),
    ("i586-unknown-linux-gnu", "x86"),
    ("i686-unknown-linux-gnu", "x86"),
    ("loongarch64-unknown-linux-gnu", "loongarch64"),
    ("mips-unknown-linux-gnu", "mips"),
    ("mips64el-unknown-linux-gnuabi64", "mips"),
    ("mips64el-unknown-linux-muslabi64", "mips"),
    ("mipsisa32r6el-unknown-linux-gnu", "mips"),
    ("powerpc-unknown-linux-gnu", "powerpc"),
    ("powerpc64-unknown-freebsd", "powerpc"),
    ("powerpc64-unknown-linux-gnu", "powerpc"),
    ("powerpc64le-unknown-linux-gnu", "powerpc"),
    ("riscv32gc-unknown-linux-gnu", "riscv"),
    ("riscv32imac-unknown-none-elf", "riscv"),
    ("riscv64gc-unknown-linux-gnu", "riscv"),
    ("riscv64imac-unknown-none-elf", "riscv"),
    ("s390x-unknown-linux-gnu", "s390x"),
    ("sparc64-unknown-linux-gnu", "sparc64"),
    ("x86_64-apple-darwin", "x86_64"),
    ("x86_64-linux-android", "x86_64"),
    ("x86_64-unknown-freebsd", "x86_64"),
    ("x86_64-unknown-linux-gnu", "x86_64"),
    ("x86_64-unknown-linux-musl", "x86_64"),
];

pub(crate) fn section(workspace: &Workspace, toolchain: &Toolchain) -> Result<Section> {
    let log = workspace.log("unsupported")?;
    let mut section = Section::new(log.clone());
    let mut count = |good: bool| {
        section.passed += usize::from(good);
        section.failed += usize::from(!good);
    };

    let selection = Selection::new(workspace)?;
    let refused = REFUSED.iter().map(|triple| (*triple, "backend"));
    for (triple, wanted) in refused.chain(ADMITTED) {
        let chosen = selection.of(triple, toolchain, &log)?;
        let good = chosen == wanted;
        if !good {
            println!(
                "   {triple} should have the context switch of {wanted}.rs; instead: {chosen}"
            );
        }
        count(good);
    }

    let checked = side_by_side::map(side_by_side::BUILDS, CHECKED, |triple| {
        let mut command = toolchain.cargo();
        command
            .args(["check", "-Zbuild-std=core", "--target", triple])
            .args(["--package", "sure-context", "--target-dir"])
            .arg(workspace.build_folder(triple));
        exec::run(&mut command, &log, Duration::from_secs(10 * 60))
    });
    for (triple, finished) in CHECKED.iter().zip(checked) {
        let finished = finished?;
        let errors = errors(&finished.stderr);
        let refused =
            !finished.success() && matches!(errors[..], [only] if only.contains("support"));
        if refused {
            println!("   {triple}: {}", errors[0]);
        } else {
            println!(
                "   {triple} should be refused with one sentence that lists what is supported; instead:"
            );
            println!("{}", finished.stderr);
        }
        count(refused);
    }
    Ok(section)
}

/// The crate's selection in a program of its own, whose backends are errors that say their names. It needs no standard library
/// (not even `core`), so that a target takes a moment instead of the time to compile one.
struct Selection {
    folder: PathBuf,
}

impl Selection {
    fn new(workspace: &Workspace) -> Result<Self> {
        let arch = crate::workspace::root().join("crates/sure-context/src/arch");
        let folder = workspace.target.join("xtask-selection");
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let selection = fs::read_to_string(arch.join("selection.rs"))?;
        let names = ADMITTED.iter().map(|(_, file)| *file);
        for name in names.chain(["backend"]) {
            let file = folder.join(name).with_extension("rs");
            fs::write(file, format!("compile_error!(\"{CHOSEN}{name}\");\n"))?;
        }
        fs::write(folder.join("selection.rs"), selection)?;
        fs::write(folder.join("lib.rs"), PROGRAM)?;
        Ok(Self { folder })
    }

    /// The name of the file that is chosen for a target, or what the compiler says instead.
    fn of(&self, triple: &str, toolchain: &Toolchain, log: &Path) -> Result<String> {
        let cargo = toolchain.cargo();
        let mut command = Command::new(Path::new(cargo.get_program()).with_file_name("rustc"));
        command
            .args([
                "--crate-type=lib",
                "--emit=metadata",
                "--target",
                triple,
                "lib.rs",
            ])
            .env("RUSTC_BOOTSTRAP", "1")
            .current_dir(&self.folder);
        let finished = exec::run(&mut command, log, Duration::from_secs(60))?;
        Ok(chosen(&finished.stderr))
    }
}

/// What precedes the name of a chosen file.
const CHOSEN: &str = "the selection chose ";

const PROGRAM: &str = "\
#![feature(no_core, rustc_attrs)]
#![no_core]
#![allow(internal_features)]

#[rustc_builtin_macro]
macro_rules! compile_error {
    () => {};
}

#[macro_use]
mod selection;

select_by_architecture! {
    mod backend;
}
";

/// The one file that was chosen, or all errors.
fn chosen(stderr: &str) -> String {
    match errors(stderr)[..] {
        [only] => match only.split_once(CHOSEN) {
            Some((_, name)) => name.to_owned(),
            None => only.to_owned(),
        },
        _ => stderr.to_owned(),
    }
}

/// The errors a build ended with, without cargo's own closing line.
fn errors(stderr: &str) -> Vec<&str> {
    let lines = stderr.lines().filter(|line| line.starts_with("error"));
    lines
        .filter(|line| !line.contains("could not compile") && !line.starts_with("error: aborting"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{chosen, errors};

    #[test]
    fn cargos_own_line_is_no_error() {
        let stderr = "   Compiling x\nerror: no switch; supported are: …\n  --> src\n\nerror: could not compile `x`\n";
        assert_eq!(errors(stderr), ["error: no switch; supported are: …"]);
        assert_eq!(errors("error: a\nerror[E0432]: b\n").len(), 2);
    }
    #[test]
    fn the_chosen_file_is_what_the_only_error_names() {
        let stderr = "error: the selection chose mips\n --> mips.rs\n\nerror: aborting due to 1 previous error\n";
        assert_eq!(chosen(stderr), "mips");
        assert_eq!(chosen("error: no such target\n"), "error: no such target");
        assert!(chosen("error: the selection chose a\nerror: b\n").contains("error: b"));
    }
}
