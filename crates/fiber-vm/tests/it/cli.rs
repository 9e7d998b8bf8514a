//! The command-line program, as a child process.

use std::path::{Path, PathBuf};
use std::process::Output;
use testing::child::command;

fn fiber_vm(args: &[&str]) -> Output {
    command(env!("CARGO_BIN_EXE_fiber-vm"))
        .args(args)
        .output()
        .unwrap()
}

/// A file of its own for a test.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn program(name: &str) -> String {
    format!("{}/programs/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Asserts an error of a source text: where, and the whole report after the path.
fn refused(name: &str, source: &[u8], place: &str, report: &str) {
    let path = file(name, source);
    let path = path.to_str().unwrap();
    for command in [
        &["run", path][..],
        &["list", path],
        &["asm", path, "-o", "/dev/null"],
    ] {
        let output = fiber_vm(command);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert_eq!(text(&output.stdout), "");
        let (message, excerpt) = report.split_once('\n').unwrap();
        let margin = place.split(':').next().unwrap().len();
        let arrow = format!("{}--> {path}:{place}", " ".repeat(margin));
        assert_eq!(
            text(&output.stderr),
            format!("error: {message}\n{arrow}\n{excerpt}\n")
        );
    }
}

#[test]
fn all_errors_of_a_source_are_shown() {
    let path = file(
        "errors.fvm",
        b"main: FOO\n\n  JMPL nowhere ; and back\n  .u8 1 x\n",
    );
    let path = path.to_str().unwrap();
    let output = fiber_vm(&["run", path]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    assert_eq!(
        text(&output.stderr),
        format!(
            "error: unknown instruction: `FOO`
 --> {path}:1:7
  |
1 | main: FOO
  |       ^^^
error: unknown label or constant: `nowhere`
 --> {path}:3:8
  |
3 |   JMPL nowhere ; and back
  |        ^^^^^^^
error: unknown label or constant: `x`
 --> {path}:4:9
  |
4 |   .u8 1 x
  |         ^
"
        )
    );

    let path = file("many.fvm", "FOO\n".repeat(107).as_bytes());
    let output = fiber_vm(&["run", path.to_str().unwrap()]);
    let stderr = text(&output.stderr);
    assert_eq!(stderr.matches("error: unknown instruction").count(), 100);
    assert!(stderr.ends_with("^^^\n… and 7 more errors\n"), "{stderr}");
}

#[test]
fn the_example_programs_run() {
    let mut count = 0;
    for entry in std::fs::read_dir(program("")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "fvm") {
            let output = fiber_vm(&["run", path.to_str().unwrap()]);
            assert_eq!(
                output.status.code(),
                Some(0),
                "{path:?}: {}",
                text(&output.stderr)
            );
            let expected = std::fs::read_to_string(path.with_extension("out")).unwrap();
            assert_eq!(text(&output.stdout), expected);
            assert_eq!(text(&output.stderr), "");
            count += 1;
        }
    }
    assert_eq!(count, 5);
}

#[test]
fn a_trace_shows_what_each_fiber_did() {
    let path = file(
        "trace.fvm",
        b".fiber a\n.fiber b\na: PUSH 7 ; seven\n YLD\n RET\nb: RET\n",
    );
    let output = fiber_vm(&["run", path.to_str().unwrap(), "--trace"]);
    assert_eq!(output.status.code(), Some(0));
    let lines: Vec<String> = text(&output.stderr)
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        lines,
        [
            "fiber 0 line 3 00002000 SLIT 7 {} calls 0",
            "fiber 0 line 4 00002001 YLD {7} calls 0",
            "fiber 1 line 6 00002003 RET {} calls 0",
            "fiber 0 line 5 00002002 RET {7} calls 0",
            "fiber 0 done, at 2003 (b) at line 6, working stack {7}, calls 0",
            "fiber 1 done, at 2004 (b+1), working stack {}, calls 0",
        ]
    );
}

