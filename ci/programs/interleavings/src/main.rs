//! Follows every order in each case of the true copies, and looks for the one in which each broken copy fails.

mod cases;
mod hosted;
mod model;

use std::process::ExitCode;

use model::explore::{Case, explore};

type MakeCase = fn() -> Case;

/// Of the sources as they are.
const RIGHT: [(&str, MakeCase); 8] = [
    ("stores and loads", cases::strong_stores),
    ("a search and changes", cases::index::search_and_change),
    (
        "the same among tall ones",
        cases::index::search_among_tall_ones,
    ),
    ("two searches and a change", cases::index::two_searches),
    ("two changes", cases::index::two_changes),
    ("a fork beside a search", cases::index::fork_beside_a_search),
    ("a fork beside holders, in the parent", cases::lock::parent),
    ("a fork beside holders, in the child", cases::lock::child),
];

/// Of broken copies.
const WRONG: [(&str, MakeCase); 9] = [
    ("weak stores and loads", cases::weak_stores),
    ("no lock", cases::index_without_the_lock::two_changes),
    (
        "no look at searches",
        cases::index_that_frees_at_once::search_and_change,
    ),
    (
        "a weak store",
        cases::index_with_a_weak_store::search_and_change,
    ),
    (
        "a search counted late",
        cases::index_that_counts_late::search_and_change,
    ),
    (
        "no generations",
        cases::index_of_all_generations::fork_beside_a_search,
    ),
    ("no handlers of forks", cases::lock_without_handlers::child),
    (
        "the first registration trusted",
        cases::lock_that_trusts_the_first::child,
    ),
    (
        "handlers that do not count",
        cases::lock_whose_handlers_do_not_count::parent,
    ),
];

fn main() -> ExitCode {
    // Panics of the threads are what is looked for.
    std::panic::set_hook(Box::new(|_| ()));
    let mut good = true;
    let rights = RIGHT.iter().map(|case| (case, true));
    let wrongs = WRONG.iter().map(|case| (case, false));
    for ((name, case), right) in rights.chain(wrongs) {
        let found = explore(case);
        let verdict = found.violation.as_deref().unwrap_or("all right");
        eprintln!(
            "{name}: {verdict}; {} executions, {} redundant",
            found.executions, found.redundant
        );
        good &= found.violation.is_none() == right;
    }
    if !good {
        return ExitCode::FAILURE;
    }
    println!("every order is right, and every broken copy was found");
    ExitCode::SUCCESS
}
