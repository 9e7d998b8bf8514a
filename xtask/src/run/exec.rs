//! Starting programs: their output goes to a log file while they run, and comes back as text.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

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
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("cannot write {}", log.display()))?;
    writeln!(file, "$ {}", shown(command))?;
    let file = Mutex::new(file);
    let write = |line: &str| {
        if let Ok(mut file) = file.lock() {
            // A full disk shows itself in what the program does; losing a log line must not lose its result.
            let _ = file.write_all(line.as_bytes());
        }
    };

    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let stdout = child
        .stdout
        .take()
        .context("standard output was not piped")?;
    let stderr = child
        .stderr
        .take()
        .context("standard error was not piped")?;

    let mut text = String::new();
    let mut errors = String::new();
    let mut timed_out = None;
    let status = thread::scope(|scope| {
        scope.spawn(|| {
            each_line(stdout, |line| {
                write(line);
                text.push_str(line);
            });
        });
        scope.spawn(|| {
            each_line(stderr, |line| {
                write(line);
                errors.push_str(line);
            });
        });
        loop {
            if let Some(status) = child.try_wait()? {
                return anyhow::Ok(status);
            }
            if started.elapsed() > limit {
                timed_out = Some(limit);
                kill_tree(&mut child);
                return Ok(child.wait()?);
            }
            thread::sleep(Duration::from_millis(10));
        }
    })?;
    Ok(Finished {
        status,
        stdout: text,
        stderr: errors,
        timed_out,
    })
}

fn each_line(stream: impl Read, mut see: impl FnMut(&str)) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    while stream
        .read_until(b'\n', &mut line)
        .is_ok_and(|read| read > 0)
    {
        see(&String::from_utf8_lossy(&line));
        line.clear();
    }
}

/// Kills a program and everything it started: a stuck test is usually a grandchild (cargo, emulator, test), and one that
/// survives would keep the pipes open.
fn kill_tree(child: &mut Child) {
    let mut family = vec![child.id()];
    let parents = parents();
    let mut next = 0;
    while let Some(&id) = family.get(next) {
        family.extend(
            parents
                .iter()
                .filter(|(_, parent)| *parent == id)
                .map(|(id, _)| *id),
        );
        next += 1;
    }
    let _ = Command::new("kill")
        .arg("-KILL")
        .args(family.iter().map(u32::to_string))
        .status();
}

/// What cargo says on standard error without its lines of progress.
pub(crate) fn complaints(stderr: &str) -> String {
    let progress = [
        "Compiling",
        "Checking",
        "Documenting",
        "Downloading",
        "Downloaded",
        "Locking",
        "Adding",
        "Finished",
    ];
    let lines = stderr.lines().filter(|line| {
        let words = line.strip_prefix("  ").map(str::trim_start);
        !words.is_some_and(|words| progress.iter().any(|word| words.starts_with(word)))
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// (process, parent) of everything that runs, from `/proc`; empty on systems without it.
fn parents() -> Vec<(u32, u32)> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            // The second field is the program's name in parentheses and may itself contain anything.
            let parent = stat
                .rsplit_once(')')?
                .1
                .split_whitespace()
                .nth(1)?
                .parse()
                .ok()?;
            Some((id, parent))
        })
        .collect()
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let variables = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={:?}", name.display(), value?)));
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    variables
        .chain(words.map(|word| word.display().to_string()))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
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
            logged.contains("out\n") && logged.contains("err\n") && logged.contains("$ sh"),
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
