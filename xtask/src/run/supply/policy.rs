//! Which packages may come along: under which licences, from where, in how many versions, how many.
//!
//! These are the questions of `cargo deny check licenses bans sources`. That program takes longer to
//! build than the rest of CI's tools together; what it would read here is what cargo says anyway. What it
//! asks of a database, known vulnerabilities, is not asked here: `SECURITY.md` says who asks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cargo_metadata::MetadataCommand;
use spdx::{Expression, ParseMode};

use super::Findings;
use crate::run::exec;
use crate::workspace::{self, Workspace};

/// Licences that a user of MIT or Apache 2.0 can live with, tools and tests included.
const LICENCES: [&str; 3] = ["MIT", "Apache-2.0", "Unicode-3.0"];

/// Libraries for what this workspace is itself. Only `xtask/peers`, which compares, may name them.
const BANNED: [&str; 10] = [
    "context",
    "corosensei",
    "cranelift-codegen",
    "fringe",
    "genawaiter",
    "generator",
    "libfringe",
    "may",
    "psm",
    "stacker",
];

/// The only place that packages come from, as lock files write it.
const SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// What a library may bring along from outside, with all its features. A new name here is a decision.
const TREES: [(&str, &[&str]); 4] = [
    ("sure-context", &[]),
    ("sure-stack", &["libc", "memmap2", "rustc-demangle"]),
    (
        "coro",
        &[
            "futures-core",
            "libc",
            "memmap2",
            "pin-project-lite",
            "rustc-demangle",
            "tokio",
        ],
    ),
    ("coro-dynamic", &["libc", "memmap2", "rustc-demangle"]),
];

pub(super) fn check(workspace: &Workspace, log: &Path, findings: &mut Findings) -> Result<()> {
    licences(findings)?;
    for lock in lock_files(workspace::root())? {
        let text = fs::read_to_string(&lock)?;
        for complaint in complaints_of_lock(&text) {
            findings
                .complaints
                .push(format!("{}: {complaint}", lock.display()));
        }
        findings.good += 1;
    }
    for library in workspace.libraries() {
        let tree = tree(&library.name, log)?;
        tree_complaints(&library.name, &tree, findings);
    }
    Ok(())
}

/// The licence of every package in the lock file, whatever it is for.
fn licences(findings: &mut Findings) -> Result<()> {
    let metadata = MetadataCommand::new()
        .manifest_path(workspace::root().join("Cargo.toml"))
        .other_options(["--locked".to_owned()])
        .exec()
        .context("the packages of the lock file")?;
    for package in &metadata.packages {
        let licence = package.license.as_deref().unwrap_or("no licence");
        findings.judge(is_allowed(licence), || {
            format!("{}: {licence} is not among {LICENCES:?}", package.name)
        });
    }
    Ok(())
}

/// Whether an SPDX expression can be met with licences of the list.
fn is_allowed(licence: &str) -> bool {
    // Old packages write a slash for `OR`.
    let expression = Expression::parse_mode(licence, ParseMode::LAX);
    expression.is_ok_and(|expression| {
        expression.evaluate(|asked| {
            let id = asked.license.id();
            asked.addition.is_none() && id.is_some_and(|id| LICENCES.contains(&id.name))
        })
    })
}

/// The lock files of this workspace and of those beside it, less the one that may name competitors.
fn lock_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        if name == "Cargo.lock" {
            found.push(path);
        } else if path.is_dir()
            && !path.is_symlink()
            && name != "target"
            && !name.to_string_lossy().starts_with('.')
            && !path.ends_with("xtask/peers")
        {
            found.extend(lock_files(&path)?);
        }
    }
    Ok(found)
}

