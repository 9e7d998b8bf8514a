//! A thousand connections, each parsed by blocking code, on one thread.
//!
//! Every client streams a JSON document in small pieces, slowly. The server
//! parses it with `serde_json::from_reader`, which knows of nothing but
//! `Read`, and answers with a summary. It does that twice, each time in a
//! process of its own: with a coroutine for each connection, all on one thread
//! of tokio; and with a thread for each connection. What they run is the same
//! function, [`answer`](serve::answer).
//!
//! ```text
//! cargo run --release --example server --features async
//!     [-- [--connections N] [--piece BYTES] [--pause MILLISECONDS]]
//! ```
//!
//! Everything stays on the loopback interface, and ends by itself.

mod clients;
mod coroutines;
mod limits;
mod options;
mod report;
mod serve;
#[path = "../parsers/summary.rs"]
mod summary;
mod threads;

use options::{Options, Role};
use report::Report;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};

fn main() -> ExitCode {
    let done = Options::from_arguments().and_then(|options| match options.role {
        Role::Compare => compare(&options),
        Role::Serve(variant) => serve::run(variant, &options),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("server: {message}");
            ExitCode::FAILURE
        }
    }
}

/// One server after the other; this process is all the clients.
fn compare(options: &Options) -> Result<(), String> {
    limits::allow_open_files(options.connections)?;
    println!("{options}");
    println!("{}", Report::HEADING);
    for variant in serve::Variant::ALL {
        let (mut server, port, mut rest) = start(variant, options)?;
        let streamed = clients::stream_documents(port, options);
        if streamed.is_err() {
            // Its own complaint is on standard error. An error says that it has ended.
            let _ = server.kill();
        }
        let ended = server.wait().map_err(|error| error.to_string())?;
        streamed?;
        let mut line = String::new();
        rest.read_line(&mut line)
            .map_err(|error| error.to_string())?;
        if !ended.success() {
            return Err(format!("the server of {variant} ended: {ended}"));
        }
        println!("{}", Report::from_line(variant, &line)?);
    }
    let answers = serve::Variant::ALL.len() * options.connections;
    println!("Each of {answers} answers equals that of a direct parse.");
    println!("Not counted: the kernel's own memory, for each socket and for each thread.");
    Ok(())
}

/// A server in a child, the port that it listens to, and its further output.
fn start(
    variant: serve::Variant,
    options: &Options,
) -> Result<(Child, u16, impl BufRead + use<>), String> {
    let here = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
    let mut server = Command::new(here)
        .args(options.arguments(variant))
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("a second process: {error}"))?;
    let mut output = BufReader::new(server.stdout.take().expect("it is piped"));
    let mut line = String::new();
    output
        .read_line(&mut line)
        .map_err(|error| error.to_string())?;
    match line.trim().parse() {
        Ok(port) => Ok((server, port, output)),
        Err(_) => {
            let ended = server.wait().map_err(|error| error.to_string())?;
            Err(format!("the server of {variant} did not start: {ended}"))
        }
    }
}
