//! Measures this workspace's coroutines beside other libraries', on the same
//! work, taking turns in one process.

mod copied;
mod measure;
mod order;
mod ours;
mod sensei;

use measure::Group;

const GROUPS: &[Group] = &[
    Group {
        name: "round trip, usize, depth 0",
        contestants: || vec![sensei::round_trip(0), ours::round_trip(0)],
    },
    Group {
        name: "round trip, usize, suspend inside 1 call",
        contestants: || vec![sensei::round_trip(1), ours::round_trip(1)],
    },
    Group {
        name: "round trip, usize, suspend inside 3 calls",
        contestants: || vec![sensei::round_trip(3), ours::round_trip(3)],
    },
    Group { name: "round trip, ()", contestants: || vec![sensei::unit(), ours::unit()] },
    Group { name: "round trip, 64 bytes", contestants: || vec![sensei::large(), ours::large()] },
    Group {
        name: "round trip, usize, through an inner coroutine",
        contestants: || vec![sensei::nested(), ours::nested()],
    },
    Group {
        name: "create, run, drop; stack kept",
        contestants: || vec![sensei::create(), ours::create()],
    },
    Group {
        name: "create, run, drop; new stack",
        contestants: || vec![sensei::create_fresh(), ours::create_fresh()],
    },
    Group {
        name: "create, suspend, drop while suspended",
        contestants: || vec![sensei::drop_suspended(), ours::drop_suspended()],
    },
    Group {
        name: "10,000 coroutines in order",
        contestants: || vec![sensei::many(0, true), ours::many(0, true)],
    },
    Group {
        name: "10,000 coroutines, shuffled",
        contestants: || vec![sensei::many(0, false), ours::many(0, false), ours::many_prefetched(0)],
    },
    Group {
        name: "10,000 coroutines, shuffled, suspended 3 calls deep",
        contestants: || vec![sensei::many(3, false), ours::many(3, false), ours::many_prefetched(3)],
    },
    Group {
        name: "copied frames, one coroutine",
        contestants: || {
            let mut all = vec![copied::on_thread_stack(), copied::on_run_stack()];
            all.extend(copied::greenlets(1));
            all
        },
    },
    Group {
        name: "copied frames, 10,000 in turn",
        contestants: || {
            let mut all = vec![copied::on_thread_stack_many(), copied::on_run_stack_many()];
            all.extend(copied::greenlets(10_000));
            all
        },
    },
];

const HELP: &str = "usage: bench-peers [--rounds N] [WORD ...]
Runs the groups whose names contain one of the words; all without any.";

fn main() {
    let mut rounds = 41;
    let mut words = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => match arguments.next().and_then(|n| n.parse().ok()).filter(|&n| n > 0) {
                Some(n) => rounds = n,
                None => usage("--rounds takes a number from 1 on"),
            },
            "-h" | "--help" => return println!("{HELP}"),
            flag if flag.starts_with('-') => usage(&format!("there is no option {flag}")),
            _ => words.push(argument),
        }
    }
    let chosen: Vec<&Group> = GROUPS
        .iter()
        .filter(|group| words.is_empty() || words.iter().any(|word| group.name.contains(word.as_str())))
        .collect();
    if chosen.is_empty() {
        usage("no group has such a name");
    }
    measure::pin();
    println!("{rounds} rounds; ratios are to the first line of a group, formed within each round");
    for group in chosen {
        measure::run(group, rounds);
    }
}

fn usage(problem: &str) -> ! {
    eprintln!("bench-peers: {problem}\n{HELP}");
    std::process::exit(2)
}
