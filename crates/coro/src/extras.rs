//! What few coroutines have: a name, say. Those that have nothing pay a null pointer at their
//! root, and one test of it when they are dropped.

#[cfg(feature = "std")]
use std::boxed::Box;

/// What a coroutine is built with, beside a closure and a stack.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// For messages.
    #[cfg(feature = "std")]
    pub(crate) name: Option<Box<str>>,
}

impl Options {
    pub(crate) const NONE: Options = Options {
        #[cfg(feature = "std")]
        name: None,
    };
}

/// What a coroutine has of that as long as its root stands: nothing, mostly.
pub(crate) struct Extras {
    #[cfg(feature = "std")]
    given: Option<Box<Given>>,
}

/// Whatever was asked for.
#[cfg(feature = "std")]
struct Given {
    name: Option<Box<str>>,
}

impl Extras {
    /// One allocation if there is anything to keep, else none.
    #[inline]
    pub(crate) fn new(options: Options) -> Extras {
        #[cfg(feature = "std")]
        return Extras {
            given: match options {
                Options { name: None } => None,
                Options { name } => Some(Box::new(Given { name })),
            },
        };
        #[cfg(not(feature = "std"))]
        {
            let Options {} = options;
            Extras {}
        }
    }

    /// Whether there is nothing to drop, nor to undo.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        #[cfg(feature = "std")]
        return self.given.is_none();
        #[cfg(not(feature = "std"))]
        true
    }

    pub(crate) fn name(&self) -> Option<&str> {
        #[cfg(feature = "std")]
        return self.given.as_ref()?.name.as_deref();
        #[cfg(not(feature = "std"))]
        None
    }
}
