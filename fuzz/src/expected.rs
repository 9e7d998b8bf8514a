//! Panics that belong to a program, and those that are findings.

use std::any::Any;
use std::cell::RefCell;

/// The payload of a panic that a program raises on purpose.
pub(crate) struct Expected(pub(crate) u32);

thread_local! {
    /// What the hook has heard last that is not [`Expected`].
    static HEARD: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Has the panic hook keep what it hears instead of printing it: a refusal that the program asks for is no finding.
pub(crate) fn prepare() {
    std::panic::set_hook(Box::new(|info| {
        let text = match info.payload().is::<Expected>() {
            true => "a panic of the program's own".to_owned(),
            false => info.to_string(),
        };
        // It may be gone where a thread ends.
        let _ = HEARD.try_with(|heard| heard.replace(text));
    }));
}

/// Aborts, with what the hook has heard.
pub(crate) fn fail(message: &str) -> ! {
    let heard = HEARD.try_with(RefCell::take).unwrap_or_default();
    eprintln!("\nfailed: {message}; the panic hook heard last: {heard:?}");
    std::process::abort()
}

/// Fails unless the payload is the panic with that number.
pub(crate) fn assert_expected(payload: &(dyn Any + Send), number: u32) {
    match payload.downcast_ref::<Expected>() {
        Some(&Expected(found)) if found == number => {}
        Some(&Expected(found)) => fail(&format!("panic {found} arrived, not {number}")),
        None => fail("another panic has arrived than the program's"),
    }
}

/// Fails unless the payload is a message with these words.
pub(crate) fn assert_message(payload: &(dyn Any + Send), words: &str) {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    if !text.is_some_and(|text| text.contains(words)) {
        fail(&format!("a panic with {text:?}, not {words:?}"));
    }
}

/// As `assert!`, but it aborts: a panic in the middle of a program could be caught by the program.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            $crate::expected::fail(&format!($($message)+));
        }
    };
}
pub(crate) use ensure;
