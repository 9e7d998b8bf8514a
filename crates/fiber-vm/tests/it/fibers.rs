//! Fibers from the host's side: the list, status, values in and out, fuel, freeing.

use fiber_vm::{Config, ConfigError, ErrorCode, Event, Exit, FiberError, Status, Vm};

use crate::support::load;

#[test]
fn values_go_in_and_out_across_a_yield() {
    let mut t = load("main: YLD\n PUSH 2\n MUL\n YLD\n INC\n RET");
    let id = t.ids[0];
    assert_eq!(t.run(), Exit::Yielded);
    t.vm.push(id, 21).unwrap();
    assert_eq!(t.run(), Exit::Yielded);
    assert_eq!(t.vm.pop(id), Ok(Some(42)));
    assert_eq!(t.vm.pop(id), Ok(None));
    t.vm.push(id, 7).unwrap();
    assert_eq!(t.run(), Exit::Done);
    assert_eq!(t.ws(), [8]);
    for word in 1..16 {
        t.vm.push(id, word).unwrap();
    }
    assert_eq!(t.vm.push(id, 16), Err(FiberError::StackFull));
    assert_eq!(t.vm.pop(id), Ok(Some(15)));
}

#[test]
fn a_panic_ends_only_its_own_fiber() {
    let mut t = load(
        ".fiber good\n.fiber bad\n.fiber good
         good: PUSH 1\n YLD\n PUSH 2\n YLD\n ADD\n RET
         bad: YLD\n PUSH 0\n FT\n RET",
    );
    let summary = t.vm.run();
    assert_eq!((summary.done, summary.panicked), (2, 1));
    assert_eq!(summary.first_panic, Some((t.ids[1], ErrorCode::NULL)));
    assert_eq!(summary.executed, 6 + 3 + 6);
    for id in [t.ids[0], t.ids[2]] {
        assert_eq!(
            t.vm.fiber(id).unwrap().working_stack().collect::<Vec<_>>(),
            [3]
        );
    }
}

#[test]
fn run_to_event_names_who_left() {
    let mut t = load(".fiber a\n.fiber b\na: YLD\n RET\nb: DRP");
    let (a, b) = (t.ids[0], t.ids[1]);
    let mut fuel = 100;
    assert_eq!(
        t.vm.run_to_event(&mut fuel),
        Event::Panicked(b, ErrorCode::STACK_UNDERFLOW)
    );
    assert_eq!(t.vm.run_to_event(&mut fuel), Event::Done(a));
    assert_eq!(t.vm.run_to_event(&mut fuel), Event::Idle);
    assert_eq!(fuel, 97);
}

#[test]
fn fuel_stops_anywhere_and_loses_nothing() {
    let source = ".fiber a\n.fiber b
         a: PUSH f\n DV catch\n YLD\n RET
         f: PUSH 1\n YLD\n PUSH 0\n DIV_U\n RET
         b: XLL g\n YLD\n INC\n RET
         g: .locals 4\n PUSH 5\n SRLL.4 0\n YLD\n FTLL.4 0\n RET";
    let mut whole = load(source);
    let total = whole.vm.run().executed;
    for step in 1..=total {
        let mut t = load(source);
        let mut executed = 0;
        let mut runs = 0;
        loop {
            let summary = t.vm.run_for(step);
            executed += summary.executed;
            runs += 1;
            if summary.idle {
                break;
            }
            assert_eq!(summary.executed, step);
        }
        assert_eq!((executed, runs), (total, total.div_ceil(step)));
        for (fiber, expected) in t.vm.fibers().zip(whole.vm.fibers()) {
            assert!(fiber.working_stack().eq(expected.working_stack()));
            assert_eq!(fiber.status(), expected.status());
            assert_eq!(fiber.err(), expected.err());
        }
    }
    let mut t = load(source);
    assert_eq!(t.vm.run_for(0).executed, 0);
    assert_eq!(t.run_for(0), Exit::OutOfFuel);
}

#[test]
fn endless_programs_stop_with_the_fuel() {
    let mut t = load("main: JMPL.1 main");
    let summary = t.vm.run_for(100_000);
    assert_eq!((summary.executed, summary.idle), (100_000, false));
}

