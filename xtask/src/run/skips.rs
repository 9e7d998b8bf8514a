//! The allow-list `ci/skipped-tests.txt`: the only place where a test may be left out on a target.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};

use wildmatch::WildMatch;

use super::libtest::Outcome;
use crate::target::Target;
use crate::workspace;

/// What stands for a target where the host runs the portable backend of `sure-context`.
pub(crate) const PORTABLE: &str = "portable";

const FILE: &str = "ci/skipped-tests.txt";

struct Entry {
    line: usize,
    target: WildMatch,
    test: WildMatch,
}

/// The parsed allow-list.
pub(crate) struct Skips {
    entries: Vec<Entry>,
}

impl Skips {
    pub(crate) fn read() -> Result<Self> {
        let text = std::fs::read_to_string(workspace::root().join(FILE))
            .with_context(|| format!("cannot read {FILE}"))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self> {
        let mut entries = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let (line, text) = (index + 1, line.trim());
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let mut columns = text.splitn(3, '|').map(|column| column.trim().to_owned());
            let (Some(target), Some(test), Some(reason)) =
                (columns.next(), columns.next(), columns.next())
            else {
                bail!("{FILE}, line {line}: expected `target | test | reason`");
            };
            if target.is_empty() || test.is_empty() || reason.is_empty() {
                bail!("{FILE}, line {line}: target, test and reason must all be there");
            }
            entries.push(Entry {
                line,
                target: WildMatch::new(&target),
                test: WildMatch::new(&test),
            });
        }
        Ok(Self { entries })
    }

    /// The tests among `all` that `target` leaves out.
    pub(crate) fn of<'a>(
        &self,
        target: &str,
        all: impl Iterator<Item = &'a String>,
    ) -> BTreeSet<String> {
        let patterns: Vec<_> = self
            .entries
            .iter()
            .filter(|entry| entry.target.matches(target))
            .collect();
        all.filter(|test| patterns.iter().any(|entry| entry.test.matches(test)))
            .cloned()
            .collect()
    }

    /// An entry that matches nothing hides nothing today, and the wrong test tomorrow.
    pub(crate) fn check(&self, targets: &[Target], tests: &BTreeMap<String, bool>) -> Result<()> {
        for Entry { line, target, test } in &self.entries {
            let mut known = targets.iter().map(|target| target.triple);
            if !known.any(|known| target.matches(known)) && !target.matches(PORTABLE) {
                bail!("{FILE}, line {line}: no target matches `{target}`");
            }
            if !tests.keys().any(|known| test.matches(known)) {
                bail!("{FILE}, line {line}: no test matches `{test}`");
            }
        }
        Ok(())
    }
}

/// How the tests that ran differ from those that should have; empty when they do not. A test that is ignored on a target and
/// not on the host has not run.
pub(crate) fn differences(
    host: &BTreeMap<String, bool>,
    skipped: &BTreeSet<String>,
    ran: &BTreeMap<String, Outcome>,
) -> Vec<String> {
    let missing = host.iter().filter(|(test, ignored)| {
        let seen = ran
            .get(*test)
            .is_some_and(|outcome| **ignored || *outcome != Outcome::Ignored);
        !seen && !skipped.contains(*test)
    });
    let unknown = ran.keys().filter(|test| !host.contains_key(*test));
    let missing = missing.map(|(test, _)| format!("did not run: {test}"));
    missing
        .chain(unknown.map(|test| format!("is no test of the host's: {test}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target;

    #[test]
    fn lines_are_read_and_bad_ones_named() {
        let skips =
            Skips::parse("# head\n\nmips* | coro/it/limits::* | no limits | under emulation\n")
                .unwrap();
        let tests = [
            "coro/it/limits::space".to_owned(),
            "coro/it/state".to_owned(),
        ];
        let mips = target::find("mips-unknown-linux-gnu").unwrap();
        let arm = target::find("aarch64-unknown-linux-gnu").unwrap();
        assert_eq!(
            skips.of(mips.triple, tests.iter()),
            BTreeSet::from([tests[0].clone()])
        );
        assert!(skips.of(arm.triple, tests.iter()).is_empty());
        for bad in ["mips* | test", "mips* | test |", "mips*"] {
            assert!(
                Skips::parse(bad)
                    .err()
                    .unwrap()
                    .to_string()
                    .contains("line 1"),
                "{bad}"
            );
        }
    }

    #[test]
    fn stale_entries_are_errors() {
        let tests = BTreeMap::from([("coro/it/state".to_owned(), false)]);
        let check = |text| Skips::parse(text).unwrap().check(target::ALL, &tests);
        check("mips* | coro/it/state | reason").unwrap();
        check("mips* | coro/it/gone | reason").unwrap_err();
        check("vax* | coro/it/state | reason").unwrap_err();
    }

    #[test]
    fn every_difference_is_named() {
        let host = BTreeMap::from(
            [("a", false), ("b", false), ("c", true), ("d", false)].map(|(n, i)| (n.to_owned(), i)),
        );
        let skipped = BTreeSet::from(["b".to_owned()]);
        let ran = [
            ("a", Outcome::Failed),
            ("c", Outcome::Ignored),
            ("d", Outcome::Passed),
        ];
        let mut ran = BTreeMap::from(ran.map(|(name, outcome)| (name.to_owned(), outcome)));
        assert!(differences(&host, &skipped, &ran).is_empty());
        ran.insert("d".to_owned(), Outcome::Ignored);
        ran.remove("a");
        ran.insert("e".to_owned(), Outcome::Passed);
        assert_eq!(
            differences(&host, &skipped, &ran),
            [
                "did not run: a",
                "did not run: d",
                "is no test of the host's: e"
            ]
        );
    }
}
