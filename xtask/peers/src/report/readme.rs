//! The table of the README, between two marks.

use super::markdown::{conditions, summary};
use crate::chart::Chart;
use crate::results::Report;
use std::fmt::Write as _;
use std::path::{Component, Path};

const BEGIN: &str = "<!-- speed table: written by `cargo xtask bench-peers -- --publish` -->";
const END: &str = "<!-- end of the speed table -->";

/// Puts the report's summary and its charts, which lie in `folder`, into the file `readme`.
pub fn update(
    report: &Report,
    charts: &[Chart],
    folder: &Path,
    readme: &Path,
) -> Result<(), String> {
    let context = |error: std::io::Error| format!("{}: {error}", readme.display());
    let old = std::fs::read_to_string(readme).map_err(context)?;
    let new = replace(&old, &table(report, charts, folder))
        .map_err(|problem| format!("{}: {problem}", readme.display()))?;
    std::fs::write(readme, new).map_err(context)?;
    println!("{} has the table of this report", readme.display());
    Ok(())
}

fn table(report: &Report, charts: &[Chart], folder: &Path) -> String {
    let mut text = format!(
        "{}\n\n{}",
        conditions(report),
        summary(&report.rows).trim_end()
    );
    let folder = url(folder);
    let _ = write!(
        text,
        "\n\nMedians; every peer, ranges and quartiles are in [the report]({folder}/report.md).\n"
    );
    for chart in charts {
        let _ = write!(text, "\n![{}]({folder}/{})\n", chart.title, chart.file);
    }
    text
}

/// A path as a link has it.
fn url(path: &Path) -> String {
    let names = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy()),
        _ => None,
    });
    names.collect::<Vec<_>>().join("/")
}

/// The text with something else between the marks.
fn replace(text: &str, new: &str) -> Result<String, String> {
    let missing = |mark: &str| format!("there is no line {mark:?}");
    let (head, rest) = text.split_once(BEGIN).ok_or_else(|| missing(BEGIN))?;
    let (_, tail) = rest.split_once(END).ok_or_else(|| missing(END))?;
    Ok(format!("{head}{BEGIN}\n{}\n{END}{tail}", new.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let readme = format!("# Head\n{BEGIN}\nold\n{END}\ntail\n");
        let new = replace(&readme, "| new |\n").unwrap();
        assert_eq!(new, format!("# Head\n{BEGIN}\n| new |\n{END}\ntail\n"));
        assert_eq!(replace(&new, "| new |\n").unwrap(), new);
    }

    #[test]
    fn a_readme_without_marks_is_left_alone() {
        assert!(replace("# Head\n", "").unwrap_err().contains(BEGIN));
        assert!(replace(BEGIN, "").unwrap_err().contains(END));
    }

    #[test]
    fn links_have_slashes_and_no_dots() {
        assert_eq!(
            url(Path::new("./crates/benches/report/")),
            "crates/benches/report"
        );
    }
}
