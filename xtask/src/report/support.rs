//! `cargo xtask table`: the README's table of targets, made from the list of targets and the last runs on them.

use anyhow::{Context, Result, bail};
use comfy_table::{Table, presets};

use crate::report::record::{FILE, Found, LastRun};
use crate::target::facts::{self, System};
use crate::target::{self, foreign};
use crate::workspace::{self, Workspace};

const README: &str = "README.md";
/// The guide's page "Where it runs".
const PAGE: &str = "crates/coro/docs/where_it_runs.md";
const BEGIN: &str = "<!-- support table: written by `cargo xtask table` -->";
const END: &str = "<!-- end of the support table -->";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Change nothing; fail when the README, the findings and the list of targets differ
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: &Args) -> Result<bool> {
    if args.check {
        return check().map(|()| true);
    }
    let mut last = LastRun::read(&LastRun::checked_in())?;
    last.update(LastRun::read(&LastRun::of_here(&Workspace::read()?))?);
    last.targets
        .retain(|triple, _| *triple == last.host || target::find(triple).is_ok());
    last.write(&LastRun::checked_in())?;
    let readme = replace(&readme()?, &table(&last))?;
    std::fs::write(workspace::root().join(README), readme).context("cannot write README.md")?;
    let page = replace(&read(PAGE)?, &where_it_runs())?;
    std::fs::write(workspace::root().join(PAGE), page).context("cannot write the guide's page")?;
    println!("{FILE} and README.md's support table have what the last runs here found.");
    Ok(true)
}

/// That the README's table is that of the findings, which has a line for every target there is, and that no finding is a bad one.
/// How many tests there were when it was made is not looked at: every change would have to run on all targets twice.
pub(crate) fn check() -> Result<()> {
    let last = LastRun::read(&LastRun::checked_in())?;
    for (triple, found) in &last.targets {
        let as_claimed = match (target::find(triple), found) {
            (Ok(target), Found::Ran { .. }) => target.runs(),
            (Ok(target), Found::Builds) => !target.runs(),
            (Ok(_), Found::Broken) => false,
            (Err(_), _) => *triple == last.host,
        };
        if !as_claimed {
            bail!(
                "{FILE} says of {triple} what is not so any more; run `cargo xtask ci`, then `cargo xtask table`"
            );
        }
    }
    let page = read(PAGE)?;
    if replace(&page, &where_it_runs())? != page {
        bail!("{PAGE} is not what the lists of targets say; write it with: cargo xtask table");
    }
    let readme = readme()?;
    if replace(&readme, &table(&last))? != readme {
        bail!("README.md's support table is not that of {FILE}; write it with: cargo xtask table");
    }
    Ok(())
}

fn readme() -> Result<String> {
    read(README)
}

fn read(file: &str) -> Result<String> {
    std::fs::read_to_string(workspace::root().join(file))
        .with_context(|| format!("cannot read {file}"))
}

/// The table of the guide's page: the README's targets by what is done on them, then the systems on which nothing runs.
fn where_it_runs() -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header([
        "target",
        "what is done on it",
        "a switch is",
        "guard, bytes or more",
        "overflow report",
        "`coro-dynamic`",
    ]);
    let mut row = |triple: &str, done: &str, os: &str, arch: &str, threads: bool, copies: bool| {
        let (system, facts) = (System::named(os), facts::Target::named(arch));
        let report = match (&system.guard_signals, system.program_counter(arch)) {
            ([], _) => "no",
            (_, Some(_)) => "yes",
            (_, None) => "yes, without the place",
        };
        let switch = if threads {
            "a thread's turn"
        } else {
            "machine code"
        };
        let guard = facts.guard_bytes().max(4096).to_string();
        let triple = format!("`{triple}`");
        table.add_row([&triple, done, switch, &guard, report, word(copies)]);
    };
    let host = "x86_64-unknown-linux-gnu";
    row(
        host,
        "all tests, on the processor",
        "linux",
        "x86_64",
        false,
        true,
    );
    for target in target::ALL {
        let done = match target.runs() {
            true => "all tests, under qemu",
            false => "compiles; `sure-context`'s tests run",
        };
        row(target.triple, done, "linux", target.arch, false, true);
    }
    for foreign in foreign::ALL {
        let copies = !foreign.without().contains(&"coro-dynamic");
        let done = format!("compiles, not run here ({})", foreign.system);
        let threads = foreign.is_portable();
        row(
            foreign.triple,
            &done,
            foreign.os,
            foreign.arch,
            threads,
            copies,
        );
    }
    table.to_string() + "\n"
}

