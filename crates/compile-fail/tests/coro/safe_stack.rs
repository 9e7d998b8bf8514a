//! Saying that memory is a stack is a promise, made with `unsafe`.
use std::ptr::NonNull;
use sure_stack::Stack;

struct Guardless(Box<[u8; 65536]>);

impl Stack for Guardless {
    fn base(&self) -> NonNull<u8> {
        NonNull::from(&self.0[65535])
    }
    fn limit(&self) -> NonNull<u8> {
        NonNull::from(&self.0[0])
    }
}

fn main() {}
