//! The rules that every backend obeys, as a reader of its source; each finding
//! is a sentence.

use crate::block::{Block, Direction, Instruction, instructions};
use crate::machine::Machine;
use crate::macros::Macros;
use crate::tokens::{Token, read};
use std::collections::{BTreeMap, BTreeSet};

/// What a switch does with the registers that the ABI calls non-volatile.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// Saved by the switch, in the order in which it stores them.
    pub(crate) saved: Vec<String>,
    /// Declared lost, so that the compiler saves them where they are in use.
    pub(crate) declared: Vec<String>,
    pub(crate) findings: Vec<String>,
}

pub(crate) fn examine(machine: &Machine, sources: &[&str]) -> Account {
    let macros = Macros::of(sources, machine.facts);
    let mut account = Account::default();
    if machine.is_inline() {
        inline(machine, &macros, &mut account);
    } else {
        out_of_line(machine, &macros, &mut account);
    }
    let prefix = format!("{} ({})", machine.name, machine.abi);
    for finding in &mut account.findings {
        *finding = format!("{prefix}: {finding}");
    }
    account
}

/// The block that a macro call becomes.
fn block(call: &str, macros: &Macros, machine: &Machine) -> Block {
    let mut tokens = read(call);
    // A macro may end in another one.
    while let [
        Token::Word(name),
        Token::Mark('!'),
        Token::Group(_, arguments),
    ] = &tokens[..]
        && name != "asm"
    {
        tokens = macros.expand(name, arguments);
        if let [Token::Group('{', inner)] = &tokens[..] {
            tokens = inner.clone();
        }
    }
    Block::find(&tokens, macros, machine)
}

fn inline(machine: &Machine, macros: &Macros, account: &mut Account) {
    let resume = block(
        "exchange!(jump_to, from, to, word, signal, link)",
        macros,
        machine,
    );
    let switch = block(
        "exchange!(jump_to, from, to, word, signal)",
        macros,
        machine,
    );
    let descend = block(
        "exchange!(call_below, from, to, word, signal)",
        macros,
        machine,
    );
    let depart = block("depart!(to, word, signal)", macros, machine);

    for (name, block) in [
        ("resume", &resume),
        ("switch", &switch),
        ("descend", &descend),
    ] {
        let mut find = |text: String| account.findings.push(format!("{name}: {text}"));
        scratch_is_early(block, machine, &mut find);
        written_is_declared(block, machine, &mut find);
        inputs_are_read_first(block, &mut find);
        let landing = block.instructions.last().map(|last| last.text.as_str());
        if machine.landing_pad.is_some() && landing != machine.landing_pad {
            find(format!(
                "execution goes on without a landing pad, at {landing:?}"
            ));
        }
        if block.clobber_abi != [machine.clobber_abi] {
            find(format!("clobber_abi is {:?}", block.clobber_abi));
        }
        // `nostack` would leave the red zone to the compiler; `preserves_flags`
        // and `nomem` are not true of what runs until the switch returns.
        if block.options.iter().any(|option| option != "att_syntax") {
            find(format!("options are {:?}", block.options));
        }
    }
    let mut find = |text: String| account.findings.push(format!("exit_to: {text}"));
    scratch_is_early(&depart, machine, &mut find);
    inputs_are_read_first(&depart, &mut find);
    if depart
        .operands
        .iter()
        .any(|operand| operand.register.is_none() || operand.is_output())
    {
        find("an operand is not an input in a named register".to_owned());
    }
    if !depart.options.contains(&"noreturn".to_owned()) {
        find("it is not declared `noreturn`".to_owned());
    }

    let declared = |register: &&&str| {
        let mut outputs = switch.operands.iter().filter(|operand| operand.is_output());
        outputs.any(|operand| operand.register.as_deref() == Some(register))
    };
    account.declared = machine
        .non_volatile
        .iter()
        .filter(declared)
        .map(|r| r.to_string())
        .collect();
    balance(machine, &switch.instructions, account);
}

/// A register that is written while an operand is still to be read that may be
/// in any register, shares its register with no input.
fn scratch_is_early(block: &Block, machine: &Machine, find: &mut dyn FnMut(String)) {
    for operand in block.operands.iter().filter(|operand| operand.is_input()) {
        let (None, Some(name)) = (&operand.register, &operand.name) else {
            continue;
        };
        let placeholder = format!("{{{name}}}");
        let reads = |instruction: &Instruction| instruction.read.contains(&placeholder);
        let last = block
            .instructions
            .iter()
            .rposition(reads)
            .expect("every input is read");
        for instruction in &block.instructions[..last] {
            for register in &instruction.written {
                let is_early = block.operands.iter().any(|other| {
                    other.register.as_ref() == Some(register)
                        && matches!(other.direction, Direction::Out | Direction::InOut)
                });
                if !is_early && !machine.never_chosen.contains(&register.as_str()) {
                    find(format!(
                        "`{}` writes {register} before {placeholder} is read, which may be there: \
                         declare it `out(\"{register}\")`",
                        instruction.text
                    ));
                }
            }
        }
    }
}

