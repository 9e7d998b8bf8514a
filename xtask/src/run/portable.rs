//! The portable backend of `sure-context`, in which each execution is a parked thread, beside the
//! native one: the same tests on the host, less those of what a thread cannot have.

use anyhow::{Context as _, Result};

use super::expected::{self, Expected};
use super::lists::PORTABLE;
use super::suite::{Results, Suite};
use crate::report::Section;
use crate::target::platform::{Place, Platform, Profile};
use crate::workspace::Workspace;

/// The test binaries that run, with which the list of the host's tests is narrowed.
const BINARIES: [&str; 2] = ["sure-context/it/", "coro/it/"];

/// `host` is what the host's tests have found with the native backend.
pub(crate) fn section(workspace: &Workspace, host: Option<&Results>) -> Result<Section> {
    let host = host.context("the host's tests could not be built")?;
    let expected = Expected::of_run(workspace, host)?;
    let ours = |test: &str| BINARIES.iter().any(|binary| test.starts_with(binary));
    let mut skipped = expected.skipped_on(PORTABLE);
    skipped.retain(|test| ours(test));
    let mut tests = expected.tests(false);
    tests.retain(|test, _| ours(test));

    let suite = Suite {
        platform: Platform {
            workspace,
            place: Place::Portable,
            // Threads switch slowly, so there is less random work.
            divisor: 5,
            without: &[],
        },
        profile: Profile::Debug,
        log: workspace.log("the portable backend")?,
        prefix: String::new(),
        skipped,
    };
    let results = suite.run(&suite.build()?)?;
    Ok(expected::judge(&tests, &suite, &results))
}
