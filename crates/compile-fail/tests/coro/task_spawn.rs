//! A task that awaits the future of a coroutine does not move between threads either, and the error says why.
fn spawn<F: Future + Send + 'static>(_: F) {}

async fn handler() -> u32 {
    coro::future(|handle| handle.block_on(async { 1 })).await
}

fn main() {
    spawn(handler());
}
