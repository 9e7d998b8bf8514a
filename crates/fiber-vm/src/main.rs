//! The command-line program: runs, lists, assembles and disassembles programs.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
