//! `cargo xtask count-instructions`: what switching and the machine cost, in instructions.
//!
//! Times on a shared machine vary by more than what a change costs; the instructions of a program
//! that does the same thing each time do not. `crates/benches/src/bin/counts.rs` does each piece of
//! work as often as it is told; here it runs under cachegrind with two such numbers, and their
//! difference is the work without the start of the program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::report::{Report, Section, table};
use crate::run::exec;
use crate::target::setup::{self, Consent};
use crate::workspace::{self, Workspace};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Make what is found now the budget
    #[arg(long)]
    update: bool,
    #[command(flatten)]
    consent: Consent,
}

/// From the root.
const BUDGET: &str = "crates/benches/instruction-budget.json";

/// How often each piece of work is done: few enough for a simulated processor, and enough for what
/// happens once in many times (a hash table that grows) to weigh little.
const REPETITIONS: [u64; 2] = [2_000, 12_000];

/// A count that differs by less is no news, unless the budget says otherwise. One instruction of a
/// round trip is more.
const TOLERANCE: f64 = 0.01;
/// For the shortest works, in instructions.
const SLACK: f64 = 0.2;

/// What each piece of work may take.
#[derive(Serialize, Deserialize)]
struct Budget {
    /// The compiler that it was made with, and the architecture: counts of others are others.
    compiler: String,
    architecture: String,
    instructions: BTreeMap<String, f64>,
    /// Other tolerances, for work that is mostly the system's: its unwinder, its `memcpy`.
    #[serde(default)]
    tolerance: BTreeMap<String, f64>,
}

impl Budget {
    fn read() -> Result<Self> {
        let text = std::fs::read_to_string(workspace::root().join(BUDGET))
            .with_context(|| format!("cannot read {BUDGET}"))?;
        serde_json::from_str(&text).with_context(|| BUDGET.to_owned())
    }

    fn judge(&self, name: &str, count: f64) -> Verdict {
        let tolerance = self.tolerance.get(name).copied().unwrap_or(TOLERANCE);
        let Some(allowed) = self.instructions.get(name) else {
            return Verdict::NoBudget;
        };
        let room = allowed * tolerance + SLACK;
        match count - allowed {
            more if more > room => Verdict::Above,
            less if less < -room => Verdict::Below,
            _ => Verdict::Within,
        }
    }
}

/// How a count compares with its budget.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    Within,
    /// Good, but a budget that is too large guards nothing.
    Below,
    Above,
    NoBudget,
}

pub(crate) fn run(args: &Args) -> Result<bool> {
    setup::valgrind(args.consent)?;
    let workspace = Workspace::read()?;
    if args.update {
        let log = workspace.log("instruction counts")?;
        let counts = count(&build(&log)?, &log)?;
        show(&counts, None)?;
        let budget = Budget {
            compiler: compiler()?,
            architecture: std::env::consts::ARCH.to_owned(),
            instructions: counts,
            // A budget that cannot be read has none to keep.
            tolerance: Budget::read().map_or_else(|_| BTreeMap::new(), |old| old.tolerance),
        };
        let text = serde_json::to_string_pretty(&budget)? + "\n";
        std::fs::write(workspace::root().join(BUDGET), text)?;
        println!("written to {BUDGET}");
        return Ok(true);
    }
    let mut report = Report::new();
    report.section("instruction counts", || section(&workspace));
    Ok(report.finish())
}

/// Counts, and holds the counts to the budget.
pub(crate) fn section(workspace: &Workspace) -> Result<Section> {
    let log = workspace.log("instruction counts")?;
    let budget = Budget::read()?;
    let (compiler, architecture) = (compiler()?, std::env::consts::ARCH);
    if budget.compiler != compiler || budget.architecture != architecture {
        let note = format!(
            "NOT JUDGED: the budget is {}'s on {}, and this is {compiler} on {architecture}; \
             `cargo xtask count-instructions --update` makes another",
            budget.compiler, budget.architecture
        );
        println!("   {note}");
        return Ok(Section {
            note,
            ..Section::default()
        });
    }
    let counts = count(&build(&log)?, &log)?;
    let verdicts = show(&counts, Some(&budget))?;
    let of = |wanted| verdicts.iter().filter(|it| **it == wanted).count();
    let gone = budget
        .instructions
        .keys()
        .filter(|name| !counts.contains_key(*name));
    let failed = of(Verdict::Above) + of(Verdict::NoBudget) + gone.count();
    let note = match of(Verdict::Below) {
        0 => String::new(),
        below => format!("{below} take less than their budget, which should be updated"),
    };
    Ok(Section {
        passed: verdicts.len() - failed,
        failed,
        note,
        log: Some(log),
    })
}

