//! What stands above the high end of an arena's stack, so that owning one takes
//! a pointer.

use super::colour::{self, Colour};
use super::stack::ArenaSlot;
use crate::hosted::guard;
use crate::hosted::sanitizer;
use crate::hosted::sys::memory::{self, Advice, page_size};
use core::hint::assert_unchecked;
use core::ops::Range;
use core::ptr::NonNull;

#[derive(Debug)]
pub(crate) struct StackHeader {
    /// The next free stack, while this one is kept for reuse.
    pub(crate) next: Option<NonNull<StackHeader>>,
    /// The lowest usable address.
    pub(crate) limit: NonNull<u8>,
    /// The bytes that were found resident in this stack and in all that were
    /// kept before it, while this one is kept.
    pub(crate) resident: usize,
    /// For the pool: which of its lists keeps the stack.
    pub(crate) class: u8,
    /// Where the stack is in its arena.
    pub(super) slot: ArenaSlot,
}

/// What a stack needs above the size asked for, at the most.
pub(crate) const OVERHEAD: usize = size_of::<StackHeader>() + colour::LINE + colour::RANGE;

/// What a stack needs above the size asked for if its high end is not lowered by a colour.
pub(crate) const PLAIN_OVERHEAD: usize = size_of::<StackHeader>() + colour::LINE;

impl StackHeader {
    /// Writes a header below `end`, as far below as the colour says.
    ///
    /// # Safety
    /// `limit..end` is memory of the caller's, with nothing alive in it and at
    /// least [`OVERHEAD`] bytes ([`PLAIN_OVERHEAD`] are enough for [`Colour::NONE`]).
    pub(super) unsafe fn write(
        limit: NonNull<u8>,
        end: NonNull<u8>,
        colour: Colour,
        slot: ArenaSlot,
    ) -> NonNull<StackHeader> {
        // SAFETY: there are that many bytes.
        let top = unsafe { end.sub(size_of::<StackHeader>()) };
        // SAFETY: what the caller promises beside the header is `RANGE` and a line, or a line for
        // `Colour::NONE`.
        let base = unsafe { colour.lower(top) };
        let header = base.cast::<StackHeader>();
        // SAFETY: inside the caller's memory, and aligned to a cache line.
        unsafe {
            header.write(StackHeader {
                next: None,
                limit,
                resident: 0,
                class: 0,
                slot,
            });
        }
        header
    }

    /// The high end of the stack below a header.
    ///
    /// # Safety
    /// The header was made by [`StackHeader::write`].
    #[inline]
    pub(crate) unsafe fn base(this: NonNull<StackHeader>) -> NonNull<u8> {
        // What the compiler can make use of: nothing needs rounding down.
        // SAFETY: headers stand at multiples of a line.
        unsafe { assert_unchecked(this.addr().get().is_multiple_of(colour::LINE)) };
        this.cast()
    }

    /// Tells a sanitizer that the stack is in use from now on, or that it is not.
    ///
    /// # Safety
    /// The header was made by [`StackHeader::write`], and may be read.
    #[inline(always)]
    pub(crate) unsafe fn announce(this: NonNull<StackHeader>, in_use: bool) {
        // SAFETY: as the caller says.
        let (limit, base) = unsafe { (this.as_ref().limit, StackHeader::base(this)) };
        if in_use {
            sanitizer::handed_out(limit, base);
        } else {
            sanitizer::given_back(limit, base);
        }
    }

    /// The addresses of the guard.
    pub(crate) fn guard(&self) -> Range<usize> {
        let limit = self.limit.addr().get();
        limit - self.slot.guard_bytes()..limit
    }

    /// The page in which the header stands; below it are whole pages of stack.
    fn page(&self) -> usize {
        let address = core::ptr::from_ref(self).addr();
        address - address % page_size()
    }

    /// How many bytes of the stack take memory, in whole pages, that of the
    /// header included. If the system does not say, all of them.
    pub(crate) fn count_resident(&self) -> usize {
        let page = page_size();
        let below = (self.page() - self.limit.addr().get()) / page;
        // SAFETY: whole pages of this stack.
        let resident = unsafe { memory::count_resident(self.limit.as_ptr(), below) };
        (resident + 1) * page
    }

    /// Gives back all pages of the stack but that of the header. They need not
    /// be cleared by that.
    ///
    /// # Safety
    /// Nothing on the stack is alive.
    pub(crate) unsafe fn give_back_pages(&mut self) {
        let bytes = self.page() - self.limit.addr().get();
        if bytes > 0 {
            // Locked memory stays, and so does all if the system will have it so.
            // SAFETY: whole pages of this stack, with nothing alive in them.
            let _ = unsafe { memory::advise(self.limit.as_ptr(), bytes, Advice::DontNeed) };
        }
    }

    /// Makes the whole stack read as zeros, without touching pages that were
    /// not touched before.
    ///
    /// # Safety
    /// Nothing on the stack is alive.
    pub(crate) unsafe fn clear(&mut self) {
        let page = page_size();
        let (header, top) = (core::ptr::from_mut(self).cast::<u8>(), self.page());
        let bytes = top - self.limit.addr().get();
        // SAFETY: whole pages of this stack, with nothing alive in them.
        let advise = || unsafe { memory::advise(self.limit.as_ptr(), bytes, Advice::DontNeed) };
        let cleared = bytes == 0 || (guard::clears_memory() && advise().is_ok());
        if !cleared {
            for offset in (0..bytes).step_by(page) {
                // SAFETY: the start of a page of this stack.
                let start = unsafe { self.limit.as_ptr().add(offset) };
                let mut resident = [true];
                // SAFETY: one page of this stack; nothing in it is alive.
                unsafe {
                    let known = memory::residence(start, &mut resident);
                    if known.is_err() || resident[0] {
                        start.write_bytes(0, page);
                    }
                }
            }
        }
        let rest = header.addr() - top;
        // SAFETY: what is between the beginning of the page and the header is
        // stack, too, unless the limit is above; then the page has none.
        unsafe { header.sub(rest).write_bytes(0, rest) };
    }
}
