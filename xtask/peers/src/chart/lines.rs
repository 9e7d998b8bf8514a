//! Memory: bytes for each, against how many there are; a cross where there can be no more.

use super::scale::Scale;
use super::svg::{Anchor, Svg, short};
use crate::peers::is_ours;
use crate::report::thousands;
use crate::results::AliveResult;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 64.0;
/// Where the scale ends, and names begin.
const RIGHT: f64 = 450.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 400.0;
/// As close as two names may come.
const APART: f64 = 15.0;

/// Draws a line for each crowd, with its name at its end.
pub fn draw(title: &str, all: &[AliveResult]) -> String {
    let heading = format!("{title}: bytes, by how many there are, both logarithmic");
    let mut svg = Svg::new(WIDTH, &heading);
    let mut crowds: Vec<_> = all.iter().filter(|one| !one.points.is_empty()).collect();
    let points = crowds.iter().flat_map(|one| &one.points);
    let across = Scale::covering(points.clone().map(|point| point.alive as f64), LEFT, RIGHT);
    // A boxed future among few may round to no page at all.
    let up = Scale::covering(points.map(|point| point.each().max(1.0)), BOTTOM, TOP);
    for tick in across.ticks() {
        svg.line(
            (across.place(tick), TOP),
            (across.place(tick), BOTTOM),
            "grid",
        );
        svg.text(
            across.place(tick),
            BOTTOM + 18.0,
            Anchor::Middle,
            "",
            &short(tick),
        );
    }
    for tick in up.ticks() {
        svg.line((LEFT, up.place(tick)), (RIGHT, up.place(tick)), "grid");
        svg.text(
            LEFT - 8.0,
            up.place(tick) + 4.0,
            Anchor::End,
            "",
            &short(tick),
        );
    }
    // From the top down, so that names which would cover each other move down.
    let last = |one: &AliveResult| one.points.last().map_or(1.0, |point| point.each().max(1.0));
    crowds.sort_by(|a, b| last(b).total_cmp(&last(a)));
    let mut free = TOP;
    for one in crowds {
        let class = if is_ours(&one.peer) { "ours" } else { "other" };
        let places: Vec<_> = one
            .points
            .iter()
            .map(|point| {
                (
                    across.place(point.alive as f64),
                    up.place(point.each().max(1.0)),
                )
            })
            .collect();
        svg.path(&places, class);
        let (x, y) = places[places.len() - 1];
        if one.failed {
            svg.line((x - 4.0, y - 4.0), (x + 4.0, y + 4.0), class);
            svg.line((x - 4.0, y + 4.0), (x + 4.0, y - 4.0), class);
        } else {
            svg.dot(x, y, 3.5, class);
        }
        let name_y = y.max(free);
        free = name_y + APART;
        svg.line((x + 6.0, y), (RIGHT + 6.0, name_y), "grid");
        let bytes = thousands(last(one).round() as u64);
        let end = if one.failed { "at most " } else { "" };
        let reached = thousands(one.reached as u64);
        let text = format!("{}: {bytes}; {end}{reached}", one.label());
        let name = if is_ours(&one.peer) { "ours" } else { "" };
        svg.text(RIGHT + 10.0, name_y + 4.0, Anchor::Start, name, &text);
    }
    svg.finish(BOTTOM.max(free) + 30.0)
}
