//! What can be said on the command line.

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand};
use fiber_vm::Config;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Fibers of a small stack machine: run, list, assemble and disassemble programs.
#[derive(Debug, Parser)]
#[command(name = "fiber-vm", version, styles = STYLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a source file until all its fibers are done.
    Run(RunArgs),
    /// Show a source file's bytes beside its lines.
    List {
        /// The source file
        file: PathBuf,
    },
    /// Assemble a source file to bytes, from its first address to its last.
    Asm {
        /// The source file
        file: PathBuf,
        /// Where the bytes go
        #[arg(short, long)]
        output: PathBuf,
    },
    /// Turn a file of bytes back into source text.
    Dis {
        /// The file of bytes
        file: PathBuf,
        /// The address of the first byte
        #[arg(long, default_value = "0x2000", value_parser = number)]
        origin: u32,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// The source file
    pub(crate) file: PathBuf,
    /// Show every instruction before it is executed, on standard error
    #[arg(long)]
    pub(crate) trace: bool,
    /// Show at the end where every fiber is and what it has on its stacks, on standard error
    #[arg(long)]
    pub(crate) show: bool,
    /// Stop after so many instructions
    #[arg(long, value_name = "INSTRUCTIONS")]
    pub(crate) fuel: Option<u64>,
    /// Bytes of memory for program and data
    #[arg(long, value_name = "BYTES", default_value_t = Config::DEFAULT.memory, value_parser = number)]
    pub(crate) memory: u32,
    /// The most fibers at a time
    #[arg(long, value_name = "COUNT", default_value_t = 4096, value_parser = number)]
    pub(crate) fibers: u32,
    /// Words on a working stack
    #[arg(long, value_name = "WORDS", default_value_t = Config::DEFAULT.ws_depth, value_parser = number)]
    pub(crate) ws: u32,
    /// Frames on a call stack
    #[arg(long, value_name = "FRAMES", default_value_t = Config::DEFAULT.cs_depth, value_parser = number)]
    pub(crate) cs: u32,
    /// Bytes of a locals stack
    #[arg(long, value_name = "BYTES", default_value_t = Config::DEFAULT.ls_bytes, value_parser = number)]
    pub(crate) ls: u32,
}

impl RunArgs {
    pub(crate) fn config(&self) -> Config {
        Config {
            memory: self.memory,
            fibers: self.fibers,
            ws_depth: self.ws,
            cs_depth: self.cs,
            ls_bytes: self.ls,
            ..Config::DEFAULT
        }
    }
}

/// A number in decimal, or in hexadecimal after `0x`.
fn number(text: &str) -> Result<u32, std::num::ParseIntError> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    }
}
