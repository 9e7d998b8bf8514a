//! Host functions.

use std::cell::RefCell;

use fiber_vm::asm::assemble;
use fiber_vm::{Config, ErrorCode, Exit, FiberError, HostFlow, HostNumberError, Status, Vm};

fn vm<'h>(source: &str) -> (Vm<'h>, Vec<fiber_vm::FiberId>) {
    let mut vm = Vm::new(Config::default()).unwrap();
    let ids = assemble(source).unwrap().load(&mut vm).unwrap();
    (vm, ids)
}

fn ws(vm: &Vm<'_>, id: fiber_vm::FiberId) -> Vec<u32> {
    vm.fiber(id).unwrap().working_stack().collect()
}

#[test]
fn pops_and_pushes() {
    let (mut vm, ids) = vm("main: PUSH 20\n PUSH 22\n DV 0x7F\n RET");
    vm.register(0x7F, |call| {
        let sum = call.pop()? + call.pop()?;
        call.push(sum)?;
        Ok(HostFlow::Continue)
    })
    .unwrap();
    assert_eq!(vm.run().done, 1);
    assert_eq!(ws(&vm, ids[0]), [42]);
}

#[test]
fn yields_and_goes_on_after_the_call() {
    let (mut vm, ids) = vm("main: DV 0x40\n PUSH 2\n RET");
    vm.register(0x40, |call| {
        call.push(1)?;
        Ok(HostFlow::Yield)
    })
    .unwrap();
    assert_eq!(vm.execute_loop(ids[0]), Ok(Exit::Yielded));
    assert_eq!(vm.fiber(ids[0]).unwrap().ep(), 0x2002);
    assert_eq!(vm.execute_loop(ids[0]), Ok(Exit::Done));
    assert_eq!(ws(&vm, ids[0]), [1, 2]);
}

#[test]
fn waits_by_being_called_again() {
    let ready = RefCell::new(false);
    let (mut vm, ids) = vm("main: DV 0x40\n RET");
    vm.register(0x40, |call| {
        if !*ready.borrow() {
            return Ok(HostFlow::Again);
        }
        call.push(7)?;
        Ok(HostFlow::Continue)
    })
    .unwrap();
    for _ in 0..3 {
        assert_eq!(vm.execute_loop(ids[0]), Ok(Exit::Yielded));
        assert_eq!(vm.fiber(ids[0]).unwrap().ep(), 0x2000);
    }
    ready.replace(true);
    assert_eq!(vm.execute_loop(ids[0]), Ok(Exit::Done));
    assert_eq!(ws(&vm, ids[0]), [7]);
}

#[test]
fn panics_are_caught_like_any_other() {
    let (mut vm, ids) = vm(".fiber a\n.fiber b
         a: PUSH b\n DV catch\n DV err\n RET
         b: PUSH 9\n DV 0x40\n RET");
    vm.register(0x40, |_| Err(ErrorCode::new(0x77))).unwrap();
    let summary = vm.run();
    assert_eq!((summary.done, summary.panicked), (1, 1));
    assert_eq!(ws(&vm, ids[0]), [1, 0x77]);
    assert_eq!(
        vm.status(ids[1]),
        Ok(Status::Panicked(ErrorCode::new(0x77)))
    );
    assert_eq!(vm.fiber(ids[1]).unwrap().working_stack_at_error(), [9]);
    assert_eq!(
        vm.fiber(ids[1]).unwrap().ep(),
        0x2000 + 5 + 2 + 2 + 1 + 1 + 2
    );
}

#[test]
fn stack_errors_travel_with_the_question_mark() {
    let (mut vm, ids) = vm("main: DV 0x40\n RET");
    vm.register(0x40, |call| {
        assert_eq!(call.pop(), Err(ErrorCode::STACK_UNDERFLOW));
        loop {
            call.push(1)?;
        }
    })
    .unwrap();
    assert_eq!(
        vm.execute_loop(ids[0]),
        Ok(Exit::Panicked(ErrorCode::STACK_OVERFLOW))
    );
    assert_eq!(ws(&vm, ids[0]), [1; 16]);
}

#[test]
fn reads_writes_and_spawns() {
    let (mut vm, ids) = vm("main: DV 0x40\n RET\nchild: ADD\n GR 4\n RET");
    vm.register(0x40, |call| {
        call.write(0x3000, b"abc")?;
        assert_eq!(call.read(0x3001, 2)?, b"bc");
        assert_eq!(call.fiber().ep(), 0x2002);
        let (id, child) = (call.id(), 0x2003);
        assert_eq!(call.add(id), Err(FiberError::Running));
        assert_eq!(call.remove(id), Err(FiberError::Running));
        assert_eq!(call.spawn(child, 0, &[0; 17]), Err(FiberError::StackFull));
        let child = call.spawn(child, 0x100, &[1, 2]).unwrap();
        assert_eq!(call.other_fiber(child).unwrap().status(), Status::Ready);
        assert_eq!(call.remove(child), Ok(true));
        assert_eq!(call.add(child), Ok(()));
        assert_eq!(call.add(child), Err(FiberError::Listed));
        call.push(child.index())?;
        Ok(HostFlow::Continue)
    })
    .unwrap();
    assert_eq!(vm.run().done, 2);
    let child = vm.fibers().last().unwrap();
    assert_eq!(child.working_stack().collect::<Vec<_>>(), [3, 0x104]);
    assert_eq!(ws(&vm, ids[0]), [child.id().index()]);
    assert_eq!(
        vm.fibers().count(),
        2,
        "the refused one left nothing behind"
    );
}

#[test]
fn numbers_without_a_function_are_unknown_devices() {
    for number in [0x00, 0x05, 0x07, 0x13, 0x3F, 0x40, 0x7F, 0x80, 0xFF] {
        let (mut vm, ids) = vm(&format!("main: PUSH 1\n DV {number}\n RET"));
        assert_eq!(
            vm.execute_loop(ids[0]),
            Ok(Exit::Panicked(ErrorCode::DEVICE)),
            "{number:X}"
        );
        assert_eq!(vm.fiber(ids[0]).unwrap().ep(), 0x2003);
    }
    let mut vm = Vm::new(Config::default()).unwrap();
    for number in [0x00, 0x01, 0x3F, 0x80, 0xFF] {
        let registered = vm.register(number, |_| Ok(HostFlow::Continue));
        assert_eq!(registered, Err(HostNumberError(number)));
    }
}

#[test]
fn every_call_costs_one_unit_of_fuel() {
    let (mut vm, ids) = vm("main: DV 0x40\n JMPL main");
    let calls = std::rc::Rc::new(std::cell::Cell::new(0));
    let counter = calls.clone();
    vm.register(0x40, move |_| {
        counter.set(counter.get() + 1);
        Ok(HostFlow::Continue)
    })
    .unwrap();
    assert_eq!(vm.run_for(101).executed, 101);
    assert_eq!(calls.get(), 51);
    assert_eq!(vm.status(ids[0]), Ok(Status::Ready));
}
