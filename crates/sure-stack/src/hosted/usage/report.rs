use crate::hosted::sys::memory::page_size;
use core::fmt;
use std::format;
use std::string::String;

/// How much stack was used, by how many: a histogram of
/// [high-water marks](crate::high_water_mark).
///
/// It tells which size of stack would have been enough: record the marks of coroutines that do what
/// the program will do, on stacks that are large enough for certain, and ask
/// for the size that would have [served](UsageReport::serving) 99.9 % of
/// them. A pool does so by itself, see [`PoolConfig::measure`](crate::PoolConfig::measure).
///
/// It takes 3 KB, whatever is recorded: marks are kept with a precision of 256 bytes,
/// or of a sixteenth where they are larger. [`Display`](fmt::Display) shows it as a text.
///
/// ```
/// use sure_stack::UsageReport;
///
/// let mut report = UsageReport::new();
/// (1..=1000).for_each(|n| report.record(n * 16));
/// assert_eq!(report.serving(0.999), 16 << 10);
/// assert_eq!((report.count(), report.largest()), (1000, 16_000));
/// println!("{report}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageReport {
    counts: [u64; BUCKETS],
    largest: usize,
}

/// Some of a [`UsageReport`]'s marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// They are larger than this, in bytes, or 0.
    pub above: usize,
    /// They are not larger than this, in bytes.
    pub up_to: usize,
    /// How many there are.
    pub count: u64,
}

/// Marks are counted in units of so many bytes.
const UNIT: usize = 256;
/// Up to so many units exactly; beyond, there are so many buckets an octave.
const STEPS: usize = 16;
const STEP_BITS: u32 = STEPS.ilog2();
/// Octaves up to 4 GiB; the last bucket has what is beyond.
const OCTAVES: usize = 20;
const BUCKETS: usize = STEPS * (OCTAVES + 1) + 1;

impl Default for UsageReport {
    fn default() -> UsageReport {
        UsageReport::new()
    }
}

impl UsageReport {
    /// A report of nothing.
    pub const fn new() -> UsageReport {
        UsageReport {
            counts: [0; BUCKETS],
            largest: 0,
        }
    }

    /// Adds a mark, in bytes.
    pub fn record(&mut self, mark: usize) {
        self.counts[index(mark)] += 1;
        self.largest = self.largest.max(mark);
    }

    /// Adds all marks of another report, of another thread say.
    pub fn merge(&mut self, other: &UsageReport) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.largest = self.largest.max(other.largest);
    }

    /// How many marks there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The largest mark, in bytes; 0 if there is none.
    pub fn largest(&self) -> usize {
        self.largest
    }

    /// The number of bytes that is not exceeded by this share of the marks: the
    /// upper end of a bucket, but not more than the largest mark.
    ///
    /// `share` is from 0 to 1; beyond, it is taken for the nearer of them.
    pub fn quantile(&self, share: f64) -> usize {
        let all = self.count();
        let enough = (all as f64 * share.clamp(0.0, 1.0)).ceil() as u64;
        let mut counted = 0;
        let last = self.counts.iter().position(|count| {
            counted += count;
            counted >= enough.clamp(1, all.max(1))
        });
        last.map_or(self.largest, up_to).min(self.largest)
    }

    /// The least stack size, in bytes and whole pages, that would have served
    /// this share of the marks: 0.999, say.
    ///
    /// What did not happen is not in it. Leave room for what may: a panic with
    /// its message takes some 10 KiB, one that prints a backtrace more than 32 KiB.
    pub fn serving(&self, share: f64) -> usize {
        self.quantile(share).max(1).next_multiple_of(page_size())
    }

    /// The marks in buckets, from small to large; buckets without marks are left out.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        let used = self
            .counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0);
        used.map(|(index, &count)| Bucket {
            above: index.checked_sub(1).map_or(0, up_to),
            up_to: if index == BUCKETS - 1 {
                self.largest
            } else {
                up_to(index)
            },
            count,
        })
    }
}

/// The bucket of a mark.
fn index(mark: usize) -> usize {
    let units = mark.div_ceil(UNIT);
    if units <= STEPS {
        return units;
    }
    // The octave that ends at a power of two, and the step in it.
    let before = units - 1;
    let octave = before.ilog2() - STEP_BITS;
    let step = before >> octave;
    (octave as usize * STEPS + step + 1).min(BUCKETS - 1)
}

/// The largest mark of a bucket, in bytes.
fn up_to(index: usize) -> usize {
    if index <= STEPS {
        return index * UNIT;
    }
    let (octave, step) = ((index - 1) / STEPS - 1, (index - 1) % STEPS);
    ((STEPS + step + 1) << octave).saturating_mul(UNIT)
}

/// How many characters the longest bar has.
const BAR: u64 = 40;

/// A row for each half octave, and what follows from it.
impl fmt::Display for UsageReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.count();
        writeln!(f, "{:>12}  {:>10}", "stack used", "stacks")?;
        let mut rows = [(0, 0_u64); ROWS];
        for bucket in self.buckets() {
            let (number, end) = row(bucket.up_to);
            rows[number].0 = end;
            rows[number].1 += bucket.count;
        }
        let most = rows.iter().map(|row| row.1).max().unwrap_or(0).max(1);
        for (end, count) in rows.into_iter().filter(|row| row.1 > 0) {
            let bar = (count * BAR).div_ceil(most) as usize;
            writeln!(f, "{:>12}  {count:>10}  {:#<bar$}", text(end), "")?;
        }
        writeln!(
            f,
            "half of {all} used up to {}, 99 % up to {}, 99.9 % up to {}, all up to {}",
            text(self.quantile(0.5)),
            text(self.quantile(0.99)),
            text(self.quantile(0.999)),
            text(self.largest),
        )?;
        write!(
            f,
            "a stack of {} bytes would have served 99.9 %",
            self.serving(0.999)
        )
    }
}

