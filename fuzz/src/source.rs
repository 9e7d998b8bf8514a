//! Any text through the assembler: an error with a place in the text, or a program. And the same
//! bytes through the disassembler and back.

use fiber_vm::asm::{AsmErrors, assemble, disassemble, source_text};

pub(crate) fn run(input: &[u8]) {
    any_text(input);
    if !input.is_empty() {
        round_trip(input);
    }
}

fn round_trip(input: &[u8]) {
    let lines = disassemble(0x2000, input).map(|line| format!("{line}\n"));
    let source: String = lines.collect();
    assert_eq!(assemble(&source).unwrap().segments[0].bytes, input);
}

fn any_text(input: &[u8]) {
    let result = source_text(input)
        .map_err(AsmErrors::from)
        .and_then(assemble);
    match result {
        Ok(program) => {
            for pair in program.segments.windows(2) {
                assert!(pair[0].address + (pair[0].bytes.len() as u32) < pair[1].address);
            }
        }
        Err(errors) => {
            let text = String::from_utf8_lossy(input);
            for error in &errors {
                let line = text
                    .lines()
                    .nth(error.line as usize - 1)
                    .unwrap_or_default();
                let rest: String = line.chars().skip(error.column as usize - 1).collect();
                assert!(rest.starts_with(&error.word), "{error:?}");
            }
            assert!(
                errors
                    .iter()
                    .is_sorted_by_key(|error| (error.line, error.column))
            );
        }
    }
}
