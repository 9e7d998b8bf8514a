//! Finds out whether the crate is compiled for a sanitizer, so that this depends on no feature that
//! a program would have to ask for: a build with `-Zsanitizer=…` announces its switches.
//!
//! Cargo tells a build script what the compiler says of the target (`rustc --print cfg`), which with
//! that option is `sanitize="…"`, too. Code cannot ask for it: that `cfg` is not stable.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let has = |name: &str| env::var_os(format!("CARGO_CFG_{name}")).is_some();
    // There the executions are threads, whose switches a sanitizer sees by itself.
    let portable = has("SURE_CONTEXT_PORTABLE") || has("WINDOWS");
    let enabled = env::var("CARGO_CFG_SANITIZE").unwrap_or_default();
    for (sanitizer, cfg) in [
        ("address", "sure_context_asan"),
        ("thread", "sure_context_tsan"),
    ] {
        println!("cargo::rustc-check-cfg=cfg({cfg})");
        if !portable && enabled.split(',').any(|it| it == sanitizer) {
            println!("cargo::rustc-cfg={cfg}");
        }
    }
}
