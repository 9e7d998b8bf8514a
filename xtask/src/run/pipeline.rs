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
use super::expected::{self, Expected};
use super::suite::{Results, Suite};
use crate::report::record::Found;
use crate::report::{Report, Section};
use crate::target::Target;
use crate::target::platform::{Place, Platform};
use crate::target::toolchain::Toolchain;
use crate::test_target::Job;
use crate::workspace::Workspace;

/// One target in one profile.
struct Stage<'a> {
    suite: Suite<'a>,
    target: &'static Target,
    name: String,
    /// Whether doc tests run, too: in the last profile of a job that has them.
    docs: bool,
}

/// Runs every job, a section of `report` for each of its profiles.
pub(crate) fn run(
    workspace: &Workspace,
    toolchain: &Toolchain,
    jobs: &[Job],
    expected: &Expected,
    report: &mut Report,
) -> Result<BTreeMap<String, Found>> {
    let mut stages = Vec::new();
    for job in jobs {
        for &(profile, divisor) in &job.profiles {
            let name = format!("{}, {}", job.target.triple, profile.name());
            let suite = Suite {
                platform: Platform {
                    workspace,
                    place: Place::Foreign(job.target, toolchain),
                    divisor,
                    without: job.without,
                },
                profile,
                log: workspace.log(&name)?,
                prefix: format!("{name}: "),
                skipped: expected.skipped_on(job.target.triple),
            };
            stages.push(Stage {
                suite,
                target: job.target,
                name,
                docs: job.docs
                    && job.target.runs()
                    && job.profiles.last() == Some(&(profile, divisor)),
            });
        }
    }

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
                let section = match stage.target.runs() {
                    true => {
                        let mut tests = expected.tests(stage.docs);
                        expected::leave_out(&mut tests, stage.suite.platform.without);
                        expected::judge(&tests, &stage.suite, &results)
                    }
                    false => Section {
                        note: "builds, not run".to_owned(),
                        ..Section::new(stage.suite.log.clone())
                    },
                };
                let runs = runs.entry(stage.target.triple).or_default();
                runs.push(results.tests);
                Ok(section)
            });
        }
    });

    let found = |job: &Job| {
        // A profile that could not be built has left nothing.
        let runs = runs.remove(job.target.triple).unwrap_or_default();
        let found = match job.target.runs() {
            _ if runs.len() < job.profiles.len() => Found::Broken,
            true => expected.found(&runs, job.without),
            false => Found::Builds,
        };
        (job.target.triple.to_owned(), found)
    };
    Ok(jobs.iter().map(found).collect())
}

impl Stage<'_> {
    /// Cargo's part. The doc tests come later, and only if all was built.
    fn build(
        &self,
        built: &Sender<Result<Vec<Binary>>>,
        documented: &Sender<Result<Results>>,
    ) -> Result<()> {
        let binaries = match self.target.runs() {
            true => self.suite.build(),
            false => self.suite.compile().map(|()| Vec::new()),
        };
        let good = binaries.is_ok();
        built.send(binaries)?;
        if good && self.docs {
            documented.send(self.suite.run_docs())?;
        }
        Ok(())
    }

    /// The emulator's part.
    fn run(
        &self,
        built: &Receiver<Result<Vec<Binary>>>,
        documents: &Receiver<Result<Results>>,
    ) -> Result<Results> {
        let binaries = built.recv().context("the builds have ended early")??;
        let started = Instant::now();
        let results = self.suite.run(&binaries);
        println!("   ran in {:.1} s", started.elapsed().as_secs_f64());
        // Received whatever the tests have found: the next stage's would be taken for them.
        let docs = match self.docs {
            true => documents.recv().context("the builds have ended early")?,
            false => Ok(Results::default()),
        };
        let mut results = results?;
        results.extend(docs?);
        Ok(results)
    }
}
