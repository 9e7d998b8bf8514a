//! Programs as bytes: `list`, `asm` and `dis`.

use std::io::{self, Write};
use std::path::Path;

use fiber_vm::asm::disassemble as lines;

use super::Source;
use super::problem::{Problem, source_line};
use super::style::DIM;

/// The most bytes that a gap between two segments may add to an image.
const MAX_IMAGE: usize = 16 << 20;

/// Bytes of a line shown before the listing breaks it.
const BYTES_SHOWN: usize = 8;

pub(crate) fn list(file: &Path) -> Result<(), Problem> {
    let source = Source::read(file)?;
    print(|out| {
        for segment in &source.program.segments {
            let mut line = 0;
            let mut start = 0;
            while start < segment.bytes.len() {
                let address = segment.address + start as u32;
                let number = source.program.line(address).unwrap_or(0);
                let same =
                    |at: &usize| source.program.line(segment.address + *at as u32) == Some(number);
                let end = (start + 1..segment.bytes.len())
                    .take(BYTES_SHOWN - 1)
                    .take_while(same)
                    .last()
                    .map_or(start + 1, |last| last + 1);
                let bytes: Vec<String> = segment.bytes[start..end]
                    .iter()
                    .map(|byte| format!("{byte:02X}"))
                    .collect();
                write!(out, "{DIM}{address:08X}{DIM:#}  {:24}", bytes.join(" "))?;
                if number != line {
                    write!(out, " {}", source_line(&source.text, number).trim_end())?;
                    line = number;
                }
                writeln!(out)?;
                start = end;
            }
        }
        Ok(())
    })
}

pub(crate) fn assemble(file: &Path, output: &Path) -> Result<(), Problem> {
    let source = Source::read(file)?;
    let mut image = Vec::new();
    if let Some(first) = source.program.segments.first() {
        for segment in &source.program.segments {
            let start = (segment.address - first.address) as usize;
            if start > MAX_IMAGE {
                return Err(Problem::message(format_args!(
                    "{}: {start} bytes lie between its first address and {:X}: too many for one image",
                    source.name, segment.address,
                )));
            }
            image.resize(start, 0);
            image.extend_from_slice(&segment.bytes);
        }
    }
    std::fs::write(output, image).map_err(|error| Problem::file(output, &error))
}

pub(crate) fn disassemble(file: &Path, origin: u32) -> Result<(), Problem> {
    let bytes = std::fs::read(file).map_err(|error| Problem::file(file, &error))?;
    if u64::from(origin) + bytes.len() as u64 > u64::from(u32::MAX) {
        return Err(Problem::message(format_args!(
            "{}: {} bytes at {origin:X} pass the last address",
            file.display(),
            bytes.len(),
        )));
    }
    print(|out| {
        writeln!(out, "        .org 0x{origin:X}")?;
        for line in lines(origin, &bytes) {
            let text = line.to_string();
            writeln!(out, "        {text:24}{DIM}; {:X}{DIM:#}", line.address)?;
        }
        Ok(())
    })
}

/// Writes to standard output, where a reader that has gone is no error of ours.
fn print(f: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Problem> {
    let mut out = io::BufWriter::new(anstream::stdout().lock());
    match f(&mut out).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Problem::Silent),
        Err(error) => Err(Problem::message(format_args!("standard output: {error}"))),
    }
}
