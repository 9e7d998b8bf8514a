//! The message: `message.txt`, with what is in braces filled in.
//!
//! To change the message, change that file; the documentation includes it.

use super::function;
use super::module::Module;
use super::pc;
use super::text::Text;
use crate::hosted::registry::{StackRange, with_label};
use crate::hosted::sys::{process, thread};
use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::fmt::Write;
use core::sync::atomic::{AtomicI32, Ordering};

const MESSAGE: &str = include_str!("message.txt");

/// What to do about an overflow, where the owner of the stack says nothing.
const ADVICE: &str = "ask for more bytes where the stack is allocated";

/// The field that is filled in by a helper, if at all. Its line is left out of the rest.
const FUNCTION: &str = "{function}";

/// What the message is made of. In static memory, because an alternate stack
/// is small.
pub(super) struct Report {
    text: Text,
    pub(super) module: Module,
}

struct SharedReport(UnsafeCell<Report>);

// SAFETY: used by the one thread that `claim` lets through, and while that
// waits, by its helper.
unsafe impl Sync for SharedReport {}

static REPORT: SharedReport = SharedReport(UnsafeCell::new(Report {
    text: Text::new(),
    module: Module::new(),
}));

/// An overflow.
struct Hit {
    thread: c_int,
    stack: StackRange,
    /// Below the limit.
    address: usize,
    pc: Option<usize>,
}

/// Says what has happened, and ends the process.
///
/// # Safety
/// `context` is the third argument of a signal handler, which was called for
/// an access to `address`, in the guard of `stack`.
pub(super) unsafe fn overflow(stack: StackRange, address: usize, context: *mut c_void) -> ! {
    let thread = claim();
    // SAFETY: `claim` lets one thread through, once.
    let report = unsafe { &mut *REPORT.0.get() };
    // SAFETY: the third argument of a signal handler.
    let pc = unsafe { pc::of(context) };
    report.describe(&Hit {
        thread,
        stack,
        address,
        pc,
    });
    if pc.is_some() {
        function::print(report);
    }
    process::abort()
}

/// Lets one thread through, once, and says which it is.
fn claim() -> c_int {
    static REPORTING: AtomicI32 = AtomicI32::new(0);
    let this = thread::number();
    match turn(&REPORTING, this) {
        Turn::Its => this,
        // The message itself overflows a stack.
        Turn::ItsAgain => process::abort(),
        Turn::Another => process::wait_for_the_end(),
    }
}

/// Which thread reports.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    /// The one that asks.
    Its,
    /// The one that asks, and it has begun already.
    ItsAgain,
    /// Another one, which was there before.
    Another,
}

/// Asks for a thread whether it is to report; `reporting` is 0, or the number of the one that does.
fn turn(reporting: &AtomicI32, this: c_int) -> Turn {
    match reporting.compare_exchange(0, this, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => Turn::Its,
        Err(first) if first == this => Turn::ItsAgain,
        Err(_) => Turn::Another,
    }
}

impl Report {
    /// Prints all lines but that of the function.
    fn describe(&mut self, hit: &Hit) {
        for line in lines().filter(|line| !line.contains(FUNCTION)) {
            self.fill_in(line, |report, field| report.field(field, hit));
        }
        self.text.flush();
    }

    /// Prints the line of the function.
    #[cfg(target_os = "linux")]
    pub(super) fn describe_function(&mut self, name: &str) {
        for line in lines().filter(|line| line.contains(FUNCTION)) {
            self.fill_in(line, |report, _| {
                let _ = write!(report.text, "{:#}", rustc_demangle::demangle(name));
            });
        }
        self.text.flush();
    }

    /// Adds a line, with `field` called for what is in braces.
    fn fill_in(&mut self, line: &str, mut field: impl FnMut(&mut Report, &str)) {
        let mut pieces = line.split('{');
        self.text.push(pieces.next().unwrap_or_default().as_bytes());
        for piece in pieces {
            let (name, rest) = piece.split_once('}').unwrap_or((piece, ""));
            field(self, name);
            self.text.push(rest.as_bytes());
        }
        self.text.push(b"\n");
    }

    fn field(&mut self, name: &str, hit: &Hit) {
        let Report { text, module } = self;
        let StackRange { limit, end, .. } = hit.stack;
        // `Text` takes everything: there are no errors to look at.
        let _ = match name {
            "thread" => text.write_str(thread::name(&mut [0; 16])),
            "thread_id" => write!(text, "{}", hit.thread),
            "stack" => {
                let named = with_label(limit, |label| {
                    text.push(b"the stack of `");
                    text.push(&label.name);
                    text.push(b"`");
                });
                text.write_str(if named { "" } else { "a stack without a name" })
            }
            "size" => write!(text, "{}", end - limit),
            "limit" => write!(text, "{limit:#x}"),
            "end" => write!(text, "{end:#x}"),
            "address" => write!(text, "{:#x}", hit.address),
            "below" => write!(text, "{}", limit - hit.address),
            "code" => match hit.pc {
                None => text.write_str("an address that this target does not tell"),
                Some(pc) if module.find(pc) => {
                    let _ = write!(text, "{pc:#x}, ");
                    text.push(module.path());
                    write!(text, "+{:#x}", module.offset)
                }
                Some(pc) => write!(text, "{pc:#x}"),
            },
            "advice" => {
                let mut advice = ADVICE;
                with_label(limit, |label| {
                    if !label.advice.is_empty() {
                        advice = label.advice;
                    }
                });
                text.write_str(advice)
            }
            unknown => text.write_str(unknown),
        };
    }
}

fn lines() -> impl Iterator<Item = &'static str> {
    MESSAGE.lines()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_reports_and_once() {
        let reporting = AtomicI32::new(0);
        assert_eq!(turn(&reporting, 7), Turn::Its);
        assert_eq!(turn(&reporting, 8), Turn::Another);
        assert_eq!(turn(&reporting, 7), Turn::ItsAgain);
        assert_eq!(turn(&reporting, 8), Turn::Another);
    }

    #[test]
    fn every_field_of_the_message_is_known() {
        let mut report = Report {
            text: Text::new(),
            module: Module::new(),
        };
        let hit = Hit {
            thread: 7,
            stack: StackRange {
                guard: 0x1000,
                limit: 0x2000,
                end: 0x5000,
            },
            address: 0x1FF8,
            pc: None,
        };
        let fields = MESSAGE.split('{').skip(1);
        for name in fields.filter_map(|piece| piece.split('}').next()) {
            report.field(name, &hit);
            let known = report.text.take() != name.as_bytes();
            assert!(known || FUNCTION == format!("{{{name}}}"), "{name}");
        }
        let line = lines().find(|line| line.contains("{below}")).unwrap();
        report.fill_in(line, |report, field| report.field(field, &hit));
        let expected = line.replace("{address}", "0x1ff8").replace("{below}", "8");
        assert_eq!(report.text.take(), format!("{expected}\n").as_bytes());
    }
}
