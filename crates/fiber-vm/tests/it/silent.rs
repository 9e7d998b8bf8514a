//! Corners of the instruction set: which check comes first, what a panic leaves behind, and where
//! addresses end.

use fiber_vm::{Config, ErrorCode, Exit, Vm};

use crate::support::{load, load_with};

/// Runs one line after another up to a panic: its code, what was left, and `ep` from the start.
fn panics(source: &str) -> (ErrorCode, Vec<u32>, u32) {
    let config = Config {
        fibers: 1,
        ..Config::default()
    };
    let mut t = load_with(config, &source.replace('|', "\n"));
    match t.run() {
        Exit::Panicked(code) => (code, t.ws(), t.fiber().ep().wrapping_sub(0x2000)),
        exit => panic!("{source}: {exit:?} with {:X?}", t.ws()),
    }
}

/// Runs one line after another: what is left.
fn gives(source: &str) -> Vec<u32> {
    let mut t = load(&format!("{}\nRET", source.replace('|', "\n")));
    assert_eq!(t.run(), Exit::Done, "{source}");
    t.ws()
}

#[test]
fn each_check_follows_the_pop_that_it_needs() {
    use fiber_vm::ErrorCode as E;
    // A bad address or divisor is seen before the missing operand below it.
    assert_eq!(panics("PUSH 0|SR"), (E::NULL, vec![], 2));
    assert_eq!(panics("PUSH -1|SR"), (E::OUT_OF_BOUNDS, vec![], 6));
    assert_eq!(panics("PUSH 0|SRO.4 0"), (E::NULL, vec![], 3));
    assert_eq!(panics("PUSH 0|DIV_U"), (E::DIVIDE_BY_ZERO, vec![], 2));
    assert_eq!(panics("PUSH 0|DIV_S"), (E::DIVIDE_BY_ZERO, vec![], 2));
    assert_eq!(panics("PUSH 0|MOD"), (E::DIVIDE_BY_ZERO, vec![], 2));
    assert_eq!(panics("PUSH 1|DIV_U"), (E::STACK_UNDERFLOW, vec![], 2));
    // Stores without an address operand pop first.
    assert_eq!(panics("SRGL.4 0"), (E::STACK_UNDERFLOW, vec![], 3));
    assert_eq!(panics("PUSH 1|SRGL.4 0"), (E::NULL, vec![], 4));
    assert_eq!(panics("PUSH 1|SRLL.4 0"), (E::OUT_OF_BOUNDS, vec![], 3));
    // Blocks: the source before the destination is popped.
    assert_eq!(panics("PUSH 0|PUSH 1|DV memmove"), (E::NULL, vec![], 4));
    assert_eq!(panics("PUSH 0|PUSH 1|DV memcmp"), (E::NULL, vec![], 4));
    assert_eq!(
        panics("PUSH 0|PUSH 1|DV memset"),
        (E::STACK_UNDERFLOW, vec![], 4)
    );
    // Loads check before they push.
    assert_eq!(panics("PUSH 1|FTGL.4 0"), (E::NULL, vec![1], 4));
}

#[test]
fn nothing_popped_is_put_back() {
    use fiber_vm::ErrorCode as E;
    assert_eq!(panics("PUSH 1|ADD"), (E::STACK_UNDERFLOW, vec![], 2));
    assert_eq!(panics("PUSH 5|SWP"), (E::STACK_UNDERFLOW, vec![], 2));
    assert_eq!(panics("PUSH 5|OVR"), (E::STACK_UNDERFLOW, vec![], 2));
    assert_eq!(panics("DUP"), (E::STACK_UNDERFLOW, vec![], 1));
    assert_eq!(
        panics("PUSH 4|PUSH 5|PUSH 1|DV assert|"),
        (E::new(1), vec![], 5)
    );
    assert_eq!(
        panics("PUSH 5|PUSH 1|DV assert|"),
        (E::STACK_UNDERFLOW, vec![], 4)
    );
    // A literal's target is read before the operand is popped.
    assert_eq!(panics("JZL 0"), (E::STACK_UNDERFLOW, vec![], 3));
}

