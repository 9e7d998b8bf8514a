//! Pictures of a report, which read well on a light page and on a dark one.

mod dots;
mod lines;
mod scale;
mod svg;

use crate::results::Report;

/// A picture, ready to be written.
pub struct Chart {
    pub file: &'static str,
    pub title: &'static str,
    pub svg: String,
}

/// Which rows are drawn together, under one scale.
const DOTS: &[(&str, &str, &[&str])] = &[
    (
        "round-trips.svg",
        "Resume and suspend",
        &[
            "resume and suspend, usize",
            "resume and suspend, usize, inside 3 calls",
            "resume and suspend, 64 bytes",
        ],
    ),
    (
        "lives.svg",
        "From creation to drop",
        &[
            "create, run, drop; stack kept",
            "create, run, drop; new stack of 256 KiB",
            "create, suspend, drop while suspended",
        ],
    ),
    (
        "many.svg",
        "10,000 that take turns",
        &[
            "10,000 in order",
            "10,000 shuffled",
            "10,000 shuffled, each inside 3 calls",
        ],
    ),
    (
        "uses.svg",
        "At work",
        &[
            "an item through a pipeline of 5 generators",
            "a node of a tree, walked recursively",
            "a JSON document of 4 KiB in pieces of 64 bytes",
        ],
    ),
];

/// Every chart for which the report has something.
pub fn all(report: &Report) -> Vec<Chart> {
    let mut charts = Vec::new();
    for &(file, title, names) in DOTS {
        let row = |name: &&str| report.rows.iter().find(|row| row.name == *name);
        let rows: Vec<_> = names.iter().filter_map(row).collect();
        if !rows.is_empty() {
            charts.push(Chart {
                file,
                title,
                svg: dots::draw(title, &rows),
            });
        }
    }
    if report.alive.iter().any(|one| !one.points.is_empty()) {
        let title = "Memory of each suspended coroutine";
        let svg = lines::draw(title, &report.alive);
        charts.push(Chart {
            file: "alive.svg",
            title,
            svg,
        });
    }
    charts
}
