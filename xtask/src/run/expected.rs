//! Which tests a target is expected to run: those of the host, less the allow-list.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use super::libtest::Outcome;
use super::lists::{Claims, Skips};
use super::suite::{DOC, Results, Suite};
use crate::report::Section;
use crate::report::record::Found;
use crate::target::platform::Profile;
use crate::workspace::{self, Workspace};

/// What the host found: the measure for every target.
pub(crate) struct Expected {
    /// Every test of the libraries, and whether it is marked `#[ignore]`.
    tests: BTreeMap<String, bool>,
    skips: Skips,
    claims: Claims,
}

impl Expected {
    /// Lists the host's tests, without running any.
    pub(crate) fn list(workspace: &Workspace) -> Result<Self> {
        let suite = Suite::of_host(workspace, Profile::Debug, "the host's list of tests")?;
        Self::new(workspace, suite.list(&suite.build()?)?)
    }

    /// From a run of all the host's tests.
    pub(crate) fn of_run(workspace: &Workspace, results: &Results) -> Result<Self> {
        let tests = results.tests.iter();
        let tests = tests.map(|(name, outcome)| (name.clone(), *outcome == Outcome::Ignored));
        Self::new(workspace, tests.collect())
    }

    fn new(workspace: &Workspace, mut tests: BTreeMap<String, bool>) -> Result<Self> {
        // Names of tests begin with their package, those of doc tests with its folder.
        let prefixes = workspace.libraries().flat_map(|package| {
            let manifest = package.manifest_path.as_std_path();
            let folder = manifest.strip_prefix(workspace::root()).unwrap_or(manifest);
            let folder = folder.with_file_name("");
            [
                format!("{}/", package.name),
                format!("{DOC}/{}", folder.display()),
            ]
        });
        let prefixes: Vec<_> = prefixes.collect();
        tests.retain(|test, _| prefixes.iter().any(|prefix| test.starts_with(prefix)));
        if tests.is_empty() {
            bail!("the libraries have no tests to run on a target");
        }
        let (skips, claims) = (Skips::read()?, Claims::read()?);
        skips.check(&tests)?;
        claims.check(&tests)?;
        Ok(Self {
            tests,
            skips,
            claims,
        })
    }

    /// Every test of the libraries, and whether it is marked `#[ignore]`; with doc tests, or without.
    pub(crate) fn tests(&self, docs: bool) -> BTreeMap<String, bool> {
        let is_doc = |test: &str| test.strip_prefix(DOC).is_some_and(|it| it.starts_with('/'));
        let mut tests = self.tests.clone();
        tests.retain(|test, _| docs || !is_doc(test));
        tests
    }

    /// The tests by which targets are compared in the README: those that are not marked `#[ignore]`,
    /// without doc tests, which do not run on all targets.
    pub(crate) fn compared(&self, without: &[&str]) -> BTreeSet<String> {
        let mut tests = self.tests(false);
        leave_out(&mut tests, without);
        tests.retain(|_, ignored| !*ignored);
        tests.into_keys().collect()
    }

    /// The tests that a target leaves out.
    pub(crate) fn skipped_on(&self, target: &str) -> BTreeSet<String> {
        self.skips.of(target, self.tests.keys())
    }

    /// What the runs (one for each profile) on one target say together.
    pub(crate) fn found(&self, runs: &[BTreeMap<String, Outcome>], without: &[&str]) -> Found {
        if runs.iter().all(BTreeMap::is_empty) {
            return Found::Broken;
        }
        let expected = self.compared(without);
        let passed_everywhere = |test: &&String| {
            let mut outcomes = runs.iter().map(|run| run.get(*test));
            outcomes.all(|outcome| outcome == Some(&Outcome::Passed))
        };
        let passed = expected.iter().filter(passed_everywhere).collect();
        Found::Ran {
            unwinding: self.claims.hold("unwinding", &passed),
            backtrace: self.claims.hold("backtrace", &passed),
            passed: passed.len(),
            of: expected.len(),
        }
    }
}

