use crate::Refusal;
use crate::region::{ALIGNMENT, Inhabitant, Region};
use crate::{class, known, thread};
use coro::Status;
use std::cell::Cell;
use std::num::NonZeroUsize;
use std::ptr::{self, NonNull};
use std::rc::Rc;
use sure_context::{DESCENT, ExecutionContext, FIRST_FRAME_SIZE, ParentLink, stack_pointer};

/// What is known of a coroutine, apart from its frames. It stands on the heap,
/// and never moves: the frames refer to it.
///
/// There may be a hundred million of these, so every word counts.
#[repr(C)]
pub(crate) struct Header {
    /// First, as the root of the frames wants it.
    pub(crate) parent: ParentLink,
    /// Where the frames belong. Counted: see [`Header::release`].
    region: NonNull<Region>,
    state: Cell<State>,
    /// A block of the arena: the closure, then the frames, then what the
    /// closure has returned, if that is larger than a word.
    block: Cell<NonNull<u8>>,
    /// The high end of the frames.
    base: Cell<usize>,
    /// How many bytes of the block are meant, in units of [`GRAIN`].
    grains: Cell<u32>,
    stage: Cell<Stage>,
    mode: Cell<Mode>,
    /// How many words at the high end of the frames are not in the block, because they are [known].
    known: Cell<u8>,
}

/// How to begin the coroutine whose closure is in a header's block below a base, or, without
/// one, how to drop the closure.
pub(crate) type Start = unsafe fn(NonNull<Header>, Option<NonNull<u8>>) -> Option<ExecutionContext>;

/// Where the frames of a suspended coroutine are, and what of them goes to the block.
pub(crate) struct Extent {
    /// Their low edge.
    pub(crate) low: usize,
    /// How much is kept, in units of [`GRAIN`].
    pub(crate) grains: u32,
    /// How many words above that are [known].
    pub(crate) known: u8,
}

/// One word that is needed in each stage, for another purpose.
#[derive(Clone, Copy)]
union State {
    /// `Created` and `Starting`.
    start: Start,
    /// `Suspended`, and until the coroutine [begins](Header::begin): the token, as a number.
    context: NonZeroUsize,
    /// While it runs: the coroutine that runs further out in the same region.
    outer: Option<Inhabitant>,
}

/// Bytes are counted in these: what the low edge of the frames is aligned to.
pub(crate) const GRAIN: usize = 8;

/// How much further down than its first resumer's frame a coroutine's frames
/// begin. Later resumers that stand deeper by no more than this need not be
/// displaced. It takes no memory; it is a hole in the stack.
const GAP: usize = 1 << 10;

/// How far below `top` frames begin whose first resumer stands at `sp`, in units of [`ALIGNMENT`]:
/// below what the call that goes down takes of the resumer's stack, and the hole.
fn units_below(top: usize, sp: usize) -> usize {
    (top - sp + DESCENT + GAP).div_ceil(ALIGNMENT)
}

/// Stack that must be left for the code that copies, in bytes: it may have to
/// ask the system for memory, and a signal may interrupt it. A caller
/// that is refused because less is left panics, and has most of it for that: on
/// 64-bit MIPS, 13 KiB did not suffice for a panic.
pub(crate) const ROOM: usize = 32 << 10;

/// The life of a coroutine in full; [`Status`] is what users see of it.
///
/// (Without fields: a stage is asked for several times in each turn, and to find a variant among the values of a field is more than
/// a comparison.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The closure is in the block.
    Created,
    /// On the way to its first instruction.
    Starting,
    /// Frames, in the block or still on the run stack.
    Suspended,
    Running,
    /// It runs, to take its frames down.
    Unwinding,
    /// The same, and the thread was panicking when the drop began.
    UnwindingInPanic,
    /// The closure has returned.
    Returned,
    /// A panic has left the closure.
    Panicked,
}

impl Stage {
    /// Whether it runs to take its frames down.
    #[inline(always)]
    pub(crate) fn is_unwinding(self) -> bool {
        matches!(self, Stage::Unwinding | Stage::UnwindingInPanic)
    }
}

/// How a running coroutine came to run, and has to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// On the run stack, from another stack: by a plain switch.
    Direct,
    /// Below its resumer.
    Below,
    /// Over its resumer's frames, which have been displaced.
    Displacing,
}

/// A resume that will be granted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Direct,
    /// By a descent to below this address.
    Below(NonNull<u8>),
}

