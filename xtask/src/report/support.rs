//! `cargo xtask table`: the README's table of targets, made from the list of targets and the last runs on them.

use anyhow::{Context, Result, bail};
use comfy_table::{Table, presets};

use crate::report::record::{FILE, Found, LastRun};
use crate::target;
use crate::workspace::{self, Workspace};

const README: &str = "README.md";
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
    let readme = readme()?;
    if replace(&readme, &table(&last))? != readme {
        bail!("README.md's support table is not that of {FILE}; write it with: cargo xtask table");
    }
    Ok(())
}

fn readme() -> Result<String> {
    std::fs::read_to_string(workspace::root().join(README)).context("cannot read README.md")
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
