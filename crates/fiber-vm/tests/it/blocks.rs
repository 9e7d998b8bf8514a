//! Decoded blocks cannot be seen: programs that rewrite themselves, and looks at a fiber from
//! within calls, come out the same with blocks and without.

use fiber_vm::asm::assemble;
use fiber_vm::{Config, ErrorCode, Exit, Frame, HostFlow, Status, Vm};

use crate::support::{Loaded, load_with};

/// Without blocks, with one place for all of them, and with a place for each.
fn with_and_without(mut test: impl FnMut(Config)) {
    for blocks in [0, 1, 256] {
        test(Config {
            blocks,
            ..Config::default()
        });
    }
}

/// Runs a program until it is done; its working stack.
fn done(config: Config, source: &str) -> Vec<u32> {
    let mut loaded = load_with(config, source);
    assert_eq!(loaded.run(), Exit::Done, "{config:?}");
    loaded.ws()
}

#[test]
fn a_store_changes_the_instruction_right_after_it() {
    with_and_without(|config| {
        let source = "main: DUP\n PUSH 3\n MSK\n PUSH 0xC0\n JN\n PUSH spot\n SR.1
                      spot: SLIT 0\n ADD\n INC\n JMPL main";
        let mut loaded = load_with(config, source);
        loaded.vm.push(loaded.ids[0], 0).unwrap();
        let mut expected = 0;
        for _ in 0..50 {
            assert_eq!(loaded.run_for(11), Exit::OutOfFuel);
            expected += (expected & 3) + 1;
            assert_eq!(loaded.ws(), [expected], "{config:?}");
        }
    });
}

#[test]
fn a_wide_store_from_before_an_instruction_changes_it() {
    with_and_without(|config| {
        // The last byte of the four is that of `spot`: SLIT 5.
        let source = "main: XSL spot\n PUSH 0xC5000000\n PUSH spot-3\n SR.4\n XSL spot\n RET
                      .space 3\nspot: SLIT 1\n RET";
        assert_eq!(done(config, source), [1, 5], "{config:?}");
    });
}

#[test]
fn execution_goes_on_behind_a_store_that_changes_code_wherever_its_address_was_pushed() {
    with_and_without(|config| {
        let source = "main: PUSH 0xC1\n PUSH spot\n JMPL.1 over\n .space 3\n over: SR.1
                      spot: SLIT 0\n RET";
        assert_eq!(done(config, source), [1], "{config:?}");
        let source = "main: PUSH 0xC1\n PUSH spot\n NOP\n SR.1\nspot: SLIT 0\n RET";
        assert_eq!(done(config, source), [1], "{config:?}");
        let source = "main: PUSH 0xC1\n PUSH spot-2\n INC\n INC\n SR.1\nspot: SLIT 0\n RET";
        assert_eq!(done(config, source), [1], "{config:?}");
    });
}

#[test]
fn block_operations_change_code() {
    with_and_without(|config| {
        let source = "main: XSL spot\n PUSH spot\n PUSH 0xC2\n PUSH 1\n DV memset\n XSL spot
                      PUSH spot\n PUSH other\n PUSH 1\n DV memmove\n XSL spot\n RET
                      spot: SLIT 1\n RET\nother: SLIT 3";
        assert_eq!(done(config, source), [1, 2, 3], "{config:?}");
    });
}

#[test]
fn the_header_of_a_large_function_can_be_changed() {
    with_and_without(|config| {
        let source =
            "main: XLL f\n PUSH 8\n PUSH f\n SR.1\n XLL f\n RET\nf: .locals 4\n LR 0\n RET";
        let base = config.memory + config.ls_bytes;
        assert_eq!(done(config, source), [base - 4, base - 8], "{config:?}");
    });
}

#[test]
fn the_host_changes_code_between_runs_and_from_within() {
    with_and_without(|config| {
        let program = assemble("main: SLIT 1\n DRP\n JMPL main\nlater: DV 0x40\n SLIT 1\n RET");
        let program = program.unwrap();
        let mut vm = Vm::new(config).unwrap();
        let id = program.load(&mut vm).unwrap()[0];
        let later = program.names["later"];
        vm.register(0x40, move |call| {
            call.write(later + 2, &[0xC9])?;
            Ok(HostFlow::Continue)
        })
        .unwrap();
        assert!(!vm.run_for(300).idle);
        // SLIT 7, RET
        vm.write(program.names["main"], &[0xC7, 0x02]).unwrap();
        assert_eq!(vm.run().done, 1);
        assert!(vm.fiber(id).unwrap().working_stack().eq([7]), "{config:?}");
        for expected in [&[7, 9][..], &[7, 9, 9]] {
            vm.set_ep(id, later).unwrap();
            vm.add(id).unwrap();
            assert_eq!(vm.run().done, 1);
            let words = vm.fiber(id).unwrap().working_stack();
            assert!(words.eq(expected.iter().copied()), "{config:?}");
        }
    });
}

#[test]
fn a_fiber_changes_the_code_of_another() {
    with_and_without(|config| {
        let source = ".fiber a\n.fiber b
                      a: YLD\nspot: SLIT 1\n YLD\n JMPL spot
                      b: YLD\n YLD\n PUSH 0xC6\n PUSH spot\n SR.1\n RET";
        let mut loaded = load_with(config, source);
        loaded.vm.run_for(40);
        assert_eq!(loaded.ws()[..5], [1, 1, 6, 6, 6], "{config:?}");
    });
}

