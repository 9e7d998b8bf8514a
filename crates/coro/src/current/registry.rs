//! Which findable coroutine has which stack.

use crate::extras::Extras;
use core::any::TypeId;
use core::ptr::NonNull;
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use sure_context::stack_pointer;
use sure_stack::Stack;

/// By the high end of the stack. One map for all threads, because a coroutine may be dropped on
/// another thread than that on which it was made.
static FINDABLE: RwLock<BTreeMap<usize, Entry>> = RwLock::new(BTreeMap::new());

/// What there is to know of a coroutine that was found.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) handle: NonNull<()>,
    pub(super) extras: NonNull<Extras>,
    /// Of the handle, if it has a type that can be compared.
    pub(super) types: Option<TypeId>,
}

#[derive(Clone, Copy)]
struct Entry {
    limit: usize,
    found: Found,
}

// SAFETY: the pointers are followed only by code that runs on the stack of the coroutine, which is
// where a handle may be used, on whichever thread that is.
unsafe impl Send for Entry {}
// SAFETY: as above; an entry is only copied.
unsafe impl Sync for Entry {}

/// Keeps a coroutine in the map.
pub(crate) struct Registration {
    base: usize,
}

impl Registration {
    /// Notes whose stack this is, until the registration is dropped.
    pub(crate) fn new<S: Stack>(
        stack: &S,
        handle: NonNull<()>,
        extras: &Extras,
        types: Option<TypeId>,
    ) -> Registration {
        let base = stack.base().addr().get();
        let entry = Entry {
            limit: stack.limit().addr().get(),
            found: Found {
                handle,
                extras: NonNull::from(extras),
                types,
            },
        };
        let mut findable = FINDABLE.write().unwrap_or_else(PoisonError::into_inner);
        findable.insert(base, entry);
        Registration { base }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut findable = FINDABLE.write().unwrap_or_else(PoisonError::into_inner);
        findable.remove(&self.base);
    }
}

/// The findable coroutine on whose stack, or growth of it, the caller stands.
pub(super) fn find() -> Option<Found> {
    let here = stack_pointer().addr();
    let findable = FINDABLE.read().unwrap_or_else(PoisonError::into_inner);
    let mut places = core::iter::once(here).chain(crate::grow::origins(here));
    places.find_map(|address| {
        let (_, entry) = findable.range(address..).next()?;
        (entry.limit <= address).then_some(entry.found)
    })
}
