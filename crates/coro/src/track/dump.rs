//! Tracked coroutines as a text: those that are stuck in the same place, together.

use super::record::Record;
use super::tracked::{Tracked, mine};
use super::{frames, thread};
use crate::Status;
use core::fmt::{self, Write as _};
use core::num::NonZeroUsize;
use core::panic::Location;
use core::time::Duration;
use std::collections::HashMap;
use std::io::{self, Write};
use std::string::String;
use std::vec::Vec;

/// A dump runs where so many bytes of stack are left, or on as many more: names of functions are
/// looked up, and the caller may be a coroutine with little.
const STACK: usize = 512 << 10;

/// So many names are told of a group.
const NAMES: usize = 3;

/// Writes where the tracked coroutines of this thread are, grouped: coroutines that are suspended
/// with equal backtraces are told of once, with their number.
///
/// ```
/// use coro::{Coroutine, SuspendHandle, track};
///
/// fn wait_for_work(handle: &SuspendHandle<(), ()>) {
///     handle.suspend(());
/// }
///
/// let mut idle = Vec::new();
/// for n in 0..10 {
///     let builder = Coroutine::builder().name(format!("worker {n}")).tracked(true);
///     idle.push(builder.build(|handle, ()| wait_for_work(handle))?);
/// }
/// idle.iter_mut().for_each(|worker| drop(worker.resume(())));
///
/// let mut text = Vec::new();
/// track::dump(&mut text)?;
/// let text = String::from_utf8(text)?;
/// assert!(text.contains("10 coroutines suspended at "));
/// println!("{text}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A backtrace for each coroutine, without names, takes some microseconds; names are looked up
/// for each group. It runs on a stack of its own, if little of the present one is left.
///
/// # Errors
/// Those of `out`.
pub fn dump(out: &mut impl Write) -> io::Result<()> {
    out.write_all(this_thread().as_bytes())
}

/// The text for this thread.
pub(super) fn this_thread() -> String {
    crate::maybe_grow(STACK, STACK, || {
        let coroutines = mine(|record| {
            // SAFETY: `mine` gives records of this thread.
            (unsafe { Tracked::of(record) }, unsafe { walk(record) })
        });
        text(&thread::name(), coroutines)
    })
}

/// The context with which a coroutine is suspended, and its frames' addresses.
///
/// # Safety
/// The record is that of a coroutine of this thread.
unsafe fn walk(record: &Record) -> Option<Frames> {
    if record.status() != Status::Suspended {
        return None;
    }
    let context = record.context()?;
    record.resumer().has_gone_on();
    // SAFETY: (1) as the caller promises; (2) it was made so.
    let addresses = unsafe { frames::addresses(context) };
    Some(Frames { context, addresses })
}

struct Frames {
    context: NonZeroUsize,
    addresses: Vec<usize>,
}

/// What coroutines of a group have in common.
#[derive(PartialEq, Eq, Hash)]
struct Place {
    status: Status,
    suspended_at: Option<&'static Location<'static>>,
    waits_for: Option<&'static str>,
    created_at: &'static Location<'static>,
    frames: Vec<usize>,
}

/// Coroutines that are in the same place.
struct Group {
    place: Place,
    /// Of one of them.
    context: Option<NonZeroUsize>,
    members: Vec<Tracked>,
}

/// Largest group first.
fn group(coroutines: Vec<(Tracked, Option<Frames>)>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut known: HashMap<Place, usize> = HashMap::new();
    let place = |tracked: &Tracked, frames: &[usize]| Place {
        status: tracked.status(),
        suspended_at: tracked.suspended_at(),
        waits_for: tracked.waits_for(),
        created_at: tracked.created_at(),
        frames: frames.to_vec(),
    };
    for (tracked, frames) in coroutines {
        let addresses = frames.as_ref().map_or(&[][..], |frames| &frames.addresses);
        let index = *known.entry(place(&tracked, addresses)).or_insert_with(|| {
            groups.push(Group {
                place: place(&tracked, addresses),
                context: frames.as_ref().map(|frames| frames.context),
                members: Vec::new(),
            });
            groups.len() - 1
        });
        groups[index].members.push(tracked);
    }
    groups.sort_by_key(|group| core::cmp::Reverse(group.members.len()));
    groups
}