/// The compiler knows of every register that the block leaves changed.
fn written_is_declared(block: &Block, machine: &Machine, find: &mut dyn FnMut(String)) {
    for instruction in &block.instructions {
        for register in &instruction.written {
            let is_declared = block
                .operands
                .iter()
                .any(|operand| operand.is_output() && operand.register.as_ref() == Some(register));
            let is_kept = machine.non_volatile.contains(&register.as_str())
                || machine.stack_pointer == register;
            if !is_declared && !is_kept && !machine.volatile.contains(&register.as_str()) {
                find(format!(
                    "`{}` writes {register}, which is not declared",
                    instruction.text
                ));
            }
        }
    }
}

/// No input in a named register is overwritten and then read. There are two
/// exceptions: the address of the saved registers is made the context; and on
/// x86, which has few registers, the link's is used again after it was read.
fn inputs_are_read_first(block: &Block, find: &mut dyn FnMut(String)) {
    for operand in block
        .operands
        .iter()
        .filter(|o| o.is_input() && o.value != "saved")
    {
        let Some(register) = &operand.register else {
            continue;
        };
        let writes = |instruction: &Instruction| instruction.written.contains(register);
        let reads = |instruction: &Instruction| instruction.read.contains(register);
        let Some(first) = block.instructions.iter().position(writes) else {
            continue;
        };
        let is_done = operand.value == "link" && block.instructions[..first].iter().any(reads);
        if !is_done && block.instructions[first + 1..].iter().any(reads) {
            find(format!(
                "{register} is an input, and is written before it is read"
            ));
        }
    }
}

/// What is stored is loaded again, and with what is declared lost it is all that
/// a callee must preserve.
fn balance(machine: &Machine, instructions: &[Instruction], account: &mut Account) {
    let mut stored = Vec::new();
    let mut loaded = BTreeSet::new();
    // What a scratch register is a copy of.
    let mut copies: BTreeMap<&str, &str> = BTreeMap::new();
    for instruction in instructions {
        for register in &instruction.stored {
            let original = copies.get(register.as_str()).copied();
            stored.push(original.unwrap_or(register).to_owned());
        }
        let original = match &instruction.read[..] {
            _ if instruction.is_address => Some("the address"),
            [only] if instruction.loaded.is_empty() => {
                Some(copies.get(only.as_str()).copied().unwrap_or(only))
            }
            _ => None,
        };
        for register in &instruction.written {
            copies.remove(register.as_str());
            copies.extend(original.map(|original| (register.as_str(), original)));
        }
        loaded.extend(instruction.loaded.iter().cloned());
        // A copy of what was loaded.
        if let [only] = &instruction.read[..]
            && loaded.contains(only)
            && instruction.loaded.is_empty()
        {
            loaded.extend(instruction.written.iter().cloned());
        }
    }
    let is_non_volatile = |register: &String| machine.non_volatile.contains(&register.as_str());
    stored.retain(|r| is_non_volatile(r) || r == machine.stack_pointer || r == "the address");
    let mut find = |text: String| account.findings.push(text);
    for register in machine.non_volatile {
        let register = register.to_string();
        let (saved, restored) = (stored.contains(&register), loaded.contains(&register));
        match (saved, restored) {
            (true, true) => continue,
            (true, false) => find(format!("{register} is stored, and not loaded")),
            (false, true) => find(format!("{register} is loaded, and not stored")),
            (false, false) => {}
        }
        if !account.declared.contains(&register) {
            find(format!(
                "{register} is non-volatile, and neither saved nor declared lost"
            ));
        }
    }
    let moves_stack = |i: &Instruction| i.written.iter().any(|r| r == machine.stack_pointer);
    let window = instructions.iter().any(|i| i.mnemonic == "restore");
    if !window && !instructions.iter().any(moves_stack) {
        find("the stack pointer is not exchanged".to_owned());
    }
    if machine.is_inline() && !stored.iter().any(|register| register == "the address") {
        find("the address to continue at is not saved".to_owned());
    }
    account.saved = stored;
}

/// A function of its own: every non-volatile register is stored and loaded, and
/// no argument is overwritten before it is read.
fn out_of_line(machine: &Machine, macros: &Macros, account: &mut Account) {
    let bodies = [
        ("resume", "exchange!(store_link!())"),
        ("switch", "exchange!(\"\")"),
        ("descend", "descend!()"),
        ("exit_to", "depart!()"),
    ];
    for (name, call) in bodies {
        let body = instructions(&macros.text(&read(call)), machine);
        for argument in machine.arguments {
            let is_read = |i: &Instruction| i.read.iter().any(|r| r == argument);
            let is_written = |i: &Instruction| i.written.iter().any(|r| r == argument);
            let written = body.iter().position(is_written).unwrap_or(body.len());
            if body.iter().skip(written + 1).any(is_read) {
                account
                    .findings
                    .push(format!("{name}: {argument} is written before it is read"));
            }
        }
        let windows = ["save", "flushw"].map(|m| body.iter().filter(|i| i.mnemonic == m).count());
        if machine.name.starts_with("SPARC") && windows != [1, 1] {
            account
                .findings
                .push(format!("{name}: the windows are not in memory"));
        }
        if name == "switch" {
            balance(machine, &body, account);
        }
    }
}