#[test]
fn results_are_pushed_left_to_right() {
    let full = |op: &str| panics(&("PUSH 1|".repeat(15) + "PUSH 2|" + op));
    let mut sixteen = vec![1; 15];
    sixteen.push(2);
    for op in [
        "DUP", "DUPN", "OVR", "PUSH 3", "RG ep", "LR 0", "GR 0", "FTLL.1 0", "DV err",
    ] {
        let (code, ws, _) = full(op);
        let code_wanted = if op == "FTLL.1 0" {
            ErrorCode::OUT_OF_BOUNDS
        } else {
            ErrorCode::STACK_OVERFLOW
        };
        assert_eq!((code, &ws), (code_wanted, &sixteen), "{op}");
    }
    // One result fits, the second does not.
    let (code, ws, ep) = panics(&("PUSH 1|".repeat(15) + "SLC.1 3|.text \"abc\""));
    assert_eq!(code, ErrorCode::STACK_OVERFLOW);
    assert_eq!(
        (ws.len(), ws[15], ep),
        (16, 0x2011, 17),
        "the address, and ep before the data"
    );
}

#[test]
fn immediates_that_memory_cuts_off_are_not_consumed() {
    for code in [
        &[0x5A, 1][..],
        &[0x6A, 1, 2, 3],
        &[0x09],
        &[0x44, 0],
        &[0x91, 0],
        &[0x42],
    ] {
        let config = Config {
            memory: 16,
            ls_bytes: 0,
            fibers: 1,
            ..Config::default()
        };
        let mut vm = Vm::new(config).unwrap();
        let start = 16 - code.len() as u32;
        vm.write(start, code).unwrap();
        let id = vm.spawn(start).unwrap();
        vm.push(id, 1).unwrap();
        assert_eq!(
            vm.execute_loop(id),
            Ok(Exit::Panicked(ErrorCode::OUT_OF_BOUNDS))
        );
        assert_eq!(vm.fiber(id).unwrap().ep(), start + 1, "{code:X?}");
        assert!(vm.fiber(id).unwrap().working_stack().eq([1]));
    }
}

#[test]
fn jumps_to_nowhere_panic_there() {
    assert_eq!(
        panics("PUSH 0|JMPW"),
        (ErrorCode::NULL, vec![], 0_u32.wrapping_sub(0x2000))
    );
    for target in ["0x100000", "0xFFFFFFFF", "0x80000000"] {
        let (code, ws, ep) = panics(&format!("JMPL.4 {target}"));
        let address = u32::from_str_radix(&target[2..], 16).unwrap();
        assert_eq!(
            (code, ws, ep),
            (ErrorCode::OUT_OF_BOUNDS, vec![], address - 0x2000)
        );
    }
    // A relative jump below 0 comes out at the top of the addresses, where nothing is.
    let (code, _, ep) = panics("JMPL.4 1|.org 1|JMPL.1 0xFFFFFFF0|.fiber 1");
    assert_eq!(
        (code, ep),
        (
            ErrorCode::OUT_OF_BOUNDS,
            0xFFFF_FFF0_u32.wrapping_sub(0x2000)
        )
    );
    // Calls do not look at the target either: the frame is there.
    let mut t = load("main: XSL 0");
    assert_eq!(t.run(), Exit::Panicked(ErrorCode::NULL));
    assert_eq!((t.fiber().call_depth(), t.fiber().ep()), (1, 0));
}

#[test]
fn sz2_targets_stay_in_the_64_kib_of_the_next_instruction() {
    let config = Config {
        memory: 0x3_0000,
        ..Config::default()
    };
    let source = "
        .fiber start
        .org 0x1FFFD
        start: JMPL.2 0x20010
        .org 0x20010
        PUSH 7
        RET";
    let mut t = load_with(config, source);
    assert_eq!(t.run(), Exit::Done);
    assert_eq!(t.ws(), [7]);
}

