//! Fails each call of each life once, and, of the system's calls, all from each one on.

mod allocator;
mod child;
mod lives;
mod plan;
mod system;

use std::collections::BTreeMap;
use std::process::ExitCode;

use child::Ended;
use lives::{LIVES, Life};
use plan::{Call, Plan};

/// Sentences with which the libraries panic where the documentation says so.
const PANICS: [&str; 2] = ["no stack for a coroutine: ", "no stack to grow by: "];

/// What the standard library says before it aborts: there is no memory.
const NO_MEMORY: &str = "memory allocation of ";

/// How lives ended, by the call that failed.
#[derive(Default)]
struct Tally {
    unharmed: usize,
    errors: usize,
    panics: usize,
    aborts: usize,
}

fn main() -> ExitCode {
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut harm = 0;
    system::say("a life that forgets what it holds, to see that it is found:\n");
    let (_, found) = at_every_call("on purpose", lives::forgetful, &mut BTreeMap::new());
    assert!(found > 0, "a leak was not found");
    for (name, life) in LIVES {
        let (runs, wrong) = at_every_call(name, life, &mut tallies);
        system::say(&format!("{name}: {runs} runs\n"));
        harm += wrong;
    }
    system::say(
        "what failed once, or from then on; and how many lives then went on, ended with an error, a panic, an abort\n",
    );
    for (call, tally) in tallies {
        let Tally {
            unharmed,
            errors,
            panics,
            aborts,
        } = tally;
        system::say(&format!(
            "{call:20} {unharmed:6} {errors:6} {panics:6} {aborts:6}\n"
        ));
    }
    if harm > 0 {
        return ExitCode::FAILURE;
    }
    println!("no fault did harm");
    ExitCode::SUCCESS
}

/// Lives as often as there are calls that can fail. Returns how often, and how many ended badly.
fn at_every_call(
    name: &str,
    life: Life,
    tallies: &mut BTreeMap<&'static str, Tally>,
) -> (usize, usize) {
    let clean = child::run(life, Plan::Nothing);
    let clean = clean
        .report
        .unwrap_or_else(|| panic!("{name}: {}", clean.said));
    assert_eq!(clean.outcome, "", "{name}: nothing was made to fail");
    assert!(clean.calls > 0, "{name}: there is nothing that could fail");
    let (mut runs, mut wrong) = (0, 0);
    let mut live = |plan| {
        let ended = child::run(life, plan);
        runs += 1;
        // A child that died has told nothing; then it was the allocator, or it is judged a fault.
        let failed = ended.report.as_ref().map(|report| report.failed);
        let call = failed.unwrap_or(Some(Call::Allocation));
        let column = match plan {
            Plan::SystemFrom(_) => "all from one on",
            _ => call.map_or("nothing", Call::name),
        };
        match judge(&ended, clean.left) {
            Ok(count) => *count(tallies.entry(column).or_default()) += 1,
            Err(complaint) => {
                wrong += 1;
                system::say(&format!("{name}, {plan:?}, {column}: {complaint}\n"));
            }
        }
        call
    };
    for n in 0..clean.calls {
        // All from an allocation on are all from the next call of the system on.
        if live(Plan::Once(n)) != Some(Call::Allocation) {
            live(Plan::SystemFrom(n));
        }
    }
    (runs, wrong)
}

/// Where to count the end of a life, or what was wrong with it.
fn judge(ended: &Ended, left: (usize, isize)) -> Result<fn(&mut Tally) -> &mut usize, String> {
    let Some(report) = &ended.report else {
        let aborted =
            libc::WIFSIGNALED(ended.status) && libc::WTERMSIG(ended.status) == libc::SIGABRT;
        return match aborted && ended.said.contains(NO_MEMORY) {
            true => Ok(|tally| &mut tally.aborts),
            false => Err(format!("status {:#x}: {}", ended.status, ended.said)),
        };
    };
    // Less, where a reservation was made smaller because the system had no room for a larger one.
    if report.left.0 > left.0 || report.left.1 > left.1 {
        return Err(format!(
            "(heap, mapped) bytes left are {:?}, and {left:?} without a fault; {}",
            report.left, report.outcome
        ));
    }
    if report.outcome.is_empty() {
        Ok(|tally| &mut tally.unharmed)
    } else if report.outcome.starts_with("error: ") {
        Ok(|tally| &mut tally.errors)
    } else if PANICS.iter().any(|part| report.outcome.contains(part)) {
        Ok(|tally| &mut tally.panics)
    } else {
        Err(report.outcome.clone())
    }
}
