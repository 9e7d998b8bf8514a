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
//! |   | … or what is lent outlives its resume, or is used by two at once | compile-fail: `lending_*`; `lending::a_suspend_or_a_second_with_inside_of_with_is_refused`, `lending::on_other_stacks_it_is_the_same`, `lending::an_inner_coroutine_that_waits_inside_of_with_holds_the_loan`, `lending::an_inner_coroutine_is_unwound_out_of_with_before_the_loan_ends`, `lending::a_handle_that_was_smuggled_out_finds_nothing`, `lending::an_end_while_another_coroutine_uses_the_loan_aborts`, `lending::destructors_use_the_loan_if_there_is_one` |
//! | 2 | a coroutine, or a handle, changes threads | compile-fail: `send`, `sync`, `iter_send`, `future_send`, `scope_send`; the assertions below and in `threads`, `scope`, `future` |
//! | 3 | a handle in another place than its own stack corrupts | `nesting::an_outer_handle_inside_an_inner_coroutine_is_refused`, `nesting::a_handle_used_by_the_resumer_is_refused`, `scope::an_outer_handle_in_a_scoped_coroutine_is_refused`, `on_stack::coroutines_inside_it_and_around_it`, `future::on_another_coroutines_stack_only_ready_futures_are_waited_for`, `soundness::places::a_handle_in_a_scoped_thread_local_works_or_is_refused`; compile-fail: `escaping_handle`, `scope_handle_escapes`, `made_up_handle`, `two_resumes`; property |
//! | 4 | a value arrives as another type | compile-fail: `ambient_yield`, `foreign_yield`, `foreign_input`, `foreign_delegate`; `soundness::places::each_value_goes_to_its_own_resumer`; property |
//! | 5 | frames freed alive, because the thread or the owner is unwinding | `drops::dropped_while_the_thread_is_panicking`, `drops::a_second_panic_while_the_thread_is_panicking_is_swallowed`, `nesting::dropping_the_outermost_unwinds_them_all`, `soundness::unwinding::dropped_by_a_frame_that_is_unwound`, `soundness::unwinding::dropped_by_a_panic_inside_of_a_forced_unwind`; property |
//! | 6 | a suspend of a coroutine that is being dropped switches | `drops::a_suspend_after_a_swallowed_unwind_unwinds_again`, `soundness::unwinding::a_suspend_in_a_destructor_of_a_forced_unwind_aborts`, `crashes::dropped_while_it_is_suspended_in_its_own_panic_it_aborts`, `cancel::while_it_is_cancelled_only_ready_futures_are_waited_for`, `cancel::a_swallowed_cancel_cannot_wait_but_return`, `cancel::a_wait_after_a_swallowed_cancel_is_cancelled_again` |
//! |   | … yet others work meanwhile | `panics::a_coroutine_used_by_a_destructor_during_a_panic`, `on_stack::it_works_in_a_destructor_during_a_panic`, `future::polled_by_a_destructor_during_a_panic_it_may_wait`, `soundness::unwinding::a_fresh_iterator_in_a_destructor_during_a_panic`; property |
//! | 7 | a panic hook is swapped, or hears of a forced unwind | `soundness::unwinding::the_hook_hears_panics_and_no_forced_unwind`, `soundness::unwinding::a_forced_unwind_prints_nothing`; property (counts its calls) |
//! |   | the payload of a forced unwind is taken for a panic, or the other way round | `drops::forced_unwind_is_seen_by_catchers_and_calls_no_hook`, `drops::a_swallowed_forced_unwind_ends_with_a_value_that_is_dropped`, `drops::a_stashed_forced_unwind_is_an_ordinary_panic_elsewhere`, `soundness::unwinding::a_stashed_forced_unwind_is_an_ordinary_panic_in_plain_code`, `drops::a_suspend_after_a_swallowed_unwind_unwinds_again` |
//! | 8 | a stack handed back while anything on it is alive | `soundness::stacks::a_stack_is_not_handed_back_before_its_frames_are_gone`, `soundness::stacks::a_stack_is_handed_back_when_its_owner_panics`, `drops::a_leaked_coroutine_leaks_and_nothing_else_happens`, `lifecycle::only_a_complete_coroutine_gives_its_stack_away`; compile-fail: `on_stack_of_running`; property |
//! |   | memory of a stack given back while anything in it is alive | `release::no_byte_in_use_is_lost_wherever_frames_end_in_a_page`, `release::a_coroutine_that_has_grown_keeps_its_memory_until_it_is_back`, `release::a_coroutine_that_is_not_suspended_keeps_its_memory` |
//! |   | a stack without a guard | compile-fail: `safe_stack`, `plain_memory_as_stack`, `borrowed_stack`; `crashes::an_overflow_hits_the_guard`, `stacks::small_stacks_are_errors_that_say_what_would_do` |
//! | 9 | a fault that is none of ours is swallowed | `soundness::stacks::a_fault_of_the_program_reaches_the_handler_of_the_program`; and the tests of overflows in `sure-stack`, where the handler lives |
//! | 10 | a value of an unusual shape is damaged: none, a mebibyte, aligned to 64 or 4096 | `values` (inputs, yields, returns), `soundness::shapes::unusual_values_arrive_aligned`, `soundness::shapes::unusual_closures`, `values::a_closure_larger_than_its_stack`, `on_stack::a_large_result_takes_nothing_of_the_other_stack`; property |

mod places;
mod shapes;
mod stacks;
mod unwinding;

use coro::{Coroutine, Iter, SuspendHandle};
use static_assertions::assert_not_impl_any;
use sure_stack::GuardedMmapStack;

// 2. Whatever their types say, also when all of those could change threads.
assert_not_impl_any!(Coroutine<u8, u8, u8, GuardedMmapStack>: Send, Sync);
assert_not_impl_any!(SuspendHandle<u8, u8>: Send, Sync);
assert_not_impl_any!(Iter<u8>: Send, Sync);

/// The table must not name what is no more.
#[test]
fn the_table_names_tests_that_exist() {
    let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
    let has = |path: &str, name: &str| {
        let text = std::fs::read_to_string(format!("{tests}/{path}")).unwrap_or_default();
        text.contains(&format!("#[test]\nfn {name}()"))
    };
    let cases = std::fs::read_dir(format!("{tests}/../../compile-fail/tests/coro")).unwrap();
    let cases: Vec<_> = cases
        .map(|case| case.unwrap().file_name().into_string().unwrap())
        .collect();
    let table = include_str!("mod.rs")
        .lines()
        .take_while(|line| line.starts_with("//!"));
    let mut named = Vec::new();
    for row in table.filter(|line| line.starts_with("//! |")) {
        // Between two ` each.
        for name in row
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|name| *name != "sure-stack")
        {
            named.push(name);
            let exists = match name.rsplit_once("::") {
                Some((module, test)) => has(&format!("it/{}.rs", module.replace("::", "/")), test),
                None => match name.strip_suffix('*') {
                    Some(begin) => cases.iter().any(|case| case.starts_with(begin)),
                    None => {
                        let module = format!("{tests}/it/{name}.rs");
                        cases.contains(&format!("{name}.rs")) || std::fs::exists(module).unwrap()
                    }
                },
            };
            assert!(exists, "the table names {name}");
        }
    }
    assert!(named.len() > 70, "{named:?}");
}
