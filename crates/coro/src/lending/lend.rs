use core::mem;
use core::ptr::NonNull;

/// What a [`LendingCoroutine`](crate::LendingCoroutine) is lent: a type, or a
/// family of types that differ in a lifetime.
///
/// Every sized type, `str` and every slice stand for themselves: a
/// `LendingCoroutine<World, …>` is lent a `&mut World`. A type that borrows is another one
/// at each resume, because what it borrows lives no longer than that. Such a family is named by
/// a trait object type, of which there is never a value:
///
/// ```
/// use coro::{Lend, LendingCoroutine, LendingHandle};
///
/// /// Made anew for each turn.
/// struct Turn<'w> {
///     names: &'w [String],
///     score: &'w mut u32,
/// }
/// /// The family of them all.
/// type Turns = dyn for<'w> Lend<'w, Lent = Turn<'w>>;
///
/// let mut script = LendingCoroutine::new(|handle: &LendingHandle<Turns, ()>| {
///     loop {
///         handle.with(|turn| *turn.score += turn.names.len() as u32);
///         handle.suspend(());
///     }
/// });
/// # let _: &LendingCoroutine<Turns, (), ()> = &script;
/// let names = vec![String::from("Ada"), String::from("Grace")];
/// let mut score = 0;
/// for _ in 0..3 {
///     script.resume(&mut Turn { names: &names, score: &mut score });
/// }
/// assert_eq!(score, 6);
/// ```
///
/// The same goes for trait objects: `dyn for<'w> Lend<'w, Lent = dyn Engine + 'w>`.
///
/// There is nothing to implement.
pub trait Lend<'a> {
    /// The type that is lent for the lifetime `'a`.
    type Lent: ?Sized;
}

impl<T> Lend<'_> for T {
    type Lent = T;
}

impl<T> Lend<'_> for [T] {
    type Lent = [T];
}

impl Lend<'_> for str {
    type Lent = str;
}

/// A `&mut` whose lifetimes have been forgotten: the input of a lending coroutine.
pub(crate) struct Loan<L>(NonNull<<L as Lend<'static>>::Lent>)
where
    L: for<'a> Lend<'a> + ?Sized;

impl<L: for<'a> Lend<'a> + ?Sized> Loan<L> {
    #[inline(always)]
    pub(super) fn new<'a>(lent: &mut <L as Lend<'a>>::Lent) -> Loan<L> {
        let lent: NonNull<<L as Lend<'a>>::Lent> = NonNull::from(lent);
        // SAFETY: `L` is a `Lend` for every lifetime, by one implementation, so
        // that the two types differ in lifetimes only. Those have no part in
        // how a pointer looks.
        Loan(unsafe { mem::transmute_copy(&lent) })
    }

    /// What was lent.
    ///
    /// # Safety
    /// 1. The borrow that this was made of is in force for the whole of `'a`.
    /// 2. The value is used through this reference only, for the whole of `'a`.
    /// 3. The type's own lifetime is not relied upon: the reference goes to code that
    ///    works for any.
    #[inline(always)]
    pub(super) unsafe fn borrow<'a>(&self) -> &'a mut <L as Lend<'static>>::Lent {
        let Loan(mut lent) = *self;
        // SAFETY: it was made of a reference that is still in force (1), and
        // that nothing else uses meanwhile (2).
        unsafe { lent.as_mut() }
    }
}

impl<L: for<'a> Lend<'a> + ?Sized> Clone for Loan<L> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<L: for<'a> Lend<'a> + ?Sized> Copy for Loan<L> {}
