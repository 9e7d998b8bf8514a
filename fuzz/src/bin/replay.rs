//! Runs every input of a folder's corpora on their targets: `replay fuzz/corpus`. A corpus is a text file that is named after its
//! target; each line is an input, in hexadecimal digits. An input's name is printed before it runs, so the last one printed is
//! the one that ended the process.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args_os().nth(1).ok_or("usage: replay CORPUS")?;
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(&folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    for target in fuzz::TARGETS {
        let name = format!("{}.txt", target.name);
        names.retain(|other| *other != name);
        let inputs = fs::read_to_string(Path::new(&folder).join(&name))
            .map_err(|error| format!("{name}: {error}"))?;
        if inputs.is_empty() {
            return Err(format!("{name} is empty").into());
        }
        (target.prepare)();
        for (line, input) in (1..).zip(inputs.lines()) {
            println!("{name}:{line}");
            (target.run)(&bytes(input).ok_or("no hexadecimal digits")?);
        }
    }
    match names.first() {
        Some(name) => Err(format!("{name} belongs to no target").into()),
        None => Ok(()),
    }
}

fn bytes(line: &str) -> Option<Vec<u8>> {
    let starts = (0..line.len()).step_by(2);
    let digits = starts.map(|at| u8::from_str_radix(line.get(at..at + 2)?, 16).ok());
    digits.collect()
}
