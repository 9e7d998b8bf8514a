//! What may never happen through safe code, and what holds it.
//!
//! Each line of the table is a hole that some coroutine library has, or had. The modules are those of this binary,
//! `property` is the binary beside it (random programs, which do all of this at once), and `compile-fail` are the cases of
//! the package of that name, which must not compile.
//!
//! | | what may never happen | held by |
//! |---|---|---|
//! | 1 | a leaked coroutine ends a borrow | compile-fail: `borrowing_closure`, `borrowed_input`, `borrowed_yield`, `borrowed_return`, `borrowed_stack`, `builder_borrows`, `borrowed_on_stack_of_own`, `iter_borrows`, `future_borrows`, `stream_borrows` |
//! |   | … or a lifetime changes on the way | compile-fail: `prolonged_yield`, `shortened_input`, `scope_shortened_input` |
//! |   | … or a scoped coroutine leaves its scope | compile-fail: `scope_*`; `scope::leaking_ends_no_borrow`, `scope::swapped_coroutines_are_only_called_otherwise`, `scope::a_panic_of_the_scope_unwinds_everything_first`, `scope::a_scope_in_a_coroutine_is_unwound_with_it`; property |
//! | 2 | a coroutine, or a handle, changes threads | compile-fail: `send`, `sync`, `iter_send`, `future_send`, `scope_send`; the assertions below and in `threads`, `scope`, `future` |
//! | 3 | a handle in another place than its own stack corrupts | `nesting::an_outer_handle_inside_an_inner_coroutine_is_refused`, `nesting::a_handle_used_by_the_resumer_is_refused`, `scope::an_outer_handle_in_a_scoped_coroutine_is_refused`, `on_stack::coroutines_inside_it_and_around_it`, `future::on_another_coroutines_stack_only_ready_futures_are_waited_for`, [`a_handle_in_a_scoped_thread_local_works_or_is_refused`]; compile-fail: `escaping_handle`, `scope_handle_escapes`, `made_up_handle`, `two_resumes`; property |
//! | 4 | a value arrives as another type | compile-fail: `ambient_yield`, `foreign_yield`, `foreign_input`, `foreign_delegate`; [`each_value_goes_to_its_own_resumer`]; property |
//! | 5 | frames freed alive, because the thread or the owner is unwinding | `drops::dropped_while_the_thread_is_panicking`, `drops::a_second_panic_while_the_thread_is_panicking_is_swallowed`, `nesting::dropping_the_outermost_unwinds_them_all`, [`dropped_by_a_frame_that_is_unwound`], [`dropped_by_a_panic_inside_of_a_forced_unwind`]; property |
//! | 6 | a suspend of a coroutine that unwinds | `crashes::a_suspend_in_the_coroutines_own_panic_is_refused`, `crashes::a_suspend_after_a_swallowed_unwind_aborts`, [`a_suspend_in_a_destructor_of_a_forced_unwind_aborts`], `panics::a_suspend_while_unwinding_is_refused_until_the_panic_is_over`, `future::while_it_is_cancelled_only_ready_futures_are_waited_for` |
//! |   | … yet others work meanwhile | `panics::a_coroutine_used_by_a_destructor_during_a_panic`, `on_stack::it_works_in_a_destructor_during_a_panic`, `future::polled_by_a_destructor_during_a_panic_it_may_wait`, [`a_fresh_iterator_in_a_destructor_during_a_panic`]; property |
//! | 7 | a panic hook is swapped, or hears of a forced unwind | [`the_hook_hears_panics_and_no_forced_unwind`], [`a_forced_unwind_prints_nothing`]; property (counts its calls) |
//! |   | the payload of a forced unwind is taken for a panic, or the other way round | `drops::forced_unwind_is_seen_by_catchers_and_calls_no_hook`, `drops::a_swallowed_forced_unwind_ends_with_a_value_that_is_dropped`, `drops::a_stashed_forced_unwind_is_an_ordinary_panic_elsewhere`, [`a_stashed_forced_unwind_is_an_ordinary_panic_in_plain_code`], `crashes::a_suspend_after_a_swallowed_unwind_aborts` |
//! | 8 | a stack handed back while anything on it is alive | [`a_stack_is_not_handed_back_before_its_frames_are_gone`], [`a_stack_is_handed_back_when_its_owner_panics`], `drops::a_leaked_coroutine_leaks_and_nothing_else_happens`, `lifecycle::only_a_complete_coroutine_gives_its_stack_away`; compile-fail: `on_stack_of_running`; property |
//! |   | a stack without a guard | compile-fail: `safe_stack`, `plain_memory_as_stack`, `borrowed_stack`; `crashes::an_overflow_hits_the_guard`, `stacks::small_stacks_are_errors_that_say_what_would_do` |
//! | 9 | a fault that is none of ours is swallowed | [`a_fault_of_the_program_reaches_the_handler_of_the_program`] |
//! | 10 | a value of an unusual shape is damaged: none, a mebibyte, aligned to 64 or 4096 | `values` (inputs, yields, returns), [`unusual_values_arrive_aligned`], [`unusual_closures`], `values::a_closure_larger_than_its_stack`, `on_stack::a_large_result_takes_nothing_of_the_other_stack`; property |