/// What is wrong with the packages that a lock file names.
fn complaints_of_lock(lock: &str) -> Vec<String> {
    let quoted = |line: &str, key: &str| Some(line.strip_prefix(key)?.trim_matches('"').to_owned());
    let mut complaints = Vec::new();
    for line in lock.lines() {
        if let Some(name) = quoted(line, "name = ").filter(|it| BANNED.contains(&it.as_str())) {
            complaints.push(format!("{name} is banned: what it does is done here"));
        }
        if let Some(source) = quoted(line, "source = ").filter(|it| it != SOURCE) {
            complaints.push(format!("a package comes from {source}, not from crates.io"));
        }
    }
    complaints
}

/// What a published crate brings along with all its features, on any target: names with their versions.
fn tree(library: &str, log: &Path) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut command = workspace::host_cargo();
    command
        .args(["tree", "--locked", "--all-features", "--target=all"])
        .args(["--edges=normal,build", "--prefix=none", "--format={p}"])
        .args(["--package", library]);
    let finished = exec::run(&mut command, log, Duration::from_secs(60))?;
    ensure!(
        finished.success(),
        "cargo tree {}: {}",
        finished.ending(),
        finished.stderr
    );
    let mut tree: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for line in finished.stdout.lines() {
        // For example `libc v0.2.183`, or with a path or a star behind it.
        let mut words = line.split(' ').map(str::to_owned);
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            tree.entry(name).or_default().insert(version);
        }
    }
    Ok(tree)
}

/// Judges a tree: one version of each, and nothing that the list does not name.
fn tree_complaints(
    library: &str,
    tree: &BTreeMap<String, BTreeSet<String>>,
    findings: &mut Findings,
) {
    let ours = |name: &str| TREES.iter().any(|(ours, _)| *ours == name);
    let allowed = TREES.iter().find(|(name, _)| *name == library);
    for (name, versions) in tree {
        findings.judge(versions.len() == 1, || {
            format!("{library} brings along several versions of {name}: {versions:?}")
        });
        if let Some((_, allowed)) = allowed
            && !ours(name)
        {
            findings.judge(allowed.contains(&name.as_str()), || {
                format!("{library} brings along {name}: nothing says that it may")
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_is_allowed_if_one_of_its_ways_is() {
        for good in [
            "MIT/Apache-2.0",
            "LGPL-3.0 OR MIT",
            "(GPL-3.0 OR MIT) AND Unicode-3.0",
        ] {
            assert!(is_allowed(good), "{good}");
        }
        for bad in [
            "GPL-3.0",
            "MIT AND MPL-2.0",
            "no licence",
            "LicenseRef-mine",
        ] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }

    #[test]
    fn a_lock_file_names_no_competitor_and_one_source() {
        let lock = |name: &str, source: &str| {
            format!("[[package]]\nname = \"{name}\"\nversion = \"0.3.4\"\nsource = \"{source}\"\n")
        };
        assert_eq!(complaints_of_lock(&lock("libc", SOURCE)), [""; 0]);
        assert_eq!(complaints_of_lock(&lock("corosensei", SOURCE)).len(), 1);
        assert_eq!(
            complaints_of_lock(&lock("libc", "git+https://example.org")).len(),
            1
        );
    }

    #[test]
    fn a_second_version_and_an_undecided_package_are_found() {
        let one = |version: &str| BTreeSet::from([version.to_owned()]);
        let mut tree = BTreeMap::from([
            ("sure-stack".to_owned(), one("v0.1.0")),
            ("libc".to_owned(), one("v0.2.183")),
        ]);
        let complaints = |tree: &BTreeMap<_, _>| {
            let mut findings = Findings::default();
            tree_complaints("sure-stack", tree, &mut findings);
            findings.complaints.len()
        };
        assert_eq!(complaints(&tree), 0);
        tree.insert("rand".to_owned(), one("v0.9.0"));
        assert_eq!(complaints(&tree), 1);
        tree.insert(
            "libc".to_owned(),
            ["v0.2.183", "v1.0.0"].map(str::to_owned).into(),
        );
        assert_eq!(complaints(&tree), 2);
    }
}
