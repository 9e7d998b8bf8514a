//! A program that hangs, and says where: a thousand clients, a pool whose connections never come
//! back, and a log that waits for its disk.
//!
//! `cargo run --example stuck` dumps and ends; with `wait` it hangs until it is killed, and dumps for each
//! Ctrl-\.

use coro::{Coroutine, SuspendHandle, diagnostics, track};
use std::error::Error;
use std::io;
use std::thread;
use std::time::Duration;

type Handle = SuspendHandle<(), ()>;

#[inline(never)]
fn take_connection(handle: &Handle) {
    handle.suspend(());
}

#[inline(never)]
fn write_log(handle: &Handle) {
    handle.suspend(());
}

#[inline(never)]
fn sleep(handle: &Handle) {
    handle.suspend(());
}

fn client(handle: &Handle, number: usize) {
    match number % 10 {
        0 => sleep(handle),
        1..=3 => write_log(handle),
        _ => take_connection(handle),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    diagnostics::install()?;
    let mut clients = Vec::new();
    for number in 0..1_000 {
        let builder = Coroutine::builder().name(format!("client {number}"));
        clients.push(builder.build(move |handle, ()| client(handle, number))?);
    }
    for client in &mut clients {
        client.resume(());
    }
    if std::env::args().nth(1).as_deref() != Some("wait") {
        track::dump(&mut io::stdout())?;
        return Ok(());
    }
    eprintln!("process {} hangs: Ctrl-\\ tells where", std::process::id());
    loop {
        thread::sleep(Duration::from_millis(10));
        track::checkpoint();
    }
}
