//! The interpreter against the naive one, on random programs: same states, same memory, same
//! number of instructions; and nothing but the machine's own memory is ever touched.

use fiber_vm::{Config, Status, Vm};
use proptest::prelude::*;

use crate::allocation::allocations;
use crate::generate::{
    MEMORY, ORIGIN, looping_program, mutated_program, program, random_bytes, valid_program,
};
use crate::naive;

const WS: u32 = 8;
const CS: u32 = 6;
const LS: u32 = 64;

/// Two fibers: one starts with the program, the other some bytes into it.
fn both(program: &[u8], second: u32, gb: u32, blocks: u32) -> (Vm<'static>, naive::Machine) {
    let starts = [(ORIGIN, gb), (ORIGIN + second, MEMORY - 16)];
    let config = Config {
        memory: MEMORY,
        fibers: 2,
        ws_depth: WS,
        cs_depth: CS,
        ls_bytes: LS,
        blocks,
    };
    let mut vm = Vm::new(config).unwrap();
    vm.write(ORIGIN, program).unwrap();
    for (ep, gb) in starts {
        let id = vm.spawn(ep).unwrap();
        vm.set_gb(id, gb).unwrap();
    }
    let sizes = naive::Sizes {
        memory: MEMORY,
        ws: WS as usize,
        cs: CS as usize,
        ls: LS,
    };
    let mut naive = naive::Machine::new(sizes, &starts);
    naive.memory[ORIGIN as usize..][..program.len()].copy_from_slice(program);
    (vm, naive)
}

/// The fibers of a machine in the naive one's terms.
fn assert_same(vm: &Vm<'_>, naive: &naive::Machine) -> Result<(), TestCaseError> {
    for (fiber, expected) in vm.fibers().zip(&naive.fibers) {
        let state = match fiber.status() {
            Status::Ready => naive::State::Ready,
            Status::Done => naive::State::Done,
            Status::Panicked(code) => {
                prop_assert_eq!(code.get(), expected.err);
                naive::State::Panicked
            }
            Status::Detached => panic!("the test removes no fibers"),
        };
        prop_assert_eq!(state, expected.state);
        prop_assert_eq!(fiber.ep(), expected.ep);
        prop_assert_eq!(fiber.err(), expected.err);
        prop_assert_eq!(fiber.gb(), expected.gb);
        prop_assert_eq!(fiber.ls_sp(), expected.ls_sp);
        prop_assert_eq!(fiber.working_stack().collect::<Vec<_>>(), &expected.ws[..]);
        prop_assert_eq!(fiber.working_stack_at_error(), &expected.ws_at_error[..]);
        let calls: Vec<_> = fiber
            .call_stack()
            .map(|frame| (frame.return_address, frame.catch, frame.locals))
            .collect();
        prop_assert_eq!(calls, &expected.calls[..]);
    }
    prop_assert_eq!(vm.read(1, vm.memory_len() - 1).unwrap(), &naive.memory[1..]);
    Ok(())
}

/// How many blocks a machine may keep: none, so few that they drive each other out, or enough.
fn block_counts() -> impl Strategy<Value = u32> {
    prop::sample::select(vec![0, 1, 2, 16, 256])
}

/// Runs a program for so many instructions, and so many more, and compares everything after each.
fn agree(
    program: &[u8],
    second: u32,
    gb: u32,
    slices: &[u64],
    blocks: u32,
) -> Result<(), TestCaseError> {
    let (mut vm, mut naive) = both(program, second, gb, blocks);
    let mut executed = 0;
    for &fuel in slices {
        let summary = vm.run_for(fuel);
        naive.run(fuel);
        executed += summary.executed;
        prop_assert_eq!(executed, naive.executed);
        assert_same(&vm, &naive)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(debug_assertions) { 1_000 } else { 20_000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn agrees_with_the_naive_interpreter(
        program in program(),
        second in 0..40_u32,
        gb in prop_oneof![Just(0), ORIGIN..ORIGIN + 64, any::<u32>()],
        slices in prop::collection::vec(1..400_u64, 1..5),
        blocks in block_counts(),
    ) {
        agree(&program, second, gb, &slices, blocks)?;
    }

    #[test]
    fn agrees_with_the_naive_interpreter_on_loops(
        program in looping_program(),
        second in 0..40_u32,
        gb in prop_oneof![Just(0), MEMORY - 64..MEMORY],
        slices in prop::collection::vec(1..1500_u64, 1..5),
        blocks in block_counts(),
    ) {
        agree(&program, second, gb, &slices, blocks)?;
    }

    #[test]
    fn survives_random_bytes(program in random_bytes()) {
        survives(&program)?;
    }

    #[test]
    fn survives_valid_programs(program in valid_program()) {
        survives(&program)?;
    }

    #[test]
    fn survives_mutated_programs(program in mutated_program()) {
        survives(&program)?;
    }
}

/// Stops when the fuel is used up at the latest, and takes no memory.
fn survives(program: &[u8]) -> Result<(), TestCaseError> {
    let (mut vm, _) = both(program, 0, ORIGIN, 256);
    let before = allocations();
    let summary = vm.run_for(2_000);
    prop_assert_eq!(allocations(), before);
    prop_assert!(summary.executed == 2_000 || summary.idle);
    for fiber in vm.fibers() {
        prop_assert!(fiber.working_stack().count() <= WS as usize);
        prop_assert!(fiber.call_depth() <= CS as usize);
        prop_assert!(fiber.ls_sp() >= MEMORY && fiber.ls_sp() <= vm.memory_len());
    }
    Ok(())
}

/// The generators are of use: most programs do something before they panic.
#[test]
fn random_programs_run_for_a_while() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let (mut executed, mut caught, mut yields) = (0, 0, 0);
    const CASES: u64 = 1_000;
    for _ in 0..CASES {
        let program = program().new_tree(&mut runner).unwrap().current();
        let (mut vm, _) = both(&program, 8, ORIGIN, 256);
        executed += vm
            .run_traced(1000, |point| {
                yields += u64::from(point.code().first() == Some(&0x03));
            })
            .executed;
        caught += vm
            .fibers()
            .filter(|fiber| fiber.err() != 0 && !matches!(fiber.status(), Status::Panicked(_)))
            .count();
    }
    assert!(executed / CASES >= 20, "{executed}");
    assert!(caught >= 5, "{caught}");
    assert!(yields >= 20, "{yields}");
}

/// Loops that go round often enough to be worth a fast path are among the programs.
#[test]
fn looping_programs_run_for_long() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    const CASES: u64 = 400;
    const FUEL: u64 = 3_000;
    let mut long = 0;
    for _ in 0..CASES {
        let program = looping_program().new_tree(&mut runner).unwrap().current();
        let (mut vm, _) = both(&program, 0, ORIGIN, 256);
        long += u64::from(vm.run_for(FUEL).executed == FUEL);
    }
    assert!(long >= CASES / 4, "{long} of {CASES}");
}
