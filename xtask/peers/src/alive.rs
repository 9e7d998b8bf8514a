//! How many can be suspended at once, and what each takes: every crowd in a process of its own,
//! because libraries differ in how they fail, up to ending their process.
//!
//! The child reads numbers, a line each. For each it makes suspended coroutines until there are so
//! many, and answers `alive N`, or `stopped N REASON` when there can be no more. What it takes is
//! read from /proc by its parent.

use crate::machine::available_kib;
use crate::peer::{Crowd, CrowdKind};
use crate::results::{AliveResult, Point};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Memory that stays free for others.
const KEEP_FREE_KIB: u64 = 3 << 20;

/// How long a child may take for one percent more.
const PATIENCE: Duration = Duration::from_secs(20);

/// Makes a crowd in a child process.
pub fn measure(peer: &str, index: usize, crowd: Crowd, most: usize) -> AliveResult {
    let most = most.min(crowd.most);
    let mut result = AliveResult {
        peer: peer.to_owned(),
        variant: crowd.variant.to_owned(),
        points: Vec::new(),
        reached: 0,
        stopped: String::new(),
        failed: false,
    };
    let mut command = match crowd.kind {
        CrowdKind::Program(command) => command,
        CrowdKind::Here(_) => {
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command.args(["--crowd", peer, &index.to_string()]);
            // Where nothing can be mapped any more, no backtrace can be printed either, and some
            // hang while they try.
            command.env("RUST_BACKTRACE", "0");
            command
        }
    };
    let child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    match child {
        Ok(mut child) => {
            watch(&mut child, most, &mut result);
            // Taking down a million stacks one by one proves nothing.
            let _ = child.kill();
            let _ = child.wait();
        }
        Err(error) => result.stopped = format!("does not start: {error}"),
    }
    result
}

/// Has the child make more and more, and looks at it.
fn watch(child: &mut Child, most: usize, result: &mut AliveResult) {
    let mut tell = child.stdin.take().expect("a pipe was asked for");
    let answers = BufReader::new(child.stdout.take().expect("a pipe was asked for"));
    let (send, lines) = mpsc::channel();
    // Ends with the pipe, and that with the child.
    thread::spawn(move || {
        answers
            .lines()
            .map_while(Result::ok)
            .try_for_each(|line| send.send(line))
    });
    let mut before = None;
    let mut goal = 0;
    loop {
        let told = writeln!(tell, "{goal}");
        let line = match lines.recv_timeout(PATIENCE) {
            Err(RecvTimeoutError::Timeout) => {
                result.failed = true;
                result.stopped = format!("its process hangs before there are {goal}");
                return;
            }
            line => line.unwrap_or_default(),
        };
        let mut words = line.trim().splitn(3, ' ');
        let (state, number) = (words.next(), words.next().and_then(|n| n.parse().ok()));
        match (told, state, number) {
            (Ok(()), Some("alive"), Some(alive)) => result.reached = alive,
            (Ok(()), Some("stopped"), Some(alive)) => {
                result.reached = alive;
                result.failed = true;
                result.stopped = words.next().unwrap_or_default().to_owned();
                return;
            }
            _ => {
                let status = child.wait().map(|status| status.to_string());
                let status = status.unwrap_or_default();
                result.failed = true;
                result.stopped = format!("its process ended ({status}) before there were {goal}");
                return;
            }
        }
        let now = look(child.id(), result.reached);
        let before = *before.get_or_insert(now);
        let point = Point {
            resident_bytes: now.resident_bytes.saturating_sub(before.resident_bytes),
            page_table_bytes: now.page_table_bytes.saturating_sub(before.page_table_bytes),
            mappings: now.mappings.saturating_sub(before.mappings),
            ..now
        };
        // Between round numbers the last one replaces the one before: it may be the last of all.
        match result.points.last_mut() {
            Some(last) if !is_round(last.alive) => *last = point,
            _ if goal > 0 => result.points.push(point),
            _ => {}
        }
        if goal >= most {
            result.stopped = "more were not tried".to_owned();
            return;
        }
        if available_kib() < KEEP_FREE_KIB {
            result.stopped = "more were not tried, for want of memory".to_owned();
            return;
        }
        goal = next_goal(goal).min(most);
    }
}

/// One percent further, and never past a round number.
fn next_goal(goal: usize) -> usize {
    let next = goal + (goal / 100).max(100);
    (goal + 1..=next)
        .find(|&number| is_round(number))
        .unwrap_or(next)
}

/// 1,000, 2,000, 5,000, 10,000 and so on.
fn is_round(number: usize) -> bool {
    let mut rest = number;
    while rest > 0 && rest.is_multiple_of(10) {
        rest /= 10;
    }
    number >= 1000 && matches!(rest, 1 | 2 | 5)
}

/// What /proc says about a process. Sizes there are in KiB.
fn look(process: u32, alive: usize) -> Point {
    let read = |file| std::fs::read_to_string(format!("/proc/{process}/{file}"));
    let status = read("status").unwrap_or_default();
    let kib = |field: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok())
            .unwrap_or(0)
    };
    Point {
        alive,
        resident_bytes: kib("VmRSS:") << 10,
        page_table_bytes: kib("VmPTE:") << 10,
        mappings: read("maps").unwrap_or_default().lines().count() as u64,
    }
}

/// What the child does.
pub fn make(crowd: Crowd) {
    let CrowdKind::Here(mut one) = crowd.kind else {
        return eprintln!("this crowd is made by another program");
    };
    let mut alive = 0;
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let goal: usize = line.trim().parse().unwrap_or(0);
        while alive < goal {
            if let Err(reason) = one() {
                println!("stopped {alive} {}", reason.replace('\n', " "));
                return;
            }
            alive += 1;
        }
        println!("alive {alive}");
    }
    // Where the parent is gone, nothing needs to be taken down in order.
    std::process::exit(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_grow_by_a_percent_and_stop_at_round_numbers() {
        let mut goals = vec![0];
        while *goals.last().unwrap() < 1_000_000 {
            goals.push(next_goal(*goals.last().unwrap()));
        }
        for round in [1000, 2000, 5000, 10_000, 200_000, 1_000_000] {
            assert!(goals.contains(&round), "{round}");
        }
        assert!(goals.windows(2).all(|two| two[1] > two[0]));
        assert!(
            goals
                .windows(2)
                .all(|two| two[1] - two[0] <= (two[0] / 100).max(100))
        );
        assert!(!is_round(0) && !is_round(500) && !is_round(3000) && is_round(50_000));
    }
}
