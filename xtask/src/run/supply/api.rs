//! The public API of each published crate, with all its features, beside the list that is checked in:
//! `ci/public-api/<crate>.txt`, one item a line. A change of it is seen in a review, and chosen.
//!
//! The list is made from rustdoc's JSON, which the `public-api` crate reads. Its format belongs to one
//! version of the compiler, so that another compiler's is not judged.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::Findings;
use crate::run::exec;
use crate::workspace::{self, Workspace};

/// The format that the `public-api` crate reads, whose version `xtask/Cargo.toml` pins for it.
const FORMAT: u32 = 57;

/// Properties of every type that are no promise: the compiler has given them no stable name.
const UNNAMEABLE: [&str; 2] = ["core::marker::Freeze", "core::marker::UnsafeUnpin"];

pub(super) fn check(workspace: &Workspace, log: &Path, findings: &mut Findings) -> Result<()> {
    for library in workspace.libraries() {
        let Some(found) = listing(workspace, &library.name, log, findings)? else {
            return Ok(());
        };
        let path = path_of(&library.name);
        let known = fs::read_to_string(&path).unwrap_or_default();
        findings.judge(known == found, || {
            format!(
                "the public API of {} is another than that in {} (cargo xtask supply --update):\n{}",
                library.name,
                path.display(),
                difference(&known, &found)
            )
        });
    }
    Ok(())
}

/// Writes the lists anew.
pub(super) fn update(workspace: &Workspace, log: &Path) -> Result<()> {
    let mut findings = Findings::default();
    for library in workspace.libraries() {
        let found = listing(workspace, &library.name, log, &mut findings)?;
        let found = found.with_context(|| findings.notes.concat())?;
        let path = path_of(&library.name);
        fs::write(&path, found).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn path_of(library: &str) -> PathBuf {
    workspace::root().join(format!("ci/public-api/{library}.txt"))
}

/// The items of a crate, one a line; nothing, and a note, if this compiler's JSON is of another format.
fn listing(
    workspace: &Workspace,
    library: &str,
    log: &Path,
    findings: &mut Findings,
) -> Result<Option<String>> {
    #[derive(Deserialize)]
    struct Head {
        format_version: u32,
    }

    let target = workspace.target.join("supply/api");
    let mut command = workspace::host_cargo();
    // A compiler released as stable writes JSON only when told that this is meant.
    command
        .env("RUSTC_BOOTSTRAP", "1")
        .args(["rustdoc", "--quiet", "--locked", "--lib", "--all-features"])
        .args(["--package", library, "--target-dir"])
        .arg(&target)
        .args(["--", "-Zunstable-options", "--output-format=json"]);
    let finished = exec::run(&mut command, log, Duration::from_secs(10 * 60))?;
    ensure!(finished.success(), "{}", exec::complaints(&finished.stderr));
    let json = target.join(format!("doc/{}.json", library.replace('-', "_")));
    let text = fs::read_to_string(&json).with_context(|| json.display().to_string())?;
    let Head { format_version } = serde_json::from_str(&text)?;
    if format_version != FORMAT {
        findings.notes.push(format!(
            "THE PUBLIC API IS NOT COMPARED: rustdoc's format is {format_version} here, not {FORMAT}"
        ));
        return Ok(None);
    }
    let api = public_api::Builder::from_rustdoc_json(json)
        .sorted(true)
        .omit_blanket_impls(true)
        .build()?;
    let lines = api.items().map(|item| format!("{item}\n"));
    let promised = |line: &String| !UNNAMEABLE.iter().any(|name| line.contains(name));
    Ok(Some(lines.filter(promised).collect()))
}

/// Lines of one and not of the other.
fn difference(known: &str, found: &str) -> String {
    let [known, found] = [known, found].map(|text| text.lines().collect::<BTreeSet<_>>());
    let gone = known
        .difference(&found)
        .map(|line| format!("   - {line}\n"));
    let new = found
        .difference(&known)
        .map(|line| format!("   + {line}\n"));
    gone.chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_says_what_is_gone_and_what_is_new() {
        let text = difference("pub fn a()\npub fn b()\n", "pub fn b()\npub fn c()\n");
        assert_eq!(text, "   - pub fn a()\n   + pub fn c()\n");
    }
}
