//! The rules R1 to R26 of SPEC.md, one test each.

use fiber_vm::{Config, ErrorCode, Executed, Exit, Frame, Status};

use crate::allocation::allocations;
use crate::support::{load, load_with};

const PANICKED_5: Exit = Exit::Panicked(ErrorCode::new(5));

#[test]
fn r01_a_catch_adds_one_catch_bit_and_nothing_else() {
    let mut t = load("main: PUSH 7\n PUSH 9\n PUSH callee\n DV catch\n RET\ncallee: RET");
    t.run_for(3);
    let (depth, ls) = (t.fiber().call_depth(), t.fiber().ls_sp());
    t.run_for(1);
    let frames: Vec<Frame> = t.fiber().call_stack().collect();
    assert_eq!(depth, 0);
    assert_eq!(
        frames,
        [Frame {
            return_address: 0x2009,
            catch: true,
            locals: 0
        }]
    );
    assert_eq!(t.fiber().ls_sp(), ls);
    assert_eq!(t.ws(), [7, 9]);
    assert_eq!(t.fiber().ep(), 0x200A, "in the callee");
}

#[test]
fn r02_a_normal_return_from_a_catch_leaves_the_working_stack_alone() {
    let mut t = load("main: PUSH 7\n PUSH f\n DV catch\n RET\nf: INC\n RET");
    assert_eq!(t.run(), Exit::Done);
    assert_eq!(t.ws(), [8]);
    assert_eq!(t.fiber().call_depth(), 0);
}

#[test]
fn r03_err_is_not_cleared_on_return() {
    let mut t = load(
        "main: PUSH bad\n DV catch\n DRP\n PUSH 9\n PUSH good\n DV catch\n RET
         bad: PUSH 0\n PUSH 1\n PUSH 5\n DV assert\n RET
         good: INC\n RET",
    );
    assert_eq!(t.run(), Exit::Done);
    assert_eq!(t.ws(), [0xA]);
    assert_eq!(t.fiber().err(), 5);
}

#[test]
fn r04_err_is_untouched_where_nothing_panicked() {
    let mut t = load(
        "main: PUSH 0x1234\n DV err_set\n PUSH f\n DV catch\n RET
         f: PUSH 1\n PUSH 1\n PUSH 5\n DV assert\n RET",
    );
    assert_eq!(t.run(), Exit::Done);
    assert_eq!(t.fiber().err(), 0x1234);
    let mut clean = load("main: PUSH 1\n DRP\n RET");
    clean.run();
    assert_eq!(clean.fiber().err(), 0);
}

#[test]
fn r05_a_panic_clears_the_working_stack_and_pushes_the_depth() {
    let mut t = load(
        "main: PUSH 7\n PUSH 0x2A\n PUSH f\n DV catch\n RET
         f: PUSH 0\n PUSH 1\n PUSH 5\n DV assert\n RET",
    );
    assert_eq!(t.run(), Exit::Done);
    assert_eq!(t.ws(), [1]);
}

#[test]
fn r06_the_depth_is_that_at_the_error() {
    let mut t = load(
        "main: XSL f\n RET
         f: PUSH g\n DV catch\n RET
         g: XSL h\n RET
         h: XSL k\n RET
         k: PUSH 0\n PUSH 1\n PUSH 5\n DV assert\n RET",
    );
    assert_eq!(t.run(), Exit::Done);
    assert_eq!(t.ws(), [4]);
}