impl Header {
    /// A header on the heap, with `bytes` bytes for a closure in its block.
    pub(crate) fn create(region: Rc<Region>, start: Start, bytes: usize) -> NonNull<Header> {
        let arena = Rc::clone(&region.arena);
        // There all begin on a run stack; elsewhere the first resume decides.
        let base = Cell::new(region.top);
        let header = arena.allocate(size_of::<Header>()).cast::<Header>();
        let grains = grains(bytes).expect("a closure of less than 32 GiB");
        // SAFETY: a fresh block, large enough and aligned to `GRAIN`.
        unsafe {
            header.write(Header {
                parent: ParentLink::new(),
                region: NonNull::new_unchecked(Rc::into_raw(region).cast_mut()),
                state: Cell::new(State { start }),
                block: Cell::new(arena.allocate(grains as usize * GRAIN)),
                grains: Cell::new(grains),
                stage: Cell::new(Stage::Created),
                mode: Cell::new(Mode::Direct),
                known: Cell::new(0),
                base,
            });
        }
        header
    }

    /// Gives the block, the header and its share of the region back.
    ///
    /// # Safety
    /// Nothing refers to the header any more, and nothing in the block is
    /// needed. It is called on the header's thread, once.
    pub(crate) unsafe fn release(this: NonNull<Header>) {
        // SAFETY: made by `create` from an `Rc`, of which this was a share.
        unsafe {
            let region = Rc::from_raw(this.as_ref().region.as_ptr());
            let header = this.as_ref();
            region.arena.free(header.block.get(), header.bytes());
            region.arena.free(this.cast(), size_of::<Header>());
        }
    }

    #[inline(always)]
    pub(crate) fn region(&self) -> &Region {
        // SAFETY: this header is one of its owners.
        unsafe { self.region.as_ref() }
    }

    /// Bytes in the block.
    #[inline(always)]
    pub(crate) fn bytes(&self) -> usize {
        self.grains.get() as usize * GRAIN
    }

    /// The low edge of the frames of a suspended coroutine.
    #[inline(always)]
    pub(crate) fn low(&self) -> usize {
        self.base() - self.bytes() - self.known_bytes()
    }

    #[inline(always)]
    pub(crate) fn known_bytes(&self) -> usize {
        self.known.get() as usize * GRAIN
    }

    /// Measures the frames of a coroutine that has suspended itself.
    ///
    /// # Safety
    /// They are in place, and `context` is theirs.
    #[inline(always)]
    pub(crate) unsafe fn measure(&self, context: &ExecutionContext) -> Extent {
        // SAFETY: the frames are in place (the caller's promise).
        let low = unsafe { Header::low_edge(context) };
        let (base, entry_return) = (self.base(), self.region().entry_return);
        // SAFETY: the frames are in place from their low edge, which is aligned to a grain, up to the base, which is
        // aligned to more.
        let known = unsafe { known::count(low, base, entry_return, self.address()) };
        // A region is not so large that these would not fit.
        Extent {
            low,
            grains: ((base - low) / GRAIN - known) as u32,
            known: known as u8,
        }
    }

    /// Whether the block has just the bytes that frames of this extent need.
    #[inline(always)]
    pub(crate) fn fits(&self, extent: &Extent) -> bool {
        self.grains.get() == extent.grains
    }

    /// Makes room in the block for frames of this extent, and notes it. What was in the block is lost.
    #[inline(always)]
    pub(crate) fn make_room(&self, extent: &Extent) {
        if !self.fits(extent) {
            self.regrow(extent.grains);
        }
        if self.known.get() != extent.known {
            self.known.set(extent.known);
        }
    }

    /// Writes the known words of a suspended coroutine's frames.
    ///
    /// # Safety
    /// As many bytes as its frames have may be written below its base.
    #[inline(always)]
    pub(crate) unsafe fn put_known(&self) {
        let (known, entry_return) = (self.known.get() as usize, self.region().entry_return);
        // SAFETY: the known words are some of the frames; a base is aligned to more than a word.
        unsafe { known::write(known, self.base(), entry_return, self.address()) };
    }

    /// What known words hold.
    #[inline(always)]
    fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    #[inline(always)]
    pub(crate) fn block(&self) -> *mut u8 {
        self.block.get().as_ptr()
    }

    /// Makes room for `bytes` bytes in the block. What was in it is lost.
    /// `false`, and nothing has changed, if they are too many to be counted.
    #[inline(always)]
    pub(crate) fn resize(&self, bytes: usize) -> bool {
        let Some(grains) = grains(bytes) else {
            return false;
        };
        if grains != self.grains.get() {
            self.regrow(grains);
        }
        true
    }

