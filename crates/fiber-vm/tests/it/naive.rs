//! A second interpreter, written after SPEC.md alone: slow, plain, and without a line of the first.
//!
//! Stacks are `Vec`s, addresses are 64 bits wide, bytes are read one at a time, and instructions
//! are taken apart by their bits rather than matched by name.

use std::collections::VecDeque;

/// The sizes of a naive machine.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) memory: u32,
    pub(crate) ws: usize,
    pub(crate) cs: usize,
    pub(crate) ls: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fiber {
    pub(crate) ep: u32,
    pub(crate) err: u16,
    pub(crate) gb: u32,
    pub(crate) ls_sp: u32,
    pub(crate) ws: Vec<u32>,
    pub(crate) ws_at_error: Vec<u32>,
    /// Return address, whether it is a catch, bytes of locals.
    pub(crate) calls: Vec<(u32, bool, u32)>,
    pub(crate) state: State,
    ls_low: u32,
    ls_high: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    #[default]
    Ready,
    Done,
    Panicked,
}

/// What stops the straight run of instructions.
enum Stop {
    Return,
    Yield,
    Panic(u16),
}

type Effect<T = ()> = Result<T, Stop>;

pub(crate) struct Machine {
    pub(crate) memory: Vec<u8>,
    pub(crate) fibers: Vec<Fiber>,
    pub(crate) executed: u64,
    queue: VecDeque<usize>,
    sizes: Sizes,
}

fn panic<T>(code: u16) -> Effect<T> {
    Err(Stop::Panic(code))
}

impl Machine {
    /// A machine whose fibers' locals stacks follow the memory.
    pub(crate) fn new(sizes: Sizes, starts: &[(u32, u32)]) -> Self {
        let mut fibers = Vec::new();
        for (index, &(ep, gb)) in starts.iter().enumerate() {
            let ls_low = sizes.memory + index as u32 * sizes.ls;
            let ls_high = ls_low + sizes.ls;
            fibers.push(Fiber {
                ep,
                gb,
                ls_sp: ls_high,
                ls_low,
                ls_high,
                ..Fiber::default()
            });
        }
        let bytes = sizes.memory as usize + starts.len() * sizes.ls as usize;
        let queue = (0..starts.len()).collect();
        Self {
            memory: vec![0; bytes],
            fibers,
            executed: 0,
            queue,
            sizes,
        }
    }

    /// Round robin, for so many instructions.
    pub(crate) fn run(&mut self, fuel: u64) {
        let until = self.executed + fuel;
        while self.executed < until {
            let Some(&index) = self.queue.front() else {
                return;
            };
            self.executed += 1;
            let sizes = self.sizes;
            let mut one = One {
                f: &mut self.fibers[index],
                memory: &mut self.memory,
                sizes,
            };
            let mut result = one.instruction();
            if let Err(Stop::Return) = result {
                if one.f.calls.is_empty() {
                    one.f.state = State::Done;
                    self.queue.pop_front();
                    continue;
                }
                result = one.return_from_call();
            }
            match result {
                Ok(()) => {}
                Err(Stop::Yield) => self.queue.rotate_left(1),
                Err(Stop::Return) => unreachable!("returning does not return"),
                Err(Stop::Panic(code)) => {
                    if !one.catch(code) {
                        one.f.state = State::Panicked;
                        self.queue.pop_front();
                    }
                }
            }
        }
    }
}

/// One fiber's turn.
struct One<'a> {
    f: &'a mut Fiber,
    memory: &'a mut [u8],
    sizes: Sizes,
}

