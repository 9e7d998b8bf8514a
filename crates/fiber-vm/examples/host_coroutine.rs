//! A host function that itself runs in a coroutine, and yields in the middle of its call.
//!
//! `fields` reads a text from memory and returns its next number, one a call. Inside it is
//! ordinary blocking code: a parser with a loop and a half-read number on its own stack. When the
//! text that has arrived so far ends, it suspends right there; the fiber yields, and makes the same
//! call again when its turn comes. Meanwhile other fibers run, one of which brings more text.
//!
//! `cargo run -p fiber-vm --example host_coroutine`

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use coro::{Coroutine, CoroutineState};
use fiber_vm::asm::assemble_with;
use fiber_vm::{Config, FiberId, HostFlow, Vm};

/// A number, or the end of the text.
type Field = Option<u32>;

/// Bytes that have arrived and were not read yet; None is the end.
type Input = Rc<RefCell<VecDeque<Option<u8>>>>;

/// What the parser suspends with.
enum Asks {
    /// To be resumed when there may be more input.
    Wait,
    /// To be resumed when the next field is wanted.
    Field(u32),
}

/// A parser of numbers between spaces, written as if reading could block.
fn parser(input: Input) -> Coroutine<(), Asks, ()> {
    Coroutine::new(move |handle, ()| {
        let read = || loop {
            let next = input.borrow_mut().pop_front();
            match next {
                Some(byte) => return byte,
                None => handle.suspend(Asks::Wait),
            }
        };
        let mut number = None;
        while let Some(byte) = read() {
            match char::from(byte).to_digit(10) {
                Some(digit) => number = Some(number.unwrap_or(0) * 10 + digit),
                None => {
                    if let Some(field) = number.take() {
                        handle.suspend(Asks::Field(field));
                    }
                }
            }
        }
        if let Some(field) = number {
            handle.suspend(Asks::Field(field));
        }
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let program = assemble_with(
        "
        .fiber reader
        .fiber sender

        reader: DV fields           ; { -> number 1 } or { -> 0 } at the end; yields while it waits
                JZL ended
                DV print
                JMPL reader
        ended:  RET

        sender: SLC.1 4
                .text \"12 3\"
                DV send
                YLD
                SLC.1 3
                .text \"45 \"
                DV send
                YLD
                YLD
                SLC.1 2
                .text \"67\"
                DV send
                DV close
                RET
        ",
        &[
            ("print", 0x40),
            ("fields", 0x41),
            ("send", 0x42),
            ("close", 0x43),
        ],
    )?;

    let input = Input::default();
    let mut vm = Vm::new(Config::default())?;

    vm.register(0x40, |call| {
        println!("reader: got {}", call.pop()?);
        Ok(HostFlow::Continue)
    })?;

    // One parser a fiber. It lives across calls, and in the middle of one.
    let mut parsers: HashMap<FiberId, Coroutine<(), Asks, ()>> = HashMap::new();
    let source = input.clone();
    vm.register(0x41, move |call| {
        let parser = parsers
            .entry(call.id())
            .or_insert_with(|| parser(source.clone()));
        let field: Field = match parser.resume(()) {
            CoroutineState::Yielded(Asks::Wait) => {
                println!("reader: waits in the middle of its call");
                return Ok(HostFlow::Again);
            }
            CoroutineState::Yielded(Asks::Field(field)) => Some(field),
            CoroutineState::Complete(()) => {
                parsers.remove(&call.id());
                None
            }
        };
        if let Some(field) = field {
            call.push(field)?;
        }
        call.push(field.is_some().into())?;
        Ok(HostFlow::Continue)
    })?;

    let sink = input.clone();
    vm.register(0x42, move |call| {
        let (len, address) = (call.pop()?, call.pop()?);
        let bytes = call.read(address, len)?;
        println!("sender: sends {:?}", String::from_utf8_lossy(bytes));
        sink.borrow_mut().extend(bytes.iter().copied().map(Some));
        Ok(HostFlow::Continue)
    })?;
    vm.register(0x43, move |_| {
        println!("sender: closes");
        input.borrow_mut().push_back(None);
        Ok(HostFlow::Continue)
    })?;

    program.load(&mut vm)?;
    let summary = vm.run();
    match summary.first_panic {
        None => println!("{} fibers done", summary.done),
        Some((_, code)) => return Err(code.into()),
    }
    Ok(())
}
