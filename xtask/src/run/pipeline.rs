//! Target after target: while the tests of one run, those of the next are built.
//!
//! Building and emulating load a machine differently, and cargo builds in one folder only one thing at a time: so one thread does
//! all that cargo does (the test binaries, then the doc tests), in order, and another runs the binaries as they come.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};

use super::binaries::Binary;
use super::expected::Expected;
use super::libtest::Outcome;
use super::skips;
use super::suite::{Results, Suite};
use crate::report::record::Found;
use crate::report::{Report, Section};
use crate::target::platform::Platform;
use crate::target::toolchain::Toolchain;
use crate::target::{Level, Target};
use crate::test_target::Job;
use crate::workspace::Workspace;

/// One target in one profile.
struct Stage<'a> {
    suite: Suite<'a>,
    target: &'static Target,
    name: String,
    expected: &'a Expected,
    /// Whether doc tests run, too: in the last profile of a job that has them.
    docs: bool,
}

/// What cargo has done for a stage; the doc tests come later, and only if this is good.
struct Built {
    binaries: Result<Vec<Binary>>,
    seconds: f64,
}

/// Runs every job, a section of `report` for each of its profiles.
pub(crate) fn run(
    workspace: &Workspace,
    toolchain: &Toolchain,
    jobs: &[Job],
    expected: &Expected,
    report: &mut Report,
) -> BTreeMap<String, Found> {
    let platform = |job: &Job| Platform::target(job.target, toolchain, workspace, job.divisor);
    let platforms: Vec<_> = jobs.iter().map(platform).collect();
    let stages: Vec<_> = jobs
        .iter()
        .zip(&platforms)
        .flat_map(|(job, platform)| {
            job.profiles.iter().map(move |&profile| {
                let name = format!("{}, {}", job.target.triple, profile.name());
                let suite = Suite {
                    workspace,
                    platform,
                    profile,
                    log: workspace.log(&name),
                    name: Some(name.clone()),
                };
                Stage {
                    suite,
                    target: job.target,
                    name,
                    expected,
                    docs: job.docs && job.profiles.last() == Some(&profile),
                }
            })
        })
        .collect();

    let (built, to_run) = mpsc::channel();
    let (documented, documents) = mpsc::channel();
    let mut runs = BTreeMap::<_, Vec<_>>::new();
    thread::scope(|scope| {
        let stages = &stages;
        scope.spawn(move || {
            // Only a receiver that is gone makes this fail, and then the rest is not waited for.
            let _ = stages
                .iter()
                .try_for_each(|stage| stage.build(&built, &documented));
        });
        for stage in stages {
            report.section(&stage.name, || {
                let results = stage.run(&to_run, &documents)?;
                let section = stage.judge(&results);
                runs.entry(stage.target.triple).or_default().push(results);
                Ok(section)
            });
        }
    });

    let found = |job: &Job| {
        // A profile that could not be built has left nothing.
        let runs = runs.remove(job.target.triple).unwrap_or_default();
        let found = match job.target.level {
            _ if runs.len() < job.profiles.len() => Found::Broken,
            Level::Build => Found::Builds,
            Level::Run => {
                let tests: Vec<_> = runs.into_iter().map(|results| results.tests).collect();
                expected.found(&tests)
            }
        };
        (job.target.triple.to_owned(), found)
    };
    jobs.iter().map(found).collect()
}

impl Stage<'_> {
    /// Cargo's part.
    fn build(&self, built: &Sender<Built>, documented: &Sender<Result<Results>>) -> Result<()> {
        let started = Instant::now();
        let binaries =
            super::fresh(self.suite.workspace, &self.name).and_then(|_| match self.target.level {
                Level::Run => self.suite.build(),
                Level::Build => self.suite.compile().map(|()| Vec::new()),
            });
        let good = binaries.is_ok();
        let seconds = started.elapsed().as_secs_f64();
        built.send(Built { binaries, seconds })?;
        if good && self.docs && self.target.level == Level::Run {
            documented.send(self.suite.run_docs(|label| self.skipped(label)))?;
        }
        Ok(())
    }

    /// The emulator's part.
    fn run(
        &self,
        built: &Receiver<Built>,
        documents: &Receiver<Result<Results>>,
    ) -> Result<Results> {
        let Built { binaries, seconds } = built.recv().context("the builds have ended early")?;
        let binaries = binaries?;
        if self.target.level == Level::Build {
            return Ok(Results::default());
        }
        let started = Instant::now();
        let results = self.suite.run(&binaries, |label| self.skipped(label));
        let ran = started.elapsed().as_secs_f64();
        // Received whatever the tests have found: the next stage's would be taken for them.
        let docs = match self.docs {
            true => documents.recv().context("the builds have ended early")?,
            false => Ok(Results::default()),
        };
        let mut results = results?;
        results.extend(docs?);
        println!("   built in {seconds:.1} s, ran in {ran:.1} s");
        Ok(results)
    }

    /// The tests of a binary that the allow-list leaves out.
    fn skipped(&self, label: &str) -> Vec<String> {
        let of_label =
            |test: &String| Some(test.strip_prefix(label)?.strip_prefix('/')?.to_owned());
        let skipped = self.expected.skipped_on(self.target);
        skipped.iter().filter_map(of_label).collect()
    }

    /// Compares what ran with what should have.
    fn judge(&self, results: &Results) -> Section {
        let log = Some(self.suite.log.clone());
        if self.target.level == Level::Build {
            return Section {
                note: "builds, not run".to_owned(),
                log,
                ..Section::default()
            };
        }
        let skipped = self.expected.skipped_on(self.target);
        let tests = self.expected.tests(self.docs);
        let differences = skips::differences(&tests, &skipped, &results.tests);
        for difference in &differences {
            println!("   {difference}");
        }
        let passed = results.count(Outcome::Passed);
        let mut note = format!("{passed} of {} tests", tests.len());
        if !skipped.is_empty() {
            note += &format!(", {} skipped", skipped.len());
        }
        if !differences.is_empty() {
            note += &format!(", {} differ from the host", differences.len());
        }
        if let Some(failed) = results.failed_names() {
            note += &format!("; {failed}");
        }
        let failed = results.failed() + usize::from(!differences.is_empty());
        Section {
            passed,
            failed,
            note,
            log,
        }
    }
}