impl One<'_> {
    fn catch(&mut self, code: u16) -> bool {
        self.f.err = code;
        self.f.ws_at_error = self.f.ws.clone();
        let depth = self.f.calls.len();
        if !self.f.calls.iter().any(|call| call.1) {
            return false;
        }
        loop {
            let (address, catch, _) = self.f.calls.pop().unwrap();
            if catch {
                self.f.ep = address;
                self.f.ws = vec![depth as u32];
                return true;
            }
        }
    }

    fn return_from_call(&mut self) -> Effect {
        let (address, _, locals) = self.f.calls.pop().unwrap();
        let ls_sp = u64::from(self.f.ls_sp) + u64::from(locals);
        if ls_sp > u64::from(self.f.ls_high) {
            return panic(0xE0A3);
        }
        self.f.ls_sp = ls_sp as u32;
        self.f.ep = address;
        Ok(())
    }

    fn push(&mut self, value: u32) -> Effect {
        if self.f.ws.len() == self.sizes.ws {
            return panic(0xE0A4);
        }
        self.f.ws.push(value);
        Ok(())
    }

    fn pop(&mut self) -> Effect<u32> {
        self.f.ws.pop().ok_or(Stop::Panic(0xE0A3))
    }

    /// Whether `len` bytes may be touched.
    fn touch(&self, address: u64, len: u64) -> Effect {
        if len == 0 {
            Ok(())
        } else if address == 0 {
            panic(0xE0A1)
        } else if address + len > self.memory.len() as u64 {
            panic(0xE0A2)
        } else {
            Ok(())
        }
    }

    fn read(&self, address: u64, len: u64, big: bool) -> Effect<u32> {
        self.touch(address, len)?;
        let mut value = 0_u32;
        for i in 0..len {
            let place = if big { i } else { len - 1 - i };
            value = value * 256 + u32::from(self.memory[(address + place) as usize]);
        }
        Ok(value)
    }

    fn write(&mut self, address: u64, len: u64, big: bool, mut value: u32) -> Effect {
        self.touch(address, len)?;
        for i in 0..len {
            let place = if big { len - 1 - i } else { i };
            self.memory[(address + place) as usize] = (value % 256) as u8;
            value /= 256;
        }
        Ok(())
    }

    /// The next bytes of the instruction, all or none.
    fn literal(&mut self, len: u64) -> Effect<u32> {
        let value = self.read(u64::from(self.f.ep), len, true)?;
        self.f.ep += len as u32;
        Ok(value)
    }

    fn call(&mut self, address: u32, catch: bool) -> Effect {
        if self.f.calls.len() == self.sizes.cs {
            return panic(0xE0A4);
        }
        self.f.calls.push((self.f.ep, catch, 0));
        self.f.ep = address;
        Ok(())
    }

    fn call_large(&mut self, address: u32) -> Effect {
        let locals = self.read(u64::from(address), 1, false)?;
        if locals > 252 {
            return panic(0xE0A9);
        }
        if locals % 4 != 0 {
            return panic(0xE0A6);
        }
        if self.f.ls_sp - self.f.ls_low < locals {
            return panic(0xE0A4);
        }
        self.call(address + 1, false)?;
        self.f.calls.last_mut().unwrap().2 = locals;
        self.f.ls_sp -= locals;
        Ok(())
    }

    fn instruction(&mut self) -> Effect {
        let byte = self.read(u64::from(self.f.ep), 1, false)? as u8;
        self.f.ep += 1;
        let low = byte & 0x0F;
        let size = match byte >> 4 & 3 {
            0 => 1,
            1 => 2,
            2 => 4,
            _ => 0,
        };
        match byte >> 6 {
            0 if byte < 0x10 => self.stack(byte),
            0 if byte < 0x20 => self.one_operand(byte),
            0 => self.two_operands(byte),
            1 if size != 0 && low <= 0xA => self.data(low, size),
            2 if size != 0 && matches!(low, 1 | 2 | 4 | 5 | 6) => self.flow(low, size),
            2 => match byte {
                0x80 => self.pop().map(|address| self.f.ep = address),
                0x90 => {
                    let address = self.pop()?;
                    self.call(address, false)
                }
                0xA0 => {
                    let address = self.pop()?;
                    self.call_large(address)
                }
                _ => panic(0xE0C1),
            },
            3 => self.push(u32::from(byte % 64)),
            _ => panic(0xE0C1),
        }
    }

    fn stack(&mut self, byte: u8) -> Effect {
        match byte {
            0 => Ok(()),
            1 => match self.pop()? {
                0 => Err(Stop::Return),
                _ => Ok(()),
            },
            2 => Err(Stop::Return),
            3 => Err(Stop::Yield),
            4 | 6 => {
                let (r, l) = (self.pop()?, self.pop()?);
                let after = if byte == 4 { vec![r, l] } else { vec![l, r, l] };
                after.into_iter().try_for_each(|word| self.push(word))
            }
            5 => self.pop().map(drop),
            7 | 8 => {
                let l = self.pop()?;
                self.push(l)?;
                self.push(if byte == 7 { l } else { u32::from(l == 0) })
            }
            9 => {
                let number = self.literal(1)?;
                self.device(number)
            }
            0xA => {
                let register = self.literal(1)?;
                if register >= 0x80 {
                    self.push(self.f.ls_sp.wrapping_add(register % 0x80))
                } else if register == 0 {
                    self.push(self.f.ep)
                } else if register == 1 {
                    self.push(self.f.gb)
                } else {
                    panic(0xE0D1)
                }
            }
            0xB => {
                let x = self.literal(1)?;
                self.push(self.f.ls_sp.wrapping_add(x))
            }
            0xC => {
                let x = self.literal(2)?;
                self.push(self.f.gb.wrapping_add(x))
            }
            _ => panic(0xE0C1),
        }
    }

    fn one_operand(&mut self, byte: u8) -> Effect {
        if byte > 0x18 {
            return panic(0xE0C1);
        }
        let l = i64::from(self.pop()?);
        let signed = |bits: u32| {
            let low = l % (1 << bits);
            if low >= 1 << (bits - 1) {
                low - (1 << bits)
            } else {
                low
            }
        };
        let result = match byte & 0xF {
            0 => l + 1,
            1 => l + 2,
            2 => l + 4,
            3 => l - 1,
            4 => -1 - l,
            5 => -l,
            6 => i64::from(l == 0),
            7 => signed(8),
            _ => signed(16),
        };
        self.push(result as u32)
    }

    fn two_operands(&mut self, byte: u8) -> Effect {
        if byte > 0x32 {
            return panic(0xE0C1);
        }
        let r = self.pop()?;
        if r == 0 && matches!(byte, 0x22 | 0x31 | 0x32) {
            return panic(0xE0A7);
        }
        let l = self.pop()?;
        let (lu, ru) = (u64::from(l), u64::from(r));
        let (ls, rs) = (i64::from(l as i32), i64::from(r as i32));
        let result = match byte {
            0x20 => lu + ru,
            0x21 => lu + (1 << 32) - ru,
            0x22 => lu % ru,
            0x23 => {
                if ru < 32 {
                    lu << ru
                } else {
                    0
                }
            }
            0x24 => {
                if ru < 32 {
                    lu >> ru
                } else {
                    0
                }
            }
            0x25 => lu & ru,
            0x26 => lu | ru,
            0x27 => lu ^ ru,
            0x28 => u64::from(lu != 0 && ru != 0),
            0x29 => u64::from(lu != 0 || ru != 0),
            0x2A => u64::from(lu == ru),
            0x2B => u64::from(lu != ru),
            0x2C => u64::from(lu >= ru),
            0x2D => u64::from(lu < ru),
            0x2E => u64::from(ls >= rs),
            0x2F => u64::from(ls < rs),
            0x30 => lu * ru,
            0x31 => lu / ru,
            _ => (ls / rs) as u64,
        };
        self.push(result as u32)
    }

    fn data(&mut self, low: u8, size: u64) -> Effect {
        if low == 0xA {
            let value = self.literal(size)?;
            return self.push(value);
        }
        let store = low >= 5;
        let kind = low % 5;
        let x = match kind {
            2 | 3 => u64::from(self.literal(1)?),
            4 => u64::from(self.literal(2)?),
            _ => 0,
        };
        let big = kind == 1;
        // On the locals and globals stores the value comes first: there is no address to pop.
        let mut value = 0;
        let base = match kind {
            0..=2 => self.pop()?,
            _ => {
                if store {
                    value = self.pop()?;
                }
                if kind == 3 { self.f.ls_sp } else { self.f.gb }
            }
        };
        let address = u64::from(base) + x;
        self.touch(address, size)?;
        if store {
            if kind < 3 {
                value = self.pop()?;
            }
            self.write(address, size, big, value)
        } else {
            let value = self.read(address, size, big)?;
            self.push(value)
        }
    }

    fn flow(&mut self, low: u8, size: u64) -> Effect {
        let literal_at = self.f.ep;
        let literal = self.literal(size)?;
        if low == 6 {
            self.push(self.f.ep)?;
            self.push(literal)?;
            let after = u64::from(self.f.ep) + u64::from(literal);
            return match u32::try_from(after) {
                Ok(after) => {
                    self.f.ep = after;
                    Ok(())
                }
                Err(_) => panic(0xE0A2),
            };
        }
        let target = match size {
            1 if literal < 128 => literal_at.wrapping_add(literal),
            1 => literal_at.wrapping_sub(256 - literal),
            2 => self.f.ep / 0x1_0000 * 0x1_0000 + literal,
            _ => literal,
        };
        match low {
            1 => self.f.ep = target,
            2 => {
                if self.pop()? == 0 {
                    self.f.ep = target;
                }
            }
            4 => self.call_large(target)?,
            _ => self.call(target, false)?,
        }
        Ok(())
    }

    fn device(&mut self, number: u32) -> Effect {
        match number {
            0x01 => {
                let address = self.pop()?;
                self.call(address, true)
            }
            0x02 => {
                let (len, value, to) = (self.pop()?, self.pop()?, u64::from(self.pop()?));
                self.touch(to, len.into())?;
                (0..u64::from(len)).try_for_each(|i| self.write(to + i, 1, false, value))
            }
            0x03 => {
                let len = u64::from(self.pop()?);
                let b = u64::from(self.pop()?);
                self.touch(b, len)?;
                let a = u64::from(self.pop()?);
                self.touch(a, len)?;
                for i in 0..len {
                    let left = self.read(a + i, 1, false)?;
                    let right = self.read(b + i, 1, false)?;
                    if left != right {
                        return self.push(if left < right { u32::MAX } else { 1 });
                    }
                }
                self.push(0)
            }
            0x04 => {
                let len = u64::from(self.pop()?);
                let from = u64::from(self.pop()?);
                self.touch(from, len)?;
                let to = u64::from(self.pop()?);
                self.touch(to, len)?;
                let bytes: Vec<u32> = (0..len)
                    .map(|i| u32::from(self.memory[(from + i) as usize]))
                    .collect();
                (0..)
                    .zip(bytes)
                    .try_for_each(|(i, byte)| self.write(to + i, 1, false, byte))
            }
            0x06 => {
                let (methods, data, method) = (self.pop()?, self.pop()?, self.pop()?);
                let entry = u64::from(methods) + 4 * u64::from(method);
                // Addresses end at 32 bits, even where memory could go on.
                let function = self.read(entry, 4, false)?;
                self.push(data)?;
                self.call_large(function)
            }
            0x0A => {
                let (code, r, l) = (self.pop()?, self.pop()?, self.pop()?);
                match code as u16 {
                    _ if l == r => Ok(()),
                    0 => panic(0xE001),
                    code => panic(code),
                }
            }
            0x10 => {
                let address = self.pop()?;
                if address < self.f.ls_low || address > self.f.ls_high {
                    panic(0xE0A2)
                } else if address % 4 != 0 {
                    panic(0xE0A6)
                } else {
                    self.f.ls_sp = address;
                    Ok(())
                }
            }
            0x11 => self.push(u32::from(self.f.err)),
            0x12 => self.pop().map(|code| self.f.err = code as u16),
            _ => panic(0xE007),
        }
    }
}
