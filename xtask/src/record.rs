//! `ci/last-run.json`: what the last run on all targets found. The support table is made from it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::libtest::Outcome;
use crate::workspace;

/// Where it is kept, from the root.
pub(crate) const FILE: &str = "ci/last-run.json";

/// The last run on all targets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastRun {
    /// The machine that ran it.
    pub(crate) host: String,
    /// How many tests the host ran, those marked `#[ignore]` left out.
    pub(crate) tests: usize,
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
        /// Whether every test of panics and unwinding passed; `None` without such tests.
        unwinding: Option<bool>,
        /// Whether every test of backtraces passed; `None` without such tests.
        backtrace: Option<bool>,
    },
}

impl LastRun {
    pub(crate) fn path() -> PathBuf {
        workspace::root().join(FILE)
    }

    pub(crate) fn read() -> Result<Self> {
        let text = std::fs::read_to_string(Self::path()).with_context(|| {
            format!("cannot read {FILE}; make it with: cargo xtask test-target all")
        })?;
        serde_json::from_str(&text).with_context(|| format!("cannot understand {FILE}"))
    }

    pub(crate) fn write(&self) -> Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        std::fs::write(Self::path(), text).with_context(|| format!("cannot write {FILE}"))
    }
}

impl Found {
    /// Sums up the runs (one for each profile) of one target; `expected` are the tests the host runs.
    pub(crate) fn sum(runs: &[BTreeMap<String, Outcome>], expected: &BTreeSet<String>) -> Self {
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
                .iter()
                .filter(|test| words.iter().any(|word| test.contains(word)))
                .peekable();
            about.peek()?;
            Some(about.all(|test| passed.contains(test)))
        };
        Self::Ran {
            passed: passed.len(),
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
            Found::sum(&[good, bad], &expected),
            Found::Ran {
                passed: 1,
                unwinding: Some(true),
                backtrace: Some(false)
            }
        );
        assert_eq!(Found::sum(&[BTreeMap::new()], &expected), Found::Broken);
    }

    #[test]
    fn without_such_tests_nothing_is_claimed() {
        let expected = ["coro/it/plain"].map(str::to_owned).into();
        let found = Found::sum(&[run(&[("coro/it/plain", Outcome::Passed)])], &expected);
        assert_eq!(
            found,
            Found::Ran {
                passed: 1,
                unwinding: None,
                backtrace: None
            }
        );
    }
}
