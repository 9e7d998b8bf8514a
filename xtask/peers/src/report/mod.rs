//! What is printed, and what is written: JSON for programs, Markdown and charts for people.

mod markdown;
mod readme;

pub use markdown::{nanoseconds, thousands};

use crate::chart;
use crate::results::{AliveResult, Report, RowResult};
use std::path::Path;

/// A row, on the terminal.
pub fn print(row: &RowResult) {
    println!("\n{}", row.name);
    println!(
        "  {:44} {:>28} {:>28}",
        "", "ns: min, median, max", "ratio: min, median, max"
    );
    for one in &row.contestants {
        println!(
            "  {:44} {:8.2} {:9.2} {:9.2} {:8.3} {:9.3} {:9.3}",
            one.label(),
            one.ns.min,
            one.ns.median,
            one.ns.max,
            one.ratio.min,
            one.ratio.median,
            one.ratio.max
        );
    }
}

/// A crowd, on the terminal.
pub fn print_alive(result: &AliveResult) {
    let each = result
        .points
        .last()
        .map_or("?".to_owned(), |point| format!("{:.0}", point.each()));
    println!(
        "  {:28} {:>9} alive, {each:>6} bytes each; {}",
        result.label(),
        result.reached,
        result.stopped
    );
}

/// Writes everything into a folder, and the summary into a README, if there is to be one.
pub fn write(report: &Report, folder: &Path, readme: Option<&Path>) -> Result<(), String> {
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    };
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let json = serde_json::to_string_pretty(report).map_err(|error| error.to_string())?;
    write("report.json", json + "\n")?;
    let charts = chart::all(report);
    for chart in &charts {
        write(chart.file, chart.svg.clone())?;
    }
    write("report.md", markdown::report(report, &charts))?;
    println!(
        "\nwritten to {}: report.json, report.md, {} charts",
        folder.display(),
        charts.len()
    );
    readme.map_or(Ok(()), |readme| {
        readme::update(report, &charts, folder, readme)
    })
}
