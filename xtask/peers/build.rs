//! Compiles what compares with Boost, where Boost is, and notes which compiler this is.

use std::env;
use std::process::Command;

/// What the Debian packages libboost-context-dev and libboost-coroutine-dev bring. A file that is
/// not there has cargo look again each time.
const HEADERS: [&str; 2] = [
    "/usr/include/boost/context/fiber.hpp",
    "/usr/include/boost/coroutine2/all.hpp",
];

fn main() {
    for file in HEADERS {
        println!("cargo::rerun-if-changed={file}");
    }
    println!("cargo::rerun-if-changed=cpp");
    println!("cargo::rustc-check-cfg=cfg(boost)");
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc)
        .arg("--version")
        .output()
        .expect("rustc runs");
    println!(
        "cargo::rustc-env=RUSTC_VERSION={}",
        String::from_utf8_lossy(&version.stdout).trim()
    );

    if !HEADERS
        .iter()
        .all(|file| std::path::Path::new(file).is_file())
    {
        return;
    }
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .std("c++17")
        .opt_level(2)
        .file("cpp/boost.cpp");
    match build.try_compile("peers_boost") {
        Ok(()) => {
            println!("cargo::rustc-cfg=boost");
            println!("cargo::rustc-link-lib=boost_context");
        }
        Err(error) => println!("cargo::warning=Boost is left out: {error}"),
    }
}
