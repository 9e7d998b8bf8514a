//! The published crates compile with the oldest dependencies that their manifests allow.
//!
//! `ci/minimal-versions` is a package that depends on all of them with all features, and pins each package
//! from outside at the lower bound of what they ask for. It has a lock file of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use cargo_metadata::semver::{Comparator, Op, Version, VersionReq};
use cargo_metadata::{Dependency, DependencyKind};

use super::Findings;
use crate::run::exec;
use crate::workspace::{self, Workspace};

/// From the root.
const MANIFEST: &str = "ci/minimal-versions/Cargo.toml";

pub(super) fn check(workspace: &Workspace, log: &Path, findings: &mut Findings) -> Result<()> {
    let pins = pins()?;
    for library in workspace.libraries() {
        for dependency in library.dependencies.iter().filter(|it| is_from_outside(it)) {
            let name = &dependency.name;
            let asked = lower_bound(&dependency.req);
            let pinned = pins.get(name);
            findings.judge(asked.is_some() && pinned == asked.as_ref(), || {
                format!(
                    "{} asks for {name} {}, and {MANIFEST} pins {}",
                    library.name,
                    dependency.req,
                    pinned.map_or("nothing".to_owned(), Version::to_string),
                )
            });
        }
    }
    let mut command = workspace::host_cargo();
    command
        .args([
            "check",
            "--quiet",
            "--locked",
            "--manifest-path",
            MANIFEST,
            "--target-dir",
        ])
        .arg(workspace.target.join("supply/minimal"));
    let finished = exec::run(&mut command, log, Duration::from_secs(10 * 60))?;
    findings.judge(finished.success(), || {
        format!(
            "with the oldest dependencies: {}",
            exec::complaints(&finished.stderr)
        )
    });
    Ok(())
}

/// What the package of this folder pins.
fn pins() -> Result<BTreeMap<String, Version>> {
    let metadata = workspace::packages_of(&workspace::root().join(MANIFEST))?;
    let package = metadata.packages.into_iter().next().context(MANIFEST)?;
    let pinned = package.dependencies.into_iter().filter(is_from_outside);
    Ok(pinned
        .filter_map(|it| Some((it.name, lower_bound(&it.req)?)))
        .collect())
}

fn is_from_outside(dependency: &Dependency) -> bool {
    dependency.path.is_none() && dependency.kind == DependencyKind::Normal
}

/// The oldest version of a requirement with one comparator that has an oldest: `^1.2`, `=1.2.3`.
fn lower_bound(required: &VersionReq) -> Option<Version> {
    match required.comparators.as_slice() {
        [
            Comparator {
                op: Op::Exact | Op::Caret | Op::Tilde | Op::GreaterEq,
                major,
                minor,
                patch,
                ..
            },
        ] => Some(Version::new(*major, minor.unwrap_or(0), patch.unwrap_or(0))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_the_requirement() {
        let bound = |text: &str| lower_bound(&VersionReq::parse(text).unwrap());
        assert_eq!(bound("0.2"), Some(Version::new(0, 2, 0)));
        assert_eq!(bound("=0.9.8"), Some(Version::new(0, 9, 8)));
        assert_eq!(bound("<2"), None);
        assert_eq!(bound("*"), None);
    }
}
