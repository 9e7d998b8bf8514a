//! A walk along frame pointers goes from a coroutine into its present resumer;
//! see `ci/frame-pointers`.
#![cfg(target_arch = "x86_64")]

use std::process::Command;

#[test]
fn frame_pointers_lead_into_the_resumer() {
    for profile in ["dev", "release"] {
        let output = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--profile", profile, "--manifest-path"])
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
            "inside < first_resumer < main",
            "inside < second_resumer < main",
            "inside < first_resumer < outer < main",
            "inside < second_resumer < outer < main",
        ];
        assert_eq!(walks, expected, "{profile}");
    }
}
