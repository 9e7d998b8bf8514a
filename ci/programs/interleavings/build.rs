//! Copies of `index.rs` and `lock.rs` from `sure-stack`, in which the model's atomics and locks take the place of
//! the real ones. Besides the true copies there are broken ones, each changed in one place.

use std::path::Path;
use std::{env, fs};

/// Where the originals are, from this package.
const SOURCES: &str = "../../../crates/sure-stack/src/hosted";

/// What stands in the original, and what stands in the copy instead.
type Exchange = (&'static str, &'static str);

/// What is exchanged in every copy of the index.
const INDEX: &[Exchange] = &[
    (
        "use core::sync::atomic::{AtomicPtr, AtomicUsize};",
        "use crate::model::atomic::{AtomicPtr, AtomicUsize};",
    ),
    (
        "use std::alloc::{Layout, alloc};",
        "use crate::model::heap::{Layout, alloc};",
    ),
    ("use std::boxed::Box;", "use crate::model::heap::Box;"),
];

/// What is exchanged in every copy of the locks.
const LOCK: &[Exchange] = &[
    (
        "use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};",
        "use crate::model::atomic::{AtomicBool, AtomicUsize};\nuse crate::model::pthread as libc;\nuse core::sync::atomic::Ordering;",
    ),
    // A thread of the model may panic, and be unwound, in the middle of them.
    ("extern \"C\" fn", "extern \"C-unwind\" fn"),
];

/// Broken copies: their name, the original, what is exchanged besides.
const BROKEN: &[(&str, &str, &[Exchange])] = &[
    (
        "index_without_the_lock",
        "index.rs",
        &[("INDEX.locked(|| {", "crate::model::at_once(|| {")],
    ),
    (
        "index_that_frees_at_once",
        "index.rs",
        &[(
            "first.is_null() || self.searches.are_under_way()",
            "first.is_null()",
        )],
    ),
    (
        "index_with_a_weak_store",
        "index.rs",
        &[(
            "before[level][level].store(node.next[level].load(Relaxed), SeqCst);",
            "before[level][level].store(node.next[level].load(Relaxed), core::sync::atomic::Ordering::Release);",
        )],
    ),
    (
        "index_that_counts_late",
        "index.rs",
        &[
            ("        let search = self.searches.begin();\n", ""),
            (
                "        let result = found",
                "        let search = self.searches.begin();\n        let result = found",
            ),
        ],
    ),
    (
        "index_of_all_generations",
        "index.rs",
        &[("lock::generation() << (usize::BITS / 2)", "0")],
    ),
    (
        "lock_without_handlers",
        "sys/lock.rs",
        &[("        outlive_fork();\n", "")],
    ),
    (
        "lock_that_trusts_the_first",
        "sys/lock.rs",
        &[(
            "if DONE.load(Ordering::Acquire) {",
            "if DONE.swap(true, Ordering::AcqRel) {",
        )],
    ),
    (
        "lock_whose_handlers_do_not_count",
        "sys/lock.rs",
        &[("if HANDLERS.get() == 0 {", "if HANDLERS.get() < 2 {")],
    ),
];

fn main() {
    let out = env::var("OUT_DIR").expect("cargo says where");
    let (sources, out) = (Path::new(SOURCES), Path::new(&out));
    let copy = |original: &str, name: &str, changes: &[Exchange]| {
        let path = sources.join(original);
        println!("cargo::rerun-if-changed={}", path.display());
        let mut text = fs::read_to_string(&path).expect("the original");
        let both = if original == "index.rs" { INDEX } else { LOCK };
        for (from, to) in both.iter().chain(changes) {
            assert!(text.contains(from), "{original} has no {from:?} any more");
            text = text.replace(from, to);
        }
        // An included file cannot have documentation of its own.
        let text = text.replace("\n//!", "\n//").replacen("//!", "//", 1);
        fs::write(out.join(name).with_extension("rs"), text).expect("room");
    };
    println!("cargo::rerun-if-changed=build.rs");
    copy("index.rs", "index", &[]);
    copy("sys/lock.rs", "lock", &[]);
    for (name, original, changes) in BROKEN {
        copy(original, name, changes);
    }
}
