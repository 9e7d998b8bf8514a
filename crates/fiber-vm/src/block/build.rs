//! Decoding: instructions from one address on become the operations of a block.

use super::op::{Code, Op};
use super::table::{Block, OPS};
use crate::machine::{MAX_LOCALS, Machine};
use crate::op::opcode::*;
use crate::op::{IMMEDIATE_BYTES, REGISTER_EP, REGISTER_GB, REGISTER_LS, device};

/// The most instructions of a block: bounded, because a loop without operations never ends.
const MAX_COUNT: u8 = 64;

/// The most words by which a block lets the working stack grow, and the most calls in it that are
/// open at a time. A block that wants more room than a fiber has left is executed carefully, so
/// blocks must not want much more than their first few instructions do.
const MAX_GROWTH: i32 = 6;
const MAX_OPEN: usize = 4;

/// Decodes the block at the machine's `ep`. Says whether it did: code in the fibers' locals is not
/// decoded.
pub(super) fn build(block: &mut Block, machine: &mut Machine<'_>) -> bool {
    let ep = machine.registers.ep;
    if ep >= machine.memory.code.covered() {
        return false;
    }
    let mut builder = Builder {
        block,
        machine,
        ep,
        len: 0,
        count: 0,
        depth: 0,
        need: 0,
        room: 0,
        open: [Open::default(); MAX_OPEN],
        open_count: 0,
        frames: 0,
    };
    while builder.instruction().is_some() {}
    let Builder {
        len,
        count,
        need,
        room,
        frames,
        ..
    } = builder;
    debug_assert!(len <= OPS);
    let (ws, cs) = (machine.ws.len() as u32, machine.csz.len() as u32);
    block.ep = ep;
    block.version = machine.memory.code.version();
    block.count = count;
    block.ws_min = need as u32;
    block.cs_max = cs.wrapping_sub(frames);
    match ws.checked_sub(need as u32 + room as u32) {
        Some(span) if frames <= cs => block.ws_span = span,
        // More than any fiber has: never admitted.
        _ => (block.ws_min, block.ws_span) = (u32::MAX, 0),
    }
    true
}

/// In place of a literal's count of instructions: it is a sum of several. A store does not become
/// one operation with it, because the address after the store would not be known.
const SUM: u8 = 0;

/// In place of a literal's count of instructions: it is the second of one instruction. No access to
/// memory becomes one operation with it, because the block could not be left before that: the
/// first literal has been pushed.
const SECOND: u8 = u8::MAX;

/// A call in a block that has not returned yet.
#[derive(Clone, Copy, Default)]
struct Open {
    return_address: u32,
    /// Bytes of locals.
    locals: u8,
    /// The place of its operation.
    op: usize,
}

struct Builder<'b, 'm> {
    block: &'b mut Block,
    machine: &'b mut Machine<'m>,
    ep: u32,
    /// Operations and instructions so far.
    len: usize,
    count: u8,
    /// The working stack's depth, counted from the head; the most words needed below that, and the
    /// most room above.
    depth: i32,
    need: i32,
    room: i32,
    open: [Open; MAX_OPEN],
    open_count: usize,
    /// The most calls that were open at a time.
    frames: u32,
}

/// One instruction as it stands in memory.
#[derive(Clone, Copy)]
struct Instruction {
    at: u32,
    byte: u8,
    /// The immediate as a big-endian number, and its length.
    immediate: u32,
    immediate_len: u8,
    /// The address after it.
    next: u32,
}

impl Instruction {
    /// Where a jump or call with a literal target leads.
    fn target(&self) -> u32 {
        match self.immediate_len {
            1 => (self.at + 1).wrapping_add(self.immediate as u8 as i8 as u32),
            2 => self.next & 0xFFFF_0000 | self.immediate,
            _ => self.immediate,
        }
    }
}

impl Builder<'_, '_> {
    /// The instruction here, if there is one.
    fn read(&mut self) -> Option<Instruction> {
        let at = self.ep;
        let covered = self.machine.memory.code.covered();
        let code = self
            .machine
            .memory
            .bytes
            .get(at as usize..covered as usize)?;
        let (&byte, rest) = code.split_first()?;
        if at == 0 {
            return None;
        }
        self.machine.memory.code.decoded(at, 1);
        let immediate_len = IMMEDIATE_BYTES[usize::from(byte)]?;
        let immediate = rest.get(..usize::from(immediate_len))?;
        let immediate = immediate
            .iter()
            .fold(0, |number, &byte| number << 8 | u32::from(byte));
        let next = at + 1 + u32::from(immediate_len);
        self.machine.memory.code.decoded(at, next - at);
        Some(Instruction {
            at,
            byte,
            immediate,
            immediate_len,
            next,
        })
    }

