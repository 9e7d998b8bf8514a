//! What the owner of a stack says about it, by the stack's lowest usable address.

use crate::hosted::index::Index;
use std::boxed::Box;
use std::vec::Vec;

static LABELS: Index<Label> = Index::new();

/// A stack's name, and how to make it larger.
pub(crate) struct Label {
    pub(crate) name: Box<[u8]>,
    /// Empty if the owner says nothing.
    pub(crate) advice: &'static str,
}

/// Labels the stack with this limit, or takes its label away if the name is empty;
/// returns whether there was memory for it.
pub(crate) fn label(limit: usize, name: &str, advice: &'static str) -> bool {
    if name.is_empty() {
        forget(limit, limit + 1);
        return true;
    }
    let mut bytes = Vec::new();
    if bytes.try_reserve_exact(name.len()).is_err() {
        return false;
    }
    bytes.extend_from_slice(name.as_bytes());
    let name = bytes.into_boxed_slice();
    LABELS.insert(limit, Label { name, advice }).is_ok()
}

/// Takes away the labels of the stacks with a limit in `low..high`.
pub(super) fn forget(low: usize, high: usize) {
    LABELS.remove(low, high);
}

/// Calls `f` with the label of the stack with this limit, if it has one. May be
/// called by a signal handler.
pub(crate) fn with_label(limit: usize, f: impl FnOnce(&Label)) -> bool {
    let found = LABELS.find(limit, |key, label| {
        if key == limit {
            f(label);
        }
        key == limit
    });
    found == Some(true)
}

#[cfg(test)]
mod tests {
    use super::with_label;
    use crate::overflow::set_name;
    use crate::{GuardedMmapStack, Stack};
    use core::ptr::NonNull;

    fn name_of(stack: &GuardedMmapStack) -> Option<String> {
        let mut name = None;
        with_label(stack.limit().addr().get(), |label| {
            name = Some(String::from_utf8(label.name.to_vec()).unwrap());
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
        assert!(!with_label(limit, |_| ()));
        assert_eq!(name_of(&neighbour).as_deref(), Some("still there"));
    }

    #[test]
    fn stacks_of_other_libraries_have_no_names() {
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
        assert!(!set_name(&Foreign, "another library's"));
    }
}
