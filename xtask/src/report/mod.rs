//! Timed sections, the summary table, and the closing line.

pub(crate) mod record;
pub(crate) mod support;

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use comfy_table::{Table, presets};

/// What one section found.
#[derive(Debug, Default)]
pub(crate) struct Section {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// Said in the table after the numbers.
    pub(crate) note: String,
    /// Where everything that was printed is kept.
    pub(crate) log: Option<PathBuf>,
}

impl Section {
    /// One that has found nothing yet.
    pub(crate) fn new(log: PathBuf) -> Self {
        Self {
            log: Some(log),
            ..Self::default()
        }
    }
}

/// Collects the sections of one run.
pub(crate) struct Report {
    started: Instant,
    /// With their names, and how many seconds they took.
    sections: Vec<(String, Section, f64)>,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            sections: Vec::new(),
        }
    }

    /// Runs one section. An error inside it is a failed section, not the end of the run: the others are still worth knowing.
    pub(crate) fn section(&mut self, name: &str, work: impl FnOnce() -> Result<Section>) {
        println!("== {name}");
        let started = Instant::now();
        let section = work().unwrap_or_else(|error| {
            let text = format!("{error:#}");
            println!("   {text}");
            Section {
                failed: 1,
                note: text.lines().next().unwrap_or_default().to_owned(),
                ..Section::default()
            }
        });
        let seconds = started.elapsed().as_secs_f64();
        let verdict = if section.failed == 0 { "ok" } else { "FAILED" };
        match section.passed {
            0 => println!("   {verdict}, {seconds:.1} s"),
            passed => println!("   {verdict}, {passed} passed, {seconds:.1} s"),
        }
        if let (1.., Some(log)) = (section.failed, &section.log) {
            println!("   full log: {}", log.display());
        }
        let _ = std::io::stdout().flush();
        self.sections.push((name.to_owned(), section, seconds));
    }

    /// Prints the table and the closing line; `true` when nothing failed.
    pub(crate) fn finish(self) -> bool {
        let mut table = table(["section", "passed", "failed", "seconds", ""]);
        let (mut passed, mut failed) = (0, 0);
        for (name, section, seconds) in self.sections {
            table.add_row([
                name,
                section.passed.to_string(),
                section.failed.to_string(),
                format!("{seconds:.1}"),
                section.note,
            ]);
            passed += section.passed;
            failed += section.failed;
        }
        println!("\n{}", table.trim_fmt());
        println!("{:.0} s in all\n", self.started.elapsed().as_secs_f64());
        println!("{passed} passed, {failed} failed");
        failed == 0
    }
}

/// A table with these words in its first row, for a terminal.
pub(crate) fn table<const N: usize>(head: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(head);
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_a_failed_section_and_the_run_goes_on() {
        let mut report = Report::new();
        report.section("broken", || anyhow::bail!("no such thing"));
        report.section("fine", || {
            Ok(Section {
                passed: 2,
                ..Section::default()
            })
        });
        assert_eq!(report.sections.len(), 2);
        assert!(!report.finish());
    }
}
