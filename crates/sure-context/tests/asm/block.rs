//! An `asm!` block, taken apart: its operands and its instructions.

use crate::machine::{Machine, Role};
use crate::macros::Macros;
use crate::tokens::{Token, split};

/// What an operand promises about its register.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Direction {
    In,
    /// An output that shares its register with no input.
    Out,
    InOut,
    /// An output that may share its register with an input.
    LateOut,
    InLateOut,
}

#[derive(Clone, Debug)]
pub(crate) struct Operand {
    /// The name that the template uses, in braces.
    pub(crate) name: Option<String>,
    pub(crate) direction: Direction,
    /// The register; none where the compiler chooses one of a class.
    pub(crate) register: Option<String>,
    /// The first word of what goes in or comes out.
    pub(crate) value: String,
}

impl Operand {
    pub(crate) fn is_input(&self) -> bool {
        !matches!(self.direction, Direction::Out | Direction::LateOut)
    }

    pub(crate) fn is_output(&self) -> bool {
        self.direction != Direction::In
    }
}

/// One instruction: what it does with registers, placeholders included.
#[derive(Clone, Debug)]
pub(crate) struct Instruction {
    pub(crate) text: String,
    pub(crate) mnemonic: String,
    pub(crate) read: Vec<String>,
    pub(crate) written: Vec<String>,
    /// Registers whose values it stores.
    pub(crate) stored: Vec<String>,
    /// Registers that it loads.
    pub(crate) loaded: Vec<String>,
    /// Whether what it writes is an address of code.
    pub(crate) is_address: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) operands: Vec<Operand>,
    pub(crate) instructions: Vec<Instruction>,
    pub(crate) clobber_abi: Vec<String>,
    pub(crate) options: Vec<String>,
}

impl Block {
    /// The block in what a macro has become.
    pub(crate) fn find(tokens: &[Token], macros: &Macros, machine: &Machine) -> Block {
        let arguments = asm(tokens).expect("an asm! block");
        let mut block = Block::default();
        let mut template = String::new();
        for part in split(arguments) {
            match part {
                [Token::Text(_)] | [Token::Word(_), Token::Mark('!'), Token::Group(..)] => {
                    template.push_str(&macros.text(part));
                    template.push('\n');
                }
                [Token::Word(word), Token::Group(_, list)] if word == "clobber_abi" => {
                    block
                        .clobber_abi
                        .extend(split(list).iter().map(|abi| macros.text(abi)));
                }
                [Token::Word(word), Token::Group(_, list)] if word == "options" => {
                    block
                        .options
                        .extend(split(list).iter().map(|option| macros.text(option)));
                }
                _ => block.operands.extend(operand(part, macros)),
            }
        }
        block.instructions = instructions(&template, machine);
        block
    }
}

/// The arguments of the first `asm!` anywhere in a tree.
fn asm(tokens: &[Token]) -> Option<&[Token]> {
    for (at, token) in tokens.iter().enumerate() {
        match &tokens[at..] {
            [word, bang, Token::Group(_, arguments), ..] if word.is("asm") && bang.is_mark('!') => {
                return Some(arguments);
            }
            _ => {}
        }
        if let Token::Group(_, inner) = token
            && let Some(found) = asm(inner)
        {
            return Some(found);
        }
    }
    None
}

/// An operand; `name = sym function` is none.
fn operand(part: &[Token], macros: &Macros) -> Option<Operand> {
    let (name, rest) = match part {
        [Token::Word(name), Token::Mark('='), rest @ ..] => (Some(name.clone()), rest),
        rest => (None, rest),
    };
    let [
        Token::Word(direction),
        Token::Group('(', register),
        value @ ..,
    ] = rest
    else {
        assert!(rest[0].is("sym"), "not an operand: {part:?}");
        return None;
    };
    let direction = match direction.as_str() {
        "in" => Direction::In,
        "out" => Direction::Out,
        "inout" => Direction::InOut,
        "lateout" => Direction::LateOut,
        "inlateout" => Direction::InLateOut,
        other => panic!("not a direction: {other}"),
    };
    Some(Operand {
        name,
        direction,
        register: match &register[..] {
            // LoongArch's have a dollar sign, which templates and tables leave out.
            [Token::Text(_)] => Some(macros.text(register).replace('$', "")),
            _ => None,
        },
        value: match value.first() {
            Some(Token::Word(word)) => word.clone(),
            _ => String::new(),
        },
    })
}

/// The instructions of a template, without labels, directives and comments.
pub(crate) fn instructions(template: &str, machine: &Machine) -> Vec<Instruction> {
    let lines = template.lines().map(str::trim);
    let is_label = |line: &str| line.ends_with(':');
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('.') && !is_label(line))
        .map(|line| instruction(line, machine))
        .collect()
}

fn instruction(line: &str, machine: &Machine) -> Instruction {
    let (mnemonic, rest) = line.split_once(' ').unwrap_or((line, ""));
    let operands = operands(rest);
    let roles = machine.roles(mnemonic, &operands);
    assert_eq!(roles.len(), operands.len(), "operands of `{line}`");
    let mut instruction = Instruction {
        text: line.to_owned(),
        mnemonic: mnemonic.to_owned(),
        read: Vec::new(),
        written: machine.written_by(mnemonic),
        stored: Vec::new(),
        loaded: Vec::new(),
        is_address: roles.contains(&Role::Address),
    };
    for (operand, role) in operands.iter().zip(roles) {
        let registers = machine.registers_in(operand, role == Role::Memory);
        match role {
            Role::None => {}
            Role::Read | Role::Memory => instruction.read.extend(registers),
            Role::Write | Role::Address => instruction.written.extend(registers),
            Role::Store => {
                instruction.read.extend(registers.clone());
                instruction.stored.extend(registers);
            }
            Role::Load => {
                instruction.written.extend(registers.clone());
                instruction.loaded.extend(registers);
            }
        }
    }
    instruction
}

/// The parts between commas that stand in no bracket.
fn operands(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for character in text.chars() {
        match character {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().expect("never empty").push(character);
    }
    let parts = parts.into_iter().map(|part| part.trim().to_owned());
    parts.filter(|part| !part.is_empty()).collect()
}
