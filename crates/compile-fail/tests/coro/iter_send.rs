//! An iterator does not change threads either.
fn main() {
    let items = coro::iter(|handle| handle.suspend(1));
    std::thread::spawn(move || items.count());
}
