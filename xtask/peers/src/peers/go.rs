//! Go's goroutines, on one processor, in a process of their own.

use crate::contestant::Contestant;
use crate::peer::{Crowd, CrowdKind, Peer};
use crate::shared::external::external;
use crate::work::{Life, MANY, Value, Work};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub struct Go;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/go/switch.go");

/// The compiled program, or why there is none.
fn program() -> &'static Result<PathBuf, String> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT.get_or_init(|| {
        let here = std::env::current_exe().map_err(|error| error.to_string())?;
        let program = here.with_file_name("peers-go");
        let mut build = Command::new("go");
        build
            .args(["build", "-o"])
            .arg(&program)
            .arg(Path::new(SOURCE));
        match build.output() {
            Ok(output) if output.status.success() => Ok(program),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(_) => Err("the Debian package golang-go has it".to_owned()),
        }
    })
}

fn run(what: &str, many: usize) -> Command {
    let mut command = Command::new(program().as_deref().unwrap_or(Path::new("peers-go")));
    command.args([what, &many.to_string()]);
    command
}

impl Peer for Go {
    fn name(&self) -> &'static str {
        "Go"
    }

    fn version(&self) -> String {
        let output = Command::new("go").arg("version").output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        text.ok()
            .and_then(|text| text.split(' ').nth(2).map(str::to_owned))
            .unwrap_or_default()
    }

    fn missing(&self) -> Option<String> {
        program().as_ref().err().cloned()
    }

    fn contestants(&self, work: Work) -> Vec<Contestant> {
        match work {
            Work::RoundTrip {
                value: Value::Unit,
                depth: 0,
            } => {
                vec![external("Gosched", &mut run("yield", 0))]
            }
            Work::RoundTrip {
                value: Value::Word,
                depth: 0,
            } => {
                vec![external("two channels", &mut run("channels", 1))]
            }
            Work::Turns {
                shuffled: false,
                depth: 0,
            } => {
                vec![external("two channels", &mut run("channels", MANY))]
            }
            Work::Life(Life::KeptStack) => {
                vec![external("go, and a channel", &mut run("life", 0))]
            }
            _ => Vec::new(),
        }
    }

    fn crowds(&self) -> Vec<Crowd> {
        let kind = CrowdKind::Program(run("crowd", 0));
        vec![Crowd {
            variant: "",
            most: usize::MAX,
            kind,
        }]
    }
}
