//! What an overflow prints, and what becomes of other faults.

use core::ffi::{c_int, c_void};
use core::ptr;
use libc::{SIGABRT, SIGSEGV};
use std::sync::atomic::{AtomicUsize, Ordering};
use sure_stack::{ArenaConfig, GUARD_SIZE, GuardedMmapStack, Guards, PooledStack, Stack, overflow};
use testing::{Random, child};

testing::scenarios!(
    scenario;
    hit_a_named_stack,
    hit_the_far_end_by_reading,
    hit_a_pooled_stack,
    hit_without_handler,
    hit_one_of_an_arena,
    hit_one_of_an_arena_with_protected_guards,
    hit_one_of_many,
    hit_while_others_come_and_go,
    hit_on_a_foreign_thread,
    hit_on_an_unprotected_thread,
    hit_on_a_small_alternate_stack,
    hit_by_two_threads,
    hit_in_a_forked_child,
    hit_with_advice,
);

pub(crate) fn stack() -> GuardedMmapStack {
    GuardedMmapStack::allocate_at_least(64 << 10).unwrap()
}

/// Touches the byte that lies this far below a stack's limit.
#[inline(never)]
pub(crate) fn touch_below(stack: &impl Stack, bytes: usize) {
    println!("touching");
    // SAFETY: it is meant to fault.
    unsafe { stack.limit().as_ptr().wrapping_sub(bytes).write_volatile(1) };
    println!("survived");
}

/// The message, with names in braces where a report has values.
const MESSAGE: &str = include_str!("../../src/hosted/overflow/message.txt");

/// How the line of the message with this field begins.
fn beginning(field: &str) -> &'static str {
    let line = MESSAGE.lines().find(|line| line.contains(field)).unwrap();
    line.split('{').next().unwrap()
}

/// Asserts that a child has ended with our message, and these parts in it.
#[track_caller]
pub(crate) fn assert_ours(ended: &child::Ended, parts: &[&str]) {
    let message = [
        beginning("{thread}"),
        beginning("{size}"),
        beginning("{advice}"),
    ];
    ended.assert_killed(SIGABRT, &message);
    ended.assert_killed(SIGABRT, &["touching"]);
    ended.assert_killed(SIGABRT, parts);
    assert!(!ended.output.contains("survived"), "{ended}");
}

/// Asserts that a child was killed without our message, but with these parts.
#[track_caller]
pub(crate) fn assert_not_ours(ended: &child::Ended, signal: c_int, parts: &[&str]) {
    ended.assert_killed(signal, parts);
    assert!(!ended.output.contains(beginning("{advice}")), "{ended}");
    assert!(!ended.output.contains("survived"), "{ended}");
}

fn run(scenario: &str) -> child::Ended {
    child::run("overflow::scenario", scenario)
}

#[track_caller]
fn assert_explained(scenario: &str, parts: &[&str]) -> child::Ended {
    let ended = run(scenario);
    assert_ours(&ended, parts);
    ended
}

#[inline(never)]
pub(crate) fn overflow_this_thread(depth: usize) -> usize {
    let frame = std::hint::black_box([depth; 64]);
    if depth == usize::MAX {
        return 0;
    }
    std::hint::black_box(overflow_this_thread(depth + 1)) + frame[depth % 64]
}

fn hit_a_named_stack() {
    overflow::install().unwrap();
    overflow::install().unwrap();
    assert!(overflow::is_installed());
    let stack = stack();
    assert!(overflow::set_name(&stack, "parser"));
    println!("\nlimit {:?}", stack.limit());
    touch_below(&stack, 8);
}

#[test]
fn a_hit_tells_all_there_is() {
    let ended = assert_explained("hit_a_named_stack", &["the stack of `parser`"]);
    let line = |start: &str| {
        let line = ended.output.lines().find(|line| line.starts_with(start));
        line.unwrap_or_else(|| panic!("no line with {start}: {ended}"))
    };
    let limit = &line("limit ")["limit ".len()..];
    assert!(line(beginning("{thread}")).contains("`parser`"));
    let stack = line(beginning("{size}"));
    assert!(stack.contains("65536") && stack.contains(limit), "{stack}");
    let access = MESSAGE
        .lines()
        .find(|line| line.contains("{below}"))
        .unwrap();
    let ending = access
        .split_once("{address}")
        .unwrap()
        .1
        .replace("{below}", "8");
    assert!(line(beginning("{below}")).ends_with(&ending) || cfg!(target_arch = "s390x"));
    assert!(line(beginning("{advice}")).contains("where the stack is allocated"));
    // The module's path, and the place in it.
    let program = std::env::current_exe().unwrap();
    assert!(
        line(beginning("{code}")).contains(&format!("{}+0x", program.display())),
        "{ended}"
    );
}

