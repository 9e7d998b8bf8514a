//! `cargo xtask mutants`: each function of the crates with unsafe code is broken in turn, by cargo-mutants, and the
//! tests of its package, or of a library above it, have to notice. What may live stands in `ci/accepted-mutants.txt`, with the reason.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::exec;
use super::lists::Accepted;
use crate::report::{Report, Section};
use crate::target::setup::find_program;
use crate::workspace::{self, Workspace};

/// The packages; for each, those whose tests run for the mutants that its own tests let live, and which of them. What only
/// another library calls, that one's tests see.
const PACKAGES: [(&str, &str, &[&str]); 4] = [
    ("sure-context", "coro,coro-dynamic", OWN_TESTS),
    ("sure-stack", "coro", OWN_TESTS),
    (
        "coro",
        "coro,coro-dynamic",
        &["--lib", "--test", "it", "--test", "property"],
    ),
    ("coro-dynamic", "coro-dynamic", OWN_TESTS),
];

/// The tests of a package that run for each of its mutants: not those that start cargo themselves, nor those of random
/// programs, which take longer than all others together.
const OWN_TESTS: &[&str] = &["--lib", "--test", "it"];

/// Of a hundred mutants of all packages together, how many must be caught, whatever the reasons for the others.
const LEAST: usize = 98;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which packages; all four without one
    packages: Vec<String>,
    /// A part of them, `k/n`: 0/16 is the first sixteenth
    #[arg(long)]
    shard: Option<String>,
    /// Only mutants whose description matches this regular expression
    #[arg(long)]
    regex: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<bool> {
    let known = |name: &String| PACKAGES.iter().any(|(known, ..)| known == name);
    if let Some(unknown) = args.packages.iter().find(|name| !known(name)) {
        bail!("{unknown} is none of the packages with unsafe code");
    }
    if find_program("cargo-mutants").is_none() {
        bail!("cargo-mutants is not here; install it with: cargo install cargo-mutants --locked");
    }
    let workspace = Workspace::read()?;
    let mut report = Report::new();
    let mut all = Outcome::default();
    for (package, above, tests_above) in PACKAGES {
        if args.packages.is_empty() || args.packages.iter().any(|name| name == package) {
            let mut words = Vec::new();
            words.extend(
                args.shard
                    .iter()
                    .flat_map(|shard| ["--shard", shard.as_str()]),
            );
            words.extend(args.regex.iter().flat_map(|regex| ["--re", regex.as_str()]));
            report.section(&format!("mutants of {package}"), || {
                judge(&workspace, [package, above], tests_above, &words, &mut all)
            });
        }
    }
    // Of a part it says nothing.
    if args.packages.is_empty() && args.shard.is_none() && args.regex.is_none() {
        report.section("mutants in all", || Ok(share(&all)));
    }
    Ok(report.finish())
}

/// All of them, which takes hours: `cargo xtask ci --full`. Without cargo-mutants nothing is judged.
pub(crate) fn sections(workspace: &Workspace, report: &mut Report) {
    let mut all = Outcome::default();
    for (package, above, tests_above) in PACKAGES {
        report.section(&format!("mutants of {package}"), || {
            match find_program("cargo-mutants") {
                Some(_) => judge(workspace, [package, above], tests_above, &[], &mut all),
                None => Ok(Section {
                    note: "NOT JUDGED: cargo-mutants is not here (cargo install cargo-mutants --locked)".to_owned(),
                    ..Section::default()
                }),
            }
        });
    }
    report.section("mutants in all", || Ok(share(&all)));
}

/// Whether enough of them are caught.
fn share(all: &Outcome) -> Section {
    let (found, made) = (all.found, all.found + all.lived.len());
    Section {
        failed: usize::from(found * 100 < LEAST * made),
        note: format!("{found} of {made} are caught"),
        ..Section::default()
    }
}

/// The package's own tests run for each of its mutants, and those of the libraries above it for what is alive then: the
/// other way round, each mutant would wait for all of them to be built.
fn judge(
    workspace: &Workspace,
    [package, above]: [&str; 2],
    tests_above: &[&str],
    words: &[&str],
    all: &mut Outcome,
) -> Result<Section> {
    let log = workspace.log(&format!("mutants of {package}"))?;
    let folder = workspace.target.join("mutants").join(package);
    let own = examine(
        package,
        package,
        OWN_TESTS,
        words,
        &folder.join("own"),
        &log,
    )?;
    let Outcome {
        mut found,
        mut lived,
    } = own;
    if !lived.is_empty() && (above, tests_above) != (package, OWN_TESTS) {
        let names: Vec<_> = lived.iter().map(|name| exactly(name)).collect();
        let words: Vec<_> = names.iter().flat_map(|name| ["--re", name]).collect();
        let log = workspace.log(&format!("mutants of {package}, tests above it"))?;
        let again = examine(
            package,
            above,
            tests_above,
            &words,
            &folder.join("above"),
            &log,
        )?;
        found += again.found;
        lived = again.lived;
    }
    let accepted = Accepted::read()?;
    let unexpected: Vec<_> = lived
        .iter()
        .filter(|mutant| !accepted.has(mutant))
        .collect();
    for mutant in &unexpected {
        println!("   lives: {mutant}");
    }
    let section = Section {
        passed: found,
        failed: unexpected.len(),
        note: format!(
            "{} live, {} of them accepted",
            lived.len(),
            lived.len() - unexpected.len()
        ),
        log: Some(log),
    };
    all.found += found;
    all.lived.extend(lived);
    Ok(section)
}

/// How many mutants tests have found, and which ones live.
#[derive(Default)]
struct Outcome {
    found: usize,
    lived: BTreeSet<String>,
}

/// Runs some tests of some packages for the mutants of one.
fn examine(
    package: &str,
    tested: &str,
    tests: &[&str],
    words: &[&str],
    output: &Path,
    log: &Path,
) -> Result<Outcome> {
    fs::create_dir_all(output)?;
    let mut command = Command::new("cargo-mutants");
    command
        .current_dir(workspace::root())
        .args([
            "mutants",
            "--package",
            package,
            "--all-features",
            "--no-shuffle",
            "--colors=never",
        ])
        .args(["--test-package", tested])
        .arg("--output")
        .arg(output)
        .args(words)
        .arg("--")
        .args(tests)
        // Few lines change from one mutant to the next.
        .env("CARGO_INCREMENTAL", "1");
    let finished = exec::run(&mut command, log, Duration::from_secs(12 * 60 * 60))?;
    // 2: some live. 3: some were stopped, because they hang.
    if !matches!(finished.status.code(), Some(0 | 2 | 3)) {
        bail!("cargo mutants {}", finished.ending());
    }
    let folder = output.join("mutants.out");
    let (caught, hung) = (lines(&folder, "caught")?, lines(&folder, "timeout")?);
    Ok(Outcome {
        found: caught.len() + hung.len(),
        lived: lines(&folder, "missed")?,
    })
}

/// A regular expression that matches this name alone.
fn exactly(name: &str) -> String {
    let mut pattern = String::from("^");
    for character in name.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(character) {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern + "$"
}

/// The mutants of one kind, as cargo-mutants lists them.
fn lines(folder: &Path, kind: &str) -> Result<BTreeSet<String>> {
    let path = folder.join(kind).with_extension("txt");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(text.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted() {
        assert_eq!(
            exactly("a-b.rs:1:2: replace + with * in f<'_>"),
            r"^a\-b\.rs:1:2: replace \+ with \* in f<'_>$"
        );
    }
}
