//! What threads do with the index and with the locks.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use crate::model::atomic::AtomicUsize;
use crate::model::explore::Case;
use crate::model::heap;
use crate::model::pthread::{Side, fork};
use crate::model::{Kind, wait_for};

/// Two threads, each of which stores to one place and loads from the other: with stores that may wait in a buffer
/// both can load what was there before ("store buffering"). It shows that the model has such buffers.
fn store_and_load(ordering: Ordering) -> Case {
    let places = heap::share([const { AtomicUsize::new(0) }; 2]);
    let seen = Rc::new(Cell::new(0));
    let thread = |mine: usize| -> Box<dyn FnOnce()> {
        let seen = Rc::clone(&seen);
        Box::new(move || {
            places[mine].store(1, ordering);
            seen.set(seen.get() + places[1 - mine].load(Ordering::SeqCst));
        })
    };
    let threads = vec![thread(0), thread(1)];
    let finally = Box::new(move || assert_ne!(seen.get(), 0, "neither sees the other's store"));
    Case { threads, finally }
}

pub fn strong_stores() -> Case {
    store_and_load(Ordering::SeqCst)
}

pub fn weak_stores() -> Case {
    store_and_load(Ordering::Release)
}

/// A value that knows whether it was dropped, and how many of its kind are alive.
pub struct Value {
    key: usize,
    alive: Cell<bool>,
    count: Rc<Cell<usize>>,
}

// SAFETY: all threads of the model are coroutines of one thread.
unsafe impl Send for Value {}
// SAFETY: all threads of the model are coroutines of one thread.
unsafe impl Sync for Value {}

impl Value {
    fn new(key: usize, count: &Rc<Cell<usize>>) -> Value {
        count.set(count.get() + 1);
        Value {
            key,
            alive: Cell::new(true),
            count: Rc::clone(count),
        }
    }

    fn check(&self, key: usize) {
        wait_for(std::ptr::from_ref(self).addr(), Kind::Load);
        assert!(self.alive.get(), "a value is read after it was dropped");
        assert_eq!(self.key, key, "a value of another key");
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        wait_for(std::ptr::from_ref(self).addr(), Kind::Drop);
        let first = self.alive.replace(false);
        // When something is wrong already, that is what counts.
        let ending = std::thread::panicking() || crate::model::with(|world| world.over);
        assert!(first || ending, "a value is dropped twice");
        self.count.set(self.count.get() - 1);
    }
}

