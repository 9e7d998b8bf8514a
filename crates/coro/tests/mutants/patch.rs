//! Applying unified diffs to sources that have changed since.
//!
//! Unlike `git apply`, this disregards line numbers and indentation, looks in other files when a
//! piece has moved, and does without the outermost lines of context when they have changed: what
//! counts is that the lines to be replaced, with as much context as fits, occur in one place only.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// A changed place.
struct Hunk {
    file: PathBuf,
    /// Its lines, with what is done to each: ` ` stays, `-` goes, `+` comes.
    lines: Vec<(char, String)>,
}

/// What one diff changes, in one file or several.
pub(crate) struct Patch(Vec<Hunk>);

impl Patch {
    /// Reads a diff. What stands before its first file is for people.
    pub(crate) fn parse(text: &str) -> Patch {
        let mut hunks: Vec<Hunk> = Vec::new();
        let mut file = PathBuf::new();
        for line in text.lines() {
            if let Some(path) = line.strip_prefix("+++ b/crates/coro/") {
                file = path.into();
            } else if line.starts_with("@@") {
                let lines = Vec::new();
                hunks.push(Hunk {
                    file: file.clone(),
                    lines,
                });
            } else if let (Some(hunk), false) = (hunks.last_mut(), line.starts_with("--- ")) {
                let (sign, rest) = line.split_at_checked(1).unwrap_or((" ", ""));
                hunk.lines
                    .push((sign.chars().next().unwrap_or(' '), rest.to_owned()));
            }
        }
        Patch(hunks)
    }

    /// Changes the sources; says which place was not found.
    pub(crate) fn apply(&self, sources: &mut BTreeMap<PathBuf, String>) -> Result<(), String> {
        assert!(!self.0.is_empty(), "a patch without a change");
        self.0.iter().try_for_each(|hunk| hunk.apply(sources))
    }
}

impl Hunk {
    fn apply(&self, sources: &mut BTreeMap<PathBuf, String>) -> Result<(), String> {
        let files: Vec<_> = sources.keys().cloned().collect();
        let context = |(sign, _): &&(char, String)| *sign == ' ';
        let before = self.lines.iter().take_while(context).count();
        let after = self.lines.iter().rev().take_while(context).count();
        // From all of the context to as little as tells the place; first where the diff says.
        for less in 0..before + after {
            for cut in 0..=less {
                let (top, bottom) = (cut, less - cut);
                if top > before || bottom > after {
                    continue;
                }
                let part = &self.lines[top..self.lines.len() - bottom];
                let here: Vec<_> = files.iter().filter(|file| **file == self.file).collect();
                for files in [here, files.iter().collect()] {
                    let found = files.iter().flat_map(|&file| {
                        places(&sources[file], part)
                            .into_iter()
                            .map(move |at| (file, at))
                    });
                    if let [(file, at)] = found.collect::<Vec<_>>()[..] {
                        let changed = change(&sources[file], at, part);
                        sources.insert(file.clone(), changed);
                        return Ok(());
                    }
                }
            }
        }
        let lines = self
            .lines
            .iter()
            .map(|(sign, line)| format!("{sign}{line}\n"));
        Err(format!(
            "no single place in {} or elsewhere fits\n{}",
            self.file.display(),
            lines.collect::<String>()
        ))
    }
}

/// The lines before which `part`, as it was before the change, begins.
fn places(text: &str, part: &[(char, String)]) -> Vec<usize> {
    let old = part.iter().filter(|(sign, _)| *sign != '+');
    let old: Vec<_> = old.map(|(_, line)| line.trim()).collect();
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let places = lines.windows(old.len().max(1)).enumerate();
    places
        .filter(|(_, lines)| *lines == old)
        .map(|(at, _)| at)
        .collect()
}

/// The text with `part` changed where it begins before line `at`.
fn change(text: &str, at: usize, part: &[(char, String)]) -> String {
    let mut lines = text.lines();
    let mut new: Vec<&str> = lines.by_ref().take(at).collect();
    for (sign, line) in part {
        match sign {
            '+' => new.push(line),
            '-' => drop(lines.next()),
            _ => new.extend(lines.next()),
        }
    }
    new.extend(lines);
    new.join("\n") + "\n"
}

#[test]
fn a_place_is_found_although_lines_around_it_have_changed() {
    let patch =
        Patch::parse("why\n\n--- a/x\n+++ b/crates/coro/src/x\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
    let apply = |text: &str| {
        let mut sources = BTreeMap::from([(PathBuf::from("src/y"), text.to_owned())]);
        patch.apply(&mut sources)?;
        Ok::<_, String>(sources.remove(&PathBuf::from("src/y")).unwrap())
    };
    assert_eq!(apply("a\nb\nc\n").unwrap(), "a\nB\nc\n");
    assert_eq!(apply("0\n    b\n  c\n").unwrap(), "0\nB\n  c\n");
    assert_eq!(apply("b\na\nb\n").unwrap(), "b\na\nB\n");
    apply("a\nc\n").unwrap_err();
    // Without any context, a line is no place.
    apply("0\nb\n0\n").unwrap_err();
}
