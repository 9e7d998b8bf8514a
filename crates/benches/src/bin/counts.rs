//! Pieces of work for `cargo xtask count-instructions`, which runs this under cachegrind with two
//! numbers of repetitions; the difference is what the repetitions take, and repeats exactly.
//!
//! `counts` lists the works, `counts WORK N` does one of them so many times.

use std::hint::black_box;
use std::process::ExitCode;

use coro::{Coroutine, CoroutineState, SuspendHandle};
use coro_dynamic::{DynamicCoroutine, DynamicHandle, RunStack};
use fiber_vm::asm::assemble;
use fiber_vm::{Config, Vm};
use sure_stack::{GuardedMmapStack, PooledStack, StackArena};

/// A piece of work, and what does it so many times.
type Work = (&'static str, fn(usize));

const WORKS: &[Work] = &[
    ("resume and suspend, ()", unit),
    ("resume and suspend, usize", |n| echoes(n, 0)),
    ("resume and suspend, usize, inside 3 calls", |n| {
        echoes(n, 3)
    }),
    ("resume and suspend, 64 bytes", large),
    (
        "resume and suspend, usize, through an inner coroutine",
        nested,
    ),
    ("a step of an iterator", iterator),
    ("create, run, drop", life),
    ("create, run, drop, on 16 KiB", |n| sized_life(n, 16 << 10)),
    ("create, run, drop, on 1 MiB", |n| sized_life(n, 1 << 20)),
    ("create, run, drop, on 8 MiB", |n| sized_life(n, 8 << 20)),
    ("create, suspend, drop while suspended", drop_suspended),
    ("a call on another stack", call),
    ("maybe_grow, where there is stack enough", |n| {
        grow(n, 32 << 10)
    }),
    ("maybe_grow, by a stack that is kept", |n| {
        grow(n, usize::MAX)
    }),
    ("a stack of the pool: take, put back", pool),
    ("a stack of an arena: take, put back", arena),
    ("dynamic, on the thread's stack: resume and suspend", |n| {
        dynamic(n, false)
    }),
    ("dynamic, on a run stack: resume and suspend", |n| {
        dynamic(n, true)
    }),
    ("dynamic: create, run, drop", dynamic_life),
    ("VM: an instruction of arithmetic", |n| {
        machine(n, 1, ARITHMETIC)
    }),
    ("VM: an instruction of calls", |n| machine(n, 1, CALLS)),
    ("VM: an instruction of catching a panic", |n| {
        machine(n, 1, PANICS)
    }),
    ("VM: an instruction of 100 fibers that yield", |n| {
        machine(n, 100, YIELDS)
    }),
];

const ARITHMETIC: &str = "main: DUP\n PUSH 3\n MUL\n PUSH 5\n ADD\n XOR\n INC\n JMPL.1 main";
const CALLS: &str = "main: XSL a\n JMPL.1 main\na: XSL b\n RET\nb: XSL c\n RET\nc: INC\n RET";
const PANICS: &str = "main: PUSH thunk\n DV catch\n DRP\n PUSH 1\n INC\n INC\n INC\n DRP\n NOP
    JMPL.1 main\nthunk: PUSH 3\n INC\n PUSH 0\n PUSH 1\n PUSH 5\n DV assert";
const YIELDS: &str = "main: INC\n YLD\n JMPL.1 main";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (name, repetitions) = match words[..] {
        [] => {
            WORKS.iter().for_each(|(name, _)| println!("{name}"));
            return ExitCode::SUCCESS;
        }
        [name, repetitions] => (name, repetitions.parse()),
        _ => ("", Ok(0)),
    };
    let work = WORKS.iter().find(|work| work.0 == name);
    let (Some((_, work)), Ok(repetitions)) = (work, repetitions) else {
        eprintln!("usage: counts [WORK N]");
        return ExitCode::from(2);
    };
    work(repetitions);
    ExitCode::SUCCESS
}

fn unit(n: usize) {
    let mut coroutine: Coroutine<(), (), ()> = Coroutine::new(|handle, ()| {
        loop {
            handle.suspend(());
        }
    });
    for _ in 0..n {
        black_box(coroutine.resume(()));
    }
}

type Handle = SuspendHandle<usize, usize>;

/// Suspends inside so many calls that stay calls.
#[inline(never)]
fn deep(handle: &Handle, value: usize, depth: usize) -> usize {
    let value = match depth {
        1 => handle.suspend(value),
        _ => deep(handle, value, depth - 1),
    };
    black_box(value)
}

