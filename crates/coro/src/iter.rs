#[cfg(feature = "std")]
use crate::SuspendHandle;
use crate::{Coroutine, CoroutineState, DefaultStack};
use core::fmt;
use core::iter::FusedIterator;
use sure_stack::Stack;

/// An iterator over what a closure sends, from any call depth.
///
/// Nothing runs before the first [`next`](Iterator::next). When the closure
/// returns, the iteration is over, for good.
///
/// A recursive walk, without a stack of one's own to keep:
/// ```
/// use coro::SuspendHandle;
///
/// enum Tree {
///     Leaf(u32),
///     Fork(Box<[Tree; 2]>),
/// }
/// use Tree::{Fork, Leaf};
///
/// fn walk(tree: &Tree, handle: &SuspendHandle<(), u32>) {
///     match tree {
///         Leaf(value) => handle.suspend(*value),
///         Fork(children) => children.iter().for_each(|child| walk(child, handle)),
///     }
/// }
///
/// fn leaves(tree: Tree) -> impl Iterator<Item = u32> {
///     coro::iter(move |handle| walk(&tree, handle))
/// }
///
/// let fork = |left, right| Fork(Box::new([left, right]));
/// let left = fork(fork(Leaf(1), Leaf(2)), Leaf(3));
/// let right = fork(Leaf(1), fork(Leaf(2), Leaf(3)));
/// // The same fringe, though the trees differ; neither is walked further than needed.
/// assert!(leaves(left).eq(leaves(right)));
/// ```
///
/// A callback-style interface as an iterator:
/// ```
/// /// Calls `found` with each line that contains `pattern`, until it returns false.
/// fn search(text: &str, pattern: &str, found: &mut dyn FnMut(usize, &str) -> bool) {
///     for (number, line) in text.lines().enumerate() {
///         if line.contains(pattern) && !found(number, line) {
///             return;
///         }
///     }
/// }
///
/// let mut hits = coro::iter(|handle| {
///     search("one\ntwo\nanyone\nnone", "one", &mut |number, line| {
///         handle.suspend((number, line.len()));
///         true
///     });
/// });
/// assert_eq!(hits.next(), Some((0, 3)));
/// assert_eq!(hits.by_ref().map(|hit| hit.0).sum::<usize>(), 2 + 3);
/// assert_eq!(hits.next(), None);
/// ```
///
/// An iterator that is dropped half used is unwound, as any
/// [`Coroutine`]: the destructor of every local runs.
///
/// # Panics
/// If there is no stack to be had; [`Builder::build_iter`](crate::Builder::build_iter)
/// returns the reason instead.
#[cfg(feature = "std")]
#[inline]
#[track_caller]
pub fn iter<Item, F>(f: F) -> Iter<Item>
where
    F: FnOnce(&SuspendHandle<(), Item>) + 'static,
    Item: 'static,
{
    Coroutine::new(move |handle: &SuspendHandle<(), Item>, ()| f(handle)).into_iter()
}

#[cfg(feature = "std")]
impl<S: crate::StackSource<Stack: 'static>> crate::Builder<S> {
    /// As [`iter`](crate::iter()), with a name or a stack of its own.
    ///
    /// ```
    /// let digits = coro::Coroutine::builder()
    ///     .name("digits")
    ///     .stack_size(32 << 10)
    ///     .build_iter(|handle| {
    ///         "a1b2".chars().filter(char::is_ascii_digit).for_each(|c| handle.suspend(c));
    ///     })?;
    /// assert_eq!(digits.collect::<String>(), "12");
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Errors
    /// As [`build`](crate::Builder::build).
    #[track_caller]
    pub fn build_iter<F, Item>(self, f: F) -> Result<Iter<Item, S::Stack>, sure_stack::StackError>
    where
        F: FnOnce(&SuspendHandle<(), Item>) + 'static,
        Item: 'static,
    {
        let coroutine = self.build(move |handle: &SuspendHandle<(), Item>, ()| f(handle))?;
        Ok(coroutine.into_iter())
    }
}

/// A coroutine as an iterator over what it yields: see [`iter`](crate::iter()).
///
/// ```
/// /// A struct can name it.
/// struct Ids(coro::Iter<u32>);
///
/// let mut ids = Ids(coro::iter(|handle| (100..).for_each(|id| handle.suspend(id))));
/// assert_eq!((ids.0.next(), ids.0.next()), (Some(100), Some(101)));
/// ```
///
/// # Panics
/// [`next`](Iterator::next) panics with the coroutine's own panic, if it
/// panics; the iteration is over then.
#[must_use = "iterators are lazy: nothing runs before the first `next`"]
pub struct Iter<Item, S: Stack = DefaultStack> {
    coroutine: Coroutine<(), Item, (), S>,
}

impl<Item, S: Stack> Iter<Item, S> {
    /// The coroutine, with its name, its status, and its stack.
    ///
    /// ```
    /// let mut letters = coro::iter(|handle| "abc".chars().for_each(|c| handle.suspend(c)));
    /// letters.next();
    /// let mut coroutine = letters.into_inner();
    /// assert_eq!(coroutine.resume(()).yielded(), Some('b'));
    /// ```
    pub fn into_inner(self) -> Coroutine<(), Item, (), S> {
        self.coroutine
    }
}

impl<Item, S: Stack> Iterator for Iter<Item, S> {
    type Item = Item;

    #[inline(always)]
    fn next(&mut self) -> Option<Item> {
        match self.coroutine.try_resume(()) {
            Ok(CoroutineState::Yielded(item)) => Some(item),
            Ok(CoroutineState::Complete(())) | Err(_) => None,
        }
    }

    /// Exact when the iteration is over; nothing is known before.
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.coroutine.is_complete().then_some(0))
    }
}

impl<Item, S: Stack> FusedIterator for Iter<Item, S> {}

/// Yields become items, up to the return.
///
/// ```
/// use coro::{Coroutine, SuspendHandle};
///
/// let mut letters = Coroutine::new(|handle: &SuspendHandle<(), char>, ()| {
///     "abc".chars().for_each(|c| handle.suspend(c));
/// });
/// letters.resume(());
/// assert_eq!(letters.into_iter().collect::<String>(), "bc");
/// ```
impl<Item, S: Stack> IntoIterator for Coroutine<(), Item, (), S> {
    type Item = Item;
    type IntoIter = Iter<Item, S>;

    #[inline]
    fn into_iter(self) -> Iter<Item, S> {
        Iter { coroutine: self }
    }
}

impl<Item, S: Stack> fmt::Debug for Iter<Item, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Iter").field(&self.coroutine).finish()
    }
}
