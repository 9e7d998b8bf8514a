//! Whether ours have become slower since an earlier report, by ratios formed within rounds.

use crate::peers::is_ours;
use crate::results::{Measured, Report, RowResult};

/// A ratio that has grown by no more than this part is noise, whatever its quartiles say.
const TOLERANCE: f64 = 0.05;

/// How ours compares with an earlier run, for one row.
#[derive(Debug, PartialEq)]
pub struct Change {
    pub row: String,
    pub contestant: String,
    pub old: f64,
    pub new: f64,
    pub verdict: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    Slower,
    Same,
    Faster,
    /// The ratios refer to different peers.
    NotComparable,
}

/// Every contestant of ours that both reports have.
pub fn changes(old: &Report, new: &Report) -> Vec<Change> {
    let mut changes = Vec::new();
    for row in &new.rows {
        let Some(old_row) = old.rows.iter().find(|old| old.name == row.name) else {
            continue;
        };
        for ours in row.contestants.iter().filter(|one| is_ours(&one.peer)) {
            let same = |old: &&Measured| old.peer == ours.peer && old.variant == ours.variant;
            if let Some(before) = old_row.contestants.iter().find(same) {
                let verdict = if base(row) != base(old_row) || is_ours(&base(row).0) {
                    Verdict::NotComparable
                } else {
                    judge(before, ours)
                };
                changes.push(Change {
                    row: row.name.clone(),
                    contestant: ours.label(),
                    old: before.ratio.median,
                    new: ours.ratio.median,
                    verdict,
                });
            }
        }
    }
    changes
}

fn base(row: &RowResult) -> (String, String) {
    let base = &row.contestants[row.base];
    (base.peer.clone(), base.variant.clone())
}

/// Different is what is so by more than the tolerance, and where the middle halves of the rounds
/// have nothing in common.
fn judge(old: &Measured, new: &Measured) -> Verdict {
    let (old, new) = (&old.ratio, &new.ratio);
    let grown = new.median / old.median;
    if grown > 1.0 + TOLERANCE && new.low_quartile > old.high_quartile {
        Verdict::Slower
    } else if grown < 1.0 - TOLERANCE && new.high_quartile < old.low_quartile {
        Verdict::Faster
    } else {
        Verdict::Same
    }
}

/// Prints the changes; `true` if nothing has become slower.
pub fn report(old: &Report, new: &Report) -> bool {
    let changes = changes(old, new);
    println!("\nratios of {} beside those of {}:", new.commit, old.commit);
    if old.machine.processor != new.machine.processor
        || old.machine.compiler != new.machine.compiler
    {
        println!(
            "  (of another machine or compiler: {}, {})",
            old.machine.processor, old.machine.compiler
        );
    }
    for change in &changes {
        let verdict = match change.verdict {
            Verdict::Slower => "SLOWER",
            Verdict::Same => "",
            Verdict::Faster => "faster",
            Verdict::NotComparable => "not comparable: another base",
        };
        println!(
            "  {:58} {:34} {:8.3} -> {:8.3} {verdict}",
            change.row, change.contestant, change.old, change.new
        );
    }
    let slower = changes
        .iter()
        .filter(|change| change.verdict == Verdict::Slower)
        .count();
    println!("{slower} of {} have become slower", changes.len());
    slower == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Summary;

    fn measured(peer: &str, ratios: &[f64]) -> Measured {
        let summary = Summary::of(ratios.to_vec());
        Measured {
            peer: peer.into(),
            variant: String::new(),
            ns: summary,
            ratio: summary,
        }
    }

    #[test]
    fn what_is_slower_is_flagged() {
        let old = measured("coro", &[0.80, 0.81, 0.82, 0.83, 0.90]);
        assert_eq!(
            judge(&old, &measured("coro", &[0.95, 0.96, 0.97, 0.98])),
            Verdict::Slower
        );
        assert_eq!(
            judge(&old, &measured("coro", &[0.5, 0.6, 0.61, 0.62])),
            Verdict::Faster
        );
        // Beyond the tolerance, with rounds in common; and within it, with none.
        assert_eq!(
            judge(&old, &measured("coro", &[0.80, 0.81, 0.90, 1.2])),
            Verdict::Same
        );
        assert_eq!(
            judge(&old, &measured("coro", &[0.84, 0.845, 0.85, 0.85])),
            Verdict::Same
        );
    }
}
