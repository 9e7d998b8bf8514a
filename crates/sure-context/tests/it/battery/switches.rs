//! Control flow: order, depth, signals, panics.

use super::fiber::{Fiber, Inside, Memory};
use alloc::string::ToString;
use core::hint::black_box;
use core::ptr::NonNull;
use sure_context::{Arrival, Departure, ExecutionContext, FnTrampoline, Signal, Word, prepare};

pub(crate) fn words_go_in_and_out_in_turn() {
    let mut fiber = Fiber::new(|inside, first| {
        // SAFETY: numbers.
        let mut sum = unsafe { first.as_usize() };
        for _ in 0..1000 {
            sum += inside.suspend_number(sum);
        }
        Word::from_usize(sum)
    });
    let mut sum = 0;
    for n in 0..=1000 {
        assert!(!fiber.is_complete());
        sum += n;
        assert_eq!(fiber.resume_number(n), sum);
    }
    assert!(fiber.is_complete());
}

pub(crate) fn both_signals_arrive_in_both_directions() {
    let mut memory = Memory::new(64 << 10);
    let (limit, base) = memory.bounds();
    let mut first = FnTrampoline::new(|arrival: Arrival| {
        assert_eq!(arrival.signal, Signal::Unwind);
        // SAFETY: a number.
        assert_eq!(unsafe { arrival.word.as_usize() }, usize::MAX);
        let resumer = arrival.from.expect("a resumer");
        // SAFETY: it waits below.
        let arrival = unsafe { resumer.switch(Word::from_usize(1), Signal::Unwind) };
        assert_eq!(arrival.signal, Signal::Run);
        let resumer = arrival.from.expect("a resumer");
        // SAFETY: it waits below.
        let arrival = unsafe { resumer.switch(Word::from_usize(0), Signal::Run) };
        assert_eq!(arrival.signal, Signal::Unwind);
        Departure {
            to: arrival.from.expect("a resumer"),
            word: Word::from_usize(3),
            signal: Signal::Unwind,
        }
    });
    let first = NonNull::from(&mut first);
    // SAFETY: memory and trampoline outlive the execution, which ends below.
    let mut context = unsafe { prepare(limit, base, first) }.expect("room");
    let turns = [
        (Signal::Unwind, usize::MAX, Signal::Unwind, 1),
        (Signal::Run, 7, Signal::Run, 0),
    ];
    for (sent, word, received, answer) in turns {
        // SAFETY: the link is that of the trampoline; words are numbers.
        let arrival = unsafe { context.resume(first.cast(), Word::from_usize(word), sent) };
        assert_eq!(arrival.signal, received);
        // SAFETY: a number.
        assert_eq!(unsafe { arrival.word.as_usize() }, answer);
        context = arrival.from.expect("suspended");
    }
    // SAFETY: the link is that of the trampoline; the closure does not read
    // this word.
    let arrival = unsafe { context.resume(first.cast(), Word::EMPTY, Signal::Unwind) };
    assert!(arrival.from.is_none());
    assert_eq!(arrival.signal, Signal::Unwind);
    // SAFETY: a number.
    assert_eq!(unsafe { arrival.word.as_usize() }, 3);
}

/// A frame of its own for every level, alive until the way back.
#[inline(never)]
fn descend(inside: &mut Inside, depth: usize) -> usize {
    let frame = black_box([depth; 8]);
    if depth.is_multiple_of(100) {
        assert_eq!(inside.suspend_number(depth), depth + 1);
    }
    let below = if depth == 0 {
        0
    } else {
        descend(inside, depth - 1)
    };
    if depth % 100 == 50 {
        assert_eq!(inside.suspend_number(depth), depth + 1);
    }
    assert_eq!(black_box(frame), [depth; 8]);
    below + frame[7]
}

