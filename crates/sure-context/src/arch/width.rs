//! One text or another, in instruction sets of 32 and of 64 bits that are otherwise one. The tests
//! of the backends include this file, too.

#[cfg(target_pointer_width = "32")]
macro_rules! by_width {
    ($narrow:expr, $wide:expr) => {
        $narrow
    };
}

#[cfg(target_pointer_width = "64")]
macro_rules! by_width {
    ($narrow:expr, $wide:expr) => {
        $wide
    };
}
