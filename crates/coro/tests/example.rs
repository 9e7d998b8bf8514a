//! The large examples, as a newcomer runs them.

use std::process::{Command, Output};

fn example(name: &str, features: &[&str], arguments: &[&str]) -> Output {
    let profile = if cfg!(debug_assertions) {
        "dev"
    } else {
        "release"
    };
    Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "coro", "--profile", profile])
        .args(["--example", name])
        .args(features)
        .arg("--")
        .args(arguments)
        .output()
        .expect("cargo runs")
}

fn million(arguments: &[&str]) -> Output {
    example("million", &[], arguments)
}

fn stack_size_report(arguments: &[&str]) -> Output {
    example("stack_size_report", &[], arguments)
}

fn scripts(arguments: &[&str]) -> Output {
    example("scripts", &[], arguments)
}

fn tasks(arguments: &[&str]) -> Output {
    example("tasks", &[], arguments)
}

fn parsers(arguments: &[&str]) -> Output {
    example("parsers", &[], arguments)
}

#[cfg(feature = "async")]
fn server(arguments: &[&str]) -> Output {
    example("server", &["--features", "async"], arguments)
}

fn file(name: &str, text: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str()
        .expect("the target directory has a readable name")
        .to_owned()
}

#[test]
fn parses_cargo_metadata_in_many_coroutines() {
    let output = parsers(&["--coroutines", "20"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    let stages = [
        "created",
        "trampoline",
        "running",
        "suspended",
        "resumed",
        "complete",
    ];
    let places: Vec<_> = stages.iter().map(|stage| text.find(stage)).collect();
    assert!(
        places.is_sorted() && places.iter().all(Option::is_some),
        "{text}"
    );
    assert!(
        text.contains("20, each result equal to a direct parse"),
        "{text}"
    );
}

#[test]
fn parses_a_file_byte_by_byte() {
    let good = file(
        "good.json",
        r#"{"names": ["a", "b"], "numbers": [1, -2, 3.5, null, true]}"#,
    );
    let output = parsers(&["--coroutines", "50", "--chunk", "1", &good]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("suspensions         2850"),
        "57 in each: {text}"
    );
}

#[test]
fn bad_input_is_one_line_and_exit_code_1() {
    let broken = file("broken.json", "{\"a\":\n[1, 2, tru]}");
    let binary = file("binary.json", "\u{0}\u{1}");
    let empty = file("empty.json", "");
    let cases: [(&[&str], &str); 6] = [
        (&["/nowhere/at.all"], "parsers: /nowhere/at.all: "),
        (
            &["--chunk", "2", &broken],
            "coroutine `document 0`: expected ident at line 2 column 11",
        ),
        (
            &[&binary],
            "coroutine `document 0`: expected value at line 1 column 1",
        ),
        (
            &[&empty],
            "coroutine `document 0`: EOF while parsing a value at line 1 column 0",
        ),
        (
            &["--coroutines", "0"],
            "--coroutines takes a number from 1 on",
        ),
        (&["--nonsense"], "there is no --nonsense"),
    ];
    for (arguments, expected) in cases {
        let output = parsers(arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {message}");
        assert!(message.contains(expected), "{arguments:?}: {message}");
        assert_eq!(message.trim_end().lines().count(), 1, "{message}");
    }
}

#[cfg(feature = "async")]
#[test]
fn serves_connections_in_coroutines_of_one_thread_and_in_threads() {
    let output = server(&["--connections", "40", "--pause", "2", "--piece", "30"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(text.contains("Each of 80 answers equals"), "{text}");
    for (variant, threads) in [("coroutines", "1"), ("threads", "41")] {
        let row = text.lines().find(|line| line.starts_with(variant));
        let columns: Vec<_> = row.expect(variant).split('|').map(str::trim).collect();
        let [_, time, processor, peak, each, most] = columns[..] else {
            panic!("{text}");
        };
        for number in [time, processor, peak, each] {
            assert!(number.parse::<f64>().is_ok_and(|n| n >= 0.0), "{text}");
        }
        assert_eq!(most, threads, "{text}");
    }
}

#[cfg(feature = "async")]
#[test]
fn bad_arguments_of_the_server_are_one_line_and_exit_code_1() {
    for (arguments, expected) in [
        (["--connections", "0"], "takes a number from 1 on"),
        (["--connections", "10001"], "10000 connections at most"),
        (["--serve", "nothing"], "usage: server"),
        (["--nonsense", ""], "there is no --nonsense"),
    ] {
        let output = server(&arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {message}");
        assert!(message.contains(expected), "{arguments:?}: {message}");
        assert_eq!(message.trim_end().lines().count(), 1, "{message}");
    }
}

/// The number behind a word at the beginning of a line.
fn number(text: &str, word: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(word));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_else(|| panic!("no {word} in: {text}"))
}

#[test]
fn a_million_would_fit_as_ten_thousand_do() {
    let output = million(&["--coroutines", "10000"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(text.contains("10000, all alive at the same time"), "{text}");
    let memory = number(&text, "resident") + number(&text, "page tables");
    if text.contains("lightweight") {
        assert!(number(&text, "VMAs") < 1000, "{text}");
        // A page for each, two for the larger frames of a debug build, with
        // its part of a page table and of the list.
        let pages = if cfg!(debug_assertions) { 2 } else { 1 };
        assert!(memory <= pages * 4096 + 640, "{text}");
    }
    for what in ["create", "first resume", "resume", "finish", "drop"] {
        number(&text, &format!("{what} "));
    }
}

#[test]
fn protected_guards_end_with_an_error_that_names_the_limit() {
    let output = million(&["--coroutines", "100000", "--guards", "mprotect"]);
    let message = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        // The limit is higher here.
        return;
    }
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.starts_with("million: after "), "{message}");
    assert!(message.contains("raise vm.max_map_count"), "{message}");
    assert_eq!(message.trim_end().lines().count(), 1, "{message}");
}

#[test]
fn what_cannot_be_is_refused_in_one_sentence() {
    let huge = usize::MAX.to_string();
    let cases: [(&[&str], &str); 7] = [
        (
            &["--coroutines", "4000000000"],
            "MiB are available: use --coroutines",
        ),
        (
            &["--coroutines", &huge],
            "MiB are available: use --coroutines",
        ),
        (
            &["--coroutines", "2", "--stack", &huge],
            "exceed the address space",
        ),
        (
            &["--coroutines", "0"],
            "--coroutines takes a number from 1 on",
        ),
        (&["--stack", "1"], "--stack takes a number from 16384 on"),
        (&["--guards", "none"], "--guards is automatic or mprotect"),
        (&["--nonsense"], "there is no --nonsense"),
    ];
    for (arguments, expected) in cases {
        let output = million(arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {message}");
        assert!(message.contains(expected), "{arguments:?}: {message}");
        assert_eq!(message.trim_end().lines().count(), 1, "{message}");
    }
}

#[test]
fn stack_use_is_reported_and_drawn() {
    let chart = file("stacks.svg", "");
    let output = stack_size_report(&["--coroutines", "40", &chart]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    for part in [
        "40 coroutines",
        "would have served 99.9 %",
        "parse JSON: half used up to",
    ] {
        assert!(text.contains(part), "no {part}: {text}");
    }
    let drawn = std::fs::read_to_string(&chart).unwrap();
    assert!(
        drawn.starts_with("<svg ") && drawn.ends_with("</svg>\n"),
        "{drawn}"
    );
    assert!(drawn.contains("would have served 99.9 %"));
    assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
}

#[test]
fn a_report_that_cannot_be_made_is_one_line() {
    let cases: [(&[&str], &str); 3] = [
        (
            &["--coroutines", "0"],
            "--coroutines takes a number from 1 on",
        ),
        (&["--nonsense"], "there is no --nonsense"),
        (
            &["--coroutines", "1", "/proc/none/chart.svg"],
            "/proc/none/chart.svg: ",
        ),
    ];
    for (arguments, expected) in cases {
        let output = stack_size_report(arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {message}");
        assert!(message.contains(expected), "{arguments:?}: {message}");
        assert_eq!(message.trim_end().lines().count(), 1, "{message}");
    }
}

#[test]
fn scripts_share_a_world() {
    let output = scripts(&["--characters", "100", "--turns", "700"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    // 60 miners and 20 thieves; guards and thieves never retire.
    assert!(text.contains("100, of whom 60 have retired"), "{text}");
    let thefts = number(&text, "thefts");
    assert!((20 * 10..20 * 30).contains(&thefts), "{text}");
    assert!(text.contains("ns each"), "{text}");
    for arguments in [["--turns", "0"], ["--nonsense", "1"]] {
        let output = scripts(&arguments);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(message.trim_end().lines().count(), 1, "{message}");
    }
}

#[test]
fn tasks_of_one_thread_join_sleep_and_talk() {
    let output = tasks(&["--tasks", "500", "--connections", "20"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    // The main task, the server, and two for each connection are more.
    assert!((501..=542).contains(&number(&text, "tasks")), "{text}");
    assert!(text.contains("joined   500 workers"), "{text}");
    assert!(text.contains("20 connections, 200 lines echoed"), "{text}");
    for arguments in [["--connections", "1000"], ["--nonsense", "1"]] {
        let output = tasks(&arguments);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(message.trim_end().lines().count(), 1, "{message}");
    }
}

#[test]
fn a_host_survives_the_faults_of_its_guests() {
    let run = example("trap", &[], &[]);
    assert!(run.status.success(), "{run:?}");
    let said = String::from_utf8(run.stdout).unwrap();
    let lines: Vec<_> = said
        .lines()
        .filter(|line| line.contains("Complete("))
        .collect();
    let expected = [
        "a depth of 0: Complete(BadAddress(16))",
        "a depth of 1000000000: Complete(Overflow)",
    ];
    assert_eq!(lines, expected, "{said}");
}
