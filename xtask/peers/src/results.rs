//! What a run found, as it is written to report.json.

use crate::machine::Machine;
use serde::{Deserialize, Serialize};

/// A whole run.
#[derive(Serialize, Deserialize)]
pub struct Report {
    pub machine: Machine,
    /// The commit that was measured; says so if there were changes on top.
    pub commit: String,
    /// In UTC.
    pub date: String,
    pub rounds: usize,
    /// In how many layouts short loops were tried, in turn.
    pub layouts: usize,
    pub slice_ms: u64,
    pub peers: Vec<PeerInfo>,
    pub rows: Vec<RowResult>,
    pub alive: Vec<AliveResult>,
}

/// A peer that was asked for.
#[derive(Serialize, Deserialize)]
pub struct PeerInfo {
    pub name: String,
    pub version: String,
    /// Why it was not measured.
    pub missing: Option<String>,
}

/// A row of work.
#[derive(Serialize, Deserialize)]
pub struct RowResult {
    pub name: String,
    /// Which contestant the ratios refer to.
    pub base: usize,
    pub contestants: Vec<Measured>,
}

/// What a contestant took.
#[derive(Serialize, Deserialize)]
pub struct Measured {
    pub peer: String,
    /// What is special about this way; empty for a peer that has only one.
    pub variant: String,
    /// Nanoseconds.
    pub ns: Summary,
    /// Its time divided by that of the row's base, in the same round.
    pub ratio: Summary,
}

/// Very many suspended at once.
#[derive(Serialize, Deserialize)]
pub struct AliveResult {
    pub peer: String,
    pub variant: String,
    pub points: Vec<Point>,
    /// How many there were at the end.
    pub reached: usize,
    /// Why there were no more.
    pub stopped: String,
    /// Whether it was the library, or the system, that allowed no more; else no more were asked for.
    pub failed: bool,
}

/// The process when so many were suspended, less what it was before the first.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Point {
    pub alive: usize,
    pub resident_bytes: u64,
    pub page_table_bytes: u64,
    pub mappings: u64,
}

impl Point {
    /// Bytes for each, page tables included.
    pub fn each(&self) -> f64 {
        (self.resident_bytes + self.page_table_bytes) as f64 / self.alive as f64
    }
}

/// Where samples lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub min: f64,
    pub low_quartile: f64,
    pub median: f64,
    pub high_quartile: f64,
    pub max: f64,
}

impl Summary {
    /// # Panics
    /// If there are no samples.
    pub fn of(mut samples: Vec<f64>) -> Summary {
        samples.sort_by(f64::total_cmp);
        // Between two samples, in proportion.
        let at = |part: f64| {
            let place = (samples.len() - 1) as f64 * part;
            let (low, high) = (
                samples[place.floor() as usize],
                samples[place.ceil() as usize],
            );
            low + (high - low) * place.fract()
        };
        Summary {
            min: at(0.0),
            low_quartile: at(0.25),
            median: at(0.5),
            high_quartile: at(0.75),
            max: at(1.0),
        }
    }
}

impl Report {
    pub fn read(path: &std::path::Path) -> Result<Report, String> {
        let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// The name of a way of a peer.
pub fn label(peer: &str, variant: &str) -> String {
    if variant.is_empty() {
        peer.to_owned()
    } else {
        format!("{peer}, {variant}")
    }
}

impl Measured {
    pub fn label(&self) -> String {
        label(&self.peer, &self.variant)
    }
}

impl AliveResult {
    pub fn label(&self) -> String {
        label(&self.peer, &self.variant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_where_a_quarter_of_the_samples_is_below() {
        let summary = Summary::of(vec![5.0, 1.0, 4.0, 2.0, 3.0]);
        let expected = Summary {
            min: 1.0,
            low_quartile: 2.0,
            median: 3.0,
            high_quartile: 4.0,
            max: 5.0,
        };
        assert_eq!(summary, expected);
        assert_eq!(Summary::of(vec![7.0]).median, 7.0);
        assert_eq!(Summary::of(vec![1.0, 2.0]).median, 1.5);
    }
}
