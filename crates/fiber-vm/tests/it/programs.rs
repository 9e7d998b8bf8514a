//! Programs in bytes with known results, at 2000 (hexadecimal), with 128 frames and 4096 bytes of
//! locals.

use fiber_vm::{Config, ErrorCode, Exit, Vm};

struct Outcome {
    exit: Exit,
    ws: Vec<u32>,
    err: u16,
    ep: u32,
    depth: usize,
}

fn run(pieces: &[(u32, &[u8])]) -> Outcome {
    let config = Config {
        cs_depth: 128,
        ls_bytes: 4096,
        fibers: 1,
        ..Config::default()
    };
    let mut vm = Vm::new(config).unwrap();
    for (address, bytes) in pieces {
        vm.write(*address, bytes).unwrap();
    }
    let id = vm.spawn(0x2000).unwrap();
    let exit = vm.execute_loop(id).unwrap();
    let fiber = vm.fiber(id).unwrap();
    Outcome {
        exit,
        ws: fiber.working_stack().collect(),
        err: fiber.err(),
        ep: fiber.ep(),
        depth: fiber.call_depth(),
    }
}

/// A program that ends, and leaves these words.
fn gives(bytes: &[u8], ws: &[u32]) {
    let outcome = run(&[(0x2000, bytes)]);
    assert_eq!(
        (outcome.exit, &outcome.ws[..]),
        (Exit::Done, ws),
        "{bytes:X?}"
    );
}

/// A program that panics.
fn panics(bytes: &[u8], code: ErrorCode) -> Outcome {
    let outcome = run(&[(0x2000, bytes)]);
    assert_eq!(outcome.exit, Exit::Panicked(code), "{bytes:X?}");
    assert_eq!(outcome.err, code.get());
    outcome
}

#[test]
fn adds() {
    gives(&[0xC2, 0xC3, 0x20, 0x02], &[5]);
}

#[test]
fn catches_an_assert() {
    let main = [0x5A, 0x21, 0x00, 0x09, 0x01, 0x02];
    let thunk = [0xC0, 0xC1, 0xC5, 0x09, 0x0A, 0x02];
    let outcome = run(&[(0x2000, &main), (0x2100, &thunk)]);
    assert_eq!(
        (outcome.exit, outcome.ws, outcome.err),
        (Exit::Done, vec![1], 5)
    );
}

#[test]
fn drops_nothing() {
    assert_eq!(panics(&[0x05], ErrorCode::STACK_UNDERFLOW).ep, 0x2001);
}

#[test]
fn meets_no_instruction() {
    assert_eq!(panics(&[0x3F], ErrorCode::INSTRUCTION).ep, 0x2001);
}

#[test]
fn overflows_the_working_stack() {
    assert_eq!(
        panics(&[0xC1, 0x81, 0xFE], ErrorCode::STACK_OVERFLOW).ws,
        [1; 16]
    );
}

#[test]
fn overflows_the_call_stack() {
    assert_eq!(
        panics(&[0x95, 0x20, 0x00], ErrorCode::STACK_OVERFLOW).depth,
        128
    );
}

#[test]
fn reads_null() {
    panics(&[0xC0, 0x60], ErrorCode::NULL);
}

#[test]
fn jumps_on_zero() {
    gives(&[0xC0, 0x82, 0x03, 0xC1, 0x02, 0xC2, 0x02], &[2]);
    gives(&[0xC5, 0x82, 0x03, 0xC1, 0x02, 0xC2, 0x02], &[1]);
}

#[test]
fn skips_inline_data() {
    gives(&[0x86, 0x03, 0x61, 0x62, 0x63, 0x02], &[0x2002, 3]);
}

#[test]
fn divides_signed() {
    gives(
        &[0x6A, 0xFF, 0xFF, 0xFF, 0xF9, 0xC2, 0x32, 0x02],
        &[0xFFFF_FFFD],
    );
}

#[test]
fn stores_little_endian() {
    let bytes = [
        0x6A, 0xDE, 0xAD, 0xBE, 0xEF, 0x5A, 0x30, 0x10, 0x65, 0x5A, 0x30, 0x10, 0x40, 0x02,
    ];
    gives(&bytes, &[0xEF]);
}
