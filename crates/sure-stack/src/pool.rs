use crate::{DEFAULT_STACK_SIZE, GuardedMmapStack, Stack, StackError, colour};
use core::cell::Cell;
use core::hint::assert_unchecked;
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
    header: NonNull<Header>,
}

/// Stands above the high end of each stack, so that owning one takes a pointer.
#[derive(Debug)]
struct Header {
    /// The next kept stack, while this one is kept.
    next: Option<NonNull<Header>>,
    limit: NonNull<u8>,
    /// Whether the pool may keep it: it has the default size.
    poolable: bool,
    mapping: GuardedMmapStack,
}

// SAFETY: the header is owned, and all in it is `Send`.
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
        let stack = match POOL.with(StackPool::take) {
            Some(stack) => stack,
            None => PooledStack::map(DEFAULT_STACK_SIZE)?,
        };
        // What the compiler can make use of.
        // SAFETY: the pool keeps stacks of this size only, and `map` makes no smaller ones.
        unsafe { assert_unchecked(stack.size() >= DEFAULT_STACK_SIZE) };
        Ok(stack)
    }

    /// A stack of at least `bytes` bytes. Only the default size is pooled.
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
        POOL.with(StackPool::trim)
    }

    /// How many stacks the current thread keeps for reuse.
    pub fn kept() -> usize {
        POOL.with(StackPool::kept)
    }

    #[cold]
    fn map(bytes: usize) -> Result<PooledStack, StackError> {
        // An invalid size stays one.
        let more = if bytes == 0 {
            0
        } else {
            colour::RANGE + size_of::<Header>()
        };
        let mapping = GuardedMmapStack::allocate_at_least(bytes.saturating_add(more))?;
        let limit = mapping.limit();
        // SAFETY: that much was added to the size.
        let top = unsafe { mapping.base().sub(size_of::<Header>()) };
        let header = colour::apply(top).cast::<Header>();
        let poolable = bytes == DEFAULT_STACK_SIZE;
        // SAFETY: inside the mapping, above the usable bytes, and aligned to a cache line.
        unsafe {
            header.write(Header {
                next: None,
                limit,
                poolable,
                mapping,
            })
        };
        Ok(PooledStack { header })
    }
}

// SAFETY: (1), (3) as for the mapped stack, of which this is all but the bytes
// from the header on, which were added for it; (2) the header is never moved.
unsafe impl Stack for PooledStack {
    #[inline]
    fn base(&self) -> NonNull<u8> {
        // What the compiler can make use of: nothing needs rounding down.
        // SAFETY: the header was put where its colour is applied, see `map`.
        unsafe { assert_unchecked(self.header.addr().get().is_multiple_of(colour::LINE)) };
        self.header.cast()
    }

    #[inline]
    fn limit(&self) -> NonNull<u8> {
        // SAFETY: the header is owned, and changes only while the stack is kept.
        unsafe { self.header.as_ref() }.limit
    }
}

impl Drop for PooledStack {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: as in `limit`.
        let poolable = unsafe { self.header.as_ref() }.poolable;
        let kept = poolable && POOL.with(|pool| pool.keep(self.header));
        if !kept {
            // SAFETY: owned, and not used after this.
            unsafe { return_slowly(self.header) };
        }
    }
}

/// Returns a stack that the pool has not taken at once. Apart, and called last,
/// so that the usual way needs no frame.
///
/// # Safety
/// The header, and the stack below it, are owned and not used any more.
#[cold]
#[inline(never)]
unsafe fn return_slowly(header: NonNull<Header>) {
    // SAFETY: owned.
    let poolable = unsafe { header.as_ref() }.poolable;
    let kept = poolable && POOL.with(|pool| pool.open() && pool.keep(header));
    if !kept {
        // SAFETY: owned, and not used after this.
        unsafe { unmap(header) };
    }
}

/// # Safety
/// The header, and the stack below it, are owned and not used any more.
#[cold]
unsafe fn unmap(header: NonNull<Header>) {
    // SAFETY: moved out before the memory that holds it goes away.
    drop(unsafe { header.read() }.mapping);
}

thread_local! {
    // Without a destructor, so that it can be used until the thread is gone.
    static POOL: StackPool = const {
        StackPool { first: Cell::new(None), len: Cell::new(UNUSED) }
    };
    /// Empties the pool when its thread ends.
    static REAPER: Reaper = const { Reaper };
}

/// A list of stacks, threaded through their headers.
struct StackPool {
    first: Cell<Option<NonNull<Header>>>,
    /// How many; or, beyond any such number, one of the two states below.
    len: Cell<usize>,
}

/// Nothing was kept yet, so nobody will empty the pool.
const UNUSED: usize = usize::MAX - 1;
/// The pool has been emptied for good.
const CLOSED: usize = usize::MAX;

struct Reaper;

impl Drop for Reaper {
    fn drop(&mut self) {
        POOL.with(|pool| {
            pool.trim();
            pool.len.set(CLOSED);
        });
    }
}

impl StackPool {
    fn kept(&self) -> usize {
        match self.len.get() {
            UNUSED | CLOSED => 0,
            len => len,
        }
    }

    #[inline]
    fn take(&self) -> Option<PooledStack> {
        let header = self.first.get()?;
        // SAFETY: kept stacks are owned by the list.
        self.first.set(unsafe { header.as_ref() }.next);
        self.len.set(self.len.get() - 1);
        Some(PooledStack { header })
    }

    /// Whether the stack is the pool's now: not if it is full, or not in use.
    #[inline]
    fn keep(&self, mut header: NonNull<Header>) -> bool {
        if self.len.get() >= KEPT_STACKS {
            return false;
        }
        // SAFETY: given by its owner.
        unsafe { header.as_mut() }.next = self.first.get();
        self.first.set(Some(header));
        self.len.set(self.len.get() + 1);
        true
    }

    /// Whether the pool was not in use before, and is now.
    fn open(&self) -> bool {
        let opened = self.len.get() == UNUSED && REAPER.try_with(|_| ()).is_ok();
        if opened {
            self.len.set(0);
        }
        opened
    }

    fn trim(&self) -> usize {
        let mut trimmed = 0;
        while let Some(stack) = self.take() {
            // SAFETY: taken from the list, and its destructor does not run.
            unsafe { unmap(ManuallyDrop::new(stack).header) };
            trimmed += 1;
        }
        trimmed
    }
}