#[test]
fn r07_the_call_stack_is_as_before_the_catch_and_execution_goes_on_after_it() {
    let mut t = load(
        "main: XSL outer\n RET
         outer: PUSH f\n DV catch\nafter: SLIT 0x2A\n YLD\n RET
         f: XSL g\n RET
         g: PUSH 0\n PUSH 1\n PUSH 5\n DV assert\n RET",
    );
    t.run_for(2);
    let before: Vec<Frame> = t.fiber().call_stack().collect();
    assert_eq!(t.run(), Exit::Yielded);
    assert_eq!(t.ws(), [3, 0x2A]);
    assert_eq!(t.fiber().call_stack().collect::<Vec<_>>(), before);
    let mut t =
        load("main: PUSH f\n DV catch\n SLIT 0x2A\n RET\nf: PUSH 0\n PUSH 1\n PUSH 5\n DV assert");
    assert_eq!(t.run(), Exit::Done);
    assert_eq!(t.ws(), [1, 0x2A]);
}

#[test]
fn r08_the_innermost_catch_wins_and_a_later_panic_goes_to_the_outer() {
    let mut t = load(
        "main: PUSH outer\n DV catch\n SLIT 0x11\n RET
         outer: PUSH inner\n DV catch\n PUSH 1\n PUSH 6\n DV assert\n RET
         inner: PUSH 0\n PUSH 1\n PUSH 5\n DV assert\n RET",
    );
    // After the inner catch the stack is {2}, so 2 is compared with 1.
    t.run_for(8);
    assert_eq!(
        (t.ws(), t.fiber().err()),
        (vec![2], 5),
        "the inner catch has ended"
    );
    assert_eq!(t.run(), Exit::Done);
    assert_eq!(t.ws(), [1, 0x11]);
    assert_eq!(t.fiber().err(), 6);
}

#[test]
fn r09_a_catch_ends_when_its_call_returns() {
    let mut t =
        load("main: PUSH f\n DV catch\n PUSH 0\n PUSH 1\n PUSH 5\n DV assert\n RET\nf: RET");
    assert_eq!(t.run(), PANICKED_5);
}

/// A large function with 8 bytes of locals that panics, under a catch.
const LARGE_PANIC: &str = "
         thunk: XLL large\n RET
         large: .locals 8\n PUSH 0\n PUSH 1\n PUSH 5\n DV assert\n RET";

#[test]
fn r10_the_locals_stack_is_not_restored() {
    let mut t = load(&format!("main: PUSH thunk\n DV catch\n RET{LARGE_PANIC}"));
    let ls = t.fiber().ls_sp();
    assert_eq!(t.run(), Exit::Done);
    assert_eq!(t.ws(), [2]);
    assert_eq!(t.fiber().ls_sp(), ls - 8);
}

#[test]
fn r11_a_local_cannot_hold_the_saved_locals_depth() {
    // `saver` keeps LS_SP in its own local at offset 0, and reads it back after the catch.
    let mut t = load(&format!(
        "main: PUSH 0x5555\n XLL saver\n RET
         saver: .locals 8\n DRP\n RG ls\n SRLL.4 0\n RG ls\n PUSH thunk\n DV catch\n DRP
                FTLL.4 0\n RET{LARGE_PANIC}"
    ));
    let before = t.fiber().ls_sp();
    assert_eq!(t.run(), Exit::Done);
    let saved = before - 8;
    assert_eq!(t.word(saved), saved, "the local itself is intact");
    let [read] = t.ws()[..] else {
        panic!("{:?}", t.ws())
    };
    assert_ne!(read, saved, "but it is not where the function looks for it");
    assert_eq!(
        t.fiber().ls_sp(),
        before - 8,
        "still lost after the function has returned"
    );
}

#[test]
fn r12_a_caller_restores_the_locals_stack_from_a_global() {
    let mut t = load(&format!(
        ".fiber main globals
         main: XLL saver\n RET
         saver: .locals 8\n PUSH 0x77\n SRLL.4 0\n RG ls\n SRGL.4 0\n PUSH thunk\n DV catch\n DRP
                FTGL.4 0\n DV ls_set\n FTLL.4 0\n RET{LARGE_PANIC}
         .align 4
         globals: .u32 0"
    ));
    let before = t.fiber().ls_sp();
    assert_eq!(t.run(), Exit::Done);
    assert_eq!(t.ws(), [0x77], "locals are where they were");
    assert_eq!(t.fiber().ls_sp(), before);
}

