//! The report as a picture: Scalable Vector Graphics, which any browser shows.
//!
//! Above, which coroutine used how much; below, on a logarithmic scale, the share of
//! coroutines that a stack would not have served, where a size is chosen.

use std::fmt::{self, Write};
use std::ops::Range;
use sure_stack::UsageReport;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 640.0;
/// The left and right end of both panels, and the top and bottom of each.
const LEFT: f64 = 76.0;
const RIGHT: f64 = 930.0;
const ABOVE: Range<f64> = 132.0..356.0;
const BELOW: Range<f64> = 404.0..572.0;

/// Bars an octave.
const BARS: f64 = 4.0;

/// Colours that colour-blind readers can tell apart (Okabe and Ito, 2008).
const COLOURS: [&str; 6] = [
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00",
];

/// What is drawn.
pub(crate) struct Chart<'a> {
    pub(crate) subtitle: String,
    /// The parts of the whole, by name.
    pub(crate) parts: &'a [(&'static str, UsageReport)],
    pub(crate) whole: &'a UsageReport,
}

impl fmt::Display for Chart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = Scale::of(self.whole);
        writeln!(
            f,
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" font-family="Helvetica, Arial, sans-serif" font-size="13" fill="#333">
<rect width="100%" height="100%" fill="white"/>
<text x="{LEFT}" y="36" font-size="20" font-weight="bold" fill="#111">How much stack coroutines use</text>
<text x="{LEFT}" y="58" fill="#666">{}</text>"##,
            self.subtitle
        )?;
        self.legend(f)?;
        for range in [ABOVE, BELOW] {
            scale.grid(f, &range)?;
        }
        scale.labels(f)?;
        self.bars(f, &scale)?;
        self.curve(f, &scale)?;
        self.choice(f, &scale)?;
        writeln!(f, "</svg>")
    }
}

impl Chart<'_> {
    fn legend(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut x = LEFT;
        for ((name, _), colour) in self.parts.iter().zip(COLOURS) {
            writeln!(
                f,
                r##"<rect x="{x}" y="78" width="13" height="13" rx="2" fill="{colour}"/><text x="{}" y="89">{name}</text>"##,
                x + 19.0
            )?;
            x += 44.0 + 7.5 * name.len() as f64;
        }
        Ok(())
    }

    /// Stacked bars, a colour for each part.
    fn bars(&self, f: &mut fmt::Formatter<'_>, scale: &Scale) -> fmt::Result {
        let columns: Vec<Vec<u64>> = self
            .parts
            .iter()
            .map(|part| scale.columns(&part.1))
            .collect();
        let heights = (0..scale.count()).map(|bar| columns.iter().map(|column| column[bar]).sum());
        let most: u64 = heights.max().unwrap_or(0).max(1);
        let step = step(most);
        let y = |count: u64| {
            ABOVE.end - (ABOVE.end - ABOVE.start) * count as f64 / (most as f64 * 1.06)
        };
        for count in (0..=most).step_by(step as usize) {
            axis_label(f, y(count), &count.to_string())?;
        }
        title(f, &ABOVE, "coroutines")?;
        for bar in 0..scale.count() {
            let (left, right) = (scale.edge(bar), scale.edge(bar + 1));
            let mut below = 0;
            for (column, colour) in columns.iter().zip(COLOURS) {
                let count = column[bar];
                if count > 0 {
                    let (top, bottom) = (y(below + count), y(below));
                    writeln!(
                        f,
                        r##"<rect x="{:.1}" y="{top:.1}" width="{:.1}" height="{:.1}" fill="{colour}"/>"##,
                        left + 1.0,
                        right - left - 2.0,
                        bottom - top
                    )?;
                }
                below += count;
            }
        }
        Ok(())
    }

    /// The share that uses more than a size.
    fn curve(&self, f: &mut fmt::Formatter<'_>, scale: &Scale) -> fmt::Result {
        let all = self.whole.count().max(1) as f64;
        // Half of one coroutine stands for none.
        let lowest = (0.5 / all).min(0.0005);
        let y = |share: f64| {
            let down = share.max(lowest).log10() / lowest.log10();
            BELOW.start + (BELOW.end - BELOW.start) * down
        };
        let labels = ["100 %", "10 %", "1 %", "0.1 %", "0.01 %", "0.001 %"];
        for (power, text) in (0..).zip(labels) {
            let share = 0.1_f64.powi(power);
            if share > lowest {
                axis_label(f, y(share), text)?;
            }
        }
        title(f, &BELOW, "share that used more")?;
        let mut left = all;
        let mut path = format!("M{LEFT} {:.1}", y(1.0));
        for bucket in self.whole.buckets() {
            left -= bucket.count as f64;
            let x = scale.x(bucket.up_to.min(self.whole.largest()));
            write!(path, " H{x:.1} V{:.1}", y(left / all))?;
        }
        writeln!(
            f,
            r##"<path d="{path} H{RIGHT}" fill="none" stroke="#111" stroke-width="2" stroke-linejoin="round"/>"##
        )
    }

    /// The size to choose.
    fn choice(&self, f: &mut fmt::Formatter<'_>, scale: &Scale) -> fmt::Result {
        let size = self.whole.serving(0.999);
        let x = scale.x(size);
        writeln!(
            f,
            r##"<line x1="{x:.1}" x2="{x:.1}" y1="{}" y2="{}" stroke="#d55e00" stroke-width="2" stroke-dasharray="6 4"/>
<text x="{:.1}" y="{}" text-anchor="{}" font-weight="bold" fill="#b34700">{} KiB would have served 99.9 %</text>"##,
            ABOVE.start,
            BELOW.end,
            x.min(RIGHT),
            ABOVE.start - 10.0,
            if x > (LEFT + RIGHT) / 2.0 {
                "end"
            } else {
                "start"
            },
            size >> 10,
        )
    }
}

