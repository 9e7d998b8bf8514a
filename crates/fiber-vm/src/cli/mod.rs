//! The command line. Exit codes: 0, 1 for what is wrong with a program, 2 for wrong usage.

mod args;
mod image;
mod problem;
mod run;
mod style;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use fiber_vm::asm::{Program, assemble_with, source_text};
use fiber_vm::console;

use args::{Args, Command};
use problem::Problem;

/// Does what the command line says.
pub(crate) fn main() -> ExitCode {
    let result = match Args::parse().command {
        Command::Run(args) => run::run(&args),
        Command::List { file } => image::list(&file),
        Command::Asm { file, output } => image::assemble(&file, &output),
        Command::Dis { file, origin } => image::disassemble(&file, origin),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            problem.print();
            ExitCode::FAILURE
        }
    }
}

/// A source file with what it assembles to.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) program: Program,
}

impl Source {
    /// Reads and assembles a file.
    fn read(path: &Path) -> Result<Self, Problem> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| Problem::file(path, &error))?;
        let located = |errors| Problem::source(&name, &String::from_utf8_lossy(&bytes), &errors);
        let text = source_text(&bytes).map_err(|error| located(error.into()))?;
        let program = assemble_with(text, console::NAMES).map_err(located)?;
        Ok(Self {
            text: text.into(),
            program,
            name,
        })
    }
}
