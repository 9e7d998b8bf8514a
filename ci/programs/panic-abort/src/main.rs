//! Drops a suspended coroutine in a build that cannot unwind it: the process
//! ends with a message, and nothing that is alive is freed.

use coro::Coroutine;

struct Local;

impl Drop for Local {
    fn drop(&mut self) {
        println!("its local is dropped");
    }
}

fn main() -> Result<(), sure_stack::StackError> {
    // One that never ran has only its closure, which is dropped as ever.
    let captured = Local;
    drop(Coroutine::new(
        move |_: &coro::SuspendHandle<(), ()>, ()| drop(captured),
    ));

    let mut coroutine = Coroutine::builder()
        .name("unfinished")
        .build(|handle, ()| {
            let _local = Local;
            handle.suspend(());
        })?;
    coroutine.resume(());
    println!("about to drop it");
    drop(coroutine);
    println!("going on");
    Ok(())
}