fn text(thread: &str, coroutines: Vec<(Tracked, Option<Frames>)>) -> String {
    let mut text = String::new();
    let count = Count(coroutines.len());
    let groups = group(coroutines);
    let _ = writeln!(
        text,
        "thread '{thread}': {count} tracked, in {} places",
        groups.len()
    );
    for group in &groups {
        let _ = write!(text, "{group}");
        let frames = match group.context {
            // SAFETY: (1) a coroutine of this thread, which has been suspended since it was found;
            // (2) its link was made to lead nowhere then.
            Some(context) => unsafe { frames::lines(context) },
            None => Vec::new(),
        };
        for (number, frame) in frames.iter().enumerate() {
            let _ = writeln!(text, "    {number:>4}: {frame}");
        }
    }
    text
}

/// "1 coroutine", "2 coroutines".
pub(super) struct Count(pub(super) usize);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0 == 1 { "" } else { "s" };
        write!(f, "{} coroutine{plural}", self.0)
    }
}

/// All but the backtrace.
impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = &self.members;
        write!(f, "  {} ", Count(members.len()))?;
        match (self.place.status, self.place.suspended_at) {
            (Status::Suspended, Some(place)) => writeln!(f, "suspended at {place}")?,
            (Status::Suspended, None) => writeln!(f, "suspended")?,
            (Status::Created, _) => writeln!(f, "created, and never resumed")?,
            (Status::Running, _) => writeln!(f, "running, or waiting for another one")?,
            (Status::Complete, _) => writeln!(f, "complete, and not dropped")?,
        }
        if let Some(future) = self.place.waits_for {
            writeln!(f, "      waiting for {future}")?;
        }
        if let Some((shortest, longest)) = range(members, Tracked::suspended_for) {
            writeln!(f, "      since {}", Range(Age(shortest), Age(longest)))?;
        }
        writeln!(f, "      created at {}", self.place.created_at)?;
        let mut names = members.iter().filter_map(Tracked::name);
        if let Some(first) = names.next() {
            write!(f, "      named `{first}`")?;
            names
                .by_ref()
                .take(NAMES - 1)
                .try_for_each(|name| write!(f, ", `{name}`"))?;
            match names.count() {
                0 => writeln!(f)?,
                more => writeln!(f, ", and {more} more")?,
            }
        }
        let some = |bytes: fn(&Tracked) -> usize| {
            range(members, |member| Some(bytes(member))).unwrap_or_default()
        };
        let (least, most) = some(Tracked::stack_size);
        write!(f, "      stack {} bytes", Range(least, most))?;
        if let Some((least, most)) = range(members, Tracked::bytes_in_use) {
            write!(f, ", in use {}", Range(least, most))?;
        }
        let (least, most) = some(Tracked::high_water_mark);
        writeln!(f, ", at most {}", Range(least, most))
    }
}

/// The least and the largest of something.
fn range<T: Ord + Copy>(
    members: &[Tracked],
    value: impl Fn(&Tracked) -> Option<T>,
) -> Option<(T, T)> {
    let values = || members.iter().filter_map(&value);
    values().min().zip(values().max())
}

/// One number if both are the same, as they are shown.
struct Range<T>(T, T);

impl<T: fmt::Display> fmt::Display for Range<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = (std::format!("{}", self.0), std::format!("{}", self.1));
        f.write_str(&least)?;
        if least == most {
            Ok(())
        } else {
            write!(f, " to {most}")
        }
    }
}

struct Age(Duration);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} s", self.0.as_secs_f64())
    }
}

/// What the records say of another thread's coroutines, which did not stop for a walk: of those that
/// are suspended, where. To be called while no record comes or goes.
pub(super) fn from_records<'a>(thread: &str, records: impl Iterator<Item = &'a Record>) -> String {
    let mut places: Vec<(&'static Location<'static>, usize)> = Vec::new();
    let mut others = 0;
    for record in records {
        match record.suspended_at().filter(|_| record.waits()) {
            Some(place) => match places.iter_mut().find(|(known, _)| *known == place) {
                Some((_, count)) => *count += 1,
                None => places.push((place, 1)),
            },
            None => others += 1,
        }
    }
    places.sort_by_key(|&(_, count)| core::cmp::Reverse(count));
    let mut text = std::format!(
        "thread '{thread}' came to no safe point in time; its coroutines' records say:\n"
    );
    for (place, count) in places {
        let _ = writeln!(text, "  {} suspended at {place}", Count(count));
    }
    if others > 0 {
        let _ = writeln!(text, "  {} in other states", Count(others));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_range_is_one_number_if_both_are_shown_alike() {
        let age = |milliseconds| Age(Duration::from_millis(milliseconds));
        assert_eq!(Range(3, 3).to_string(), "3");
        assert_eq!(Range(3, 4).to_string(), "3 to 4");
        assert_eq!(Range(age(1500), age(1500)).to_string(), "1.500 s");
        assert_eq!(Range(age(20), age(1500)).to_string(), "0.020 s to 1.500 s");
    }
}