use coro::{Coroutine, CoroutineState, Iter, SuspendHandle, is_forced_unwind};
use static_assertions::assert_not_impl_any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::rc::Rc;
use sure_stack::{GuardedMmapStack, PooledStack};
use testing::{Drops, OnDrop, child};

// 2. Whatever their types say, also when all of those could change threads.
assert_not_impl_any!(Coroutine<u8, u8, u8, GuardedMmapStack>: Send, Sync);
assert_not_impl_any!(SuspendHandle<u8, u8>: Send, Sync);
assert_not_impl_any!(Iter<u8>: Send, Sync);

testing::scenarios!(
    scenario;
    hook,
    silent,
    suspend_in_forced_unwind,
    fault,
);

const SIGABRT: i32 = 6;

fn run(scenario: &str) -> child::Ended {
    child::run("soundness::scenario", scenario)
}

fn message(result: std::thread::Result<()>) -> String {
    *result.unwrap_err().downcast::<String>().expect("a message")
}

/// 3. What crates for scoped thread-locals do, in small: a reference that is there for the length of a call.
mod scoped {
    use super::*;

    pub(super) type Handle = SuspendHandle<u32, u32>;

    thread_local! {
        static CURRENT: Cell<Option<*const Handle>> = const { Cell::new(None) };
    }

    /// Calls `f`; meanwhile [`with`] finds the handle.
    pub(super) fn set<R>(handle: &Handle, f: impl FnOnce() -> R) -> R {
        let before = CURRENT.replace(Some(handle));
        let _restore = OnDrop(|| CURRENT.set(before));
        f()
    }

    pub(super) fn with<R>(f: impl FnOnce(&Handle) -> R) -> R {
        let handle = CURRENT.get().expect("inside of `set`");
        // SAFETY: `set` has the reference, and takes the pointer away before it returns. (Which is what makes it
        // unsound with coroutines in general: a suspended one has not returned. Here all of them are alive.)
        f(unsafe { &*handle })
    }
}

#[test]
fn a_handle_in_a_scoped_thread_local_works_or_is_refused() {
    let ask = |value| scoped::with(|handle| handle.suspend(value));
    let refused = move || {
        let caught = catch_unwind(AssertUnwindSafe(|| ask(99))).map(|_| ());
        assert!(message(caught).contains("not run on its own stack"));
    };
    let body = move |handle: &scoped::Handle, first: u32| {
        scoped::set(handle, || {
            ask(first + 1);
            let own = || scoped::with(|current| u32::from(std::ptr::eq(current, handle)));
            handle.suspend(own());
            own()
        })
    };
    let mut one = Coroutine::new(body);
    assert_eq!(one.resume(1), CoroutineState::Yielded(2));
    refused();
    // An inner coroutine that finds the handle of the outer one.
    let mut two = Coroutine::new(move |handle: &scoped::Handle, first: u32| {
        scoped::set(handle, || {
            let mut inner = Coroutine::new(move |own: &SuspendHandle<(), &str>, ()| {
                refused();
                own.suspend("unharmed");
                refused();
            });
            assert_eq!(inner.resume(()), CoroutineState::Yielded("unharmed"));
            let second = ask(first + 1);
            assert_eq!(inner.resume(()), CoroutineState::Complete(()));
            second
        })
    });
    assert_eq!(two.resume(10), CoroutineState::Yielded(11));
    // The first one finds the second one's handle, and then its own again.
    assert_eq!(one.resume(3), CoroutineState::Yielded(0));
    assert_eq!(two.resume(20), CoroutineState::Complete(20));
    assert_eq!(one.resume(4), CoroutineState::Complete(1));
}

