//! Where tests run: on the host, or as programs of another target under an emulator.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::target::Target;
use crate::target::toolchain::Toolchain;
use crate::workspace::{self, Workspace};

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
pub(crate) struct Platform {
    foreign: Option<Foreign>,
    /// The folder of a build in which each execution is a thread, on the host.
    portable: Option<PathBuf>,
    /// Random tests do one part in this many of their work.
    divisor: u32,
}

struct Foreign {
    target: &'static Target,
    toolchain: Toolchain,
    folder: PathBuf,
}

impl Platform {
    pub(crate) fn host() -> Self {
        Self {
            foreign: None,
            portable: None,
            divisor: 1,
        }
    }

    /// The host, with the portable backend of `sure-context`: threads switch slowly, so there is less
    /// random work.
    pub(crate) fn portable(workspace: &Workspace) -> Self {
        Self {
            portable: Some(workspace.target.join("portable")),
            divisor: 5,
            ..Self::host()
        }
    }

    pub(crate) fn target(
        target: &'static Target,
        toolchain: &Toolchain,
        workspace: &Workspace,
        divisor: u32,
    ) -> Self {
        // One folder for all targets: cargo keeps them apart by triple, and shares what is built for the host.
        let folder = workspace.target.join("xtask-targets");
        Self {
            foreign: Some(Foreign {
                target,
                toolchain: toolchain.clone(),
                folder,
            }),
            portable: None,
            divisor,
        }
    }

    /// A cargo command that builds for this place.
    pub(crate) fn cargo(&self, subcommand: &str, profile: Profile) -> Command {
        let mut command = match &self.foreign {
            None => {
                let mut command = workspace::host_cargo();
                command.arg(subcommand);
                if let Some(folder) = &self.portable {
                    command.arg("--target-dir").arg(folder);
                    command.env("RUSTFLAGS", "--cfg sure_context_portable");
                }
                command
            }
            Some(foreign) => {
                let Foreign {
                    target,
                    toolchain,
                    folder,
                } = foreign;
                let mut command = toolchain.cargo();
                // With `test` named, the doc tests find the library that the test binaries were built with; left to
                // itself, cargo would choose other features for them, and build everything twice.
                let library = if subcommand == "test" {
                    "-Zbuild-std=std,test"
                } else {
                    "-Zbuild-std"
                };
                command
                    .args([
                        subcommand,
                        library,
                        "--target",
                        target.triple,
                        "--target-dir",
                    ])
                    .arg(folder);
                let prefix = format!("CARGO_TARGET_{}", target.variable());
                command
                    .env(format!("{prefix}_LINKER"), target.linker())
                    .env(format!("{prefix}_RUNNER"), target.runner());
                // Names and lines are all that a backtrace wants; the rest would be compiled, linked and thrown away.
                command
                    .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
                    .env("CARGO_INCREMENTAL", "0");
                // Optimising again across the parts of each crate takes a fifth of the time that dependencies are compiled in.
                command.env("CARGO_PROFILE_RELEASE_LTO", "off");
                if target.names_need_debug {
                    command.env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only");
                }
                if target.debug_opt_level > 0 {
                    command.env(
                        "CARGO_PROFILE_DEV_OPT_LEVEL",
                        target.debug_opt_level.to_string(),
                    );
                }
                command
            }
        };
        if profile == Profile::Release {
            command.arg("--release");
        }
        self.tell(&mut command);
        command
    }

    /// A command that runs a program built for this place.
    pub(crate) fn program(&self, program: &Path) -> Command {
        let mut command = match &self.foreign {
            None => Command::new(program),
            Some(foreign) => {
                let runner = foreign.target.runner();
                let mut words = runner.split_whitespace();
                let mut command = Command::new(words.next().unwrap_or_default());
                command
                    .args(words)
                    .arg(program)
                    .env_remove("LD_LIBRARY_PATH");
                command
            }
        };
        self.tell(&mut command);
        command
    }

    /// What a test may need to know: how to start a child program, and how much random work to do.
    fn tell(&self, command: &mut Command) {
        let runner = self
            .foreign
            .as_ref()
            .map(|foreign| foreign.target.runner())
            .unwrap_or_default();
        command
            .env("SURE_TEST_RUNNER", runner)
            .env("SURE_TEST_DIVISOR", self.divisor.to_string());
        if self.foreign.is_some() {
            // In debug, under emulation, the names of one panic's frames take seconds; tests of backtraces ask for theirs.
            command.env("RUST_BACKTRACE", "0");
        }
    }

    /// Cargo's words for which tests to build: on the host everything, examples included.
    pub(crate) fn selection(&self, workspace: &Workspace) -> Vec<String> {
        if let Some(foreign) = &self.foreign {
            Self::library_selection(workspace, foreign.target.without)
        } else if self.portable.is_some() {
            let words = [
                "--all-features",
                "-p",
                "sure-context",
                "-p",
                "coro",
                "--test",
                "it",
            ];
            words.map(str::to_owned).into()
        } else {
            self.packages(workspace)
        }
    }

    /// Cargo's words for the tests of the libraries, some left out.
    pub(crate) fn library_selection(workspace: &Workspace, without: &[&str]) -> Vec<String> {
        let mut words = library_packages(workspace, without);
        words.extend(["--lib", "--bins", "--examples"].map(str::to_owned));
        for test in workspace.integration_tests() {
            words.extend(["--test".to_owned(), test]);
        }
        words
    }

    /// Cargo's words for the packages that are tested here.
    pub(crate) fn packages(&self, workspace: &Workspace) -> Vec<String> {
        if let Some(foreign) = &self.foreign {
            library_packages(workspace, foreign.target.without)
        } else {
            ["--all-features", "--workspace"].map(str::to_owned).into()
        }
    }

    /// How long one test binary may run, before it counts as stuck. On two quiet cores the slowest takes about a minute, and
    /// some ten times that with all its random work under an emulator.
    pub(crate) fn limit(&self) -> Duration {
        let minutes = if self.foreign.is_some() && self.divisor == 1 {
            25
        } else {
            10
        };
        Duration::from_secs(minutes * 60)
    }
}

fn library_packages(workspace: &Workspace, without: &[&str]) -> Vec<String> {
    let names = workspace
        .libraries()
        .filter(|package| !without.contains(&package.name.as_str()))
        .flat_map(|package| ["--package".to_owned(), package.name.to_string()]);
    std::iter::once("--all-features".to_owned())
        .chain(names)
        .collect()
}
