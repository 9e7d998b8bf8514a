//! Where the system has no more, there is an error that names the limit, and
//! the process goes on.

use sure_stack::{
    ArenaConfig, GuardedMmapStack, Guards, Limit, PooledStack, Stack, StackArena, StackError,
};
use testing::child;

testing::scenarios!(
    scenario;
    exhaust_the_address_space,
    exhaust_the_mappings,
    exhaust_the_mappings_of_an_arena,
    lock_all_memory,
);

fn run(scenario: &str) -> child::Ended {
    child::run("limits::scenario", scenario)
}

fn exhaust_the_address_space() {
    let mut stacks = Vec::new();
    let error = loop {
        match PooledStack::new() {
            Ok(stack) => stacks.push(stack),
            Err(error) => break error,
        }
    };
    println!("{error}");
    // It was not for want of room for many at once.
    GuardedMmapStack::allocate_at_least(1 << 20).unwrap_err();
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
    assert!(PooledStack::arena().trim() > 200 << 20);
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

/// What a process can do that has mappings left.
fn go_on() {
    let large = vec![1_u8; 8 << 20];
    let sum = std::thread::spawn(move || large.iter().map(|byte| u64::from(*byte)).sum::<u64>());
    println!("a thread returned {}", sum.join().unwrap());
    let caught = std::panic::catch_unwind(|| panic!("a panic with its message"));
    println!("caught {}", caught.is_err());
}

/// Takes stacks until there is an error that names the limit; goes on, and takes
/// as many again.
fn exhaust<S: Stack>(mut take: impl FnMut() -> Result<S, StackError>) {
    let mut fill = |stacks: &mut Vec<S>| loop {
        match take() {
            Ok(stack) => stacks.push(stack),
            Err(error) => break error,
        }
        if stacks.len() == 40_000 {
            println!("no limit met");
            std::process::exit(0);
        }
    };
    let mut stacks = Vec::new();
    let error = fill(&mut stacks);
    println!("{error}");
    match error {
        StackError::MapCount {
            stacks: count,
            limit,
            lightweight_guards,
        } => {
            assert!(count >= stacks.len() && 2 * count as u64 <= limit);
            // The advice is what helps on this system.
            let arena = StackArena::new(4096).unwrap();
            let guarded = arena
                .allocate()
                .map(|_| arena.statistics().protected_guards);
            assert_eq!(matches!(guarded, Ok(0)), lightweight_guards, "{guarded:?}");
            let instead = if lightweight_guards {
                "an arena or a pool"
            } else {
                "Linux 6.13"
            };
            assert!(error.to_string().contains(instead), "{error}");
        }
        // Addresses of 32 bits may run out before.
        StackError::Map { .. } if cfg!(target_pointer_width = "32") => {
            return println!("no limit met");
        }
        other => panic!("{other:?}"),
    }
    go_on();
    let count = stacks.len();
    stacks.truncate(count / 2);
    if let StackError::MapCount { stacks: known, .. } = fill(&mut stacks) {
        // A stack that is gone does not count any more.
        assert!(known < stacks.len() + 200, "{known} of {}", stacks.len());
    }
    println!(
        "again {}",
        stacks.len() > count - 200 && stacks.len() < count + 200
    );
    go_on();
}

fn exhaust_the_mappings() {
    exhaust(|| GuardedMmapStack::allocate_at_least(1));
}

fn exhaust_the_mappings_of_an_arena() {
    let config = ArenaConfig::new().stack_size(4096).guards(Guards::Mprotect);
    let arena = config.build().unwrap();
    exhaust(|| arena.allocate());
    arena.trim();
    assert_eq!(arena.statistics().protected_guards, 0);
}

#[track_caller]
fn assert_goes_on(scenario: &str) {
    let ended = run(scenario);
    if ended.output.contains("no limit met") {
        return ended.assert_success(&[]);
    }
    ended.assert_success(&[
        "raise vm.max_map_count",
        "a thread returned 8388608",
        "a panic with its message",
        "caught true",
        "again true",
    ]);
}

#[test]
fn exhausted_mappings_are_an_error_that_passes() {
    assert_goes_on("exhaust_the_mappings");
}

#[test]
fn exhausted_mappings_of_an_arena_are_an_error_that_passes() {
    assert_goes_on("exhaust_the_mappings_of_an_arena");
}

fn lock_all_memory() {
    // SAFETY: changes no memory, but makes it stay.
    if unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE) } != 0 {
        return println!("may not lock memory");
    }
    let arena = ArenaConfig::new().stack_size(16 << 10).build().unwrap();
    let mut stacks = Vec::new();
    while stacks.len() < 100 {
        match arena.allocate() {
            Ok(stack) => stacks.push(stack),
            // The limit of locked memory, which is small for most users.
            Err(error) => {
                println!("{error}");
                break;
            }
        }
    }
    for stack in &stacks {
        // SAFETY: the lowest byte of a stack on which nothing runs.
        unsafe { stack.limit().as_ptr().write_volatile(1) };
    }
    println!(
        "guarded {}",
        arena.statistics().protected_guards == stacks.len()
    );
    // Not much more than these: with their guards, of a mebibyte where there are no stack probes.
    assert!(arena.statistics().reserved_bytes < 400 << 20);
}

#[test]
fn locked_memory_is_guarded_too() {
    let ended = run("lock_all_memory");
    if !ended.output.contains("may not lock memory") {
        ended.assert_success(&["guarded true"]);
    }
}
