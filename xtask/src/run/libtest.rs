//! Reading what a test binary prints.

/// How one test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    Ignored,
}

/// What a test binary's standard output says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) tests: Vec<(String, Outcome)>,
    /// How many passed and failed, by the closing lines (doc tests may have several); `None` when a binary died before it wrote
    /// one.
    pub(crate) totals: Option<(usize, usize)>,
}

impl Parsed {
    pub(crate) fn count(&self, wanted: Outcome) -> usize {
        self.tests
            .iter()
            .filter(|(_, outcome)| *outcome == wanted)
            .count()
    }
}

pub(crate) fn parse(stdout: &str) -> Parsed {
    let mut parsed = Parsed::default();
    for line in stdout.lines() {
        if let Some(rest) = line.strip_prefix("test result: ") {
            let words: Vec<_> = rest.split([' ', ';']).collect();
            let number = |kind| {
                let at = words.windows(2).find(|pair| pair[1] == kind);
                at.and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
            };
            let (passed, failed) = parsed.totals.unwrap_or_default();
            parsed.totals = Some((passed + number("passed"), failed + number("failed")));
        } else if let Some((name, outcome)) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.rsplit_once(" ... "))
        {
            let outcome = match outcome.split([',', ' ']).next() {
                Some("ok") => Outcome::Passed,
                Some("FAILED") => Outcome::Failed,
                Some("ignored") => Outcome::Ignored,
                _ => continue,
            };
            parsed.tests.push((plain_name(name).to_owned(), outcome));
        }
    }
    parsed
}

/// Tests that were reported as taking long, and then no more.
pub(crate) fn long_running(stdout: &str) -> Vec<&str> {
    let ended = parse(stdout).tests;
    let late = stdout.lines().filter_map(|line| {
        line.strip_prefix("test ")?
            .split_once(" has been running for over ")
    });
    late.map(|(name, _)| plain_name(name))
        .filter(|name| !ended.iter().any(|(other, _)| other == name))
        .collect()
}

/// The names that `--list --format terse` prints.
pub(crate) fn parse_list(stdout: &str) -> Vec<String> {
    stdout
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .map(|name| plain_name(name).to_owned())
        .collect()
}

/// A test's name without what is said about it (`- should panic`, `- compile fail`), which the list does not say.
fn plain_name(name: &str) -> &str {
    if let Some(end) = name
        .find(" (line ")
        .and_then(|at| Some(at + name[at..].find(')')? + 1))
    {
        return &name[..end];
    }
    name.split(" - should panic").next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_kind_of_line() {
        let parsed = parse(
            "\nrunning 4 tests\n\
             test state::fresh ... ok\n\
             test state::boom - should panic ... ok\n\
             test slow has been running for over 60 seconds\n\
             test slow ... FAILED\n\
             test huge ... ignored, needs 64 GiB\n\
             test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 3 filtered out; finished in 61.20s\n",
        );
        let expected = [
            ("state::fresh", Outcome::Passed),
            ("state::boom", Outcome::Passed),
            ("slow", Outcome::Failed),
            ("huge", Outcome::Ignored),
        ];
        assert_eq!(
            parsed.tests,
            expected.map(|(name, it)| (name.to_owned(), it))
        );
        assert_eq!(parsed.totals, Some((2, 1)));
    }

    #[test]
    fn a_stuck_test_is_named() {
        let stdout = "running 3 tests\n\
                      test quick ... ok\n\
                      test slow has been running for over 60 seconds\n\
                      test stuck has been running for over 60 seconds\n\
                      test slow ... ok\n";
        assert_eq!(long_running(stdout), ["stuck"]);
    }

    #[test]
    fn doc_tests_are_named_alike_when_listed_and_when_run() {
        let name = "crates/coro/src/lib.rs - Coroutine<I, Y>::new (line 9)";
        let run = parse(&format!("test {name} - compile fail ... ok\n"));
        assert_eq!(run.tests[0].0, name);
        let listed = parse_list(&format!("{name}: test\n3 tests, 0 benchmarks\n"));
        assert_eq!(listed, [name]);
    }

    #[test]
    fn closing_lines_add_up_and_may_be_missing() {
        let several = "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured\n\
                       test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured\n";
        assert_eq!(parse(several).totals, Some((5, 0)));
        let died = parse("running 2 tests\ntest a ... ok\n");
        assert_eq!((died.tests.len(), died.totals), (1, None));
    }
}