#[test]
fn an_uncaught_panic_is_reported_with_its_place_and_stacks() {
    let source = b".error E_mine 0x501
.fiber main
.fiber fine
main:
\tXLL f ; call
\tRET
f:\t.locals 8
\tPUSH 7
\tPUSH 0
\tPUSH 1
\tPUSH E_mine
\tDV assert ; boom
fine: PUSH 'A'
\tDV emit
\tRET
";
    let path = file("panic.fvm", source);
    let output = fiber_vm(&["run", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "A", "the other fiber goes on");
    let expected = format!(
        "error: fiber 0 panicked with E_mine (501)
  --> {}:12:2
   |
12 | \tDV assert ; boom
   | \t^^^^^^^^^
  ep             200D (fine) at line 13
  working stack  {{7}}
  call stack     newest frame first
    returns to   2003 (main+3) at line 6, 8 bytes of locals
",
        path.display()
    );
    assert_eq!(text(&output.stderr), expected);
}

#[test]
fn bad_sources_are_refused_with_a_caret() {
    refused(
        "word.fvm",
        b"NOP\n\tFOO 1 ; x\n",
        "2:2",
        "\
unknown instruction: `FOO`
  |
2 | \tFOO 1 ; x
  | \t^^^",
    );
    refused(
        "large.fvm",
        "é: LIT.1 256".as_bytes(),
        "1:10",
        "\
too large: at most 255 fits: `256`
  |
1 | é: LIT.1 256
  |          ^^^",
    );
    refused(
        "label.fvm",
        b"\n\n\n\n\n\n\n\n\nJMPL nowhere",
        "10:6",
        "\
unknown label or constant: `nowhere`
   |
10 | JMPL nowhere
   |      ^^^^^^^",
    );
    refused(
        "twice.fvm",
        b"a: NOP\na: NOP\n",
        "2:1",
        "\
already defined on line 1: `a:`
  |
2 | a: NOP
  | ^^",
    );
    refused(
        "comment.fvm",
        b"DUP { a -> a a\n",
        "1:5",
        "\
a comment without its `}`: `{`
  |
1 | DUP { a -> a a
  |     ^",
    );
    refused(
        "missing.fvm",
        b"PUSH",
        "1:5",
        "\
an operand is missing
  |
1 | PUSH
  |     ^",
    );
    refused(
        "utf8.fvm",
        b"NOP\nNOP \xFF\n",
        "2:5",
        "\
the file is not UTF-8
  |
2 | NOP \u{FFFD}
  |     ^",
    );
    refused(
        "escape.fvm",
        b"\x1B[31m",
        "1:1",
        "\
unknown instruction: `\u{FFFD}[31m`
  |
1 | \u{FFFD}[31m
  | ^^^^^",
    );
}

#[test]
fn missing_files_and_impossible_sizes_are_refused() {
    for command in ["run", "list", "dis"] {
        let output = fiber_vm(&[command, "/no/such/file"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).starts_with("error: /no/such/file: "));
    }
    let sieve = program("sieve.fvm");
    for (args, message) in [
        (["--ws", "0"], "a working stack of 0 words"),
        (["--cs", "70000"], "a call stack of 70000 frames"),
        (["--ls", "3"], "a locals stack of 3 bytes"),
        (["--memory", "6"], "a memory of 6 bytes"),
        (
            ["--memory", "0xFFFFFFFC"],
            "memory and locals stacks do not fit",
        ),
        (
            ["--memory", "0x1000"],
            "the program does not fit into memory at 2000: E_oob",
        ),
        (
            ["--fibers", "1"],
            "the program's fibers do not fit: no fiber is free",
        ),
        (["--fuel", "100"], "out of fuel, with 3 fibers left to run"),
    ] {
        let output = fiber_vm(&["run", &sieve, args[0], args[1]]);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let stderr = text(&output.stderr);
        assert!(stderr.starts_with(&format!("error: {message}")), "{stderr}");
    }
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for args in [
        &[][..],
        &["run"],
        &["walk", "x"],
        &["run", "x", "--fuel", "many"],
        &["run", "x", "--ws", "0x"],
        &["run", "x", "--fibers", "4294967296"],
        &["asm", "x"],
    ] {
        let output = fiber_vm(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(
            text(&output.stderr).contains("'--help'") || args.is_empty(),
            "{args:?}"
        );
    }
    let output = fiber_vm(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("Usage: fiber-vm <COMMAND>"));
}

#[test]
fn assembling_and_disassembling_is_a_round_trip() {
    for name in ["rules", "sieve", "supervisor"] {
        let (first, again) = (file("first.bin", b""), file("again.bin", b""));
        let text_file = file("again.fvm", b"");
        let path = |path: &Path| String::from(path.to_str().unwrap());
        let asm = |source: &str, output: &Path| {
            let output = fiber_vm(&["asm", source, "-o", &path(output)]);
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        };
        asm(&program(&format!("{name}.fvm")), &first);
        let listing = fiber_vm(&["dis", &path(&first)]);
        assert_eq!(listing.status.code(), Some(0));
        std::fs::write(&text_file, listing.stdout).unwrap();
        asm(&path(&text_file), &again);
        let first = std::fs::read(first).unwrap();
        assert!(first.len() > 100);
        assert_eq!(first, std::fs::read(again).unwrap());
    }
    let bytes = file("high.bin", &[0; 16]);
    let output = fiber_vm(&["dis", bytes.to_str().unwrap(), "--origin", "0xFFFFFFF8"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("pass the last address"));
    let gap = file("gap.fvm", b".org 0x10\nNOP\n.org 0xF0000000\nNOP");
    let output = fiber_vm(&["asm", gap.to_str().unwrap(), "-o", "/dev/null"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("too many for one image"));
}

#[test]
fn a_listing_shows_bytes_beside_lines() {
    let path = file(
        "list.fvm",
        b"main: PUSH 5 ; five\n.text \"0123456789\"\nRET\n",
    );
    let output = fiber_vm(&["list", path.to_str().unwrap()]);
    let lines: Vec<&str> = text(&output.stdout).lines().map(str::trim_end).collect();
    assert_eq!(
        lines,
        [
            "00002000  C5                       main: PUSH 5 ; five",
            "00002001  30 31 32 33 34 35 36 37  .text \"0123456789\"",
            "00002009  38 39",
            "0000200B  02                       RET",
        ]
    );
}

/// The reader of an endless program has gone: the program stops.
#[cfg(unix)]
#[test]
fn a_closed_output_stops_the_program() {
    use std::process::Stdio;
    let path = file("endless.fvm", b"main: PUSH 65\nDV emit\nJMPL main\n");
    let mut child = command(env!("CARGO_BIN_EXE_fiber-vm"))
        .args(["run", path.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        !text(&output.stderr).contains("panicked"),
        "{}",
        text(&output.stderr)
    );
}
