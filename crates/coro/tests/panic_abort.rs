//! A program that aborts on panic cannot unwind a coroutine; see `ci/panic-abort`.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

#[test]
fn dropping_a_suspended_coroutine_aborts_with_a_message() {
    for profile in ["dev", "release"] {
        let output = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--profile", profile])
            .args([
                "--manifest-path",
                concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/../../ci/panic-abort/Cargo.toml"
                ),
            ])
            .args([
                "--target-dir",
                concat!(env!("CARGO_TARGET_TMPDIR"), "/panic-abort"),
            ])
            .output()
            .expect("cargo runs");
        let printed = String::from_utf8_lossy(&output.stdout);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(6), "{printed}{message}");
        assert_eq!(printed, "its local is dropped\nabout to drop it\n");
        let expected = "coroutine `unfinished` was dropped while suspended";
        assert!(message.contains(expected), "{message}");
    }
}