    #[cold]
    #[inline(never)]
    fn regrow(&self, grains: u32) {
        let (old, new) = (self.bytes(), grains as usize * GRAIN);
        if class::size(old) != class::size(new) {
            let arena = &self.region().arena;
            // SAFETY: the block is replaced.
            unsafe { arena.free(self.block.get(), old) };
            self.block.set(arena.allocate(new));
        }
        self.grains.set(grains);
    }

    /// The high end of the frames.
    #[inline(always)]
    pub(crate) fn base(&self) -> usize {
        self.base.get()
    }

    #[inline(always)]
    pub(crate) fn stage(&self) -> Stage {
        self.stage.get()
    }

    #[inline(always)]
    pub(crate) fn set_stage(&self, stage: Stage) {
        self.stage.set(stage);
    }

    #[inline(always)]
    pub(crate) fn mode(&self) -> Mode {
        self.mode.get()
    }

    pub(crate) fn status(&self) -> Status {
        match self.stage.get() {
            Stage::Created => Status::Created,
            Stage::Suspended => Status::Suspended,
            Stage::Starting | Stage::Running | Stage::Unwinding | Stage::UnwindingInPanic => {
                Status::Running
            }
            Stage::Returned | Stage::Panicked => Status::Complete,
        }
    }

    /// How to start it.
    ///
    /// # Safety
    /// It is created, or starting, and has not begun to run.
    #[inline]
    pub(crate) unsafe fn start(&self) -> Start {
        // SAFETY: `create` has stored it, and until now nothing has stored another (the
        // caller's promise).
        unsafe { self.state.get().start }
    }

    /// The suspended execution.
    ///
    /// # Safety
    /// 1. The coroutine has suspended itself and has not begun to run again.
    /// 2. Its frames are in place when the token is used, which is once.
    #[inline(always)]
    pub(crate) unsafe fn context(&self) -> ExecutionContext {
        // SAFETY: `suspended` has stored it, and nothing has stored another since (1); no other
        // token made of it is used (2).
        unsafe { ExecutionContext::from_raw(self.state.get().context) }
    }

    /// This coroutine, as its region knows it.
    #[inline(always)]
    pub(crate) fn inhabitant(&self) -> Inhabitant {
        NonNull::from(self).cast()
    }

    /// The coroutine begins to run, in `mode`: it is the innermost one of its region.
    #[inline(always)]
    pub(crate) fn begin(&self, mode: Mode) {
        let outer = self.region().running.replace(Some(self.inhabitant()));
        self.state.set(State { outer });
        if self.mode.get() != mode {
            self.mode.set(mode);
        }
    }

    /// It does not run any more.
    ///
    /// # Safety
    /// It has begun, and has not ended since.
    #[inline(always)]
    pub(crate) unsafe fn end(&self) {
        // SAFETY: `begin` has stored it, and nothing has stored another since (the caller's
        // promise).
        self.region().running.set(unsafe { self.state.get().outer });
    }

    /// It has suspended itself.
    #[inline(always)]
    pub(crate) fn suspended(&self, context: ExecutionContext) {
        let context = context.into_raw();
        self.state.set(State { context });
        self.stage.set(Stage::Suspended);
    }

    /// Whether a suspend by the caller would be granted: this coroutine's own code runs, on its
    /// own stack, and is not being dropped.
    #[inline(always)]
    pub(crate) fn may_suspend(&self) -> bool {
        let region = self.region();
        region.running.get() == Some(self.inhabitant())
            && region.contains(stack_pointer().addr())
            && self.stage.get() == Stage::Running
    }

    /// Whether the caller may resume it from where it stands, and how.
    #[inline(always)]
    pub(crate) fn admit(&self) -> Result<Way, Refusal> {
        let region = self.region();
        if !thread::is(region.thread) {
            return Err(Refusal::OtherThread);
        }
        let created = self.stage.get() != Stage::Suspended;
        if created && self.stage.get() != Stage::Created {
            return Err(self.never());
        }
        let sp = stack_pointer().addr();
        if !region.contains(sp) {
            return match (&region.run_stack, region.running.get()) {
                (None, _) => Err(Refusal::OtherStack),
                (Some(_), Some(_)) => Err(Refusal::Busy),
                (Some(_), None) => Ok(Way::Direct),
            };
        }
        let low = if created {
            self.place(sp).saturating_sub(FIRST_FRAME_SIZE)
        } else {
            self.low()
        };
        // The stack pointer is above the limit, and so by far above 0.
        let top = low.min(sp.wrapping_sub(DESCENT));
        if top < region.limit + ROOM {
            return Err(Refusal::NoRoom {
                needed: sp.saturating_sub(top) + ROOM,
                available: sp - region.limit,
            });
        }
        let top = ptr::with_exposed_provenance_mut(top);
        // SAFETY: an address above the region's limit is not null.
        Ok(Way::Below(unsafe { NonNull::new_unchecked(top) }))
    }

