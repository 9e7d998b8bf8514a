//! Which tests a target is expected to run: those of the host, less the allow-list.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use crate::binaries::Binary;
use crate::host;
use crate::libtest::Outcome;
use crate::platform::{Platform, Profile};
use crate::record::{Found, LastRun};
use crate::skips::Skips;
use crate::suite::Suite;
use crate::targets::{self, Target};
use crate::workspace::{COMPILE_FAIL, Workspace};

/// What the host found: the measure for every target.
pub(crate) struct Expected {
    /// Every test of the libraries, and whether it is marked `#[ignore]`.
    pub(crate) tests: BTreeMap<String, bool>,
    skips: Skips,
    /// How each ended on the host, where that was asked for.
    ran: Option<BTreeMap<String, Outcome>>,
}

impl Expected {
    /// Lists the host's tests; with `run`, runs them too.
    pub(crate) fn of_host(workspace: &Workspace, run: bool) -> Result<Self> {
        let platform = Platform::host();
        let log = host::fresh(workspace, "the host's list of tests")?;
        let suite = Suite {
            workspace,
            platform: &platform,
            profile: Profile::Debug,
            log,
        };
        let binaries: Vec<_> = suite
            .build()?
            .into_iter()
            .filter(|binary| portable(workspace, binary))
            .collect();
        let mut tests = suite.list(&binaries)?;
        let folders = workspace
            .libraries()
            .into_iter()
            .map(|package| format!("doc/{}/", package.relative_folder().display()));
        let folders: Vec<_> = folders.collect();
        tests.retain(|test, _| {
            !test.starts_with("doc/") || folders.iter().any(|folder| test.starts_with(folder))
        });
        if tests.is_empty() {
            bail!("the libraries have no tests to run on a target");
        }
        let skips = Skips::read()?;
        skips.check(targets::ALL, &tests)?;
        let ran = if run {
            Some(suite.run(&binaries, |_| Vec::new())?.tests)
        } else {
            None
        };
        Ok(Self { tests, skips, ran })
    }

    /// The tests that are not marked `#[ignore]`.
    pub(crate) fn to_run(&self) -> BTreeSet<String> {
        self.tests
            .iter()
            .filter(|(_, ignored)| !**ignored)
            .map(|(test, _)| test.clone())
            .collect()
    }

    pub(crate) fn skipped_on(&self, target: &Target) -> BTreeSet<String> {
        self.skips.of(target, self.tests.keys())
    }

    /// The beginning of a record: the host's part of it.
    pub(crate) fn last_run(&self) -> LastRun {
        let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let to_run = self.to_run();
        let found = self
            .ran
            .as_ref()
            .map(|ran| (host.clone(), Found::sum(std::slice::from_ref(ran), &to_run)));
        LastRun {
            host,
            tests: to_run.len(),
            targets: found.into_iter().collect(),
        }
    }
}

/// Whether a test binary of the host's is one that targets run too.
fn portable(workspace: &Workspace, binary: &Binary) -> bool {
    workspace.libraries().iter().any(|package| {
        let binary = binary
            .label
            .strip_prefix(&package.name)
            .and_then(|rest| rest.strip_prefix('/'));
        binary.is_some_and(|binary| binary != COMPILE_FAIL)
    })
}
