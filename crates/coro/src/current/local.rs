//! Values of which each coroutine has its own.

use super::registry;
use core::any::Any;
use core::cell::RefCell;
use core::fmt;
use std::boxed::Box;
use std::vec::Vec;

/// A value of which each findable coroutine has its own; [`local!`](crate::local!) declares one.
///
/// It is made when a coroutine first asks for it, and dropped with the coroutine: when that is
/// dropped, or gives its stack away, by the code that does so. Values are dropped in the order in
/// which they were made. A coroutine that is not [findable](crate::Builder::findable) has none, and
/// pays nothing.
///
/// ```
/// use coro::{Coroutine, SuspendHandle};
/// use std::cell::Cell;
///
/// coro::local! {
///     /// The request for which the coroutine works.
///     static REQUEST: Cell<u32> = Cell::new(0);
/// }
///
/// fn log(line: &str) -> String {
///     format!("request {}: {line}", REQUEST.with(Cell::get))
/// }
///
/// let serve = |id| {
///     Coroutine::builder().findable().build(move |handle: &SuspendHandle<(), ()>, ()| {
///         REQUEST.with(|request| request.set(id));
///         handle.suspend(());
///         log("done")
///     })
/// };
/// let (mut first, mut second) = (serve(1)?, serve(2)?);
/// first.resume(());
/// second.resume(());
/// assert_eq!(first.resume(()).complete().as_deref(), Some("request 1: done"));
/// assert_eq!(second.resume(()).complete().as_deref(), Some("request 2: done"));
/// # Ok::<(), sure_stack::StackError>(())
/// ```
pub struct LocalKey<T: 'static> {
    init: fn() -> T,
}

/// There is no coroutine here that could have a value; see [`LocalKey::try_with`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalError;

impl fmt::Display for LocalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a coroutine-local was asked for by code that does not run in a findable coroutine: \
             build it with `Coroutine::builder().findable()`",
        )
    }
}

impl core::error::Error for LocalError {}

impl<T: 'static> LocalKey<T> {
    /// For [`local!`](crate::local!).
    #[doc(hidden)]
    pub const fn new(init: fn() -> T) -> LocalKey<T> {
        LocalKey { init }
    }

    /// Calls `f` with the current coroutine's value.
    ///
    /// `f` may suspend the coroutine, and ask for this value or another one again.
    ///
    /// # Panics
    /// - If the caller does not run in a findable coroutine.
    /// - With a panic of `f`, or of the value's initialiser; then there is still no value.
    #[track_caller]
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        match self.try_with(f) {
            Ok(result) => result,
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`with`](LocalKey::with).
    ///
    /// ```
    /// coro::local!(static DEPTH: u32 = 0);
    /// assert_eq!(DEPTH.try_with(|depth| *depth), Err(coro::LocalError));
    /// ```
    ///
    /// # Errors
    /// [`LocalError`], if the caller does not run in a findable coroutine.
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, LocalError> {
        let found = registry::find().ok_or(LocalError)?;
        // SAFETY: the caller runs on the stack of this coroutine, whose root stands at least until
        // the caller has returned.
        let extras = unsafe { found.extras.as_ref() };
        let locals = extras.locals().ok_or(LocalError)?;
        let value = match locals.get(self) {
            Some(value) => value,
            // Called outside of any borrow: it may ask for other values.
            None => locals.keep(self, (self.init)()),
        };
        Ok(f(value))
    }
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

/// The values of one coroutine, in the order in which they were made.
///
/// Each stays in its box until all are dropped, so that a reference to one outlives the borrow of
/// the list.
#[derive(Default)]
pub(crate) struct Locals(RefCell<Vec<(usize, Box<dyn Any>)>>);

impl Locals {
    /// What tells keys apart: a static of at least a word is where no other one is.
    fn id<T>(key: &'static LocalKey<T>) -> usize {
        core::ptr::from_ref(key).addr()
    }

    fn get<T>(&self, key: &'static LocalKey<T>) -> Option<&T> {
        let values = self.0.borrow();
        let (_, value) = values.iter().find(|(id, _)| *id == Locals::id(key))?;
        let value: *const T = value.downcast_ref::<T>()?;
        // SAFETY: the box is neither moved out of nor dropped as long as `self` is borrowed, because
        // values are only ever added; nothing refers to its content mutably.
        Some(unsafe { &*value })
    }

    /// Keeps a first value, unless the initialiser has made one itself.
    fn keep<T: 'static>(&self, key: &'static LocalKey<T>, value: T) -> &T {
        if self.get(key).is_none() {
            let value = Box::new(value);
            self.0.borrow_mut().push((Locals::id(key), value));
        }
        self.get(key).expect("it was put there")
    }
}

/// Declares values of which each findable coroutine has its own; see
/// [`LocalKey`](crate::LocalKey).
///
/// ```
/// use std::cell::{Cell, RefCell};
///
/// coro::local! {
///     /// Whose request it is.
///     pub static USER: RefCell<String> = RefCell::default();
///     static RETRIES: Cell<u8> = Cell::new(3);
/// }
/// # let _ = (&USER, &RETRIES);
/// ```
#[macro_export]
macro_rules! local {
    ($($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty = $init:expr);+ $(;)?) => {$(
        $(#[$attribute])*
        $visibility static $name: $crate::LocalKey<$type> = $crate::LocalKey::new(|| $init);
    )+};
}