#[test]
fn addresses_never_wrap_around() {
    use fiber_vm::ErrorCode as E;
    assert_eq!(panics("PUSH -1|FTO.4 1").0, E::OUT_OF_BOUNDS);
    assert_eq!(panics("PUSH -1|FTO.4 255").0, E::OUT_OF_BOUNDS);
    assert_eq!(panics("PUSH 7|PUSH -2|SRO.1 2").0, E::OUT_OF_BOUNDS);
    assert_eq!(panics(".fiber main -4|main: FTGL.4 4").0, E::OUT_OF_BOUNDS);
    assert_eq!(
        panics("PUSH 0x40000000|PUSH 1|PUSH 4|DV role").0,
        E::OUT_OF_BOUNDS
    );
    assert_eq!(panics("PUSH 1|PUSH 1|PUSH -4|DV role").0, E::OUT_OF_BOUNDS);
    assert_eq!(panics("SLC.4 -1").0, E::OUT_OF_BOUNDS);
    assert_eq!(
        panics("PUSH -1|PUSH 1|PUSH -1|DV memset").0,
        E::OUT_OF_BOUNDS
    );
    assert_eq!(panics("PUSH -1|XLW").0, E::OUT_OF_BOUNDS);
    // Pushing an address is arithmetic, and that does wrap.
    assert_eq!(gives(".fiber main -4|main: GR 8"), [4]);
}

#[test]
fn effective_address_0_is_null_and_unaligned_is_fine() {
    assert_eq!(gives("PUSH 0|FTO.1 1"), [0], "the byte at 1");
    assert_eq!(
        gives("PUSH 0x12345678|PUSH 0x3001|SR|PUSH 0x3003|FT.2"),
        [0x1234]
    );
    assert_eq!(
        gives("PUSH 0x12345678|PUSH 0x3001|SRBE|PUSH 0x3001|FT"),
        [0x7856_3412]
    );
    assert_eq!(
        gives("PUSH 0x12345678|PUSH 0x3001|SRBE.2|PUSH 0x3001|FTBE.2"),
        [0x5678]
    );
    assert_eq!(gives("PUSH 0x1FF|PUSH 0x3001|SR.1|PUSH 0x3001|FT"), [0xFF]);
}

#[test]
fn length_0_touches_nothing() {
    assert_eq!(gives("PUSH 0|PUSH 1|PUSH 0|DV memset"), []);
    assert_eq!(gives("PUSH -1|PUSH 0|PUSH 0|DV memmove"), []);
    assert_eq!(gives("PUSH -1|PUSH 0|PUSH 0|DV memcmp"), [0]);
}

#[test]
fn blocks() {
    assert_eq!(
        gives("PUSH 0x3000|PUSH 0x1AA|PUSH 3|DV memset|PUSH 0x3000|FT"),
        [0xAA_AAAA]
    );
    let data = ".org 0x3000|.text \"abcdef\"|.org 0x2000|";
    let overlap = "PUSH 0x3001|PUSH 0x3000|PUSH 4|DV memmove|PUSH 0x3000|FT|PUSH 0x3004|FT.2";
    assert_eq!(
        gives(&format!(".fiber 0x2000|{data}{overlap}")),
        [
            u32::from_le_bytes(*b"aabc"),
            u32::from(u16::from_le_bytes(*b"df"))
        ]
    );
    let compare = |a: &str, b: &str| {
        gives(&format!(
            ".fiber 0x2000|.org 0x3000|.text \"{a}\"|.org 0x3100|.text \"{b}\"|.org 0x2000|
             PUSH 0x3000|PUSH 0x3100|PUSH 3|DV memcmp"
        ))
    };
    assert_eq!(compare("abc", "abc"), [0]);
    assert_eq!(compare("abc", "abd"), [u32::MAX]);
    assert_eq!(compare("ab\\xFF", "abc"), [1], "bytes have no sign");
}

