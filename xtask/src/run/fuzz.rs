//! `cargo xtask fuzz-replay` and `cargo xtask fuzz`: the targets of `fuzz/`, on their corpus and beyond it.
//!
//! The driver is libFuzzer. What it needs of the compiler is a pass that counts edges, which LLVM has and a flag names that
//! stable compilers take; what it needs besides is a C++ compiler, which builds its runtime.

use std::env::consts::ARCH;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::exec;
use crate::report::{Report, Section};
use crate::workspace::{self, Workspace};

/// From the root. The folder is a workspace of its own.
pub(crate) const MANIFEST: &str = "fuzz/Cargo.toml";
/// Inputs, in a file for each target: one a line, in hexadecimal digits.
const CORPUS: &str = "fuzz/corpus";

/// Counters of edges, their addresses, and what is compared with what, for libFuzzer.
const COVERAGE: &str = "--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which target: the name of a file in `fuzz/corpus`
    target: String,
    /// For how long
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Instead, write to `fuzz/corpus` the fewest of all inputs found that cover as much
    #[arg(long)]
    minimise: bool,
    /// The longest input, in bytes
    #[arg(long, default_value_t = 300)]
    length: usize,
}

/// Every input of the corpus on its target.
pub(crate) fn replay() -> Result<bool> {
    let workspace = Workspace::read()?;
    let mut report = Report::new();
    report.section("fuzz corpus", || section(&workspace));
    Ok(report.finish())
}

pub(crate) fn section(workspace: &Workspace) -> Result<Section> {
    let log = workspace.log("fuzz corpus")?;
    let mut command = workspace::host_cargo();
    command
        .args(["run", "--quiet", "--locked", "--release"])
        .args(["--manifest-path", MANIFEST, "--bin", "replay"])
        .arg("--target-dir")
        .arg(target_dir(workspace))
        .args(["--", CORPUS]);
    let run = exec::run(&mut command, &log, Duration::from_secs(10 * 60))?;
    let replayed = run.stdout.lines().count();
    let mut section = Section::new(log);
    if run.success() {
        section.passed = replayed;
    } else {
        // The input that ended the process is the last one it named.
        let last = run.stdout.lines().last().unwrap_or("the build");
        section.failed = 1;
        section.note = last.to_owned();
        println!("   {last}: {}\n{}", run.ending(), run.stderr);
    }
    Ok(section)
}

/// Where the workspace of `fuzz/` is built; the soak test is another program of it.
pub(crate) fn target_dir(workspace: &Workspace) -> PathBuf {
    workspace.target.join("fuzz")
}

/// Looks for inputs that reach what none has reached, or that fail. All that were ever found here are in `target/fuzz/found`.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let workspace = Workspace::read()?;
    let file = workspace::root()
        .join(CORPUS)
        .join(format!("{}.txt", args.target));
    let found = target_dir(&workspace).join("found").join(&args.target);
    unpack(&file, &found)?;
    let driver = build(&workspace)?;
    let option = |name: &str, value: String| format!("-{name}={value}");
    let mut command = driver_command(&driver, &args.target);
    command.arg(option("max_len", args.length.to_string()));
    if args.minimise {
        let fewest = found.with_extension("fewest");
        // Of another run, if there is one.
        let _ = fs::remove_dir_all(&fewest);
        fs::create_dir_all(&fewest)?;
        command.args(["-set_cover_merge=1"]).args([&fewest, &found]);
        let status = command.status().context("cannot start the driver")?;
        if status.success() {
            pack(&fewest, &file)?;
        }
        return Ok(status.success());
    }
    let artifacts = found.with_file_name(format!("{}-", args.target));
    command
        .arg(&found)
        .arg(option(
            "max_total_time",
            format!("{:.0}", args.minutes * 60.0),
        ))
        .arg(option("artifact_prefix", artifacts.display().to_string()))
        .args(["-timeout=20", "-rss_limit_mb=4096", "-print_final_stats=1"]);
    let status = command.status().context("cannot start the driver")?;
    Ok(status.success())
}

/// Writes each line of a corpus into a file of its own, as libFuzzer wants it.
fn unpack(corpus: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let lines =
        fs::read_to_string(corpus).with_context(|| format!("cannot read {}", corpus.display()))?;
    for (number, line) in lines.lines().enumerate() {
        let digits = |at: usize| u8::from_str_radix(line.get(at..at + 2).unwrap_or("-"), 16);
        let bytes: Result<Vec<u8>, _> = (0..line.len()).step_by(2).map(digits).collect();
        let bytes = bytes.with_context(|| format!("{}, line {number}", corpus.display()))?;
        fs::write(folder.join(format!("line-{number}")), bytes)?;
    }
    Ok(())
}

/// Writes the files of a folder as lines, the shortest first.
fn pack(folder: &Path, corpus: &Path) -> Result<()> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(folder)? {
        let bytes = fs::read(entry?.path())?;
        lines.push(
            bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>(),
        );
    }
    lines.sort_by_key(|line| (line.len(), line.clone()));
    let text: String = lines
        .iter()
        .flat_map(|line| [line.as_str(), "\n"])
        .collect();
    fs::write(corpus, text).with_context(|| format!("cannot write {}", corpus.display()))
}

fn driver_command(driver: &Path, target: &str) -> std::process::Command {
    let mut command = std::process::Command::new(driver);
    command
        .current_dir(workspace::root())
        .env("FUZZ_TARGET", target);
    command
}

/// The driver, with counters in everything but what builds it.
fn build(workspace: &Workspace) -> Result<PathBuf> {
    let triple = format!("{ARCH}-unknown-linux-gnu");
    let status = workspace::host_cargo()
        .args([
            "build",
            "--locked",
            "--release",
            "--manifest-path",
            MANIFEST,
        ])
        .args(["--package", "driver", "--target", &triple])
        .arg("--target-dir")
        .arg(target_dir(workspace))
        .env("RUSTFLAGS", COVERAGE)
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "the driver could not be built");
    Ok(target_dir(workspace).join(triple).join("release/driver"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corpus_is_the_same_after_unpacking_and_packing() {
        let here = std::env::temp_dir().join(format!("xtask-fuzz-{}", std::process::id()));
        let (before, after) = (here.join("before.txt"), here.join("after.txt"));
        fs::create_dir_all(&here).unwrap();
        let text = "00\nff\n0a1b2c\n";
        fs::write(&before, text).unwrap();
        unpack(&before, &here.join("folder")).unwrap();
        pack(&here.join("folder"), &after).unwrap();
        assert_eq!(fs::read_to_string(&after).unwrap(), text);
        fs::write(&before, "00\n0\n").unwrap();
        assert!(unpack(&before, &here.join("folder")).is_err());
        fs::remove_dir_all(here).unwrap();
    }
}
