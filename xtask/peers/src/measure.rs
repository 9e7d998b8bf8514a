//! Paired timing: the contestants of a row take turns, so that whatever the machine does to one it
//! does to all, and ratios are formed within each round.

use crate::contestant::Contestant;
use crate::peer::Peer;
use crate::results::{Measured, RowResult, Summary};
use crate::work::Row;
use std::time::Duration;

/// How long and how often.
#[derive(Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    /// How long a contestant works in one round.
    pub slice: Duration,
}

/// A contestant with the name of its peer.
type Named = (&'static str, Contestant);

fn contestants(peer: &dyn Peer, row: &Row) -> Vec<Named> {
    peer.contestants(row.work)
        .into_iter()
        .map(|one| (peer.name(), one))
        .collect()
}

/// Times a row; nothing if none of the peers does that work.
pub fn row(row: &Row, peers: &[&dyn Peer], effort: Effort) -> Option<RowResult> {
    let base = peers.iter().find(|peer| peer.name() == row.base);
    let Some(&base) = base.filter(|_| row.apart) else {
        let all: Vec<Named> = peers
            .iter()
            .flat_map(|peer| contestants(*peer, row))
            .collect();
        return (!all.is_empty()).then(|| heat(row, all, effort));
    };
    let mut result: Option<RowResult> = None;
    for peer in peers.iter().filter(|peer| peer.name() != base.name()) {
        let mut all = contestants(*peer, row);
        if all.is_empty() {
            continue;
        }
        all.extend(contestants(base, row));
        let heat = heat(row, all, effort);
        match &mut result {
            None => result = Some(heat),
            Some(result) => {
                let own = heat
                    .contestants
                    .into_iter()
                    .filter(|one| one.peer != base.name());
                result.contestants.extend(own);
            }
        }
    }
    result
}

/// Times those who take turns.
fn heat(row: &Row, mut all: Vec<Named>, effort: Effort) -> RowResult {
    let base = all
        .iter()
        .position(|(peer, _)| *peer == row.base)
        .unwrap_or(0);
    let repetitions: Vec<u64> = all
        .iter_mut()
        .map(|(_, contestant)| calibrate(contestant, effort.slice))
        .collect();
    let mut samples = vec![Vec::with_capacity(effort.rounds); all.len()];
    for round in 0..effort.rounds {
        // A different one goes first each time.
        for turn in 0..all.len() {
            let i = (round + turn) % all.len();
            let elapsed = all[i].1.run(round, repetitions[i]);
            let pieces = repetitions[i] as f64 * row.pieces as f64;
            samples[i].push(elapsed.as_secs_f64() * 1e9 / pieces);
        }
    }
    let contestants = all
        .into_iter()
        .zip(&samples)
        .map(|((peer, contestant), own)| Measured {
            peer: peer.to_owned(),
            variant: contestant.variant,
            ns: Summary::of(own.clone()),
            ratio: Summary::of(
                own.iter()
                    .zip(&samples[base])
                    .map(|(own, base)| own / base)
                    .collect(),
            ),
        });
    RowResult {
        name: row.name.to_owned(),
        base,
        contestants: contestants.collect(),
    }
}

/// How many repetitions fill a slice. One is always made, so that what happens only once has
/// happened.
fn calibrate(contestant: &mut Contestant, slice: Duration) -> u64 {
    contestant.run(0, 1);
    let mut repetitions = 1;
    loop {
        let elapsed = contestant.run(0, repetitions);
        if elapsed >= slice / 4 {
            let factor = slice.as_secs_f64() / elapsed.as_secs_f64();
            return ((repetitions as f64 * factor) as u64).max(1);
        }
        repetitions *= 2;
    }
}

/// Keeps the process and its children on one processor, as far as the system allows.
pub fn pin() {
    // SAFETY: a set of processors is plain memory, and the call reads it.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(libc::sched_getcpu().max(0) as usize, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &set);
    }
}
