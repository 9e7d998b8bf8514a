//! The lists of `ci/`: which tests a target leaves out, which tests the README's claims about a target rest on, and which
//! mutants may live.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use wildmatch::WildMatch;

use crate::target;
use crate::workspace;

/// The only place where a test may be left out on a target.
const SKIPS: &str = "ci/skipped-tests.txt";

const ACCEPTED: &str = "ci/accepted-mutants.txt";

const CLAIMS: &str = "ci/claims.txt";

/// What stands for a target where the host runs the portable backend of `sure-context`.
pub(crate) const PORTABLE: &str = "portable";

/// Patterns of targets, and of the tests that they leave out.
pub(crate) struct Skips(Vec<[WildMatch; 2]>);

impl Skips {
    pub(crate) fn read() -> Result<Self> {
        Self::parse(&text(SKIPS)?)
    }

    fn parse(text: &str) -> Result<Self> {
        let lines = columns(SKIPS, text)?.into_iter();
        let patterns = lines.map(|[target, test, _reason]| [target, test].map(WildMatch::new));
        Ok(Self(patterns.collect()))
    }

    /// The tests among `all` that `target` leaves out.
    pub(crate) fn of<'a>(
        &self,
        target: &str,
        all: impl Iterator<Item = &'a String>,
    ) -> BTreeSet<String> {
        let mut patterns = self.0.clone();
        patterns.retain(|[targets, _]| targets.matches(target));
        all.filter(|test| patterns.iter().any(|[_, tests]| tests.matches(test)))
            .cloned()
            .collect()
    }

    /// An entry that matches nothing hides nothing today, and the wrong test tomorrow.
    pub(crate) fn check(&self, tests: &BTreeMap<String, bool>) -> Result<()> {
        for [target, test] in &self.0 {
            let mut targets = target::ALL.iter().map(|target| target.triple);
            if !targets.any(|known| target.matches(known)) && !target.matches(PORTABLE) {
                bail!("{SKIPS}: no target matches `{target}`, which should leave out `{test}`");
            }
            if !tests.keys().any(|known| test.matches(known)) {
                bail!("{SKIPS}: no test matches `{test}`, which `{target}` should leave out");
            }
        }
        Ok(())
    }
}

/// Claims, and for each of their tests one of these.
pub(crate) struct Claims(Vec<[String; 2]>);

impl Claims {
    pub(crate) fn read() -> Result<Self> {
        let text = text(CLAIMS)?;
        let lines = columns(CLAIMS, &text)?.into_iter();
        Ok(Self(lines.map(|line| line.map(str::to_owned)).collect()))
    }

    /// A test that is no more would keep its claim from ever being made.
    pub(crate) fn check(&self, tests: &BTreeMap<String, bool>) -> Result<()> {
        match self.0.iter().find(|[_, test]| !tests.contains_key(test)) {
            Some([_, test]) => bail!("{CLAIMS}: there is no test {test}"),
            None => Ok(()),
        }
    }

    /// Whether all tests of a claim are among those that have passed.
    pub(crate) fn hold(&self, claim: &str, passed: &BTreeSet<&String>) -> bool {
        let mut tests = self.0.iter().filter(|[of, _]| of == claim).peekable();
        tests.peek().is_some() && tests.all(|[_, test]| passed.contains(test))
    }
}

/// Mutants that may live.
pub(crate) struct Accepted(Vec<[String; 2]>);

impl Accepted {
    pub(crate) fn read() -> Result<Self> {
        Self::parse(&text(ACCEPTED)?)
    }

    fn parse(text: &str) -> Result<Self> {
        let lines = columns(ACCEPTED, text)?.into_iter();
        // The change comes last: it may be of a `|`.
        let mutants = lines.map(|[file, _reason, change]| [file, change].map(str::to_owned));
        Ok(Self(mutants.collect()))
    }

    /// Whether this one may live, as cargo-mutants names it: `file:line:column: change`.
    pub(crate) fn has(&self, mutant: &str) -> bool {
        self.0.iter().any(|[file, change]| {
            let place = mutant.strip_prefix(file.as_str());
            let place = place.and_then(|rest| rest.strip_suffix(change.as_str()));
            let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit() || ": ".contains(c));
            place.is_some_and(digits)
        })
    }
}

fn text(file: &str) -> Result<String> {
    std::fs::read_to_string(workspace::root().join(file))
        .with_context(|| format!("cannot read {file}"))
}

/// The lines of a list, each of which has `N` columns with a `|` between them.
fn columns<'a, const N: usize>(file: &str, text: &'a str) -> Result<Vec<[&'a str; N]>> {
    let mut all = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let columns: Vec<_> = line.splitn(N, '|').map(str::trim).collect();
        match <[&str; N]>::try_from(columns) {
            Ok(columns) if !columns.contains(&"") => all.push(columns),
            _ => bail!(
                "{file}, line {}: expected {N} columns, none of them empty",
                index + 1
            ),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_bad_ones_named() {
        let list = "# head\n\nmips* | coro/it/limits::* | no limits | under emulation\n";
        let skips = Skips::parse(list).unwrap();
        let tests = ["coro/it/limits::space", "coro/it/state"].map(str::to_owned);
        let on = |target| skips.of(target, tests.iter());
        assert_eq!(on("mips-unknown-linux-gnu"), [tests[0].clone()].into());
        assert!(on("aarch64-unknown-linux-gnu").is_empty());
        for bad in ["mips* | test", "mips* | test |", "mips*"] {
            let error = Skips::parse(bad).err().unwrap().to_string();
            assert!(error.contains("line 1"), "{bad}");
        }
    }

    #[test]
    fn a_mutant_is_known_by_its_file_and_its_change() {
        let list = "src/a.rs | no difference | replace | with ^ in f\n";
        let accepted = Accepted::parse(list).unwrap();
        assert!(accepted.has("src/a.rs:12:3: replace | with ^ in f"));
        assert!(!accepted.has("src/a.rs:12:3: replace | with ^ in ff"));
        assert!(!accepted.has("src/b.rs:12:3: replace | with ^ in f"));
        Accepted::read().unwrap();
    }

    #[test]
    fn stale_entries_are_errors() {
        let tests = BTreeMap::from([("coro/it/state".to_owned(), false)]);
        let check = |text| Skips::parse(text).unwrap().check(&tests);
        check("mips* | coro/it/state | reason").unwrap();
        check("mips* | coro/it/gone | reason").unwrap_err();
        check("vax* | coro/it/state | reason").unwrap_err();
    }

    #[test]
    fn a_claim_needs_all_of_its_tests() {
        let [one, two] = ["one", "two"].map(str::to_owned);
        let claims = Claims(
            [&one, &two]
                .map(|test| ["c".to_owned(), test.clone()])
                .into(),
        );
        assert!(claims.hold("c", &[&one, &two].into()));
        assert!(!claims.hold("c", &[&one].into()));
        assert!(!claims.hold("d", &[&one, &two].into()));
        claims.check(&[(one.clone(), false)].into()).unwrap_err();
        claims.check(&[(one, false), (two, false)].into()).unwrap();
    }

    #[test]
    fn the_file_makes_both_claims_of_the_table() {
        let claims = Claims::read().unwrap().0.into_iter();
        let claims: BTreeSet<_> = claims.map(|[claim, _]| claim).collect();
        assert_eq!(claims, ["backtrace", "unwinding"].map(str::to_owned).into());
    }
}