#[test]
fn each_value_goes_to_its_own_resumer() {
    let mut outer = Coroutine::new(|text: &SuspendHandle<String, &str>, first: String| {
        let mut middle = Coroutine::new(|float: &SuspendHandle<f64, f64>, first: f64| {
            let mut inner = Coroutine::new(|byte: &SuspendHandle<u8, [u64; 3]>, first: u8| {
                let second = byte.suspend([u64::from(first); 3]);
                Box::new(second)
            });
            assert_eq!(inner.resume(7), CoroutineState::Yielded([7; 3]));
            let second = float.suspend(first * 2.0);
            assert_eq!(inner.resume(8), CoroutineState::Complete(Box::new(8)));
            second
        });
        assert_eq!(middle.resume(1.25), CoroutineState::Yielded(2.5));
        let second = text.suspend("out");
        assert_eq!(middle.resume(-0.5), CoroutineState::Complete(-0.5));
        first + &second
    });
    assert_eq!(outer.resume("in".into()), CoroutineState::Yielded("out"));
    assert_eq!(
        outer.resume(" and in".into()),
        CoroutineState::Complete("in and in".into())
    );
}

/// Suspends with a counted local, below another coroutine of the same kind.
fn chain(depth: usize, drops: &Drops) -> Coroutine<(), (), ()> {
    let drops = drops.clone();
    Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
        let _local = drops.make();
        let _owned = (depth > 0).then(|| {
            let mut inner = chain(depth - 1, &drops);
            inner.resume(());
            inner
        });
        handle.suspend(());
        resume_unwind(Box::new("a panic of its own"));
    })
}

#[test]
fn dropped_by_a_frame_that_is_unwound() {
    let drops = Drops::new();
    // By a forced unwind.
    let mut forced = chain(5, &drops);
    forced.resume(());
    assert_eq!(drops.alive(), 6);
    drop(forced);
    assert_eq!((drops.alive(), drops.dropped()), (0, 6));
    // By the owner's own panic.
    let mut panicking = chain(5, &drops);
    panicking.resume(());
    let caught = catch_unwind(AssertUnwindSafe(|| panicking.resume(())));
    assert_eq!(
        *caught.unwrap_err().downcast::<&str>().unwrap(),
        "a panic of its own"
    );
    assert_eq!((drops.alive(), drops.dropped()), (0, 12));
}

#[test]
fn dropped_by_a_panic_inside_of_a_forced_unwind() {
    let drops = Drops::new();
    let inside = drops.clone();
    let mut outer = Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
        let drops = inside.clone();
        // A destructor of the forced unwind that catches a panic of its own, which drops coroutines.
        let _late = OnDrop(move || {
            let caught = catch_unwind(AssertUnwindSafe(|| {
                let mut inner = chain(3, &drops);
                inner.resume(());
                assert!(std::thread::panicking(), "of the forced unwind");
                resume_unwind(Box::new("within"));
            }));
            assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "within");
        });
        let _local = inside.make();
        handle.suspend(());
    });
    outer.resume(());
    drop(outer);
    assert_eq!((drops.alive(), drops.dropped()), (0, 5));
}

