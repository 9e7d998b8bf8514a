//! Boost's ways to switch stacks, in C++: cpp/boost.cpp, compiled where Boost's headers are.

use crate::contestant::Contestant;
use crate::peer::{Crowd, Peer};
use crate::shared::turns::order;
use crate::work::{Life, MANY, Value, Work};

/// The libraries, numbered as in cpp/boost.cpp.
#[derive(Clone, Copy, PartialEq)]
pub enum Boost {
    /// The bare switch of Boost.Context.
    Fcontext,
    /// Boost.Context's class `fiber`, which unwinds.
    Fiber,
    Coroutine2,
}

const STACK: usize = 256 << 10;

impl Peer for Boost {
    fn name(&self) -> &'static str {
        match self {
            Boost::Fcontext => "Boost fcontext",
            Boost::Fiber => "Boost fiber",
            Boost::Coroutine2 => "Boost coroutine2",
        }
    }

    fn version(&self) -> String {
        linked::version()
    }

    fn missing(&self) -> Option<String> {
        let packages =
            "the Debian packages libboost-context-dev and libboost-coroutine-dev have it";
        (!cfg!(boost)).then(|| packages.to_owned())
    }

    fn contestants(&self, work: Work) -> Vec<Contestant> {
        match work {
            Work::RoundTrip { value, depth } => vec![linked::echo(*self, value, depth, &[0])],
            Work::Turns { shuffled, depth } => {
                let order: Vec<u32> = order(MANY, shuffled)
                    .into_iter()
                    .map(|turn| turn as u32)
                    .collect();
                vec![linked::echo(*self, Value::Word, depth, &order)]
            }
            // A context by itself has nothing that ends, unwinds or owns a stack.
            _ if *self == Boost::Fcontext => Vec::new(),
            Work::Life(Life::KeptStack) => vec![linked::life(*self, "pooled", 0, STACK)],
            Work::Life(Life::NewStack(bytes)) => vec![linked::life(*self, "", 1, bytes)],
            Work::DropSuspended => vec![linked::life(*self, "pooled", 2, STACK)],
            _ => Vec::new(),
        }
    }

    fn crowds(&self) -> Vec<Crowd> {
        let library = *self;
        vec![Crowd::new("", move || {
            Ok(linked::echo(library, Value::Word, 0, &[0]))
        })]
    }
}

#[cfg(boost)]
mod linked {
    use super::{Boost, STACK};
    use crate::contestant::Contestant;
    use crate::work::Value;
    use std::ffi::{CStr, c_char, c_int, c_void};
    use std::time::Duration;

    // SAFETY: as in cpp/boost.cpp.
    unsafe extern "C" {
        safe fn peers_boost_version() -> *const c_char;
        fn peers_boost_echo(
            library: c_int,
            value: c_int,
            depth: c_int,
            bytes: usize,
            order: *const u32,
            many: usize,
        ) -> *mut c_void;
        safe fn peers_boost_life(library: c_int, life: c_int, bytes: usize) -> *mut c_void;
        fn peers_boost_run(contestant: *mut c_void, layout: c_int, n: u64) -> u64;
        fn peers_boost_free(contestant: *mut c_void);
    }

    /// A contestant in C++.
    struct Foreign(*mut c_void);

    impl Foreign {
        fn run(&mut self, layout: usize, n: u64) -> Duration {
            // SAFETY: made by one of the two functions that make one, and not freed yet.
            Duration::from_nanos(unsafe { peers_boost_run(self.0, layout as c_int, n) })
        }
    }

    impl Drop for Foreign {
        fn drop(&mut self) {
            // SAFETY: made by one of the two functions that make one; this is the end of it.
            unsafe { peers_boost_free(self.0) };
        }
    }

    pub(super) fn version() -> String {
        // SAFETY: a literal in C++.
        let version = unsafe { CStr::from_ptr(peers_boost_version()) };
        version.to_string_lossy().replace('_', ".")
    }

    pub(super) fn echo(library: Boost, value: Value, depth: usize, order: &[u32]) -> Contestant {
        // SAFETY: the order is copied before the call returns.
        let all = unsafe {
            peers_boost_echo(
                library as c_int,
                value as c_int,
                depth as c_int,
                STACK,
                order.as_ptr(),
                order.len(),
            )
        };
        let mut all = Foreign(all);
        Contestant::own_loop("", move |layout, n| all.run(layout, n))
    }

    pub(super) fn life(library: Boost, variant: &str, life: c_int, bytes: usize) -> Contestant {
        let mut lives = Foreign(peers_boost_life(library as c_int, life, bytes));
        Contestant::own_loop(variant, move |layout, n| lives.run(layout, n))
    }
}

/// Where Boost is not, nothing of it is asked for.
#[cfg(not(boost))]
mod linked {
    use super::Boost;
    use crate::contestant::Contestant;
    use crate::work::Value;

    pub(super) fn version() -> String {
        String::new()
    }

    pub(super) fn echo(_: Boost, _: Value, _: usize, _: &[u32]) -> Contestant {
        unreachable!("a peer that is missing has no contestants")
    }

    pub(super) fn life(_: Boost, _: &str, _: i32, _: usize) -> Contestant {
        unreachable!("a peer that is missing has no contestants")
    }
}
