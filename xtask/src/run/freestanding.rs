//! `cargo xtask freestanding`: the battery of `sure-context` without any library of the system, at every optimisation level.
//!
//! `ci/freestanding` is four programs per target, which start themselves and speak to the kernel: no C library, no C compiler. So
//! it runs wherever rustc can build `core` and qemu has an emulator, loongarch64 among them, and takes less than a minute a target.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::{exec, landing_pads, side_by_side};
use crate::report::{self, Report, Section};
use crate::target::freestanding::{Machine, ensure, select};
use crate::target::setup::{self, Consent};
use crate::target::toolchain::Toolchain;
use crate::workspace::{self, Workspace};

/// The random work is divided by this: the other runs of these tests do all of it.
const DIVISOR: &str = "20";

/// All levels of optimisation.
pub(crate) const LEVELS: &[u8] = &[0, 1, 2, 3];

/// That which CI tries, where most values are in registers across a switch. `cargo xtask freestanding` and `ci --full` try all.
pub(crate) const HIGHEST: &[u8] = &[3];

/// The switches, as the programs name them.
const OPERATIONS: [&str; 4] = ["resume", "switch", "exit_to", "descend"];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rust's names for the targets; `all` for every one
    #[arg(default_value = "all")]
    targets: Vec<String>,
    #[command(flatten)]
    consent: Consent,
}

pub(crate) fn run(args: &Args) -> Result<bool> {
    let machines = select(&args.targets)?;
    ensure(&machines, args.consent)?;
    let toolchain = setup::ensure(&[], args.consent)?;
    let workspace = Workspace::read()?;
    let mut report = Report::new();
    report.section("freestanding", || {
        section(&workspace, &toolchain, &machines, LEVELS)
    });
    Ok(report.finish())
}

/// What one program has said.
#[derive(Debug, Default, PartialEq)]
struct Said {
    announced: usize,
    passed: usize,
    /// The test that has begun and not ended.
    open: Option<String>,
    /// For each operation, how many operands were taken from a register, from an argument, and from what is kept over a call.
    placements: BTreeMap<String, [usize; 3]>,
}

fn read(output: &str) -> Said {
    let mut said = Said::default();
    for line in output.lines() {
        match *line.split_whitespace().collect::<Vec<_>>() {
            ["running", number, "tests"] => said.announced = number.parse().unwrap_or(0),
            ["begin", name] => said.open = Some(name.to_owned()),
            ["test", _, "...", "ok"] => {
                said.passed += 1;
                said.open = None;
            }
            ["placements:", operation, ref numbers @ ..] => {
                let numbers: Vec<_> = numbers.iter().flat_map(|number| number.parse()).collect();
                if let Ok(numbers) = numbers.try_into() {
                    said.placements.insert(operation.to_owned(), numbers);
                }
            }
            _ => {}
        }
    }
    said
}

/// What the four programs of a target have done.
struct Found {
    machine: &'static Machine,
    /// For each level what was said, or why nothing was.
    levels: Vec<(u8, Result<Said, String>)>,
    built: Duration,
    ran: Duration,
}

