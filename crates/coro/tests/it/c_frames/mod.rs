//! Coroutines that suspend in a callback of a C library: SQLite's, which has locks and a compiled
//! statement to give back before it can be closed.

mod sqlite;

use coro::{Coroutine, ForcedUnwind, Status, SuspendHandle};
use sqlite::{ABORT, BUSY, Database, Library, OK};
use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::rc::Rc;
use testing::{OnDrop, child};

testing::scenarios!(scenario; dropped_through_extern_c, dropped_through_c_unwind);

const SIGABRT: i32 = 6;
const ROWS: u32 = 100;
const QUERY: &CStr = c"SELECT n, name FROM numbers ORDER BY n";

type Rows = Coroutine<(), String, c_int>;

/// What a callback gets through the library's `void *`.
struct Query<'a> {
    handle: &'a SuspendHandle<(), String>,
    /// Set in the callback that the coroutine is dropped in.
    dropped: Option<ForcedUnwind>,
}

/// The columns of a row, with a bar between them.
///
/// # Safety
/// There are that many values, each a text that ends with a zero.
unsafe fn text(columns: c_int, values: *mut *mut c_char) -> String {
    let columns = usize::try_from(columns).expect("a number of columns");
    // SAFETY: so many pointers (the caller's promise).
    let values = unsafe { std::slice::from_raw_parts(values, columns) };
    // SAFETY: each of them to a text (the caller's promise).
    let text = |value: &*mut c_char| unsafe { CStr::from_ptr(*value) }.to_string_lossy();
    values.iter().map(text).collect::<Vec<_>>().join("|")
}

