//! Decoding: instructions from one address on become the operations of a block.

use super::fuse::SECOND;
use super::op::{Code, Op};
use super::table::{Block, OPS};
use crate::machine::Machine;
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

/// A call in a block that has not returned yet.
#[derive(Clone, Copy, Default)]
pub(super) struct Open {
    pub(super) return_address: u32,
    /// Bytes of locals.
    pub(super) locals: u8,
    /// The place of its operation.
    pub(super) op: usize,
}

pub(super) struct Builder<'b, 'm> {
    pub(super) block: &'b mut Block,
    pub(super) machine: &'b mut Machine<'m>,
    pub(super) ep: u32,
    /// Operations and instructions so far.
    pub(super) len: usize,
    pub(super) count: u8,
    /// The working stack's depth, counted from the head; the most words needed below that, and the
    /// most room above.
    depth: i32,
    need: i32,
    room: i32,
    pub(super) open: [Open; MAX_OPEN],
    pub(super) open_count: usize,
    /// The most calls that were open at a time.
    pub(super) frames: u32,
}

/// One instruction as it stands in memory.
#[derive(Clone, Copy)]
pub(super) struct Instruction {
    pub(super) at: u32,
    byte: u8,
    /// The immediate as a big-endian number, and its length.
    pub(super) immediate: u32,
    immediate_len: u8,
    /// The address after it.
    pub(super) next: u32,
}

impl Instruction {
    /// Where a jump or call with a literal target leads.
    pub(super) fn target(&self) -> u32 {
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
    pub(super) fn careful(&mut self, i: Instruction) -> Option<()> {
        self.ep = i.at;
        self.end_before(Code::Careful, 0)
    }

    /// Ends the block before the instruction at `ep`.
    pub(super) fn end_before(&mut self, code: Code, x: u32) -> Option<()> {
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
    pub(super) fn end_with(&mut self, i: Instruction, code: Code, pops: i32) -> Option<()> {
        if matches!(code, Code::CallTo | Code::CatchTo) {
            self.frames = self.frames.max(self.open_count as u32 + 1);
        }
        self.plain(i, code, i.next, pops, 0);
        self.count += 1;
        None
    }

    pub(super) fn write(&mut self, at: u32, op: Op) {
        self.block.ops[self.len] = op;
        self.block.at[self.len] = at;
        self.len += 1;
    }

    /// Counts an instruction's words on the working stack.
    pub(super) fn effect(&mut self, pops: i32, pushes: i32) {
        self.need = self.need.max(pops - self.depth);
        self.depth += pushes - pops;
        self.room = self.room.max(self.depth);
    }

    /// An instruction that becomes an operation of its own.
    pub(super) fn plain(&mut self, i: Instruction, code: Code, x: u32, pops: i32, pushes: i32) {
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
