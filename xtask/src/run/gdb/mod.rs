//! `cargo xtask gdb`: the script of `coro` for gdb, on a program that hangs.
//!
//! On the host in debug, and in release with debug information: a process and its core file. On a target, the
//! process in an emulator, through the emulator's stub for debuggers.

mod checks;
mod core;
mod session;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use self::checks::Build;
use self::session::Session;
use super::{exec, programs};
use crate::report::{Report, Section};
use crate::target::platform::{Place, Platform, Profile};
use crate::target::setup::{self, Consent, find_program};
use crate::target::toolchain::Toolchain;
use crate::target::{self, Target};
use crate::workspace::{self, Workspace};

/// From the root.
const SCRIPT: &str = "crates/coro/gdb/coro-gdb.py";

/// What is tried besides the host when nothing is named.
pub(crate) const TARGET: &str = "mips-unknown-linux-gnu";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Triples of targets to try besides the host; `all` for every one
    #[arg(default_value = TARGET)]
    targets: Vec<String>,
    #[command(flatten)]
    consent: Consent,
}

pub(crate) fn run(args: &Args) -> Result<bool> {
    setup::debuggers(args.consent)?;
    let targets = target::select(&args.targets)?;
    let toolchain = setup::ensure(&targets, args.consent)?;
    let workspace = Workspace::read()?;
    let mut report = Report::new();
    report.section("gdb", || section(&workspace, &toolchain, &targets));
    Ok(report.finish())
}

/// Installs the debuggers if it may. Without them the section says that it is left out.
pub(crate) fn ensure(consent: Consent) {
    if let Err(error) = setup::debuggers(consent) {
        println!("   {error:#}");
    }
}