#[test]
fn r13_full_stacks_can_be_caught() {
    let mut t = load("main: PUSH f\n DV catch\n RET\nf: PUSH 1\n JMPL.1 f");
    assert_eq!(t.run(), Exit::Done);
    assert_eq!(t.ws(), [1]);
    assert_eq!(t.fiber().err(), 0xE0A4);
    assert_eq!(t.fiber().working_stack_at_error(), [1; 16]);

    for cs_depth in [1, 16, 128, 1000] {
        let config = Config {
            cs_depth,
            ..Config::default()
        };
        let mut t = load_with(config, "main: PUSH f\n DV catch\n RET\nf: XSL f\n RET");
        assert_eq!(t.run(), Exit::Done);
        assert_eq!(t.ws(), [cs_depth]);
        assert_eq!(t.fiber().err(), 0xE0A4);
    }
}

#[test]
fn r14_deep_recursion_under_a_catch() {
    let mut t = load(
        "main: PUSH 14\n PUSH f\n DV catch\n RET
         f: DUP\n JZL bottom\n DEC\n XSL f\n RET
         bottom: PUSH 1\n PUSH 5\n DV assert\n RET",
    );
    assert_eq!(t.run(), Exit::Done);
    assert_eq!(t.ws(), [0xF]);
    assert_eq!(t.fiber().call_depth(), 0);
}

#[test]
fn r15_the_loop_starts_at_ep() {
    let mut t = load("main: PUSH 1\n RET\nother: PUSH 2\n RET");
    let other = t.vm.read(0x2002, 1).unwrap();
    assert_eq!(other, [0xC2]);
    t.vm.set_ep(t.ids[0], 0x2002).unwrap();
    assert_eq!(t.run(), Exit::Done);
    assert_eq!(t.ws(), [2]);
}

#[test]
fn r16_an_instruction_returns_normal_ret_or_yld_and_ret_changes_no_stack() {
    let mut t = load(
        "main: XLL f\n RET
         f: .locals 8\n NOP\n YLD\n PUSH 3\n PUSH 0\n RETZ\n PUSH 4\n RETZ\n RET",
    );
    let id = t.ids[0];
    let mut step = || {
        let step = t.vm.execute_instr(id).unwrap();
        let fiber = t.vm.fiber(id).unwrap();
        let ws: Vec<u32> = fiber.working_stack().collect();
        let frames: Vec<Frame> = fiber.call_stack().collect();
        (step, ws, frames, fiber.ls_sp())
    };
    let inside = step();
    assert_eq!(inside.0, Ok(Executed::Normal));
    let (frames, ls) = (inside.2, inside.3);
    assert_eq!(
        frames,
        [Frame {
            return_address: 0x2003,
            catch: false,
            locals: 8
        }]
    );
    assert_eq!(
        step(),
        (Ok(Executed::Normal), vec![], frames.clone(), ls),
        "NOP"
    );
    assert_eq!(
        step(),
        (Ok(Executed::Yield), vec![], frames.clone(), ls),
        "YLD"
    );
    step().0.unwrap();
    step().0.unwrap();
    assert_eq!(
        step(),
        (Ok(Executed::Return), vec![3], frames.clone(), ls),
        "RETZ of 0"
    );
    step().0.unwrap();
    assert_eq!(
        step(),
        (Ok(Executed::Normal), vec![3], frames.clone(), ls),
        "RETZ of 4"
    );
    assert_eq!(step(), (Ok(Executed::Return), vec![3], frames, ls), "RET");
}

