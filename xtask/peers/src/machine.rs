//! Where and of what a run was made: figures without this mean nothing.

use serde::{Deserialize, Serialize};
use std::process::Command;

/// A machine, and the compiler on it.
#[derive(Serialize, Deserialize, PartialEq)]
pub struct Machine {
    /// As the processor, or the machine that it is simulated by, calls itself.
    pub processor: String,
    pub cores: usize,
    pub memory_gib: u64,
    pub kernel: String,
    pub compiler: String,
    /// Processes that wanted to run, on average over the minute before.
    pub load: String,
}

impl Machine {
    pub fn here() -> Machine {
        let memory: u64 = field("/proc/meminfo", "MemTotal:").parse().unwrap_or(0);
        Machine {
            processor: processor(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: (memory + (1 << 19)) >> 20,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            compiler: env!("RUSTC_VERSION").to_owned(),
            load: read("/proc/loadavg")
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_owned(),
        }
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The first word after a field's name.
fn field(path: &str, name: &str) -> String {
    let text = read(path);
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    value
        .and_then(|value| value.split_whitespace().next())
        .unwrap_or_default()
        .to_owned()
}

/// Kibibytes that programs may still have.
pub fn available_kib() -> u64 {
    field("/proc/meminfo", "MemAvailable:")
        .parse()
        .unwrap_or(u64::MAX)
}

fn processor() -> String {
    let text = read("/proc/cpuinfo");
    let value = |name: &str| {
        let line = text
            .lines()
            .find(|line| line.split('\t').next() == Some(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let name = value("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    match (value("cpu family"), value("model")) {
        (Some(family), Some(model)) => format!("{name} (family {family}, model {model})"),
        _ => name,
    }
}

/// What a program prints, or nothing.
fn printed(program: &str, arguments: &[&str]) -> String {
    let here = env!("CARGO_MANIFEST_DIR");
    let output = Command::new(program)
        .args(arguments)
        .current_dir(here)
        .output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_default()
}

/// The commit that is checked out.
pub fn commit() -> String {
    let commit = printed("git", &["rev-parse", "--short=12", "HEAD"]);
    let changed = !printed("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
    match (commit.is_empty(), changed) {
        (true, _) => "unknown".to_owned(),
        (false, true) => format!("{commit} and changes"),
        (false, false) => commit,
    }
}

/// Today, in UTC.
pub fn date() -> String {
    printed("date", &["--utc", "+%Y-%m-%d %H:%M"])
}
