//! Coroutines with stacks of their own.

use std::error::Error;
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use coro::{Builder, Coroutine, CoroutineState, SuspendHandle};

type Handle = SuspendHandle<u32, u32>;

pub fn plain() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut coroutine = Coroutine::try_new(|handle: &Handle, first| {
        let second = handle.suspend(first + 1);
        second * 2
    })?;
    assert_eq!(coroutine.resume(1), CoroutineState::Yielded(2));
    assert_eq!(coroutine.resume(10), CoroutineState::Complete(20));
    Ok(())
}

pub fn infallible() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut coroutine = Coroutine::new(|handle: &Handle, n| handle.suspend(n));
    assert_eq!(coroutine.resume(1).yielded(), Some(1));
    Ok(())
}

pub fn named() -> Result<(), Box<dyn Error + Send + Sync>> {
    sure_stack::overflow::install()?;
    // More than a quarter of the stack: it goes to the heap.
    let large = [7_u8; 40 << 10];
    let builder = Coroutine::builder().name("a worker").stack_size(64 << 10);
    let mut coroutine = builder.build(move |handle: &Handle, n| {
        handle.suspend(n);
        u32::from(large[n as usize])
    })?;
    assert_eq!(coroutine.name(), Some("a worker"));
    assert_eq!(coroutine.resume(3).yielded(), Some(3));
    assert_eq!(coroutine.resume(3).complete(), Some(7));
    Ok(())
}

pub fn unwound() -> Result<(), Box<dyn Error + Send + Sync>> {
    let held = std::rc::Rc::new(5);
    let mine = held.clone();
    let mut coroutine = Coroutine::try_new(move |handle: &Handle, n| {
        let _also = mine.clone();
        handle.suspend(n)
    })?;
    coroutine.resume(1);
    assert_eq!(std::rc::Rc::strong_count(&held), 3);
    drop(coroutine);
    assert_eq!(std::rc::Rc::strong_count(&held), 1);
    Ok(())
}

pub fn panicking() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut coroutine = Coroutine::try_new(|handle: &Handle, n| -> u32 {
        let n = handle.suspend(n);
        panic!("number {n}")
    })?;
    coroutine.resume(1);
    let payload = panic::catch_unwind(AssertUnwindSafe(|| coroutine.resume(2)));
    let payload = payload.expect_err("it panics");
    assert_eq!(
        payload.downcast_ref::<String>().map(String::as_str),
        Some("number 2")
    );
    assert!(coroutine.is_complete());
    Ok(())
}

pub fn scoped() -> Result<(), Box<dyn Error + Send + Sync>> {
    let words = ["one", "two", "three"].map(String::from);
    coro::scope(|scope| {
        let mut all = Vec::new();
        for word in &words {
            let builder = Coroutine::builder().stack_size(32 << 10);
            all.push(builder.build_scoped(scope, move |handle: &Handle, n| {
                handle.suspend(n);
                word.len() as u32
            })?);
        }
        for coroutine in &mut all {
            assert_eq!(coroutine.resume(1).yielded(), Some(1));
        }
        assert_eq!(all[0].resume(0).complete(), Some(3));
        // The others end with the scope.
        Ok(())
    })
}

pub fn lending() -> Result<(), Box<dyn Error + Send + Sync>> {
    type List = coro::LendingHandle<Vec<u32>, ()>;
    let mut coroutine = coro::LendingCoroutine::try_new(|handle: &List| {
        handle.with(|list| list.push(1));
        handle.suspend(());
        handle.with(|list| list.len())
    })?;
    let mut list = Vec::new();
    coroutine.resume(&mut list);
    list.push(2);
    assert_eq!(coroutine.resume(&mut list).complete(), Some(2));
    Ok(())
}

pub fn iterator() -> Result<(), Box<dyn Error + Send + Sync>> {
    let all = Coroutine::builder().build_iter(|handle| (0..5).for_each(|n| handle.suspend(n)))?;
    assert_eq!(all.sum::<u32>(), 10);
    Ok(())
}

pub fn future() -> Result<(), Box<dyn Error + Send + Sync>> {
    let future = Builder::build_future(Coroutine::builder(), |handle| {
        let mut polled = false;
        handle.block_on(std::future::poll_fn(|_| {
            match std::mem::replace(&mut polled, true) {
                true => Poll::Ready(8),
                false => Poll::Pending,
            }
        }))
    })?;
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(future.as_mut().poll(&mut context), Poll::Pending);
    assert_eq!(future.as_mut().poll(&mut context), Poll::Ready(8));
    Ok(())
}

/// There is no `try_grow`: without a stack it panics, as its documentation says.
pub fn growth() -> Result<(), Box<dyn Error + Send + Sync>> {
    fn sum(n: u64) -> u64 {
        let mut page = [1_u8; 4096];
        std::hint::black_box(&mut page);
        coro::maybe_grow(32 << 10, 64 << 10, || match n {
            0 => 0,
            _ => sum(n - 1) + u64::from(page[n as usize]),
        })
    }
    assert_eq!(sum(40), 40);
    let mut coroutine = Coroutine::builder()
        .stack_size(64 << 10)
        .build(|handle: &Handle, n| {
            let n = handle.suspend(n);
            sum(u64::from(n)) as u32
        })?;
    coroutine.resume(1);
    assert_eq!(coroutine.resume(40).complete(), Some(40));
    Ok(())
}