#[test]
fn adding_removing_and_adding_again() {
    let mut t = load(".fiber a\n.fiber a\n.fiber a\na: INC\n YLD\n JMPL a");
    let ids = t.ids.clone();
    for &id in &ids {
        t.vm.push(id, 0).unwrap();
    }
    assert_eq!(t.vm.add(ids[0]), Err(FiberError::Listed));
    assert_eq!(t.vm.remove(ids[1]), Ok(true));
    assert_eq!(t.vm.remove(ids[1]), Ok(false));
    assert_eq!(t.vm.status(ids[1]), Ok(Status::Detached));
    assert!(t.vm.listed().eq([ids[0], ids[2]]));
    // INC and YLD of both, JMPL and INC of the first.
    t.vm.run_for(6);
    t.vm.add(ids[1]).unwrap();
    assert!(t.vm.listed().eq([ids[0], ids[2], ids[1]]));
    // The first fiber is in its turn: taking it off ends the turn.
    t.vm.remove(ids[0]).unwrap();
    t.vm.run_for(3 + 2 + 3);
    let counts: Vec<_> = ids
        .iter()
        .map(|&id| t.vm.fiber(id).unwrap().working_stack().next().unwrap())
        .collect();
    assert_eq!(counts, [2, 1, 3]);
    for id in ids {
        t.vm.remove(id).unwrap();
    }
    assert!(t.vm.run().idle);
}