fn suspend_in_forced_unwind() {
    let mut coroutine = Coroutine::builder()
        .name("fragile")
        .build(|handle: &SuspendHandle<(), ()>, ()| {
            let _late = OnDrop(|| handle.suspend(()));
            handle.suspend(());
        })
        .unwrap();
    coroutine.resume(());
    println!("about to drop it");
    drop(coroutine);
    println!("survived");
}

#[test]
fn a_suspend_in_a_destructor_of_a_forced_unwind_aborts() {
    let ended = run("suspend_in_forced_unwind");
    ended.assert_killed(
        SIGABRT,
        &["about to drop it", "coroutine `fragile` is being dropped"],
    );
    assert!(!ended.output.contains("survived"), "{ended}");
}

#[test]
fn a_fresh_iterator_in_a_destructor_during_a_panic() {
    let seen = RefCell::new(Vec::new());
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _late = OnDrop(|| {
            let squares = coro::iter(|handle| (1..5).for_each(|n| handle.suspend(n * n)));
            seen.borrow_mut().extend(squares.take(3));
        });
        resume_unwind(Box::new(()));
    }));
    assert!(caught.is_err());
    assert_eq!(seen.into_inner(), [1, 4, 9]);
}

fn hook() {
    static CALLS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let calls = || CALLS.load(std::sync::atomic::Ordering::SeqCst);
    std::panic::set_hook(Box::new(|_| {
        CALLS.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }));
    let panics = |handle: &SuspendHandle<(), ()>, ()| {
        handle.suspend(());
        panic_any(1_u8);
    };
    let resume_once = || {
        let mut coroutine = Coroutine::new(panics);
        coroutine.resume(());
        coroutine
    };
    // Dropped in all the ways there are: forced unwinds only.
    drop(resume_once());
    let mut items = coro::iter(|handle| handle.suspend(()));
    items.next();
    drop(items);
    coro::scope(|s| {
        let mut leaked = s.coroutine(panics);
        leaked.resume(());
        std::mem::forget(leaked);
    });
    assert_eq!(calls(), 0, "a forced unwind is not heard");
    // A panic that crosses is heard once, where it begins.
    let mut coroutine = resume_once();
    let caught = catch_unwind(AssertUnwindSafe(|| coroutine.resume(())));
    assert_eq!(*caught.unwrap_err().downcast::<u8>().unwrap(), 1);
    assert_eq!(calls(), 1);
    // And also between a forced unwind's beginning and its end.
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
        let _late = OnDrop(|| drop(catch_unwind(|| panic_any(2_u8))));
        handle.suspend(());
    });
    coroutine.resume(());
    drop(coroutine);
    assert_eq!(calls(), 2);
    assert!(catch_unwind(|| panic_any(3_u8)).is_err());
    assert_eq!(calls(), 3, "the hook is still in its place");
}

#[test]
fn the_hook_hears_panics_and_no_forced_unwind() {
    run("hook").assert_success(&[]);
}

fn silent() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
        let caught = catch_unwind(AssertUnwindSafe(|| handle.suspend(())));
        let payload = caught.unwrap_err();
        assert!(is_forced_unwind(&*payload));
        resume_unwind(payload);
    });
    println!("begin");
    coroutine.resume(());
    drop(coroutine);
    println!("end");
}

#[test]
fn a_forced_unwind_prints_nothing() {
    run("silent").assert_success(&["begin\nend\n"]);
    assert!(!run("silent").output.contains("panicked"));
}

#[test]
fn a_stashed_forced_unwind_is_an_ordinary_panic_in_plain_code() {
    let stash = Rc::new(Cell::new(None));
    let inside = stash.clone();
    let mut coroutine = Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
        inside.set(catch_unwind(AssertUnwindSafe(|| handle.suspend(()))).err());
    });
    coroutine.resume(());
    drop(coroutine);
    let payload = stash.take().expect("stashed");
    let caught = catch_unwind(AssertUnwindSafe(|| resume_unwind(payload)));
    assert!(is_forced_unwind(&*caught.unwrap_err()));
    assert!(!is_forced_unwind(&"an ordinary payload"));
}

