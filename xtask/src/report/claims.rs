//! `ci/claims.txt`: which tests the README's claims about a target rest on.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};

use crate::workspace;

const FILE: &str = "ci/claims.txt";

/// The tests of each claim.
pub(crate) struct Claims(BTreeMap<String, Vec<String>>);

impl Claims {
    pub(crate) fn read() -> Result<Self> {
        let text = std::fs::read_to_string(workspace::root().join(FILE))
            .with_context(|| format!("cannot read {FILE}"))?;
        let mut claims = BTreeMap::<_, Vec<_>>::new();
        let lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        for line in lines {
            let Some((claim, test)) = line.split_once(" | ") else {
                bail!("{FILE}: expected `claim | test`: {line}");
            };
            claims
                .entry(claim.to_owned())
                .or_default()
                .push(test.to_owned());
        }
        Ok(Self(claims))
    }

    /// A test that is no more would keep its claim from ever being made.
    pub(crate) fn check(&self, tests: &BTreeMap<String, bool>) -> Result<()> {
        match self
            .0
            .values()
            .flatten()
            .find(|test| !tests.contains_key(*test))
        {
            Some(test) => bail!("{FILE}: there is no test {test}"),
            None => Ok(()),
        }
    }

    /// Whether all tests of a claim are among those that have passed.
    pub(crate) fn hold(&self, claim: &str, passed: &BTreeSet<&String>) -> bool {
        let tests = self.0.get(claim);
        tests.is_some_and(|tests| tests.iter().all(|test| passed.contains(test)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_needs_all_of_its_tests() {
        let [one, two] = ["one", "two"].map(str::to_owned);
        let claims = Claims([("c".to_owned(), vec![one.clone(), two.clone()])].into());
        assert!(claims.hold("c", &[&one, &two].into()));
        assert!(!claims.hold("c", &[&one].into()));
        assert!(!claims.hold("d", &[&one, &two].into()));
        claims.check(&[(one.clone(), false)].into()).unwrap_err();
        claims.check(&[(one, false), (two, false)].into()).unwrap();
    }

    #[test]
    fn the_file_makes_both_claims_of_the_table() {
        let claims = Claims::read().unwrap();
        assert_eq!(
            claims.0.keys().collect::<Vec<_>>(),
            ["backtrace", "unwinding"]
        );
    }
}