fn word(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// The same text with a new table between the marks.
fn replace(readme: &str, table: &str) -> Result<String> {
    let parts = readme
        .split_once(BEGIN)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else {
        bail!(
            "README.md has no place for the table: it belongs between the lines `{BEGIN}` and `{END}`"
        );
    };
    Ok(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

/// The table in Markdown.
pub(crate) fn table(last: &LastRun) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header([
        "target",
        "emulator",
        "tests passed / host tests",
        "unwinding",
        "backtrace",
        "stack probes",
    ]);
    let host = (last.host.as_str(), "none: the host", true);
    let others = target::ALL.iter().map(|target| {
        let emulator = *target.qemu.first().unwrap_or(&"");
        (target.triple, emulator, target.stack_probes())
    });
    let word = |yes| if yes { "yes" } else { "no" };
    for (triple, emulator, probes) in std::iter::once(host).chain(others) {
        let (tests, unwinding, backtrace) = match last.targets.get(triple) {
            None => ("not tried".to_owned(), "", ""),
            Some(Found::Broken) => ("does not build".to_owned(), "", ""),
            Some(Found::Builds) => ("builds, not run".to_owned(), "", ""),
            Some(&Found::Ran {
                passed,
                of,
                unwinding,
                backtrace,
            }) => (format!("{passed} / {of}"), word(unwinding), word(backtrace)),
        };
        let triple = format!("`{triple}`");
        let probes = word(probes);
        table.add_row([&triple, emulator, &tests, unwinding, backtrace, probes]);
    }
    table.to_string() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_line() {
        let ran = |passed| Found::Ran {
            passed,
            of: 20,
            unwinding: true,
            backtrace: false,
        };
        let targets = [
            ("x86_64-unknown-linux-gnu", ran(20)),
            ("mips-unknown-linux-gnu", ran(18)),
            ("sparc64-unknown-linux-gnu", Found::Broken),
            ("loongarch64-unknown-linux-gnu", Found::Builds),
        ];
        let table = table(&LastRun {
            host: "x86_64-unknown-linux-gnu".to_owned(),
            targets: targets
                .map(|(triple, found)| (triple.to_owned(), found))
                .into(),
        });
        assert_eq!(table.lines().count(), 3 + target::ALL.len());
        let line = |triple: &str| {
            let line = table.lines().find(|line| line.contains(triple)).unwrap();
            line.split('|').map(str::trim).collect::<Vec<_>>().join("|")
        };
        let lines = ["x86_64", "mips", "sparc64", "loongarch64", "s390x"];
        let expected = [
            "|`x86_64-unknown-linux-gnu`|none: the host|20 / 20|yes|no|yes|",
            "|`mips-unknown-linux-gnu`|qemu-mips|18 / 20|yes|no|no|",
            "|`sparc64-unknown-linux-gnu`|qemu-sparc64|does not build|||no|",
            "|`loongarch64-unknown-linux-gnu`||builds, not run|||no|",
            "|`s390x-unknown-linux-gnu`|qemu-s390x|not tried|||yes|",
        ];
        assert_eq!(lines.map(|arch| line(&format!("`{arch}-"))), expected);
    }

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let readme = format!("# Head\n{BEGIN}\nold\n{END}\ntail\n");
        let new = replace(&readme, "| new |\n").unwrap();
        assert_eq!(new, format!("# Head\n{BEGIN}\n| new |\n{END}\ntail\n"));
        assert_eq!(replace(&new, "| new |\n").unwrap(), new);
        let error = replace("# Head\n", "").unwrap_err().to_string();
        assert!(error.contains(BEGIN));
    }
}
