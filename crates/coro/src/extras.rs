//! What few coroutines have: a name, say. Those that have nothing pay a null pointer at their
//! root, and one test of it when they are dropped.

#[cfg(feature = "std")]
use crate::current::{Locals, Registration};
#[cfg(feature = "std")]
use crate::track::{Entry, Record};
#[cfg(feature = "std")]
use core::{any::TypeId, cell::OnceCell};
#[cfg(feature = "std")]
use std::boxed::Box;

/// What a coroutine is built with, beside a closure and a stack.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// For messages.
    #[cfg(feature = "std")]
    pub(crate) name: Option<Box<str>>,
    /// Whether it is tracked, even if others are not.
    #[cfg(feature = "std")]
    pub(crate) tracked: bool,
    /// How many idle bytes of its stack it may keep while it is suspended, if that is limited.
    #[cfg(feature = "std")]
    pub(crate) most_idle: Option<usize>,
    /// Whether code inside finds it.
    #[cfg(feature = "std")]
    pub(crate) findable: bool,
    /// The type of its handle, if that can be compared with others at run time.
    #[cfg(feature = "std")]
    pub(crate) types: Option<TypeId>,
}

impl Options {
    pub(crate) const NONE: Options = Options {
        #[cfg(feature = "std")]
        name: None,
        #[cfg(feature = "std")]
        tracked: false,
        #[cfg(feature = "std")]
        most_idle: None,
        #[cfg(feature = "std")]
        findable: false,
        #[cfg(feature = "std")]
        types: None,
    };

    /// Whether the coroutine is to be tracked, even if others are not.
    #[inline(always)]
    pub(crate) fn tracked(&self) -> bool {
        #[cfg(feature = "std")]
        return self.tracked || self.most_idle.is_some();
        #[cfg(not(feature = "std"))]
        false
    }

    #[inline(always)]
    pub(crate) fn is_named(&self) -> bool {
        #[cfg(feature = "std")]
        return self.name.is_some();
        #[cfg(not(feature = "std"))]
        false
    }
}

/// What a coroutine has of that as long as its root stands: nothing, mostly.
pub(crate) struct Extras {
    #[cfg(feature = "std")]
    given: Option<Box<Given>>,
}

/// Whatever was asked for.
#[cfg(feature = "std")]
#[derive(Default)]
struct Given {
    /// Dropped before the name, to which it refers.
    tracked: Option<Entry>,
    name: Option<Box<str>>,
    most_idle: Option<usize>,
    /// Set when the root stands, if it is to be findable. Dropped before the locals.
    registration: OnceCell<Registration>,
    locals: Locals,
}

impl Extras {
    /// One allocation if there is anything to keep, else none.
    #[inline]
    pub(crate) fn new(options: Options) -> Extras {
        #[cfg(feature = "std")]
        return Extras {
            given: match options {
                Options {
                    name: None,
                    most_idle: None,
                    findable: false,
                    ..
                } => None,
                Options {
                    name, most_idle, ..
                } => Some(Box::new(Given {
                    name,
                    most_idle,
                    ..Given::default()
                })),
            },
        };
        #[cfg(not(feature = "std"))]
        {
            let Options {} = options;
            Extras {}
        }
    }

    /// Keeps the entry of a coroutine that is tracked.
    #[cfg(feature = "std")]
    pub(crate) fn keep(&mut self, entry: Entry) {
        let given = self.given.get_or_insert_default();
        given.tracked = Some(entry);
    }

    /// The record of a coroutine that is tracked.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn record(&self) -> Option<&Record> {
        self.given.as_ref()?.tracked.as_ref().map(Entry::record)
    }

    /// How many idle bytes of its stack it may keep, if that is limited.
    #[cfg(feature = "std")]
    pub(crate) fn most_idle(&self) -> Option<usize> {
        self.given.as_ref()?.most_idle
    }

    /// Whether there is nothing to drop, nor to undo.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        #[cfg(feature = "std")]
        return self.given.is_none();
        #[cfg(not(feature = "std"))]
        true
    }

    /// Makes the coroutine findable from now on.
    #[cfg(feature = "std")]
    pub(crate) fn register(&self, registration: Registration) {
        if let Some(given) = &self.given {
            let _ = given.registration.set(registration);
        }
    }

    /// The values that belong to the coroutine, if it is findable.
    #[cfg(feature = "std")]
    pub(crate) fn locals(&self) -> Option<&Locals> {
        self.given.as_ref().map(|given| &given.locals)
    }

    pub(crate) fn name(&self) -> Option<&str> {
        #[cfg(feature = "std")]
        return self.given.as_ref()?.name.as_deref();
        #[cfg(not(feature = "std"))]
        None
    }
}
