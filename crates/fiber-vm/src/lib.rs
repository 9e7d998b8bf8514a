// Links of the README to items: here to these docs, elsewhere by its own list to docs.rs.
#![doc = include_str!("links.md")]
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![no_std]

extern crate alloc;

pub mod asm;
pub mod console;
pub mod op;
#[doc = include_str!("../SPEC.md")]
pub mod spec {}

mod block;
mod catch;
mod code_map;
mod config;
mod control;
mod core_vm;
mod device;
mod effect;
mod error;
mod execute;
mod fiber;
mod host;
mod list;
mod machine;
mod memory;
mod runner;
mod trace;
mod vm;

pub use config::Config;
pub use error::{ConfigError, ErrorCode, FiberError, HostNumberError};
pub use fiber::{FiberId, FiberRef, Frame, Status};
pub use host::{HostCall, HostFlow, HostResult};
pub use machine::WorkingStack;
pub use runner::{Event, Executed, Exit, Summary};
pub use trace::TracePoint;
pub use vm::Vm;
