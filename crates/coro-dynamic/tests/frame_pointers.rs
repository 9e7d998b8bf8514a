//! A walk along frame pointers goes from a coroutine into its present resumer,
//! unless that is displaced; see `ci/frame-pointers`.
#![cfg(target_arch = "x86_64")]

use std::process::Command;

#[test]
fn frame_pointers_lead_into_the_resumer_or_to_an_end() {
    for profile in ["dev", "release"] {
        let output = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--bin", "dynamic", "--profile", profile])
            .arg("--manifest-path")
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../ci/frame-pointers/Cargo.toml"
            ))
            .arg("--target-dir")
            .arg(concat!(env!("CARGO_TARGET_TMPDIR"), "/frame-pointers"))
            .env("RUSTFLAGS", "-C force-frame-pointers=yes")
            .output()
            .expect("cargo runs");
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{profile}: {message}");
        let walks = String::from_utf8_lossy(&output.stdout);
        let walks: Vec<&str> = walks.lines().collect();
        let expected = [
            "inside < resumer < main",
            "inside < the end",
            "inside < resumer < main",
        ];
        assert_eq!(walks, expected, "{profile}");
    }
}