/// A fiber that stops two calls deep, again and again, is seen there with all its frames.
fn two_calls_deep(config: Config, innermost: &str, times: u32) -> Loaded {
    let source = format!(
        ".org 0x2100\ninner: {innermost}\n RET
         .org 0x2200\nstart: XSL outer\n JMPL start\nouter: XSL inner\n RET"
    );
    let program = assemble(&source).unwrap();
    let mut vm = Vm::new(config).unwrap();
    for segment in &program.segments {
        vm.write(segment.address, &segment.bytes).unwrap();
    }
    let id = vm.create(program.names["start"]).unwrap();
    vm.push(id, 0).unwrap();
    let mut loaded = Loaded { vm, ids: vec![id] };
    for _ in 1..times {
        assert_eq!(loaded.run(), Exit::Yielded);
    }
    loaded
}

/// The frames of that fiber: it is called from 2200 and 2205, by three bytes each.
const FRAMES: [Frame; 2] = [
    Frame {
        return_address: 0x2203,
        catch: false,
        locals: 0,
    },
    Frame {
        return_address: 0x2209,
        catch: false,
        locals: 0,
    },
];

#[test]
fn a_yield_shows_the_calls_around_it() {
    with_and_without(|config| {
        let mut loaded = two_calls_deep(config, "INC\n YLD", 20);
        assert_eq!(loaded.run(), Exit::Yielded);
        assert!(loaded.fiber().call_stack().eq(FRAMES), "{config:?}");
        assert_eq!(loaded.ws(), [20]);
    });
}

#[test]
fn a_panic_shows_the_calls_around_it() {
    with_and_without(|config| {
        // Divides by ever less; the yield is for the count of rounds.
        let mut loaded = two_calls_deep(
            config,
            "INC\n PUSH 60\n OVR\n PUSH 20\n SUB\n DIV_U\n DRP\n YLD",
            20,
        );
        assert_eq!(loaded.run(), Exit::Panicked(ErrorCode::DIVIDE_BY_ZERO));
        assert!(loaded.fiber().call_stack().eq(FRAMES), "{config:?}");
        assert_eq!(loaded.fiber().ep(), 0x2106);
        // DIV_U has popped the 0.
        assert_eq!(loaded.ws(), [20, 60]);
        assert_eq!(
            loaded.fiber().status(),
            Status::Panicked(ErrorCode::DIVIDE_BY_ZERO)
        );
    });
}

#[test]
fn fuel_runs_out_at_every_instruction_of_calls_that_return_at_once() {
    with_and_without(|config| {
        let source = "main: XSL a\n JMPL main\na: XSL b\n RET\nb: INC\n RET";
        for fuel in 0..40 {
            let mut loaded = load_with(config, source);
            loaded.vm.push(loaded.ids[0], 0).unwrap();
            assert_eq!(loaded.run_for(1000), Exit::OutOfFuel);
            assert_eq!(loaded.run_for(fuel), Exit::OutOfFuel);
            let executed = (1000 + fuel) % 6;
            let fiber = loaded.fiber();
            // XSL, XSL, INC, RET, RET, JMPL
            let depth = [0, 1, 2, 2, 1, 0][executed as usize];
            assert_eq!(fiber.call_depth(), depth, "{config:?} {fuel}");
            let rounds = (1000 + fuel) / 6 + u64::from(executed > 2);
            assert_eq!(loaded.ws(), [rounds as u32], "{config:?} {fuel}");
        }
    });
}

#[test]
fn code_in_a_locals_stack_runs() {
    with_and_without(|config| {
        let mut loaded = load_with(config, "main: RET");
        let start = loaded.vm.locals_start();
        // SLIT 1, ADD, JMPL.1 to the start.
        loaded.vm.write(start, &[0xC1, 0x20, 0x81, 0xFD]).unwrap();
        loaded.vm.set_ep(loaded.ids[0], start).unwrap();
        loaded.vm.push(loaded.ids[0], 0).unwrap();
        assert_eq!(loaded.run_for(300), Exit::OutOfFuel);
        assert_eq!(loaded.ws(), [100], "{config:?}");
    });
}

#[test]
fn a_load_from_an_address_that_has_just_been_pushed_panics_with_the_words_below_it() {
    with_and_without(|config| {
        // SLC pushes 2003 and 0: no other instruction pushes two words.
        let mut loaded = load_with(config, "SLC 0\n FT.1");
        assert_eq!(loaded.run(), Exit::Panicked(ErrorCode::NULL));
        assert_eq!(loaded.ws(), [0x2003], "{config:?}");
        let mut loaded = load_with(config, "SLC 0\n INC\n DEC\n FT.1");
        assert_eq!(loaded.run(), Exit::Panicked(ErrorCode::NULL));
        assert_eq!(loaded.ws(), [0x2003], "{config:?}");
        let mut loaded = load_with(config, "PUSH 7\n PUSH 1\n DEC\n FT.1");
        assert_eq!(loaded.run(), Exit::Panicked(ErrorCode::NULL));
        assert_eq!(loaded.ws(), [7], "{config:?}");
    });
}
