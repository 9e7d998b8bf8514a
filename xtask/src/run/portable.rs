//! The portable backend of `sure-context`, in which each execution is a parked thread, beside the
//! native one: the same tests on the host, less those of what a thread cannot have.

use anyhow::{Context as _, Result};

use super::expected::Expected;
use super::fresh;
use super::libtest::Outcome;
use super::skips;
use super::suite::{Results, Suite};
use crate::report::Section;
use crate::target::platform::{Platform, Profile};
use crate::workspace::Workspace;

/// The test binaries that run, with which the list of the host's tests is narrowed.
const BINARIES: [&str; 2] = ["sure-context/it/", "coro/it/"];

/// `host` is what the host's tests have found with the native backend.
pub(crate) fn section(workspace: &Workspace, host: Option<&Results>) -> Result<Section> {
    let host = host.context("the host's tests could not be built")?;
    let expected = Expected::of_run(workspace, host)?;
    let ours = |test: &str| BINARIES.iter().any(|binary| test.starts_with(binary));
    let mut skipped = expected.skipped_on_portable();
    skipped.retain(|test| ours(test));
    let mut tests = expected.tests(false);
    tests.retain(|test, _| ours(test));

    let suite = Suite {
        workspace,
        platform: &Platform::portable(workspace),
        profile: Profile::Debug,
        log: fresh(workspace, "the portable backend")?,
        name: None,
    };
    let results = suite.run(&suite.build()?, |label| {
        let of_label = |test: &String| {
            let name = test.strip_prefix(label)?.strip_prefix('/')?;
            Some(name.to_owned())
        };
        skipped.iter().filter_map(of_label).collect()
    })?;
    let differences = skips::differences(&tests, &skipped, &results.tests);
    for difference in &differences {
        println!("   {difference}");
    }
    let passed = results.count(Outcome::Passed);
    let note = format!(
        "{passed} of {} tests, {} skipped",
        tests.len(),
        skipped.len()
    );
    Ok(Section {
        passed,
        failed: results.failed() + usize::from(!differences.is_empty()),
        note: results
            .failed_names()
            .map_or(note.clone(), |failed| format!("{note}; {failed}")),
        log: Some(suite.log),
    })
}
