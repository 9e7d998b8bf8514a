//! `run`: a program with a console, watched if so wished, and what became of its fibers.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::rc::Rc;

use fiber_vm::asm::disassemble_one;
use fiber_vm::{ErrorCode, Event, FiberRef, Status, TracePoint, Vm, console};

use super::Source;
use super::args::RunArgs;
use super::problem::{Located, Problem, source_line};
use super::style::{DIM, FIBER};

/// Fibers reported at length when they panic.
const REPORTED: u64 = 8;

pub(crate) fn run(args: &RunArgs) -> Result<(), Problem> {
    let source = Source::read(&args.file)?;
    let mut vm = Vm::new(args.config()).map_err(Problem::message)?;
    let output = Output::default();
    console::install(&mut vm, output.clone()).map_err(Problem::message)?;
    source.program.load(&mut vm).map_err(Problem::message)?;

    let mut fuel = args.fuel.unwrap_or(u64::MAX);
    let mut panicked = 0;
    let idle = loop {
        // In slices, so that a program is stopped when the reader of its output has gone.
        let mut slice = fuel.min(SLICE);
        fuel -= slice;
        let event = match args.trace {
            true => vm.run_to_event_traced(&mut slice, |point| trace(&source, &output, point)),
            false => vm.run_to_event(&mut slice),
        };
        fuel += slice;
        if output.failed() {
            break true;
        }
        match event {
            Event::Done(_) => {}
            Event::Panicked(id, _) => {
                panicked += 1;
                if panicked <= REPORTED {
                    output.flush();
                    report(&source, &vm.fiber(id).map_err(Problem::message)?);
                }
            }
            Event::OutOfFuel if fuel > 0 => {}
            Event::OutOfFuel => break false,
            Event::Idle => break true,
        }
    };
    output.finish()?;

    if args.show || args.trace {
        vm.fibers().for_each(|fiber| show(&source, &fiber));
    }
    if panicked > REPORTED {
        anstream::eprintln!("… and {} more fibers panicked", panicked - REPORTED);
    }
    if !idle {
        let left = vm.listed().count();
        return Err(Problem::message(format_args!(
            "out of fuel, with {left} fibers left to run"
        )));
    }
    if panicked > 0 {
        Err(Problem::Silent)
    } else {
        Ok(())
    }
}

/// Instructions between two looks at the output.
const SLICE: u64 = 1 << 24;

/// An instruction about to be executed: fiber, line, address, text, working stack.
fn trace(source: &Source, output: &Output, point: &TracePoint<'_>) {
    // What the program has printed so far comes first.
    output.flush();
    let ep = point.ep();
    let line = source
        .program
        .line(ep)
        .map_or(String::from("-"), |line| line.to_string());
    let text = disassemble_one(ep, point.code()).map_or(String::new(), |line| line.to_string());
    let fiber = point.fiber.index();
    let err = match ErrorCode::new(point.err()) {
        _ if point.err() == 0 => String::new(),
        code => format!("  err {}", code_name(source, code)),
    };
    anstream::eprintln!(
        "{FIBER}fiber {fiber}{FIBER:#}  {DIM}line {line:>4}  {ep:08X}{DIM:#}  {text:20}  {:24}  calls {}{err}",
        words(point.working_stack()),
        point.call_depth(),
    );
}

/// Where a fiber is.
fn show(source: &Source, fiber: &FiberRef<'_>) {
    let status = match fiber.status() {
        Status::Detached => String::from("detached"),
        Status::Ready => String::from("ready"),
        Status::Done => String::from("done"),
        Status::Panicked(code) => format!("panicked: {}", code_name(source, code)),
    };
    anstream::eprintln!(
        "{FIBER}fiber {}{FIBER:#}  {status}, at {}, working stack {}, calls {}",
        fiber.id().index(),
        place(source, fiber.ep()),
        words(fiber.working_stack()),
        fiber.call_depth(),
    );
}

