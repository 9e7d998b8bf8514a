//! libFuzzer around one of the targets, which `FUZZ_TARGET` names; the arguments are libFuzzer's.
#![no_main]

use fuzz::Target;
use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

static TARGET: OnceLock<&Target> = OnceLock::new();

fuzz_target!(
    init: {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        let Some(target) = fuzz::target(&name) else {
            let names: Vec<_> = fuzz::TARGETS.iter().map(|target| target.name).collect();
            eprintln!("FUZZ_TARGET is {name:?}, which is none of {names:?}");
            std::process::exit(2);
        };
        (target.prepare)();
        let _ = TARGET.set(target);
    },
    |bytes: &[u8]| {
        let target = TARGET.get().expect("set at the beginning");
        (target.run)(bytes);
    }
);