#[test]
fn arithmetic() {
    let cases: [(&str, u32); 40] = [
        ("PUSH -1|INC", 0),
        ("PUSH -1|INC2", 1),
        ("PUSH -1|INC4", 3),
        ("PUSH 0|DEC", u32::MAX),
        ("PUSH 5|INV", !5),
        ("PUSH 5|NEG", -5_i32 as u32),
        ("PUSH 0x80000000|NEG", 0x8000_0000),
        ("PUSH 5|NOT", 0),
        ("PUSH 0|NOT", 1),
        ("PUSH 0x180|CI1", 0xFFFF_FF80),
        ("PUSH 0x17F|CI1", 0x7F),
        ("PUSH 0x18000|CI2", 0xFFFF_8000),
        ("PUSH -1|PUSH 2|ADD", 1),
        ("PUSH 1|PUSH 2|SUB", u32::MAX),
        ("PUSH -1|PUSH 10|MOD", u32::MAX % 10),
        ("PUSH 1|PUSH 31|SHL", 1 << 31),
        ("PUSH 1|PUSH 32|SHL", 0),
        ("PUSH 1|PUSH -1|SHL", 0),
        ("PUSH -1|PUSH 31|SHR", 1),
        ("PUSH -1|PUSH 32|SHR", 0),
        ("PUSH 12|PUSH 10|MSK", 8),
        ("PUSH 12|PUSH 10|JN", 14),
        ("PUSH 12|PUSH 10|XOR", 6),
        ("PUSH 12|PUSH 3|AND", 1),
        ("PUSH 12|PUSH 0|AND", 0),
        ("PUSH 0|PUSH 3|OR", 1),
        ("PUSH 0|PUSH 0|OR", 0),
        ("PUSH 3|PUSH 3|EQ", 1),
        ("PUSH 3|PUSH 3|NEQ", 0),
        ("PUSH -1|PUSH 1|GE_U", 1),
        ("PUSH -1|PUSH 1|LT_U", 0),
        ("PUSH -1|PUSH 1|GE_S", 0),
        ("PUSH -1|PUSH 1|LT_S", 1),
        ("PUSH 1|PUSH 1|GE_S", 1),
        ("PUSH 0x10001|PUSH 0x10001|MUL", 0x2_0001),
        ("PUSH -1|PUSH 2|DIV_U", 0x7FFF_FFFF),
        ("PUSH -7|PUSH 2|DIV_S", -3_i32 as u32),
        ("PUSH 7|PUSH -2|DIV_S", -3_i32 as u32),
        ("PUSH 0x80000000|PUSH -1|DIV_S", 0x8000_0000),
        ("PUSH 0x80000000|PUSH -1|DIV_U", 0),
    ];
    for (source, result) in cases {
        assert_eq!(gives(source), [result], "{source}");
    }
    assert_eq!(gives("PUSH 1|PUSH 2|SWP"), [2, 1]);
    assert_eq!(gives("PUSH 1|PUSH 2|OVR"), [1, 2, 1]);
    assert_eq!(gives("PUSH 2|DUPN"), [2, 0]);
    assert_eq!(gives("PUSH 0|DUPN"), [0, 1]);
}

#[test]
fn registers() {
    let t = load("main: RET");
    let ls = t.fiber().ls_sp();
    assert_eq!(gives("RG ep"), [0x2002]);
    assert_eq!(gives(".fiber main 0x1234|main: RG gb"), [0x1234]);
    assert_eq!(gives("RG ls"), [ls]);
    assert_eq!(gives("RG ls+127"), [ls + 127]);
    assert_eq!(gives("LR 255"), [ls + 255]);
    for register in ["2", "0x40", "0x7F"] {
        assert_eq!(
            panics(&format!("RG {register}")),
            (ErrorCode::REGISTER, vec![], 2)
        );
    }
}

