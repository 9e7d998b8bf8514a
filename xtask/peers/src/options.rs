//! What the command line says.

use std::path::{Path, PathBuf};

/// Measures this workspace's libraries beside others, on the same work, taking turns.
///
/// Writes report.json, report.md and charts, and prints the tables. What is missing is named and
/// left out; `cargo xtask setup --bench` installs it.
#[derive(clap::Parser)]
#[command(name = "cargo xtask bench-peers", bin_name = "cargo xtask bench-peers")]
pub struct Options {
    /// Few rounds, short slices, and at most 40,000 alive: whether it works, not what it costs
    #[arg(long)]
    pub quick: bool,
    /// Only rows with one of these words in their names
    #[arg(long, value_delimiter = ',', value_name = "WORD")]
    pub only: Vec<String>,
    /// The same
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// Only peers with one of these words in their names; ours and what ratios refer to stay
    #[arg(long, value_delimiter = ',', value_name = "WORD")]
    pub peers: Vec<String>,
    /// How many rounds; each contestant works once in each
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub rounds: Option<u16>,
    /// Up to how many suspended coroutines are made for the rows on memory
    #[arg(long, value_name = "N")]
    pub alive: Option<usize>,
    /// Where the report goes
    #[arg(long, value_name = "FOLDER", default_value = "target/peers-report")]
    pub out: PathBuf,
    /// For a run whose figures are to be shown: the report goes to crates/benches/report, which is
    /// checked in, and its summary into README.md
    #[arg(long, conflicts_with_all = ["out", "quick"])]
    pub publish: bool,
    /// Fails if one of ours is slower, beside what it is compared with, than in this report
    #[arg(long, value_name = "OLD.json")]
    pub compare: Option<PathBuf>,
    /// Measures nothing, and takes the results of this report
    #[arg(long, value_name = "REPORT.json")]
    pub from: Option<PathBuf>,
    /// Lists rows and peers
    #[arg(long)]
    pub list: bool,
    /// A child process that makes a crowd: the name of a peer, and which of its crowds
    #[arg(long, hide = true, num_args = 2)]
    pub crowd: Vec<String>,
}

impl Options {
    /// Where the report goes.
    pub fn out(&self) -> &Path {
        if self.publish {
            Path::new("crates/benches/report")
        } else {
            &self.out
        }
    }

    /// The file that gets the summary.
    pub fn readme(&self) -> Option<&Path> {
        self.publish.then_some(Path::new("README.md"))
    }

    pub fn rounds(&self) -> usize {
        self.rounds
            .map_or(if self.quick { 8 } else { 40 }, usize::from)
    }

    pub fn slice(&self) -> std::time::Duration {
        std::time::Duration::from_millis(if self.quick { 3 } else { 12 })
    }

    pub fn alive(&self) -> usize {
        self.alive
            .unwrap_or(if self.quick { 40_000 } else { 1_000_000 })
    }

    /// Whether a row of this name was asked for.
    pub fn wants_row(&self, name: &str) -> bool {
        let mut words = self.only.iter().chain(&self.words).peekable();
        words.peek().is_none() || words.any(|word| name.contains(word.as_str()))
    }

    /// Whether a peer of this name was asked for.
    pub fn wants_peer(&self, name: &str) -> bool {
        self.peers.is_empty() || self.peers.iter().any(|word| name.contains(word.as_str()))
    }
}
