//! The chores of this workspace, as a program: `cargo xtask help`.
fn main() {}
