//! What `lock.rs` has from the C library, and fork(2).

#![allow(non_camel_case_types, reason = "the C library's names")]

use core::ptr;

use super::{Kind, wait_for, with};

pub struct pthread_mutex_t(#[allow(dead_code, reason = "it has an address")] u8);

pub const PTHREAD_MUTEX_INITIALIZER: pthread_mutex_t = pthread_mutex_t(0);

type Handler = unsafe extern "C-unwind" fn();

/// What is registered in one call.
#[derive(Clone, Copy)]
pub struct Handlers {
    prepare: Option<Handler>,
    parent: Option<Handler>,
    child: Option<Handler>,
}

/// The address of the lock of the list of handlers, which is the C library's.
const REGISTRY: *mut pthread_mutex_t = ptr::without_provenance_mut(1);

/// # Safety
/// None: it is the signature of the C library's.
pub unsafe fn pthread_mutex_lock(mutex: *mut pthread_mutex_t) -> i32 {
    wait_for(mutex.addr(), Kind::Lock);
    with(|world| {
        if let Some(current) = world.current {
            world.holders.insert(mutex.addr(), current);
        }
    });
    0
}

/// # Safety
/// None: it is the signature of the C library's.
pub unsafe fn pthread_mutex_unlock(mutex: *mut pthread_mutex_t) -> i32 {
    wait_for(mutex.addr(), Kind::Unlock);
    with(|world| {
        let holder = world.holders.remove(&mutex.addr());
        assert!(
            world.over || holder == world.current,
            "a lock is released by a thread that does not hold it"
        );
    });
    0
}

/// # Safety
/// The functions may be called at each fork.
pub unsafe fn pthread_atfork(
    prepare: Option<Handler>,
    parent: Option<Handler>,
    child: Option<Handler>,
) -> i32 {
    let handlers = Handlers {
        prepare,
        parent,
        child,
    };
    // SAFETY: it locks what it is told.
    unsafe { pthread_mutex_lock(REGISTRY) };
    with(|world| world.handlers.push(handlers));
    // SAFETY: locked above.
    unsafe { pthread_mutex_unlock(REGISTRY) };
    0
}

/// Which of the two processes is followed.
#[derive(Clone, Copy)]
pub enum Side {
    Parent,
    Child,
}

/// fork(3) as glibc has it since 2.36 (`__run_prefork_handlers` in `posix/register-atfork.c`): the list of handlers
/// is locked throughout, but while one of them runs. Those that are registered meanwhile are not called.
pub fn fork(side: Side) {
    let call = |handler: Option<Handler>| {
        // SAFETY: the list is locked where this is called; the handler is registered for this.
        unsafe {
            pthread_mutex_unlock(REGISTRY);
            if let Some(handler) = handler {
                handler();
            }
            pthread_mutex_lock(REGISTRY);
        }
    };
    // SAFETY: it locks what it is told.
    unsafe { pthread_mutex_lock(REGISTRY) };
    let handlers = with(|world| world.handlers.clone());
    handlers.iter().rev().for_each(|it| call(it.prepare));
    wait_for(0, Kind::Fork);
    match side {
        Side::Parent => handlers.iter().for_each(|it| call(it.parent)),
        Side::Child => {
            with(|world| world.alone = world.current);
            handlers.iter().for_each(|it| call(it.child));
        }
    }
    // SAFETY: locked above.
    unsafe { pthread_mutex_unlock(REGISTRY) };
}
