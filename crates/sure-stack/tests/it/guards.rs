//! An access below the limit ends the process.

use sure_stack::{
    ArenaConfig, GUARD_SIZE, GuardedMmapStack, Guards, PooledStack, Stack, StackArena,
    release_below,
};
use testing::child;

testing::scenarios!(
    scenario;
    write_just_below,
    read_at_the_guards_end,
    write_below_a_pooled_one,
    write_below_one_of_an_arena,
    write_below_a_protected_one_of_an_arena,
    read_at_the_guards_end_in_an_arena,
    write_below_one_whose_memory_was_given_back,
    write_below_the_first_of_an_arena,
    write_below_a_released_one,
    write_below_a_released_pooled_one,
    write_below_a_released_protected_one,
);

const SIGSEGV: i32 = 11;

fn touch(stack: &impl Stack, below: usize, write: bool) {
    // SAFETY: the first access is inside the stack; the second is meant to fault.
    unsafe {
        stack.limit().as_ptr().write_volatile(1);
        println!("at the limit");
        let beyond = stack.limit().as_ptr().wrapping_sub(below);
        if write {
            beyond.write_volatile(1)
        } else {
            println!("{}", beyond.read_volatile())
        }
    }
    println!("survived");
}

fn write_just_below() {
    touch(&GuardedMmapStack::allocate_at_least(1).unwrap(), 1, true);
}

fn read_at_the_guards_end() {
    touch(
        &GuardedMmapStack::allocate_at_least(1).unwrap(),
        GUARD_SIZE,
        false,
    );
}

fn write_below_a_pooled_one() {
    // One that has been used before.
    drop(PooledStack::new().unwrap());
    touch(&PooledStack::new().unwrap(), 1, true);
}

/// The stacks of an arena, so many that there are some below and above.
fn arena(guards: Guards) -> StackArena {
    let config = ArenaConfig::new().stack_size(1).guards(guards).keep(0);
    config.build().unwrap()
}

fn touch_in_the_middle(guards: Guards, below: usize, write: bool) {
    let arena = arena(guards);
    let stacks: Vec<_> = (0..9).map(|_| arena.allocate().unwrap()).collect();
    for stack in &stacks {
        // SAFETY: the lowest byte of a stack on which nothing runs.
        unsafe { stack.limit().as_ptr().write_volatile(1) };
    }
    touch(&stacks[4], below, write);
}

fn write_below_one_of_an_arena() {
    touch_in_the_middle(Guards::Automatic, 1, true);
}

fn write_below_a_protected_one_of_an_arena() {
    touch_in_the_middle(Guards::Mprotect, 1, true);
}

fn read_at_the_guards_end_in_an_arena() {
    touch_in_the_middle(Guards::Automatic, GUARD_SIZE, false);
}

fn write_below_one_whose_memory_was_given_back() {
    let arena = arena(Guards::Automatic);
    let other = arena.allocate().unwrap();
    drop(arena.allocate().unwrap());
    arena.trim();
    touch(&arena.allocate().unwrap(), 1, true);
    drop(other);
}

fn write_below_the_first_of_an_arena() {
    let stack = arena(Guards::Automatic).allocate().unwrap();
    touch(&stack, GUARD_SIZE, true);
}

/// Gives back a stack from its limit on, and touches that.
fn touch_released(stack: &impl Stack) {
    // SAFETY: the whole stack, on which nothing runs.
    unsafe {
        stack
            .limit()
            .write_bytes(1, stack.base().addr().get() - stack.limit().addr().get());
        release_below(stack, stack.base().as_ptr());
    }
    touch(stack, 1, true);
}

fn write_below_a_released_one() {
    touch_released(&GuardedMmapStack::allocate_at_least(100_000).unwrap());
}

fn write_below_a_released_pooled_one() {
    touch_released(&PooledStack::new().unwrap());
}

fn write_below_a_released_protected_one() {
    touch_released(&arena(Guards::Mprotect).allocate().unwrap());
}

#[track_caller]
fn assert_faults(scenario: &str) {
    let ended = child::run("guards::scenario", scenario);
    ended.assert_killed(SIGSEGV, &["at the limit"]);
    assert!(!ended.output.contains("survived"));
}

#[test]
fn a_write_below_the_limit_faults() {
    assert_faults("write_just_below");
}

#[test]
fn a_read_at_the_far_end_of_the_guard_faults() {
    assert_faults("read_at_the_guards_end");
}

#[test]
fn a_pooled_stack_has_a_guard_too() {
    assert_faults("write_below_a_pooled_one");
}

#[test]
fn a_stack_of_an_arena_has_a_guard() {
    assert_faults("write_below_one_of_an_arena");
    assert_faults("read_at_the_guards_end_in_an_arena");
    assert_faults("write_below_the_first_of_an_arena");
}

#[test]
fn a_protected_stack_of_an_arena_has_a_guard() {
    assert_faults("write_below_a_protected_one_of_an_arena");
}

#[test]
fn a_guard_outlives_the_memory_above_it() {
    assert_faults("write_below_one_whose_memory_was_given_back");
}

#[test]
fn a_guard_outlives_the_release_of_all_that_is_above_it() {
    assert_faults("write_below_a_released_one");
    assert_faults("write_below_a_released_pooled_one");
    assert_faults("write_below_a_released_protected_one");
}