    /// Decodes one instruction; None where the block ends before it or with it.
    fn instruction(&mut self) -> Option<()> {
        // An instruction becomes two operations at most, and one more ends the block.
        if self.len + 3 > OPS || self.count == MAX_COUNT || self.depth + 2 > MAX_GROWTH {
            return self.end_before(Code::Jump, self.ep);
        }
        let Some(i) = self.read() else {
            return self.end_before(Code::Careful, 0);
        };
        let (x, next) = (i.immediate, i.next);
        self.ep = next;
        match i.byte {
            NOP => {}
            SWP => self.plain(i, Code::Swap, 0, 2, 2),
            DRP => self.drop_word(i),
            OVR => self.plain(i, Code::Over, 0, 2, 3),
            DUP => self.plain(i, Code::Dup, 0, 1, 2),
            DUPN => self.plain(i, Code::Dupn, 0, 1, 2),
            LIT_1 | LIT_2 | LIT_4 => self.plain(i, Code::Literal, x, 0, 1),
            SLIT.. => self.plain(i, Code::Literal, u32::from(i.byte - SLIT), 0, 1),
            RG => match x as u8 {
                register @ REGISTER_LS.. => {
                    self.plain(
                        i,
                        Code::LocalAddress,
                        u32::from(register - REGISTER_LS),
                        0,
                        1,
                    );
                }
                REGISTER_EP => self.plain(i, Code::Literal, next, 0, 1),
                REGISTER_GB => self.plain(i, Code::GlobalAddress, 0, 0, 1),
                _ => return self.careful(i),
            },
            LR => self.plain(i, Code::LocalAddress, x, 0, 1),
            GR => self.plain(i, Code::GlobalAddress, x, 0, 1),
            SLC_1 | SLC_2 | SLC_4 => {
                let Some(behind) = next.checked_add(x) else {
                    return self.careful(i);
                };
                self.plain(i, Code::Literal, next, 0, 1);
                self.plain(i, Code::Literal, x, 0, 1);
                self.block.ops[self.len - 1].count = SECOND;
                self.ep = behind;
            }

            INC => self.add(i, 1),
            INC2 => self.add(i, 2),
            INC4 => self.add(i, 4),
            DEC => self.add(i, 1_u32.wrapping_neg()),
            INV => self.plain(i, Code::Invert, 0, 1, 1),
            NEG => self.plain(i, Code::Negate, 0, 1, 1),
            NOT => self.plain(i, Code::Not, 0, 1, 1),
            CI1 => self.plain(i, Code::Extend1, 0, 1, 1),
            CI2 => self.plain(i, Code::Extend2, 0, 1, 1),
            ADD..=DIV_S => match binary(i.byte) {
                Some(code) => self.binary(i, code),
                None => return self.careful(i),
            },

            FT_1 | FTO_1 => self.load(i, Code::Load1),
            FT_2 | FTO_2 => self.load(i, Code::Load2),
            FT_4 | FTO_4 => self.load(i, Code::Load4),
            FTBE_1 => self.load(i, Code::LoadBe1),
            FTBE_2 => self.load(i, Code::LoadBe2),
            FTBE_4 => self.load(i, Code::LoadBe4),
            FTLL_1 => self.plain(i, Code::LoadLocal1, x, 0, 1),
            FTLL_2 => self.plain(i, Code::LoadLocal2, x, 0, 1),
            FTLL_4 => self.plain(i, Code::LoadLocal4, x, 0, 1),
            FTGL_1 => self.plain(i, Code::LoadGlobal1, x, 0, 1),
            FTGL_2 => self.plain(i, Code::LoadGlobal2, x, 0, 1),
            FTGL_4 => self.plain(i, Code::LoadGlobal4, x, 0, 1),
            SR_1 | SRO_1 => self.store(i, Code::Store1),
            SR_2 | SRO_2 => self.store(i, Code::Store2),
            SR_4 | SRO_4 => self.store(i, Code::Store4),
            SRBE_1 => self.store(i, Code::StoreBe1),
            SRBE_2 => self.store(i, Code::StoreBe2),
            SRBE_4 => self.store(i, Code::StoreBe4),
            SRLL_1 => self.plain(i, Code::StoreLocal1, x, 1, 0),
            SRLL_2 => self.plain(i, Code::StoreLocal2, x, 1, 0),
            SRLL_4 => self.plain(i, Code::StoreLocal4, x, 1, 0),
            SRGL_1 => self.plain(i, Code::StoreGlobal1, x, 1, 0),
            SRGL_2 => self.plain(i, Code::StoreGlobal2, x, 1, 0),
            SRGL_4 => self.plain(i, Code::StoreGlobal4, x, 1, 0),

            JMPL_1 | JMPL_2 | JMPL_4 => self.ep = i.target(),
            JZL_1 | JZL_2 | JZL_4 => self.jump_if_zero(i),
            RETZ => self.plain(i, Code::ReturnIfZero, next, 1, 0),
            XSL_1 | XSL_2 | XSL_4 => return self.call(i, None),
            XLL_1 | XLL_2 | XLL_4 => return self.call_large(i),
            RET => return self.ret(i),
            YLD => return self.end_with(i, Code::Yield, 0),
            JMPW => return self.end_with(i, Code::JumpTo, 1),
            XSW => return self.end_with(i, Code::CallTo, 1),
            DV => match x as u8 {
                device::CATCH => return self.end_with(i, Code::CatchTo, 1),
                device::ASSERT => self.plain(i, Code::Assert, next, 3, 0),
                device::ERR => self.plain(i, Code::Err, 0, 0, 1),
                _ => return self.careful(i),
            },
            _ => return self.careful(i),
        }
        self.count += 1;
        Some(())
    }

