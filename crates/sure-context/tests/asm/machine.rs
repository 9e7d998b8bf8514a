//! What the reader knows of an architecture: its registers, what its ABI says of
//! them, and what the instructions that its backend uses do to them. An
//! instruction that it does not know fails the tests.

use crate::macros::Facts;
use Role::{Address, Load, Memory, None, Store};

/// What an instruction does with one operand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Role {
    None,
    Read,
    Write,
    /// Written with an address of code.
    Address,
    /// Its value goes to memory.
    Store,
    /// Its value comes from memory.
    Load,
    /// A place in memory, whose registers are read.
    Memory,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Syntax {
    /// Registers have names, of these prefixes; `[register + offset]`.
    Plain,
    /// As `Plain`, with the destination last.
    DestinationLast,
    /// Registers are numbers; a place in memory is `offset(number)`.
    Numbers,
}

/// One backend, for one ABI.
pub(crate) struct Machine {
    /// As in the table of the README.
    pub(crate) name: &'static str,
    pub(crate) abi: &'static str,
    /// The file of the backend, and what it includes.
    pub(crate) sources: &'static [&'static str],
    pub(crate) facts: &'static Facts,
    pub(crate) stack_pointer: &'static str,
    /// All that a callee must preserve, without the stack pointer.
    pub(crate) non_volatile: &'static [&'static str],
    /// What `clobber_abi` declares lost, as far as the blocks touch it.
    pub(crate) volatile: &'static [&'static str],
    /// Registers that the compiler chooses for no operand.
    pub(crate) never_chosen: &'static [&'static str],
    /// The name of `clobber_abi` that means this ABI.
    pub(crate) clobber_abi: &'static str,
    /// The instruction that must stand where execution goes on, if any.
    pub(crate) landing_pad: Option<&'static str>,
    /// Where the arguments of an out-of-line switch arrive.
    pub(crate) arguments: &'static [&'static str],
    pub(crate) syntax: Syntax,
    pub(crate) instructions: &'static [(&'static str, &'static [Role])],
}

impl Machine {
    pub(crate) fn is_inline(&self) -> bool {
        self.arguments.is_empty()
    }

    /// What an instruction does with its operands.
    pub(crate) fn roles(&self, mnemonic: &str, operands: &[String]) -> Vec<Role> {
        let is_memory = |at: usize| {
            operands
                .get(at)
                .is_some_and(|text| text.contains(['[', '(']))
        };
        // x86 has one name for copies, loads and stores.
        match mnemonic {
            "mov" if self.syntax == Syntax::Plain && is_memory(0) => return vec![Memory, Store],
            "mov" if self.syntax == Syntax::Plain && is_memory(1) => return vec![Load, Memory],
            "movl" if is_memory(0) => return vec![Memory, Load],
            "movl" if is_memory(1) => return vec![Store, Memory],
            "ldr" if !is_memory(1) => return vec![Address, None],
            "lea" if operands[1].contains("rip") => return vec![Address, None],
            "addl" => return vec![None, Address],
            _ => {}
        }
        let known = self.instructions.iter().find(|(name, _)| *name == mnemonic);
        let (_, roles) =
            known.unwrap_or_else(|| panic!("{}: what does `{mnemonic}` do?", self.name));
        roles.to_vec()
    }

    /// What an instruction writes besides its operands.
    pub(crate) fn written_by(&self, mnemonic: &str) -> Vec<String> {
        let register = match mnemonic {
            // `here` of the 32-bit x86.
            "call" => "ebx",
            "bcl" | "mtlr" => "lr",
            "mtctr" => "ctr",
            _ => return Vec::new(),
        };
        vec![register.to_owned()]
    }

    /// The registers, and placeholders, that an operand names.
    pub(crate) fn registers_in(&self, operand: &str, is_memory: bool) -> Vec<String> {
        let operand = match (self.syntax, is_memory) {
            (Syntax::Numbers, true) => operand.split_once('(').map_or("", |(_, base)| base),
            _ => operand,
        };
        let words = operand.split(|c: char| !c.is_alphanumeric() && c != '{' && c != '}');
        let words = words.filter(|word| !word.is_empty());
        let register = |word: &str| match self.syntax {
            _ if word.starts_with('{') => Some(word.to_owned()),
            Syntax::Numbers => Some(format!("r{word}")),
            _ if word.starts_with(|c: char| c.is_ascii_digit()) => Option::None,
            // The halves of x86-64's registers.
            _ if self.name == "x86-64" && word.starts_with('e') => Some(format!("r{}", &word[1..])),
            _ => Some(word.to_owned()),
        };
        // MIPS writes numbers behind a dollar sign.
        let register = |word: &str| match self.name.starts_with("MIPS") {
            true if word.starts_with('f') => Some(word.to_owned()),
            true => operand.contains('$').then(|| format!("${word}")),
            false => register(word),
        };
        words.filter_map(register).collect()
    }
}