    /// Why it cannot be resumed wherever the caller stands.
    #[cold]
    #[inline(never)]
    fn never(&self) -> Refusal {
        match self.status() {
            Status::Complete => Refusal::Complete,
            _ => Refusal::Running,
        }
    }

    /// Decides where the frames of a created coroutine go that is resumed from
    /// this stack pointer.
    #[inline]
    fn place(&self, sp: usize) -> usize {
        let region = self.region();
        let below_top = if region.run_stack.is_some() {
            0
        } else {
            units_below(region.top, sp)
        };
        // Out of reach is out of room as well.
        let base = region.top.saturating_sub(below_top * ALIGNMENT);
        self.base.set(base);
        base
    }

    /// The low edge of a suspended context's frames.
    ///
    /// # Safety
    /// The frames of `context` are in place, on a stack that is alive.
    #[inline(always)]
    pub(crate) unsafe fn low_edge(context: &ExecutionContext) -> usize {
        // SAFETY: the stack is alive (1) and the frames in place (2), as the caller promises.
        let sp = unsafe { context.stack_pointer() };
        (sp.addr() - ExecutionContext::BYTES_BELOW) & !(GRAIN - 1)
    }

    /// Whether its frames were left on the run stack when it suspended itself.
    pub(crate) fn is_resident(&self) -> bool {
        self.region().resident.get() == Some(self.inhabitant())
    }

    /// Copies a value that stood at `from` when it was sent by this coroutine,
    /// which has suspended itself.
    ///
    /// # Safety
    /// It did; `to` may be written.
    #[inline(always)]
    pub(crate) unsafe fn fetch_yield(&self, from: *const u8, to: *mut u8, mut bytes: usize) {
        let offset = from.addr().wrapping_sub(self.low());
        // Outside of the frames is a value that was moved out of a box, where the
        // compiler has spared the frame.
        let from = match self.mode.get() {
            Mode::Below | Mode::Displacing if offset < self.base() - self.low() => {
                let kept = self.bytes().saturating_sub(offset);
                if kept < bytes {
                    // A word of it, next to the saved registers, is the same as they.
                    // SAFETY: the value was among the frames; `to` may be written.
                    unsafe { self.fetch_known(offset + kept, to.wrapping_add(kept), bytes - kept) };
                }
                bytes = bytes.min(kept);
                self.block().wrapping_add(offset).cast_const()
            }
            // The frames are still in place.
            _ => from,
        };
        // SAFETY: the frames are there.
        unsafe { ptr::copy_nonoverlapping(from, to, bytes) };
    }

    /// Copies bytes that are not in the block: those at `offset` in the frames.
    ///
    /// # Safety
    /// They are among the known words; `to` may be written.
    #[cold]
    #[inline(never)]
    unsafe fn fetch_known(&self, offset: usize, to: *mut u8, bytes: usize) {
        let below = self.base() - self.low() - offset;
        // SAFETY: the caller promises that `to` may be written (1), and that the bytes were among the known words (2).
        unsafe { known::fetch(below, to, bytes, self.region().entry_return, self.address()) };
    }

    /// Copies a value that stood at `from` when it was sent to this coroutine,
    /// which runs.
    ///
    /// # Safety
    /// It did; `to` may be written.
    #[inline(always)]
    pub(crate) unsafe fn fetch_input(&self, from: *const u8, to: *mut u8, bytes: usize) {
        match self.mode.get() {
            // SAFETY: the value stood in the resumer's frames, which are displaced; `to` may be
            // written (the caller's promises).
            Mode::Displacing => unsafe { self.region().fetch_displaced(from, to, bytes) },
            // SAFETY: the resumer's frames are in place.
            Mode::Direct | Mode::Below => unsafe { ptr::copy_nonoverlapping(from, to, bytes) },
        }
    }
}

fn grains(bytes: usize) -> Option<u32> {
    u32::try_from(bytes.div_ceil(GRAIN)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_begin_below_what_the_resumer_uses() {
        let top = 1 << 20;
        for sp in [top, top - 1, top - 8, top - 100_000] {
            let begin = top - units_below(top, sp) * ALIGNMENT;
            let hole = (sp - DESCENT)
                .checked_sub(begin)
                .expect("the call has room");
            assert!((GAP..GAP + ALIGNMENT).contains(&hole), "{hole}");
        }
    }
}
