//! Tests of how a process dies, or of limits that a process cannot shake off.
//!
//! A test binary has one entry test for all its scenarios; see [`scenarios`](crate::scenarios).
//! A test runs a scenario in a child: the same binary again, told by the
//! environment which scenario to run.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::process::{Command, ExitStatus};

/// Names the scenario that a child runs.
const SCENARIO: &str = "SURE_TEST_SCENARIO";

/// The program, with its arguments, that starts foreign executables: an
/// emulator, where the tests do not run natively.
const RUNNER: &str = "SURE_TEST_RUNNER";

/// Defines the entry test of a binary: `scenarios!(child; one, two, three);`
/// makes a test `child` that runs one of the functions when it is started by
/// [`run`], and does nothing otherwise.
#[macro_export]
macro_rules! scenarios {
    ($entry:ident; $($name:ident),* $(,)?) => {
        #[test]
        fn $entry() {
            $crate::child::dispatch(&[$((stringify!($name), $name as fn())),*]);
        }
    };
}

/// Runs the scenario that the environment names, if it names one.
pub fn dispatch(scenarios: &[(&str, fn())]) {
    if let Ok(name) = env::var(SCENARIO) {
        let scenario = scenarios.iter().find(|(known, _)| *known == name);
        scenario
            .unwrap_or_else(|| panic!("there is no scenario {name}"))
            .1();
    }
}

/// How a child ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status, as its parent sees it.
    pub status: ExitStatus,
    /// All that it printed.
    pub output: String,
}

impl Ended {
    /// The signal that killed it, also where an emulator turns it into an exit code.
    #[cfg(unix)]
    pub fn signal(&self) -> Option<i32> {
        use std::os::unix::process::ExitStatusExt;
        self.status
            .signal()
            .or_else(|| self.status.code()?.checked_sub(128).filter(|&s| s > 0))
    }

    /// No signal kills a process here.
    #[cfg(not(unix))]
    pub fn signal(&self) -> Option<i32> {
        None
    }

    /// Asserts that it was killed by this signal after printing all of `parts`.
    #[track_caller]
    pub fn assert_killed(&self, signal: i32, parts: &[&str]) {
        assert_eq!(self.signal(), Some(signal), "{self}");
        self.assert_printed(parts);
    }

    /// Asserts that it succeeded after printing all of `parts`.
    #[track_caller]
    pub fn assert_success(&self, parts: &[&str]) {
        assert!(self.status.success(), "{self}");
        self.assert_printed(parts);
    }

    #[track_caller]
    fn assert_printed(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.output.contains(part), "no {part:?} in: {self}");
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.status, self.output)
    }
}

/// Runs a scenario of this binary in a child. `entry` is the path of the entry
/// test, as the test harness prints it (`crashes::child`).
pub fn run(entry: &str, scenario: &str) -> Ended {
    finish(this_binary(entry, scenario))
}

/// As [`run`], with more variables in the child's environment.
pub fn run_with(entry: &str, scenario: &str, variables: &[(&str, &str)]) -> Ended {
    let mut command = this_binary(entry, scenario);
    command.envs(variables.iter().copied());
    finish(command)
}

/// As [`run`], below a shell that first executes `prelude`, `ulimit -v 100000` say.
pub fn run_below(prelude: &str, entry: &str, scenario: &str) -> Ended {
    let inner = this_binary(entry, scenario);
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("{prelude}; exec \"$@\""))
        .arg("sh");
    shell.arg(inner.get_program()).args(inner.get_args());
    shell.env(SCENARIO, scenario);
    finish(shell)
}

fn this_binary(entry: &str, scenario: &str) -> Command {
    let mut command = command(env::current_exe().expect("a test knows its binary"));
    command.args([entry, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(SCENARIO, scenario);
    command
}

/// A command that starts a program built for the target of the tests, through
/// the emulator where there is one.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let runner = env::var(RUNNER).unwrap_or_default();
    let mut words = runner.split_whitespace();
    match words.next() {
        None => Command::new(program),
        Some(emulator) => {
            let mut command = Command::new(emulator);
            command.args(words).arg(program);
            command
        }
    }
}

fn finish(mut command: Command) -> Ended {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Ended {
        status: output.status,
        output: text,
    }
}
