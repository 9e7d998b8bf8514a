//! A thread for each connection.

use crate::serve::{READ_AHEAD, Usage, answer};
use std::io::{self, BufReader};
use std::net::TcpListener;
use std::thread;

pub(crate) fn serve(
    listener: TcpListener,
    connections: usize,
    usage: &Usage,
) -> Result<(), String> {
    let mut answers = Vec::new();
    for number in 0..connections {
        let (stream, _) = listener
            .accept()
            .map_err(|error| format!("accept: {error}"))?;
        let answered = thread::Builder::new()
            .name(format!("connection {number}"))
            .spawn(move || answer(BufReader::with_capacity(READ_AHEAD, &stream), &stream))
            .map_err(|error| format!("a thread for connection {number}: {error}"))?;
        answers.push(answered);
        usage.look();
    }
    for answered in answers {
        answered
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("its thread has panicked")))
            .map_err(|error| format!("a connection: {error}"))?;
    }
    Ok(())
}
