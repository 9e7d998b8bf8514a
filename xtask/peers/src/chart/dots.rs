//! Times: a dot for the median of each contestant, in a band from the shortest to the longest.

use super::scale::Scale;
use super::svg::{Anchor, Svg, short};
use crate::peers::is_ours;
use crate::report::nanoseconds;
use crate::results::RowResult;

const WIDTH: f64 = 760.0;
/// Where names end, and the scale begins.
const LEFT: f64 = 272.0;
/// Where the scale ends, and numbers begin.
const RIGHT: f64 = 680.0;
const LINE: f64 = 18.0;

/// Draws rows below each other, on one scale, the fastest first in each.
pub fn draw(title: &str, rows: &[&RowResult]) -> String {
    let mut svg = Svg::new(
        WIDTH,
        &format!("{title}: nanoseconds, logarithmic, lower is better"),
    );
    let all = rows.iter().flat_map(|row| &row.contestants);
    let ends = all.flat_map(|one| [one.ns.min, one.ns.max]);
    let scale = Scale::covering(ends, LEFT, RIGHT);
    let mut y = 36.0;
    for row in rows {
        y += 22.0;
        svg.text(12.0, y, Anchor::Start, "row", &row.name);
        y += 6.0;
        let bottom = y + LINE * row.contestants.len() as f64;
        for tick in scale.ticks() {
            svg.line((scale.place(tick), y), (scale.place(tick), bottom), "grid");
        }
        let mut sorted: Vec<_> = row.contestants.iter().collect();
        sorted.sort_by(|a, b| a.ns.median.total_cmp(&b.ns.median));
        for one in sorted {
            let class = if is_ours(&one.peer) { "ours" } else { "other" };
            let text = if is_ours(&one.peer) { "ours" } else { "" };
            let middle = y + LINE / 2.0;
            svg.text(LEFT - 10.0, middle + 4.0, Anchor::End, text, &one.label());
            let place = |ns| (scale.place(ns), middle);
            svg.line(
                place(one.ns.min),
                place(one.ns.max),
                &format!("range {class}"),
            );
            svg.dot(scale.place(one.ns.median), middle, 4.5, class);
            svg.text(
                RIGHT + 8.0,
                middle + 4.0,
                Anchor::Start,
                text,
                &nanoseconds(one.ns.median),
            );
            y += LINE;
        }
    }
    y += 16.0;
    for tick in scale.ticks() {
        let text = format!("{} ns", short(tick));
        svg.text(scale.place(tick), y, Anchor::Middle, "", &text);
    }
    svg.finish(y + 12.0)
}
