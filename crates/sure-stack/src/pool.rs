use crate::{DEFAULT_STACK_SIZE, GuardedMmapStack, Stack, StackError, colour};
use core::cell::Cell;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

/// How many stacks a thread keeps for reuse: 256.
///
/// A kept stack holds the pages that were touched while it was used.
const KEPT_STACKS: usize = 256;

/// A stack that goes back to a pool of the current thread when it is dropped,
/// and comes from there when there is one.
///
/// The pool keeps stacks of the default size, up to 256 a thread; others are
/// unmapped at once. Taking and returning are a few instructions. The pool is
/// emptied when its thread ends; stacks made or dropped after that, by
/// destructors of other thread-locals, bypass it.
///
/// A stack may be returned on another thread than the one that made it.
#[derive(Debug)]
pub struct PooledStack {
    stack: ManuallyDrop<GuardedMmapStack>,
    /// The coloured high end.
    base: NonNull<u8>,
}

// SAFETY: `base` points into the owned stack, which is `Send`.
unsafe impl Send for PooledStack {}
// SAFETY: through a shared reference only the bounds can be read.
unsafe impl Sync for PooledStack {}

impl PooledStack {
    /// A stack of [`DEFAULT_STACK_SIZE`](crate::DEFAULT_STACK_SIZE).
    ///
    /// # Errors
    /// [`StackError::Map`] or [`StackError::Guard`] if none is kept and the
    /// system refuses a new one.
    #[inline]
    pub fn new() -> Result<PooledStack, StackError> {
        match with_pool(StackPool::take) {
            Some(Some(stack)) => Ok(stack),
            _ => PooledStack::map(DEFAULT_STACK_SIZE),
        }
    }

    /// A stack of at least `bytes` bytes. Only sizes up to the default one are pooled.
    ///
    /// # Errors
    /// As [`GuardedMmapStack::allocate_at_least`].
    pub fn allocate_at_least(bytes: usize) -> Result<PooledStack, StackError> {
        if bytes == DEFAULT_STACK_SIZE {
            PooledStack::new()
        } else {
            PooledStack::map(bytes)
        }
    }

    /// Unmaps the stacks that the current thread keeps, and says how many.
    pub fn trim() -> usize {
        with_pool(StackPool::trim).unwrap_or(0)
    }

    /// How many stacks the current thread keeps for reuse.
    pub fn kept() -> usize {
        with_pool(|pool| pool.len.get()).unwrap_or(0)
    }

    #[cold]
    fn map(bytes: usize) -> Result<PooledStack, StackError> {
        let with_colour = match bytes {
            // An invalid size stays one.
            0 => 0,
            _ => bytes.saturating_add(colour::RANGE),
        };
        let stack = GuardedMmapStack::allocate_at_least(with_colour)?;
        let base = colour::apply(stack.base());
        Ok(PooledStack {
            stack: ManuallyDrop::new(stack),
            base,
        })
    }
}

// SAFETY: (1), (3) as for the mapped stack, of which this is all but some bytes
// at the high end; (2) the colour is less than what was added for it.
unsafe impl Stack for PooledStack {
    #[inline]
    fn base(&self) -> NonNull<u8> {
        self.base
    }

    #[inline]
    fn limit(&self) -> NonNull<u8> {
        self.stack.limit()
    }
}

impl Drop for PooledStack {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: `self` is not used after this.
        let stack = unsafe { ManuallyDrop::take(&mut self.stack) };
        let base = self.base;
        // What the pool does not keep is unmapped by its destructor.
        with_pool(move |pool| pool.keep(stack, base));
    }
}

thread_local! {
    static POOL: StackPool = const { StackPool::new() };
}

/// Calls `f` with the thread's pool; `None` once that has been torn down.
#[inline]
fn with_pool<R>(f: impl FnOnce(&StackPool) -> R) -> Option<R> {
    POOL.try_with(f).ok()
}

/// A list of stacks, threaded through the stacks themselves: the next user of
/// a stack finds its first cache line warm.
struct StackPool {
    first: Cell<Option<NonNull<Kept>>>,
    len: Cell<usize>,
}

/// Stands at the high end of a kept stack.
struct Kept {
    next: Option<NonNull<Kept>>,
    stack: GuardedMmapStack,
    base: NonNull<u8>,
}

impl StackPool {
    const fn new() -> StackPool {
        StackPool {
            first: Cell::new(None),
            len: Cell::new(0),
        }
    }

    #[inline]
    fn take(&self) -> Option<PooledStack> {
        let kept = self.first.get()?;
        // SAFETY: written by `keep`, and out of the list from here on.
        let Kept { next, stack, base } = unsafe { kept.read() };
        self.first.set(next);
        self.len.set(self.len.get() - 1);
        Some(PooledStack {
            stack: ManuallyDrop::new(stack),
            base,
        })
    }

    #[inline]
    fn keep(&self, stack: GuardedMmapStack, base: NonNull<u8>) {
        let size = base.addr().get() - stack.limit().addr().get();
        let serves = size.wrapping_sub(DEFAULT_STACK_SIZE) <= colour::RANGE + LARGEST_PAGE;
        if serves && self.len.get() < KEPT_STACKS {
            let next = self.first.get();
            // `base` is aligned to a cache line, see `colour`.
            let kept = base.as_ptr().wrapping_sub(size_of::<Kept>()).cast::<Kept>();
            // SAFETY: the stack is ours, unused, and large enough for a `Kept`.
            let kept = unsafe {
                kept.write(Kept { next, stack, base });
                NonNull::new_unchecked(kept)
            };
            self.first.set(Some(kept));
            self.len.set(self.len.get() + 1);
        }
    }

    fn trim(&self) -> usize {
        let mut trimmed = 0;
        while let Some(stack) = self.take() {
            let mut stack = ManuallyDrop::new(stack);
            // SAFETY: taken once; the wrapper's own destructor does not run.
            drop(unsafe { ManuallyDrop::take(&mut stack.stack) });
            trimmed += 1;
        }
        trimmed
    }
}

impl Drop for StackPool {
    fn drop(&mut self) {
        self.trim();
    }
}

/// The largest page size of Linux: how far a size may be rounded up.
const LARGEST_PAGE: usize = 64 << 10;
