//! A contestant in a process of its own: it reads numbers of repetitions, a line each, and answers
//! each with the nanoseconds that they took.

use crate::contestant::Contestant;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Starts the program. It ends by itself when its input does.
///
/// # Panics
/// If it cannot be started, or ends while it should answer.
pub fn external(variant: &str, command: &mut Command) -> Contestant {
    let shown = command.get_program().display().to_string();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{shown} does not start: {error}"));
    let mut tell = child.stdin.take().expect("a pipe was asked for");
    let mut answers = BufReader::new(child.stdout.take().expect("a pipe was asked for"));
    Contestant::own_loop(variant, move |_, repetitions| {
        let mut line = String::new();
        let answered = writeln!(tell, "{repetitions}").and_then(|()| answers.read_line(&mut line));
        match (answered, line.trim().parse()) {
            (Ok(_), Ok(nanoseconds)) => Duration::from_nanos(nanoseconds),
            _ => panic!("{shown} ended instead of answering ({:?})", child.wait()),
        }
    })
}
