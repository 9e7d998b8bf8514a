//! Programs that abort on panic, which cannot unwind a coroutine.

use std::process::Command;

/// Builds and runs the program that drops a suspended coroutine.
fn drop_suspended(panic: &str) -> (Option<i32>, String) {
    let target = concat!(env!("CARGO_TARGET_TMPDIR"), "/panic-abort");
    let output = Command::new(env!("CARGO"))
        .args([
            "run",
            "--quiet",
            "--package",
            "coro",
            "--example",
            "drop_suspended",
        ])
        .args([
            "--config",
            &format!("profile.dev.panic={panic:?}"),
            "--target-dir",
            target,
        ])
        .output()
        .expect("cargo runs");
    use std::os::unix::process::ExitStatusExt;
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.signal(), text.into_owned())
}

#[test]
fn dropping_a_suspended_coroutine() {
    let (signal, text) = drop_suspended("unwind");
    assert_eq!(signal, None, "{text}");
    assert!(
        text.contains("its local is dropped") && text.contains("going on"),
        "{text}"
    );

    let (signal, text) = drop_suspended("abort");
    assert_eq!(signal, Some(6), "{text}");
    assert!(
        text.contains("coroutine `unfinished` was dropped while suspended"),
        "{text}"
    );
    assert!(
        !text.contains("its local is dropped") && !text.contains("going on"),
        "{text}"
    );
}
