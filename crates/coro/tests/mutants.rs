//! Deliberately broken builds of this library: the property test must find out about each.
//!
//! A copy of the library gets all the changes below, each behind a switch, and is compiled once; the random programs of
//! `tests/property` then run on it, with one switch on at a time. A change that no longer fits the source is an error here.
//!
//! To see how each is caught: `cargo test -p coro --test mutants -- --nocapture`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// How many random programs a broken build may survive.
const CASES: &str = "4000";

/// What is broken: one line of a file, and what to do instead while the switch is on.
struct Mutant {
    name: &'static str,
    changes: &'static [Change],
}

struct Change {
    file: &'static str,
    /// Occurs once.
    from: &'static str,
    /// With `ON` for the switch.
    to: &'static str,
}

macro_rules! mutants {
    ($($name:literal { $($file:literal: $from:literal => $to:literal;)+ })+) => {
        const MUTANTS: &[Mutant] = &[
            $(Mutant {
                name: $name,
                changes: &[$(Change { file: $file, from: $from, to: $to }),+],
            }),+
        ];
    };
}

mutants! {
    "a skipped destructor: of a closure that never ran" {
        "root.rs": "drop(closure);" => "if ON { core::mem::forget(closure) } else { drop(closure) }";
    }
    "a skipped destructor: of the value of a swallowed unwind" {
        "coroutine.rs": "Ok(word) if !created =>" => "Ok(word) if !created && !ON =>";
    }
    "a skipped destructor: of what a scope's coroutines own" {
        "scope.rs": "let late = scope.unwind_all();" => "let late = if ON { None } else { scope.unwind_all() };";
    }
    "a skipped destructor: nothing is unwound" {
        "coroutine.rs": "Some(context) => self.unwind(context)," =>
            "Some(context) if ON => { context.into_raw(); unsafe { self.release() } } Some(context) => self.unwind(context),";
    }
    "an early free: of the stack that is about to be unwound" {
        "coroutine.rs": "handle.stage.set(Stage::Unwinding);" =>
            "handle.stage.set(Stage::Unwinding); if ON { drop(unsafe { core::ptr::read(&*self.stack) }) }";
        "coroutine.rs": "unsafe { self.release() };\n        drop(value);" =>
            "unsafe { if ON { self.handle.drop_in_place() } else { self.release() } };\n        drop(value);";
    }
    "an early free: while the thread is panicking" {
        "coroutine.rs": "match self.context.take() {\n            Some(context)" =>
            "match self.context.take() {\n            Some(_) if ON && unwind::panicking() => unsafe { self.release() },\n            Some(context)";
    }
    "an early free: of a stack whose coroutine is suspended" {
        "coroutine.rs": "if !self.is_complete() {" => "if !self.is_complete() && !ON {";
    }
    "a lost input: zeros arrive instead" {
        "handle.rs": "unsafe { transfer::receive(arrival.word) }" =>
            "unsafe { let input: Input = transfer::receive(arrival.word); if ON { core::mem::forget(input); core::mem::zeroed() } else { input } }";
    }
    "a lost input: its destructor runs, too" {
        "coroutine.rs": "let arrival = unsafe { context.resume(self.handle.cast(), word, Signal::Run) };" =>
            "let arrival = unsafe { context.resume(self.handle.cast(), word, Signal::Run) }; if ON { unsafe { ManuallyDrop::drop(&mut input) } }";
    }
    "a lost byte: of values smaller than a word" {
        "transfer.rs": "bits.as_mut_ptr().cast::<u8>(),\n            size_of::<T>()," =>
            "bits.as_mut_ptr().cast::<u8>(),\n            if ON { size_of::<T>() & !1 } else { size_of::<T>() },";
    }
    "a panic with another payload" {
        "coroutine.rs": "Err(payload) => unwind::go_on(payload)," =>
            "Err(payload) => unwind::go_on(if ON { drop(payload); std::boxed::Box::new(()) } else { payload }),";
    }
    "a forced unwind that the panic hook hears of" {
        "unwind.rs": "panic::resume_unwind(Box::new(ForcedUnwind))" =>
            "if ON { panic::panic_any(ForcedUnwind) } else { panic::resume_unwind(Box::new(ForcedUnwind)) }";
    }
    "a suspend on another stack" {
        "handle.rs": "if !self.runs_here() {\n            self.refuse();" => "if !ON && !self.runs_here() {\n            self.refuse();";
    }
    "a guess of the resumer that is believed" {
        "current.rs": "speculate(guess, root().get())" => "if ON { guess } else { speculate(guess, root().get()) }";
    }
}

/// The package that runs the tests, beside the copies of the libraries.
const MANIFEST: &str = r#"
[package]
name = "mutants"
version.workspace = true
edition.workspace = true

