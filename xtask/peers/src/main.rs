//! Measures this workspace's libraries beside others, on the same work.
//!
//! A row of [`work`] says what is done; a file in [`peers`] says how a library does it; everything
//! else times, counts and reports.

mod alive;
mod chart;
mod compare;
mod contestant;
mod machine;
mod measure;
mod options;
mod peer;
mod peers;
mod report;
mod results;
mod shared;
mod work;

use clap::Parser;
use options::Options;
use peer::Peer;
use results::{PeerInfo, Report};
use std::process::ExitCode;

/// The row that is not timed.
const ALIVE: &str = "alive: memory of each, and how many";

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("bench-peers: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// `Ok(false)` where something has become slower.
fn run(options: &Options) -> Result<bool, String> {
    let peers = peers::all();
    if let [name, index] = &options.crowd[..] {
        return crowd(&peers, name, index).map(|()| true);
    }
    if options.list {
        list(&peers);
        return Ok(true);
    }
    // Read first: a wrong path should not be found out after a long run.
    let old = options.compare.as_deref().map(Report::read).transpose()?;
    let new = match &options.from {
        Some(path) => Report::read(path)?,
        None => measured(options, &peers)?,
    };
    report::write(&new, options.out(), options.readme())?;
    Ok(old.is_none_or(|old| compare::report(&old, &new)))
}

fn list(peers: &[Box<dyn Peer>]) {
    println!("rows:");
    for row in work::ROWS {
        println!("  {}", row.name);
    }
    println!("  {ALIVE}\npeers:");
    for peer in peers {
        let missing = peer.missing().map(|why| format!("missing: {why}"));
        println!(
            "  {:18} {}",
            peer.name(),
            missing.unwrap_or_else(|| peer.version())
        );
    }
}

fn measured(options: &Options, peers: &[Box<dyn Peer>]) -> Result<Report, String> {
    let rows: Vec<_> = work::ROWS
        .iter()
        .filter(|row| options.wants_row(row.name))
        .collect();
    let alive = options.wants_row(ALIVE);
    if rows.is_empty() && !alive {
        return Err("no row has such a name; --list shows all".to_owned());
    }
    // How many processors there are is no longer seen from one of them.
    let machine = machine::Machine::here();
    measure::pin();
    let mut report = Report {
        machine,
        commit: machine::commit(),
        date: machine::date(),
        rounds: options.rounds(),
        layouts: contestant::LAYOUTS,
        slice_ms: options.slice().as_millis() as u64,
        peers: Vec::new(),
        rows: Vec::new(),
        alive: Vec::new(),
    };
    for peer in peers {
        let missing = peer.missing();
        if let Some(why) = &missing {
            eprintln!("{} is left out: {why}", peer.name());
        }
        let (name, version) = (peer.name().to_owned(), peer.version());
        report.peers.push(PeerInfo {
            name,
            version,
            missing,
        });
    }
    let here = || peers.iter().filter(|peer| peer.missing().is_none());
    let effort = measure::Effort {
        rounds: options.rounds(),
        slice: options.slice(),
    };
    for row in rows {
        let wanted = |name| options.wants_peer(name) || peers::is_ours(name) || name == row.base;
        let peers: Vec<&dyn Peer> = here()
            .map(Box::as_ref)
            .filter(|peer| wanted(peer.name()))
            .collect();
        let Some(result) = measure::row(row, &peers, effort) else {
            eprintln!("{}: none of the peers here does that", row.name);
            continue;
        };
        report::print(&result);
        report.rows.push(result);
    }
    if alive {
        println!("\n{ALIVE}");
        for peer in here().filter(|peer| options.wants_peer(peer.name())) {
            for (index, crowd) in peer.crowds().into_iter().enumerate() {
                let result = alive::measure(peer.name(), index, crowd, options.alive());
                report::print_alive(&result);
                report.alive.push(result);
            }
        }
    }
    Ok(report)
}

/// In a child process of [`alive::measure`].
fn crowd(peers: &[Box<dyn Peer>], name: &str, index: &str) -> Result<(), String> {
    let peer = peers.iter().find(|peer| peer.name() == name);
    let crowd = peer.zip(index.parse().ok()).and_then(|(peer, index)| {
        let mut crowds = peer.crowds();
        (index < crowds.len()).then(|| crowds.swap_remove(index))
    });
    alive::make(crowd.ok_or("there is no such crowd")?);
    Ok(())
}