fn echo(depth: usize) -> Coroutine<usize, usize, ()> {
    Coroutine::new(move |handle: &Handle, mut value| {
        loop {
            value = match depth {
                0 => handle.suspend(value),
                _ => deep(handle, value, depth),
            };
        }
    })
}

fn echoes(n: usize, depth: usize) {
    let mut coroutine = echo(depth);
    for i in 0..n {
        black_box(coroutine.resume(i));
    }
}

fn large(n: usize) {
    let mut coroutine: Coroutine<[u64; 8], [u64; 8], ()> = Coroutine::new(|handle, mut value| {
        loop {
            value = handle.suspend(value);
        }
    });
    for i in 0..n {
        black_box(coroutine.resume(black_box([i as u64; 8])));
    }
}

fn nested(n: usize) {
    let mut outer: Coroutine<usize, usize, ()> = Coroutine::new(|handle, mut value| {
        let mut inner = echo(0);
        while let CoroutineState::Yielded(out) = inner.resume(value) {
            value = handle.suspend(out);
        }
    });
    for i in 0..n {
        black_box(outer.resume(i));
    }
}

fn iterator(n: usize) {
    let mut numbers = coro::iter(|handle| (0..usize::MAX).for_each(|i| handle.suspend(i)));
    for _ in 0..n {
        black_box(numbers.next());
    }
}

fn life(n: usize) {
    for i in 0..n {
        let mut coroutine = Coroutine::new(|_: &SuspendHandle<usize, ()>, value| value);
        black_box(coroutine.resume(i));
    }
}

/// A life on a pooled stack of another size than the usual one.
fn sized_life(n: usize, bytes: usize) {
    for i in 0..n {
        let builder = Coroutine::builder().stack_size(black_box(bytes));
        let coroutine = builder.build(|_: &SuspendHandle<usize, ()>, n| n);
        black_box(coroutine.expect("a stack").resume(black_box(i)));
    }
}

fn drop_suspended(n: usize) {
    for i in 0..n {
        let mut coroutine = Coroutine::new(|handle: &Handle, value| handle.suspend(value));
        black_box(coroutine.resume(i));
    }
}

/// Asks for so many bytes of stack, on the thread's own.
fn grow(n: usize, red_zone: usize) {
    for i in 0..n {
        coro::maybe_grow(black_box(red_zone), 64 << 10, || black_box(i));
    }
}

fn call(n: usize) {
    let mut stack = GuardedMmapStack::allocate_at_least(64 << 10).expect("memory for a stack");
    for i in 0..n {
        black_box(coro::on_stack(&mut stack, || black_box(i)));
    }
}

fn pool(n: usize) {
    for _ in 0..n {
        black_box(PooledStack::new().expect("memory for a stack"));
    }
}

fn arena(n: usize) {
    let arena = StackArena::new(64 << 10).expect("a size");
    for _ in 0..n {
        black_box(arena.allocate().expect("memory for a stack"));
    }
}

fn dynamic(n: usize, on_run_stack: bool) {
    let stack = RunStack::new(256 << 10).expect("memory for a stack");
    let body = |handle: &DynamicHandle<usize, usize>, mut value| {
        loop {
            value = handle.suspend(value);
        }
    };
    // SAFETY: no address of a local leaves the coroutine, nor comes into it.
    let mut coroutine: DynamicCoroutine<usize, usize, ()> = unsafe {
        if on_run_stack {
            DynamicCoroutine::on_run_stack(&stack, body)
        } else {
            DynamicCoroutine::new(body)
        }
    };
    for i in 0..n {
        let _ = black_box(coroutine.resume(i));
    }
}

fn dynamic_life(n: usize) {
    for i in 0..n {
        // SAFETY: no address of a local leaves the coroutine, nor comes into it.
        let mut coroutine: DynamicCoroutine<usize, (), usize> =
            unsafe { DynamicCoroutine::new(|_, value| value) };
        let _ = black_box(coroutine.resume(i));
    }
}

/// Executes so many instructions of a program that so many fibers run.
fn machine(instructions: usize, fibers: u32, source: &str) {
    let program = assemble(source).expect("a program without mistakes");
    let config = Config {
        fibers,
        ..Config::default()
    };
    let mut vm = Vm::new(config).expect("memory for a machine");
    for segment in &program.segments {
        vm.write(segment.address, &segment.bytes)
            .expect("the program fits");
    }
    for _ in 0..fibers {
        let id = vm.spawn(program.fibers[0].ep).expect("room for a fiber");
        vm.push(id, 0).expect("room for a number");
    }
    let summary = vm.run_for(black_box(instructions as u64));
    assert_eq!(summary.executed, instructions as u64);
}
