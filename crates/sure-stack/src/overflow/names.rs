//! The names of stacks, by their lowest usable address.

use crate::index::Index;
use std::boxed::Box;
use std::vec::Vec;

static NAMES: Index<Box<[u8]>> = Index::new();

/// Names the stack with this limit; returns whether there was memory for it.
pub(super) fn set(limit: usize, name: &str) -> bool {
    if name.is_empty() {
        forget(limit, limit + 1);
        return true;
    }
    let mut bytes = Vec::new();
    if bytes.try_reserve_exact(name.len()).is_err() {
        return false;
    }
    bytes.extend_from_slice(name.as_bytes());
    NAMES.insert(limit, bytes.into_boxed_slice()).is_ok()
}

/// Takes away the names of the stacks with a limit in `low..high`.
pub(crate) fn forget(low: usize, high: usize) {
    NAMES.remove(low, high);
}

/// Calls `f` with the name of the stack with this limit, if it has one. May be
/// called by a signal handler.
pub(super) fn with(limit: usize, f: impl FnOnce(&[u8])) -> bool {
    let found = NAMES.find(limit, |key, name| {
        if key == limit {
            f(name);
        }
        key == limit
    });
    found == Some(true)
}

#[cfg(test)]
mod tests {
    use crate::overflow::set_name;
    use crate::{GuardedMmapStack, Stack};
    use core::ptr::NonNull;

    fn name_of(stack: &GuardedMmapStack) -> Option<String> {
        let mut name = None;
        super::with(stack.limit().addr().get(), |bytes| {
            name = Some(String::from_utf8(bytes.to_vec()).unwrap());
        });
        name
    }

    #[test]
    fn a_name_stays_until_it_is_replaced_or_taken_away() {
        let stack = GuardedMmapStack::allocate_at_least(1).unwrap();
        assert_eq!(name_of(&stack), None);
        for name in ["first", "second", "ein Name, länger als die anderen"] {
            assert!(set_name(&stack, name));
            assert_eq!(name_of(&stack).as_deref(), Some(name));
        }
        assert!(set_name(&stack, ""));
        assert_eq!(name_of(&stack), None);
    }

    #[test]
    fn an_unmapped_stack_leaves_no_name() {
        let stack = GuardedMmapStack::allocate_at_least(1).unwrap();
        let neighbour = GuardedMmapStack::allocate_at_least(1).unwrap();
        set_name(&stack, "gone");
        set_name(&neighbour, "still there");
        let limit = stack.limit().addr().get();
        drop(stack);
        assert!(!super::with(limit, |_| ()));
        assert_eq!(name_of(&neighbour).as_deref(), Some("still there"));
    }

    #[test]
    fn only_stacks_of_ours_have_names() {
        struct Foreign;
        // SAFETY: never used as a stack.
        unsafe impl Stack for Foreign {
            fn base(&self) -> NonNull<u8> {
                NonNull::without_provenance(0x5000.try_into().unwrap())
            }
            fn limit(&self) -> NonNull<u8> {
                NonNull::without_provenance(0x4000.try_into().unwrap())
            }
        }
        assert!(!set_name(&Foreign, "nobody's"));
    }
}
