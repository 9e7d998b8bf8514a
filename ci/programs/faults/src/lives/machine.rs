//! The virtual machine.

use std::error::Error;

use fiber_vm::asm::assemble;
use fiber_vm::{Config, Vm};

pub fn run() -> Result<(), Box<dyn Error + Send + Sync>> {
    let program = assemble(
        "
        .fiber careful
        .fiber careless
        careful:
            PUSH attempt
            DV catch
            YLD
            DV err
            RET
        careless:
            XSL attempt
            RET
        attempt:
            PUSH 7
            PUSH 0
            DIV_U
            RET
        ",
    )?;
    let mut vm = Vm::new(Config::default())?;
    program.load(&mut vm)?;
    let summary = vm.run();
    assert_eq!((summary.done, summary.panicked), (1, 1));
    Ok(())
}
