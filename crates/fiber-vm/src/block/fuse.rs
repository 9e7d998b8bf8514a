//! Operations that take in what stands beside them: literals, sums, DUP, and calls that return.

use super::build::{Builder, Instruction, Open};
use super::op::{Code, Op};
use crate::machine::MAX_LOCALS;

/// In place of a literal's count of instructions: it is a sum of several. A store does not become
/// one operation with it, because the address after the store would not be known.
const SUM: u8 = 0;

/// In place of a literal's count of instructions: it is the second of one instruction. No access to
/// memory becomes one operation with it, because the block could not be left before that: the
/// first literal has been pushed.
pub(super) const SECOND: u8 = u8::MAX;

impl Builder<'_, '_> {
    /// The operation before this instruction.
    fn last(&mut self) -> Option<&mut Op> {
        self.block.ops[..self.len].last_mut()
    }

    /// DRP. What has only just been pushed need not be.
    pub(super) fn drop_word(&mut self, i: Instruction) {
        match self.last() {
            Some(Op {
                code: Code::Literal | Code::Dup,
                ..
            }) => {
                self.len -= 1;
                self.effect(1, 0);
            }
            _ => self.plain(i, Code::Drop, 0, 1, 0),
        }
    }

    /// `{l -> l+x}`: a sum goes into the operation before it where that can take it.
    pub(super) fn add(&mut self, i: Instruction, x: u32) {
        self.effect(1, 1);
        match self.last() {
            Some(last) if matches!(last.code, Code::AddTo | Code::Literal) => {
                last.x = last.x.wrapping_add(x);
                if last.count == 1 {
                    last.count = SUM;
                }
            }
            Some(last) if last.code.adds() => last.y = last.y.wrapping_add(x),
            Some(last) if last.code == Code::Dup => (last.code, last.x) = (Code::DupAddTo, x),
            _ => self.plain(i, Code::AddTo, x, 0, 0),
        }
    }

    /// Two operands; the right one goes into the operation where it is a literal, and a DUP before
    /// that too.
    pub(super) fn binary(&mut self, i: Instruction, code: Code) {
        let literal = match self.last() {
            Some(last) if last.code == Code::Literal => code.to_literal(last.x),
            _ => None,
        };
        let Some((code, x)) = literal else {
            return self.plain(i, code, 0, 2, 1);
        };
        self.effect(2, 1);
        self.len -= 1;
        if code == Code::AddTo {
            return self.add(i, x);
        }
        match (self.last(), code.after_dup()) {
            (Some(last), Some(after_dup)) if last.code == Code::Dup => {
                (last.code, last.x) = (after_dup, x);
            }
            _ => self.plain(i, code, x, 0, 0),
        }
    }

    /// `{a -> mem[a+x]}`
    pub(super) fn load(&mut self, i: Instruction, code: Code) {
        if let Some(last) = self.last()
            && last.code == Code::Literal
            && last.count != SECOND
            && let Some(code) = code.to_address()
            && let Some(address) = last.x.checked_add(i.immediate)
        {
            (last.code, last.x) = (code, address);
            self.effect(1, 1);
        } else {
            self.plain(i, code, i.immediate, 1, 1);
        }
    }

    /// `{v a}` stores at a+x.
    pub(super) fn store(&mut self, i: Instruction, code: Code) {
        let at = self.len.checked_sub(1).map(|last| self.block.at[last]);
        if let Some(last) = self.last()
            && last.code == Code::Literal
            && last.count == 1
            // The end of both is then as far from the literal as they are long.
            && at == Some(i.at.wrapping_sub(u32::from(last.len)))
            && let Some(code) = code.to_address()
            && let Some(address) = last.x.checked_add(i.immediate)
        {
            (last.code, last.x) = (code, address);
            last.count = 2;
            last.len += (i.next - i.at) as u8;
            self.effect(2, 0);
        } else {
            self.plain(i, code, i.immediate, 2, 0);
        }
    }

    /// `{v}` leaves if v is 0.
    pub(super) fn jump_if_zero(&mut self, i: Instruction) {
        let done = self.count + 1;
        match self.last() {
            Some(last) if last.code == Code::Dup => {
                (last.code, last.x) = (Code::DupJumpIfZero, i.target());
                last.count = done - last.before;
                self.effect(1, 0);
            }
            _ => self.plain(i, Code::JumpIfZero, i.target(), 1, 0),
        }
    }

    /// A call of a small function, or of a large one with so many bytes of locals.
    pub(super) fn call(&mut self, i: Instruction, locals: Option<u8>) -> Option<()> {
        let op = self.len;
        let Some(open) = self.open.get_mut(self.open_count) else {
            self.ep = i.at;
            return self.end_before(Code::Jump, i.at);
        };
        *open = Open {
            return_address: i.next,
            locals: locals.unwrap_or(0),
            op,
        };
        self.open_count += 1;
        self.frames = self.frames.max(self.open_count as u32);
        match locals {
            None => {
                self.plain(i, Code::Call, i.next, 0, 0);
                self.ep = i.target();
            }
            Some(locals) => {
                self.plain(i, Code::CallLarge, i.next, 0, 0);
                self.block.ops[op].len = locals;
                self.ep = i.target() + 1;
            }
        }
        self.count += 1;
        Some(())
    }

    pub(super) fn call_large(&mut self, i: Instruction) -> Option<()> {
        let target = i.target();
        let covered = self.machine.memory.code.covered();
        match self.machine.memory.bytes.get(target as usize) {
            Some(&locals) if locals <= MAX_LOCALS && locals % 4 == 0 => {
                if target == 0 || target >= covered {
                    return self.careful(i);
                }
                self.machine.memory.code.decoded(target, 1);
                self.call(i, Some(locals))
            }
            _ => self.careful(i),
        }
    }

    /// A return: out of a call that the block has made, or the end of the block.
    pub(super) fn ret(&mut self, i: Instruction) -> Option<()> {
        let Some(last) = self.open_count.checked_sub(1) else {
            return self.end_with(i, Code::Return, 0);
        };
        self.open_count = last;
        let Open {
            return_address,
            locals,
            op,
        } = self.open[last];
        let inside = &self.block.ops[op + 1..self.len];
        if self.block.ops[op].code == Code::Call && !inside.iter().any(|op| op.code.can_leave()) {
            // The frame would be pushed and dropped with no look at it in between.
            self.block.ops.copy_within(op + 1..self.len, op);
            self.block.at.copy_within(op + 1..self.len, op);
            self.len -= 1;
        } else {
            self.plain(i, Code::DropFrame, locals.into(), 0, 0);
        }
        self.ep = return_address;
        self.count += 1;
        Some(())
    }
}
