//! Coroutines whose frames are copied to the heap while they are suspended:
//! this workspace's, and Python's greenlet in a process of its own.
//!
//! A `resume` of the one is a `switch` of the other, with a number each way.
//! What greenlet does is called from Python, which costs something by itself;
//! the interpreter's plain call stands beside it.

use crate::measure::Contestant;
use coro_dynamic::{DynamicCoroutine, DynamicHandle, RunStack};
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

type Echo = DynamicCoroutine<usize, usize, ()>;

fn body(handle: &DynamicHandle<usize, usize>, mut value: usize) {
    loop {
        value = handle.suspend(value);
    }
}

pub fn on_thread_stack() -> Contestant {
    // SAFETY: no address of a local leaves the coroutine, nor comes into it.
    turns("coro-dynamic, thread's stack", 1, || unsafe { DynamicCoroutine::new(body) })
}

pub fn on_thread_stack_many() -> Contestant {
    // SAFETY: as above.
    turns("coro-dynamic, thread's stack", 10_000, || unsafe { DynamicCoroutine::new(body) })
}

pub fn on_run_stack() -> Contestant {
    let stack = RunStack::new(256 << 10).expect("a stack");
    // SAFETY: as above.
    turns("coro-dynamic, run stack", 1, || unsafe { DynamicCoroutine::on_run_stack(&stack, body) })
}

pub fn on_run_stack_many() -> Contestant {
    let stack = RunStack::new(256 << 10).expect("a stack");
    // SAFETY: as above.
    turns("coro-dynamic, run stack", 10_000, || unsafe { DynamicCoroutine::on_run_stack(&stack, body) })
}

fn turns(name: &'static str, many: usize, make: impl Fn() -> Echo) -> Contestant {
    let mut echoes: Vec<Echo> = (0..many).map(|_| make()).collect();
    for echo in &mut echoes {
        let _ = echo.resume(0);
    }
    let mut turn = 0;
    Contestant::new(name, move |n| {
        for i in 0..n {
            black_box(echoes[turn].resume(i as usize));
            turn = if turn + 1 == many { 0 } else { turn + 1 };
        }
    })
}

const PYTHON: &str = "
import sys
import greenlet

def call(value):
    return value

def body(value):
    while True:
        value = main.switch(value)

main = greenlet.getcurrent()
many = [greenlet.greenlet(body) for _ in range(int(sys.argv[2]))]
for one in many:
    one.switch(0)
turns = [call] if sys.argv[1] == 'call' else [one.switch for one in many]
print('ready', flush=True)
left = []
for line in sys.stdin:
    for _ in range(int(line)):
        left = left or turns[:]
        left.pop()(7)
    print('done', flush=True)
";

/// Python's call of a function, and greenlet's switch there and back; nothing
/// where there is no greenlet.
pub fn greenlets(many: usize) -> Vec<Contestant> {
    let venv = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/peers-python/bin/python");
    let python = [venv, "python3"].into_iter().find(|python| {
        let import = Command::new(python).args(["-c", "import greenlet"]).stderr(Stdio::null()).status();
        import.is_ok_and(|status| status.success())
    });
    let Some(python) = python else {
        eprintln!(
            "greenlet is left out, because no Python here has it; this brings it: python3 -m venv \
             target/peers-python && target/peers-python/bin/pip install greenlet"
        );
        return Vec::new();
    };
    vec![
        interpreted("Python's call of a function", python, "call", many),
        interpreted("greenlet", python, "switch", many),
    ]
}

fn interpreted(name: &'static str, python: &str, what: &str, many: usize) -> Contestant {
    let mut child = Command::new(python)
        .args(["-c", PYTHON, what, &many.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut tell = child.stdin.take().expect("a pipe");
    let mut answers = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut wait = move || {
        let mut line = String::new();
        let read = answers.read_line(&mut line).expect("an answer");
        assert!(read > 0, "Python has ended");
    };
    wait();
    // When the contestant goes, so do the pipes, at whose end the child ends.
    Contestant::new(name, move |n| {
        writeln!(tell, "{n}").expect("a pipe");
        wait();
    })
}