#[test]
fn r17_ret_on_an_empty_call_stack_unlinks_and_adding_again_goes_on() {
    let mut t = load("main: PUSH 1\n RET\n PUSH 2\n RET");
    let id = t.ids[0];
    assert_eq!(t.vm.run().done, 1);
    assert_eq!(t.vm.listed().count(), 0);
    assert_eq!(t.vm.status(id), Ok(Status::Done));
    assert_eq!((t.ws(), t.fiber().ep()), (vec![1], 0x2002));
    assert_eq!(t.vm.run().executed, 0, "it never runs again by itself");
    t.vm.add(id).unwrap();
    assert_eq!(t.vm.status(id), Ok(Status::Ready));
    assert_eq!(t.vm.run().done, 1);
    assert_eq!(t.ws(), [1, 2]);
}

#[test]
fn r18_ret_restores_ep_and_shrinks_the_locals_stack() {
    let mut t = load(
        "main: XLL f\n PUSH 9\n RET
         f: .locals 252\n XLL g\n RET
         g: .locals 4\n RG ls\n RET",
    );
    let ls = t.fiber().ls_sp();
    assert_eq!(t.run(), Exit::Done);
    assert_eq!(t.ws(), [ls - 256, 9]);
    assert_eq!(t.fiber().ls_sp(), ls);
}

#[test]
fn r19_a_yield_returns_at_once_and_keeps_all_stacks() {
    let mut t = load("main: PUSH 1\n YLD\n PUSH 2\n RET");
    assert_eq!(t.run(), Exit::Yielded);
    assert_eq!((t.ws(), t.fiber().ep()), (vec![1], 0x2002));
    assert_eq!(t.run(), Exit::Done);
    assert_eq!(t.ws(), [1, 2]);

    let mut t = load("main: XLL f\n RET\nf: .locals 8\n PUSH 3\n YLD\n RET");
    assert_eq!(t.run(), Exit::Yielded);
    assert_eq!(
        t.fiber()
            .call_stack()
            .map(|frame| frame.locals)
            .collect::<Vec<_>>(),
        [8]
    );
    assert_eq!(t.run(), Exit::Done);
}

#[test]
fn r20_round_robin() {
    // Each fiber appends its number to a log: m is `mark`.
    const LOG: u32 = 0x3004;
    let mut t = load(
        ".fiber a 0 1\n.fiber b 0 2\n.fiber c 0 3
         a: XSL mark\n YLD\n XSL mark\n YLD\n XSL mark\n RET
         b: XSL mark\n YLD\n XSL mark\n RET
         c: XSL mark\n YLD\n XSL mark\n YLD\n XSL mark\n YLD\n XSL mark\n RET
         mark: DUP\n PUSH end\n FT\n SR.1\n PUSH end\n FT\n INC\n PUSH end\n SR\n RET
         .org 0x3000\n end: .u32 log
         log: .space 9",
    );
    let summary = t.vm.run();
    assert_eq!((summary.done, summary.panicked, summary.idle), (3, 0, true));
    let end = t.word(LOG - 4);
    assert_eq!(
        t.vm.read(LOG, end - LOG).unwrap(),
        [1, 2, 3, 1, 2, 3, 1, 3, 3]
    );
}

#[test]
fn r21_a_yield_inside_a_catch_frame() {
    let mut t = load(
        ".fiber a\n.fiber b
         a: PUSH f\n DV catch\n SLIT 0x2A\n RET
         f: YLD\n PUSH 0\n PUSH 1\n PUSH 5\n DV assert\n RET
         b: PUSH 1\n YLD\n PUSH 2\n YLD\n PUSH 3\n RET",
    );
    assert_eq!(t.vm.run().done, 2);
    assert_eq!((t.ws(), t.fiber().err()), (vec![1, 0x2A], 5));
    let other = t.vm.fiber(t.ids[1]).unwrap();
    assert_eq!(
        (other.working_stack().collect::<Vec<_>>(), other.err()),
        (vec![1, 2, 3], 0)
    );
}

