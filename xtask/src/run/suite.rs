//! Building and running the tests of crates, on the host or on a target, one test binary at a time.
//!
//! The binaries are started from here rather than by `cargo test`: so each has its own time limit, its own lines of progress,
//! and a list of test names that can be compared between targets.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::binaries::{self, Binary};
use super::exec::{self, Finished};
use super::libtest::{self, Outcome, Parsed};
use crate::target::platform::{Place, Platform, Profile};
use crate::workspace::Workspace;

/// A cold build of the standard library under load takes a minute or two; this is for builds that hang.
const BUILD_LIMIT: Duration = Duration::from_secs(45 * 60);

/// Where a test's name begins with its package and binary, a doc test's begins with this: its own name says where it is.
pub(crate) const DOC: &str = "doc";

/// Which tests ran, and how each ended. Their names are `<package>/<binary>/<test>`, and `doc/<file> - <item> (line N)`.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) tests: BTreeMap<String, Outcome>,
    /// Binaries that died or said less than they ran, beside the failed tests themselves.
    pub(crate) broken: usize,
}

impl Results {
    pub(crate) fn count(&self, outcome: Outcome) -> usize {
        self.tests.values().filter(|&&it| it == outcome).count()
    }

    pub(crate) fn failed(&self) -> usize {
        self.count(Outcome::Failed) + self.broken
    }

    /// What other tests of the same suite found, too.
    pub(crate) fn extend(&mut self, more: Self) {
        self.tests.extend(more.tests);
        self.broken += more.broken;
    }

    /// What a test binary has said.
    fn add(&mut self, label: &str, said: Parsed) {
        let tests = said.tests.into_iter();
        let tests = tests.map(|(name, outcome)| (format!("{label}/{name}"), outcome));
        self.tests.extend(tests);
    }

    /// The first few failed tests, for the table.
    pub(crate) fn failed_names(&self) -> Option<String> {
        let failed = self.tests.iter().filter(|(_, it)| **it == Outcome::Failed);
        let names: Vec<_> = failed.map(|(name, _)| name.as_str()).take(3).collect();
        (!names.is_empty()).then(|| format!("failed: {}", names.join(", ")))
    }
}

/// What to test, and where.
pub(crate) struct Suite<'a> {
    pub(crate) platform: Platform<'a>,
    pub(crate) profile: Profile,
    pub(crate) log: PathBuf,
    /// Said before each line of progress: a name, where several suites are at work at once.
    pub(crate) prefix: String,
    /// The tests that are left out.
    pub(crate) skipped: BTreeSet<String>,
}

impl<'a> Suite<'a> {
    /// All tests of the host.
    pub(crate) fn of_host(workspace: &'a Workspace, profile: Profile, log: &str) -> Result<Self> {
        Ok(Self {
            platform: Platform {
                workspace,
                place: Place::Host,
                divisor: 1,
                without: &[],
            },
            profile,
            log: workspace.log(log)?,
            prefix: String::new(),
            skipped: BTreeSet::new(),
        })
    }

    /// Builds all test binaries, in one cargo run, so that the standard library and shared dependencies are built once.
    pub(crate) fn build(&self) -> Result<Vec<Binary>> {
        self.say("building");
        let started = Instant::now();
        let mut command = self.platform.cargo("test", self.profile);
        command.args(self.platform.selection());
        command.args(["--no-run", "--message-format=json-render-diagnostics"]);
        let finished = self.cargo(&mut command)?;
        let binaries = binaries::parse(&finished.stdout, self.platform.workspace)?;
        let (number, seconds) = (binaries.len(), started.elapsed().as_secs_f64());
        self.say(&format!("built {number} test binaries, {seconds:.1} s"));
        Ok(binaries)
    }

    /// Compiles the libraries down to machine code, which is as far as one gets without a C library to link with.
    pub(crate) fn compile(&self) -> Result<()> {
        self.say("building");
        let mut command = self.platform.cargo("build", self.profile);
        command.args(self.platform.packages()).arg("--lib");
        self.cargo(&mut command).map(drop)
    }