[dev-dependencies]
coro = { workspace = true, features = ["std"] }
sure-stack = { workspace = true, features = ["std"] }
testing = { workspace = true }
libc = { workspace = true }
"#;

/// The switch, appended to the library.
const SWITCH: &str = r#"
fn switched_on(name: &str) -> bool {
    static NAME: std::sync::OnceLock<Option<std::string::String>> = std::sync::OnceLock::new();
    NAME.get_or_init(|| std::env::var("SURE_MUTANT").ok()).as_deref() == Some(name)
}
"#;

fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A copy of the workspace, as far as it is needed.
fn copy() -> PathBuf {
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutants");
    let read = |path: &str| fs::read_to_string(workspace().join(path)).expect(path);
    // Cargo adds the new package to it, and leaves out what nobody needs.
    write(&to.join("Cargo.lock"), &read("Cargo.lock"));
    write(
        &to.join("Cargo.toml"),
        &read("Cargo.toml").replace(", \"xtask\"]", "]"),
    );
    for package in ["sure-context", "sure-stack", "testing", "coro"] {
        let manifest = read(&format!("crates/{package}/Cargo.toml"));
        // Only its own sources come along.
        let (manifest, _) = manifest
            .split_once("[dev-dependencies]")
            .unwrap_or((&manifest, ""));
        write(
            &to.join("crates").join(package).join("Cargo.toml"),
            manifest,
        );
        for part in ["src", "README.md"] {
            let part = Path::new("crates").join(package).join(part);
            copy_all(&part, &to, package == "coro");
        }
    }
    write(&to.join("crates/mutants/Cargo.toml"), MANIFEST);
    write(&to.join("crates/mutants/src/lib.rs"), "");
    for file in
        fs::read_dir(workspace().join("crates/coro/tests/property")).expect("the property test")
    {
        let file = file.expect("a file").path();
        let name = file.file_name().expect("a file has a name");
        let text = fs::read_to_string(&file).expect("a source file");
        write(&to.join("crates/mutants/tests/property").join(name), &text);
    }
    to
}

fn copy_all(path: &Path, to: &Path, mutate: bool) {
    let from = workspace().join(path);
    if from.is_dir() {
        for entry in fs::read_dir(&from).expect("a folder") {
            copy_all(&path.join(entry.expect("an entry").file_name()), to, mutate);
        }
    } else if from.is_file() {
        let mut text = fs::read_to_string(&from).expect("a text");
        let file = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if mutate && path.parent().is_some_and(|parent| parent.ends_with("src")) {
            text = mutated(file, text);
        }
        write(&to.join(path), &text);
    }
}

/// A source file with all changes that concern it.
fn mutated(file: &str, mut text: String) -> String {
    for mutant in MUTANTS {
        for change in mutant.changes.iter().filter(|change| change.file == file) {
            let places = text.matches(change.from).count();
            assert_eq!(places, 1, "{}: {:?} in {file}", mutant.name, change.from);
            let switch = format!("crate::switched_on({:?})", mutant.name);
            text = text.replace(change.from, &change.to.replace("ON", &switch));
        }
    }
    if file == "lib.rs" {
        text.push_str(SWITCH);
    }
    text
}

/// Leaves a file alone that says the same already, for the sake of cargo's fingerprints.
fn write(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|known| known == text) {
        return;
    }
    fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

fn property_test(folder: &Path, mutant: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO"));
    command
        .args([
            "test",
            "--quiet",
            "--offline",
            "--package",
            "mutants",
            "--test",
            "property",
        ])
        .args(["--", "random_programs", "--nocapture"])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env("RUST_BACKTRACE", "0")
        .env("SURE_PROPERTY_CASES", CASES)
        .env_remove("SURE_PROPERTY_SEED");
    match mutant {
        Some(name) => command.env("SURE_MUTANT", name),
        None => command.env_remove("SURE_MUTANT"),
    };
    command.output().expect("cargo runs")
}

#[test]
fn random_programs_find_every_broken_build() {
    let folder = copy();
    let whole = property_test(&folder, None);
    assert!(
        whole.status.success(),
        "the library as it is: {}{}",
        String::from_utf8_lossy(&whole.stdout),
        String::from_utf8_lossy(&whole.stderr)
    );
    let mut survivors = Vec::new();
    for mutant in MUTANTS {
        let output = property_test(&folder, Some(mutant.name));
        let message = String::from_utf8_lossy(&output.stderr);
        // "program 7 failed, after 6 that did not: …"
        let found = message.lines().find(|line| line.starts_with("program "));
        match found {
            Some(found) if !output.status.success() => println!("{}\n    {found}", mutant.name),
            _ => survivors.push(mutant.name),
        }
    }
    assert!(
        survivors.is_empty(),
        "not found in {CASES} programs: {survivors:#?}"
    );
}
