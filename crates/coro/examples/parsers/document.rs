use crate::feed::Chunk;
use std::env;
use std::process::Command;
use std::rc::Rc;

const USAGE: &str = "usage: parsers [--coroutines N] [--chunk BYTES] [FILE.json]";

/// What the command line asks for.
pub(crate) struct Options {
    pub(crate) coroutines: usize,
    pub(crate) chunk: usize,
    file: Option<String>,
}

impl Options {
    pub(crate) fn from_arguments() -> Result<Options, String> {
        let mut options = Options {
            coroutines: 1000,
            chunk: 4096,
            file: None,
        };
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let text = arguments.next();
                let number = text
                    .and_then(|text| text.parse().ok())
                    .filter(|&number| number > 0);
                number.ok_or_else(|| format!("{argument} takes a number from 1 on; {USAGE}"))
            };
            match argument.as_str() {
                "--coroutines" => options.coroutines = number()?,
                "--chunk" => options.chunk = number()?,
                flag if flag.starts_with('-') => {
                    return Err(format!("there is no {flag}; {USAGE}"));
                }
                _ if options.file.is_some() => return Err(format!("one file is enough; {USAGE}")),
                _ => options.file = Some(argument),
            }
        }
        Ok(options)
    }
}

/// The text that every coroutine parses.
pub(crate) struct Document {
    name: String,
    bytes: Rc<[u8]>,
}

impl Document {
    /// The file that was asked for, or what `cargo metadata` prints here.
    pub(crate) fn load(options: &Options) -> Result<Document, String> {
        let (name, bytes) = match &options.file {
            Some(file) => {
                let bytes = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
                (file.clone(), bytes)
            }
            None => {
                let mut cargo = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
                cargo.args(["metadata", "--format-version", "1"]);
                cargo.args([
                    "--manifest-path",
                    concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
                ]);
                let output = cargo
                    .output()
                    .map_err(|error| format!("cargo metadata: {error}"))?;
                if !output.status.success() {
                    return Err(format!(
                        "cargo metadata: {}; name a file instead",
                        output.status
                    ));
                }
                ("cargo metadata".into(), output.stdout)
            }
        };
        Ok(Document {
            name,
            bytes: bytes.into(),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The chunk with this number; empty beyond the end.
    pub(crate) fn chunk(&self, number: usize, size: usize) -> Chunk {
        let start = number.saturating_mul(size).min(self.bytes.len());
        let end = start.saturating_add(size).min(self.bytes.len());
        Chunk {
            document: self.bytes.clone(),
            range: start..end,
        }
    }
}