    /// Runs them all, but for the tests that are left out.
    pub(crate) fn run(&self, binaries: &[Binary]) -> Result<Results> {
        let mut results = Results::default();
        for binary in binaries {
            let started = Instant::now();
            let skipped = self.skipped_in(&binary.label);
            let mut words: Vec<_> = skipped.flat_map(|name| ["--skip", name]).collect();
            if !words.is_empty() {
                // Without it `--skip` would leave out all tests whose names contain this one.
                words.push("--exact");
            }
            let finished = self.start(binary, &words)?;
            let stuck = self.stuck(&finished);
            if stuck.is_empty() {
                self.take(&binary.label, &finished, started, &mut results);
            } else {
                self.run_again(binary, &finished, &stuck, &mut results)?;
            }
        }
        Ok(results)
    }

    /// The tests that an emulator has not ended. Its own locks may be to blame: qemu 7.2 loses a fork of a program with
    /// threads, or a signal, once in some ten thousand tests. On the host a test that hangs has failed.
    fn stuck<'f>(&self, finished: &'f Finished) -> Vec<&'f str> {
        match finished.timed_out {
            Some(_) if self.platform.is_emulated() => libtest::long_running(&finished.stdout),
            _ => Vec::new(),
        }
    }

    /// Takes what `finished` has found, and gives the tests that it is stuck in another chance, by themselves.
    fn run_again(
        &self,
        binary: &Binary,
        finished: &Finished,
        stuck: &[&str],
        results: &mut Results,
    ) -> Result<()> {
        let label = &binary.label;
        let ended = libtest::parse(&finished.stdout);
        let (passed, failed) = (ended.count(Outcome::Passed), ended.count(Outcome::Failed));
        let (ending, names) = (finished.ending(), stuck.join(", "));
        self.say(&format!(
            "{label}: {passed} passed, {failed} failed; {ending}; RUN AGAIN, because the emulator hangs: {names}"
        ));
        results.add(label, ended);
        let started = Instant::now();
        let words: Vec<_> = ["--exact"].iter().chain(stuck).copied().collect();
        let again = self.start(binary, &words)?;
        self.take(label, &again, started, results);
        Ok(())
    }

    /// Builds and runs the doc tests. They have a log of their own, because they may run beside the others.
    pub(crate) fn run_docs(&self) -> Result<Results> {
        let started = Instant::now();
        let mut command = self.docs();
        for name in self.skipped_in(DOC) {
            command.args(["--skip", doc_words(name)]);
        }
        let log = self.log.with_extension("docs.log");
        fs::write(&log, "")?;
        let finished = exec::run(&mut command, &log, BUILD_LIMIT)?;
        let mut results = Results::default();
        self.take(DOC, &finished, started, &mut results);
        Ok(results)
    }

    /// Every test there is, and whether it is marked `#[ignore]`, without running any.
    pub(crate) fn list(&self, binaries: &[Binary]) -> Result<BTreeMap<String, bool>> {
        let mut names = self.list_binaries(binaries)?;
        for ignored in [false, true] {
            let said = self.cargo(self.docs().args(list_words(ignored)))?;
            add(&mut names, DOC, &said, ignored);
        }
        Ok(names)
    }

    /// As `list`, without the doc tests.
    pub(crate) fn list_binaries(&self, binaries: &[Binary]) -> Result<BTreeMap<String, bool>> {
        let mut names = BTreeMap::new();
        for ignored in [false, true] {
            for binary in binaries {
                let said = self.start(binary, list_words(ignored))?;
                add(&mut names, &binary.label, &said, ignored);
            }
        }
        Ok(names)
    }

    /// The names, in their binary, of its tests that are left out.
    fn skipped_in(&self, label: &str) -> impl Iterator<Item = &str> {
        let skipped = self.skipped.iter();
        skipped.filter_map(move |test| test.strip_prefix(label)?.strip_prefix('/'))
    }

    /// A cargo command that runs the doc tests, to which further words for them can be added.
    fn docs(&self) -> Command {
        let mut command = self.platform.cargo("test", self.profile);
        command.args(self.platform.packages());
        command.args(["--doc", "--no-fail-fast", "--"]);
        command
    }

    /// Runs a test binary, with what `cargo test` tells it about its package: its folder, and variables that `trybuild` reads.
    fn start(&self, binary: &Binary, words: &[&str]) -> Result<Finished> {
        let mut command = self.platform.program(&binary.program);
        command
            .args(words)
            .current_dir(&binary.folder)
            .env("CARGO_MANIFEST_DIR", &binary.folder)
            .env("CARGO_MANIFEST_PATH", binary.folder.join("Cargo.toml"))
            .env("CARGO_PKG_NAME", &binary.package);
        exec::run(&mut command, &self.log, self.platform.limit())
    }

    /// Runs a cargo command that must succeed.
    fn cargo(&self, command: &mut Command) -> Result<Finished> {
        let finished = exec::run(command, &self.log, BUILD_LIMIT)?;
        if !finished.success() {
            println!("{}", exec::complaints(&finished.stderr));
            println!("   full log: {}", self.log.display());
            let ending = finished.ending();
            if UNREACHABLE
                .iter()
                .any(|words| finished.stderr.contains(words))
            {
                bail!("the build {ending}; once there is a network, run: cargo fetch --locked");
            }
            bail!("the build {ending}");
        }
        Ok(finished)
    }

    fn say(&self, text: &str) {
        println!("   {}{text}", self.prefix);
    }

    fn take(&self, label: &str, finished: &Finished, started: Instant, results: &mut Results) {
        let parsed = libtest::parse(&finished.stdout);
        let trouble = trouble(label, &parsed, finished);
        let (passed, failed) = (parsed.count(Outcome::Passed), parsed.count(Outcome::Failed));
        let seconds = started.elapsed().as_secs_f64();
        if passed + failed > 0 || trouble.is_some() {
            self.say(&format!(
                "{label}: {passed} passed, {failed} failed, {seconds:.1} s"
            ));
        }
        if failed > 0 || trouble.is_some() {
            // The list of tests that passed is in the log.
            let said = &finished.stdout;
            let details = said
                .find("\nfailures:\n")
                .map_or(&said[..], |at| &said[at..]);
            println!("{details}\n{}", finished.stderr);
        }
        if let Some(trouble) = trouble {
            self.say(&format!("{label}: {trouble}"));
            results.broken += 1;
        }
        results.add(label, parsed);
    }
}

