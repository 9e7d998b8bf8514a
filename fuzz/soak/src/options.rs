//! What the command line asks for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) const USAGE: &str = "usage: soak [--seconds N] [--threads N] [--seed N] [--leak KIND]";

pub(crate) struct Options {
    pub(crate) time: Duration,
    pub(crate) threads: usize,
    pub(crate) seed: u64,
    /// What to leak on purpose.
    pub(crate) leak: Option<String>,
    /// This is a child, which overflows a stack.
    pub(crate) overflow: Option<u64>,
}

impl Options {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let mut options = Options {
            time: Duration::from_secs(60),
            threads: 4,
            seed: now.map_or(1, |now| now.as_secs()),
            leak: None,
            overflow: None,
        };
        while let Some(name) = words.next() {
            let value = words.next().ok_or(format!("{name} needs a value"))?;
            let number = || {
                value
                    .parse::<u64>()
                    .map_err(|error| format!("{name} {value}: {error}"))
            };
            match &*name {
                "--seconds" => options.time = Duration::from_secs(number()?),
                "--threads" => options.threads = number()?.clamp(1, 64) as usize,
                "--seed" => options.seed = number()?,
                "--leak" => options.leak = Some(value),
                "--overflow" => options.overflow = Some(number()?),
                _ => return Err(format!("there is no option {name}")),
            }
        }
        Ok(options)
    }
}