#[test]
fn a_hit_tells_the_functions_name() {
    let ended = assert_explained("hit_a_named_stack", &[beginning("{function}")]);
    let mut lines = ended.output.lines();
    let function = lines
        .find(|line| line.starts_with(beginning("{function}")))
        .unwrap();
    // The access itself may be inlined, or a function of `core` without optimisation.
    assert!(
        function.contains("touch_below") || function.contains("write_volatile"),
        "{ended}"
    );
}

fn hit_the_far_end_by_reading() {
    overflow::install().unwrap();
    let stack = stack();
    println!("touching");
    // SAFETY: it is meant to fault.
    let byte = unsafe {
        stack
            .limit()
            .as_ptr()
            .wrapping_sub(GUARD_SIZE)
            .read_volatile()
    };
    println!("survived {byte}");
}

#[test]
fn all_of_the_guard_counts() {
    assert_explained("hit_the_far_end_by_reading", &["a stack without a name"]);
}

fn hit_a_pooled_stack() {
    let stack = PooledStack::new().unwrap();
    overflow::set_name(&stack, "reused");
    drop(stack);
    overflow::install().unwrap();
    touch_below(&PooledStack::new().unwrap(), 1);
}

#[test]
fn a_pooled_stack_is_known() {
    assert_explained("hit_a_pooled_stack", &["the stack of `reused`"]);
}

fn hit_without_handler() {
    assert!(!overflow::is_installed());
    touch_below(&stack(), 8);
}

#[test]
fn nothing_is_said_unasked() {
    assert_not_ours(&run("hit_without_handler"), SIGSEGV, &["touching"]);
}

fn hit_one_of(guards: Guards) {
    overflow::install().unwrap();
    let config = ArenaConfig::new().stack_size(16 << 10).guards(guards);
    let arena = config.build().unwrap();
    // In several reservations; some of them given back.
    let mut stacks: Vec<_> = (0..2000).map(|_| arena.allocate().unwrap()).collect();
    stacks.truncate(1500);
    arena.trim();
    for (n, stack) in stacks.iter().enumerate() {
        assert!(overflow::set_name(stack, &format!("number {n}")));
    }
    touch_below(&stacks[777], 24);
}

fn hit_one_of_an_arena() {
    hit_one_of(Guards::Automatic);
}

fn hit_one_of_an_arena_with_protected_guards() {
    hit_one_of(Guards::Mprotect);
}

#[test]
fn a_lightweight_guard_and_a_protected_one_are_both_known() {
    for scenario in [
        "hit_one_of_an_arena",
        "hit_one_of_an_arena_with_protected_guards",
    ] {
        let ended = assert_explained(scenario, &["the stack of `number 777`"]);
        assert!(ended.output.contains(", 24 bytes below") || cfg!(target_arch = "s390x"));
    }
}

fn hit_one_of_many() {
    overflow::install().unwrap();
    let stacks: Vec<_> = (0..1000).map(|_| stack()).collect();
    for (n, stack) in stacks.iter().enumerate() {
        overflow::set_name(stack, &format!("number {n}"));
    }
    let (left, kept): (Vec<_>, Vec<_>) = stacks
        .into_iter()
        .enumerate()
        .partition(|(n, _)| n % 3 == 0);
    drop(left);
    touch_below(&kept.iter().find(|(n, _)| *n == 500).unwrap().1, 16);
}

#[test]
fn one_of_many_is_told_from_the_others() {
    assert_explained("hit_one_of_many", &["the stack of `number 500`"]);
}

