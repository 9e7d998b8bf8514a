//! The assembly of every backend, read as text on any target: no scratch
//! register is written where an input may still be, every register of the ABI's
//! non-volatile set is saved or declared lost, and the README says which.

mod backends;
mod block;
mod machine;
mod macros;
mod rules;
mod tokens;

use backends::MACHINES;
use machine::Machine;
use rules::examine;

/// The backend whose mutants are examined.
fn machine(name: &str) -> &'static Machine {
    let found = MACHINES.iter().find(|machine| machine.name == name);
    found.expect("a backend of that name")
}

/// The findings after an exchange in the source of a backend.
fn findings_with(name: &str, from: &str, to: &str) -> String {
    let machine = machine(name);
    let source = machine.sources[0];
    assert!(source.contains(from), "{name} has `{from}`");
    let source = source.replacen(from, to, 1);
    let sources: Vec<&str> = [source.as_str()]
        .into_iter()
        .chain(machine.sources[1..].iter().copied())
        .collect();
    examine(machine, &sources).findings.join("\n")
}

#[test]
fn every_backend_obeys_the_rules() {
    for machine in MACHINES {
        let account = examine(machine, machine.sources);
        assert!(
            account.findings.is_empty(),
            "{}",
            account.findings.join("\n")
        );
    }
}

#[test]
fn a_scratch_register_that_may_hold_an_input_is_found() {
    for (name, early, late, register) in [
        ("AArch64", "out(\"x4\") _,", "", "x4"),
        ("AArch64", "out(\"x4\") _,", "lateout(\"x4\") _,", "x4"),
        ("x86-64", "out(\"rax\") _,", "", "rax"),
        (
            "x86-64",
            "out(\"rdi\") $from",
            "lateout(\"rdi\") $from",
            "rdi",
        ),
        ("Arm", "out(\"lr\") _,", "", "lr"),
        ("Arm", "out(\"r12\") _,", "lateout(\"r12\") _,", "r12"),
        ("RISC-V, 64 bits", "out(\"a4\") _,", "", "a4"),
        ("LoongArch, 64 bits", "out(\"$a4\") _,", "", "a4"),
        ("s390x", "out(\"r1\") _,", "", "r1"),
        ("PowerPC, 32 bits", "out(\"r7\") _,", "", "r7"),
        ("PowerPC, 64 bits", "out(\"r7\") _,", "", "r7"),
    ] {
        let findings = findings_with(name, early, late);
        let wanted = format!("writes {register} before {{link}} is read");
        assert!(
            findings.contains(&wanted),
            "{name} without {early}: {findings}"
        );
    }
}

#[test]
fn an_input_that_is_read_too_late_is_found() {
    let findings = findings_with("x86-64", "$leave!(),", "$leave!(), \"mov rax, [{link}]\",");
    assert!(findings.contains("before {link} is read"), "{findings}");
    // The call puts an address into the link's register.
    let (store, call) = ("$($store_link)*", "\"call {here}\",");
    let source = machine("x86").sources[0];
    let between = source
        .split_once(store)
        .expect("a store")
        .1
        .split_once(call)
        .expect("a call")
        .0;
    let findings = findings_with(
        "x86",
        &format!("{store}{between}{call}"),
        &format!("{call}{store}"),
    );
    assert!(findings.contains("ebx is an input"), "{findings}");
    let findings = findings_with("AArch64", "ldr x4, [x3, 24]", "ldr x3, [x3, 24]");
    assert!(findings.contains("x3 is an input"), "{findings}");
    let findings = findings_with("MIPS, 32 bits", "\"move $3, $5\",", "\"move $4, $5\",");
    assert!(
        findings.contains("$4 is written before it is read"),
        "{findings}"
    );
}

#[test]
fn a_register_that_is_neither_saved_nor_declared_is_found() {
    for (name, from, to, wanted) in [
        ("AArch64", "lateout(\"x25\") _,", "", "x25 is non-volatile"),
        ("AArch64", "lateout(\"v15\") _,", "", "v15 is non-volatile"),
        (
            "AArch64",
            "ldr x19, [x3, 16]",
            "",
            "x19 is stored, and not loaded",
        ),
        (
            "Arm",
            "\"str r7, [r0, #12]\",",
            "",
            "r7 is loaded, and not stored",
        ),
        (
            "PowerPC, 64 bits",
            "lateout(\"cr3\") _,",
            "",
            "cr3 is non-volatile",
        ),
        (
            "PowerPC, 64 bits",
            "by_width!(\"\", \"ld 2, 40(6)\\n\"),",
            "",
            "r2 is stored, and not loaded",
        ),
        (
            "RISC-V, 64 bits",
            "store!(\"s1\", \"8\", \"16\", \"a0\"),",
            "",
            "s1 is loaded, and not stored",
        ),
        (
            "LoongArch, 64 bits",
            "lateout(\"$fs7\") _,",
            "",
            "fs7 is non-volatile",
        ),
        ("s390x", "lateout(\"r13\") _,", "", "r13 is non-volatile"),
        (
            "x86",
            "movl 8(%edi), %esi",
            "",
            "esi is stored, and not loaded",
        ),
        (
            "x86-64",
            "\"mov [rsp - 24], rbx\",",
            "",
            "rbx is loaded, and not stored",
        ),
        (
            "MIPS, 32 bits",
            "$before, 23, words_at!(), 7, $after,",
            "",
            "$23 is non-volatile",
        ),
        (
            "SPARC, 64 bits",
            "stx %i7, [%l0 + 8]",
            "",
            "i7 is non-volatile",
        ),
        (
            "SPARC, 64 bits",
            "flushw\\n",
            "",
            "windows are not in memory",
        ),
    ] {
        let findings = findings_with(name, from, to);
        assert!(
            findings.contains(wanted),
            "{name} without `{from}`: {findings}"
        );
    }
}

