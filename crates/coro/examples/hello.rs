//! The first program of the README.

use coro::Coroutine;

fn main() {
    let mut coroutine = Coroutine::new(|handle, first: u32| {
        println!("started with {first}");
        let second = handle.suspend(first + 1);
        println!("resumed with {second}");
        second * 2
    });
    println!("{:?}", coroutine.resume(1));
    println!("{:?}", coroutine.resume(10));
}
