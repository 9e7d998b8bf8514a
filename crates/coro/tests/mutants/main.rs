//! Deliberately broken builds of this library: the property test must find out about each.
//!
//! A patch beside this file makes one: it changes the sources where `crate::broken` says so, with
//! the patch's own name. A copy of the library gets all patches and is compiled once; the random
//! programs of `tests/property` then run on it, broken in one way at a time.
//!
//! A patch that no longer fits is an error here. To mend it, edit a copy of the library by hand and
//! keep what `diff -ru -U2` prints below the patch's own first line. Line numbers may be wrong, and
//! context may have changed as long as what is left of it names one place (see [`patch`]).
//!
//! What finds them, and how soon: the count and the tags of living values find the skipped
//! destructors, a coroutine dropped by a panic and an input that is dropped twice; values that check
//! themselves find what is lost, and what crossed on a stack that it should not have; the model of a
//! panic finds another payload, the count of calls the hook, the model of life a stack that was given
//! away too early; and a crash, whose program is shortened like any other, the stack that is freed
//! before it is unwound and the wrong resumer. To see it:
//! `cargo test -p coro --test mutants -- --nocapture`.

mod patch;

use patch::Patch;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// How many random programs a broken build may survive.
const CASES: &str = "4000";

/// How many the whole one must pass here. It passes all of them as a test of its own.
const CASES_OF_THE_WHOLE: &str = "100";

/// The switch, appended to the library.
const SWITCH: &str = r#"
fn broken(how: &str) -> bool {
    static HOW: std::sync::OnceLock<Option<std::string::String>> = std::sync::OnceLock::new();
    HOW.get_or_init(|| std::env::var("SURE_MUTANT").ok()).as_deref() == Some(how)
}
"#;

/// The library with the patches as a package of its own; its dependencies are those of the workspace.
const MANIFEST: &str = r#"
[package]
name = "coro"
version = "0.0.0"
edition = "2024"

[workspace]

[features]
default = ["std"]
std = ["sure-stack/std"]

[dependencies]
sure-context = { path = "ROOT/crates/sure-context", default-features = false }
sure-stack = { path = "ROOT/crates/sure-stack", default-features = false }

[dev-dependencies]
testing = { path = "ROOT/crates/testing" }
libc = { version = "0.2", default-features = false }

[[test]]
name = "property"
path = "ROOT/crates/coro/tests/property/main.rs"

[lints.rust]
unexpected_cfgs = "allow"
"#;

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the workspace")
}

/// All patches, by name.
fn patches() -> BTreeMap<String, Patch> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutants");
    let files = fs::read_dir(folder).expect("this folder");
    let files = files.map(|entry| entry.expect("an entry").path());
    files
        .filter(|file| file.extension().is_some_and(|it| it == "patch"))
        .map(|file| {
            let name = file.file_stem().expect("a name").to_str().expect("UTF-8");
            let text = fs::read_to_string(&file).expect("a text");
            let switch = format!("crate::broken(\"{name}\")");
            assert!(
                text.contains(&switch),
                "{name}: nothing is switched by {switch}"
            );
            (name.to_owned(), Patch::parse(&text))
        })
        .collect()
}

/// The texts of a file or a folder, by their paths in the package.
fn read_all(path: &Path, texts: &mut BTreeMap<PathBuf, String>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder") {
            read_all(&entry.expect("an entry").path(), texts);
        }
    } else {
        let text = fs::read_to_string(path).expect("a text");
        let inside = path.strip_prefix(env!("CARGO_MANIFEST_DIR"));
        texts.insert(inside.expect("a file of the package").to_owned(), text);
    }
}

/// A copy of the library with all patches.
fn broken_copy(patches: &BTreeMap<String, Patch>) -> PathBuf {
    let mut texts = BTreeMap::new();
    for part in ["src", "docs", "gdb", "README.md"] {
        read_all(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(part),
            &mut texts,
        );
    }
    let problems: Vec<_> = patches
        .iter()
        .filter_map(|(name, patch)| Some(format!("{name}: {}", patch.apply(&mut texts).err()?)))
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let library = texts.get_mut(Path::new("src/lib.rs")).expect("the library");
    library.push_str(SWITCH);
    let root = root();
    let manifest = MANIFEST.replace("ROOT", root.to_str().expect("UTF-8"));
    texts.insert("Cargo.toml".into(), manifest);
    // Cargo leaves out of it what this package does not need.
    let lock = fs::read_to_string(root.join("Cargo.lock")).expect("a lock file");
    texts.insert("Cargo.lock".into(), lock);

    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutants");
    // What was there and is no more must not be compiled; cargo's own folder stays.
    let _ = fs::remove_dir_all(copy.join("src"));
    for (path, text) in texts {
        let path = copy.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
    }
    copy
}

fn property_test(copy: &Path, cases: &str, broken: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["test", "--quiet", "--offline", "--test", "property"])
        .args(["--", "random_programs", "--nocapture"])
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", copy.join("target"))
        .env("RUST_BACKTRACE", "0")
        .env("SURE_PROPERTY_CASES", cases)
        .env_remove("SURE_PROPERTY_SEED")
        .env_remove("SURE_MUTANT");
    command.envs(broken.map(|name| ("SURE_MUTANT", name)));
    command.output().expect("cargo runs")
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "builds and runs the same as in debug")]
fn random_programs_find_every_broken_build() {
    let patches = patches();
    let copy = broken_copy(&patches);
    let whole = property_test(&copy, CASES_OF_THE_WHOLE, None);
    assert!(
        whole.status.success(),
        "the library as it is: {}{}",
        String::from_utf8_lossy(&whole.stdout),
        String::from_utf8_lossy(&whole.stderr)
    );
    let mut survivors = Vec::new();
    for name in patches.keys() {
        let output = property_test(&copy, CASES, Some(name));
        let message = String::from_utf8_lossy(&output.stderr);
        // "program 7 failed, after 6 that did not: …"
        let found = message.lines().find(|line| line.starts_with("program "));
        match found {
            Some(found) if !output.status.success() => println!("{name}\n    {found}"),
            _ => survivors.push(name),
        }
    }
    assert!(
        survivors.is_empty(),
        "not found in {CASES} programs: {survivors:#?}"
    );
}