#[test]
fn flags_and_the_red_zone_are_not_promised() {
    for option in ["preserves_flags", "nostack", "nomem"] {
        let clobbers = "clobber_abi(\"C\"),\n        );";
        let with = format!("clobber_abi(\"C\"), options({option}), );");
        let findings = findings_with("AArch64", clobbers, &with);
        assert!(findings.contains(option), "{findings}");
    }
    let findings = findings_with(
        "x86-64",
        "clobber_abi(\"sysv64\")",
        "clobber_abi(\"win64\")",
    );
    assert!(findings.contains("win64"), "{findings}");
    // What changes the direction flag is no instruction that a backend may use.
    for instruction in ["std", "popfq"] {
        let with = format!("$leave!(), \"{instruction}\",");
        let result = std::panic::catch_unwind(|| findings_with("x86-64", "$leave!(),", &with));
        assert!(result.is_err(), "{instruction} is unknown");
    }
}

#[test]
fn a_missing_landing_pad_is_found() {
    let findings = findings_with("AArch64", "\"2:\",\n            bti_j!(),", "\"2:\",");
    assert!(findings.contains("without a landing pad"), "{findings}");
}

/// `s0, s1, s2` as `s0-s2`.
fn ranges(registers: &[String]) -> String {
    let split = |register: &str| {
        let digits = register
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .len();
        let number = register[digits..].parse::<u32>().ok();
        (register[..digits].to_owned(), number)
    };
    let mut runs: Vec<(String, String)> = Vec::new();
    let mut last = None;
    for register in registers {
        let (prefix, number) = split(register);
        let follows = number.is_some_and(|n| n > 0 && last == Some((prefix.clone(), Some(n - 1))));
        if follows {
            runs.last_mut()
                .expect("a predecessor")
                .1
                .clone_from(register);
        } else {
            runs.push((register.clone(), register.clone()));
        }
        last = Some((prefix, number));
    }
    let run = |(first, last): &(String, String)| match first == last {
        true => first.clone(),
        false => format!("{first}-{last}"),
    };
    runs.iter().map(run).collect::<Vec<_>>().join(", ")
}

/// The table of the README.
fn table() -> String {
    let mut table = String::from(
        "| architecture | ABI | saved by the switch | declared lost: the compiler saves those in use |\n|---|---|---|---|\n",
    );
    for machine in MACHINES {
        let account = examine(machine, machine.sources);
        let name = |register: &String| match register {
            pointer if pointer == machine.stack_pointer => "sp".to_owned(),
            other => other.clone(),
        };
        let saved = account
            .saved
            .iter()
            .filter(|register| *register != "the address");
        let saved: Vec<String> = saved.map(name).collect();
        let declared = if machine.is_inline() {
            ranges(&account.declared)
        } else {
            "–".to_owned()
        };
        table += &format!(
            "| {} | {} | {} | {declared} |\n",
            machine.name,
            machine.abi,
            ranges(&saved)
        );
    }
    table
}

/// With `UPDATE_README` in the environment, the table is written; without, it is compared.
#[test]
fn the_readme_says_what_a_switch_saves() {
    let table = table();
    let readme = include_str!("../../README.md");
    if std::env::var_os("UPDATE_README").is_some() {
        let head = table.lines().next().expect("a table has a head");
        let start = readme.find(head).expect("the README has the table");
        let end = start + readme[start..].find("\n\n").expect("text follows") + 1;
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        let text = [&readme[..start], &table, &readme[end..]].concat();
        std::fs::write(path, text).expect("the README can be written");
        return;
    }
    assert!(
        readme.contains(&table),
        "the README's table is written by `UPDATE_README=1 cargo test -p sure-context --test asm`, \
         and should be:\n\n{table}"
    );
}
