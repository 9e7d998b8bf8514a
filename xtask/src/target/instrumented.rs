//! Compiling for a sanitizer: with which compiler, and with which runtime.
//!
//! The sanitizers are unstable, so the compiler has to be told that this is meant. Their runtimes come with every
//! toolchain of rustup's, and not with Debian's compiler; any runtime serves any compiler, because what they call each other by
//! is LLVM's interface and has long been the same.

use std::env::consts::ARCH;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::sanitizers::Sanitizer;
use crate::target::toolchain::{DEBIAN_PACKAGES, Toolchain};
use crate::workspace;

/// How programs are compiled for a sanitizer.
pub(crate) struct Build {
    pub(crate) sanitizer: &'static Sanitizer,
    compiler: Compiler,
}

enum Compiler {
    /// The one that has built this program, whose standard library is as it comes, without the sanitizer.
    Host,
    /// One that builds the standard library, too; and the runtime, which may be another compiler's.
    Whole(Toolchain, PathBuf),
}

impl Build {
    /// Else what is missing here.
    pub(crate) fn find(sanitizer: &'static Sanitizer) -> Result<Self, String> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let of_host = runtime(&rustc, sanitizer);
        let missing = || {
            let name = sanitizer.name;
            format!("no runtime of -Zsanitizer={name} is here; a toolchain of rustup's has it")
        };
        let compiler = match sanitizer.whole {
            false => of_host.map(|_| Compiler::Host).ok_or_else(missing)?,
            true => {
                let toolchain = Toolchain::find().ok_or_else(|| {
                    let packages = DEBIAN_PACKAGES.join(" ");
                    format!("no compiler is here that can build the standard library; Debian's can: {packages}")
                })?;
                let own = runtime(toolchain.rustc().as_os_str(), sanitizer);
                Compiler::Whole(toolchain, own.or(of_host).ok_or_else(missing)?)
            }
        };
        Ok(Self {
            sanitizer,
            compiler,
        })
    }

    pub(crate) fn cargo(&self) -> Command {
        match &self.compiler {
            Compiler::Host => workspace::host_cargo(),
            Compiler::Whole(toolchain, _) => toolchain.cargo(),
        }
    }

    /// Makes a command of that cargo compile for the sanitizer, below `target`.
    pub(crate) fn compile(&self, command: &mut Command, target: &Path) {
        let mut flags = format!("-Zsanitizer={}", self.sanitizer.name);
        match &self.compiler {
            Compiler::Host => flags += " -Cunsafe-allow-abi-mismatch=sanitizer",
            Compiler::Whole(_, runtime) => {
                // Before the libraries of the system, because it asks for more of them than the program does; and all of it,
                // because what the program calls of those libraries it has to call there.
                flags += &format!(
                    " -Zexternal-clangrt -Zpre-link-arg=-Wl,--whole-archive,{},--no-whole-archive",
                    runtime.display()
                );
                command
                    .arg("-Zbuild-std=std,test")
                    // Names and lines for a backtrace, which each child that aborts prints, take seconds in a standard
                    // library that is instrumented and not optimised: more than some tests wait.
                    .arg("--config=profile.dev.package.'*'.opt-level=1");
            }
        }
        command
            // With a target named, flags for the program are no flags for what builds it.
            .arg(format!("--target={ARCH}-unknown-linux-gnu"))
            .arg("--target-dir")
            .arg(target.join(self.sanitizer.short))
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", flags)
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only");
    }
}

/// The sanitizer's runtime among the libraries of a compiler.
fn runtime(rustc: &OsStr, sanitizer: &Sanitizer) -> Option<PathBuf> {
    let mut command = Command::new(rustc);
    command.args(["--print", "target-libdir"]);
    let said = command.current_dir(workspace::root()).output().ok()?;
    let folder = PathBuf::from(String::from_utf8(said.stdout).ok()?.trim());
    let ending = format!("_rt.{}.a", sanitizer.short);
    let files = folder.read_dir().ok()?.flatten();
    let mut files = files.map(|file| file.path());
    files.find(|file| file.to_str().is_some_and(|name| name.ends_with(&ending)))
}
