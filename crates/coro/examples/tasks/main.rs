//! Green threads, in a few hundred lines: spawn, join, sleep, channels and sockets.
//!
//! All tasks run on one thread. Their code is ordinary code that seems to block: a `BufReader` on
//! a socket, `join`, a channel that is full. There is no `async`, and nothing here is `unsafe`.
//!
//! ```text
//! cargo run --release --example tasks [-- [--tasks N] [--connections N]]
//! ```

#![forbid(unsafe_code)]

mod channel;
mod net;
mod scheduler;

use net::{TcpListener, TcpStream};
use scheduler::Task;
use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: tasks [--tasks N] [--connections N]";
/// How many lines each client sends.
const LINES: usize = 10;
/// Each connection takes two file descriptors, of which a process has some thousand.
const MOST_CONNECTIONS: usize = 400;

fn main() -> ExitCode {
    match options().and_then(|(tasks, connections)| run(tasks, connections)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("tasks: {message}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<(usize, usize), String> {
    let (mut tasks, mut connections) = (10_000, 100);
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        let number = |most: usize| {
            let number = value
                .parse()
                .ok()
                .filter(|number| (1..=most).contains(number));
            number.ok_or_else(|| format!("{argument} takes a number from 1 to {most}; {USAGE}"))
        };
        match argument.as_str() {
            "--tasks" => tasks = number(1_000_000)?,
            "--connections" => connections = number(MOST_CONNECTIONS)?,
            _ => return Err(format!("there is no {argument}; {USAGE}")),
        }
    }
    Ok((tasks, connections))
}

fn run(tasks: usize, connections: usize) -> Result<(), String> {
    let start = Instant::now();
    let outcome = scheduler::run(move |task| {
        let clients = serve_and_ask(task, connections)?;
        let sum = add_up(task, tasks);
        let mut answers = 0;
        for client in clients {
            answers += client
                .join(task)
                .map_err(|_| io::Error::other("a client panicked"))??;
        }
        Ok::<_, io::Error>((sum, answers, task.scheduler.clone()))
    });
    let outcome = outcome.map_err(|error| error.to_string())?;
    let (sum, answers, scheduler) = outcome
        .map_err(|_| String::from("the main task has panicked"))?
        .map_err(|error| error.to_string())?;
    let time = start.elapsed();
    if sum != tasks * (tasks - 1) / 2 || answers != connections * LINES {
        return Err(format!(
            "a sum of {sum} and {answers} answers: that is wrong"
        ));
    }
    println!(
        "tasks    {} alive at the same time, on one thread",
        scheduler.most_alive.get()
    );
    println!("joined   {tasks} workers, whose numbers came through a channel");
    println!("sockets  {connections} connections, {answers} lines echoed");
    println!("turns    {} in {time:.1?}", scheduler.turns.get());
    Ok(())
}

/// Many tasks that sleep for a while and send a number; what they send, added up.
fn add_up(task: &Task<'_>, tasks: usize) -> usize {
    let (sender, receiver) = channel::channel(task, 16);
    let workers: Vec<_> = (0..tasks)
        .map(|number| {
            let sender = sender.clone();
            task.spawn(move |task| {
                task.sleep(Duration::from_micros(number as u64 * 7919 % 50_000));
                sender.send(task, number).is_ok()
            })
        })
        .collect();
    drop(sender);
    let sum = std::iter::from_fn(|| receiver.receive(task)).sum();
    let sent = workers.into_iter().map(|worker| worker.join(task));
    assert!(
        sent.map(Result::ok).all(|sent| sent == Some(true)),
        "no task was lost"
    );
    sum
}

type Client = scheduler::JoinHandle<io::Result<usize>>;

/// A server, with a task for each connection, and its clients.
fn serve_and_ask(task: &Task<'_>, connections: usize) -> io::Result<Vec<Client>> {
    let mut listener = TcpListener::bind(task, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let address = listener.address()?;
    task.spawn(move |task| {
        for _ in 0..connections {
            let mut stream = listener.accept(task)?;
            task.spawn(move |task| echo(&mut stream, task));
        }
        Ok::<_, io::Error>(())
    });
    let client = |number| task.spawn(move |task| ask(task, address, number));
    Ok((0..connections).map(client).collect())
}

/// Sends everything back.
fn echo(stream: &mut TcpStream, task: &Task<'_>) -> io::Result<()> {
    let mut stream = stream.with(task);
    let mut buffer = [0; 512];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            read => stream.write_all(&buffer[..read])?,
        }
    }
}

/// How many of its lines have come back.
fn ask(task: &Task<'_>, server: SocketAddr, number: usize) -> io::Result<usize> {
    let mut stream = TcpStream::connect(task, server)?;
    let mut stream = BufReader::new(stream.with(task));
    let mut answers = 0;
    for line in 0..LINES {
        let question = format!("line {line} of client {number}\n");
        stream.get_mut().write_all(question.as_bytes())?;
        let mut answer = String::new();
        stream.read_line(&mut answer)?;
        answers += usize::from(answer == question);
        task.sleep(Duration::from_millis(2));
    }
    Ok(answers)
}