/// The host and these targets, less those that have no emulator.
pub(crate) fn section(
    workspace: &Workspace,
    toolchain: &Toolchain,
    targets: &[&'static Target],
) -> Result<Section> {
    let mut section = Section::new(workspace.log("gdb")?);
    let trial = Trial {
        workspace,
        log: workspace.log("gdb")?,
    };
    if find_program("gdb").is_none() || find_program("gdb-multiarch").is_none() {
        section.note = "SKIPPED: gdb and gdb-multiarch are not installed".to_owned();
        println!("   {}", section.note);
        return Ok(section);
    }
    for profile in [Profile::Debug, Profile::Release] {
        let found = trial.on_host(profile);
        count(&mut section, &format!("host, {}", profile.name()), found);
    }
    for target in targets.iter().filter(|target| target.runs()) {
        let found = trial.on_target(target, toolchain);
        count(&mut section, target.triple, found);
    }
    Ok(section)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is not text")
}

/// What was wrong in each session.
type Found = Vec<(&'static str, Vec<String>)>;

fn count(section: &mut Section, place: &str, found: Result<Found>) {
    let found = found.unwrap_or_else(|error| vec![("", vec![format!("{error:#}")])]);
    for (session, complaints) in found {
        match complaints.is_empty() {
            true => section.passed += 1,
            false => section.failed += 1,
        }
        for complaint in complaints {
            println!("   {place}, {session}: {complaint}");
        }
    }
}

struct Trial<'a> {
    workspace: &'a Workspace,
    log: PathBuf,
}

impl Trial<'_> {
    /// A process, and then its core file.
    fn on_host(&self, profile: Profile) -> Result<Found> {
        let program = programs::build(self.workspace, "hang", profile, &self.log)?;
        let build = Build {
            lines: true,
            variables: profile == Profile::Debug,
        };

        let mut live = Session::new("gdb");
        live.trust(&self.workspace.target)
            .run(&format!("break {}", checks::stop()?))
            .run("tbreak main")
            .run("run < /dev/null")
            // Tracking has not begun yet.
            .ask("info coroutines")
            .run("continue");
        checks::ask(&mut live);
        // A coroutine is selected, and the program goes on as if nothing had happened.
        live.ask("print tasks.data_ptr[3]")
            .ask("print tasks.data_ptr[3].stack")
            .run("coroutine 4")
            .ask("continue");
        let live = live.words(&[text(&program)?]).finish(&self.log)?;
        let mut of_process = checks::complaints(&live, build)?;
        for (question, wanted) in [
            ("info coroutines", "No coroutine is tracked"),
            ("continue", "exited normally"),
            ("print tasks.data_ptr[3]", "Coroutine {4, suspended at "),
            ("print tasks.data_ptr[3].stack", "KiB}"),
        ] {
            // In release the compiler has put these variables elsewhere.
            if question.starts_with("print") && !build.variables {
                continue;
            }
            if !live.to(question).contains(wanted) {
                of_process.push(format!("{question}: no {wanted:?}"));
            }
        }
        let of_core = match core::file_of(&program, &self.workspace.target)? {
            Some(core) => {
                let mut dead = Session::new("gdb");
                dead.run(&format!("source {SCRIPT}"));
                checks::ask(&mut dead);
                let dead = dead
                    .words(&[text(&program)?, text(&core)?])
                    .finish(&self.log);
                std::fs::remove_file(core).ok();
                checks::complaints(&dead?, build)?
            }
            None => {
                println!(
                    "   SKIPPED: a core file (the kernel writes none here: see {})",
                    core::PATTERN
                );
                Vec::new()
            }
        };
        Ok(vec![("process", of_process), ("core file", of_core)])
    }

    /// A process in the target's emulator.
    fn on_target(&self, target: &'static Target, toolchain: &Toolchain) -> Result<Found> {
        let program = self.target_program(target, toolchain)?;
        let socket = self.workspace.target.join(format!("gdb-{}", target.triple));
        std::fs::remove_file(&socket).ok();
        let _emulator = Emulator::start(target, &program, &socket)?;
        let mut session = Session::new("gdb-multiarch");
        session
            .run(&format!("source {SCRIPT}"))
            .run(&format!("set sysroot {}", target.sysroot()))
            .run(&format!("target remote {}", socket.display()))
            .run(&format!("break {}", checks::stop()?))
            .run("continue");
        checks::ask(&mut session);
        let answers = session
            .run("kill")
            .words(&[text(&program)?])
            .finish(&self.log)?;
        let build = Build {
            lines: true,
            variables: false,
        };
        Ok(vec![("emulator", checks::complaints(&answers, build)?)])
    }

    /// As the example that it is. What it depends on has been built before, for the tests of that target; only this
    /// workspace's own part of it is compiled again, without optimisation, because every line and frame shall be there.
    fn target_program(&self, target: &'static Target, toolchain: &Toolchain) -> Result<PathBuf> {
        let platform = Platform {
            workspace: self.workspace,
            place: Place::Foreign(target, toolchain),
            divisor: 1,
            without: target.without,
        };
        let mut command = platform.cargo("build", Profile::Release);
        command.args(platform.packages()).arg("--example=hang");
        for package in self.workspace.libraries() {
            let profile = format!("profile.release.package.{}", package.name);
            command.arg(format!("--config={profile}.opt-level=0"));
            command.arg(format!("--config={profile}.debug='line-tables-only'"));
        }
        let finished = exec::run(&mut command, &self.log, Duration::from_secs(20 * 60))?;
        if !finished.success() {
            bail!("not built: {}", exec::complaints(&finished.stderr));
        }
        let folder = self.workspace.build_folder(target.triple);
        Ok(folder.join(target.triple).join("release/examples/hang"))
    }
}

/// An emulator that waits for a debugger; it ends with this.
struct Emulator(Child);

impl Emulator {
    fn start(target: &Target, program: &Path, socket: &Path) -> Result<Emulator> {
        let runner = target.runner();
        let mut words = runner.split_whitespace();
        let child = Command::new(words.next().unwrap_or_default())
            .args(words)
            .arg("-g")
            .arg(socket)
            .arg(program)
            .current_dir(workspace::root())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {runner}"))?;
        let emulator = Emulator(child);
        // It has made the socket before it waits there.
        for _ in 0..300 {
            if socket.exists() {
                return Ok(emulator);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        bail!("{runner} does not wait for a debugger")
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It has ended already where gdb has killed the program.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