/// Rows of the text: as many as there are up to the end of the address space.
const ROWS: usize = 2 * (usize::BITS - UNIT.ilog2()) as usize;

/// The number of a row of the text, and where it ends: at a power of two, or
/// half way to the next.
fn row(up_to: usize) -> (usize, usize) {
    let most = 1 << (usize::BITS - 1);
    let power = up_to.clamp(UNIT, most).next_power_of_two();
    let octave = (power / UNIT).ilog2() as usize;
    match power / 4 * 3 {
        half if up_to <= half && octave > 0 => (2 * octave - 1, half),
        _ => (2 * octave, power),
    }
}

/// A number of bytes with three digits or more.
fn text(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testing::Random;

    #[test]
    fn buckets_are_in_order_and_hold_their_marks() {
        let mut before = 0;
        for bucket in 1..BUCKETS {
            assert!(up_to(bucket) > before, "{bucket}");
            assert_eq!(index(up_to(bucket)), bucket);
            assert_eq!(index(before + 1), bucket);
            before = up_to(bucket);
        }
        assert_eq!((index(0), index(usize::MAX)), (0, BUCKETS - 1));
        #[cfg(target_pointer_width = "64")]
        assert_eq!(up_to(BUCKETS - 1), 4 << 30);
    }

    #[test]
    fn the_last_bucket_ends_at_the_largest_mark() {
        let mut report = UsageReport::new();
        report.record(1);
        report.record(usize::MAX);
        let ends: Vec<_> = report.buckets().map(|bucket| bucket.up_to).collect();
        assert_eq!(ends, [UNIT, usize::MAX]);
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_marks() {
        let mut random = Random::new(3);
        let mut report = UsageReport::new();
        let mut marks: Vec<_> = (0..5000)
            .map(|_| {
                let octave = random.below(14);
                random.below(256 << octave)
            })
            .collect();
        marks.iter().for_each(|&mark| report.record(mark));
        marks.sort_unstable();
        for share in [0.0_f64, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0] {
            let exact = marks[((5000.0 * share).ceil() as usize).max(1) - 1];
            let found = report.quantile(share);
            assert!(
                (exact..=exact + exact / 15 + UNIT).contains(&found),
                "{share}: {found}, {exact}"
            );
        }
        assert_eq!(report.quantile(1.0), report.largest());
        assert_eq!(report.quantile(2.0), report.largest());
        assert_eq!(report.count(), 5000);
        assert_eq!(
            report.buckets().map(|bucket| bucket.count).sum::<u64>(),
            5000
        );
    }

    #[test]
    fn a_report_of_nothing_is_harmless() {
        let report = UsageReport::new();
        assert_eq!(
            (report.quantile(0.999), report.largest(), report.count()),
            (0, 0, 0)
        );
        assert_eq!(report.serving(0.999), page_size());
        assert_eq!(report.buckets().count(), 0);
        assert!(report.to_string().contains("half of 0 used up to 0 B"));
    }

    #[test]
    fn reports_are_added() {
        let (mut one, mut other, mut both) =
            (UsageReport::new(), UsageReport::new(), UsageReport::new());
        for mark in [0, 100, 5000, usize::MAX] {
            one.record(mark);
            both.record(mark);
        }
        for mark in [100, 70_000] {
            other.record(mark);
            both.record(mark);
        }
        one.merge(&other);
        assert_eq!(one, both);
    }

    #[test]
    fn rows_end_at_powers_of_two_and_half_way_between() {
        assert_eq!((row(0), row(UNIT)), ((0, UNIT), (0, UNIT)));
        for octave in 1..ROWS / 2 {
            let power = UNIT << octave;
            let half = power / 4 * 3;
            for up_to in [power / 2 + 1, half] {
                assert_eq!(row(up_to), (2 * octave - 1, half), "{up_to}");
            }
            for up_to in [half + 1, power] {
                assert_eq!(row(up_to), (2 * octave, power), "{up_to}");
            }
        }
        assert!(row(usize::MAX).0 < ROWS);
    }

    #[test]
    fn the_text_has_a_row_for_each_half_octave() {
        let mut report = UsageReport::new();
        (0..990).for_each(|_| report.record(1500));
        (0..10).for_each(|_| report.record(40_000));
        let text = report.to_string();
        assert!(
            text.contains(&format!("     1.5 KiB         990  {}\n", "#".repeat(40))),
            "{text}"
        );
        assert!(text.contains("    48.0 KiB          10  #\n"), "{text}");
        assert_eq!(
            text.lines().count(),
            1 + 2 + 2,
            "a row for each that was met: {text}"
        );
        assert!(
            text.contains("99 % up to 1.5 KiB, 99.9 % up to 39.1 KiB, all up to 39.1 KiB"),
            "{text}"
        );
        report.record(usize::MAX);
        assert!(!report.to_string().is_empty());
    }
}
