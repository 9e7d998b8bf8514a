//! Starting programs: their output goes to a log file while they run, and comes back as text.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use wait_timeout::ChildExt;

/// How a program ended, and what it said.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Set when the program was killed because it ran longer than this.
    pub(crate) timed_out: Option<Duration>,
}

impl Finished {
    pub(crate) fn success(&self) -> bool {
        self.status.success() && self.timed_out.is_none()
    }

    /// In words, for the sentence that reports a failure.
    pub(crate) fn ending(&self) -> String {
        match self.timed_out {
            Some(limit) => format!(
                "was stopped because it ran longer than {} s",
                limit.as_secs()
            ),
            None => format!("ended with {}", self.status),
        }
    }
}

/// Runs `command` to its end, or until `limit` has passed, appending all it prints to `log`.
///
/// Standard output and standard error are read separately: a line that a crashing child writes to standard error must not
/// end up in the middle of a line that is parsed.
pub(crate) fn run(command: &mut Command, log: &Path, limit: Duration) -> Result<Finished> {
    let file = File::options().create(true).append(true).open(log);
    let file = file.with_context(|| format!("cannot write {}", log.display()))?;
    // At once, because another command may write to the same log.
    (&file).write_all(format!("$ {command:?}\n").as_bytes())?;

    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) else {
        bail!("what a program prints is not piped");
    };
    let (mut stdout, mut stderr, mut timed_out) = (String::new(), String::new(), None);
    let status = thread::scope(|scope| {
        scope.spawn(|| stdout = logged(out, &file));
        scope.spawn(|| stderr = logged(err, &file));
        match child.wait_timeout(limit)? {
            Some(status) => Ok(status),
            None => {
                timed_out = Some(limit);
                kill_tree(&child);
                child.wait()
            }
        }
    })?;
    Ok(Finished {
        status,
        stdout,
        stderr,
        timed_out,
    })
}

/// Everything that `stream` says, written line by line to the end of `log`, too, as it comes.
fn logged(stream: impl Read, mut log: &File) -> String {
    let mut stream = BufReader::new(stream);
    let mut text = String::new();
    let mut line = Vec::new();
    while stream
        .read_until(b'\n', &mut line)
        .is_ok_and(|read| read > 0)
    {
        // A full disk shows itself in what the program does; losing a log line must not lose its result.
        let _ = log.write_all(&line);
        text += &String::from_utf8_lossy(&line);
        line.clear();
    }
    text
}

/// Kills a program and everything it started: a stuck test is usually a grandchild (cargo, emulator, test), and one that
/// survives would keep the pipes open. (A process group of its own would be killed more easily, but not by Ctrl-C.)
fn kill_tree(child: &Child) {
    let mut family = Vec::new();
    let mut generation = child.id().to_string();
    while !generation.is_empty() {
        let children = Command::new("pgrep")
            .args(["-d,", "-P", &generation])
            .output();
        family.extend(generation.split(',').map(str::to_owned));
        let children = children.map(|output| output.stdout).unwrap_or_default();
        generation = String::from_utf8_lossy(&children).trim().to_owned();
    }
    let _ = Command::new("kill").arg("-KILL").args(family).status();
}

/// What cargo says on standard error without its lines of progress.
pub(crate) fn complaints(stderr: &str) -> String {
    let progress =
        "Compiling Checking Documenting Downloading Downloaded Locking Adding Finished".split(' ');
    let lines = stderr.lines().filter(|line| {
        let words = line.strip_prefix("  ").map(str::trim_start);
        !words.is_some_and(|words| progress.clone().any(|word| words.starts_with(word)))
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Instant;

    use super::*;

    fn shell(name: &str, script: &str, limit: Duration) -> (Finished, String) {
        let log = std::env::temp_dir().join(format!("xtask-{}-{name}.log", std::process::id()));
        let finished = run(Command::new("sh").args(["-c", script]), &log, limit).unwrap();
        let logged = fs::read_to_string(&log).unwrap();
        fs::remove_file(&log).unwrap();
        (finished, logged)
    }

    #[test]
    fn both_streams_are_kept_apart_and_logged_together() {
        let (finished, logged) = shell(
            "streams",
            "echo out; echo err >&2; exit 3",
            Duration::from_secs(60),
        );
        assert_eq!(
            (finished.stdout.as_str(), finished.stderr.as_str()),
            ("out\n", "err\n")
        );
        assert!(!finished.success());
        assert_eq!(finished.ending(), "ended with exit status: 3");
        assert!(
            logged.contains("out\n") && logged.contains("err\n") && logged.contains("$ \"sh\""),
            "{logged}"
        );
    }

    #[test]
    fn progress_is_no_complaint() {
        let stderr =
            "   Compiling core v0.0.0\nerror: no\n  --> src/lib.rs\n    Finished `test` profile\n";
        assert_eq!(complaints(stderr), "error: no\n  --> src/lib.rs\n");
    }

    #[test]
    fn a_stuck_program_is_stopped_with_what_it_started() {
        let started = Instant::now();
        // The inner shell holds the pipes open: were it left alive, reading them would take as long as its sleep.
        let (finished, _) = shell(
            "stuck",
            "echo begun; sh -c 'sleep 60; true'; true",
            Duration::from_millis(300),
        );
        assert!(finished.timed_out.is_some() && !finished.success());
        assert_eq!(finished.stdout, "begun\n");
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
