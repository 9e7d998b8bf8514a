//! Thousands of characters in one world, each with a script that is written in a straight line.
//!
//! A script is a coroutine. It is lent the world for a turn, does something in it, and waits for
//! its next turn wherever it is, in the middle of a loop or three calls down. There is no table
//! of states, the world is in no `RefCell`, and no script has a pointer to it between its turns.
//!
//! ```text
//! cargo run --release --example scripts [-- [--characters N] [--turns N]]
//! ```

mod lives;
mod world;

use coro::LendingCoroutine;
use std::env;
use std::process::ExitCode;
use std::time::Instant;
use sure_stack::StackError;
use world::World;

const USAGE: &str = "usage: scripts [--characters N] [--turns N]";

fn main() -> ExitCode {
    match options().and_then(|(characters, turns)| run(characters, turns)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("scripts: {message}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<(usize, u32), String> {
    let (mut characters, mut turns) = (5_000, 1_000);
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        let number = value.parse::<u32>().ok().filter(|&number| number > 0);
        let number = number.ok_or_else(|| format!("{argument} takes a number from 1 on; {USAGE}"));
        match argument.as_str() {
            "--characters" => characters = number? as usize,
            "--turns" => turns = number?,
            _ => return Err(format!("there is no {argument}; {USAGE}")),
        }
    }
    Ok((characters, turns))
}

fn run(characters: usize, turns: u32) -> Result<(), String> {
    let mut world = World::new(characters);
    let scripts: Result<Vec<_>, StackError> = (0..characters)
        .map(|who| LendingCoroutine::try_new(move |handle| lives::live(handle, who)))
        .collect();
    let mut scripts = scripts.map_err(|error| error.to_string())?;

    let start = Instant::now();
    let mut resumes = 0;
    for _ in 0..turns {
        world.begin_turn();
        for next in 0..scripts.len() {
            if let Some(later) = scripts.get(next + 4) {
                later.prefetch();
            }
            // Lent here, for this call.
            scripts[next].resume(&mut world);
            resumes += 1;
        }
        scripts.retain(|script| !script.is_complete());
    }
    let time = start.elapsed();

    world.check()?;
    println!(
        "characters  {characters}, of whom {} have retired",
        characters - scripts.len()
    );
    println!("ore         {} dug, {} sold", world.dug, world.sold);
    println!("thefts      {}", world.thefts);
    println!(
        "resumes     {resumes}, {} ns each",
        time.as_nanos() / resumes.max(1)
    );
    Ok(())
}
