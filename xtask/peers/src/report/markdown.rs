//! The report for people: report.md.

use crate::chart::Chart;
use crate::results::{AliveResult, Measured, Report, RowResult};
use std::fmt::Write as _;

/// All of it.
pub fn report(report: &Report, charts: &[Chart]) -> String {
    let mut text = String::from("# Beside other libraries\n\n");
    text += &stamp(report);
    text += &summary(&report.rows);
    for chart in charts {
        let _ = writeln!(text, "![{}]({})\n", chart.title, chart.file);
    }
    text += "## Every row\n\n";
    for row in &report.rows {
        text += &table(row);
    }
    if !report.alive.is_empty() {
        text += &alive(&report.alive);
    }
    text
}

/// What every figure depends on.
pub(super) fn conditions(report: &Report) -> String {
    let machine = &report.machine;
    format!(
        "Commit {}, {} UTC, on {} with {} cores and {} GiB, Linux {}, {}; load {} at the start.\n\
         {} rounds of {} ms for each contestant, short loops in {} code layouts in turn; all \
         contestants of a row take turns, and ratios are formed within each round.",
        report.commit,
        report.date,
        machine.processor,
        machine.cores,
        machine.memory_gib,
        machine.kernel,
        machine.compiler,
        machine.load,
        report.rounds,
        report.slice_ms,
        report.layouts,
    )
}

/// The conditions, and who was there.
fn stamp(report: &Report) -> String {
    let mut text = conditions(report) + "\n\n";
    let here = report.peers.iter().filter(|peer| peer.missing.is_none());
    let names: Vec<_> = here
        .map(|peer| format!("{} {}", peer.name, peer.version))
        .collect();
    let _ = writeln!(text, "Compared: {}.\n", names.join("; "));
    for peer in &report.peers {
        if let Some(why) = &peer.missing {
            let _ = writeln!(text, "- {} is left out: {why}.", peer.name);
        }
    }
    text += "- Not packaged where this runs, and so left out: minicoro, libaco, PhotonLibOS.\n";
    text += "- Lua and Forth stand beside the virtual machine: `cargo run --release -p fiber-vm \
             --example compare`.\n\n";
    text
}

/// A line for each row: ours, what it is compared with, and the best of the rest.
pub(super) fn summary(rows: &[RowResult]) -> String {
    let mut text = String::from(
        "| work | ours, ns | compared with, ns | ratio | fastest other stackful one, ns |\n\
         |---|---|---|---|---|\n",
    );
    for row in rows {
        // The plain way is the first; others are extras, such as prefetching.
        let ours = row
            .contestants
            .iter()
            .find(|one| one.peer == "coro" || is_copied(one));
        let Some(ours) = ours else { continue };
        let base = &row.contestants[row.base];
        let rest = row
            .contestants
            .iter()
            .filter(|one| is_stackful(one) && one.peer != base.peer);
        let best = rest.min_by(|a, b| a.ns.median.total_cmp(&b.ns.median));
        let best = best.map(|one| format!("{} {}", one.label(), nanoseconds(one.ns.median)));
        let compared = if std::ptr::eq(base, ours) {
            " | ".to_owned()
        } else {
            let (label, ns) = (base.label(), nanoseconds(base.ns.median));
            format!("{label} {ns} | {}", ratio(ours.ratio.median))
        };
        let _ = writeln!(
            text,
            "| {} | {} | {compared} | {} |",
            row.name,
            nanoseconds(ours.ns.median),
            best.unwrap_or_default()
        );
    }
    text + "\n"
}

fn is_copied(one: &Measured) -> bool {
    one.peer == "coro-dynamic" && one.variant == "run stack"
}

/// Another library whose coroutines can suspend in any call.
fn is_stackful(one: &Measured) -> bool {
    let stackful = [
        "corosensei",
        "generator",
        "may",
        "greenlet",
        "Go",
        "stacker",
    ];
    stackful.contains(&one.peer.as_str()) && !one.variant.contains("plain")
        || one.peer.starts_with("Boost")
}

/// Bold where ours is ahead.
fn ratio(ratio: f64) -> String {
    if ratio < 0.995 {
        format!("**{ratio:.2}**")
    } else {
        format!("{ratio:.2}")
    }
}

/// With as many digits as mean something.
pub fn nanoseconds(ns: f64) -> String {
    match ns {
        _ if ns < 10.0 => format!("{ns:.2}"),
        _ if ns < 100.0 => format!("{ns:.1}"),
        _ => thousands(ns.round() as u64),
    }
}

/// With commas.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Everything about a row.
fn table(row: &RowResult) -> String {
    let mut text = format!(
        "### {}\n\n| | ns: min | median | max | ratio: min | median | max |\n|---|---|---|---|---|---|---|\n",
        row.name
    );
    for one in &row.contestants {
        let ns = [one.ns.min, one.ns.median, one.ns.max].map(nanoseconds);
        let ratio =
            [one.ratio.min, one.ratio.median, one.ratio.max].map(|ratio| format!("{ratio:.3}"));
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            one.label(),
            ns.join(" | "),
            ratio.join(" | ")
        );
    }
    text + "\n"
}

fn alive(results: &[AliveResult]) -> String {
    let mut text = String::from(
        "### Suspended at once\n\nBytes are what the process has resident more than before the \
         first one, and its page tables.\n\n| | alive | bytes each | of which page tables | \
         mappings | and then |\n|---|---|---|---|---|---|\n",
    );
    for one in results {
        let (each, tables, mappings) = one.points.last().map_or_else(Default::default, |point| {
            (
                thousands(point.each().round() as u64),
                thousands(point.page_table_bytes / point.alive as u64),
                thousands(point.mappings),
            )
        });
        let _ = writeln!(
            text,
            "| {} | {} | {each} | {tables} | {mappings} | {} |",
            one.label(),
            thousands(one.reached as u64),
            one.stopped
        );
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(nanoseconds(2.784), "2.78");
        assert_eq!(nanoseconds(27.84), "27.8");
        assert_eq!(nanoseconds(1573.4), "1,573");
        assert_eq!(
            (ratio(0.2), ratio(1.25)),
            ("**0.20**".to_owned(), "1.25".to_owned())
        );
    }
}
