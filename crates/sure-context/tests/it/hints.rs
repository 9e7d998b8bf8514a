//! What is for the processor alone changes nothing for the program.

use sure_context::speculate;

#[test]
fn a_guess_is_never_the_answer_unless_it_is_right() {
    for (guess, value) in [(3, 3), (3, 4), (4, 3), (0, usize::MAX), (usize::MAX, 0)] {
        assert_eq!(speculate(guess, value), value, "guessed {guess}");
    }
}