/// An uncaught panic: what, where in the source, and the stacks.
fn report(source: &Source, fiber: &FiberRef<'_>) {
    let Status::Panicked(code) = fiber.status() else {
        return;
    };
    let index = fiber.id().index();
    let message = format!("fiber {index} panicked with {}", code_name(source, code));
    let ep = fiber.ep();
    // Past the culprit, so its last byte is the one before.
    match ep
        .checked_sub(1)
        .and_then(|culprit| source.program.line(culprit))
    {
        Some(line) => {
            let text = source_line(&source.text, line);
            let code = text.split(';').next().unwrap_or_default().trim_end();
            let indent = code.chars().take_while(|c| c.is_whitespace()).count();
            let width = code.trim_start().chars().count().max(1);
            let (file, column) = (source.name.clone(), indent as u32 + 1);
            Problem::Located(Located {
                message,
                file,
                line,
                column,
                text,
                width,
            })
            .print();
        }
        None => Problem::message(message).print(),
    }
    let mut notes = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(notes, "  ep             {}", place(source, ep));
    let _ = writeln!(notes, "  working stack  {}", words(fiber.working_stack()));
    let _ = writeln!(
        notes,
        "  call stack     {}",
        match fiber.call_depth() {
            0 => "empty",
            _ => "newest frame first",
        }
    );
    let frames = fiber.call_stack();
    let hidden = frames.len().saturating_sub(FRAMES_SHOWN);
    for frame in frames.rev().take(FRAMES_SHOWN) {
        let _ = write!(
            notes,
            "    returns to   {}",
            place(source, frame.return_address)
        );
        if frame.locals > 0 {
            let _ = write!(notes, ", {} bytes of locals", frame.locals);
        }
        notes.push('\n');
    }
    if hidden > 0 {
        let _ = writeln!(notes, "    … and {hidden} more");
    }
    anstream::eprint!("{notes}");
}

/// Frames of a call stack that are shown.
const FRAMES_SHOWN: usize = 16;

/// An address with its label and its line.
fn place(source: &Source, address: u32) -> String {
    let mut text = format!("{address:X}");
    match source.program.label(address) {
        Some((label, 0)) => text += &format!(" ({label})"),
        Some((label, distance)) => text += &format!(" ({label}+{distance})"),
        None => {}
    }
    match source.program.line(address) {
        Some(line) => text + &format!(" at line {line}"),
        None => text,
    }
}

fn code_name(source: &Source, code: ErrorCode) -> String {
    match source.program.error_name(code) {
        Some(name) => format!("{name} ({:X})", code.get()),
        None => format!("{:X}", code.get()),
    }
}

/// A working stack as the text form writes stack effects.
fn words(stack: impl Iterator<Item = u32>) -> String {
    let words: Vec<String> = stack.map(|word| format!("{word:X}")).collect();
    format!("{{{}}}", words.join(" "))
}

/// Standard output, shared between the console and the trace.
#[derive(Clone, Default)]
struct Output(Rc<RefCell<State>>);

struct State {
    out: io::BufWriter<io::Stdout>,
    error: Option<io::Error>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            out: io::BufWriter::new(io::stdout()),
            error: None,
        }
    }
}

impl Output {
    fn keep<T>(&self, result: io::Result<T>) -> Option<T> {
        result
            .map_err(|error| self.0.borrow_mut().error.get_or_insert(error).kind())
            .ok()
    }

    fn flush(&self) {
        let result = self.0.borrow_mut().out.flush();
        self.keep(result);
    }

    fn failed(&self) -> bool {
        self.0.borrow().error.is_some()
    }

    /// Everything is written, or this is the problem.
    fn finish(&self) -> Result<(), Problem> {
        self.flush();
        match self.0.borrow_mut().error.take() {
            None => Ok(()),
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Problem::Silent),
            Some(error) => Err(Problem::message(format_args!("standard output: {error}"))),
        }
    }
}

impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let result = self.0.borrow_mut().out.write_all(text.as_bytes());
        self.keep(result).ok_or(fmt::Error)
    }
}
