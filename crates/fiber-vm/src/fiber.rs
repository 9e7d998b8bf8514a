//! Fibers at rest: their registers, their stacks in common slabs, and what the host may see.

use alloc::boxed::Box;
use alloc::vec;

use crate::config::Config;
use crate::error::{ErrorCode, FiberError};
use crate::machine::{CATCH, LastPanic, Machine, Registers, WorkingStack};
use crate::memory::Memory;

/// Names a fiber of one machine. A name of a freed fiber is never valid again.
///
/// That is why a place serves 2^32 fibers, one after another, and then no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FiberId {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl FiberId {
    /// The number of its place, from 0 to [`Config::fibers`] - 1. Places are used again.
    pub fn index(self) -> u32 {
        self.index
    }
}

/// Where a fiber is in its life.
///
/// | from | to | by |
/// |---|---|---|
/// | - | Detached | created |
/// | Detached, Done, Panicked | Ready | added to the list |
/// | Ready | Detached | removed by the host |
/// | Ready | Done | `RET` on an empty call stack |
/// | Ready | Panicked | a panic that nothing catches |
///
/// Exhaustive: the table is the whole life of a fiber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Not on the list; never was, or the host took it off.
    Detached,
    /// On the list: it runs when its turn comes.
    Ready,
    /// It returned from its last function. Its stacks are kept.
    Done,
    /// It panicked and nothing caught it. Its stacks are kept as they were.
    Panicked(ErrorCode),
}

/// A `prev` or `next` that leads nowhere.
pub(crate) const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Free,
    Detached,
    Ready,
    Done,
    Panicked,
}

/// What a fiber is, but for its stacks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) registers: Registers,
    pub(crate) last_panic: LastPanic,
    /// Neighbours on the list; of free heads, `next` leads to the next free one.
    pub(crate) prev: u32,
    pub(crate) next: u32,
    pub(crate) generation: u32,
    pub(crate) state: State,
}

/// All fibers of a machine. Each kind of stack lies in one slab, made once.
#[derive(Debug)]
pub(crate) struct Fibers {
    pub(crate) heads: Box<[Head]>,
    /// A fiber's words: working stack, call stack, the working stack as it was at the newest
    /// panic.
    words: Box<[u32]>,
    /// A fiber's frame bytes.
    sizes: Box<[u8]>,
    ws_depth: usize,
    cs_depth: usize,
    ls_bytes: u32,
    /// The address of the first fiber's locals stack.
    pub(crate) ls_start: u32,
    first_free: u32,
}

/// How many bytes a fiber takes outside the machine's memory.
pub(crate) const fn bytes_outside_memory(ws_depth: usize, cs_depth: usize) -> usize {
    size_of::<Head>() + (2 * ws_depth + cs_depth) * size_of::<u32>() + cs_depth
}

impl Fibers {
    /// Makes the slabs of a checked configuration.
    pub(crate) fn new(config: &Config) -> Self {
        let count = config.fibers as usize;
        let (ws_depth, cs_depth) = (config.ws_depth as usize, config.cs_depth as usize);
        let heads = (0..config.fibers).map(|index| Head {
            registers: Registers::default(),
            last_panic: LastPanic::default(),
            prev: NONE,
            next: if index + 1 == config.fibers {
                NONE
            } else {
                index + 1
            },
            generation: 0,
            state: State::Free,
        });
        Self {
            heads: heads.collect(),
            words: vec![0; (2 * ws_depth + cs_depth) * count].into_boxed_slice(),
            sizes: vec![0; cs_depth * count].into_boxed_slice(),
            ws_depth,
            cs_depth,
            ls_bytes: config.ls_bytes,
            ls_start: config.memory,
            first_free: if count == 0 { NONE } else { 0 },
        }
    }

