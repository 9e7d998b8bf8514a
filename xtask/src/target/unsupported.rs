//! What someone reads who builds for a target that has no backend: one sentence that lists those that have, and nothing else.

use std::time::Duration;

use anyhow::Result;

use crate::report::Section;
use crate::run;
use crate::run::exec;
use crate::target::toolchain::Toolchain;
use crate::workspace::Workspace;

/// A target that will hardly ever get a backend, because its programs cannot reach their own stack; and one without the
/// floating-point registers that its backend saves.
const TRIPLES: [&str; 2] = ["wasm32-unknown-unknown", "mips-unknown-linux-musl"];

pub(crate) fn section(workspace: &Workspace, toolchain: &Toolchain) -> Result<Section> {
    let log = run::fresh(workspace, "unsupported")?;
    let mut passed = 0;
    for triple in TRIPLES {
        let mut command = toolchain.cargo();
        command
            .args(["check", "-Zbuild-std=core", "--target", triple])
            .args(["--package", "sure-context", "--target-dir"])
            .arg(workspace.target.join("xtask-targets"));
        let finished = exec::run(&mut command, &log, Duration::from_secs(10 * 60), |_| {})?;
        let errors = errors(&finished.stderr);
        let refused =
            !finished.success() && matches!(errors[..], [only] if only.contains("support"));
        if refused {
            println!("   {triple}: {}", errors[0]);
            passed += 1;
        } else {
            println!(
                "   {triple} should be refused with one sentence that lists what is supported; instead:"
            );
            println!("{}", finished.stderr);
        }
    }
    Ok(Section {
        passed,
        failed: TRIPLES.len() - passed,
        log: Some(log),
        ..Section::default()
    })
}

/// The errors a build ended with, without cargo's own closing line.
fn errors(stderr: &str) -> Vec<&str> {
    let lines = stderr.lines().filter(|line| line.starts_with("error"));
    lines
        .filter(|line| !line.contains("could not compile"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::errors;

    #[test]
    fn cargos_own_line_is_no_error() {
        let stderr = "   Compiling x\nerror: no switch; supported are: …\n  --> src\n\nerror: could not compile `x`\n";
        assert_eq!(errors(stderr), ["error: no switch; supported are: …"]);
        assert_eq!(errors("error: a\nerror[E0432]: b\n").len(), 2);
    }
}
