//! The assembler: what it makes of good text, and where it finds the fault in bad text.

use fiber_vm::asm::{AsmErrorKind, AsmErrors, assemble, assemble_with, source_text};
use fiber_vm::{Config, ErrorCode, FiberError, Vm};

/// The bytes of a program of one segment.
fn bytes(source: &str) -> Vec<u8> {
    let program = assemble(source).unwrap_or_else(|error| panic!("{error}"));
    let [segment] = &program.segments[..] else {
        panic!("{program:?}")
    };
    segment.bytes.clone()
}

#[test]
fn literals_are_big_endian_and_data_is_little_endian() {
    assert_eq!(
        bytes("LIT.2 0x1234\n.u16 0x1234\n.u32 -2"),
        [0x5A, 0x12, 0x34, 0x34, 0x12, 0xFE, 0xFF, 0xFF, 0xFF]
    );
}

#[test]
fn push_takes_the_shortest_form() {
    assert_eq!(bytes("PUSH 63"), [0xFF]);
    assert_eq!(bytes("PUSH 64"), [0x4A, 64]);
    assert_eq!(bytes("PUSH 256"), [0x5A, 1, 0]);
    assert_eq!(bytes("PUSH 65536"), [0x6A, 0, 1, 0, 0]);
    assert_eq!(bytes("PUSH -1"), [0x6A, 0xFF, 0xFF, 0xFF, 0xFF]);
    assert_eq!(bytes(".const X 5\nPUSH X"), [0xC5]);
    assert_eq!(
        bytes("PUSH X\n.const X 5"),
        [0x6A, 0, 0, 0, 5],
        "room for any value"
    );
    assert_eq!(bytes("here: PUSH here"), [0x5A, 0x20, 0x00]);
}

#[test]
fn sizes_default_to_four_for_data_and_two_for_code() {
    assert_eq!(
        bytes("FT\nSR\nLIT 1\na: JMPL a\nSLC 0"),
        [0x60, 0x65, 0x6A, 0, 0, 0, 1, 0x91, 0x20, 0x07, 0x96, 0, 0]
    );
}

#[test]
fn operands_are_sums_of_numbers_characters_and_names() {
    let source = ".const K 0x10\n.u8 K+1 K-0b1 'a' 'a'+1 '\\n' '\\'' 1_0 -K+0x11\n.u16 E_null ; c";
    assert_eq!(
        bytes(source),
        [0x11, 0x0F, 97, 98, 10, 39, 10, 1, 0xA1, 0xE0]
    );
}

#[test]
fn comments_texts_and_spaces() {
    assert_eq!(
        bytes("{a ; b}DUP{ -> }\t; { \"\n .text \"a;{}\\x41\\0\" ;\"\n.space 2\n.align 4"),
        [7, b'a', b';', b'{', b'}', b'A', 0, 0, 0, 0, 0, 0]
    );
}

#[test]
fn segments_lines_labels_and_fibers() {
    let source = "
.org 0x30
    NOP
.org 0x10
two: a: b: DUP
    LIT.2 two
.org 0x20
c: .u8 1
.fiber c 0x99 1 -1
.error E_mine 0x501";
    let program = assemble(source).unwrap();
    let segments: Vec<_> = program
        .segments
        .iter()
        .map(|s| (s.address, &s.bytes[..]))
        .collect();
    assert_eq!(
        segments,
        [(0x10, &[7, 0x5A, 0, 0x10][..]), (0x20, &[1]), (0x30, &[0])]
    );
    assert_eq!(program.line(0x10), Some(5));
    assert_eq!(program.line(0x13), Some(6));
    assert_eq!(program.line(0x14), None);
    assert_eq!(program.line(0), None);
    assert_eq!(program.label(0x13), Some(("two", 3)));
    assert_eq!(program.label(0x30), None);
    assert_eq!(program.names["b"], 0x10);
    let [fiber] = &program.fibers[..] else {
        panic!("{:?}", program.fibers)
    };
    assert_eq!(
        (fiber.ep, fiber.gb, &fiber.words[..]),
        (0x20, 0x99, &[1, u32::MAX][..])
    );
    assert_eq!(program.error_name(ErrorCode::new(0x501)), Some("E_mine"));
    assert_eq!(program.error_name(ErrorCode::NULL), Some("E_null"));
    assert_eq!(program.error_name(ErrorCode::new(3)), None);
}

#[test]
fn without_a_fiber_line_main_or_the_first_byte_starts() {
    assert_eq!(assemble("NOP\nmain: RET").unwrap().fibers[0].ep, 0x2001);
    assert_eq!(
        assemble(".org 0x50\nNOP\n.org 0x40\nRET").unwrap().fibers[0].ep,
        0x50
    );
    assert_eq!(assemble("; nothing").unwrap().fibers, []);
}

