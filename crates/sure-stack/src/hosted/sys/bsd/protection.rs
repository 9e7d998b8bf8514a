//! What the system protects besides memory.

/// None of these systems has shadow stacks for programs.
pub(crate) fn shadow_stack_status() -> Option<u64> {
    None
}
