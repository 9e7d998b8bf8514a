//! Several builds at a time. Each of them has minutes in which it keeps one processor only, the first crates of the standard
//! library above all; with another beside it, none is idle.

use std::panic::resume_unwind;
use std::sync::Mutex;
use std::thread;

/// How many builds that take all the processors they can get run at once: a third would find none idle.
pub(crate) const BUILDS: usize = 2;

/// What `work` makes of each item, in the items' order. So many threads as `at_once` says each take the next item when they
/// are done with one.
pub(crate) fn map<I: IntoIterator<IntoIter: Send>, R: Send>(
    at_once: usize,
    items: I,
    work: impl Fn(I::Item) -> R + Sync,
) -> Vec<R> {
    let queue = Mutex::new(items.into_iter().enumerate());
    let next = || queue.lock().ok()?.next();
    let worker = || {
        let mut done = Vec::new();
        while let Some((number, item)) = next() {
            done.push((number, work(item)));
        }
        done
    };
    let mut done: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once).map(|_| scope.spawn(worker)).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined
            .flat_map(|done| done.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    done.sort_by_key(|&(number, _)| number);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::map;

    #[test]
    fn results_are_in_order_whoever_is_first() {
        assert_eq!(map(3, 0..6, |item| item * 2), [0, 2, 4, 6, 8, 10]);
        assert_eq!(map(3, [], |item: u8| item), Vec::<u8>::new());
    }

    #[test]
    fn items_are_worked_on_at_once() {
        // Each waits for another one.
        let barrier = Barrier::new(2);
        map(2, [(); 6], |()| barrier.wait());
    }
}
