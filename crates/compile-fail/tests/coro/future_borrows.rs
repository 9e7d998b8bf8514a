//! A future can be leaked like any coroutine, so it borrows nothing.
fn main() {
    let text = String::from("borrowed");
    let future = coro::future(|handle| {
        handle.block_on(std::future::pending::<()>());
        println!("{text}");
    });
    std::mem::forget(future);
}
