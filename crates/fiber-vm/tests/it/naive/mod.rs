//! A second interpreter, written after SPEC.md alone: slow, plain, and without a line of the first.
//!
//! Stacks are `Vec`s, addresses are 64 bits wide, bytes are read one at a time, and instructions
//! are taken apart by their bits rather than matched by name.

mod instructions;

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
}
