//! Finds out whether the crate is compiled for a sanitizer, so that this depends on no feature that
//! a program would have to ask for. (As the build script of `sure-context`, which says how.)

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let enabled = env::var("CARGO_CFG_SANITIZE").unwrap_or_default();
    for (sanitizer, cfg) in [
        ("address", "sure_stack_asan"),
        ("thread", "sure_stack_tsan"),
    ] {
        println!("cargo::rustc-check-cfg=cfg({cfg})");
        if enabled.split(',').any(|it| it == sanitizer) {
            println!("cargo::rustc-cfg={cfg}");
        }
    }
}
