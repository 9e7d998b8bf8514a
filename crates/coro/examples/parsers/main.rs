//! Blocking parser code, suspended in mid-call whenever its input runs dry.
//!
//! `serde_json::from_reader` is ordinary code: it calls `Read::read` from
//! somewhere deep in its recursion and expects to get bytes. Here a thousand of
//! them run on one thread. Each is given the document chunk by chunk; when its
//! chunk is used up, `read` suspends the coroutine, and the loop below feeds
//! the next one.
//!
//! ```text
//! cargo run --release --example parsers [-- [--coroutines N] [--chunk BYTES] [FILE.json]]
//! ```

mod document;
mod feed;
mod summary;

use coro::{Coroutine, CoroutineState};
use document::Document;
use feed::{Chunk, Feed};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use summary::Summary;

/// What a parser is given, sends (nothing but that it is hungry), and returns.
type Parser = Coroutine<Chunk, (), Result<Summary, serde_json::Error>>;

fn main() -> ExitCode {
    match document::Options::from_arguments().and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("parsers: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &document::Options) -> Result<(), String> {
    let document = Document::load(options)?;
    let before = resident_bytes();
    let mut parsers = (0..options.coroutines)
        .map(create)
        .collect::<Result<Vec<_>, _>>()?;
    tell(
        0,
        "created",
        "it has a stack and a closure; nothing has run",
    );

    let mut finished: Vec<Option<Summary>> = vec![None; parsers.len()];
    let (mut resumes, mut time, mut resident) = (0_u64, Duration::ZERO, 0);
    for number in 0.. {
        let chunk = document.chunk(number, options.chunk);
        let start = Instant::now();
        let mut alive = false;
        for (who, parser) in parsers.iter_mut().enumerate() {
            if finished[who].is_some() {
                continue;
            }
            if number > 0 && number < 3 {
                tell(
                    who,
                    "resumed",
                    format_args!("`read` goes on with chunk {number}"),
                );
            }
            resumes += 1;
            match parser.resume(chunk.clone()) {
                CoroutineState::Yielded(()) => alive = true,
                CoroutineState::Complete(Ok(summary)) => {
                    tell(who, "complete", format_args!("it returned {summary}"));
                    finished[who] = Some(summary);
                }
                CoroutineState::Complete(Err(error)) => {
                    return Err(format!(
                        "coroutine `{}`: {error}",
                        parser.name().unwrap_or_default()
                    ));
                }
            }
        }
        time += start.elapsed();
        if number == 0 {
            resident = resident_bytes().saturating_sub(before);
        }
        if !alive {
            break;
        }
    }

    let direct: Summary =
        serde_json::from_slice(document.bytes()).map_err(|e| format!("direct parse: {e}"))?;
    if let Some(who) = finished.iter().position(|summary| *summary != Some(direct)) {
        return Err(format!(
            "coroutine `document {who}` disagrees with a direct parse"
        ));
    }
    println!();
    println!(
        "document            {} ({} bytes)",
        document.name(),
        document.bytes().len()
    );
    println!(
        "coroutines          {}, each result equal to a direct parse",
        parsers.len()
    );
    println!("suspensions         {}", resumes - parsers.len() as u64);
    println!(
        "bytes parsed        {}",
        document.bytes().len() * parsers.len()
    );
    println!(
        "ns per resume       {:.0}, parsing included",
        time.as_nanos() as f64 / resumes as f64
    );
    println!(
        "resident bytes      {} per coroutine, all suspended in their first chunk",
        resident / parsers.len()
    );
    Ok(())
}

/// A parser, which has a name and has not run yet.
fn create(who: usize) -> Result<Parser, String> {
    Coroutine::builder()
        .name(format!("document {who}"))
        .build(move |handle, first: Chunk| {
            tell(
                who,
                "trampoline",
                "the first resume has switched to its stack and called its closure",
            );
            tell(who, "running", "serde_json::from_reader parses");
            serde_json::from_reader(Feed::new(handle, first, who))
        })
        .map_err(|error| format!("coroutine `document {who}`: {error}"))
}

/// Prints a stage in the life of the first coroutine.
fn tell(who: usize, stage: &str, what: impl std::fmt::Display) {
    if who == 0 {
        println!("{stage:<12}{what}");
    }
}

/// How much memory the process occupies, or 0 where the system does not say.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    #[cfg(unix)]
    // SAFETY: asks for a constant.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(0);
    #[cfg(not(unix))]
    let page = 0;
    pages.unwrap_or(0) * page
}