#[test]
fn host_functions_have_names() {
    let program = assemble_with("DV print\nDV catch", &[("print", 0x41)]).unwrap();
    assert_eq!(program.segments[0].bytes, [9, 0x41, 9, 1]);
}

/// The place of the error in a text, the word, and what is wrong.
fn error(source: &str) -> (u32, u32, String, AsmErrorKind) {
    match assemble(source) {
        Ok(program) => panic!("{source} gives {program:?}"),
        Err(errors) => {
            let first = errors.first().clone();
            (first.line, first.column, first.word, first.kind)
        }
    }
}

/// Asserts the only error of a text of one line.
fn wrong(source: &str, column: u32, word: &str, kind: AsmErrorKind) {
    assert_eq!(error(source), (1, column, word.into(), kind), "{source}");
    assert_eq!(assemble(source).unwrap_err().iter().count(), 1, "{source}");
}

/// The errors of a text, as they are printed.
fn errors(source: &str) -> String {
    assemble(source).unwrap_err().to_string()
}

#[test]
fn all_errors_are_reported_in_the_order_of_the_text() {
    let source = "
main: JMPL nowhere          ; found in the second pass
      FOO 1                 ; in the first
      DUP 1 {
lost: .text \"open
      .u8 1 a 300 b
      LIT.1 256
      .fiber main c 1 d
main: RET
      JZL lost";
    assert_eq!(
        errors(source),
        "2:12: unknown label or constant: `nowhere`
3:7: unknown instruction: `FOO`
4:13: a comment without its `}`: `{`
5:13: a text without its closing quote: `\"open`
6:13: unknown label or constant: `a`
6:15: too large: at most 255 fits: `300`
6:19: unknown label or constant: `b`
7:13: too large: at most 255 fits: `256`
8:19: unknown label or constant: `c`
8:23: unknown label or constant: `d`
9:1: already defined on line 2: `main:`"
    );
}

#[test]
fn what_only_follows_from_an_error_is_not_reported() {
    // A constant whose value is wrong is defined; its uses are fine.
    assert_eq!(
        errors(".const A B\n.const C A\nPUSH A\n.space A\n.align C\n.locals A\nSLIT A"),
        "1:10: must be defined on an earlier line: `B`"
    );
    // Without FOO's length, nothing is known about distances and overlaps.
    assert_eq!(
        errors("FOO\nJMPL.1 far\n.space 1000\nfar: RET\n.org 0x2000\nNOP"),
        "1:1: unknown instruction: `FOO`"
    );
    assert_eq!(
        errors("JMPL.1 far\n.space 1000\nfar: RET\n.org 0x2000\nNOP\nNOP"),
        "1:8: the target is out of reach: use a larger size: `far`
5:1: overwrites what line 1 has put there: `NOP`
6:1: overwrites what line 1 has put there: `NOP`"
    );
    // Nothing after the end of memory is looked at.
    assert_eq!(
        errors(".org 0xFFFFFFFE\nFOO\nNOP\nNOP\nNOP\nFOO\nlate: JMPL late"),
        "2:1: unknown instruction: `FOO`\n4:1: the program is too large: `NOP`"
    );
}

#[test]
fn of_very_many_errors_the_first_are_kept() {
    let errors = assemble(&"FOO\n".repeat(AsmErrors::LIMIT + 3)).unwrap_err();
    assert_eq!(errors.iter().count(), AsmErrors::LIMIT);
    assert_eq!(
        errors.iter().last().unwrap().line as usize,
        AsmErrors::LIMIT
    );
    assert_eq!(errors.omitted(), 3);
    assert!(errors.to_string().ends_with("\nand 3 more errors"));
    let errors = assemble(&"JMPL x\n".repeat(AsmErrors::LIMIT)).unwrap_err();
    assert_eq!(errors.omitted(), 0);
    assert!(
        errors
            .to_string()
            .ends_with("100:6: unknown label or constant: `x`")
    );
}

#[test]
fn errors_have_a_place() {
    use AsmErrorKind::*;
    assert_eq!(
        error("NOP\n  FOO 1"),
        (2, 3, "FOO".into(), UnknownInstruction)
    );
    assert_eq!(
        error("é: NOP ; ü\r\n é: NOP"),
        (2, 2, "é:".into(), DuplicateName { first_line: 1 })
    );
    wrong("dup", 1, "dup", UnknownInstruction);
    wrong(".dup", 1, ".dup", UnknownDirective);
    wrong("JMPL nowhere", 6, "nowhere", UnknownName);
    wrong("PUSH a.b", 6, "a.b", UnknownName);
    wrong("DV nothing", 4, "nothing", UnknownDevice);
    wrong("RG sp", 4, "sp", UnknownRegister);
    wrong("RG ls+128", 4, "ls+128", UnknownRegister);
    wrong("1a: NOP", 1, "1a:", InvalidName);
    wrong(": NOP", 1, ":", InvalidName);
    wrong(
        ".const E_null 1",
        8,
        "E_null",
        DuplicateName { first_line: 0 },
    );
    wrong("SLIT 64", 6, "64", NumberTooLarge { max: 63 });
    wrong("LIT.1 256", 7, "256", NumberTooLarge { max: 255 });
    wrong("LIT.1 -129", 7, "-129", NumberTooLarge { max: 255 });
    wrong(
        "LIT.4 4294967296",
        7,
        "4294967296",
        NumberTooLarge { max: u32::MAX },
    );
    wrong(
        "LIT 99999999999999999999999",
        5,
        "99999999999999999999999",
        NumberTooLarge { max: u32::MAX },
    );
    wrong(".u16 1 65536", 8, "65536", NumberTooLarge { max: 65535 });
    wrong("FTO.4 256", 7, "256", NumberTooLarge { max: 255 });
    wrong("PUSH 0x", 6, "0x", InvalidNumber);
    wrong("PUSH 0xG", 6, "0xG", InvalidNumber);
    wrong("PUSH 1+", 6, "1+", InvalidNumber);
    wrong("PUSH --1", 6, "--1", InvalidNumber);
    wrong("PUSH ''", 6, "''", InvalidNumber);
    wrong("PUSH '\\q'", 6, "'\\q'", UnknownEscape);
    wrong("PUSH 1+'\\q'", 6, "1+'\\q'", UnknownEscape);
    wrong(".text \"\\x4\"", 7, "\"\\x4\"", UnknownEscape);
    wrong(".text \"open", 7, "\"open", UnterminatedText);
    wrong(".text x", 7, "x", NotText);
    wrong("DUP {a -> a", 5, "{", UnterminatedComment);
    wrong("DUP.1", 1, "DUP.1", InvalidSize);
    wrong("FT.3", 1, "FT.3", InvalidSize);
    wrong("FT.", 1, "FT.", InvalidSize);
    wrong("PUSH", 5, "", MissingOperand);
    wrong(".u8", 4, "", MissingOperand);
    wrong(".const X", 9, "", MissingOperand);
    wrong(".fiber", 7, "", MissingOperand);
    wrong("DUP 1", 5, "1", UnexpectedOperand);
    wrong("LIT 1 2", 7, "2", UnexpectedOperand);
    wrong("NOP NOP", 5, "NOP", UnexpectedOperand);
    wrong(".const A B", 10, "B", NotKnownYet);
    wrong(".space later", 8, "later", NotKnownYet);
    wrong(".align 0", 8, "0", InvalidNumber);
    wrong(".locals 6", 9, "6", InvalidLocals);
    wrong(".locals 256", 9, "256", InvalidLocals);
    wrong("JMPL.1 0x2081", 8, "0x2081", TargetTooFar);
    wrong("JMPL.2 0x12000", 8, "0x12000", TargetTooFar);
    wrong(".space 0xFFFFFFFF", 1, ".space", ImageTooLarge);
    assert_eq!(
        error(".org 0xFFFFFFFE\nNOP\nNOP"),
        (3, 1, "NOP".into(), ImageTooLarge)
    );
    assert_eq!(
        error(".org 0x10\nLIT 1\n.org 0x14\nNOP"),
        (4, 1, "NOP".into(), Overlap { first_line: 2 })
    );
    assert_eq!(
        error(".org 0x14\nNOP\n.org 0x10\nLIT 1"),
        (4, 1, "LIT".into(), Overlap { first_line: 2 })
    );
}

#[test]
fn invalid_utf8_has_a_place() {
    let error = source_text(b"NOP\n \xC3\xA9 \xFF").unwrap_err();
    assert_eq!(
        (error.line, error.column, error.kind),
        (2, 4, AsmErrorKind::InvalidUtf8)
    );
    assert_eq!(source_text("NOP é".as_bytes()), Ok("NOP é"));
}

#[test]
fn errors_read_well() {
    let error = assemble("\n  JMPL nowhere").unwrap_err();
    assert_eq!(
        error.to_string(),
        "2:8: unknown label or constant: `nowhere`"
    );
    let error = assemble("PUSH").unwrap_err();
    assert_eq!(error.to_string(), "1:5: an operand is missing");
}

#[test]
fn a_program_that_does_not_fit_is_refused() {
    let config = Config {
        memory: 0x2000,
        fibers: 1,
        ..Config::default()
    };
    let mut vm = Vm::new(config).unwrap();
    let program = assemble(".org 0x2200\nNOP").unwrap();
    let error = program.load(&mut vm).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the program does not fit into memory at 2200: E_oob"
    );
    let program = assemble(".org 0x10\nmain: NOP\n.fiber main\n.fiber main").unwrap();
    let error = program.load(&mut vm).unwrap_err();
    assert_eq!(error, fiber_vm::asm::LoadError::Fiber(FiberError::NoneFree));
}