/// Makes the cases of a copy of the index.
macro_rules! index_cases {
    ($copy:ident) => {
        #[allow(dead_code, reason = "a broken copy is used in one case")]
        pub mod $copy {
            use super::*;
            use crate::hosted::$copy::Index;

            type Shared = (&'static Index<Value>, Rc<Cell<usize>>);

            /// An index with these keys. 0x1000 is on two levels, 0x1180 on three, 0x2000 and 0x3000 on one.
            fn with_keys(keys: &[usize]) -> Shared {
                let shared = (heap::share(Index::new()), Rc::new(Cell::new(0)));
                keys.iter().for_each(|key| insert(&shared, *key));
                shared
            }

            fn insert((index, count): &Shared, key: usize) {
                let value = Value::new(key, count);
                assert!(index.insert(key, value).is_ok(), "no memory");
            }

            /// The key that a search finds.
            fn search((index, _): &Shared, address: usize) -> Option<usize> {
                index.find(address, |key, value| {
                    value.check(key);
                    key
                })
            }

            /// A thread of a case.
            fn thread(shared: &Shared, body: impl FnOnce(&Shared) + 'static) -> Box<dyn FnOnce()> {
                let shared = shared.clone();
                Box::new(move || body(&shared))
            }

            /// At the end: the keys that are left, and no value but theirs.
            fn leaves(shared: &Shared, keys: &'static [usize]) -> Box<dyn FnOnce()> {
                thread(shared, move |shared| {
                    for key in keys {
                        assert_eq!(search(shared, *key), Some(*key), "a key is lost");
                    }
                    shared.0.remove(0, usize::MAX);
                    assert_eq!(search(shared, usize::MAX), None, "a key is left over");
                    assert_eq!(shared.1.get(), 0, "values are never dropped");
                })
            }

            /// A search while the key that it looks for is taken out, and another comes.
            pub fn search_and_change() -> Case {
                let shared = with_keys(&[0x1000, 0x2000]);
                let reader = thread(&shared, |shared| {
                    let found = search(shared, 0x2FFF);
                    assert!(
                        matches!(found, Some(0x1000 | 0x2000)),
                        "what stays is not found"
                    );
                });
                let writer = thread(&shared, |shared| {
                    shared.0.remove(0x2000, 0x2001);
                    insert(shared, 0x3000);
                });
                let finally = leaves(&shared, &[0x1000, 0x3000]);
                Case {
                    threads: vec![reader, writer],
                    finally,
                }
            }

            /// The same, with nodes on several levels.
            pub fn search_among_tall_ones() -> Case {
                let shared = with_keys(&[0x1000, 0x1180, 0x2000]);
                let reader = thread(&shared, |shared| {
                    let found = search(shared, 0x1FFF);
                    assert!(
                        matches!(found, Some(0x1000 | 0x1080 | 0x1180)),
                        "what stays is not found"
                    );
                });
                let writer = thread(&shared, |shared| {
                    shared.0.remove(0x1180, 0x1181);
                    insert(shared, 0x1080);
                });
                let finally = leaves(&shared, &[0x1000, 0x1080, 0x2000]);
                Case {
                    threads: vec![reader, writer],
                    finally,
                }
            }

            /// Two searches, one of which may begin when the other is about to end.
            pub fn two_searches() -> Case {
                let shared = with_keys(&[0x1000, 0x2000]);
                let search = || {
                    thread(&shared, |shared| {
                        let found = search(shared, 0x2FFF);
                        assert!(
                            matches!(found, Some(0x1000 | 0x2000)),
                            "what stays is not found"
                        );
                    })
                };
                let writer = thread(&shared, |shared| shared.0.remove(0x2000, 0x2001));
                let threads = vec![search(), search(), writer];
                Case {
                    threads,
                    finally: leaves(&shared, &[0x1000]),
                }
            }

            /// Two threads that change neighbours.
            pub fn two_changes() -> Case {
                let shared = with_keys(&[0x2000]);
                let one = thread(&shared, |shared| insert(shared, 0x1000));
                let other = thread(&shared, |shared| {
                    insert(shared, 0x3000);
                    shared.0.remove(0x2000, 0x2001);
                });
                Case {
                    threads: vec![one, other],
                    finally: leaves(&shared, &[0x1000, 0x3000]),
                }
            }

            /// A fork in the middle of another thread's search: the child does not wait for it.
            pub fn fork_beside_a_search() -> Case {
                let shared = with_keys(&[0x1000, 0x2000]);
                let reader = thread(&shared, |shared| {
                    search(shared, 0x2FFF);
                });
                let forker = thread(&shared, |shared| {
                    fork(Side::Child);
                    shared.0.remove(0x2000, 0x2001);
                    assert_eq!(
                        shared.1.get(),
                        1,
                        "the child waits for a search of its parent's"
                    );
                });
                Case {
                    threads: vec![reader, forker],
                    finally: leaves(&shared, &[0x1000]),
                }
            }
        }
    };
}

index_cases!(index);
index_cases!(index_without_the_lock);
index_cases!(index_that_frees_at_once);
index_cases!(index_with_a_weak_store);
index_cases!(index_that_counts_late);
index_cases!(index_of_all_generations);

/// Makes the cases of a copy of the locks.
macro_rules! lock_cases {
    ($copy:ident) => {
        #[allow(dead_code, reason = "a broken copy is used in one case")]
        pub mod $copy {
            use super::*;
            use crate::hosted::sys::$copy::{ARENAS, INDEX};

            /// Two threads that take the locks for the first time, as each other's arenas and indices do, while a
            /// third one forks.
            fn fork_beside_holders(side: Side) -> Case {
                let inside = Rc::new(Cell::new(0));
                let enter = move |inside: &Rc<Cell<usize>>| {
                    assert_eq!(inside.replace(1), 0, "two threads hold the lock");
                    assert_eq!(inside.replace(0), 1, "two threads hold the lock");
                };
                let [first, second] = [inside.clone(), inside];
                let threads: Vec<Box<dyn FnOnce()>> = vec![
                    Box::new(move || ARENAS.locked(|| INDEX.locked(|| enter(&first)))),
                    Box::new(move || INDEX.locked(|| enter(&second))),
                    Box::new(move || {
                        fork(side);
                        ARENAS.locked(|| INDEX.locked(|| ()));
                    }),
                ];
                Case {
                    threads,
                    finally: Box::new(|| ()),
                }
            }

            pub fn parent() -> Case {
                fork_beside_holders(Side::Parent)
            }

            pub fn child() -> Case {
                fork_beside_holders(Side::Child)
            }
        }
    };
}

lock_cases!(lock);
lock_cases!(lock_without_handlers);
lock_cases!(lock_that_trusts_the_first);
lock_cases!(lock_whose_handlers_do_not_count);
