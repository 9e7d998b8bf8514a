//! Python's greenlet, which copies frames too, in a process of its own.
//!
//! A `resume` of the others is a `switch` here. It is called from Python, which costs something by
//! itself; the interpreter's plain call stands beside it.

use crate::contestant::Contestant;
use crate::peer::{Crowd, CrowdKind, Peer};
use crate::shared::external::external;
use crate::work::{Value, Work};
use std::process::Command;
use std::sync::OnceLock;

pub struct Greenlet;

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/greenlets.py");
const VENV: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../target/peers-python/bin/python"
);

/// A Python that has greenlet, and which version of it.
fn python() -> Option<&'static (&'static str, String)> {
    static FOUND: OnceLock<Option<(&str, String)>> = OnceLock::new();
    let version = "import greenlet; print(greenlet.__version__)";
    let found = FOUND.get_or_init(|| {
        [VENV, "python3"].into_iter().find_map(|python| {
            let output = Command::new(python).args(["-c", version]).output().ok()?;
            let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            output.status.success().then_some((python, version))
        })
    });
    found.as_ref()
}

fn program(what: &str, many: usize) -> Command {
    let mut command = Command::new(python().map_or("python3", |(python, _)| python));
    command.args([PROGRAM, what, &many.to_string()]);
    command
}

impl Peer for Greenlet {
    fn name(&self) -> &'static str {
        "greenlet"
    }

    fn version(&self) -> String {
        python().map_or_else(String::new, |(_, version)| version.clone())
    }

    fn missing(&self) -> Option<String> {
        let bring = "no Python here has it; `cargo xtask setup --bench` makes one that does";
        python().is_none().then(|| bring.to_owned())
    }

    fn contestants(&self, work: Work) -> Vec<Contestant> {
        let many = match work {
            Work::RoundTrip {
                value: Value::Word,
                depth: 0,
            } => 1,
            Work::Copied { many } => many,
            _ => return Vec::new(),
        };
        vec![
            external("", &mut program("switch", many)),
            external("Python's plain call", &mut program("call", many)),
        ]
    }

    fn crowds(&self) -> Vec<Crowd> {
        let most = 1_000_000;
        let kind = CrowdKind::Program(program("crowd", most));
        vec![Crowd {
            variant: "",
            most,
            kind,
        }]
    }
}
