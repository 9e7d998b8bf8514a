//! Where tests run: on the host, or as programs of another target under an emulator.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cargo_metadata::TargetKind;

use crate::target::Target;
use crate::target::instrumented::Build;
use crate::target::toolchain::Toolchain;
use crate::workspace::{self, Workspace};

/// Tests of the libraries that start cargo, and are therefore left out everywhere but on the host.
const START_CARGO: [&str; 2] = ["example", "mutants"];

/// What qemu's emulators must be told. In qemu 7.2 a child that a program with threads forks may wait for ever, for a lock of
/// glib's slice allocator that a thread of its parent held (<https://gitlab.com/qemu-project/qemu/-/issues/285>, mended since):
/// glib uses malloc instead, which survives a fork. Later versions of glib do not read this.
pub(crate) const EMULATOR: [(&str, &str); 1] = [("G_SLICE", "always-malloc")];

/// Debug or release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Debug,
    Release,
}

impl Profile {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }
}

/// A place where tests run.
pub(crate) struct Platform<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) place: Place<'a>,
    /// Random tests do one part in this many of their work.
    pub(crate) divisor: u32,
    /// Libraries that are left out.
    pub(crate) without: &'static [&'static str],
}

pub(crate) enum Place<'a> {
    Host,
    /// The host, with the portable backend of `sure-context`.
    Portable,
    /// The host, compiled for a sanitizer.
    Sanitized(&'a Build),
    Foreign(&'static Target, &'a Toolchain),
}

impl Platform<'_> {
    /// The target, unless it is the host.
    fn foreign(&self) -> Option<&'static Target> {
        match self.place {
            Place::Foreign(target, _) => Some(target),
            Place::Host | Place::Portable | Place::Sanitized(_) => None,
        }
    }

    /// A cargo command that builds for this place.
    pub(crate) fn cargo(&self, subcommand: &str, profile: Profile) -> Command {
        let mut command = match self.place {
            Place::Foreign(_, toolchain) => toolchain.cargo(),
            Place::Sanitized(build) => build.cargo(),
            Place::Host | Place::Portable => workspace::host_cargo(),
        };
        command.arg(subcommand);
        if profile == Profile::Release {
            command.arg("--release");
        }
        let target = &self.workspace.target;
        match self.place {
            Place::Host => {}
            Place::Portable => {
                command
                    .arg("--target-dir")
                    .arg(target.join("portable"))
                    .env("RUSTFLAGS", "--cfg sure_context_portable");
            }
            Place::Sanitized(build) => build.compile(&mut command, target),
            Place::Foreign(foreign, _) => {
                // With `test` named, the doc tests find the library that the test binaries were built with; left to
                // itself, cargo would choose other features for them, and build everything twice.
                // So do programs that are built beside tests.
                let library = match foreign.runs() {
                    true => "-Zbuild-std=std,test",
                    false => "-Zbuild-std",
                };
                let prefix = format!("CARGO_TARGET_{}", foreign.triple.to_uppercase());
                let prefix = prefix.replace('-', "_");
                command
                    .args([library, "--target", foreign.triple, "--target-dir"])
                    .arg(self.workspace.build_folder(foreign.triple))
                    .env(format!("{prefix}_LINKER"), foreign.linker())
                    .env(format!("{prefix}_RUNNER"), foreign.runner())
                    .env("CARGO_INCREMENTAL", "0")
                    // Names and lines are all that a backtrace wants; the rest would be compiled, linked and thrown away.
                    .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
                    // Optimising again across the parts of each crate takes a fifth of the time that dependencies are
                    // compiled in.
                    .env("CARGO_PROFILE_RELEASE_LTO", "off")
                    .envs(foreign.env.iter().copied());
            }
        }
        self.tell(&mut command);
        command
    }

    /// A command that runs a program built for this place.
    pub(crate) fn program(&self, program: &Path) -> Command {
        let runner = self.runner();
        let words = runner.split_whitespace().map(OsStr::new);
        let mut words = words.chain([program.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        self.tell(&mut command);
        command
    }

    /// The words to put before a program to run it here; none on the host.
    fn runner(&self) -> String {
        self.foreign().map(Target::runner).unwrap_or_default()
    }

    /// What a test may need to know: how to start a child program, and how much random work to do.
    fn tell(&self, command: &mut Command) {
        command
            .env("SURE_TEST_RUNNER", self.runner())
            .env("SURE_TEST_DIVISOR", self.divisor.to_string());
        if let Place::Sanitized(build) = self.place {
            build.sanitizer.tell(command);
            // As below, for what instrumented code costs.
            command.env("RUST_BACKTRACE", "0");
        }
        if self.foreign().is_some() {
            // In debug, under emulation, the names of one panic's frames take seconds; tests of backtraces ask for theirs.
            command.env("RUST_BACKTRACE", "0");
            // It is for programs of the host.
            command.env_remove("LD_LIBRARY_PATH");
            command.envs(EMULATOR);
        }
    }

    /// Cargo's words for the packages that are tested here.
    pub(crate) fn packages(&self) -> Vec<String> {
        let names: Vec<_> = match self.place {
            Place::Host => return ["--all-features", "--workspace"].map(str::to_owned).into(),
            Place::Portable => ["sure-context", "coro"].map(str::to_owned).into(),
            Place::Sanitized(_) => ["sure-context", "sure-stack", "coro"]
                .map(str::to_owned)
                .into(),
            Place::Foreign(..) => {
                let libraries = self.workspace.libraries();
                let names = libraries.map(|package| package.name.to_string());
                names
                    .filter(|name| !self.without.contains(&name.as_str()))
                    .collect()
            }
        };
        let mut words = vec!["--all-features".to_owned()];
        words.extend(names.into_iter().map(|name| format!("--package={name}")));
        words
    }

    /// Cargo's words for which tests to build: on the host everything; elsewhere no benchmarks, and examples, which show the
    /// same everywhere, only where all else is done in full.
    pub(crate) fn selection(&self) -> Vec<String> {
        let mut words = self.packages();
        match self.place {
            Place::Host => {}
            Place::Portable => words.push("--test=it".to_owned()),
            Place::Sanitized(_) => {
                words.extend(["--lib", "--test=it", "--test=property"].map(str::to_owned));
            }
            Place::Foreign(..) => {
                words.extend(["--lib", "--bins"].map(str::to_owned));
                if self.divisor == 1 {
                    words.push("--examples".to_owned());
                }
                let libraries = self.workspace.libraries();
                let targets = libraries.flat_map(|package| &package.targets);
                let tests = targets.filter(|target| {
                    target.is_kind(TargetKind::Test) && !START_CARGO.contains(&&*target.name)
                });
                let tests: BTreeSet<_> =
                    tests.map(|test| format!("--test={}", test.name)).collect();
                words.extend(tests);
            }
        }
        words
    }

    /// Whether programs run under an emulator here.
    pub(crate) fn is_emulated(&self) -> bool {
        self.foreign().is_some()
    }

    /// How long one test binary may run, before it counts as stuck. On two quiet cores the slowest takes about a minute; under
    /// an emulator some twenty times that with all its random work, and as long with a part of it.
    pub(crate) fn limit(&self) -> Duration {
        let minutes = match (self.is_emulated(), self.divisor) {
            (true, 1) => 25,
            (true, _) => 5,
            (false, _) => 10,
        };
        Duration::from_secs(minutes * 60)
    }
}