/// What makes a harness list its tests; or those that are marked `#[ignore]`.
fn list_words(ignored: bool) -> &'static [&'static str] {
    &["--list", "--format=terse", "--ignored"][..2 + usize::from(ignored)]
}

/// Adds the tests that a harness has listed.
fn add(names: &mut BTreeMap<String, bool>, label: &str, said: &Finished, ignored: bool) {
    let listed = libtest::parse_list(&said.stdout).into_iter();
    names.extend(listed.map(|name| (format!("{label}/{name}"), ignored)));
}

/// What cargo says when it could not reach the registry.
const UNREACHABLE: [&str; 3] = [
    "failed to download",
    "download of",
    "spurious network error",
];

/// What is wrong with a run besides tests that say they failed.
fn trouble(label: &str, parsed: &Parsed, finished: &Finished) -> Option<String> {
    let seen = (parsed.count(Outcome::Passed), parsed.count(Outcome::Failed));
    match parsed.totals {
        _ if finished.timed_out.is_some() => {
            let unfinished = match &libtest::long_running(&finished.stdout)[..] {
                [] => String::new(),
                names => format!("; not finished: {}", names.join(", ")),
            };
            Some(format!("{}{unfinished}", finished.ending()))
        }
        // Crates without doc tests print nothing.
        None if label == DOC && finished.success() => None,
        None => Some(format!("{} before it could report", finished.ending())),
        Some((passed, failed)) if (passed, failed) != seen => Some(format!(
            "it counts {passed} passed and {failed} failed, which is not what its lines say: something writes between them"
        )),
        Some((_, 0)) if !finished.success() => Some(finished.ending()),
        Some(_) => None,
    }
}

/// What tells a doc test's name, `file - item (line N)`, from others and has no space in it, because rustdoc would take what is
/// behind a space for another argument: its item, or where it has none its file. (So all tests of an item have to be left out, or none.)
fn doc_words(name: &str) -> &str {
    let (file, rest) = name.split_once(" - ").unwrap_or((name, ""));
    match rest.split(' ').next() {
        Some(item) if !item.is_empty() && !item.starts_with('(') => item,
        _ => file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doc_tests_are_told_by_a_word() {
        let name = "crates/coro/src/scoped.rs - scoped::Scoped<'_,Input>::mark (line 197)";
        assert_eq!(doc_words(name), "scoped::Scoped<'_,Input>::mark");
        let name = "crates/fiber-vm/src/../README.md - (line 12)";
        assert_eq!(doc_words(name), "crates/fiber-vm/src/../README.md");
    }
}