#[test]
fn the_list_agrees_with_a_model() {
    use proptest::prelude::*;

    let runner = &mut proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let steps = prop::collection::vec((0..3_u8, 0..6_usize), 1..60);
    runner
        .run(&steps, |steps| {
            let mut vm = Vm::new(Config {
                fibers: 6,
                ..Config::default()
            })
            .unwrap();
            vm.write(0x2000, &[0x03, 0x81, 0xFE]).unwrap(); // YLD, and jump back to it
            let ids: Vec<_> = (0..6).map(|_| vm.create(0x2000).unwrap()).collect();
            let mut model = std::collections::VecDeque::new();
            let mut turn = 0;
            for (action, which) in steps {
                match action {
                    0 => {
                        let listed = model.contains(&which);
                        prop_assert_eq!(vm.add(ids[which]).is_err(), listed);
                        if !listed {
                            model.push_back(which);
                        }
                    }
                    1 => {
                        let at = model.iter().position(|&other| other == which);
                        prop_assert_eq!(vm.remove(ids[which]), Ok(at.is_some()));
                        if let Some(at) = at {
                            model.remove(at);
                            turn -= usize::from(at < turn);
                            turn %= model.len().max(1);
                        }
                    }
                    _ => {
                        // Up to the next yield of any fiber.
                        let mut who = None;
                        while who.is_none() && !model.is_empty() {
                            vm.run_traced(1, |point| {
                                who = (point.code()[0] == 3).then_some(point.fiber);
                            });
                        }
                        prop_assert_eq!(who, model.get(turn).map(|&index| ids[index]));
                        turn = (turn + 1) % model.len().max(1);
                    }
                }
                prop_assert!(vm.listed().eq(model.iter().map(|&index| ids[index])));
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_panicked_fiber_can_be_mended_and_added_again() {
    let mut t = load("main: PUSH 0\n FT\n RET");
    let id = t.ids[0];
    t.vm.run();
    assert_eq!(t.vm.status(id), Ok(Status::Panicked(ErrorCode::NULL)));
    t.vm.push(id, 9).unwrap();
    t.vm.add(id).unwrap();
    assert_eq!(t.vm.status(id), Ok(Status::Ready));
    assert_eq!(t.vm.run().done, 1);
    assert_eq!((t.ws(), t.fiber().err()), (vec![9], 0xE0A1));
}

#[test]
fn ids_of_freed_fibers_are_dead() {
    let config = Config {
        fibers: 2,
        ..Config::default()
    };
    let mut vm = Vm::new(config).unwrap();
    vm.write(0x2000, &[0xC5, 0x02]).unwrap();
    let a = vm.spawn(0x2000).unwrap();
    let b = vm.create(0x2000).unwrap();
    assert_eq!(vm.create(0x2000), Err(FiberError::NoneFree));
    assert_eq!(vm.free(a), Err(FiberError::Listed));
    vm.run();
    vm.free(a).unwrap();
    assert_eq!(vm.free(a), Err(FiberError::Unknown));
    assert_eq!(vm.status(a), Err(FiberError::Unknown));
    assert_eq!(vm.push(a, 1), Err(FiberError::Unknown));
    assert_eq!(vm.pop(a), Err(FiberError::Unknown));
    assert_eq!(vm.add(a), Err(FiberError::Unknown));
    assert_eq!(vm.remove(a), Err(FiberError::Unknown));
    assert_eq!(vm.set_ep(a, 1), Err(FiberError::Unknown));
    assert_eq!(vm.set_gb(a, 1), Err(FiberError::Unknown));
    assert!(vm.execute_loop(a).is_err() && vm.execute_instr(a).is_err());
    let c = vm.create(0x2000).unwrap();
    assert_eq!(c.index(), a.index());
    assert_ne!(c, a);
    let fiber = vm.fiber(c).unwrap();
    assert_eq!(
        (fiber.working_stack().len(), fiber.err(), fiber.call_depth()),
        (0, 0, 0)
    );
    assert!(vm.fibers().map(|fiber| fiber.id()).eq([c, b]));
}

#[test]
fn sizes_that_cannot_work_are_refused() {
    let with = |change: fn(&mut Config)| {
        let mut config = Config::default();
        change(&mut config);
        Vm::new(config).err()
    };
    assert_eq!(
        with(|c| c.ws_depth = 0),
        Some(ConfigError::WorkingStackDepth(0))
    );
    assert_eq!(
        with(|c| c.ws_depth = 65_536),
        Some(ConfigError::WorkingStackDepth(65_536))
    );
    assert_eq!(
        with(|c| c.cs_depth = 0),
        Some(ConfigError::CallStackDepth(0))
    );
    assert_eq!(
        with(|c| c.cs_depth = 65_536),
        Some(ConfigError::CallStackDepth(65_536))
    );
    assert_eq!(with(|c| c.memory = 0), Some(ConfigError::MemorySize(0)));
    assert_eq!(
        with(|c| c.memory = 4095),
        Some(ConfigError::MemorySize(4095))
    );
    assert_eq!(with(|c| c.ls_bytes = 6), Some(ConfigError::LocalsSize(6)));
    assert_eq!(with(|c| c.fibers = 1 << 23), Some(ConfigError::TooLarge));
    assert_eq!(
        with(|c| (c.fibers, c.ls_bytes) = (u32::MAX, 0)),
        Some(ConfigError::TooLarge)
    );
    assert_eq!(
        with(|c| (c.memory, c.fibers) = (u32::MAX - 3, 1)),
        Some(ConfigError::TooLarge)
    );
    assert_eq!(with(|c| (c.ls_bytes, c.fibers) = (0, 0)), None);
    assert_eq!(
        with(|c| (c.memory, c.ws_depth, c.cs_depth) = (4, 1, 1)),
        None
    );
}

#[test]
fn the_smallest_machine_works() {
    let config = Config {
        memory: 4,
        fibers: 1,
        ws_depth: 1,
        cs_depth: 1,
        ls_bytes: 0,
        blocks: 1,
    };
    let mut vm = Vm::new(config).unwrap();
    vm.write(1, &[0xC2, 0x90, 0x02]).unwrap(); // SLIT 2, XSW: calls itself
    let id = vm.spawn(1).unwrap();
    // At 2: XSW with an empty stack.
    assert_eq!(
        vm.execute_loop(id),
        Ok(Exit::Panicked(ErrorCode::STACK_UNDERFLOW))
    );
    assert_eq!(vm.fiber(id).unwrap().call_depth(), 1);
}

#[test]
fn reading_and_writing_memory_obeys_the_rules_of_instructions() {
    let mut vm = Vm::new(Config {
        memory: 16,
        fibers: 0,
        ..Config::default()
    })
    .unwrap();
    assert_eq!(vm.memory_len(), 16);
    assert_eq!(vm.write(0, &[1]), Err(ErrorCode::NULL));
    assert_eq!(vm.write(15, &[1, 2]), Err(ErrorCode::OUT_OF_BOUNDS));
    assert_eq!(vm.read(15, 1), Ok(&[0][..]), "nothing of it was written");
    assert_eq!(vm.read(u32::MAX, u32::MAX), Err(ErrorCode::OUT_OF_BOUNDS));
    assert_eq!(vm.read(0, 0), Ok(&[][..]));
    assert_eq!(vm.write(99, &[]), Ok(()));
}

#[test]
fn a_trace_sees_every_instruction_before_it_runs() {
    let mut t = load("main: PUSH 1\n PUSH f\n DV catch\n RET\nf: YLD\n DRP\n DRP\n RET");
    let id = t.ids[0];
    let mut seen = Vec::new();
    let summary = t.vm.run_traced(u64::MAX, |point| {
        assert_eq!(point.fiber, id);
        let ws: Vec<u32> = point.working_stack().collect();
        seen.push((
            point.ep(),
            point.code()[0],
            ws,
            point.call_depth(),
            point.err(),
        ));
    });
    assert_eq!(
        seen,
        [
            (0x2000, 0xC1, vec![], 0, 0),
            (0x2001, 0x6A, vec![1], 0, 0),
            (0x2006, 0x09, vec![1, 0x2009], 0, 0),
            (0x2009, 0x03, vec![1], 1, 0),
            (0x200A, 0x05, vec![1], 1, 0),
            (0x200B, 0x05, vec![], 1, 0),
            (0x2008, 0x02, vec![1], 0, 0xE0A3),
        ]
    );
    assert_eq!(summary.executed, 7);
    assert_eq!(summary.done, 1);

    let mut t = load("main: PUSH 0\n JMPW");
    let mut codes = Vec::new();
    t.vm.run_traced(9, |point| {
        codes.push((point.ep(), point.code().first().copied()))
    });
    assert_eq!(
        codes,
        [(0x2000, Some(0xC0)), (0x2001, Some(0x80)), (0, None)]
    );
}
