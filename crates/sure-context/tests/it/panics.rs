//! Unwinding inside a fiber, which needs the standard library.

use crate::battery::fiber::{Fiber, Inside};
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use sure_context::Word;

#[test]
fn a_panic_inside_is_caught_inside_and_can_be_suspended_in_between() {
    struct Suspends<'a>(&'a mut Inside);
    impl Drop for Suspends<'_> {
        fn drop(&mut self) {
            assert_eq!(self.0.suspend_number(11), 12);
        }
    }
    let mut fiber = Fiber::new(|inside, _| {
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let guard = Suspends(inside);
            assert_eq!(guard.0.suspend_number(1), 2);
            std::panic::panic_any(black_box(40_usize));
        }));
        let payload = caught.expect_err("it panics");
        let n = *payload.downcast::<usize>().expect("its payload");
        Word::from_usize(n + inside.suspend_number(n))
    });
    assert_eq!(fiber.resume_number(0), 1);
    assert_eq!(fiber.resume_number(2), 11, "the destructor has suspended");
    assert_eq!(fiber.resume_number(12), 40);
    assert_eq!(fiber.resume_number(5), 45);
    assert!(fiber.is_complete());
}
