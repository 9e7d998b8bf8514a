//! A document of shapes and words.

use std::fmt::Write as _;

/// Middling colours, which can be told from white and from black alike: what draws a page may not
/// tell a picture which of them it is on. Where it does, words get a stronger contrast.
const STYLE: &str = "
text { font: 12px system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #727a85 }
.title { font-size: 15px; font-weight: 600 }
.row { font-size: 13px; font-weight: 600 }
.ours { fill: #2f81f7; stroke: #2f81f7 }
text.ours { stroke: none; font-weight: 600 }
.other { fill: #8a7a5c; stroke: #8a7a5c }
.grid { stroke: #727a85; stroke-opacity: .25 }
.line { fill: none; stroke-width: 1.6 }
.range { stroke-width: 5; stroke-opacity: .35 }
.halo { stroke: none }
@media (prefers-color-scheme: light) { text { fill: #3d444d } text.ours { fill: #0969da } }
@media (prefers-color-scheme: dark) { text { fill: #b8c0cc } text.ours { fill: #58a6ff } }
";

/// A picture that is being drawn.
pub struct Svg {
    width: f64,
    title: String,
    body: String,
}

/// To which side of its place a word goes.
#[derive(Clone, Copy)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    pub fn new(width: f64, title: &str) -> Svg {
        let mut svg = Svg {
            width,
            title: escaped(title),
            body: String::new(),
        };
        svg.text(12.0, 22.0, Anchor::Start, "title", title);
        svg
    }

    pub fn text(&mut self, x: f64, y: f64, anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escaped(text);
        let _ = writeln!(
            self.body,
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" class="{class}">{text}</text>"#
        );
    }

    pub fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), class: &str) {
        let _ = writeln!(
            self.body,
            r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" class="{class}"/>"#
        );
    }

    pub fn dot(&mut self, x: f64, y: f64, radius: f64, class: &str) {
        let _ = writeln!(
            self.body,
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius}" class="{class}"/>"#
        );
    }

    pub fn path(&mut self, points: &[(f64, f64)], class: &str) {
        let points: Vec<_> = points
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let points = points.join(" ");
        let _ = writeln!(
            self.body,
            r#"<polyline points="{points}" class="line {class}"/>"#
        );
    }

    /// The document, of that height.
    pub fn finish(self, height: f64) -> String {
        let Svg { width, title, body } = self;
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">
<title>{title}</title>
<style>{STYLE}</style>
{body}</svg>
"#
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A number in as little room as possible: 1, 10, 100, 1k, 1M.
pub fn short(number: f64) -> String {
    match number {
        _ if number >= 1e6 => format!("{}M", number / 1e6),
        _ if number >= 1e3 => format!("{}k", number / 1e3),
        _ => number.to_string(),
    }
}
