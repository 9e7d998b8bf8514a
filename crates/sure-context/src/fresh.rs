//! Reading a value that was written a moment ago, a word at a time.
//!
//! So a sender often makes a value, and the switch that follows is shorter than the way of its stores to the cache. A
//! load gets data that are still on that way from *one* store only, which has all of them (Intel 64 and IA-32
//! Architectures Optimization Reference Manual, "Store Forwarding"; AMD's guides for family 19h say the same). Compilers move
//! a value 16 bytes at a time: each such load wants data of two stores, and waits until both are in the cache, behind all
//! that was stored before. Two loads of a word each, joined in a vector register, do not wait; nor where the
//! value was written 16 bytes at a time.

/// As [`ptr::read`](core::ptr::read), for a receiver that moves the value as a whole.
///
/// # Safety
/// As for `ptr::read`.
// Not `always`: unoptimised, its frame would be part of every frame that suspends, whatever the size of the value.
#[inline]
pub(crate) unsafe fn read<T>(from: *const T) -> T {
    #[cfg(all(
        target_arch = "x86_64",
        target_feature = "sse2",
        not(any(sure_context_portable, sure_context_asan, sure_context_tsan))
    ))]
    if joined::SIZES.contains(&size_of::<T>()) {
        // SAFETY: the caller's promise is the same.
        return unsafe { joined::read(from) };
    }
    // SAFETY: the caller's promise is the same.
    unsafe { from.read() }
}

#[cfg(all(
    target_arch = "x86_64",
    target_feature = "sse2",
    not(any(sure_context_portable, sure_context_asan, sure_context_tsan))
))]
mod joined {
    use core::arch::asm;
    use core::arch::x86_64::__m128i;
    use core::mem::MaybeUninit;
    use core::ops::RangeInclusive;
    use core::ptr;

    /// Values of so many bytes are read like this. Of smaller ones the receiver likes to have the fields in registers; larger
    /// ones are moved by the C library.
    pub(super) const SIZES: RangeInclusive<usize> = 33..=128;

    /// Two words, of any content.
    type Piece = MaybeUninit<__m128i>;

    /// # Safety
    /// As for [`ptr::read`].
    #[inline]
    pub(super) unsafe fn read<T>(from: *const T) -> T {
        let mut value = MaybeUninit::<T>::uninit();
        let (pieces, rest) = (
            size_of::<T>() / size_of::<Piece>(),
            size_of::<T>() % size_of::<Piece>(),
        );
        let (from, to) = (from.cast::<Piece>(), value.as_mut_ptr().cast::<Piece>());
        for n in 0..pieces {
            // SAFETY: the piece lies in the value, which may be read, and in the local, which may be written.
            unsafe { to.add(n).write_unaligned(piece(from.add(n))) };
        }
        // SAFETY: the rest, fewer bytes than a piece, lies behind them in both; then all bytes are there, and the caller alone
        // owns the value from now on.
        unsafe {
            let (from, to) = (from.add(pieces).cast::<u8>(), to.add(pieces).cast::<u8>());
            ptr::copy_nonoverlapping(from, to, rest);
            value.assume_init()
        }
    }

    /// # Safety
    /// `from` is valid for reads.
    #[inline(always)]
    unsafe fn piece(from: *const Piece) -> Piece {
        let piece;
        // SAFETY: the block reads the bytes of a piece, which the caller promises that it may, and writes one register.
        unsafe {
            asm!(
                "movq {piece}, [{from}]",
                "movhps {piece}, [{from} + 8]",
                from = in(reg) from,
                piece = lateout(xmm_reg) piece,
                options(pure, readonly, nostack, preserves_flags),
            );
        }
        piece
    }
}
