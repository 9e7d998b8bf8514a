//! Target after target: while the tests of one run, those of the next two are built.
//!
//! Building and emulating load a machine differently: so some threads do all that cargo does (the test binaries, then the doc
//! tests), a target each, and another runs the binaries, in the order of the targets.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};

use super::binaries::Binary;
use super::expected::{self, Expected};
use super::side_by_side;
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

    let (to_send, to_receive): (Vec<_>, Vec<_>) = stages.iter().map(|_| channels()).unzip();
    let mut runs = BTreeMap::<_, Vec<_>>::new();
    thread::scope(|scope| {
        let builds = stages.iter().zip(to_send);
        scope.spawn(|| {
            side_by_side::map(side_by_side::BUILDS, builds, |(stage, made)| {
                // Only a receiver that is gone makes this fail, and then nothing is missed.
                let _ = stage.build(made);
            })
        });
        for (stage, made) in stages.iter().zip(to_receive) {
            report.section(&stage.name, || {
                let results = stage.run(made)?;
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

/// The ends, of the thread that builds a stage, of the channels for the test binaries and for what the doc tests have said.
type Made = (Sender<Result<Vec<Binary>>>, Sender<Result<Results>>);
/// Those of the thread that runs it.
type ToRun = (Receiver<Result<Vec<Binary>>>, Receiver<Result<Results>>);

fn channels() -> (Made, ToRun) {
    let (built, to_run) = mpsc::channel();
    let (documented, documents) = mpsc::channel();
    ((built, documented), (to_run, documents))
}

impl Stage<'_> {
    /// Cargo's part. The doc tests come later, and only if all was built.
    fn build(&self, (built, documented): Made) -> Result<()> {
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
    fn run(&self, (built, documents): ToRun) -> Result<Results> {
        let binaries = built.recv().context("the builds have ended early")??;
        let started = Instant::now();
        let results = self.suite.run(&binaries);
        println!("   ran in {:.1} s", started.elapsed().as_secs_f64());
        let docs = match self.docs {
            true => documents.recv().context("the builds have ended early")?,
            false => Ok(Results::default()),
        };
        let mut results = results?;
        results.extend(docs?);
        Ok(results)
    }
}
