//! The modules of `sure-stack`, where they look for each other; and broken copies.

/// A thread-local of the copies: each thread of the model has its own.
macro_rules! thread_local {
    ($(#[$about:meta])* static $name:ident: Cell<usize> = const { Cell::new(0) };) => {
        $(#[$about])*
        static $name: crate::model::Local = crate::model::Local(0);
    };
}

/// A copy that `build.rs` has made.
macro_rules! copies {
    ($($name:ident)*) => {
        $(#[allow(dead_code, unused_imports, clippy::undocumented_unsafe_blocks, reason = "a copy, used in part")]
        pub mod $name {
            include!(concat!(env!("OUT_DIR"), "/", stringify!($name), ".rs"));
        })*
    };
}

copies!(index index_without_the_lock index_that_frees_at_once index_with_a_weak_store index_that_counts_late index_of_all_generations);

pub mod sys {
    copies!(lock lock_without_handlers lock_that_trusts_the_first lock_whose_handlers_do_not_count);

    /// Nothing fails here.
    pub mod failpoint {
        pub enum Call {
            AtFork,
        }

        pub fn check(_: Call) -> Result<(), ()> {
            Ok(())
        }
    }
}
