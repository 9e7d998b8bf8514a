//! What runs on targets found. Each run keeps its findings in the target folder, which is not checked in; `cargo xtask table` takes
//! them into `ci/last-run.json`, from which the README's support table is made. So no run of the tests changes a checked-in file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::run::libtest::Outcome;
use crate::workspace::{self, Workspace};

/// Where it is kept, from the root.
pub(crate) const FILE: &str = "ci/last-run.json";

/// The last run on each target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastRun {
    /// The machine that ran it.
    pub(crate) host: String,
    /// By triple, the host included.
    pub(crate) targets: BTreeMap<String, Found>,
}

/// What was found on one target. No times: a file that is checked in should change only when the findings do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Found {
    /// The libraries were compiled, nothing was run.
    Builds,
    /// The compiler refused.
    Broken,
    /// The tests ran.
    Ran {
        /// Tests that passed in every profile they ran in.
        passed: usize,
        /// How many the host had then, those marked `#[ignore]` left out.
        of: usize,
        /// Whether every test of panics and unwinding passed; `None` without such tests.
        unwinding: Option<bool>,
        /// Whether every test of backtraces passed; `None` without such tests.
        backtrace: Option<bool>,
    },
}

impl LastRun {
    /// The file that is checked in.
    pub(crate) fn checked_in() -> PathBuf {
        workspace::root().join(FILE)
    }

    /// The file of this checkout's own runs.
    pub(crate) fn of_here(workspace: &Workspace) -> PathBuf {
        workspace.target.join("xtask-last-run.json")
    }

    /// `None` when there is no such file.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let last = serde_json::from_str(&text)
            .with_context(|| format!("cannot understand {}", path.display()))?;
        Ok(Some(last))
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Takes newer findings, target by target.
    pub(crate) fn update(&mut self, newer: &Self) {
        self.host.clone_from(&newer.host);
        self.targets.extend(newer.targets.clone());
    }
}

impl Found {
    /// Sums up the runs (one for each profile) of one target; `expected` are the tests the host runs, `skipped` those of them
    /// that the target leaves out.
    pub(crate) fn sum(
        runs: &[BTreeMap<String, Outcome>],
        expected: &BTreeSet<String>,
        skipped: &BTreeSet<String>,
    ) -> Self {
        if runs.iter().all(BTreeMap::is_empty) {
            return Self::Broken;
        }
        let passed_everywhere = |test: &&String| {
            runs.iter()
                .all(|run| run.get(*test) == Some(&Outcome::Passed))
        };
        let passed: BTreeSet<_> = expected.iter().filter(passed_everywhere).collect();
        let all_of = |words: &[&str]| {
            let mut about = expected
                .difference(skipped)
                .filter(|test| words.iter().any(|word| test.contains(word)))
                .peekable();
            about.peek()?;
            Some(about.all(|test| passed.contains(test)))
        };
        Self::Ran {
            passed: passed.len(),
            of: expected.len(),
            unwinding: all_of(&["unwind", "panic"]),
            backtrace: all_of(&["backtrace"]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(tests: &[(&str, Outcome)]) -> BTreeMap<String, Outcome> {
        tests
            .iter()
            .map(|(name, outcome)| ((*name).to_owned(), *outcome))
            .collect()
    }

    #[test]
    fn a_test_counts_when_it_passed_in_every_profile() {
        let expected = [
            "coro/it/panic_crosses",
            "coro/it/plain",
            "coro/it/backtrace",
        ]
        .map(str::to_owned)
        .into();
        let good = run(&[
            ("coro/it/panic_crosses", Outcome::Passed),
            ("coro/it/plain", Outcome::Passed),
            ("coro/it/backtrace", Outcome::Passed),
        ]);
        let mut bad = good.clone();
        bad.insert("coro/it/backtrace".to_owned(), Outcome::Failed);
        bad.remove("coro/it/plain");
        assert_eq!(
            Found::sum(&[good, bad], &expected, &BTreeSet::new()),
            Found::Ran {
                passed: 1,
                of: 3,
                unwinding: Some(true),
                backtrace: Some(false)
            }
        );
        assert_eq!(
            Found::sum(&[BTreeMap::new()], &expected, &BTreeSet::new()),
            Found::Broken
        );
    }

    #[test]
    fn what_a_target_leaves_out_says_nothing_of_it() {
        let expected = ["coro/panic_abort/x", "coro/it/panic_crosses"]
            .map(str::to_owned)
            .into();
        let skipped = ["coro/panic_abort/x".to_owned()].into();
        let found = Found::sum(
            &[run(&[("coro/it/panic_crosses", Outcome::Passed)])],
            &expected,
            &skipped,
        );
        assert_eq!(
            found,
            Found::Ran {
                passed: 1,
                of: 2,
                unwinding: Some(true),
                backtrace: None
            }
        );
    }

    #[test]
    fn without_such_tests_nothing_is_claimed() {
        let expected = ["coro/it/plain"].map(str::to_owned).into();
        let found = Found::sum(
            &[run(&[("coro/it/plain", Outcome::Passed)])],
            &expected,
            &BTreeSet::new(),
        );
        assert_eq!(
            found,
            Found::Ran {
                passed: 1,
                of: 1,
                unwinding: None,
                backtrace: None
            }
        );
    }

    #[test]
    fn newer_findings_replace_older_ones_of_the_same_target() {
        let of = |pairs: &[(&str, Found)]| LastRun {
            host: "here".to_owned(),
            targets: pairs
                .iter()
                .map(|(name, found)| ((*name).to_owned(), found.clone()))
                .collect(),
        };
        let mut last = of(&[("a", Found::Broken), ("b", Found::Builds)]);
        last.update(&of(&[("a", Found::Builds)]));
        assert_eq!(last, of(&[("a", Found::Builds), ("b", Found::Builds)]));
    }
}