/// 8. Where the caller's frame is, to the page.
fn here() -> usize {
    let local = 0_u8;
    std::hint::black_box(&raw const local).addr()
}

#[test]
fn a_stack_is_not_handed_back_before_its_frames_are_gone() {
    /// When it is dropped, sees to it that whatever stacks are free are written to.
    struct Taker(Rc<Cell<usize>>, [u64; 64]);
    impl Drop for Taker {
        fn drop(&mut self) {
            let own = here();
            let mut taken = Vec::new();
            for _ in 0..4 {
                let mut fresh = Coroutine::new(|handle: &SuspendHandle<(), usize>, ()| {
                    let scribble = std::hint::black_box([0xDEAD_u64; 512]);
                    handle.suspend(here());
                    std::hint::black_box(scribble);
                });
                let place = fresh.resume(()).yielded().unwrap();
                assert!(
                    place.abs_diff(own) > 64 << 10,
                    "on the stack that is being unwound"
                );
                taken.push(fresh);
            }
            assert!(self.1.iter().all(|&word| word == 0x5AFE), "overwritten");
            self.0.set(self.0.get() + 1);
        }
    }
    let dropped = Rc::new(Cell::new(0));
    for panics in [false, true] {
        for finished in [false, true] {
            let inside = dropped.clone();
            let mut coroutine = Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
                let _first = Taker(inside.clone(), [0x5AFE; 64]);
                handle.suspend(());
                let _second = Taker(inside.clone(), [0x5AFE; 64]);
                if panics {
                    resume_unwind(Box::new(()));
                }
            });
            coroutine.resume(());
            if finished {
                let caught = catch_unwind(AssertUnwindSafe(|| coroutine.resume(())));
                assert_eq!(caught.is_err(), panics);
            }
            drop(coroutine);
        }
    }
    assert_eq!(dropped.get(), 2 * (1 + 2));
}

#[test]
fn a_stack_is_handed_back_when_its_owner_panics() {
    // In a thread of its own, whose pool is empty.
    let work = || {
        let mut coroutine = Coroutine::new(|_: &SuspendHandle<(), ()>, ()| -> () {
            assert_eq!(PooledStack::kept(), 0);
            resume_unwind(Box::new(()));
        });
        assert!(catch_unwind(AssertUnwindSafe(|| coroutine.resume(()))).is_err());
        assert_eq!(PooledStack::kept(), 0, "it still owns it");
        drop(coroutine);
        assert_eq!(PooledStack::kept(), 1);
        // A return value whose destructor panics, too.
        let mut swallows = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
            let _ = catch_unwind(AssertUnwindSafe(|| handle.suspend(())));
            OnDrop(|| resume_unwind(Box::new("a value")))
        });
        swallows.resume(());
        assert_eq!(PooledStack::kept(), 0);
        assert!(catch_unwind(AssertUnwindSafe(|| drop(swallows))).is_err());
        assert_eq!(PooledStack::kept(), 1);
    };
    std::thread::spawn(work).join().unwrap();
}

/// Reads an address that nobody has mapped, in a coroutine, in a program that has a handler for that.
fn fault() {
    extern "C" fn handler(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: the kernel gives a valid one; a fault has an address.
        let address = unsafe { (*info).si_addr() }.addr();
        let text: &[u8] = if address == NOWHERE {
            b"its own fault\n"
        } else {
            b"another fault\n"
        };
        // SAFETY: both are allowed in a handler; the text is readable.
        unsafe {
            libc::write(1, text.as_ptr().cast(), text.len());
            libc::_exit(42);
        }
    }
    const NOWHERE: usize = 64;
    // SAFETY: zeroes are valid for both; the handler stays, and runs on the alternative stack that std has set up for
    // this thread.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        assert_eq!(
            libc::sigaction(libc::SIGSEGV, &action, std::ptr::null_mut()),
            0
        );
    }
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<usize, ()>, first: usize| {
        let second = handle.suspend(());
        // SAFETY: none: this is what the test is about.
        unsafe { std::ptr::with_exposed_provenance::<u8>(first + second).read_volatile() }
    });
    let _ = coroutine.resume(NOWHERE - 4);
    let _ = coroutine.resume(4);
    println!("survived");
}