/// Builds and runs all programs, as many targets at a time as there are processors, and prints the table.
pub(crate) fn section(
    workspace: &Workspace,
    toolchain: &Toolchain,
    machines: &[&'static Machine],
    levels: &[u8],
) -> Result<Section> {
    let at_once = thread::available_parallelism().map_or(2, usize::from);
    let all_found = side_by_side::map(at_once, machines, |machine| {
        let possible = machine.levels.iter().filter(|level| levels.contains(level));
        try_out(
            workspace,
            toolchain,
            machine,
            &possible.copied().collect::<Vec<_>>(),
        )
    });
    Ok(judge(&all_found, levels))
}

fn try_out(
    workspace: &Workspace,
    toolchain: &Toolchain,
    machine: &'static Machine,
    levels: &[u8],
) -> Found {
    let started = Instant::now();
    let folder = workspace.target.join("freestanding").join(machine.name);
    let log = workspace.log(&format!("freestanding {}", machine.name));
    let built = log.and_then(|log| build(toolchain, machine, levels, &folder, &log).map(|()| log));
    let in_between = Instant::now();
    let levels = match built {
        Ok(log) => {
            let programs = folder.join(machine.triple).join("release");
            let run = |level| {
                let program = programs.join(format!("level-{level}"));
                let said = start(machine, &program, &log)?;
                if machine.landing_pads {
                    let needed = landing_pads::are_needed(machine, &program, &log);
                    needed.map_err(|error| format!("{error:#}"))?;
                }
                Ok(said)
            };
            levels.iter().map(|&level| (level, run(level))).collect()
        }
        Err(error) => vec![(levels[0], Err(format!("{error:#}")))],
    };
    Found {
        machine,
        levels,
        built: in_between - started,
        ran: in_between.elapsed(),
    }
}

/// Builds `core`, `alloc` and the programs, by one job: other targets are built at the same time.
fn build(
    toolchain: &Toolchain,
    machine: &Machine,
    levels: &[u8],
    folder: &Path,
    log: &Path,
) -> Result<()> {
    let variable = format!(
        "CARGO_TARGET_{}_RUSTFLAGS",
        machine.triple.to_uppercase().replace('-', "_")
    );
    let (linker, flavor) = machine.linker()?;
    // One program of a fixed address, because nothing is here to relocate it; but code as libraries
    // have it. The linker stands among the flags, because those are not for what builds on the host.
    let flags = format!(
        "-Clinker={} -Clinker-flavor={flavor} -Crelocation-model=pic -Clink-arg=-static \
         -Clink-arg=--no-pie {}",
        linker.display(),
        machine.flags
    );
    let mut command = toolchain.cargo();
    command
        .args([
            "build",
            "--release",
            "--locked",
            "--jobs=1",
            "--target",
            machine.triple,
        ])
        .args([
            "-Zbuild-std=core,alloc",
            "-Zbuild-std-features=compiler-builtins-mem",
        ])
        .args([
            "--manifest-path",
            "ci/freestanding/Cargo.toml",
            "--target-dir",
        ])
        .arg(folder)
        .env(variable, flags)
        .env(
            "CARGO_PROFILE_RELEASE_OPT_LEVEL",
            machine.core_level.to_string(),
        );
    for level in levels {
        command.arg(format!("--package=level-{level}"));
    }
    let finished = exec::run(&mut command, log, Duration::from_secs(20 * 60))?;
    if !finished.success() {
        let complaints = exec::complaints(&finished.stderr);
        let first = complaints.lines().find(|line| line.starts_with("error"));
        bail!("not built: {}", first.unwrap_or("see the log"));
    }
    Ok(())
}

/// Runs a program of a target.
pub(super) fn command(machine: &Machine, program: &Path) -> Command {
    let mut command = match machine.qemu {
        [emulator, words @ ..] => {
            let mut command = Command::new(emulator);
            command.args(words).arg(program);
            command
        }
        [] => Command::new(program),
    };
    command
        .env("SURE_TEST_DIVISOR", DIVISOR)
        .current_dir(workspace::root());
    command
}

fn start(machine: &Machine, program: &Path, log: &Path) -> Result<Said, String> {
    let mut command = command(machine, program);
    let finished = exec::run(&mut command, log, Duration::from_secs(5 * 60))
        .map_err(|error| format!("{error:#}"))?;
    let said = read(&finished.stdout);
    if finished.success() && said.passed == said.announced && said.passed > 0 {
        return Ok(said);
    }
    let place = said
        .open
        .map_or(String::new(), |test| format!(" in {test}"));
    let message = finished
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with("panicked"))
        .nth(1);
    let message = message.map_or(String::new(), |line| format!(": {line}"));
    Err(format!("{}{place}{message}", finished.ending()))
}

/// Prints what was found, a row for each target, and says whether it is good.
fn judge(all_found: &[Found], levels: &[u8]) -> Section {
    let head = [
        "target", "level 0", "1", "2", "3", "resume", "switch", "exit_to", "descend", "built",
        "ran",
    ];
    let mut table = report::table(head);
    let mut section = Section::default();
    for found in all_found {
        let mut placements = None;
        let name = found.machine.name;
        let mut cells = vec![name.to_owned()];
        cells.resize(1 + 4, "-".to_owned());
        for &(level, ref said) in &found.levels {
            match said {
                Ok(said) => {
                    section.passed += said.passed;
                    cells[1 + usize::from(level)] = format!("{} ok", said.passed);
                    let before = placements.get_or_insert(&said.placements);
                    if *before != &said.placements {
                        println!(
                            "   {}, level {level}: other placements than at the level before",
                            name
                        );
                        section.failed += 1;
                    }
                }
                Err(reason) => {
                    println!("   {}, level {level}: {reason}", name);
                    section.failed += 1;
                    cells[1 + usize::from(level)] = "FAILED".to_owned();
                }
            }
        }
        cells.extend(OPERATIONS.map(|operation| {
            let numbers = placements.and_then(|placements| placements.get(operation));
            numbers.map_or_else(
                || "-".to_owned(),
                |[registers, arguments, kept]| format!("{registers}+{arguments}+{kept}"),
            )
        }));
        cells.push(format!("{:.0} s", found.built.as_secs_f64()));
        cells.push(format!("{:.0} s", found.ran.as_secs_f64()));
        table.add_row(cells);
    }
    println!("{}", table.trim_fmt());
    println!(
        "(operands taken, at each level, from registers + arguments + what is kept over a call)"
    );
    section.note = format!(
        "{} targets, optimisation levels {levels:?}",
        all_found.len()
    );
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_says_is_read() {
        let said = read(
            "running 3 tests\nbegin a::b\nplacements: resume 1 2 3\ntest a::b ... ok\nbegin a::c\npanicked at x\nwhy\n",
        );
        let expected = Said {
            announced: 3,
            passed: 1,
            open: Some("a::c".to_owned()),
            placements: BTreeMap::from([("resume".to_owned(), [1, 2, 3])]),
        };
        assert_eq!(said, expected);
    }
}