fn hit_while_others_come_and_go() {
    overflow::install().unwrap();
    let ready = AtomicUsize::new(0);
    let victim = stack();
    overflow::set_name(&victim, "victim");
    std::thread::scope(|scope| {
        for seed in 0..3 {
            let ready = &ready;
            scope.spawn(move || {
                let mut random = Random::new(seed);
                let mut stacks = Vec::new();
                loop {
                    stacks.push(stack());
                    overflow::set_name(stacks.last().unwrap(), "passing");
                    if stacks.len() > 20 {
                        stacks.swap_remove(random.below(20));
                        ready.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        while ready.load(Ordering::Relaxed) < 100 {
            std::thread::yield_now();
        }
        touch_below(&victim, 8);
    });
}

#[test]
fn a_hit_is_explained_while_other_threads_map_and_unmap() {
    assert_explained("hit_while_others_come_and_go", &["the stack of `victim`"]);
}

/// Runs `f` on a thread that the standard library knows nothing of.
fn on_a_foreign_thread(f: fn()) {
    extern "C" fn start(f: *mut c_void) -> *mut c_void {
        // SAFETY: the function that was given below.
        let f = unsafe { core::mem::transmute::<*mut c_void, fn()>(f) };
        f();
        ptr::null_mut()
    }
    let mut thread = core::mem::MaybeUninit::uninit();
    // SAFETY: room for the thread's name; a function of this type; joined once.
    unsafe {
        let failed = libc::pthread_create(
            thread.as_mut_ptr(),
            ptr::null(),
            start,
            f as *const () as *mut c_void,
        );
        assert_eq!(failed, 0);
        libc::pthread_join(thread.assume_init(), ptr::null_mut());
    }
}

fn hit_on_a_foreign_thread() {
    overflow::install().unwrap();
    // One that ends before gives its alternate stack back.
    on_a_foreign_thread(|| {
        overflow::protect_thread().unwrap();
        overflow::protect_thread().unwrap();
    });
    on_a_foreign_thread(|| {
        overflow::protect_thread().unwrap();
        touch_below(&stack(), 8);
    });
}

#[test]
fn a_foreign_thread_can_be_protected() {
    assert_explained("hit_on_a_foreign_thread", &["a stack without a name"]);
}

fn hit_on_an_unprotected_thread() {
    overflow::install().unwrap();
    on_a_foreign_thread(|| {
        println!("touching");
        overflow_this_thread(0);
        println!("survived");
    });
}

#[test]
fn an_unprotected_thread_dies_of_the_signal() {
    assert_not_ours(&run("hit_on_an_unprotected_thread"), SIGSEGV, &["touching"]);
}

fn hit_on_a_small_alternate_stack() {
    overflow::install().unwrap();
    let small = vec![0_u8; libc::SIGSTKSZ].leak();
    // SAFETY: the memory stays for ever.
    unsafe {
        let mut description: libc::stack_t = core::mem::zeroed();
        description.ss_sp = small.as_mut_ptr().cast();
        description.ss_size = small.len();
        assert_eq!(libc::sigaltstack(&description, ptr::null_mut()), 0);
    }
    touch_below(&stack(), 8);
}

#[test]
fn the_usual_alternate_stack_is_large_enough() {
    assert_explained("hit_on_a_small_alternate_stack", &[beginning("{code}")]);
}

#[test]
fn an_alternate_stack_that_is_large_enough_stays() {
    on_a_foreign_thread(|| {
        let large = vec![0_u8; 1 << 20].leak();
        // SAFETY: the memory stays for ever; both descriptions are writable.
        unsafe {
            let mut description: libc::stack_t = core::mem::zeroed();
            description.ss_sp = large.as_mut_ptr().cast();
            description.ss_size = large.len();
            assert_eq!(libc::sigaltstack(&description, ptr::null_mut()), 0);
            overflow::protect_thread().unwrap();
            let mut present: libc::stack_t = core::mem::zeroed();
            assert_eq!(libc::sigaltstack(ptr::null(), &mut present), 0);
            assert_eq!(present.ss_sp, description.ss_sp);
        }
    });
}

fn hit_by_two_threads() {
    overflow::install().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| touch_below(&stack(), 8));
        }
    });
}

#[test]
fn there_is_one_message_for_several_hits() {
    let ended = assert_explained("hit_by_two_threads", &["a stack without a name"]);
    let messages = ended.output.matches(beginning("{advice}")).count();
    assert_eq!(messages, 1, "{ended}");
}

fn hit_in_a_forked_child() {
    overflow::install().unwrap();
    let stack = stack();
    overflow::set_name(&stack, "inherited");
    // SAFETY: the child does what a handler may do, and what the lock of the
    // registry allows.
    match unsafe { libc::fork() } {
        0 => {
            let _new = GuardedMmapStack::allocate_at_least(1);
            touch_below(&stack, 8);
        }
        child => {
            let mut status = 0;
            // SAFETY: waits for the child of before.
            unsafe { libc::waitpid(child, &mut status, 0) };
            assert_eq!(libc::WTERMSIG(status), SIGABRT);
            std::process::abort();
        }
    }
}

#[test]
fn a_forked_child_explains_itself() {
    assert_explained("hit_in_a_forked_child", &["the stack of `inherited`"]);
}

fn hit_with_advice() {
    overflow::install().unwrap();
    let stack = stack();
    overflow::set_name(&stack, "named before");
    assert!(overflow::label(
        &stack,
        "interpreter",
        "start it with a larger --stack"
    ));
    touch_below(&stack, 8);
}

#[test]
fn the_owner_of_a_stack_says_how_to_enlarge_it() {
    let ended = assert_explained(
        "hit_with_advice",
        &["`interpreter`", "start it with a larger --stack"],
    );
    assert!(
        !ended.output.contains("where the stack is allocated"),
        "{ended}"
    );
}
