//! Any bytes as a program, in fibers, with host functions, for some fuel: no panic, no hang,
//! nothing touched that is not the machine's; and with decoded blocks, few or many, the very same
//! as without.

use fiber_vm::{Config, ErrorCode, FiberError, HostFlow, Status, Vm};

const ORIGIN: u32 = 0x100;
const FUEL: u64 = 3_000;

pub(crate) fn run(input: &[u8]) {
    let [shape, second, code @ ..] = input else {
        return;
    };
    let code = &code[..code.len().min(0x300)];
    let without = outcome(*shape, *second, code, 0);
    for blocks in [1, 64] {
        assert_eq!(
            outcome(*shape, *second, code, blocks),
            without,
            "{blocks} blocks"
        );
    }
}

/// All that can be seen of a machine after some fuel.
fn outcome(shape: u8, second: u8, code: &[u8], blocks: u32) -> String {
    let config = Config {
        memory: 0x400,
        fibers: 4,
        ws_depth: u32::from(shape & 15) + 1,
        cs_depth: u32::from(shape >> 4) + 1,
        ls_bytes: 64,
        blocks,
    };
    let mut vm = Vm::new(config).unwrap();
    register(&mut vm);
    vm.write(ORIGIN, code).unwrap();
    let ids = [
        vm.spawn(ORIGIN).unwrap(),
        vm.spawn(ORIGIN + u32::from(second)).unwrap(),
    ];
    vm.set_gb(ids[1], ORIGIN).unwrap();

    // Half of the fuel in one go, the rest in pieces and with a trace.
    let mut executed = vm.run_for(FUEL / 2).executed;
    for piece in [1, 7, 100] {
        executed += vm.run_for(piece).executed;
    }
    executed += vm
        .run_traced(FUEL / 4, |point| {
            assert!(point.working_stack().count() <= config.ws_depth as usize);
        })
        .executed;
    executed += vm.run_for(200).executed;
    assert!(executed <= FUEL);

    let mut seen = format!("{executed} {:?}", vm.read(1, vm.memory_len() - 1));
    for fiber in vm.fibers() {
        assert!(fiber.working_stack().count() <= config.ws_depth as usize);
        assert!(fiber.working_stack_at_error().len() <= config.ws_depth as usize);
        assert!(fiber.call_depth() <= config.cs_depth as usize);
        let low = vm.locals_start() + fiber.id().index() * config.ls_bytes;
        assert!((low..=low + config.ls_bytes).contains(&fiber.ls_sp()));
        assert_eq!(
            vm.listed().any(|id| id == fiber.id()),
            fiber.status() == Status::Ready
        );
        seen += &format!(
            "{:?} {:?} {} {} {} {:?} {:?} {:?}",
            fiber.id(),
            fiber.status(),
            fiber.ep(),
            fiber.err(),
            fiber.ls_sp(),
            fiber.working_stack().collect::<Vec<_>>(),
            fiber.working_stack_at_error(),
            fiber.call_stack().collect::<Vec<_>>(),
        );
    }
    seen
}

/// Host functions that do whatever the program asks for.
fn register(vm: &mut Vm<'_>) {
    vm.register(0x40, |call| {
        let (address, len) = (call.pop()?, call.pop()?);
        let sum = call
            .read(address, len)?
            .iter()
            .fold(0, |sum, &byte| sum + u32::from(byte));
        call.push(sum)?;
        Ok(HostFlow::Continue)
    })
    .unwrap();
    vm.register(0x41, |call| {
        let (gb, ep) = (call.pop()?, call.pop()?);
        match call.spawn(ep, gb, &[ep, gb]) {
            Ok(id) => call.push(id.index())?,
            Err(FiberError::NoneFree) => return Err(ErrorCode::OUT_OF_MEMORY),
            Err(_) => return Err(ErrorCode::STACK_OVERFLOW),
        }
        Ok(HostFlow::Yield)
    })
    .unwrap();
    vm.register(0x42, |call| match call.pop()? {
        0 => Ok(HostFlow::Again),
        code => Err(ErrorCode::new(code as u16)),
    })
    .unwrap();
    vm.register(0x43, |call| {
        let (address, value) = (call.pop()?, call.pop()?);
        call.write(address, &value.to_le_bytes())?;
        Ok(HostFlow::Continue)
    })
    .unwrap();
}
