//! A stream can be leaked like any coroutine, so it borrows nothing.
fn main() {
    let text = String::from("borrowed");
    let letters = coro::stream(|handle| text.chars().for_each(|c| handle.send(c)));
    std::mem::forget(letters);
}
