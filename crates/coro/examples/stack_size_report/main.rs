//! How large a stack should be: measured.
//!
//!     cargo run --release --example stack_size_report -- [--coroutines N] [CHART.svg]
//!
//! Runs a mix of work in coroutines, prints how much stack they used, and draws a chart.

mod chart;
mod workloads;

use chart::Chart;
use coro::{Coroutine, SuspendHandle};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs};
use sure_stack::{DEFAULT_STACK_SIZE, PoolConfig, PooledStack, UsageReport, overflow};
use testing::Random;
use workloads::{WORKLOADS, Workload};

struct Options {
    coroutines: usize,
    chart: PathBuf,
}

fn main() -> ExitCode {
    match options().and_then(|options| report(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stack_size_report: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options {
        coroutines: 20_000,
        chart: PathBuf::from("target/stack_size_report.svg"),
    };
    let mut arguments = env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--coroutines") => {
                let number = arguments
                    .next()
                    .and_then(|text| text.to_str()?.parse().ok());
                options.coroutines = number
                    .filter(|&number| number > 0)
                    .ok_or("--coroutines takes a number from 1 on")?;
            }
            Some(unknown) if unknown.starts_with("--") => {
                return Err(format!("there is no {unknown}").into());
            }
            _ => options.chart = argument.into(),
        }
    }
    Ok(options)
}

fn report(options: &Options) -> Result<(), Box<dyn Error>> {
    // Should one need more than it has, it says so.
    overflow::install()?;
    // Stacks are cleared when they come back: each mark is one coroutine's.
    PooledStack::configure(PoolConfig::new().measure(true));

    let mut parts = WORKLOADS.map(|workload| (workload.name, UsageReport::new()));
    for number in 0..options.coroutines {
        let kind = number % WORKLOADS.len();
        parts[kind].1.record(mark(&WORKLOADS[kind], number)?);
    }
    // The pool has noted the same marks, when the stacks came back.
    let whole = PooledStack::usage();

    let build = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    println!("{} coroutines, {build} build\n\n{whole}\n", whole.count());
    for (name, part) in &parts {
        println!(
            "{name:>12}: half used up to {:>6} bytes, all up to {:>6}",
            part.quantile(0.5),
            part.largest()
        );
    }
    let chart = Chart {
        subtitle: format!(
            "{} coroutines on stacks of {} KiB, {build} build",
            whole.count(),
            DEFAULT_STACK_SIZE >> 10
        ),
        parts: &parts,
        whole: &whole,
    };
    let path = &options.chart;
    fs::create_dir_all(path.parent().unwrap_or(path))
        .and_then(|()| fs::write(path, chart.to_string()))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    println!("\nchart: {}", path.display());
    Ok(())
}

/// Works in a coroutine, and returns how much stack that took, in bytes.
fn mark(workload: &Workload, number: usize) -> Result<usize, Box<dyn Error>> {
    let run = workload.run;
    let mut coroutine = Coroutine::builder()
        .name(format!("{} {number}", workload.name))
        .build(move |handle: &SuspendHandle<(), usize>, ()| {
            let mut random = Random::new(number as u64);
            for _ in 0..3 {
                handle.suspend(run(&mut random));
            }
        })?;
    while coroutine.resume(()).yielded().is_some() {}
    Ok(coroutine.high_water_mark())
}