/// Prints every count, beside its budget if there is one.
fn show(counts: &BTreeMap<String, f64>, budget: Option<&Budget>) -> Result<Vec<Verdict>> {
    let mut shown = table(["work", "instructions", "budget", ""]);
    let mut verdicts = Vec::new();
    for (name, &count) in counts {
        let allowed = budget.and_then(|budget| budget.instructions.get(name).copied());
        let verdict = budget.map_or(Verdict::Within, |budget| budget.judge(name, count));
        let word = match verdict {
            Verdict::Within => "",
            Verdict::Below => "less",
            Verdict::Above => "MORE",
            Verdict::NoBudget => "no budget",
        };
        let allowed = allowed.map_or(String::new(), |allowed| format!("{allowed:.1}"));
        shown.add_row([name.as_str(), &format!("{count:.1}"), &allowed, word]);
        verdicts.push(verdict);
    }
    println!("{}", shown.trim_fmt());
    Ok(verdicts)
}

/// The first line of what it says of itself.
fn compiler() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .arg("--version")
        .current_dir(workspace::root())
        .output()
        .context("cannot start rustc")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Builds the program, and says where it is.
fn build(log: &Path) -> Result<PathBuf> {
    let mut command = workspace::host_cargo();
    command.args("build --release --package benches --bin counts".split(' '));
    command.args(["--message-format", "json"]);
    let built = exec::run(&mut command, log, Duration::from_secs(20 * 60))?;
    if !built.success() {
        print!("{}", exec::complaints(&built.stderr));
        bail!("the build {}", built.ending());
    }
    let mut programs = built.stdout.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    programs.next_back().context("cargo has built no program")
}

/// Instructions of each piece of work.
fn count(program: &Path, log: &Path) -> Result<BTreeMap<String, f64>> {
    let listed = exec::run(&mut Command::new(program), log, Duration::from_secs(60))?;
    ensure!(listed.success(), "the list of works {}", listed.ending());
    let [few, many] = REPETITIONS;
    let mut counts = BTreeMap::new();
    for name in listed.stdout.lines() {
        let difference = executed(program, log, name, many)? - executed(program, log, name, few)?;
        counts.insert(
            name.to_owned(),
            rounded(difference as f64 / (many - few) as f64),
        );
    }
    Ok(counts)
}

/// What is written down: less would be noise.
fn rounded(count: f64) -> f64 {
    (count * 10.0).round() / 10.0
}

/// Instructions of a whole run.
fn executed(program: &Path, log: &Path, name: &str, repetitions: u64) -> Result<i64> {
    let mut command = Command::new("valgrind");
    command
        .args([
            "--tool=cachegrind",
            "--cache-sim=no",
            "--cachegrind-out-file=/dev/null",
        ])
        .arg(program)
        .args([name, &repetitions.to_string()]);
    let run = exec::run(&mut command, log, Duration::from_secs(10 * 60))?;
    ensure!(run.success(), "{name}: cachegrind {}", run.ending());
    instructions(&run.stderr).with_context(|| format!("{name}: cachegrind printed no count"))
}

/// The number in `==1== I   refs:      1,234,567`; some versions write `I refs`.
fn instructions(stderr: &str) -> Option<i64> {
    let (_, number) = stderr
        .lines()
        .filter_map(|line| line.split_once("refs:"))
        .find(|(before, _)| before.trim_end().ends_with('I'))?;
    number.trim().replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_found_in_what_cachegrind_prints() {
        let old = "==7== Cachegrind, a profiler\n==7== \n==7== I   refs:      1,234,567\n";
        assert_eq!(instructions(old), Some(1_234_567));
        assert_eq!(instructions("==7== I refs:        89\n"), Some(89));
        assert_eq!(instructions("==7== D   refs:        89\n"), None);
    }

    #[test]
    fn one_instruction_of_a_round_trip_is_noticed() {
        let names = ["a round trip", "an unwinding"].map(str::to_owned);
        let budget = Budget {
            compiler: String::new(),
            architecture: String::new(),
            instructions: names.clone().into_iter().zip([49.0, 10_000.0]).collect(),
            tolerance: BTreeMap::from([(names[1].clone(), 0.15)]),
        };
        let judge = |name: &str, count| budget.judge(name, count);
        assert_eq!(judge(&names[0], 49.0), Verdict::Within);
        assert_eq!(judge(&names[0], 49.6), Verdict::Within);
        assert_eq!(judge(&names[0], 50.0), Verdict::Above);
        assert_eq!(judge(&names[0], 48.0), Verdict::Below);
        assert_eq!(judge(&names[1], 11_400.0), Verdict::Within);
        assert_eq!(judge(&names[1], 11_600.0), Verdict::Above);
        assert_eq!(judge("something new", 1.0), Verdict::NoBudget);
    }
}
