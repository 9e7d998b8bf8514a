//! The machine beside Gforth and Lua 5.4: nanoseconds of processor time a round of the same workload, and ratios.
//!
//! `cargo run --release -p fiber-vm --example compare`. The others' programs are in `peers/`, which
//! also says what each workload is. Debian packages: `gforth`, `lua5.4`. Each number is the median
//! of several runs; runs of all take turns, so that a busy machine slows all alike.

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use fiber_vm::asm::assemble;
use fiber_vm::{Config, Vm};

const RUNS: usize = 5;

/// A workload: how many rounds the peers' programs make of it, and what a round is here.
struct Workload {
    name: &'static str,
    peer_rounds: f64,
    fibers: u32,
    /// Instructions of one round of one fiber.
    instructions: u64,
    source: &'static str,
}

const WORKLOADS: [Workload; 4] = [
    Workload {
        name: "arithmetic",
        peer_rounds: 1e7,
        fibers: 1,
        instructions: 8,
        source: "main: DUP\n PUSH 3\n MUL\n PUSH 5\n ADD\n XOR\n INC\n JMPL.1 main",
    },
    Workload {
        name: "calls",
        peer_rounds: 1e7,
        fibers: 1,
        instructions: 8,
        source: "main: XSL a\n JMPL.1 main\na: XSL b\n RET\nb: XSL c\n RET\nc: INC\n RET",
    },
    Workload {
        name: "panics",
        peer_rounds: 1e6,
        fibers: 1,
        instructions: 16,
        source: "main: PUSH thunk\n DV catch\n DRP\n PUSH 1\n INC\n INC\n INC\n DRP\n NOP
                 JMPL.1 main\nthunk: PUSH 3\n INC\n PUSH 0\n PUSH 1\n PUSH 5\n DV assert",
    },
    Workload {
        name: "yield",
        peer_rounds: 3e6,
        fibers: 10_000,
        instructions: 3,
        source: "main: INC\n YLD\n JMPL.1 main",
    },
];

/// Another interpreter, and how to have it run a workload and print microseconds.
struct Peer {
    name: &'static str,
    /// The Debian package.
    package: &'static str,
    command: fn(&str) -> Option<Vec<String>>,
}

const PEERS: [Peer; 3] = [
    Peer {
        name: "gforth-fast",
        package: "gforth",
        command: forth,
    },
    Peer {
        name: "gforth-itc",
        package: "gforth",
        command: forth,
    },
    Peer {
        name: "lua5.4",
        package: "lua5.4",
        command: lua,
    },
];

fn forth(workload: &str) -> Option<Vec<String>> {
    let run = format!("{workload} bye");
    (workload != "yield").then(|| vec![script("loop.fs"), "-e".into(), run])
}

fn lua(workload: &str) -> Option<Vec<String>> {
    Some(match workload {
        "yield" => vec![script("yield.lua")],
        _ => vec![script("loop.lua"), workload.into()],
    })
}

fn script(name: &str) -> String {
    format!("{}/peers/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Nanoseconds a round of a workload in the machine.
fn here(workload: &Workload) -> f64 {
    let program = assemble(workload.source).expect("the workload assembles");
    let config = Config {
        fibers: workload.fibers,
        ..Config::default()
    };
    let mut vm = Vm::new(config).expect("the machine fits");
    for segment in &program.segments {
        vm.write(segment.address, &segment.bytes)
            .expect("the program fits");
    }
    for _ in 0..workload.fibers {
        let id = vm.spawn(program.fibers[0].ep).expect("a fiber is free");
        vm.push(id, 0).expect("its stack is empty");
    }
    let rounds = workload.peer_rounds as u64;
    vm.run_for(rounds * workload.instructions / 10);
    let start = time_used();
    let summary = vm.run_for(rounds * workload.instructions);
    assert_eq!(summary.executed, rounds * workload.instructions);
    (time_used() - start).as_nanos() as f64 / workload.peer_rounds
}

/// The processor time of this thread where the system tells it, so that other programs on a busy
/// machine do not count; else the time of day.
fn time_used() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let nanoseconds = std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// Nanoseconds a round of a workload in a peer; None where it cannot, or is not there.
fn there(peer: &Peer, workload: &Workload) -> Option<f64> {
    let arguments = (peer.command)(workload.name)?;
    let output = Command::new(peer.name).args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let microseconds: f64 = text.trim().parse().ok()?;
    Some(microseconds * 1e3 / workload.peer_rounds)
}

fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied()
}

fn main() {
    if cfg!(debug_assertions) {
        eprintln!("built without optimisation: the numbers mean nothing; use --release");
    }
    let installed = |name: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|directory| Path::new(&directory).join(name).exists())
    };
    for peer in PEERS.iter().filter(|peer| !installed(peer.name)) {
        println!(
            "{} is not installed (Debian package {})",
            peer.name, peer.package
        );
    }
    println!("ns a round, and how many times that of fiber-vm:");
    for workload in &WORKLOADS {
        let mut own = Vec::new();
        let mut others = [const { Vec::new() }; PEERS.len()];
        for _ in 0..RUNS {
            own.push(here(workload));
            for (times, peer) in others.iter_mut().zip(&PEERS) {
                times.extend(there(peer, workload));
            }
        }
        let own = median(own).expect("there were runs");
        print!("{:12} {own:9.1} ns", workload.name);
        for (times, peer) in others.into_iter().zip(&PEERS) {
            if let Some(time) = median(times) {
                print!("  {} {time:.1} ns ({:.2}x)", peer.name, time / own);
            }
        }
        println!();
    }
}
