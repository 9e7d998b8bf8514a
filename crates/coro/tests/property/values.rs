//! Values of many shapes, every one of which is counted and knows when it was damaged.

use crate::stage::fail;
use std::cell::Cell;

/// How many shapes there are.
pub(crate) const KINDS: usize = 11;

/// The plain bytes of a value.
pub(crate) trait Body: Copy + Send + 'static {
    /// Which of the shapes.
    const KIND: usize;
    /// The bytes that belong to a tag.
    fn write(tag: u32) -> Self;
    /// As much of the tag as fits; or nothing, if the bytes belong to no tag.
    fn read(&self) -> Option<u32>;
}

/// As much of a tag as fits a value of that many bytes.
fn truncate(tag: u32, bytes: usize) -> u32 {
    match bytes {
        0..4 => tag & ((1 << (8 * bytes)) - 1),
        _ => tag,
    }
}

macro_rules! shapes {
    ($($kind:literal $name:ident: $bytes:literal bytes, aligned to $align:literal;)*) => {
        $(
            #[derive(Clone, Copy)]
            #[repr(align($align))]
            pub(crate) struct $name([u8; $bytes]);

            impl Body for $name {
                const KIND: usize = $kind;

                fn write(tag: u32) -> Self {
                    let mut bytes = [0; $bytes];
                    let mut word = truncate(tag, $bytes);
                    for chunk in bytes.chunks_mut(4) {
                        chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
                        word = word.wrapping_mul(0x9E37_79B1).wrapping_add(0x7F4A_7C15);
                    }
                    $name(bytes)
                }

                fn read(&self) -> Option<u32> {
                    let mut word = [0; 4];
                    let known = $bytes.min(4);
                    word[..known].copy_from_slice(&self.0[..known]);
                    let tag = u32::from_le_bytes(word);
                    (Self::write(tag).0 == self.0).then_some(tag)
                }
            }
        )*
    };
}

shapes! {
    0 Void: 0 bytes, aligned to 1;
    1 VoidLine: 0 bytes, aligned to 64;
    2 Byte: 1 bytes, aligned to 1;
    3 Three: 3 bytes, aligned to 1;
    4 Word: 8 bytes, aligned to 8;
    5 Words: 24 bytes, aligned to 8;
    6 Line: 64 bytes, aligned to 64;
    7 Page: 4096 bytes, aligned to 4096;
    8 Text: 300 bytes, aligned to 1;
    9 Large: 4500 bytes, aligned to 4;
    10 Huge: 70000 bytes, aligned to 16;
}

/// How many values of each shape live, and the sum of their tags: so one that lives instead of another is noticed, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    alive: [i32; KINDS],
    tags: [u32; KINDS],
}

/// The bytes of each shape, as far as tags are concerned.
const BYTES: [usize; KINDS] = [0, 0, 1, 3, 4, 4, 4, 4, 4, 4, 4];

impl Tally {
    pub(crate) const NONE: Tally = Tally {
        alive: [0; KINDS],
        tags: [0; KINDS],
    };

    pub(crate) fn add(&mut self, kind: usize, tag: u32) {
        self.alive[kind] += 1;
        self.tags[kind] = self.tags[kind].wrapping_add(truncate(tag, BYTES[kind]));
    }

    pub(crate) fn remove(&mut self, kind: usize, tag: u32) {
        self.alive[kind] -= 1;
        self.tags[kind] = self.tags[kind].wrapping_sub(truncate(tag, BYTES[kind]));
    }

    pub(crate) fn add_all(&mut self, other: &Tally) {
        for kind in 0..KINDS {
            self.alive[kind] += other.alive[kind];
            self.tags[kind] = self.tags[kind].wrapping_add(other.tags[kind]);
        }
    }

    pub(crate) fn remove_all(&mut self, other: &Tally) {
        for kind in 0..KINDS {
            self.alive[kind] -= other.alive[kind];
            self.tags[kind] = self.tags[kind].wrapping_sub(other.tags[kind]);
        }
    }
}

thread_local! {
    static ALIVE: Cell<Tally> = const { Cell::new(Tally::NONE) };
}

/// What lives on this thread.
pub(crate) fn alive() -> Tally {
    ALIVE.get()
}

/// Forgets what was leaked.
pub(crate) fn forget_all() {
    ALIVE.set(Tally::NONE);
}

/// A value of a shape.
pub(crate) struct Value<B: Body>(B);

impl<B: Body> Value<B> {
    fn tag(&self, place: &str) -> u32 {
        let address = std::hint::black_box(&raw const *self).addr();
        if !address.is_multiple_of(align_of::<B>()) {
            fail(&format!(
                "{place}: a value of kind {} at {address:#x}",
                B::KIND
            ));
        }
        match self.0.read() {
            Some(tag) => tag,
            None => fail(&format!("{place}: a damaged value of kind {}", B::KIND)),
        }
    }
}

impl<B: Body> Drop for Value<B> {
    fn drop(&mut self) {
        let tag = self.tag("dropped");
        ALIVE.with(|alive| {
            let mut tally = alive.get();
            tally.remove(B::KIND, tag);
            alive.set(tally);
        });
    }
}

/// What goes in and out of coroutines.
pub(crate) trait Cargo: Send + 'static {
    /// Its shape, if it is one that is counted.
    const KIND: Option<usize>;
    fn make(tag: u32) -> Self;
    /// Fails unless this is what `make` has made of that tag.
    fn check(&self, tag: u32, place: &str);
}

impl<B: Body> Cargo for Value<B> {
    const KIND: Option<usize> = Some(B::KIND);

    fn make(tag: u32) -> Self {
        ALIVE.with(|alive| {
            let mut tally = alive.get();
            tally.add(B::KIND, tag);
            alive.set(tally);
        });
        Value(B::write(tag))
    }

    fn check(&self, tag: u32, place: &str) {
        let (found, wanted) = (self.tag(place), truncate(tag, size_of::<B>()));
        if found != wanted {
            fail(&format!("{place}: {found:#x} arrived, not {wanted:#x}"));
        }
    }
}

impl Cargo for () {
    const KIND: Option<usize> = None;
    fn make(_: u32) {}
    fn check(&self, _: u32, _: &str) {}
}