/// Yields a row; tells the library to stop where the coroutine is dropped meanwhile.
///
/// # Safety
/// The argument is a `Query`, which nothing else refers to; the rest is a row.
unsafe extern "C" fn yield_row(
    query: *mut c_void,
    columns: c_int,
    values: *mut *mut c_char,
    _: *mut *mut c_char,
) -> c_int {
    // SAFETY: the argument that `rows` gave to the library, which it lends meanwhile.
    let query = unsafe { &mut *query.cast::<Query<'_>>() };
    // SAFETY: a row of the library's; none of its values is null.
    let row = unsafe { text(columns, values) };
    match query.handle.try_suspend(row) {
        Ok(()) => 0,
        Err(unwind) => {
            query.dropped = Some(unwind);
            1
        }
    }
}

/// The rows of the database, and at last what the library returned. `log` is told the
/// library's result, and that of the close.
fn rows(database: Database, log: &Rc<RefCell<Vec<String>>>) -> Rows {
    let (at_end, at_close) = (log.clone(), log.clone());
    let database =
        database.when_closed(move |result| at_close.borrow_mut().push(format!("close: {result}")));
    Coroutine::new(move |handle, ()| {
        let database = database;
        let mut query = Query {
            handle,
            dropped: None,
        };
        let argument = (&raw mut query).cast();
        // SAFETY: `yield_row` gets the query, which nothing else uses during the call.
        let result = unsafe { database.exec(QUERY, Some(yield_row), argument) };
        at_end.borrow_mut().push(format!("exec: {result}"));
        if let Some(unwind) = query.dropped {
            // The library has cleaned up, and no frame of its is left: now Rust's turn has come.
            unwind.resume();
        }
        result
    })
}

fn row(n: u32) -> String {
    format!("{n}|number {n}")
}

#[test]
fn rows_come_out_of_the_callback() {
    let Some(library) = Library::load() else {
        return;
    };
    let log = Rc::new(RefCell::new(Vec::new()));
    let mut rows = rows(library.database(ROWS), &log);
    for n in 1..=ROWS {
        assert_eq!(rows.resume(()).yielded(), Some(row(n)));
    }
    assert_eq!(rows.resume(()).complete(), Some(OK));
    assert_eq!(*log.borrow(), ["exec: 0", "close: 0"]);
}

#[test]
fn queries_of_many_databases_take_turns() {
    let Some(library) = Library::load() else {
        return;
    };
    let log = Rc::new(RefCell::new(Vec::new()));
    let mut all: Vec<_> = (0..10).map(|_| rows(library.database(20), &log)).collect();
    for n in 1..=20 {
        for rows in &mut all {
            assert_eq!(rows.resume(()).yielded(), Some(row(n)));
        }
    }
    for rows in &mut all {
        assert_eq!(rows.resume(()).complete(), Some(OK));
    }
    assert_eq!(log.borrow().len(), 20);
    assert!(log.borrow().iter().all(|entry| entry.ends_with(": 0")));
}

#[test]
fn dropped_half_way_the_library_cleans_up_first() {
    let Some(library) = Library::load() else {
        return;
    };
    for rows_before in [1, 50, ROWS] {
        let log = Rc::new(RefCell::new(Vec::new()));
        let mut rows = rows(library.database(ROWS), &log);
        for n in 1..=rows_before {
            assert_eq!(rows.resume(()).yielded(), Some(row(n)));
        }
        assert_eq!(rows.status(), Status::Suspended);
        drop(rows);
        // In this order: the call returns, then Rust's frames are unwound.
        assert_eq!(
            *log.borrow(),
            [format!("exec: {ABORT}"), format!("close: {OK}")]
        );
    }
}

#[test]
fn unwound_half_way_the_database_can_be_asked_again() {
    let Some(library) = Library::load() else {
        return;
    };
    let log = Rc::new(RefCell::new(Vec::new()));
    let at_close = log.clone();
    let database = library.database(ROWS);
    let database = Rc::new(database.when_closed(move |result| at_close.borrow_mut().push(result)));
    for _ in 0..3 {
        let database = database.clone();
        let mut first = Coroutine::new(move |handle, ()| {
            let mut query = Query {
                handle,
                dropped: None,
            };
            let argument = (&raw mut query).cast();
            // SAFETY: as in `rows`.
            let result = unsafe { database.exec(QUERY, Some(yield_row), argument) };
            assert_eq!(result, ABORT);
            query.dropped.expect("it was dropped").resume();
        });
        let _: &Coroutine<(), String, ()> = &first;
        assert_eq!(first.resume(()).yielded(), Some(row(1)));
        first.unwind();
        assert!(first.is_complete());
    }
    assert!(log.borrow().is_empty());
    drop(database);
    assert_eq!(*log.borrow(), [OK]);
}

/// Suspends by `suspend`, which unwinds when the coroutine is dropped.
///
/// # Safety
/// The argument is a `SuspendHandle<(), String>`; the rest is a row.
unsafe extern "C-unwind" fn may_unwind(
    handle: *mut c_void,
    columns: c_int,
    values: *mut *mut c_char,
    _: *mut *mut c_char,
) -> c_int {
    // SAFETY: the argument that `query_with` gave to the library.
    let handle = unsafe { &*handle.cast::<SuspendHandle<(), String>>() };
    // SAFETY: a row of the library's; none of its values is null.
    handle.suspend(unsafe { text(columns, values) });
    0
}

/// The same, as a function that promises not to unwind.
///
/// # Safety
/// As for [`may_unwind`].
unsafe extern "C" fn must_not_unwind(
    handle: *mut c_void,
    columns: c_int,
    values: *mut *mut c_char,
    names: *mut *mut c_char,
) -> c_int {
    // SAFETY: the caller's promise: a handle, and a row.
    unsafe { may_unwind(handle, columns, values, names) }
}

/// Drops a coroutine in its callback, after the first row, and prints how the close went. `exec`
/// gives the library a callback for a `SuspendHandle<(), String>`.
fn drop_in(exec: unsafe fn(&Database, *mut c_void) -> c_int) {
    let Some(library) = Library::load() else {
        return;
    };
    let database = library.database(ROWS);
    let database = database.when_closed(|result| println!("close: {result}"));
    let mut rows = Coroutine::new(move |handle: &SuspendHandle<(), String>, ()| {
        let database = database;
        let _local = OnDrop(|| println!("a local is dropped"));
        let argument = std::ptr::from_ref(handle).cast_mut().cast();
        // SAFETY: the argument is the handle.
        let result = unsafe { exec(&database, argument) };
        println!("exec: {result}");
    });
    assert_eq!(rows.resume(()).yielded(), Some(row(1)));
    println!("dropping");
    drop(rows);
    println!("done");
}

fn dropped_through_extern_c() {
    // SAFETY: the callback gets the handle that `drop_in` brings.
    drop_in(|database, handle| unsafe { database.exec(QUERY, Some(must_not_unwind), handle) });
}

fn dropped_through_c_unwind() {
    // SAFETY: (1) the callback gets the handle that `drop_in` brings; (2) only where libraries
    // have unwind tables is this run.
    drop_in(|database, handle| unsafe { database.exec_unwinding(QUERY, may_unwind, handle) });
}

#[test]
fn an_extern_c_callback_that_would_unwind_aborts() {
    if Library::load().is_none() {
        return;
    }
    let ended = child::run("c_frames::scenario", "dropped_through_extern_c");
    ended.assert_killed(
        SIGABRT,
        &["dropping", "panic in a function that cannot unwind"],
    );
    assert!(!ended.output.contains("a local is dropped"), "{ended}");
}

#[test]
fn an_unwind_through_the_library_skips_its_clean_up() {
    // There, all code has unwind tables, so the library's frames can be passed. Nothing in them is run.
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        sqlite::skipped("the library's frames may have no unwind tables on this target");
        return;
    }
    if Library::load().is_none() {
        return;
    }
    let ended = child::run("c_frames::scenario", "dropped_through_c_unwind");
    let busy = format!("close: {BUSY}");
    ended.assert_success(&["a local is dropped", &busy, "done"]);
    assert!(!ended.output.contains("exec"), "{ended}");
}
