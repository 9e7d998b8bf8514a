//! Disassembling and assembling again gives the same bytes, for all bytes.

use fiber_vm::asm::{assemble, disassemble, disassemble_one};
use fiber_vm::op::{OPS, decode};
use proptest::prelude::*;

use crate::generate::program;

/// Assembles the disassembly of `bytes` at `origin`.
fn round_trip(origin: u32, bytes: &[u8]) -> (String, Vec<u8>) {
    let mut source = format!(".org 0x{origin:X}\n");
    for line in disassemble(origin, bytes) {
        source += &format!("{line}\n");
    }
    let program = assemble(&source).unwrap_or_else(|error| panic!("{error}\n{source}"));
    let [segment] = &program.segments[..] else {
        panic!("{program:?}")
    };
    assert_eq!(segment.address, origin);
    (source, segment.bytes.clone())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(debug_assertions) { 300 } else { 3_000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn bytes_to_text_to_bytes(
        bytes in program(),
        // Around null, around the end of 64 KiB, and near the end of all addresses.
        origin in prop_oneof![1..300_u32, 0xFF00..0x1_0100_u32, 0xFFFF_F000..0xFFFF_FE00_u32],
    ) {
        let (source, again) = round_trip(origin, &bytes);
        prop_assert_eq!(again, bytes, "{}", source);
    }

    #[test]
    fn the_assembler_takes_any_text(source in "(?s).{0,200}") {
        let _ = assemble(&source);
    }

    #[test]
    fn the_assembler_takes_any_words(
        words in prop::collection::vec(word(), 0..40),
    ) {
        let _ = assemble(&words.concat());
    }
}

/// Something that often stands in a source text.
fn word() -> impl Strategy<Value = String> {
    let names: Vec<String> = OPS.iter().map(|op| op.name.into()).collect();
    let directives = [
        ".org", ".align", ".space", ".u8", ".u16", ".u32", ".text", ".locals", ".fiber", ".const",
    ];
    let bits = [
        "\n", " ", ".1", ".2", ".4", "a:", "a", "b:", "b", "'", "\"x", "\"", "{", "}", "+",
    ];
    let numbers = [
        "0",
        "63",
        "256",
        "0x2000",
        "0xFFFFFFFF",
        "4294967296",
        "-1",
        "0x",
        "9z",
    ];
    prop_oneof![
        1 => prop::sample::select(names).prop_map(|name| name + " "),
        1 => prop::sample::select(directives.to_vec()).prop_map(|name| format!("{name} ")),
        4 => prop::sample::select(bits.to_vec()).prop_map(String::from),
        2 => prop::sample::select(numbers.to_vec()).prop_map(|number| format!("{number} ")),
    ]
}

#[test]
fn every_single_byte_and_every_pair() {
    for first in 0..=0xFF {
        assert_eq!(round_trip(0x2000, &[first]).1, [first]);
        for second in 0..=0xFF {
            assert_eq!(round_trip(0x2000, &[first, second]).1, [first, second]);
        }
    }
}

#[test]
fn every_instruction_comes_back_under_its_own_name() {
    for byte in 0..=0xFF {
        let line = disassemble_one(0x2000, &[byte, 0, 0, 0, 0])
            .unwrap()
            .to_string();
        match decode(byte) {
            Some((op, _)) => {
                let name = line.split([' ', '.']).next().unwrap();
                assert_eq!(name, op.name, "{byte:02X}");
            }
            None => assert_eq!(line, format!(".u8 0x{byte:02X}")),
        }
    }
    assert_eq!(disassemble_one(0x2000, &[]), None);
}

#[test]
fn targets_are_addresses() {
    let text = |bytes: &[u8]| disassemble_one(0x1_2000, bytes).unwrap().to_string();
    assert_eq!(text(&[0x81, 0xFE]), "JMPL.1 0x11FFF");
    assert_eq!(text(&[0x91, 0x30, 0x01]), "JMPL.2 0x13001");
    assert_eq!(text(&[0xA5, 0, 0, 0x30, 0x01]), "XSL.4 0x3001");
    assert_eq!(text(&[0x09, 0x01]), "DV catch");
    assert_eq!(text(&[0x09, 0x41]), "DV 0x41");
    assert_eq!(text(&[0x0A, 0x88]), "RG ls+8");
    assert_eq!(text(&[0x91, 0x30]), ".u8 0x91", "cut off");
}
