//! Threads that take stacks from each other, watched by ThreadSanitizer; see
//! `ci/thread-sanitizer`.

use std::env::consts::ARCH;
use std::process::Command;

#[test]
fn threads_that_share_arenas_and_pools_do_not_race() {
    let output = Command::new(env!("CARGO"))
        // The sanitizer is unstable, but its runtime comes with every toolchain.
        .env("RUSTC_BOOTSTRAP", "1")
        .env(
            "RUSTFLAGS",
            "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer",
        )
        .args(["run", "--quiet"])
        .args(["--target", &format!("{ARCH}-unknown-linux-gnu")])
        .args([
            "--manifest-path",
            concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../ci/thread-sanitizer/Cargo.toml"
            ),
        ])
        .args([
            "--target-dir",
            concat!(env!("CARGO_TARGET_TMPDIR"), "/thread-sanitizer"),
        ])
        .output()
        .expect("cargo runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}{message}");
    assert_eq!(printed, "16 threads, 2000 stacks each\n");
    assert!(!message.contains("ThreadSanitizer"), "{message}");
}
