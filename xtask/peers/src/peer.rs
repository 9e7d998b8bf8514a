//! What a library has to bring in order to be compared. To add one, write a file in `peers/` and
//! name it in `peers/mod.rs`.

use crate::contestant::Contestant;
use crate::work::Work;
use std::process::Command;

/// A library, or a language, that has something to do with suspended executions.
pub trait Peer {
    fn name(&self) -> &'static str;

    /// Which one was measured.
    fn version(&self) -> String;

    /// Why it cannot be measured here, and what would bring it.
    fn missing(&self) -> Option<String> {
        None
    }

    /// Its ways of doing a piece of work; none if it cannot.
    fn contestants(&self, work: Work) -> Vec<Contestant>;

    /// Its ways of having very many suspended at once.
    fn crowds(&self) -> Vec<Crowd> {
        Vec::new()
    }
}

/// Very many suspended coroutines, made in a process of their own.
pub struct Crowd {
    pub variant: &'static str,
    /// More than so many are not tried, for the machine's sake.
    pub most: usize,
    pub kind: CrowdKind,
}

/// Where the process comes from.
pub enum CrowdKind {
    /// This program, started again: makes one that is suspended, and keeps it.
    Here(Box<dyn FnMut() -> Result<(), String>>),
    /// Another program, which speaks as `alive.rs` says.
    Program(Command),
}

impl Crowd {
    /// Keeps whatever `make` makes.
    pub fn new<T: 'static>(
        variant: &'static str,
        mut make: impl FnMut() -> Result<T, String> + 'static,
    ) -> Crowd {
        let mut all = Vec::new();
        let one = move || {
            all.push(make()?);
            Ok(())
        };
        Crowd {
            variant,
            most: usize::MAX,
            kind: CrowdKind::Here(Box::new(one)),
        }
    }
}
