//! Deliberately broken builds of this library: the property test must find out about each.
//!
//! A copy of the library gets all the changes below, each behind a switch, and is compiled once; the random programs of
//! `tests/property` then run on it, with one switch on at a time. A change that no longer fits the source is an error here.
//!
//! What finds them, and how soon: the count and the tags of living values find the skipped destructors (programs 1, 2, 2 and 12), a
//! coroutine dropped by a panic (1) and an input that is dropped twice (1); values that check themselves find what is lost (1, 1),
//! and what crossed on a stack that it should not have (5); the model of a panic finds another payload (3), the count of calls the
//! hook (1), the model of life a stack that was given away too early (4); and a crash, whose program is shortened like any other,
//! the stack that is freed before it is unwound (1) and the wrong resumer (1). To see it:
//! `cargo test -p coro --test mutants -- --nocapture`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// How many random programs a broken build may survive.
const CASES: &str = "4000";

/// A broken build, and what makes it one.
struct Mutant {
    name: &'static str,
    changes: &'static [Change],
}

struct Change {
    /// Occurs once in the library, wherever that is.
    from: &'static str,
    /// What is there instead, with `ON` for the switch.
    to: &'static str,
}

macro_rules! mutants {
    ($($name:literal { $($from:literal => $to:literal;)+ })+) => {
        const MUTANTS: &[Mutant] = &[
            $(Mutant { name: $name, changes: &[$(Change { from: $from, to: $to }),+] }),+
        ];
    };
}

mutants! {
    "a skipped destructor: of a closure that never ran" {
        "ManuallyDrop::drop(&mut (*slot).closure)" => "if !ON { ManuallyDrop::drop(&mut (*slot).closure) }";
    }
    "a skipped destructor: of the value of a swallowed unwind" {
        "Ok(word) if !created =>" => "Ok(word) if !created && !ON =>";
    }
    "a skipped destructor: of what a scope's coroutines own" {
        "let late = scope.unwind_all();" => "let late = if ON { None } else { scope.unwind_all() };";
    }
    "a skipped destructor: nothing is unwound" {
        "unsafe { self.force(context) };" =>
            "if ON {
                 let _ = context.into_raw();
                 self.handle().stage.set(Stage::Complete);
             } else {
                 unsafe { self.force(context) }
             }";
    }
    "an early free: of the stack that is about to be unwound" {
        "handle.stage.set(Stage::Unwinding { in_panic });" =>
            "handle.stage.set(Stage::Unwinding { in_panic });
             if ON { drop(unsafe { core::ptr::read(&*self.stack) }) }";
        "unsafe { self.0.release() };" =>
            "unsafe { if ON { self.0.drop_root() } else { self.0.release() } };";
    }
    "an early free: while the thread is panicking" {
        "let coroutine = Releases(self);" =>
            "if ON && unwind::panicking() && self.context.take().is_some() {
                 unsafe { self.release() };
                 return;
             }
             let coroutine = Releases(self);";
    }
    "an early free: of a stack whose coroutine is suspended" {
        "if !self.is_complete() {" => "if !self.is_complete() && !ON {";
    }
    "a lost input: zeros arrive instead" {
        "Ok(unsafe { arrival.word.receive() })" =>
            "Ok(unsafe {
                 let input: Input = arrival.word.receive();
                 if ON { core::mem::forget(input); core::mem::zeroed() } else { input }
             })";
    }
    "a lost input: its destructor runs, too" {
        "let arrival = unsafe { context.resume(self.handle.cast(), word, Signal::Run) };" =>
            "let arrival = unsafe { context.resume(self.handle.cast(), word, Signal::Run) };
             if ON { unsafe { ManuallyDrop::drop(&mut input) } }";
    }
    "a lost byte: of values smaller than a word" {
        "let word = Word::send(&mut input);" =>
            "let mut word = Word::send(&mut input);
             let bytes = core::mem::size_of::<Input>();
             if ON && bytes % 2 == 1 && Word::fits::<Input>() {
                 unsafe { (&raw mut word).cast::<u8>().add(bytes - 1).write(0) };
             }";
    }
    "a panic with another payload" {
        "Err(payload) => unwind::go_on(payload)," =>
            "Err(payload) if ON => { drop(payload); unwind::go_on(std::boxed::Box::new(())) }
             Err(payload) => unwind::go_on(payload),";
    }
    "a forced unwind that the panic hook hears of" {
        "std::panic::resume_unwind(std::boxed::Box::new(self));" =>
            "if ON { std::panic::panic_any(self) } else { std::panic::resume_unwind(std::boxed::Box::new(self)) };";
    }
    "a suspend on another stack" {
        "if !self.runs_here() {\n            let _ = self.refuse();" =>
            "if !ON && !self.runs_here() {\n            let _ = self.refuse();";
    }
    "a guess of the resumer that is believed" {
        "speculate(guess, self.link().get())" =>
            "if ON { guess } else { speculate(guess, self.link().get()) }";
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
    // What was there and is no more must not be compiled; cargo's own folder stays.
    let _ = fs::remove_dir_all(to.join("crates"));
    fs::create_dir_all(&to).expect("a folder");
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
            let change = if package == "coro" {
                mutated
            } else {
                unchanged
            };
            copy_all(&part, &to.join(&part), change);
        }
    }
    write(&to.join("crates/mutants/Cargo.toml"), MANIFEST);
    write(&to.join("crates/mutants/src/lib.rs"), "");
    let tests = Path::new("crates/coro/tests/property");
    copy_all(tests, &to.join("crates/mutants/tests/property"), unchanged);
    to
}

/// Copies a file, or a folder, with what becomes of the text of each file.
fn copy_all(from: &Path, to: &Path, change: fn(&str, String) -> String) {
    let known = workspace().join(from);
    if known.is_dir() {
        fs::create_dir_all(to).expect("a folder");
        for entry in fs::read_dir(&known).expect("a folder") {
            let name = entry.expect("an entry").file_name();
            copy_all(&from.join(&name), &to.join(&name), change);
        }
    } else if known.is_file() {
        let text = fs::read_to_string(&known).expect("a text");
        let file = from.strip_prefix("crates/coro/src").unwrap_or(from);
        write(to, &change(file.to_str().unwrap_or_default(), text));
    }
}

fn unchanged(_: &str, text: String) -> String {
    text
}

/// A source file with all changes that concern it.
fn mutated(file: &str, mut text: String) -> String {
    for Mutant { name, changes } in MUTANTS {
        for Change { from, to } in *changes {
            let switch = format!("crate::switched_on({name:?})");
            text = text.replace(from, &to.replace("ON", &switch));
        }
    }
    if file == "lib.rs" {
        text.push_str(SWITCH);
    }
    text
}

/// All sources of the library.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("a folder");
    let text = entries.map(|entry| match entry.expect("an entry").path() {
        folder if folder.is_dir() => sources(&folder),
        file => fs::read_to_string(&file).expect("a source file"),
    });
    text.collect()
}

fn write(path: &Path, text: &str) {
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
    let sources = sources(&workspace().join("crates/coro/src"));
    for Mutant { name, changes } in MUTANTS {
        for Change { from, .. } in *changes {
            let places = sources.matches(from).count();
            assert_eq!(
                places, 1,
                "{name}: change {from:?}, which has changed itself"
            );
        }
    }
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
