//! The handles of scripts, of one type for code that does not care in which form a world is lent.

use super::World;
use coro::{ForcedUnwind, LendingHandle};

/// A handle, whatever is lent through it.
pub(super) trait Lends {
    fn with(&self, f: &mut dyn FnMut(&mut World));
    /// Whether `f` was called.
    fn try_with(&self, f: &mut dyn FnMut(&mut World)) -> bool;
    fn suspend(&self, value: u32);
    fn try_suspend(&self, value: u32) -> Result<(), ForcedUnwind>;
    fn on_parent_stack(&self, f: &mut dyn FnMut());
}

macro_rules! lends {
    ($lent:ty, $world:ident => $part:expr) => {
        impl Lends for LendingHandle<$lent, u32> {
            fn with(&self, f: &mut dyn FnMut(&mut World)) {
                LendingHandle::with(self, |$world| f($part));
            }

            fn try_with(&self, f: &mut dyn FnMut(&mut World)) -> bool {
                LendingHandle::try_with(self, |$world| f($part)).is_some()
            }

            fn suspend(&self, value: u32) {
                LendingHandle::suspend(self, value);
            }

            fn try_suspend(&self, value: u32) -> Result<(), ForcedUnwind> {
                LendingHandle::try_suspend(self, value)
            }

            fn on_parent_stack(&self, f: &mut dyn FnMut()) {
                LendingHandle::on_parent_stack(self, f);
            }
        }
    };
}

lends!(World, world => world);
lends!([World], worlds => &mut worlds[0]);