    /// Takes a free fiber that will start at `ep`.
    pub(crate) fn create(&mut self, ep: u32) -> Result<u32, FiberError> {
        let index = self.first_free;
        let ls_base = self.ls_base(index);
        let head = self
            .heads
            .get_mut(index as usize)
            .ok_or(FiberError::NoneFree)?;
        self.first_free = head.next;
        head.registers = Registers {
            ep,
            ls_sp: ls_base,
            ..Registers::default()
        };
        head.last_panic = LastPanic::default();
        (head.prev, head.next) = (NONE, NONE);
        head.state = State::Detached;
        Ok(index)
    }

    /// Gives a fiber back. Names of it are dead from here on.
    ///
    /// A generation that came round again would bring old names back to life. So a place whose
    /// generations are used up is retired: free, but not among those that [`Fibers::create`] takes.
    pub(crate) fn free(&mut self, index: u32) {
        let head = &mut self.heads[index as usize];
        head.state = State::Free;
        if let Some(generation) = head.generation.checked_add(1) {
            head.generation = generation;
            head.next = self.first_free;
            self.first_free = index;
        }
    }

    /// The place that an id names, unless it has been freed.
    pub(crate) fn find(&self, id: FiberId) -> Result<u32, FiberError> {
        match self.heads.get(id.index as usize) {
            Some(head) if head.generation == id.generation && head.state != State::Free => {
                Ok(id.index)
            }
            _ => Err(FiberError::Unknown),
        }
    }

    /// The name of the fiber in a place.
    pub(crate) fn id(&self, index: u32) -> FiberId {
        FiberId {
            index,
            generation: self.heads[index as usize].generation,
        }
    }

    /// The fibers in use.
    pub(crate) fn ids(&self) -> impl Iterator<Item = FiberId> {
        let used = |&(_, head): &(u32, &Head)| head.state != State::Free;
        (0..)
            .zip(&self.heads)
            .filter(used)
            .map(|(index, head)| FiberId {
                index,
                generation: head.generation,
            })
    }

    fn ls_base(&self, index: u32) -> u32 {
        // `Config::check` has seen that the last fiber's end fits.
        self.ls_start
            .wrapping_add(index.wrapping_add(1).wrapping_mul(self.ls_bytes))
    }

    /// A fiber ready to execute. Its registers are copied: the caller stores them back after the run.
    #[inline(always)]
    pub(crate) fn machine<'a>(&'a mut self, index: u32, memory: Memory<'a>) -> Machine<'a> {
        let ls_base = self.ls_base(index);
        let index = index as usize;
        let (ws_depth, cs_depth) = (self.ws_depth, self.cs_depth);
        let stride = 2 * ws_depth + cs_depth;
        let words = &mut self.words[index * stride..][..stride];
        let (ws, cs) = words.split_at_mut(ws_depth);
        let head = &mut self.heads[index];
        Machine {
            registers: head.registers,
            last_panic: &mut head.last_panic,
            memory,
            ws,
            cs,
            csz: &mut self.sizes[index * cs_depth..][..cs_depth],
            ls_limit: ls_base - self.ls_bytes,
            ls_base,
        }
    }

    /// A fiber to look at.
    pub(crate) fn view(&self, index: u32) -> FiberRef<'_> {
        let place = index as usize;
        let (ws_depth, cs_depth) = (self.ws_depth, self.cs_depth);
        let stride = 2 * ws_depth + cs_depth;
        let words = &self.words[place * stride..][..stride];
        FiberRef {
            id: self.id(index),
            head: &self.heads[place],
            ws: &words[..ws_depth],
            cs: &words[ws_depth..][..cs_depth],
            at_error: &words[ws_depth + cs_depth..],
            csz: &self.sizes[place * cs_depth..][..cs_depth],
        }
    }
}

/// A fiber as the host sees it.
#[derive(Clone, Copy, Debug)]
pub struct FiberRef<'a> {
    id: FiberId,
    head: &'a Head,
    ws: &'a [u32],
    at_error: &'a [u32],
    cs: &'a [u32],
    csz: &'a [u8],
}

impl<'a> FiberRef<'a> {
    /// Its name.
    pub fn id(&self) -> FiberId {
        self.id
    }