#[test]
fn r22_a_fiber_never_sees_the_catch_of_another() {
    let mut t = load(
        ".fiber a\n.fiber b
         a: PUSH f\n DV catch\n RET
         f: YLD\n YLD\n YLD\n RET
         b: PUSH 0\n PUSH 1\n PUSH 5\n DV assert\n RET",
    );
    let mut fuel = 7;
    let event = t.vm.run_to_event(&mut fuel);
    assert_eq!(
        event,
        fiber_vm::Event::Panicked(t.ids[1], ErrorCode::new(5))
    );
    assert_eq!(
        t.vm.status(t.ids[1]),
        Ok(Status::Panicked(ErrorCode::new(5)))
    );
    assert_eq!(t.vm.status(t.ids[0]), Ok(Status::Ready));
    assert_eq!(t.fiber().err(), 0);
    let frames: Vec<Frame> = t.fiber().call_stack().collect();
    assert_eq!(
        frames,
        [Frame {
            return_address: 0x2007,
            catch: true,
            locals: 0
        }]
    );
    let summary = t.vm.run();
    assert_eq!(
        (summary.done, summary.panicked),
        (1, 0),
        "and it goes on to its end"
    );
}

#[test]
fn r23_a_role_call() {
    let mut t = load(
        "main: PUSH 0\n PUSH file\n PUSH methods\n DV role\n PUSH 9\n RET
         read: .locals 8\n PUSH 7\n RET
         .align 4
         file: .u32 0
         methods: .u32 read",
    );
    let file = 0x2014;
    assert_eq!(t.run(), Exit::Done);
    assert_eq!(t.ws(), [file, 7, 9]);
}

#[test]
fn r24_a_catch_with_an_empty_working_stack() {
    let mut t = load("main: DV catch\n RET");
    assert_eq!(t.run(), Exit::Panicked(ErrorCode::STACK_UNDERFLOW));
    assert_eq!(t.fiber().err(), 0xE0A3);
    assert_eq!(t.fiber().call_depth(), 0, "no frame is left behind");
}

#[test]
fn r25_no_allocation_while_running() {
    let config = Config {
        fibers: 64,
        ..Config::default()
    };
    let source = "
        main: PUSH 0\n PUSH f\n DV catch\n DRP\n DV 0x40\n DRP\n YLD\n JMPL main
        f: YLD\n XLL g\n RET
        g: .locals 16\n PUSH 0\n PUSH 1\n PUSH 5\n DV assert\n RET";
    let mut t = load_with(config, source);
    t.vm.register(0x40, |call| {
        call.push(1)?;
        // The new fiber panics at once.
        call.spawn(0, 0, &[])
            .map_err(|_| ErrorCode::OUT_OF_MEMORY)?;
        Ok(fiber_vm::HostFlow::Yield)
    })
    .unwrap();

    let before = allocations();
    drop(std::hint::black_box(Box::new(1_u8)));
    assert_eq!(allocations(), before + 1, "the counter counts");
    let before = allocations();
    let summary = t.vm.run_for(500);
    let traced = t.vm.run_traced(100, |point| assert_ne!(point.ep(), 1));
    assert_eq!(allocations(), before);
    assert!(summary.executed > 100 && summary.panicked > 0 && traced.executed > 0);
    assert!(config.fiber_bytes() <= 1024);
}

#[test]
fn r26_the_working_stack_at_the_error_can_be_inspected() {
    let mut t = load(
        "main: PUSH 7\n PUSH 8\n PUSH f\n DV catch\n YLD\n RET
         f: PUSH 9\n PUSH 0\n DIV_U\n RET",
    );
    assert_eq!(t.run(), Exit::Yielded);
    assert_eq!(t.ws(), [1]);
    // Popped before the check: the divisor.
    assert_eq!(t.fiber().working_stack_at_error(), [7, 8, 9]);

    let mut t = load("main: PUSH 7\n PUSH 0\n FT");
    assert_eq!(t.run(), Exit::Panicked(ErrorCode::NULL));
    assert_eq!(t.fiber().working_stack_at_error(), [7]);
    assert_eq!(t.ws(), [7], "nothing has cleared it");
}
