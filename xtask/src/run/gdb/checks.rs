//! What gdb has to say of the example `hang`.

use anyhow::{Context, Result};

use super::session::{Answers, Session};
use crate::workspace;

/// From the root.
const SOURCE: &str = "crates/coro/examples/hang.rs";

/// One that waits in `client`.
const CLIENT: &str = "coroutine 4";

/// A tenth of them, in which each place has its share: printing all takes gdb some seconds.
const MANY: &str = "coroutine apply 1-100 bt";

/// What a build has, of which an answer may depend.
#[derive(Clone, Copy)]
pub(super) struct Build {
    /// Lines are known, and where functions were inlined.
    pub(super) lines: bool,
    /// Variables are known, and in memory.
    pub(super) variables: bool,
}

/// Lines of the example's source.
struct Source(String);

impl Source {
    fn read() -> Result<Source> {
        let path = workspace::root().join(SOURCE);
        let text = std::fs::read_to_string(&path);
        Ok(Source(text.with_context(|| path.display().to_string())?))
    }

    /// How gdb names the only line with this text: `….rs:12`.
    fn place(&self, text: &str) -> Result<String> {
        let mut lines = self.0.lines().zip(1..);
        let (_, number) = lines
            .find(|(line, _)| line.contains(text))
            .with_context(|| format!("{SOURCE} has no line with {text:?}"))?;
        Ok(format!("hang.rs:{number}"))
    }
}

/// Where a session stops, when all is set up: in words for `break`.
pub(super) fn stop() -> Result<String> {
    Source::read()?.place("black_box(tasks).len()")
}

/// The three places: how many wait there, and functions from there outwards with a text of their lines.
type Stuck = (usize, &'static [(&'static str, &'static str)]);
const STUCK: [Stuck; 3] = [
    (
        600,
        &[
            ("wait_for_answer", "let answer = handle.suspend"),
            ("client", "black_box(wait_for_answer"),
        ],
    ),
    (300, &[("worker", "handle.suspend(job)")]),
    (
        100,
        &[
            ("wait_for_lock", "0 => handle.suspend"),
            ("wait_for_lock", "_ => wait_for_lock"),
            ("wait_for_lock", "_ => wait_for_lock"),
            ("wait_for_lock", "_ => wait_for_lock"),
        ],
    ),
];

/// Asks everything that is checked below; the program has stopped at `STOP`.
pub(super) fn ask(session: &mut Session) {
    for question in [
        "info coroutines",
        "info coroutines -g",
        "coroutine 4 bt",
        "coroutine 4 print question",
        "coroutine 4 print *handle",
        MANY,
        "coroutine apply 10 1-3 bt 2",
        "coroutine apply all print 4711",
        "coroutine",
        CLIENT,
        "up",
        "down",
        "coroutine 4 up",
        "bt",
        "coroutine none",
        "bt -frame-info location",
        "coroutine 1001 bt",
        "coroutine 1002 bt",
        "coroutine 1003 bt",
        "coroutine 4711 bt",
        "coroutine five",
    ] {
        session.ask(question);
    }
}

/// What is wrong with the answers, a sentence each.
pub(super) fn complaints(answers: &Answers, build: Build) -> Result<Vec<String>> {
    let source = Source::read()?;
    let mut complaints = Vec::new();
    let mut expect = |question: &str, wanted: &str| {
        if !answers.to(question).contains(wanted) {
            let answer = answers.to(question);
            complaints.push(format!("{question}: no {wanted:?} in\n{answer}"));
        }
    };
    let lines = |text: &str| match build.lines {
        true => source.place(text),
        false => Ok(String::new()),
    };
    for (number, frames) in STUCK {
        let (function, line) = frames[0];
        let head = format!("{number} suspended in ");
        let place = lines(line)?;
        let groups = answers.to("info coroutines -g").lines();
        let mut group = groups.skip_while(|line| !line.starts_with(&head));
        let first = group.next().unwrap_or_default();
        if !(first.contains(function) && first.contains(&place)) {
            expect(
                "info coroutines -g",
                &format!("{head}{function} at …/{place}"),
            );
        }
        // The library's function that suspends is shown, too, where it was not inlined without a trace.
        let mut group = group
            .skip_while(|line| !line.contains(function))
            .take(frames.len());
        for (function, line) in frames {
            let place = lines(line)?;
            let frame = group.next().unwrap_or_default();
            if !(frame.contains(function) && frame.contains(&place)) {
                expect(
                    "info coroutines -g",
                    &format!("    {function} at …/{place}"),
                );
            }
        }
        for (function, line) in frames {
            // One that recurs is on the stack of one coroutine several times.
            let here = lines(line)?;
            let all = answers.to(MANY).lines();
            let found = all.filter(|it| it.contains(&format!("{function} ")) && it.contains(&here));
            let wanted = match build.lines {
                true => frames.iter().filter(|it| it.1 == *line).count(),
                false => frames.len(),
            };
            let wanted = number / 10 * wanted;
            let found = found.count();
            if found != wanted {
                expect(
                    MANY,
                    &format!("{wanted} frames of {function} at {here}, but {found}"),
                );
            }
        }
    }
    let created = source.place("idle.build")?;
    expect("info coroutines -g", &format!("{created}: 1001"));
    expect("info coroutines", "1001  \"idle\" created at ");
    expect("info coroutines -g", "1 complete: 1002");
    expect("info coroutines -g", "1 running: 1003");

    expect("coroutine 4 bt", "wait_for_answer");
    expect("coroutine apply 10 1-3 bt 2", "Coroutine 10, suspended:");
    expect("coroutine apply 10 1-3 bt 2", "Coroutine 3, suspended:");
    let all = answers.to("coroutine apply all print 4711");
    let reached = all.matches("= 4711\n").count();
    if reached != 1000 {
        let wanted = format!("a thousand answers, but {reached}");
        expect("coroutine apply all print 4711", &wanted);
    }
    // A command at a coroutine leaves the selection as it was.
    expect("coroutine", "Selected: none.");
    expect(CLIENT, "wait_for_answer");
    expect("up", "client");
    expect("down", "wait_for_answer");
    expect("coroutine 4 up", "client");
    expect("bt", "client");
    if build.variables {
        expect("coroutine 4 print question", "= 8");
        expect("coroutine 4 print *handle", "{of 4, suspended");
    }
    // The thread's own frames pass through the coroutine that runs, to `main`.
    expect("bt -frame-info location", "all_are_stuck");
    expect("bt -frame-info location", "main::{closure");
    expect("bt -frame-info location", "main (");

    expect(
        "coroutine 1001 bt",
        "Coroutine 1001 \"idle\" was never resumed",
    );
    expect("coroutine 1001 bt", &created);
    expect("coroutine 1002 bt", "Coroutine 1002 is complete");
    expect(
        "coroutine 1003 bt",
        "Coroutine 1003 is running: its frames are among those of ",
    );
    expect(
        "coroutine 4711 bt",
        "No tracked coroutine has the number 4711: there are 1003",
    );
    expect("coroutine five", "Usage: coroutine");
    for (question, end) in [("coroutine 4 bt", "main"), ("bt", "main")] {
        // The walk ends at the root: nothing of the resumer, which has gone on.
        if answers.to(question).contains(&format!("{end} (")) {
            expect(question, "an end at the coroutine's root");
        }
    }
    Ok(complaints)
}
