use super::guard::{self, GUARD_SIZE, Guards};
use super::hardened;
use super::mapping_budget::MappingClaims;
use super::registry::{self, Region, Registration};
use super::sys::memory::{Mapping, page_size};
use super::valgrind::KnownStack;
use crate::{Stack, StackError, StackSize};
use core::ops::Range;
use core::ptr::NonNull;

/// One stack in a mapping of its own, with protected pages below it.
///
/// Pages take memory only once they are touched. Making one costs two system
/// calls and two of the process's mappings (`vm.max_map_count`, 65,530 by
/// default, so about 32,500 stacks); dropping it costs one call. For stacks
/// that come and go there is [`PooledStack`](crate::PooledStack), for very many
/// [`StackArena`](crate::StackArena).
///
/// ```
/// use sure_stack::{GuardedMmapStack, Stack};
///
/// let stack = GuardedMmapStack::allocate_at_least(10_000)?;
/// assert!(stack.size() >= 10_000);
/// # Ok::<(), sure_stack::StackError>(())
/// ```
#[derive(Debug)]
pub struct GuardedMmapStack {
    /// Dropped before the mapping.
    _known: Registration,
    _watched: KnownStack,
    /// Guard, then usable bytes.
    mapping: Mapping,
    /// Given back after the guard has gone.
    _claims: MappingClaims,
    limit: NonNull<u8>,
}

// SAFETY: `limit` points into the mapping, which is owned and may be used and
// unmapped from any thread.
unsafe impl Send for GuardedMmapStack {}
// SAFETY: through a shared reference only the bounds can be read.
unsafe impl Sync for GuardedMmapStack {}

impl GuardedMmapStack {
    /// A stack of at least `bytes` usable bytes: rounded up to whole pages, so
    /// 1 byte gives one page.
    ///
    /// # Errors
    /// - [`StackError::InvalidSize`] for 0, and for sizes that exceed
    ///   `isize::MAX` together with their guard.
    /// - [`StackError::Map`], [`StackError::Guard`] if the system refuses.
    /// - [`StackError::ShadowStack`] where the processor checks returns.
    /// - [`StackError::MapCount`] if the process has few mappings left: some
    ///   hundreds are left for everything else.
    pub fn allocate_at_least(bytes: usize) -> Result<GuardedMmapStack, StackError> {
        let page = page_size();
        let guard = GUARD_SIZE.next_multiple_of(page);
        let total = bytes
            .checked_next_multiple_of(page)
            .and_then(|usable| usable.checked_add(guard))
            .filter(|&total| bytes > 0 && total <= isize::MAX as usize)
            .ok_or(StackError::InvalidSize { bytes })?;

        hardened::check()?;
        let mapping = Mapping::new(total, false).map_err(|os| StackError::map(total, os))?;
        let lowest = mapping.start();
        // SAFETY: the first pages of a fresh mapping, unused; a mapping starts at a page.
        let claims = unsafe { guard::install(lowest, guard, Guards::Mprotect)? };
        // SAFETY: `guard` is less than the length of the mapping.
        let limit = unsafe { NonNull::new_unchecked(lowest.add(guard)) };
        let known = registry::register(Region {
            low: lowest.addr(),
            high: lowest.addr() + total,
            stride: total,
            guard,
        })?;
        // SAFETY: one past the end of the mapping, which is not null.
        let base = unsafe { NonNull::new_unchecked(lowest.add(total)) };
        Ok(GuardedMmapStack {
            _known: known,
            _watched: KnownStack::new(limit, base),
            mapping,
            _claims: claims,
            limit,
        })
    }

    /// Usable bytes.
    pub fn size(&self) -> usize {
        StackSize::size(self)
    }

    /// The addresses of the guard, which end at the [`limit`](Stack::limit): at
    /// least [`GUARD_SIZE`] bytes, of which each access faults.
    ///
    /// ```
    /// use sure_stack::{GUARD_SIZE, GuardedMmapStack, Stack};
    ///
    /// let stack = GuardedMmapStack::allocate_at_least(64 << 10)?;
    /// assert_eq!(stack.guard().end, stack.limit().addr().get());
    /// assert!(stack.guard().len() >= GUARD_SIZE);
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    pub fn guard(&self) -> Range<usize> {
        self.mapping.start().addr()..self.limit.addr().get()
    }

    fn end(&self) -> NonNull<u8> {
        // SAFETY: one past the end of the mapping, which is not null.
        unsafe { NonNull::new_unchecked(self.mapping.start().add(self.mapping.bytes())) }
    }
}

// SAFETY: (1) the bytes from `limit` to the end of the mapping are this value's
// own until it unmaps them when dropped; (2) the mapping never moves, and has
// at least one usable page; (3) the pages below `limit` are protected.
unsafe impl Stack for GuardedMmapStack {
    fn base(&self) -> NonNull<u8> {
        self.end()
    }

    fn limit(&self) -> NonNull<u8> {
        self.limit
    }
}
