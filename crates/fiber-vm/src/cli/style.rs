//! Colours; `anstream` drops them where the output is no terminal.

use anstyle::{AnsiColor, Style};

pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(crate) const PLACE: Style = AnsiColor::Blue.on_default().bold();
pub(crate) const FIBER: Style = AnsiColor::Cyan.on_default();
pub(crate) const DIM: Style = Style::new().dimmed();
