//! Dropping a suspended coroutine unwinds it: the destructors of its locals run.
//!
//! Built with `panic = "abort"`, a program cannot do that; it ends with a message.

use coro::Coroutine;

struct Local;

impl Drop for Local {
    fn drop(&mut self) {
        println!("its local is dropped");
    }
}

fn main() -> Result<(), sure_stack::StackError> {
    let mut coroutine = Coroutine::builder()
        .name("unfinished")
        .build(|handle, ()| {
            let _local = Local;
            println!("suspending, never to be resumed");
            handle.suspend(());
            println!("never printed");
        })?;
    coroutine.resume(());
    drop(coroutine);
    println!("going on");
    Ok(())
}
