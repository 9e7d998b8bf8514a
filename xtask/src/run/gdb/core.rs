//! A core file of the example `hang`, as the kernel writes it.
//!
//! (gdb's own `generate-core-file` reads each mapping from its beginning, and leaves out what lies behind a guard page.)

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Says where the kernel puts core files.
pub(super) const PATTERN: &str = "/proc/sys/kernel/core_pattern";

/// Starts the program, and ends it with a signal when it hangs. None where core files go to a program of the system, or to a
/// folder of its own.
pub(super) fn file_of(program: &Path, target: &Path) -> Result<Option<PathBuf>> {
    let pattern = fs::read_to_string(PATTERN).with_context(|| PATTERN)?;
    if pattern.starts_with('|') || pattern.contains('/') {
        return Ok(None);
    }
    let folder = target.join("gdb-core");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    // The limit is the shell's, and the program's that takes its place.
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -c unlimited && exec \"$0\""])
        .arg(program)
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let mut said = String::new();
    let output = child.stdout.take().context("its output is not piped")?;
    BufReader::new(output).read_line(&mut said)?;
    let signal = Command::new("kill")
        .args(["-ABRT", &child.id().to_string()])
        .status()?;
    let status = child.wait()?;
    if !signal.success() || !said.contains("are stuck") {
        bail!(
            "{} said {said:?} and ended with {status}",
            program.display()
        );
    }
    let files = fs::read_dir(&folder)?.flatten().map(|entry| entry.path());
    Ok(files.into_iter().next())
}