#[test]
fn the_header_of_a_large_function_is_checked_in_order() {
    let large = |header: u8| panics(&format!("XLL f|f: .u8 {header}|RET"));
    assert_eq!(large(253).0, ErrorCode::LOCALS_SIZE);
    assert_eq!(large(255).0, ErrorCode::LOCALS_SIZE, "before the alignment");
    assert_eq!(large(251).0, ErrorCode::ALIGN4);
    assert_eq!(panics("XLL 0").0, ErrorCode::NULL);
    // The third call of 252 bytes does not fit 512, and leaves no frame.
    let mut t = load("main: XLL f\nf: .locals 252\n XLL f");
    assert_eq!(t.run(), Exit::Panicked(ErrorCode::STACK_OVERFLOW));
    assert_eq!(t.fiber().call_depth(), 2);
    assert_eq!(
        t.fiber().call_stack().map(|f| f.locals).collect::<Vec<_>>(),
        [252, 252]
    );
    // A full call stack leaves the locals stack alone.
    let config = Config {
        cs_depth: 1,
        ..Config::default()
    };
    let mut t = load_with(config, "main: XLL f\nf: .locals 8\n XLL f");
    let ls = t.fiber().ls_sp();
    assert_eq!(t.run(), Exit::Panicked(ErrorCode::STACK_OVERFLOW));
    assert_eq!(t.fiber().ls_sp(), ls - 8);
}

#[test]
fn ls_set_accepts_words_of_the_own_locals_stack_and_its_end() {
    let high = load("main: RET").fiber().ls_sp();
    let low = high - 512;
    let set = |address: u32| {
        let mut t = load(&format!("main: PUSH {address}\n DV ls_set\n RET"));
        (t.run(), t.fiber().ls_sp())
    };
    for good in [low, low + 4, high - 4, high] {
        assert_eq!(set(good), (Exit::Done, good));
    }
    for bad in [low - 4, high + 4, high + 1, low - 1, 0, u32::MAX] {
        assert_eq!(
            set(bad),
            (Exit::Panicked(ErrorCode::OUT_OF_BOUNDS), high),
            "{bad:X}"
        );
    }
    assert_eq!(set(low + 2), (Exit::Panicked(ErrorCode::ALIGN4), high));
}

#[test]
fn a_return_past_the_end_of_the_locals_stack_panics_with_its_frame_popped() {
    let mut t = load("main: XLL f\nf: .locals 8\n RG ls+8\n DV ls_set\n RET");
    let high = t.fiber().ls_sp();
    assert_eq!(t.run(), Exit::Panicked(ErrorCode::STACK_UNDERFLOW));
    assert_eq!((t.fiber().call_depth(), t.fiber().ls_sp()), (0, high));
    assert_eq!(t.fiber().ep(), 0x2009, "past the RET");
}

#[test]
fn codes_are_cut_to_16_bits_and_0_becomes_e_intern() {
    let assert = |code: &str| {
        panics(&format!("PUSH 0|PUSH 1|PUSH {code}|DV assert"))
            .0
            .get()
    };
    assert_eq!(assert("0x12345"), 0x2345);
    assert_eq!(assert("0x10000"), 0xE001);
    assert_eq!(assert("0"), 0xE001);
    assert_eq!(gives("PUSH 0x12345|DV err_set|DV err"), [0x2345]);
    assert_eq!(gives("PUSH 5|DV err_set|PUSH 0|DV err_set|DV err"), [0]);
}

#[test]
fn code_can_change_itself() {
    // The store turns the NOP into SLIT 5 before it is reached.
    let source = "PUSH 0xC5|PUSH here|SR.1|here: NOP|PUSH there|PUSH here|SR.1|there: RET";
    assert_eq!(gives(source), [5]);
    // A loop that rewrites the literal it has just executed.
    let mut t = load("main: LIT.1 0\n DUP\n INC\n PUSH 0x2001\n SR.1\n JMPL.1 main");
    t.run_for(6 * 4);
    assert_eq!(t.ws(), [0, 1, 2, 3]);
}
