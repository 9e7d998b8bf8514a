//! As much of SQLite as the tests need, found when they run: nothing is linked, so that a target
//! without the library has the same tests.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::io::Write;
use std::ptr;

/// Results of SQLite's functions: <https://sqlite.org/rescode.html>.
pub(crate) const OK: c_int = 0;
pub(crate) const ABORT: c_int = 4;
pub(crate) const BUSY: c_int = 5;

/// What `sqlite3_exec` calls for each row: with its argument, and the columns' values and names.
pub(crate) type Callback =
    unsafe extern "C" fn(*mut c_void, c_int, *mut *mut c_char, *mut *mut c_char) -> c_int;

/// A callback that may unwind into the library, which takes the library's function to be one that
/// may unwind, too.
pub(crate) type UnwindingCallback =
    unsafe extern "C-unwind" fn(*mut c_void, c_int, *mut *mut c_char, *mut *mut c_char) -> c_int;

type Connection = *mut c_void;

type Open = unsafe extern "C" fn(*const c_char, *mut Connection) -> c_int;

type Close = unsafe extern "C" fn(Connection) -> c_int;

type Exec = unsafe extern "C" fn(
    Connection,
    *const c_char,
    Option<Callback>,
    *mut c_void,
    *mut *mut c_char,
) -> c_int;

type UnwindingExec = unsafe extern "C-unwind" fn(
    Connection,
    *const c_char,
    Option<UnwindingCallback>,
    *mut c_void,
    *mut *mut c_char,
) -> c_int;

/// The library's functions (<https://sqlite.org/c3ref/funclist.html>).
#[derive(Clone, Copy)]
pub(crate) struct Library {
    open: Open,
    exec: Exec,
    /// The same function.
    exec_unwinding: UnwindingExec,
    close: Close,
}

/// Says that a test has nothing to do; in a way that the test harness does not keep to itself.
pub(crate) fn skipped(reason: &str) {
    let test = std::thread::current();
    let test = test.name().unwrap_or_default();
    // At once: a line that is written piece by piece is mixed with those of other threads.
    let line = format!("SKIPPED {test}: {reason}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}

impl Library {
    /// Loads the library. Where there is none, prints so, and why the test has nothing to do.
    ///
    /// # Panics
    /// In continuous integration on x86-64 Linux, where `cargo xtask setup` has installed it.
    pub(crate) fn load() -> Option<Library> {
        let names = [c"libsqlite3.so.0", c"libsqlite3.so", c"libsqlite3.dylib"];
        // SAFETY: SQLite's initializers, if any, ask for nothing.
        let load = |name: &CStr| unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW) };
        let Some(library) = names
            .map(load)
            .into_iter()
            .find(|library| !library.is_null())
        else {
            let promised = cfg!(all(target_arch = "x86_64", target_os = "linux"))
                && std::env::var_os("CI").is_some_and(|value| value == "true");
            assert!(!promised, "libsqlite3.so.0 is missing: cargo xtask setup");
            skipped("there is no libsqlite3 for this target");
            return None;
        };
        let find = |name: &CStr| {
            // SAFETY: a library that is loaded, and never unloaded.
            let found = unsafe { libc::dlsym(library, name.as_ptr()) };
            assert!(!found.is_null(), "{name:?} is missing");
            found
        };
        // SAFETY: functions of these types, says the library's manual.
        unsafe {
            Some(Library {
                open: std::mem::transmute::<*mut c_void, Open>(find(c"sqlite3_open")),
                exec: std::mem::transmute::<*mut c_void, Exec>(find(c"sqlite3_exec")),
                exec_unwinding: std::mem::transmute::<*mut c_void, UnwindingExec>(find(
                    c"sqlite3_exec",
                )),
                close: std::mem::transmute::<*mut c_void, Close>(find(c"sqlite3_close")),
            })
        }
    }

    /// A database in memory, with a table `numbers (n, name)` of `rows` rows, from 1.
    pub(crate) fn database(self, rows: u32) -> Database {
        let mut connection = ptr::null_mut();
        // SAFETY: a text that ends with a zero, and a place for the result.
        let opened = unsafe { (self.open)(c":memory:".as_ptr(), &raw mut connection) };
        assert_eq!(opened, OK);
        let database = Database {
            library: self,
            connection,
            closed: None,
        };
        let fill = format!(
            "CREATE TABLE numbers (n INTEGER PRIMARY KEY, name TEXT);
             WITH RECURSIVE count (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < {rows})
             INSERT INTO numbers SELECT n, 'number ' || n FROM count;\0"
        );
        let fill = CStr::from_bytes_with_nul(fill.as_bytes()).unwrap();
        // SAFETY: no callback.
        assert_eq!(unsafe { database.exec(fill, None, ptr::null_mut()) }, OK);
        database
    }
}

/// An open database; closed when dropped.
pub(crate) struct Database {
    library: Library,
    connection: Connection,
    /// Called with the library's answer to the close.
    closed: Option<Box<dyn Fn(c_int)>>,
}

impl Database {
    /// Calls `f` with the result of the close.
    pub(crate) fn when_closed(mut self, f: impl Fn(c_int) + 'static) -> Database {
        self.closed = Some(Box::new(f));
        self
    }

    /// Runs the statements, and calls `callback` with `argument` for each row; if that returns
    /// anything but 0, the result is [`ABORT`].
    ///
    /// # Safety
    /// `callback` may be called with `argument`.
    pub(crate) unsafe fn exec(
        &self,
        sql: &CStr,
        callback: Option<Callback>,
        argument: *mut c_void,
    ) -> c_int {
        let (connection, sql) = (self.connection, sql.as_ptr());
        // SAFETY: an open connection, a text that ends with a zero, and a callback that may be
        // called with its argument, as the caller promises; no message is asked for.
        unsafe { (self.library.exec)(connection, sql, callback, argument, ptr::null_mut()) }
    }

    /// As [`exec`](Database::exec).
    ///
    /// # Safety
    /// 1. `callback` may be called with `argument`.
    /// 2. If it unwinds, the library's frames have unwind tables.
    pub(crate) unsafe fn exec_unwinding(
        &self,
        sql: &CStr,
        callback: UnwindingCallback,
        argument: *mut c_void,
    ) -> c_int {
        let callback = Some(callback);
        let (connection, sql) = (self.connection, sql.as_ptr());
        // SAFETY: an open connection, a text that ends with a zero, and a callback that may be
        // called with its argument, as the caller promises (1), as
        // it does for what unwinds (2); no message is asked for.
        unsafe {
            (self.library.exec_unwinding)(connection, sql, callback, argument, ptr::null_mut())
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // SAFETY: an open connection, which nothing uses afterwards, unless it could not be
        // closed: then it is leaked.
        let result = unsafe { (self.library.close)(self.connection) };
        if let Some(closed) = &self.closed {
            closed(result);
        }
    }
}
