//! What most tests need: a machine with one assembled fiber.

use fiber_vm::asm::assemble;
use fiber_vm::{Config, Exit, FiberId, FiberRef, Vm};

/// A machine with an assembled program and its fibers.
pub(crate) struct Loaded {
    pub(crate) vm: Vm<'static>,
    pub(crate) ids: Vec<FiberId>,
}

/// Assembles and loads a program into a machine of the default sizes.
pub(crate) fn load(source: &str) -> Loaded {
    load_with(Config::default(), source)
}

/// Assembles and loads a program.
pub(crate) fn load_with(config: Config, source: &str) -> Loaded {
    let program = assemble(source).unwrap_or_else(|error| panic!("{error}"));
    let mut vm = Vm::new(config).unwrap();
    let ids = program.load(&mut vm).unwrap();
    Loaded { vm, ids }
}

impl Loaded {
    /// The first fiber.
    pub(crate) fn fiber(&self) -> FiberRef<'_> {
        self.vm.fiber(self.ids[0]).unwrap()
    }

    /// Runs the first fiber until it leaves its loop.
    pub(crate) fn run(&mut self) -> Exit {
        self.vm.execute_loop(self.ids[0]).unwrap()
    }

    /// Executes so many instructions of the first fiber.
    pub(crate) fn run_for(&mut self, mut fuel: u64) -> Exit {
        self.vm.execute_loop_for(self.ids[0], &mut fuel).unwrap()
    }

    /// The first fiber's working stack.
    pub(crate) fn ws(&self) -> Vec<u32> {
        self.fiber().working_stack().collect()
    }

    /// A word of memory.
    pub(crate) fn word(&self, address: u32) -> u32 {
        let bytes = self.vm.read(address, 4).unwrap();
        u32::from_le_bytes(bytes.try_into().unwrap())
    }
}
