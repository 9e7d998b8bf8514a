//! One run of gdb: what it is asked, and what it answers.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::run::exec;
use crate::workspace;

/// From the root.
const ASK: &str = "xtask/src/run/gdb/ask.py";

/// Many times what the slowest takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(180);

pub(super) struct Session {
    command: Command,
}

impl Session {
    /// `gdb` is the program's name. It reads no file of the user's.
    pub(super) fn new(gdb: &str) -> Session {
        let mut command = Command::new(gdb);
        command
            .args(["-q", "-nx", "-batch"])
            .args(["-iex", "set debuginfod enabled off"])
            .args(["-ex", "set pagination off", "-ex", "set width 0"])
            .args(["-x", ASK])
            .current_dir(workspace::root())
            // What the standard library's names look like does not depend on the user's language.
            .env("LC_ALL", "C.UTF-8");
        Session { command }
    }

    /// Words of the command line.
    pub(super) fn words(&mut self, words: &[&str]) -> &mut Session {
        self.command.args(words);
        self
    }

    /// Loads scripts of programs in this folder, as a user allows it in `gdbinit`.
    pub(super) fn trust(&mut self, folder: &Path) -> &mut Session {
        let trust = format!("add-auto-load-safe-path {}", folder.display());
        self.words(&["-iex", &trust])
    }

    /// A command of which the answer does not matter.
    pub(super) fn run(&mut self, command: &str) -> &mut Session {
        self.words(&["-ex", command])
    }

    /// A command of which [`finish`](Session::finish) has the answer.
    pub(super) fn ask(&mut self, command: &str) -> &mut Session {
        self.words(&["-ex", &format!("python ask({command:?})")])
    }

    /// Starts it, and returns what it says to each question.
    pub(super) fn finish(&mut self, log: &Path) -> Result<Answers> {
        let finished = exec::run(&mut self.command, log, LIMIT)?;
        if finished.timed_out.is_some() || !finished.stdout.contains("== ") {
            bail!("gdb {}: {}", finished.ending(), finished.stderr.trim());
        }
        Ok(Answers::read(&finished.stdout))
    }
}

/// What gdb has said, by question.
pub(super) struct Answers(BTreeMap<String, String>);

impl Answers {
    fn read(output: &str) -> Answers {
        let mut answers = BTreeMap::<_, String>::new();
        let mut question = "";
        for line in output.lines() {
            match line.strip_prefix("== ") {
                Some(asked) => question = asked,
                None => {
                    let answer = answers.entry(question.to_owned()).or_default();
                    answer.push_str(line);
                    answer.push('\n');
                }
            }
        }
        Answers(answers)
    }

    /// Empty for what was not asked, or not answered.
    pub(super) fn to(&self, question: &str) -> &str {
        self.0.get(question).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_found_by_question() {
        let answers = Answers::read("noise\n== bt\n#0 a\n#1 b\n== up\n");
        assert_eq!(answers.to("bt"), "#0 a\n#1 b\n");
        assert_eq!(answers.to("up"), "");
    }
}