pub(crate) fn deep_recursion_with_suspends_on_the_way_down_and_up() {
    const DEPTH: usize = 10_000;
    let mut fiber = Fiber::with_memory(Memory::new(16 << 20), |inside, depth| {
        // SAFETY: a number.
        Word::from_usize(descend(inside, unsafe { depth.as_usize() }))
    });
    let mut number = fiber.resume_number(DEPTH);
    let mut suspends = 0;
    while !fiber.is_complete() {
        suspends += 1;
        number = fiber.resume_number(number + 1);
        if fiber.is_complete() {
            break;
        }
    }
    assert_eq!(suspends, DEPTH / 100 + 1 + DEPTH / 100);
    assert_eq!(number, DEPTH * (DEPTH + 1) / 2);
}

pub(crate) fn fibers_nest() {
    fn nest(depth: usize) -> Fiber {
        Fiber::new(move |inside, word| {
            let mut inner = (depth > 0).then(|| nest(depth - 1));
            // SAFETY: numbers.
            let mut n = unsafe { word.as_usize() };
            for _ in 0..10 {
                if let Some(inner) = &mut inner {
                    n = inner.resume_number(n);
                }
                n = inside.suspend_number(n + 1);
            }
            Word::from_usize(n)
        })
    }
    let mut outer = nest(7);
    for n in 0..10 {
        assert_eq!(outer.resume_number(n * 100), n * 100 + 8);
    }
}

/// The addresses of locals say on which stack code runs; so does a context.
pub(crate) fn stack_pointers_are_inside_the_stack() {
    let mut memory = Memory::new(64 << 10);
    let (limit, base) = memory.bounds();
    let inside = limit.addr().get()..base.addr().get() + 1;
    assert!(!inside.contains(&sure_context::stack_pointer().addr()));
    let bounds = inside.clone();
    let mut first = FnTrampoline::new(move |arrival: Arrival| {
        assert!(bounds.contains(&sure_context::stack_pointer().addr()));
        let mut to = arrival.from.expect("a resumer");
        // SAFETY: the resumer is suspended and waits below.
        let sp_of_resumer = unsafe { to.stack_pointer() };
        assert!(!bounds.contains(&sp_of_resumer.addr()));
        for _ in 0..3 {
            // SAFETY: the resumer waits below.
            let arrival = unsafe { to.switch(Word::EMPTY, Signal::Run) };
            to = arrival.from.expect("a resumer");
        }
        Departure {
            to,
            word: Word::EMPTY,
            signal: Signal::Run,
        }
    });
    let first = NonNull::from(&mut first);
    // SAFETY: memory and trampoline outlive the execution, which ends below.
    let mut next = Some(unsafe { prepare(limit, base, first) }.expect("room"));
    let mut resumes = 0;
    while let Some(context) = next {
        // SAFETY: it is suspended on `memory`, which is alive.
        let sp = unsafe { context.stack_pointer() }.addr();
        assert!(inside.contains(&sp));
        assert!(inside.contains(&(sp - ExecutionContext::BYTES_BELOW)));
        // SAFETY: the link is that of the trampoline.
        next = unsafe { context.resume(first.cast(), Word::EMPTY, Signal::Run) }.from;
        resumes += 1;
    }
    assert_eq!(resumes, 4);
}

pub(crate) fn a_stack_without_room_for_the_first_frame_is_refused() {
    let mut memory = Memory::new(4096);
    let (limit, base) = memory.bounds();
    let mut first = FnTrampoline::new(|_: Arrival| unreachable!());
    let first = NonNull::from(&mut first);
    for bytes in 0..512 {
        // SAFETY: inside the memory.
        let limit_above = unsafe { base.sub(bytes) };
        assert!(limit_above >= limit);
        // SAFETY: nothing is continued.
        match unsafe { prepare(limit_above, base, first) } {
            Ok(context) => {
                // SAFETY: it is fresh, on `memory`, which is alive.
                let sp = unsafe { context.stack_pointer() }.addr();
                let lowest = sp - ExecutionContext::BYTES_BELOW;
                assert!(lowest >= limit_above.addr().get());
                return;
            }
            Err(error) => assert!(error.to_string().contains("no room")),
        }
    }
    panic!("a first frame takes less than 512 bytes");
}
