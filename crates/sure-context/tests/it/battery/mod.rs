//! The tests that need no standard library: plain functions that panic when something is wrong.
//!
//! Two programs run them. `tests/it` hands them to the standard test harness; `ci/freestanding` has
//! a `_start` of its own and speaks to the kernel itself, so that it also runs where there is no C
//! library, and at every optimisation level. Each has a module `host` with what a test asks for.

/// Hands every test to the macro `$then`, module by module. A test that is not listed here is
/// unused, which the compiler reports.
macro_rules! each_test {
    ($then:ident) => {
        $then! {
            descend {
                frames_can_be_exchanged_from_below
            }
            placement {
                resume_takes_its_operands_from_anywhere
                switch_takes_its_operands_from_anywhere
                exit_to_takes_its_operands_from_anywhere
                descend_takes_its_operands_from_anywhere
            }
            random {
                random_switches_agree_with_a_model
            }
            registers {
                registers_keep_their_patterns_without_a_switch
                every_non_volatile_register_keeps_its_pattern
                registers_keep_their_patterns_in_nested_fibers
            }
            switches {
                words_go_in_and_out_in_turn
                both_signals_arrive_in_both_directions
                deep_recursion_with_suspends_on_the_way_down_and_up
                fibers_nest
                stack_pointers_are_inside_the_stack
                a_first_frame_takes_no_more_than_is_said
            }
            values {
                small_values_keep_their_bytes_in_either_byte_order
                values_larger_than_a_word_are_received_from_where_they_stand
                large_values_travel_by_address
                wide_values_by_value_are_alive_across_a_switch
                floats_are_alive_across_switches_on_both_sides
            }
        }
    };
}

pub(crate) mod descend;
pub(crate) mod fiber;
#[cfg(not(windows))]
mod machine;
#[cfg(not(windows))]
pub(crate) mod placement;
pub(crate) mod random;
#[cfg(not(windows))]
pub(crate) mod registers;
pub(crate) mod switches;
pub(crate) mod values;
