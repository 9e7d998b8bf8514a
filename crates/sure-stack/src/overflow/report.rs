//! The message.

use super::module::Module;
use super::text::Text;
use super::{function, names, pc};
use crate::registry::Slot;
use core::cell::UnsafeCell;
use core::ffi::{CStr, c_int, c_void};
use core::fmt::Write;
use core::sync::atomic::{AtomicI32, Ordering};

/// What the message is made of. In static memory, because an alternate stack
/// is small.
pub(super) struct Report {
    pub(super) text: Text,
    pub(super) module: Module,
}

struct Place(UnsafeCell<Report>);

// SAFETY: used by the one thread that `claim` lets through, and while that
// waits, by its helper.
unsafe impl Sync for Place {}

static REPORT: Place = Place(UnsafeCell::new(Report {
    text: Text::new(),
    module: Module::new(),
}));

/// Says what has happened, and ends the process.
///
/// # Safety
/// `context` is the third argument of a signal handler, which was called for
/// an access to `address`.
pub(super) unsafe fn overflow(slot: Slot, address: usize, context: *mut c_void) -> ! {
    let thread = claim();
    // SAFETY: claimed.
    let report = unsafe { &mut *REPORT.0.get() };
    // SAFETY: the caller's promise.
    let pc = unsafe { pc::of(context) };
    describe(report, slot, address, pc, thread);
    report.text.flush();
    if pc.is_some() {
        function::print(report);
    }
    // SAFETY: always allowed.
    unsafe { libc::abort() }
}

/// Lets one thread through, once, and says which it is.
fn claim() -> c_int {
    static REPORTING: AtomicI32 = AtomicI32::new(0);
    let this = thread_id();
    match REPORTING.compare_exchange(0, this, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => this,
        // The message itself overflows a stack.
        // SAFETY: always allowed.
        Err(first) if first == this => unsafe { libc::abort() },
        Err(_) => loop {
            // The other one is about to end the process.
            // SAFETY: always allowed.
            unsafe { libc::pause() };
        },
    }
}

fn describe(report: &mut Report, slot: Slot, address: usize, pc: Option<usize>, thread: c_int) {
    let Report { text, module } = report;
    let mut name = [0; 16];
    // `Text` takes everything: there are no errors to look at.
    let _ = write!(
        text,
        "\nthread '{}' ({thread}) has overflowed ",
        thread_name(&mut name, thread)
    );
    let named = names::with(slot.limit, |name| {
        text.push(b"the stack of `");
        text.push(name);
        text.push(b"`");
    });
    if !named {
        text.push(b"a stack without a name");
    }
    let _ = write!(
        text,
        "\n  stack     {} bytes from {:#x} to {:#x}\n  access    to {address:#x}, {} bytes below the stack\n",
        slot.end - slot.limit,
        slot.limit,
        slot.end,
        slot.limit - address,
    );
    match pc {
        Some(pc) => {
            let _ = write!(text, "  code      at {pc:#x}");
            if module.find(pc) {
                text.push(b", ");
                text.push(module.path());
                let _ = write!(text, "+{:#x}", module.offset);
            }
        }
        None => text.push(b"  code      at an address that this target does not tell"),
    }
    text.push(
        b"\n  to enlarge it, ask for more bytes: `Coroutine::builder().stack_size(bytes)`, \
          or where the stack is allocated\n",
    );
}

fn thread_id() -> c_int {
    // SAFETY: asks for a number, which fits.
    unsafe { libc::syscall(libc::SYS_gettid) as c_int }
}

/// As the kernel knows it: its first 15 bytes.
fn thread_name(buffer: &mut [u8; 16], thread: c_int) -> &str {
    // SAFETY: plain system calls; the buffer has the size that prctl(2) wants.
    let failed = unsafe {
        if thread == libc::getpid() {
            return "main";
        }
        libc::prctl(libc::PR_GET_NAME, buffer.as_mut_ptr()) != 0
    };
    let name = CStr::from_bytes_until_nul(buffer).ok().filter(|_| !failed);
    name.and_then(|name| name.to_str().ok()).unwrap_or("?")
}
