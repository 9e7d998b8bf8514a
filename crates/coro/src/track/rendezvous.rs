//! A dump of all threads: each tells of its own coroutines, at a safe point.
//!
//! A suspended stack can be walked only while nothing resumes it, so by its own thread. The thread
//! that wants to know raises a number; the others compare it with that of their last answer wherever
//! they come by a safe point, and leave a text. For those that do not come in time their records are
//! read, which tell less but need no thread's help.

use super::{dump, registry, thread};
use core::cell::OnceCell;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::time::Duration;
use std::io::{self, Write};
use std::string::String;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;
use std::vec::Vec;

/// The number of the last question; 0 before the first.
static QUESTION: AtomicUsize = AtomicUsize::new(0);

/// The threads that have, or had, tracked coroutines.
static THREADS: Mutex<Vec<Weak<Member>>> = Mutex::new(Vec::new());

/// Guards the answers; it is told of each.
static ANSWERED: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());

/// Held by the thread that asks.
static ASKS: Mutex<()> = Mutex::new(());

std::thread_local! {
    static ME: OnceCell<Arc<Member>> = const { OnceCell::new() };
}

/// A thread that can be asked.
struct Member {
    number: usize,
    name: String,
    /// The last question that it has answered, and the answer until it is taken.
    answer: Mutex<(usize, Option<String>)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the calling thread one of those that are asked, until it ends.
pub(super) fn join() {
    // Not while the thread's locals go: then it comes to no safe point any more.
    let _ = ME.try_with(|me| {
        me.get_or_init(|| {
            let member = Arc::new(Member {
                number: thread::number(),
                name: thread::name(),
                // A question of before is not for this thread.
                answer: Mutex::new((QUESTION.load(Relaxed), None)),
            });
            let mut threads = lock(&THREADS);
            threads.retain(|known| known.strong_count() > 0);
            threads.push(Arc::downgrade(&member));
            member
        });
    });
}

/// A safe point: if another thread wants to know where the tracked coroutines of this one are
/// ([`dump_all`]), it is told now.
///
/// A thread comes by a safe point whenever a tracked coroutine suspends, so that a program need
/// call this only where none does for a long time: in the loop of a scheduler that waits for
/// events, say. It costs two loads if there is nothing to do.
///
/// ```
/// # let mut turns = 0;
/// # let mut wait_for_events = || { turns += 1; turns < 3 };
/// while wait_for_events() {
///     coro::track::checkpoint();
///     // Resume what has become ready.
/// }
/// ```
#[inline]
pub fn checkpoint() {
    if QUESTION.load(Relaxed) != 0 {
        answer();
    }
}

#[cold]
#[inline(never)]
fn answer() {
    let question = QUESTION.load(Acquire);
    let _ = ME.try_with(|me| {
        let Some(me) = me.get() else { return };
        if lock(&me.answer).0 == question {
            return;
        }
        let text = dump::this_thread();
        let _answering = lock(&ANSWERED.0);
        *lock(&me.answer) = (question, Some(text));
        ANSWERED.1.notify_all();
    });
}

/// Writes where the tracked coroutines of all threads are: as [`dump`](super::dump()) does, for
/// this thread and for those that come to a safe point ([`checkpoint`]) within `limit`.
///
/// A thread that does not, because it computes or waits in a system call, is named as such. Of its
/// coroutines is told what their records say: how many are suspended, and where, without backtraces.
///
/// ```
/// use std::time::Duration;
///
/// coro::track::dump_all(&mut std::io::stderr(), Duration::from_secs(1))?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Those of `out`.
pub fn dump_all(out: &mut impl Write, limit: Duration) -> io::Result<()> {
    let asking = lock(&ASKS);
    let question = QUESTION.fetch_add(1, Release) + 1;
    let deadline = Instant::now() + limit;
    answer();
    let threads: Vec<Arc<Member>> = lock(&THREADS).iter().filter_map(Weak::upgrade).collect();
    let has_answered = |member: &Arc<Member>| lock(&member.answer).0 >= question;
    let mut waiting = lock(&ANSWERED.0);
    while !threads.iter().all(has_answered) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        let woken = ANSWERED.1.wait_timeout(waiting, left);
        waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
    }
    drop(waiting);
    let texts: Vec<String> = threads.iter().map(|member| member.tell(question)).collect();
    drop(asking);
    texts
        .iter()
        .try_for_each(|text| out.write_all(text.as_bytes()))
}

impl Member {
    /// Its answer, or what its records say. Nothing of a thread that has no coroutines.
    fn tell(&self, question: usize) -> String {
        let (answered, text) = {
            let mut answer = lock(&self.answer);
            (answer.0, answer.1.take())
        };
        match text {
            Some(text) if answered >= question => text,
            _ => registry::with(|records| {
                let mut its = records
                    .iter()
                    .filter(|record| record.owner() == self.number)
                    .peekable();
                match its.peek() {
                    Some(_) => dump::from_records(&self.name, its.copied()),
                    None => String::new(),
                }
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_question_of_before_is_none() {
        let member = |question| Member {
            number: usize::MAX,
            name: String::from("without coroutines"),
            answer: Mutex::new((question, Some(String::from("answer")))),
        };
        assert_eq!(member(6).tell(7), "");
        assert_eq!(member(7).tell(7), "answer");
        assert_eq!(member(8).tell(7), "answer");
    }

    #[test]
    fn threads_that_have_ended_are_forgotten() {
        const MANY: usize = 20;
        for _ in 0..MANY {
            std::thread::spawn(join).join().unwrap();
        }
        let ended = |known: &&std::sync::Weak<Member>| known.strong_count() == 0;
        let left = lock(&THREADS).iter().filter(ended).count();
        assert!(left < MANY, "{left}");
    }
}
