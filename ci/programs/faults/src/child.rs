//! One life in a process of its own, forked from this one, which has only one thread and has used nothing
//! yet: so each life is the first.

use std::any::Any;
use std::fs::File;
use std::io::Read;
use std::os::fd::FromRawFd;
use std::panic::{self, AssertUnwindSafe};

use sure_stack::PooledStack;

use crate::lives::Life;
use crate::plan::{self, Call, Plan};
use crate::{allocator, system};

/// How a child ended.
#[derive(Debug)]
pub struct Ended {
    /// Its wait status.
    pub status: i32,
    /// What it wrote to standard error.
    pub said: String,
    /// What it reported, unless it died before.
    pub report: Option<Report>,
}

/// What a child found out.
#[derive(Debug)]
pub struct Report {
    /// How many calls could have failed.
    pub calls: usize,
    /// The first that did.
    pub failed: Option<Call>,
    /// Bytes allocated and bytes mapped, after a second life in which nothing failed.
    pub left: (usize, isize),
    /// The error or the panic with which the first life ended; empty if it went well.
    pub outcome: String,
}

/// Runs a life by a plan, and another one by none, in a child.
pub fn run(life: Life, plan: Plan) -> Ended {
    let mut pipe = [0; 2];
    let mut errors = [0; 2];
    // SAFETY: room for two numbers each.
    assert_eq!(
        unsafe { libc::pipe(pipe.as_mut_ptr()) | libc::pipe(errors.as_mut_ptr()) },
        0
    );
    // SAFETY: this process has one thread.
    let process = unsafe { libc::fork() };
    if process == 0 {
        // SAFETY: the child reports on the pipe, and ends, within some seconds.
        unsafe {
            libc::alarm(20);
            libc::dup2(errors[1], 2);
            let text = live(life, plan);
            libc::write(pipe[1], text.as_ptr().cast(), text.len());
            libc::_exit(0);
        }
    }
    let read = |[from, to]: [i32; 2]| {
        // SAFETY: both ends are this function's.
        let mut from = unsafe {
            libc::close(to);
            File::from_raw_fd(from)
        };
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).expect("a pipe can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    };
    // What it writes is far less than a pipe holds, so one is read after the other.
    let (said, report) = (read(errors), read(pipe));
    let mut status = 0;
    // SAFETY: the child of above.
    unsafe { libc::waitpid(process, &mut status, 0) };
    Ended {
        status,
        said,
        report: parse(&report),
    }
}

/// In the child: the report, as text.
fn live(life: Life, plan: Plan) -> String {
    // Messages are looked at where they arrive.
    panic::set_hook(Box::new(|_| ()));
    let before = (allocator::live_bytes(), system::mapped_bytes());
    let (calls, outcome) = on_a_thread(life, plan);
    let (_, again) = on_a_thread(life, Plan::Nothing);
    let _ = panic::take_hook();
    assert!(again.is_empty(), "the second life: {again}");
    PooledStack::arena().trim();
    let stacks = PooledStack::arena().statistics().live;
    assert_eq!(stacks, 0, "stacks are lost");
    let bytes = allocator::live_bytes() - before.0 - outcome.capacity() - again.capacity();
    let mapped = system::mapped_bytes() - before.1;
    let failed = plan::failed().map_or(usize::MAX, |call| call as usize);
    format!("{calls} {failed} {bytes} {mapped} {outcome}")
}

fn parse(report: &str) -> Option<Report> {
    let mut words = report.splitn(5, ' ');
    Some(Report {
        calls: words.next()?.parse().ok()?,
        failed: Call::ALL.get(words.next()?.parse::<usize>().ok()?).copied(),
        left: (words.next()?.parse().ok()?, words.next()?.parse().ok()?),
        outcome: words.next()?.to_owned(),
    })
}

/// The life on a thread of its own, whose end belongs to it: how many calls that made, and the sentence
/// that it ended with.
fn on_a_thread(life: Life, plan: Plan) -> (usize, String) {
    let thread = std::thread::Builder::new().stack_size(1 << 20);
    let thread = thread.spawn(move || {
        plan::arm(plan);
        panic::catch_unwind(AssertUnwindSafe(life))
    });
    let ended = thread.expect("a thread").join();
    let calls = plan::disarm();
    let sentence = match ended.expect("panics are caught") {
        Ok(Ok(())) => String::new(),
        Ok(Err(error)) => format!("error: {error}"),
        Err(payload) => format!("panic: {}", sentence_of(&*payload)),
    };
    (calls, sentence)
}

fn sentence_of(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("something that is no text")
}
