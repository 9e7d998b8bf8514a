//! Which tests a target is expected to run: those of the host, less the allow-list.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use super::libtest::Outcome;
use super::skips::Skips;
use super::suite::{DOC, Results, Suite};
use crate::report::claims::Claims;
use crate::report::record::{Found, LastRun};
use crate::target::platform::{Platform, Profile};
use crate::target::{self, Target};
use crate::workspace::{self, Workspace};

/// What the host found: the measure for every target.
pub(crate) struct Expected {
    /// Every test of the libraries, and whether it is marked `#[ignore]`.
    tests: BTreeMap<String, bool>,
    skips: Skips,
    claims: Claims,
    /// How each ended on the host, where they ran.
    ran: Option<BTreeMap<String, Outcome>>,
}

impl Expected {
    /// Lists the host's tests, without running any.
    pub(crate) fn list(workspace: &Workspace) -> Result<Self> {
        let suite = Suite {
            workspace,
            platform: &Platform::host(),
            profile: Profile::Debug,
            log: super::fresh(workspace, "the host's list of tests")?,
            name: None,
        };
        let tests = suite.list(&suite.build()?)?;
        Self::new(workspace, tests, None)
    }

    /// From a run of all the host's tests.
    pub(crate) fn of_run(workspace: &Workspace, results: &Results) -> Result<Self> {
        let ignored =
            |(name, outcome): (&String, &Outcome)| (name.clone(), *outcome == Outcome::Ignored);
        let tests = results.tests.iter().map(ignored).collect();
        Self::new(workspace, tests, Some(results.tests.clone()))
    }

    fn new(
        workspace: &Workspace,
        mut tests: BTreeMap<String, bool>,
        ran: Option<BTreeMap<String, Outcome>>,
    ) -> Result<Self> {
        // Names of tests begin with their package, those of doc tests with its folder.
        let prefixes: Vec<_> = workspace
            .libraries()
            .flat_map(|package| {
                let folder = package
                    .manifest_path
                    .parent()
                    .unwrap_or(&package.manifest_path);
                let folder = folder.strip_prefix(workspace::root()).unwrap_or(folder);
                [format!("{}/", package.name), format!("{DOC}/{folder}/")]
            })
            .collect();
        tests.retain(|test, _| prefixes.iter().any(|prefix| test.starts_with(prefix)));
        if tests.is_empty() {
            bail!("the libraries have no tests to run on a target");
        }
        let skips = Skips::read()?;
        skips.check(target::ALL, &tests)?;
        let claims = Claims::read()?;
        claims.check(&tests)?;
        Ok(Self {
            tests,
            skips,
            claims,
            ran,
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
    pub(crate) fn compared(&self) -> BTreeSet<String> {
        let tests = self.tests(false).into_iter();
        tests
            .filter(|(_, ignored)| !ignored)
            .map(|(test, _)| test)
            .collect()
    }

    pub(crate) fn skipped_on(&self, target: &Target) -> BTreeSet<String> {
        self.skips.of(target, self.tests.keys())
    }

    /// What the runs (one for each profile) on one target say together.
    pub(crate) fn found(&self, runs: &[BTreeMap<String, Outcome>]) -> Found {
        Found::sum(runs, &self.compared(), &self.claims)
    }

    /// The host's part of a record.
    pub(crate) fn last_run(&self) -> LastRun {
        let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let found = self
            .ran
            .as_ref()
            .map(|ran| (host.clone(), self.found(std::slice::from_ref(ran))));
        LastRun {
            host,
            targets: found.into_iter().collect(),
        }
    }
}
