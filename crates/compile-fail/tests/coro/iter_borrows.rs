//! An iterator can be leaked like any coroutine, so it borrows nothing.
fn main() {
    let text = String::from("borrowed");
    let letters = coro::iter(|handle| text.chars().for_each(|c| handle.suspend(c)));
    std::mem::forget(letters);
}
