use crate::{Coroutine, CoroutineState, SuspendHandle};
use sure_stack::Stack;

/// What can be resumed: any coroutine, whatever it stands on.
///
/// For code that takes them all, and for `dyn`:
/// ```
/// use coro::{Coroutine, CoroutineState, Resume, SuspendHandle};
///
/// fn drain(coroutine: &mut dyn Resume<(), Yield = u8, Return = ()>) -> Vec<u8> {
///     let mut all = Vec::new();
///     while let CoroutineState::Yielded(value) = coroutine.resume(()) {
///         all.push(value);
///     }
///     all
/// }
///
/// let mut owned = Coroutine::new(|handle: &SuspendHandle<(), u8>, ()| handle.suspend(1));
/// assert_eq!(drain(&mut owned), [1]);
/// let text = *b"borrowed";
/// let all = coro::scope(|s| {
///     drain(&mut s.coroutine(|handle, ()| text.iter().for_each(|&c| handle.suspend(c))))
/// });
/// assert_eq!(all, text);
/// ```
pub trait Resume<Input> {
    /// What it sends when it suspends itself.
    type Yield;
    /// What it leaves when it ends.
    type Return;

    /// As [`Coroutine::resume`].
    ///
    /// ```
    /// use coro::{Coroutine, Resume};
    ///
    /// fn first<Y>(source: &mut impl Resume<(), Yield = Y>) -> Option<Y> {
    ///     source.resume(()).yielded()
    /// }
    /// assert_eq!(first(&mut Coroutine::new(|handle, ()| handle.suspend(7))), Some(7));
    /// ```
    ///
    /// # Panics
    /// With the coroutine's own panic, and if it is complete.
    #[track_caller]
    fn resume(&mut self, input: Input) -> CoroutineState<Self::Yield, Self::Return>;
}

impl<Input, Yield, Return, S: Stack> Resume<Input> for Coroutine<Input, Yield, Return, S> {
    type Yield = Yield;
    type Return = Return;

    #[inline(always)]
    fn resume(&mut self, input: Input) -> CoroutineState<Yield, Return> {
        Coroutine::resume(self, input)
    }
}

#[cfg(feature = "std")]
impl<Input, Yield, Return, S: Stack> Resume<Input>
    for crate::ScopedCoroutine<'_, Input, Yield, Return, S>
{
    type Yield = Yield;
    type Return = Return;

    #[inline]
    fn resume(&mut self, input: Input) -> CoroutineState<Yield, Return> {
        crate::ScopedCoroutine::resume(self, input)
    }
}

impl<Input, Yield> SuspendHandle<Input, Yield> {
    /// Runs another coroutine to its end in the place of this one: yields all that it
    /// yields, hands on the inputs, and returns what it returns.
    ///
    /// ```
    /// use coro::{Coroutine, CoroutineState, SuspendHandle};
    ///
    /// let mut outer = Coroutine::new(|handle: &SuspendHandle<i32, i32>, first: i32| {
    ///     let mut inner = Coroutine::new(|handle: &SuspendHandle<i32, i32>, n: i32| {
    ///         let next = handle.suspend(n + 1);
    ///         handle.suspend(next * 10);
    ///         "done"
    ///     });
    ///     handle.delegate(&mut inner, first)
    /// });
    /// assert_eq!(outer.resume(1), CoroutineState::Yielded(2));
    /// assert_eq!(outer.resume(3), CoroutineState::Yielded(30));
    /// assert_eq!(outer.resume(0), CoroutineState::Complete("done"));
    /// ```
    ///
    /// Each step is two switches more than the inner coroutine's own: code
    /// that could take this handle, and suspend with it, is cheaper. A handle
    /// goes wherever a reference does, through `dyn` code too:
    /// ```
    /// use coro::SuspendHandle;
    ///
    /// trait Shape {
    ///     fn corners(&self, handle: &SuspendHandle<(), (i32, i32)>);
    /// }
    ///
    /// struct Point(i32, i32);
    /// impl Shape for Point {
    ///     fn corners(&self, handle: &SuspendHandle<(), (i32, i32)>) {
    ///         handle.suspend((self.0, self.1));
    ///     }
    /// }
    ///
    /// struct Group(Vec<Box<dyn Shape>>);
    /// impl Shape for Group {
    ///     fn corners(&self, handle: &SuspendHandle<(), (i32, i32)>) {
    ///         self.0.iter().for_each(|shape| shape.corners(handle));
    ///     }
    /// }
    ///
    /// let inner = Group(vec![Box::new(Point(3, 4))]);
    /// let group = Group(vec![Box::new(Point(1, 2)), Box::new(inner)]);
    /// let corners = coro::iter(move |handle| group.corners(handle));
    /// assert!(corners.eq([(1, 2), (3, 4)]));
    /// ```
    ///
    /// When this coroutine is dropped meanwhile, the inner one stays suspended
    /// where it is, and goes with its owner.
    ///
    /// # Panics
    /// With the panic of the inner coroutine, and if that is complete; otherwise as
    /// [`suspend`](SuspendHandle::suspend).
    #[track_caller]
    pub fn delegate<C>(&self, inner: &mut C, first: Input) -> C::Return
    where
        C: Resume<Input, Yield = Yield> + ?Sized,
    {
        let mut input = first;
        loop {
            match inner.resume(input) {
                CoroutineState::Yielded(value) => input = self.suspend(value),
                CoroutineState::Complete(value) => return value,
            }
        }
    }
}
