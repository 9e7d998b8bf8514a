/// Asks the processor to bring the cache line at `address` into its cache. Any
/// address is allowed; nothing is read or written as far as the program can tell.
#[inline(always)]
pub fn prefetch<T>(address: *const T) {
    crate::arch::prefetch(address.cast());
}

/// Returns `value`, but lets the processor go on with `guess` before it has
/// `value`, if they are equal.
///
/// Where `value` is a load that may miss every cache, everything computed from
/// it waits. Here it is only compared: the branch is predicted, and what
/// follows depends on `guess`. A wrong guess costs a mispredicted branch.
#[inline(always)]
pub fn speculate(guess: usize, value: usize) -> usize {
    if guess == value {
        guess
    } else {
        // What comes out may be anything, as far as the compiler knows: else it
        // would see that both branches return `value`, and drop the comparison.
        crate::arch::opaque(value)
    }
}
