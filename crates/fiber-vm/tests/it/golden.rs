//! The example programs print what their `.out` files say.

use fiber_vm::asm::assemble_with;
use fiber_vm::{Config, Summary, Vm, console};

/// Runs a program with the console; what it printed, and how the run went.
fn run(source: &str) -> (String, Summary) {
    let program = assemble_with(source, console::NAMES).unwrap_or_else(|error| panic!("{error}"));
    let mut printed = String::new();
    let mut vm = Vm::new(Config {
        fibers: 1001,
        ..Config::default()
    })
    .unwrap();
    console::install(&mut vm, &mut printed).unwrap();
    program.load(&mut vm).unwrap();
    let summary = vm.run_for(1_000_000_000);
    drop(vm);
    (printed, summary)
}

macro_rules! golden {
    ($name:ident, fibers = $fibers:literal) => {
        #[test]
        fn $name() {
            let (printed, summary) = run(include_str!(concat!(
                "../../programs/",
                stringify!($name),
                ".fvm"
            )));
            let expected = include_str!(concat!("../../programs/", stringify!($name), ".out"));
            assert_eq!(printed, expected);
            assert_eq!(
                (summary.done, summary.panicked, summary.idle),
                ($fibers, 0, true)
            );
        }
    };
}

golden!(catch_locals, fibers = 1);
golden!(producer_consumer, fibers = 2);
golden!(rules, fibers = 2);
golden!(sieve, fibers = 1001);
golden!(supervisor, fibers = 2);

/// All there are are tested.
#[test]
fn every_program_has_a_test() {
    let source = include_str!("golden.rs");
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/programs");
    // Under emulation the directory may be elsewhere.
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let stem = name.split('.').next().unwrap();
        assert!(source.contains(&format!("golden!({stem},")), "{name}");
    }
}

#[test]
fn the_console_refuses_what_it_cannot_do() {
    let code = |source: &str| {
        let (printed, summary) = run(source);
        (
            printed,
            summary.first_panic.map(|(_, code)| code.to_string()),
        )
    };
    let panic = |name: &str| Some(String::from(name));
    assert_eq!(
        code("PUSH 0xD800\nDV emit"),
        (String::new(), panic("E_intern"))
    );
    assert_eq!(code("PUSH 0xE9\nDV emit\nRET"), (String::from("é"), None));
    assert_eq!(
        code("PUSH 0\nPUSH 1\nDV type"),
        (String::new(), panic("E_null"))
    );
    assert_eq!(
        code("SLC.1 3\n.text \"a\\xFFb\"\nDV type\nRET"),
        (String::from("a\u{FFFD}b"), None)
    );
    assert_eq!(
        code("main: PUSH 5\nPUSH child\nPUSH 0\nDV spawn\nDRP\nJMPL main\nchild: RET").1,
        panic("E_oom")
    );
}
