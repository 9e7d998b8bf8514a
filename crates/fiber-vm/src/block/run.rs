//! Executing blocks, one after another, for as long as there are any.

use super::op::{Code, Op};
use super::table::{Blocks, OPS};
use crate::catch::{self, Panic};
use crate::control::{Leave, Until};
use crate::effect::{from_be, from_le, to_be, to_le};
use crate::error::ErrorCode;
use crate::machine::{CATCH, Machine};

/// What comes after the blocks.
pub(crate) enum Next {
    /// The loop is left.
    Leave(Leave),
    /// The careful interpreter goes on at `ep`.
    Careful(Until),
}

/// How a block was left. The operation is the last that was looked at.
enum Out {
    /// Before the operation, for the careful interpreter.
    Before,
    /// Behind the operation, for this address.
    Behind(u32),
    /// At the end, for this address.
    End(u32),
    Yield(u32),
    /// By a return on an empty call stack.
    Done(u32),
    /// Behind an assertion that failed with this code.
    Panic(ErrorCode),
}

/// The instructions that are executed carefully before the next look for a block, where there is
/// none: looking costs as much as some instructions.
const MISS: u32 = 64;

/// Executes blocks from the machine's `ep` on, each instruction for one of what is `left`.
#[inline(always)]
pub(crate) fn run(machine: &mut Machine<'_>, blocks: &mut Blocks, left: &mut u64) -> Next {
    loop {
        let Some(block) = blocks.find(machine.registers.ep, machine.memory.code.version()) else {
            if machine.outlined(|machine| blocks.miss(machine)) {
                continue;
            }
            return Next::Careful(Until::Transfer(MISS));
        };
        let count = u64::from(block.count);
        if machine.registers.ws_depth.wrapping_sub(block.ws_min) > block.ws_span
            || machine.registers.cs_depth > block.cs_max
            || *left < count
        {
            return Next::Careful(Until::Transfer(0));
        }

        // The stacks' slices know their own ends, so every access below is checked once more. None
        // of those checks fails.
        let mut top = machine.registers.top;
        let mut depth = machine.registers.ws_depth as usize;
        let mut ops = block.ops.iter();
        let mut op = &Op::NONE;

        macro_rules! push {
            ($value:expr) => {{
                let value = $value;
                let Some(slot) = machine.ws.get_mut(depth) else {
                    break Out::Before;
                };
                *slot = top;
                top = value;
                depth += 1;
            }};
        }
        // The word below the top, which becomes the top.
        macro_rules! below {
            ($pops:expr) => {{
                let Some(&word) = machine.ws.get(depth.wrapping_sub($pops)) else {
                    break Out::Before;
                };
                word
            }};
        }
        macro_rules! binary {
            ($f:expr) => {{
                let l = below!(1);
                depth -= 1;
                top = $f(l, top).wrapping_add(op.y);
            }};
        }
        macro_rules! divide {
            ($f:expr) => {{
                let l = below!(1);
                if top == 0 {
                    break Out::Before;
                }
                depth -= 1;
                top = $f(l, top).wrapping_add(op.y);
            }};
        }
        macro_rules! with_literal {
            ($f:expr) => {
                top = $f(top, op.x).wrapping_add(op.y)
            };
        }
        macro_rules! unary {
            ($value:expr) => {
                top = $value.wrapping_add(op.y)
            };
        }
        macro_rules! dup_with_literal {
            ($f:expr) => {
                push!($f(top, op.x).wrapping_add(op.y))
            };
        }
        macro_rules! load {
            ($base:expr, $decode:expr) => {{
                let Some(address) = $base.checked_add(op.x) else {
                    break Out::Before;
                };
                let Ok(bytes) = machine.memory.load(address) else {
                    break Out::Before;
                };
                $decode(bytes)
            }};
        }
        // Leaves behind the operation where it has overwritten something that is decoded: perhaps
        // the rest of this block.
        macro_rules! store {
            ($pops:expr, $base:expr, $value:expr) => {{
                let after = below!($pops);
                let Some(address) = $base.checked_add(op.x) else {
                    break Out::Before;
                };
                let Ok(decoded) = machine.memory.store(address, $value) else {
                    break Out::Before;
                };
                top = after;
                depth -= $pops;
                if decoded {
                    let index = OPS - 1 - ops.len();
                    break Out::Behind(block.at[index] + u32::from(op.len));
                }
            }};
        }
        macro_rules! enter {
            ($frame:expr) => {{
                let depth = machine.registers.cs_depth as usize;
                let (Some(address), Some(size)) =
                    (machine.cs.get_mut(depth), machine.csz.get_mut(depth))
                else {
                    break Out::Before;
                };
                *address = op.x;
                *size = $frame;
                machine.registers.cs_depth += 1;
            }};
        }
        // Returns by a frame that was there before the block. `op.x` is the address behind.
        macro_rules! leave {
            ($out:path, $before:block) => {{
                let frame = machine.registers.cs_depth.wrapping_sub(1);
                let (Some(&address), Some(&size)) =
                    (machine.cs.get(frame as usize), machine.csz.get(frame as usize))
                else {
                    $before
                    break Out::Done(op.x);
                };
                let locals = if size & CATCH != 0 { 0 } else { u32::from(size) * 4 };
                if locals > machine.ls_base - machine.registers.ls_sp {
                    break Out::Before;
                }
                $before
                machine.registers.ls_sp += locals;
                machine.registers.cs_depth = frame;
                break $out(address);
            }};
        }

        let out = loop {
            op = match ops.next() {
                Some(op) => op,
                // Every block has an operation that ends it.
                None => break Out::Before,
            };
            match op.code {
                Code::Careful => break Out::Before,
                Code::Jump => break Out::End(op.x),
                Code::Return => leave!(Out::End, {}),
                Code::Yield => break Out::Yield(op.x),
                Code::JumpTo => {
                    let after = below!(1);
                    let address = top;
                    (top, depth) = (after, depth - 1);
                    break Out::End(address);
                }
                Code::CallTo | Code::CatchTo => {
                    let after = below!(1);
                    enter!(if op.code == Code::CatchTo { CATCH } else { 0 });
                    let address = top;
                    (top, depth) = (after, depth - 1);
                    break Out::End(address);
                }

                Code::JumpIfZero => {
                    let after = below!(1);
                    let value = top;
                    (top, depth) = (after, depth - 1);
                    if value == 0 {
                        break Out::Behind(op.x);
                    }
                }
                Code::DupJumpIfZero => {
                    if top == 0 {
                        break Out::Behind(op.x);
                    }
                }
                Code::ReturnIfZero => {
                    let after = below!(1);
                    if top == 0 {
                        leave!(Out::Behind, {
                            (top, depth) = (after, depth - 1);
                        });
                    }
                    (top, depth) = (after, depth - 1);
                }
                Code::Call => enter!(0),
                Code::CallLarge => {
                    if u32::from(op.len) > machine.registers.ls_sp - machine.ls_limit {
                        break Out::Before;
                    }
                    enter!(op.len / 4);
                    machine.registers.ls_sp -= u32::from(op.len);
                }
                Code::DropFrame => {
                    machine.registers.cs_depth -= 1;
                    machine.registers.ls_sp += op.x;
                }
                Code::Assert => {
                    let after = below!(3);
                    let (code, differ) = (top, below!(1) != below!(2));
                    (top, depth) = (after, depth - 3);
                    if differ {
                        break Out::Panic(ErrorCode::new(code as u16));
                    }
                }
                Code::Err => push!(u32::from(machine.last_panic.code)),

                Code::Literal => push!(op.x),
                Code::LocalAddress => push!(machine.registers.ls_sp.wrapping_add(op.x)),
                Code::GlobalAddress => push!(machine.registers.gb.wrapping_add(op.x)),
                Code::Swap => {
                    let Some(slot) = machine.ws.get_mut(depth.wrapping_sub(1)) else {
                        break Out::Before;
                    };
                    core::mem::swap(slot, &mut top);
                }
                Code::Drop => (top, depth) = (below!(1), depth - 1),
                Code::Over => push!(below!(1)),
                Code::Dup => push!(top),
                Code::Dupn => push!(u32::from(top == 0)),
                Code::Invert => unary!((!top)),
                Code::Negate => unary!(top.wrapping_neg()),
                Code::Not => unary!(u32::from(top == 0)),
                Code::Extend1 => unary!((top as i8 as u32)),
                Code::Extend2 => unary!((top as i16 as u32)),

                Code::Add => binary!(u32::wrapping_add),
                Code::Subtract => binary!(u32::wrapping_sub),
                Code::Modulo => divide!(|l: u32, r: u32| l % r),
                Code::ShiftLeft => binary!(|l: u32, r| l.checked_shl(r).unwrap_or(0)),
                Code::ShiftRight => binary!(|l: u32, r| l.checked_shr(r).unwrap_or(0)),
                Code::BitAnd => binary!(|l, r| l & r),
                Code::BitOr => binary!(|l, r| l | r),
                Code::Xor => binary!(|l, r| l ^ r),
                Code::And => binary!(|l, r| u32::from(l != 0 && r != 0)),
                Code::Or => binary!(|l, r| u32::from(l != 0 || r != 0)),
                Code::Equal => binary!(|l, r| u32::from(l == r)),
                Code::NotEqual => binary!(|l, r| u32::from(l != r)),
                Code::GreaterEqualU => binary!(|l, r| u32::from(l >= r)),
                Code::LessU => binary!(|l, r| u32::from(l < r)),
                Code::GreaterEqualS => binary!(|l, r| u32::from(l as i32 >= r as i32)),
                Code::LessS => binary!(|l, r| u32::from((l as i32) < r as i32)),
                Code::Multiply => binary!(u32::wrapping_mul),
                Code::DivideU => divide!(|l: u32, r: u32| l / r),
                Code::DivideS => divide!(|l, r| (l as i32).wrapping_div(r as i32) as u32),

                Code::AddTo => top = top.wrapping_add(op.x),
                Code::ModuloTo => with_literal!(|l: u32, r: u32| l.checked_rem(r).unwrap_or(0)),
                Code::ShiftLeftTo => with_literal!(|l: u32, r| l.checked_shl(r).unwrap_or(0)),
                Code::ShiftRightTo => with_literal!(|l: u32, r| l.checked_shr(r).unwrap_or(0)),
                Code::BitAndTo => with_literal!(|l, r| l & r),
                Code::BitOrTo => with_literal!(|l, r| l | r),
                Code::XorTo => with_literal!(|l, r| l ^ r),
                Code::AndTo => with_literal!(|l, r| u32::from(l != 0 && r != 0)),
                Code::OrTo => with_literal!(|l, r| u32::from(l != 0 || r != 0)),
                Code::EqualTo => with_literal!(|l, r| u32::from(l == r)),
                Code::NotEqualTo => with_literal!(|l, r| u32::from(l != r)),
                Code::GreaterEqualUTo => with_literal!(|l, r| u32::from(l >= r)),
                Code::LessUTo => with_literal!(|l, r| u32::from(l < r)),
                Code::GreaterEqualSTo => with_literal!(|l, r| u32::from(l as i32 >= r as i32)),
                Code::LessSTo => with_literal!(|l, r| u32::from((l as i32) < r as i32)),
                Code::MultiplyTo => with_literal!(u32::wrapping_mul),
                Code::DivideUTo => with_literal!(|l: u32, r: u32| l.checked_div(r).unwrap_or(0)),
                Code::DivideSTo => with_literal!(|l, r| match r {
                    0 => 0,
                    r => (l as i32).wrapping_div(r as i32) as u32,
                }),

                Code::DupAddTo => dup_with_literal!(u32::wrapping_add),
                Code::DupModuloTo => {
                    dup_with_literal!(|l: u32, r: u32| l.checked_rem(r).unwrap_or(0))
                }
                Code::DupShiftLeftTo => {
                    dup_with_literal!(|l: u32, r| l.checked_shl(r).unwrap_or(0))
                }
                Code::DupShiftRightTo => {
                    dup_with_literal!(|l: u32, r| l.checked_shr(r).unwrap_or(0))
                }
                Code::DupBitAndTo => dup_with_literal!(|l, r| l & r),
                Code::DupBitOrTo => dup_with_literal!(|l, r| l | r),
                Code::DupXorTo => dup_with_literal!(|l, r| l ^ r),
                Code::DupAndTo => dup_with_literal!(|l, r| u32::from(l != 0 && r != 0)),
                Code::DupOrTo => dup_with_literal!(|l, r| u32::from(l != 0 || r != 0)),
                Code::DupEqualTo => dup_with_literal!(|l, r| u32::from(l == r)),
                Code::DupNotEqualTo => dup_with_literal!(|l, r| u32::from(l != r)),
                Code::DupGreaterEqualUTo => dup_with_literal!(|l, r| u32::from(l >= r)),
                Code::DupLessUTo => dup_with_literal!(|l, r| u32::from(l < r)),
                Code::DupGreaterEqualSTo => {
                    dup_with_literal!(|l, r| u32::from(l as i32 >= r as i32))
                }
                Code::DupLessSTo => dup_with_literal!(|l, r| u32::from((l as i32) < r as i32)),
                Code::DupMultiplyTo => dup_with_literal!(u32::wrapping_mul),
                Code::DupDivideUTo => {
                    dup_with_literal!(|l: u32, r: u32| l.checked_div(r).unwrap_or(0))
                }
                Code::DupDivideSTo => dup_with_literal!(|l, r| match r {
                    0 => 0,
                    r => (l as i32).wrapping_div(r as i32) as u32,
                }),

                Code::Load1 => top = load!(top, from_le::<1>),
                Code::Load2 => top = load!(top, from_le::<2>),
                Code::Load4 => top = load!(top, from_le::<4>),
                Code::LoadBe1 => top = load!(top, from_be::<1>),
                Code::LoadBe2 => top = load!(top, from_be::<2>),
                Code::LoadBe4 => top = load!(top, from_be::<4>),
                Code::LoadLocal1 => push!(load!(machine.registers.ls_sp, from_le::<1>)),
                Code::LoadLocal2 => push!(load!(machine.registers.ls_sp, from_le::<2>)),
                Code::LoadLocal4 => push!(load!(machine.registers.ls_sp, from_le::<4>)),
                Code::LoadGlobal1 => push!(load!(machine.registers.gb, from_le::<1>)),
                Code::LoadGlobal2 => push!(load!(machine.registers.gb, from_le::<2>)),
                Code::LoadGlobal4 => push!(load!(machine.registers.gb, from_le::<4>)),
                Code::LoadAt1 => push!(load!(0_u32, from_le::<1>)),
                Code::LoadAt2 => push!(load!(0_u32, from_le::<2>)),
                Code::LoadAt4 => push!(load!(0_u32, from_le::<4>)),
                Code::Store1 => store!(2, top, to_le::<1>(below!(1))),
                Code::Store2 => store!(2, top, to_le::<2>(below!(1))),
                Code::Store4 => store!(2, top, to_le::<4>(below!(1))),
                Code::StoreBe1 => store!(2, top, to_be::<1>(below!(1))),
                Code::StoreBe2 => store!(2, top, to_be::<2>(below!(1))),
                Code::StoreBe4 => store!(2, top, to_be::<4>(below!(1))),
                Code::StoreLocal1 => store!(1, machine.registers.ls_sp, to_le::<1>(top)),
                Code::StoreLocal2 => store!(1, machine.registers.ls_sp, to_le::<2>(top)),
                Code::StoreLocal4 => store!(1, machine.registers.ls_sp, to_le::<4>(top)),
                Code::StoreGlobal1 => store!(1, machine.registers.gb, to_le::<1>(top)),
                Code::StoreGlobal2 => store!(1, machine.registers.gb, to_le::<2>(top)),
                Code::StoreGlobal4 => store!(1, machine.registers.gb, to_le::<4>(top)),
                Code::StoreAt1 => store!(1, 0_u32, to_le::<1>(top)),
                Code::StoreAt2 => store!(1, 0_u32, to_le::<2>(top)),
                Code::StoreAt4 => store!(1, 0_u32, to_le::<4>(top)),
            }
        };
        machine.registers.top = top;
        machine.registers.ws_depth = depth as u32;
        // What of the block has been executed.
        let done = match out {
            Out::Before => op.before,
            Out::Behind(_) => op.before + op.count,
            Out::Done(_) | Out::Panic(_) => op.before + 1,
            Out::End(_) | Out::Yield(_) => block.count,
        };
        *left -= u64::from(done);
        machine.registers.ep = match out {
            Out::Before => {
                machine.registers.ep = block.at[OPS - 1 - ops.len()];
                return Next::Careful(Until::One);
            }
            Out::Behind(ep) | Out::End(ep) => ep,
            Out::Panic(code) => {
                machine.registers.ep = op.x;
                if machine.outlined(|machine| catch::panic(machine, code)) == Panic::Uncaught {
                    return Next::Leave(Leave::Panicked(code));
                }
                continue;
            }
            Out::Yield(ep) => {
                machine.registers.ep = ep;
                return Next::Leave(Leave::Yielded);
            }
            Out::Done(ep) => {
                machine.registers.ep = ep;
                return Next::Leave(Leave::Done);
            }
        };
    }
}
