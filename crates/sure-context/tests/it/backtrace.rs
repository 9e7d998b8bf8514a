//! A backtrace from inside shows the frames outside, those of the present resumer.

use crate::battery::fiber::{Fiber, Inside};
use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;
use sure_context::Word;

/// Function names, innermost first, as far as this test knows them.
#[inline(never)]
fn known_frames() -> Vec<&'static str> {
    const KNOWN: [&str; 9] = [
        "deep_inside",
        "first_resumer",
        "second_resumer",
        "third_resumer",
        "outer_body",
        "inner_body",
        "who_tests",
        "called_with_many",
        "switches_then_calls",
    ];
    let text = Backtrace::force_capture().to_string();
    let known = |line: &str| KNOWN.into_iter().find(|name| line.contains(name));
    let mut frames: Vec<_> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("at "))
        .filter_map(known)
        .collect();
    frames.dedup();
    frames
}

#[inline(never)]
fn deep_inside(depth: usize, frames: &RefCell<Vec<Vec<&'static str>>>) -> usize {
    if depth == 0 {
        frames.borrow_mut().push(known_frames());
        return black_box(depth);
    }
    black_box(deep_inside(black_box(depth - 1), frames)) + 1
}

#[inline(never)]
fn first_resumer(fiber: &mut Fiber) -> usize {
    black_box(fiber.resume_number(black_box(1)))
}

#[inline(never)]
fn second_resumer(fiber: &mut Fiber) -> usize {
    let frame = black_box([3_u64; 30]);
    black_box(fiber.resume_number(black_box(2))) + black_box(frame)[2] as usize
}

#[inline(never)]
fn third_resumer(fiber: &mut Fiber) -> usize {
    #[repr(align(64))]
    struct Aligned([u8; 64]);
    let aligned = black_box(Aligned([7; 64]));
    black_box(fiber.resume_number(black_box(3))) + usize::from(aligned.0[5])
}

#[inline(never)]
fn who_tests(fiber: &mut Fiber) {
    for resume in [first_resumer, second_resumer, third_resumer, first_resumer] {
        black_box(resume(fiber));
    }
}

#[test]
fn a_backtrace_shows_the_present_resumer() {
    for depth in [0, 5] {
        let frames = Rc::new(RefCell::new(Vec::new()));
        let inside_frames = Rc::clone(&frames);
        let mut fiber = Fiber::new(move |inside: &mut Inside, _| {
            for _ in 0..3 {
                deep_inside(depth, &inside_frames);
                inside.suspend_number(0);
            }
            deep_inside(depth, &inside_frames);
            Word::from_usize(0)
        });
        who_tests(&mut fiber);
        let expected = |resumer| vec!["deep_inside", resumer, "who_tests"];
        assert_eq!(
            *frames.borrow(),
            [
                expected("first_resumer"),
                expected("second_resumer"),
                expected("third_resumer"),
                expected("first_resumer"),
            ]
        );
    }
}

#[inline(never)]
fn inner_body(inside: &mut Inside, frames: &RefCell<Vec<Vec<&'static str>>>) -> usize {
    deep_inside(2, frames);
    inside.suspend_number(0);
    deep_inside(2, frames);
    black_box(0)
}

#[inline(never)]
fn outer_body(inner: &mut Fiber) -> usize {
    black_box(inner.resume_number(0))
}

#[test]
fn a_backtrace_passes_through_nested_fibers() {
    let frames = Rc::new(RefCell::new(Vec::new()));
    let inner_frames = Rc::clone(&frames);
    let mut outer = Fiber::new(move |inside, _| {
        let mut inner =
            Fiber::new(move |inside, _| Word::from_usize(inner_body(inside, &inner_frames)));
        outer_body(&mut inner);
        inside.suspend_number(0);
        Word::from_usize(outer_body(&mut inner))
    });
    black_box(first_resumer(&mut outer));
    black_box(second_resumer(&mut outer));
    let expected = |resumer| vec!["deep_inside", "inner_body", "outer_body", resumer];
    assert_eq!(
        *frames.borrow(),
        [expected("first_resumer"), expected("second_resumer")]
    );
}

type Frames = Vec<&'static str>;
type Many = extern "C" fn(u64, u64, u64, u64, u64, u64, u64, u64, u64, &mut Frames) -> u64;

/// Arguments enough for some of them to go over the stack on every target.
#[allow(clippy::too_many_arguments, reason = "that is what it is for")]
extern "C" fn called_with_many(
    a: u64,
    b: u64,
    c: u64,
    d: u64,
    e: u64,
    f: u64,
    g: u64,
    h: u64,
    i: u64,
    frames: &mut Frames,
) -> u64 {
    *frames = known_frames();
    black_box([a, b, c, d, e, f, g, h, i]).iter().sum()
}

#[inline(never)]
fn switches_then_calls(fiber: &mut Fiber, frames: &mut Frames) -> u64 {
    let n = fiber.resume_number(1) as u64;
    // Out of the compiler's sight, or it would find another way to pass constants.
    let call: Many = black_box(called_with_many);
    call(n, 1, 2, 3, 4, 5, 6, 7, 8, frames) + black_box(n)
}

/// What a switch says to the assembler about frames holds for the switch only.
#[test]
fn a_backtrace_after_a_switch_is_as_before() {
    let mut fiber = Fiber::new(|inside, _| {
        loop {
            inside.suspend_number(3);
        }
    });
    let mut frames = Vec::new();
    #[inline(never)]
    fn who_tests(fiber: &mut Fiber, frames: &mut Frames) -> u64 {
        black_box(switches_then_calls(fiber, frames))
    }
    assert_eq!(who_tests(&mut fiber, &mut frames), 42);
    assert_eq!(
        frames,
        ["called_with_many", "switches_then_calls", "who_tests"]
    );
}
