//! How calls and coroutines end.

use super::{End, Frame, Model, Queue};
use crate::life::RECIPES;
use crate::stage::{Call, Do};
use coro::Status;

impl Model {
    /// A panic begins, or arrives, in the innermost call of `who`.
    pub(super) fn raise(&mut self, who: usize, value: u32, queue: &mut Queue) -> End {
        while let Some(frame) = self.coroutines[who].frames.pop() {
            let call = frame.call;
            self.panics = true;
            self.end_frame(frame);
            self.panics = false;
            if matches!(call, Call::Catch | Call::Swallow) {
                queue.push_back((who, Do::Caught(value)));
                return End::Stays;
            }
        }
        self.end_closure(who);
        End::Panic(value)
    }

    /// A call is left, by whatever way.
    pub(super) fn end_frame(&mut self, frame: Frame) {
        if let Some(kind) = frame.value() {
            self.alive.remove(kind, frame.tag);
        }
        for (kind, tag) in &frame.kept {
            self.alive.remove(*kind, *tag);
        }
        for id in frame.plain.into_iter().chain(frame.scoped) {
            self.end_coroutine(id);
        }
        for id in frame.leaked {
            if self.coroutines[id].status == Status::Suspended {
                self.event(6);
            }
            self.end_coroutine(id);
        }
    }

    /// What a closure owned is dropped.
    pub(super) fn end_closure(&mut self, who: usize) {
        let coroutine = &self.coroutines[who];
        self.alive
            .remove(RECIPES[coroutine.recipe].captured, coroutine.captured);
    }

    /// A coroutine is dropped.
    pub(super) fn end_coroutine(&mut self, who: usize) {
        if self.coroutines[who].status == Status::Suspended {
            self.event(4);
            if self.panics {
                self.event(5);
            }
        }
        while let Some(frame) = self.coroutines[who].frames.pop() {
            self.end_frame(frame);
        }
        let coroutine = &self.coroutines[who];
        if RECIPES[coroutine.recipe].counted_stack && !coroutine.scoped {
            self.stacks -= 1;
        }
        if coroutine.status != Status::Complete {
            self.end_closure(who);
        }
    }

    /// A coroutine is leaked for ever, with all that it owns.
    pub(super) fn lose(&mut self, id: usize) {
        let (alive, stacks, counts) = (self.alive, self.stacks, self.counts);
        self.end_coroutine(id);
        // What ends with it is what was lost; it goes on living.
        self.lost.add_all(&alive);
        self.lost.remove_all(&self.alive);
        self.lost_stacks += stacks - self.stacks;
        (self.alive, self.stacks, self.counts) = (alive, stacks, counts);
    }

    /// Leaves all calls of the program, and so the program.
    pub(crate) fn finish(&mut self, queue: &mut Queue) {
        while let Some(frame) = self.coroutines[0].frames.pop() {
            queue.push_back((0, Do::Leave));
            self.end_frame(frame);
        }
        // These are dropped by the stage, after a last comparison that expects them.
        for id in std::mem::take(&mut self.aside) {
            self.end_coroutine(id);
        }
    }
}
