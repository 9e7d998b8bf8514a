/// The smallest stack that a coroutine accepts, in usable bytes: room for its
/// root and for a panic with its message. (A backtrace, if `RUST_BACKTRACE` asks for
/// one, takes more: some 24 KiB on x86-64.)
///
/// ```
/// use coro::{Coroutine, MIN_STACK_SIZE};
///
/// let builder = Coroutine::builder().stack_size(MIN_STACK_SIZE);
/// let mut small = builder.build(|handle, n: u32| handle.suspend(n + 1))?;
/// assert_eq!(small.resume(1).yielded(), Some(2));
/// # Ok::<(), sure_stack::StackError>(())
/// ```
pub const MIN_STACK_SIZE: usize = 16 << 10;
