//! What the instructions of the naive interpreter do.

use super::{Effect, One, Stop, panic};

impl One<'_> {
    pub(super) fn instruction(&mut self) -> Effect {
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
