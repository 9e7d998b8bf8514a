//! A function below the caller, which can exchange the caller's frames.

use alloc::{boxed::Box, vec};
use core::hint::black_box;
use core::ptr::{self, NonNull};
use sure_context::{
    DESCENT, Departure, Descent, ExecutionContext, Signal, Word, descend, stack_pointer,
};

/// Takes the bytes of everything between the caller's low edge and `high`
/// away, fills their place with noise, and puts them back.
struct Exchange {
    top: usize,
    high: *mut u8,
    moved: usize,
}

impl Descent for Exchange {
    unsafe fn run(mut this: NonNull<Self>, from: ExecutionContext) -> Departure {
        // SAFETY: the object that was given to `descend`, whose caller leaves it alone.
        let this = unsafe { this.as_mut() };
        assert!(stack_pointer().addr() < this.top, "it runs below");
        // SAFETY: the caller was suspended by the descent, above this frame.
        let low = unsafe { from.stack_pointer() }.wrapping_sub(ExecutionContext::BYTES_BELOW);
        assert!(low.addr() >= this.top, "the caller's frames lie above");
        let bytes = this.high.addr() - low.addr();
        let mut copy = vec![0_u8; bytes];
        // SAFETY: live frames of this thread, above the stack pointer; they are
        // put back before the descent departs to them.
        unsafe {
            ptr::copy_nonoverlapping(low, copy.as_mut_ptr(), bytes);
            ptr::write_bytes(low, 0xA5, bytes);
            black_box(low);
            ptr::copy_nonoverlapping(copy.as_ptr(), low, bytes);
        }
        this.moved = bytes;
        Departure {
            to: from,
            word: Word::from_usize(bytes),
            signal: Signal::Unwind,
        }
    }
}

#[inline(never)]
fn exchange(depth: usize, high: *mut u8) -> usize {
    let frame = black_box([depth; 16]);
    let float = black_box(depth as f64 + 0.5);
    let sum = if depth > 0 {
        exchange(depth - 1, high)
    } else {
        let top = stack_pointer().wrapping_sub(DESCENT + 100);
        let mut object = Box::new(Exchange {
            top: top.addr(),
            high,
            moved: 0,
        });
        let top = NonNull::new(top).expect("a stack is not at null");
        // SAFETY: `top` is far enough below, on this thread's stack, which has
        // room; the object lives on the heap; the caller is continued once.
        let arrival = unsafe { descend(top, NonNull::from(&mut *object)) };
        assert!(arrival.from.is_none(), "it has left");
        assert_eq!(arrival.signal, Signal::Unwind);
        // SAFETY: a number was sent.
        assert_eq!(unsafe { arrival.word.as_usize() }, object.moved);
        object.moved
    };
    assert_eq!(frame, [depth; 16]);
    assert_eq!(float, black_box(depth as f64 + 0.5));
    black_box(sum)
}

pub(crate) fn frames_can_be_exchanged_from_below() {
    for depth in [0, 1, 5, 50] {
        let here = black_box([0_u8; 64]);
        let moved = exchange(depth, here.as_ptr().cast_mut());
        assert!(moved > depth * 16 * size_of::<usize>());
    }
}
