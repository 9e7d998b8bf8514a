use core::fmt;
use core::mem::{ManuallyDrop, MaybeUninit, size_of};

/// The one machine word that travels with a switch, in a register.
///
/// It may hold a pointer (with its provenance), a number, or any value of at
/// most a word, padding included; or nothing at all. What it holds is agreed
/// on by the two sides, so reading it is `unsafe`.
///
/// ```
/// use sure_context::Word;
///
/// let word = Word::pack((7_u8, 300_u16));
/// // SAFETY: the word was packed from a value of this type.
/// assert_eq!(unsafe { word.unpack::<(u8, u16)>() }, (7, 300));
/// ```
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Word(pub(crate) MaybeUninit<*mut ()>);

impl Word {
    /// No value: the register keeps whatever it holds.
    pub const EMPTY: Word = Word(MaybeUninit::uninit());

    /// Whether a `T` is at most one word large.
    pub const fn fits<T>() -> bool {
        size_of::<T>() <= size_of::<Word>()
    }

    /// A pointer as a word.
    #[inline(always)]
    pub const fn from_ptr<T>(pointer: *mut T) -> Word {
        Word(MaybeUninit::new(pointer.cast()))
    }

    /// A number as a word.
    #[inline(always)]
    pub const fn from_usize(number: usize) -> Word {
        Word(MaybeUninit::new(core::ptr::without_provenance_mut(number)))
    }

    /// Moves a value into a word, bytes from the low address on. The value is
    /// neither dropped nor duplicated. A `T` larger than a word does not compile.
    #[inline(always)]
    pub const fn pack<T>(value: T) -> Word {
        const { assert!(Word::fits::<T>(), "the value is larger than a word") };
        union Bits<T> {
            value: ManuallyDrop<T>,
            word: Word,
        }
        let mut bits = Bits { word: Word::EMPTY };
        bits.value = ManuallyDrop::new(value);
        // SAFETY: any bytes, uninitialised ones too, are a valid `Word`.
        unsafe { bits.word }
    }

    /// Moves the value out again.
    ///
    /// # Safety
    /// The word was made by [`pack`](Word::pack) from a value of type `T`, and
    /// no copy of the word is unpacked as well, unless `T` is [`Copy`].
    #[inline(always)]
    pub const unsafe fn unpack<T>(self) -> T {
        const { assert!(Word::fits::<T>(), "the value is larger than a word") };
        // SAFETY: a `T` was written to these bytes (the caller's promise), and
        // `T` is not larger than they are.
        unsafe { core::mem::transmute_copy::<Word, T>(&self) }
    }

    /// The word as a pointer.
    ///
    /// # Safety
    /// The word was made by [`from_ptr`](Word::from_ptr), [`from_usize`](Word::from_usize),
    /// or from a value that has no padding and fills the word.
    #[inline(always)]
    pub const unsafe fn as_ptr<T>(self) -> *mut T {
        // SAFETY: all bytes are initialised (the caller's promise).
        unsafe { self.0.assume_init() }.cast()
    }

    /// The word as a number.
    ///
    /// # Safety
    /// As for [`as_ptr`](Word::as_ptr).
    #[inline(always)]
    pub unsafe fn as_usize(self) -> usize {
        // SAFETY: the caller's promise is the same.
        unsafe { self.as_ptr::<()>() }.addr()
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes may be uninitialised, so they cannot be shown.
        f.write_str("Word(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::Word;

    /// Packs and unpacks one value; the other side sees the same bytes.
    fn there_and_back<T: PartialEq + core::fmt::Debug + Copy>(value: T) {
        // SAFETY: packed from a `T` just now, and `T` is `Copy`.
        assert_eq!(unsafe { Word::pack(value).unpack::<T>() }, value);
    }

    #[test]
    fn small_values_keep_their_bytes() {
        there_and_back(());
        there_and_back(0xA5_u8);
        there_and_back([1_u8, 2, 3]);
        there_and_back((1_u8, 2_u16));
        there_and_back(-1_isize);
        there_and_back(3.5_f32);
        there_and_back('ß');
        there_and_back(Some(&7_u8));
    }

    #[repr(align(64))]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Aligned;

    #[test]
    fn over_aligned_zero_sized_value() {
        there_and_back(Aligned);
    }

    #[test]
    fn numbers_and_pointers() {
        let word = Word::from_usize(usize::MAX);
        // SAFETY: made from a number.
        assert_eq!(unsafe { word.as_usize() }, usize::MAX);
        let mut x = 5_u8;
        let word = Word::from_ptr(&raw mut x);
        // SAFETY: made from a pointer to `x`, which is alive.
        assert_eq!(unsafe { *word.as_ptr::<u8>() }, 5);
    }
}
