use coro::MIN_STACK_SIZE;
use std::env;
use sure_stack::{DEFAULT_STACK_SIZE, Guards};

const USAGE: &str = "usage: million [--coroutines N] [--stack BYTES | --stack-size KIB] \
                     [--guards automatic|mprotect]";

/// What the command line asks for.
pub(crate) struct Options {
    pub(crate) coroutines: usize,
    pub(crate) stack: usize,
    pub(crate) guards: Guards,
}

impl Options {
    pub(crate) fn from_arguments() -> Result<Options, String> {
        let mut options = Options {
            coroutines: 1_000_000,
            stack: DEFAULT_STACK_SIZE,
            guards: Guards::Automatic,
        };
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let value = arguments.next().unwrap_or_default();
            let number = |least: usize| {
                let number = value.parse().ok().filter(|&number| number >= least);
                number.ok_or_else(|| format!("{argument} takes a number from {least} on; {USAGE}"))
            };
            match argument.as_str() {
                "--coroutines" => options.coroutines = number(1)?,
                "--stack" => options.stack = number(MIN_STACK_SIZE)?,
                "--stack-size" => {
                    let kib = number(MIN_STACK_SIZE.div_ceil(1024))?;
                    options.stack = kib.saturating_mul(1024);
                }
                "--guards" => {
                    options.guards = match value.as_str() {
                        "automatic" => Guards::Automatic,
                        "mprotect" => Guards::Mprotect,
                        _ => return Err(format!("--guards is automatic or mprotect; {USAGE}")),
                    }
                }
                _ => return Err(format!("there is no {argument}; {USAGE}")),
            }
        }
        Ok(options)
    }
}
