use crate::options::Options;
use crate::report::Report;
use crate::summary::Summary;
use crate::{coroutines, limits, threads};
use std::cell::Cell;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::time::Instant;

/// What waits for a connection's bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Variant {
    Coroutines,
    Threads,
}

impl Variant {
    pub(crate) const ALL: [Variant; 2] = [Variant::Coroutines, Variant::Threads];
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Variant::Coroutines => "coroutines",
            Variant::Threads => "threads",
        })
    }
}

/// How many bytes are read ahead of a parser, in either variant.
pub(crate) const READ_AHEAD: usize = 1024;

/// Blocking code, which knows neither of coroutines nor of sockets: parses a
/// document up to the end of the input, and answers.
pub(crate) fn answer(reader: impl Read, mut writer: impl Write) -> io::Result<()> {
    let summary: Summary = serde_json::from_reader(reader)?;
    writer.write_all(format!("{summary}\n").as_bytes())?;
    writer.flush()
}

/// Serves the connections that were asked for, and prints what that took.
pub(crate) fn run(variant: Variant, options: &Options) -> Result<(), String> {
    limits::end_by_itself();
    limits::allow_open_files(options.connections)?;
    let (listener, port) = listen(options.connections).map_err(|e| format!("listen: {e}"))?;
    println!("{port}");

    let usage = Usage::default();
    match variant {
        Variant::Coroutines => coroutines::serve(listener, options.connections, &usage)?,
        Variant::Threads => threads::serve(listener, options.connections, &usage)?,
    }
    println!("{}", usage.report(options.connections)?.to_line());
    Ok(())
}

/// A listener, which all clients may knock at in the same moment, and its port.
fn listen(connections: usize) -> io::Result<(TcpListener, u16)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    #[cfg(unix)]
    let_wait(&listener, connections)?;
    #[cfg(not(unix))]
    let _ = connections;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

/// The standard library lets 128 wait to be accepted, listen(2) any number
/// up to /proc/sys/net/core/somaxconn, also when it listens already.
#[cfg(unix)]
fn let_wait(listener: &TcpListener, connections: usize) -> io::Result<()> {
    use std::ffi::c_int;
    use std::os::fd::AsRawFd;
    let backlog = c_int::try_from(connections).unwrap_or(c_int::MAX);
    // SAFETY: the descriptor is the listener's.
    match unsafe { libc::listen(listener.as_raw_fd(), backlog) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// What the server uses, looked at whenever a connection has come.
#[derive(Default)]
pub(crate) struct Usage {
    /// The time of the first connection, and what was resident before.
    first: Cell<Option<(Instant, usize)>>,
    threads: Cell<usize>,
}

impl Usage {
    pub(crate) fn look(&self) {
        if self.first.get().is_none() {
            let resident = status("VmRSS:").unwrap_or_default();
            self.first.set(Some((Instant::now(), resident)));
        }
        let threads = status("Threads:").unwrap_or_default();
        self.threads.set(self.threads.get().max(threads));
    }

    fn report(&self, connections: usize) -> Result<Report, String> {
        let (start, before) = self.first.get().ok_or("no client has connected")?;
        let peak = status("VmHWM:").unwrap_or_default();
        Ok(Report {
            seconds: start.elapsed().as_secs_f64(),
            processor_seconds: processor_seconds(),
            peak_kib: peak,
            kib_each: peak.saturating_sub(before) as f64 / connections as f64,
            threads: self.threads.get(),
        })
    }
}

/// A number of proc_pid_status(5); sizes are in KiB. `None` where there is no
/// such file.
fn status(field: &str) -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The time that this process has kept a processor busy, the system's work
/// for it included.
#[cfg(unix)]
fn processor_seconds() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: writes one `timespec`, which is there.
    match unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) } {
        0 => time.tv_sec as f64 + time.tv_nsec as f64 / 1e9,
        _ => 0.0,
    }
}

/// Not asked of other systems.
#[cfg(not(unix))]
fn processor_seconds() -> f64 {
    0.0
}
