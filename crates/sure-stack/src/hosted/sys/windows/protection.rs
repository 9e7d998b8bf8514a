//! What the system protects besides memory.

/// Each execution is a thread here, and the system gives a thread a shadow stack of its own.
pub(crate) fn shadow_stack_status() -> Option<u64> {
    None
}