/// Where a number of bytes is: by its logarithm.
struct Scale {
    /// Powers of two.
    octaves: Range<i32>,
}

impl Scale {
    /// The octaves in which a report has marks, and the one that is to be chosen.
    fn of(report: &UsageReport) -> Scale {
        let least = report.buckets().next().map_or(0, |bucket| bucket.above);
        let most = report.largest().max(report.serving(0.999));
        Scale {
            octaves: least.max(256).ilog2() as i32..most.next_power_of_two().ilog2() as i32,
        }
    }

    fn x(&self, bytes: usize) -> f64 {
        let octave = (bytes.max(1) as f64).log2() - f64::from(self.octaves.start);
        LEFT + (RIGHT - LEFT) * octave.max(0.0) / self.octaves.len() as f64
    }

    fn count(&self) -> usize {
        self.octaves.len() * BARS as usize
    }

    /// The left edge of a bar.
    fn edge(&self, bar: usize) -> f64 {
        LEFT + (RIGHT - LEFT) * bar as f64 / self.count() as f64
    }

    /// How many marks each bar has.
    fn columns(&self, report: &UsageReport) -> Vec<u64> {
        let mut columns = vec![0; self.count()];
        for bucket in report.buckets() {
            let octave = (bucket.up_to.max(1) as f64).log2() - f64::from(self.octaves.start);
            // A bar has its right edge, not its left.
            let bar = (octave * BARS).ceil() - 1.0;
            columns[(bar.max(0.0) as usize).min(self.count() - 1)] += bucket.count;
        }
        columns
    }

    fn grid(&self, f: &mut fmt::Formatter<'_>, range: &Range<f64>) -> fmt::Result {
        for octave in self.octaves.start..=self.octaves.end {
            let x = self.x(1 << octave);
            writeln!(
                f,
                r##"<line x1="{x:.1}" x2="{x:.1}" y1="{}" y2="{}" stroke="#eee"/>"##,
                range.start, range.end
            )?;
        }
        writeln!(
            f,
            r##"<line x1="{LEFT}" x2="{RIGHT}" y1="{0}" y2="{0}" stroke="#999"/>"##,
            range.end
        )
    }

    fn labels(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for octave in self.octaves.start..=self.octaves.end {
            let text = match octave {
                ..10 => format!("{} B", 1 << octave),
                10..20 => format!("{} KiB", 1 << (octave - 10)),
                _ => format!("{} MiB", 1 << (octave - 20)),
            };
            writeln!(
                f,
                r##"<text x="{:.1}" y="{}" text-anchor="middle">{text}</text>"##,
                self.x(1 << octave),
                BELOW.end + 20.0
            )?;
        }
        writeln!(
            f,
            r##"<text x="{}" y="{}" text-anchor="middle" fill="#666">stack used, at the most</text>"##,
            (LEFT + RIGHT) / 2.0,
            BELOW.end + 46.0
        )
    }
}

/// A label of the vertical axis, with its line.
fn axis_label(f: &mut fmt::Formatter<'_>, y: f64, text: &str) -> fmt::Result {
    writeln!(
        f,
        r##"<line x1="{LEFT}" x2="{RIGHT}" y1="{y:.1}" y2="{y:.1}" stroke="#e4e4e4"/><text x="{}" y="{:.1}" text-anchor="end">{text}</text>"##,
        LEFT - 8.0,
        y + 4.0
    )
}

/// What a panel shows, above its left end.
fn title(f: &mut fmt::Formatter<'_>, range: &Range<f64>, text: &str) -> fmt::Result {
    writeln!(
        f,
        r##"<text x="{LEFT}" y="{}" fill="#666">{text}</text>"##,
        range.start - 10.0
    )
}

/// A round number that goes into `most` five times or less.
fn step(most: u64) -> u64 {
    let powers = (0..19).map(|power| 10_u64.pow(power));
    let mut round = powers.flat_map(|power| [1, 2, 5].map(|digit| digit * power));
    round.find(|step| step * 5 >= most).unwrap_or(most)
}
