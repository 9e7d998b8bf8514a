//! What dumps tell, read again.

use crate::expected::fail;
use std::collections::BTreeMap;

/// What is told of a thread: how many coroutines there are in each state and place, and how many have names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) states: BTreeMap<String, usize>,
    pub(super) named: usize,
}

/// A thread's name, whether it has told of its coroutines itself, and what.
pub(super) type Section = (String, bool, Told);

impl Told {
    /// What is known of them without the help of their thread: where they are suspended.
    pub(super) fn by_records(&self) -> Told {
        let mut told = Told::default();
        for (state, count) in &self.states {
            let state = match state.starts_with("suspended at ") {
                true => state.as_str(),
                false => "in other states",
            };
            *told.states.entry(state.to_owned()).or_default() += count;
        }
        told
    }

    /// All threads of a dump.
    pub(super) fn parse(text: &[u8]) -> Vec<Section> {
        let text = String::from_utf8_lossy(text);
        let mut sections: Vec<Section> = Vec::new();
        // What a thread's first line says: its coroutines, and the groups of them.
        let mut announced = Vec::new();
        for line in text.lines() {
            if let Some(head) = line.strip_prefix("thread '") {
                let Some((name, rest)) = head.split_once('\'') else {
                    fail(&format!("a thread without a name: {line}"));
                };
                let numbers: Vec<usize> = numbers(rest).collect();
                sections.push((name.to_owned(), !numbers.is_empty(), Told::default()));
                announced.push((numbers, 0));
                continue;
            }
            let (Some((_, _, told)), Some((_, groups))) =
                (sections.last_mut(), announced.last_mut())
            else {
                fail(&format!("a line before all threads: {line}"));
            };
            if let Some((count, state)) = group(line) {
                *told.states.entry(state.to_owned()).or_default() += count;
                *groups += 1;
            } else if let Some(names) = line.strip_prefix("      named ") {
                told.named += names.matches('`').count() / 2;
                let more = names.split_once(", and ").map(|(_, more)| numbers(more));
                told.named += more.and_then(|mut more| more.next()).unwrap_or(0);
            }
        }
        for ((_, answered, told), (numbers, groups)) in sections.iter().zip(announced) {
            let sum: usize = told.states.values().sum();
            if *answered && numbers != [sum, groups] {
                fail(&format!(
                    "{numbers:?} announced, {sum} in {groups} groups:\n{text}"
                ));
            }
        }
        sections
    }
}

/// The count and the state of "  3 coroutines complete, and not dropped".
fn group(line: &str) -> Option<(usize, &str)> {
    let (count, rest) = line.strip_prefix("  ")?.split_once(" coroutine")?;
    let state = rest.strip_prefix("s ").or(rest.strip_prefix(' '))?;
    Some((count.parse().ok()?, state))
}

fn numbers(text: &str) -> impl Iterator<Item = usize> {
    text.split_whitespace().filter_map(|word| word.parse().ok())
}
