use core::ptr::NonNull;

/// Memory that code can run on, growing from [`base`](Stack::base) down.
///
/// ```text
///   base   high end, exclusive ─┐
///          ···  frames  ···     │ size()
///   limit  lowest usable byte ──┘
///          guard: an access faults
/// ```
///
/// # Safety
/// For as long as the value lives, wherever it is moved, and for ever if it is
/// leaked:
/// 1. the bytes from `limit` to `base` are readable, writable, and used by
///    nothing but the code that the value's owner runs there;
/// 2. both bounds stay the same, and `limit < base`;
/// 3. an access below `limit`, as far down as the target's stack probes can
///    reach at once (or, where the compiler emits none, as far as the type
///    documents), faults.
pub unsafe trait Stack: StackSize {
    /// The high end, exclusive. No alignment is promised.
    fn base(&self) -> NonNull<u8>;

    /// The lowest usable address.
    fn limit(&self) -> NonNull<u8>;
}

/// The size of a [`Stack`], which follows from its bounds.
///
/// Every stack has it, and no type can define it differently: code that lays
/// something out on a stack checks this number, and then writes below `base`.
///
/// ```compile_fail,E0407
/// # struct Page;
/// unsafe impl sure_stack::Stack for Page {
///     fn size(&self) -> usize { 1 << 20 }
/// #     fn base(&self) -> core::ptr::NonNull<u8> { unimplemented!() }
/// #     fn limit(&self) -> core::ptr::NonNull<u8> { unimplemented!() }
/// }
/// ```
///
/// ```compile_fail,E0119
/// use sure_stack::StackSize;
/// # struct Page;
/// # unsafe impl sure_stack::Stack for Page {
/// #     fn base(&self) -> core::ptr::NonNull<u8> { unimplemented!() }
/// #     fn limit(&self) -> core::ptr::NonNull<u8> { unimplemented!() }
/// # }
/// impl StackSize for Page {
///     fn size(&self) -> usize { 1 << 20 }
/// }
/// ```
pub trait StackSize {
    /// Usable bytes: those from `limit` to `base`.
    fn size(&self) -> usize;
}

impl<S: Stack + ?Sized> StackSize for S {
    #[inline]
    fn size(&self) -> usize {
        self.base().addr().get() - self.limit().addr().get()
    }
}