/// Takes the tests of some libraries away.
pub(crate) fn leave_out(tests: &mut BTreeMap<String, bool>, libraries: &[&str]) {
    let of = |test: &str, library: &str| {
        let folder = format!("{DOC}/crates/{library}/");
        test.starts_with(&format!("{library}/")) || test.starts_with(&folder)
    };
    tests.retain(|test, _| !libraries.iter().any(|library| of(test, library)));
}

/// Compares what ran with the tests that should have.
pub(crate) fn judge(tests: &BTreeMap<String, bool>, suite: &Suite, results: &Results) -> Section {
    let differences = differences(tests, &suite.skipped, &results.tests);
    for difference in &differences {
        println!("   {difference}");
    }
    let passed = results.count(Outcome::Passed);
    let mut note = format!("{passed} of {} tests", tests.len());
    if !suite.skipped.is_empty() {
        note += &format!(", {} skipped", suite.skipped.len());
    }
    if !differences.is_empty() {
        note += &format!(", {} differ from the host", differences.len());
    }
    if let Some(failed) = results.failed_names() {
        note += &format!("; {failed}");
    }
    Section {
        passed,
        failed: results.failed() + usize::from(!differences.is_empty()),
        note,
        log: Some(suite.log.clone()),
    }
}

/// How the tests that ran differ from those that should have; empty when they do not. A test that is ignored on a target and
/// not on the host has not run.
fn differences(
    host: &BTreeMap<String, bool>,
    skipped: &BTreeSet<String>,
    ran: &BTreeMap<String, Outcome>,
) -> Vec<String> {
    let missing = host.iter().filter(|(test, ignored)| {
        let ran = ran.get(*test);
        let seen = ran.is_some_and(|outcome| **ignored || *outcome != Outcome::Ignored);
        !seen && !skipped.contains(*test)
    });
    let missing = missing.map(|(test, _)| format!("did not run: {test}"));
    let unknown = ran.keys().filter(|test| !host.contains_key(*test));
    let unknown = unknown.map(|test| format!("is no test of the host's: {test}"));
    missing.chain(unknown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_is_named() {
        let host = [("a", false), ("b", false), ("c", true), ("d", false)];
        let host = host
            .map(|(name, ignored)| (name.to_owned(), ignored))
            .into();
        let skipped = BTreeSet::from(["b".to_owned()]);
        let ran = [
            ("a", Outcome::Failed),
            ("c", Outcome::Ignored),
            ("d", Outcome::Passed),
        ];
        let mut ran = BTreeMap::from(ran.map(|(name, outcome)| (name.to_owned(), outcome)));
        assert!(differences(&host, &skipped, &ran).is_empty());
        ran.insert("d".to_owned(), Outcome::Ignored);
        ran.remove("a");
        ran.insert("e".to_owned(), Outcome::Passed);
        let named = [
            "did not run: a",
            "did not run: d",
            "is no test of the host's: e",
        ];
        assert_eq!(differences(&host, &skipped, &ran), named);
    }

    #[test]
    fn a_test_counts_when_it_passed_in_every_profile() {
        let expected = Expected {
            tests: ["a", "b", "c"].map(|test| (test.to_owned(), false)).into(),
            skips: Skips::read().unwrap(),
            claims: Claims::read().unwrap(),
        };
        let run = |outcomes: &[(&str, Outcome)]| {
            let outcomes = outcomes.iter();
            outcomes.map(|(test, it)| (test.to_string(), *it)).collect()
        };
        let good = run(&["a", "b", "c"].map(|test| (test, Outcome::Passed)));
        let bad = run(&[("a", Outcome::Passed), ("b", Outcome::Failed)]);
        let one_of_three = Found::Ran {
            passed: 1,
            of: 3,
            unwinding: false,
            backtrace: false,
        };
        assert_eq!(expected.found(&[good, bad], &[]), one_of_three);
        assert_eq!(expected.found(&[BTreeMap::new()], &[]), Found::Broken);
        let mut tests = [
            "coro/it/a",
            "fiber-vm/it/a",
            "doc/crates/fiber-vm/src/b - (line 1)",
        ]
        .map(|test| (test.to_owned(), false))
        .into();
        leave_out(&mut tests, &["fiber-vm"]);
        assert!(tests.into_keys().eq(["coro/it/a"]));
    }
}
