//! Where the system has no more, there is an error that names the limit, and
//! the process goes on.

use sure_stack::{GuardedMmapStack, Limit, PooledStack, Stack, StackError};
use testing::child;

testing::scenarios!(scenario; exhaust_the_address_space, exhaust_the_mappings);

fn exhaust_the_address_space() {
    let mut stacks = Vec::new();
    let error = loop {
        match PooledStack::new() {
            Ok(stack) => stacks.push(stack),
            Err(error) => break error,
        }
    };
    println!("{error}");
    assert!(matches!(
        error,
        StackError::Map {
            limit: Limit::AddressSpace(_),
            ..
        }
    ));
    let count = stacks.len();
    drop(stacks);
    println!("kept {}", PooledStack::kept());
    PooledStack::trim();
    let again: Vec<_> = (0..count).map(|_| PooledStack::new().unwrap()).collect();
    println!("again {}", again.len() == count);
}

#[test]
fn an_exhausted_address_space_is_an_error_that_passes() {
    let ended = child::run_below(
        "ulimit -v 500000",
        "limits::scenario",
        "exhaust_the_address_space",
    );
    ended.assert_success(&["raise `ulimit -v`", "kept 256", "again true"]);
}

fn exhaust_the_mappings() {
    let mut stacks = Vec::with_capacity(40_000);
    let error = loop {
        match GuardedMmapStack::allocate_at_least(1) {
            Ok(stack) => stacks.push(stack),
            Err(error) => break error,
        }
        if stacks.len() == 40_000 {
            return println!("no limit met");
        }
    };
    // Some mappings first: a process without any cannot even print.
    stacks.truncate(stacks.len() - 100);
    println!("{error}");
    // A failed guard must not leave its mapping behind.
    let failures = (0..1000)
        .filter(|_| GuardedMmapStack::allocate_at_least(1).is_err())
        .count();
    println!("failures {failures}");
    assert!(stacks.iter().all(|stack| stack.size() > 0));
}

#[test]
fn exhausted_mappings_are_an_error_that_passes() {
    let ended = child::run("limits::scenario", "exhaust_the_mappings");
    if ended.output.contains("no limit met") {
        return ended.assert_success(&[]);
    }
    ended.assert_success(&["raise vm.max_map_count", "failures 0"]);
}
