//! A future does not change threads: a runtime that moves tasks refuses it.
fn assert_send<T: Send>(_: T) {}

fn main() {
    assert_send(coro::future(|_| ()));
}