#[test]
fn a_fault_of_the_program_reaches_the_handler_of_the_program() {
    let ended = run("fault");
    assert_eq!(ended.status.code(), Some(42), "{ended}");
    assert!(ended.output.contains("its own fault"), "{ended}");
    assert!(!ended.output.contains("survived"), "{ended}");
}

fn stack(bytes: usize) -> GuardedMmapStack {
    GuardedMmapStack::allocate_at_least(bytes).unwrap()
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(align(64))]
struct Line<const N: usize>([u8; N]);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(align(4096))]
struct Page<const N: usize>([u8; N]);

/// Asserts that a value stands where its type wants it.
#[track_caller]
fn assert_aligned<T>(value: &T) {
    let address = std::hint::black_box(&raw const *value).addr();
    assert!(address.is_multiple_of(align_of::<T>()), "{address:#x}");
}

#[test]
fn unusual_values_arrive_aligned() {
    fn check<T: Copy + PartialEq + std::fmt::Debug + 'static>(one: T, two: T) {
        let mut coroutine = Coroutine::with_stack(
            stack(1 << 20),
            move |handle: &SuspendHandle<T, T>, value: T| {
                assert_aligned(&value);
                assert_eq!(value, one);
                let value = handle.suspend(two);
                assert_aligned(&value);
                assert_eq!(value, two);
                one
            },
        );
        match coroutine.resume(one) {
            CoroutineState::Yielded(value) => {
                assert_aligned(&value);
                assert_eq!(value, two);
            }
            CoroutineState::Complete(_) => panic!("not yet"),
        }
        match coroutine.resume(two) {
            CoroutineState::Complete(value) => {
                assert_aligned(&value);
                assert_eq!(value, one);
            }
            CoroutineState::Yielded(_) => panic!("no more"),
        }
    }
    check(Line([]), Line([]));
    check(Line([1; 1]), Line([2; 1]));
    check(Line([1; 100]), Line([2; 100]));
    check(Page([]), Page([]));
    check(Page([1; 1]), Page([2; 1]));
    check(Page([1; 5000]), Page([2; 5000]));
}

#[test]
fn unusual_closures() {
    /// A closure that owns `one`: dropped unused, dropped suspended, and run to its end.
    fn check<T: Copy + PartialEq + std::fmt::Debug + 'static>(one: T, bytes: usize) {
        let drops = Drops::new();
        for resumes in 0..=2 {
            let (also, counted) = (Box::new(one), drops.make());
            let mut coroutine =
                Coroutine::with_stack(stack(bytes), move |handle: &SuspendHandle<(), bool>, ()| {
                    let (one, _counted) = (&one, &counted);
                    assert_aligned(one);
                    handle.suspend(one == &*also);
                    one == &*also
                });
            if resumes > 0 {
                assert_eq!(coroutine.resume(()), CoroutineState::Yielded(true));
            }
            if resumes > 1 {
                assert_eq!(coroutine.resume(()), CoroutineState::Complete(true));
            }
            drop(coroutine);
        }
        assert_eq!((drops.alive(), drops.dropped()), (0, 3));
    }
    fn work() {
        check((), 64 << 10);
        check(Line([]), 64 << 10);
        check(Page([]), 1 << 20);
        // On the stack, and in a box: what takes more than a quarter of it.
        check(Line([3; 64]), 64 << 10);
        check(Page([3; 64]), 1 << 20);
        check(Line([3; 20_000]), 1 << 20);
        check(Page([3; 20_000]), 1 << 20);
        check(Page([3; 300_000]), 1 << 20);
        check([3_u8; 1 << 20], 64 << 20);
        check(Page([3_u8; 1 << 20]), 64 << 20);
    }
    // Each call on the way has a copy of the closure.
    let thread = std::thread::Builder::new().stack_size(64 << 20);
    thread.spawn(work).unwrap().join().unwrap();
}
