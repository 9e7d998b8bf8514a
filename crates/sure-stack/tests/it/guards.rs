//! An access below the limit ends the process.

use sure_stack::{GUARD_SIZE, GuardedMmapStack, PooledStack, Stack};
use testing::child;

testing::scenarios!(
    scenario;
    write_just_below,
    read_at_the_guards_end,
    write_below_a_pooled_one,
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