    /// An instruction that is left to the careful interpreter.
    fn careful(&mut self, i: Instruction) -> Option<()> {
        self.ep = i.at;
        self.end_before(Code::Careful, 0)
    }

    /// Ends the block before the instruction at `ep`.
    fn end_before(&mut self, code: Code, x: u32) -> Option<()> {
        self.write(
            self.ep,
            Op {
                x,
                y: 0,
                code,
                before: self.count,
                count: 0,
                len: 0,
            },
        );
        None
    }

    /// Ends the block with an instruction.
    fn end_with(&mut self, i: Instruction, code: Code, pops: i32) -> Option<()> {
        if matches!(code, Code::CallTo | Code::CatchTo) {
            self.frames = self.frames.max(self.open_count as u32 + 1);
        }
        self.plain(i, code, i.next, pops, 0);
        self.count += 1;
        None
    }

    fn write(&mut self, at: u32, op: Op) {
        self.block.ops[self.len] = op;
        self.block.at[self.len] = at;
        self.len += 1;
    }

    /// Counts an instruction's words on the working stack.
    fn effect(&mut self, pops: i32, pushes: i32) {
        self.need = self.need.max(pops - self.depth);
        self.depth += pushes - pops;
        self.room = self.room.max(self.depth);
    }

    /// An instruction that becomes an operation of its own.
    fn plain(&mut self, i: Instruction, code: Code, x: u32, pops: i32, pushes: i32) {
        self.effect(pops, pushes);
        let len = (i.next - i.at) as u8;
        self.write(
            i.at,
            Op {
                x,
                y: 0,
                code,
                before: self.count,
                count: 1,
                len,
            },
        );
    }

    /// The operation before this instruction.
    fn last(&mut self) -> Option<&mut Op> {
        self.block.ops[..self.len].last_mut()
    }

    /// DRP. What has only just been pushed need not be.
    fn drop_word(&mut self, i: Instruction) {
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
    fn add(&mut self, i: Instruction, x: u32) {
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
    fn binary(&mut self, i: Instruction, code: Code) {
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
    fn load(&mut self, i: Instruction, code: Code) {
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
    fn store(&mut self, i: Instruction, code: Code) {
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
    fn jump_if_zero(&mut self, i: Instruction) {
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
    fn call(&mut self, i: Instruction, locals: Option<u8>) -> Option<()> {
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

    fn call_large(&mut self, i: Instruction) -> Option<()> {
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
    fn ret(&mut self, i: Instruction) -> Option<()> {
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

/// The operation with two operands that a byte stands for.
fn binary(byte: u8) -> Option<Code> {
    Some(match byte {
        ADD => Code::Add,
        SUB => Code::Subtract,
        MOD => Code::Modulo,
        SHL => Code::ShiftLeft,
        SHR => Code::ShiftRight,
        MSK => Code::BitAnd,
        JN => Code::BitOr,
        XOR => Code::Xor,
        AND => Code::And,
        OR => Code::Or,
        EQ => Code::Equal,
        NEQ => Code::NotEqual,
        GE_U => Code::GreaterEqualU,
        LT_U => Code::LessU,
        GE_S => Code::GreaterEqualS,
        LT_S => Code::LessS,
        MUL => Code::Multiply,
        DIV_U => Code::DivideU,
        DIV_S => Code::DivideS,
        _ => return None,
    })
}
