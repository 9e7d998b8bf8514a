//! A million coroutines alive at the same time, each on a guarded stack of its own.
//!
//! All are created, resumed in turn, and finished. What they cost is printed:
//! mappings of the process, memory, page tables, time.
//!
//! ```text
//! cargo run --release --example million [-- [--coroutines N] [--stack-size KIB] [--guards mprotect]]
//! ```
//!
//! A stack takes one page of memory, whatever its size: 4,000,000 with `--stack-size 64` fit into
//! 24 GiB. Making that page is most of what creating a coroutine takes here; the kernel's part is
//! measured beside it.
//!
//! With `--guards mprotect` the guards are made as on systems without
//! lightweight ones. That ends at about 32,500, with an error that says why.

mod machine;
mod options;

use coro::{Coroutine, CoroutineState, SuspendHandle};
use machine::{Machine, Process};
use options::Options;
use std::fmt::Display;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use sure_stack::{ArenaConfig, ArenaStack, StackArena};

/// Adds up what it is given, and returns the sum.
type Adder = Coroutine<usize, usize, usize, ArenaStack>;

fn main() -> ExitCode {
    match Options::from_arguments().and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("million: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let count = options.coroutines;
    Machine::look().has_room_for(count, options.stack)?;
    let arena = ArenaConfig::new()
        .stack_size(options.stack)
        .guards(options.guards)
        .build()
        .map_err(|error| error.to_string())?;

    let floor = machine::floor(count, options.stack);
    let before = Process::look();
    let start = Instant::now();
    let mut coroutines = create(&arena, count)?;
    let create = start.elapsed();

    // From here on each has frames on its stack.
    let first = resume_all(&mut coroutines, 1)?;
    let second = resume_all(&mut coroutines, 2)?;
    let alive = Process::look();

    let start = Instant::now();
    for (who, coroutine) in coroutines.iter_mut().enumerate() {
        if coroutine.resume(0) != CoroutineState::Complete(who + 3) {
            return Err(format!("coroutine {who} has added wrongly"));
        }
    }
    let finish = start.elapsed();
    let start = Instant::now();
    drop(coroutines);
    let dropped = start.elapsed();

    let statistics = arena.statistics();
    tell(
        "coroutines",
        format_args!("{count}, all alive at the same time, each resumed in turn"),
    );
    tell(
        "stacks",
        format_args!("{} bytes each, guarded", options.stack),
    );
    tell(
        "guards",
        match statistics.protected_guards {
            0 => "lightweight (MADV_GUARD_INSTALL)".into(),
            protected => format!("{protected} by mprotect, two mappings each"),
        },
    );
    tell(
        "reserved",
        format_args!("{} bytes of address space", statistics.reserved_bytes),
    );
    match (before, alive) {
        (Some(before), Some(alive)) => {
            let each = |bytes: u64, less: u64| bytes.saturating_sub(less) / count as u64;
            tell("VMAs", format_args!("{} in the process", alive.mappings));
            tell(
                "resident",
                format_args!(
                    "{} bytes per coroutine",
                    each(alive.resident, before.resident)
                ),
            );
            tell(
                "page tables",
                format_args!(
                    "{} bytes per coroutine",
                    each(alive.page_tables, before.page_tables)
                ),
            );
        }
        _ => tell("memory", "not told by this system"),
    }
    tell("create", ns_each(create, count));
    if let Some(floor) = floor {
        let times = create.as_secs_f64() / floor.as_secs_f64();
        let floor = ns_each(floor, count);
        tell(
            "floor",
            format_args!("{floor}, for a page each; create takes {times:.2} times that"),
        );
    }
    tell("first resume", ns_each(first, count));
    tell("resume", ns_each(second, count));
    tell("finish", ns_each(finish, count));
    tell("drop", ns_each(dropped, count));
    Ok(())
}

fn create(arena: &StackArena, count: usize) -> Result<Vec<Adder>, String> {
    let mut coroutines = Vec::with_capacity(count);
    for who in 0..count {
        let adder = arena.allocate().and_then(|stack| {
            Coroutine::try_with_stack(stack, move |handle: &SuspendHandle<usize, usize>, first| {
                let second = handle.suspend(who);
                let third = handle.suspend(who);
                who + first + second + third
            })
        });
        match adder {
            Ok(adder) => coroutines.push(adder),
            Err(error) => return Err(format!("after {who} coroutines: {error}")),
        }
    }
    Ok(coroutines)
}

/// Gives a number to each; how long that takes.
fn resume_all(coroutines: &mut [Adder], number: usize) -> Result<Duration, String> {
    let start = Instant::now();
    for (who, coroutine) in coroutines.iter_mut().enumerate() {
        if coroutine.resume(number) != CoroutineState::Yielded(who) {
            return Err(format!("coroutine {who} has sent something else"));
        }
    }
    Ok(start.elapsed())
}

fn ns_each(time: Duration, count: usize) -> String {
    format!("{} ns per coroutine", time.as_nanos() / count as u128)
}

fn tell(what: &str, value: impl Display) {
    println!("{what:<14}{value}");
}
