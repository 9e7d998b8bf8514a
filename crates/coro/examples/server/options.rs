use crate::serve::Variant;
use std::{env, fmt};

const USAGE: &str = "usage: server [--connections N] [--piece BYTES] [--pause MILLISECONDS]";

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) role: Role,
    pub(crate) connections: usize,
    /// Bytes that a client sends at once.
    pub(crate) piece: usize,
    /// Milliseconds between two pieces.
    pub(crate) pause: usize,
}

#[derive(Debug)]
pub(crate) enum Role {
    /// Starts the servers and is their clients.
    Compare,
    /// Is one of the servers.
    Serve(Variant),
}

impl Options {
    pub(crate) fn from_arguments() -> Result<Options, String> {
        let mut options = Options {
            role: Role::Compare,
            connections: 1000,
            piece: 50,
            pause: 50,
        };
        let mut arguments = env::args().skip(1);
        while let Some(flag) = arguments.next() {
            let text = arguments.next().unwrap_or_default();
            let number = || match text.parse() {
                Ok(number) if number > 0 => Ok(number),
                _ => Err(format!("{flag} takes a number from 1 on; {USAGE}")),
            };
            match flag.as_str() {
                "--connections" => options.connections = number()?,
                "--piece" => options.piece = number()?,
                "--pause" => options.pause = number()?,
                "--serve" => {
                    let variant = Variant::ALL.into_iter().find(|v| v.to_string() == text);
                    options.role = Role::Serve(variant.ok_or(USAGE)?);
                }
                _ => return Err(format!("there is no {flag}; {USAGE}")),
            }
        }
        // More threads than this are refused by many a system.
        if options.connections > 10_000 {
            return Err(format!("10000 connections at most; {USAGE}"));
        }
        Ok(options)
    }

    /// The arguments that make this program the server of `variant`.
    pub(crate) fn arguments(&self, variant: Variant) -> [String; 4] {
        [
            "--serve".into(),
            variant.to_string(),
            "--connections".into(),
            self.connections.to_string(),
        ]
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} connections at once, each of a document in pieces of {} bytes every {} ms",
            self.connections, self.piece, self.pause
        )
    }
}