    /// Where it is in its life.
    pub fn status(&self) -> Status {
        match self.head.state {
            State::Free | State::Detached => Status::Detached,
            State::Ready => Status::Ready,
            State::Done => Status::Done,
            State::Panicked => Status::Panicked(ErrorCode::new(self.head.last_panic.code)),
        }
    }

    /// The address of its next instruction; after a panic, the one past the culprit.
    pub fn ep(&self) -> u32 {
        self.head.registers.ep
    }

    /// The code of its newest panic, 0 for none.
    pub fn err(&self) -> u16 {
        self.head.last_panic.code
    }

    /// The address that its globals are counted from.
    pub fn gb(&self) -> u32 {
        self.head.registers.gb
    }

    /// The lowest address in use on its locals stack.
    pub fn ls_sp(&self) -> u32 {
        self.head.registers.ls_sp
    }

    /// Its working stack, oldest word first.
    pub fn working_stack(&self) -> WorkingStack<'a> {
        WorkingStack::new(self.ws, &self.head.registers)
    }

    /// Its working stack as it was at the newest panic, caught or not, oldest word first.
    ///
    /// A copy: a caught panic clears the working stack itself.
    pub fn working_stack_at_error(&self) -> &'a [u32] {
        &self.at_error[..usize::from(self.head.last_panic.words)]
    }

    /// Frames on its call stack.
    pub fn call_depth(&self) -> usize {
        self.head.registers.cs_depth as usize
    }

    /// Its call stack, oldest frame first.
    pub fn call_stack(
        &self,
    ) -> impl DoubleEndedIterator<Item = Frame> + ExactSizeIterator + use<'a> {
        let depth = self.call_depth();
        self.cs[..depth]
            .iter()
            .zip(&self.csz[..depth])
            .map(|(&return_address, &byte)| Frame {
                return_address,
                catch: byte & CATCH != 0,
                locals: u32::from(byte & !CATCH) * 4,
            })
    }
}

/// One call that has not returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Frame {
    /// Where it returns to.
    pub return_address: u32,
    /// Whether panics end here.
    pub catch: bool,
    /// Its locals, in bytes.
    pub locals: u32,
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// A place with so many generations left does not repeat one: it is retired, and the others
    /// are still used.
    #[test]
    fn a_place_whose_generations_are_used_up_is_retired() {
        let config = Config {
            fibers: 2,
            ..Config::default()
        };
        let mut fibers = Fibers::new(&config);
        fibers.heads[0].generation = u32::MAX - 1;
        let mut names = Vec::new();
        for _ in 0..2 {
            let index = fibers.create(0x2000).unwrap();
            assert_eq!(index, 0);
            names.push(fibers.id(index));
            fibers.free(index);
        }
        for _ in 0..3 {
            let index = fibers.create(0x2000).unwrap();
            assert_eq!(index, 1, "place 0 is retired");
            names.push(fibers.id(index));
            assert_eq!(fibers.create(0x2000), Err(FiberError::NoneFree));
            fibers.free(index);
        }
        for (at, name) in names.iter().enumerate() {
            assert_eq!(fibers.find(*name), Err(FiberError::Unknown), "{name:?}");
            assert!(!names[..at].contains(name), "{name:?} came twice");
        }
        assert_eq!(fibers.ids().count(), 0);
    }

    #[test]
    fn where_all_places_are_retired_none_is_free() {
        let config = Config {
            fibers: 1,
            ..Config::default()
        };
        let mut fibers = Fibers::new(&config);
        fibers.heads[0].generation = u32::MAX;
        let index = fibers.create(0x2000).unwrap();
        let name = fibers.id(index);
        assert_eq!(fibers.find(name), Ok(index));
        fibers.free(index);
        assert_eq!(fibers.create(0x2000), Err(FiberError::NoneFree));
        assert_eq!(fibers.find(name), Err(FiberError::Unknown));
    }
}
