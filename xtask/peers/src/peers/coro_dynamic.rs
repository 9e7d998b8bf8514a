//! This workspace's `coro-dynamic`: frames are copied to the heap while they are suspended.

use crate::contestant::Contestant;
use crate::peer::{Crowd, Peer};
use crate::shared::turns::in_turn;
use crate::work::{Value, Work};
use coro_dynamic::{DynamicCoroutine, DynamicHandle, RunStack};
use std::hint::black_box;

pub struct CoroDynamic;

type Echo = DynamicCoroutine<usize, usize, ()>;

fn body(handle: &DynamicHandle<usize, usize>, mut value: usize) {
    loop {
        value = handle.suspend(value);
    }
}

fn on_thread_stack() -> Echo {
    // SAFETY: no address of a local leaves the coroutine, nor comes into it.
    suspended(unsafe { DynamicCoroutine::new(body) })
}

fn on_run_stack(stack: &RunStack) -> Echo {
    // SAFETY: no address of a local leaves the coroutine, nor comes into it.
    suspended(unsafe { DynamicCoroutine::on_run_stack(stack, body) })
}

fn suspended(mut echo: Echo) -> Echo {
    let _ = echo.resume(0);
    echo
}

fn run_stack() -> RunStack {
    RunStack::new(256 << 10).expect("memory for a stack")
}

impl Peer for CoroDynamic {
    fn name(&self) -> &'static str {
        "coro-dynamic"
    }

    fn version(&self) -> String {
        "this commit".to_owned()
    }

    fn contestants(&self, work: Work) -> Vec<Contestant> {
        let turns = |variant: &str, all| {
            in_turn(variant, all, false, |one: &mut Echo, i| {
                black_box(one.resume(i));
            })
        };
        match work {
            Work::RoundTrip {
                value: Value::Word,
                depth: 0,
            } => {
                vec![turns("run stack", vec![on_run_stack(&run_stack())])]
            }
            Work::Copied { many } => {
                let stack = run_stack();
                vec![
                    turns(
                        "thread's stack",
                        (0..many).map(|_| on_thread_stack()).collect(),
                    ),
                    turns(
                        "run stack",
                        (0..many).map(|_| on_run_stack(&stack)).collect(),
                    ),
                ]
            }
            _ => Vec::new(),
        }
    }

    fn crowds(&self) -> Vec<Crowd> {
        let stack = run_stack();
        vec![Crowd::new("run stack", move || Ok(on_run_stack(&stack)))]
    }
}
