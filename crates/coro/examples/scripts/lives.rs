//! What the characters do, each in a straight line.

use crate::world::{MARKET, MINE, Place, World};
use coro::LendingHandle;

/// A character as its own script sees it.
struct Me<'a> {
    who: usize,
    handle: &'a LendingHandle<World, ()>,
}

/// The script of character number `who`.
pub(crate) fn live(handle: &LendingHandle<World, ()>, who: usize) {
    let me = Me { who, handle };
    match who % 5 {
        0 => me.steal_from(who + 1),
        4 => me.patrol(),
        _ => me.mine_until_rich(),
    }
}

impl Me<'_> {
    fn mine_until_rich(&self) {
        while self.gold() < 300 {
            self.walk(MINE);
            for _ in 0..7 {
                self.handle.with(|world| world.dig(self.who));
                self.wait(2);
            }
            self.walk(MARKET);
            self.handle.with(|world| world.sell(self.who));
            self.wait(1);
        }
        // Retired: the script is over.
    }

    fn patrol(&self) {
        loop {
            self.walk(MINE);
            self.wait(3);
            self.walk(MARKET);
        }
    }

    fn steal_from(&self, victim: usize) {
        loop {
            self.walk(MARKET);
            // Lies in wait there.
            while !self
                .handle
                .with(|world| victim < world.characters.len() && world.steal(self.who, victim))
            {
                self.wait(1);
            }
            // And hides for a while.
            self.walk(MARKET + 5);
            self.wait(20);
        }
    }

    fn walk(&self, to: Place) {
        while !self.handle.with(|world| world.step(self.who, to)) {
            self.wait(1);
        }
    }

    fn wait(&self, turns: u32) {
        let until = self.handle.with(|world| world.turn) + turns;
        while self.handle.with(|world| world.turn) < until {
            self.handle.suspend(());
        }
    }

    fn gold(&self) -> u64 {
        self.handle.with(|world| world.characters[self.who].gold)
    }
}
