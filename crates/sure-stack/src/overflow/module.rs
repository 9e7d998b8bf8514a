//! The program or library to which an address belongs: proc_pid_maps(5).

use core::ops::ControlFlow;
use core::str;

const PATH: usize = libc::PATH_MAX as usize;

/// A file that is mapped where the code is, and the code's place in it.
pub(super) struct Module {
    path: [u8; PATH + 1],
    len: usize,
    /// The address, less that of the module's beginning.
    pub(super) offset: usize,
    /// From the beginning of the file, in bytes.
    pub(super) file_offset: usize,
    lines: [u8; PATH + 128],
}

/// A line of the list.
struct Mapping<'a> {
    low: usize,
    high: usize,
    offset: usize,
    path: &'a [u8],
}

impl Module {
    pub(super) const fn new() -> Module {
        Module {
            path: [0; PATH + 1],
            len: 0,
            offset: 0,
            file_offset: 0,
            lines: [0; PATH + 128],
        }
    }

    pub(super) fn path(&self) -> &[u8] {
        &self.path[..self.len]
    }

    /// The path, zero-terminated.
    pub(super) fn c_path(&self) -> *const libc::c_char {
        self.path.as_ptr().cast()
    }

    /// Looks an address up; returns whether it is in a mapping with a name.
    pub(super) fn find(&mut self, address: usize) -> bool {
        let Module {
            path,
            len,
            offset,
            file_offset,
            lines,
        } = self;
        let mut beginning = 0;
        let mut found = false;
        each_line(lines, |line| {
            let Some(mapping) = Mapping::parse(line) else {
                return ControlFlow::Continue(());
            };
            let same = mapping.path == &path[..*len];
            let inside = (mapping.low..mapping.high).contains(&address);
            // A module's first mapping is that of its file's beginning.
            if mapping.offset == 0 || (inside && !same) {
                beginning = mapping.low.wrapping_sub(mapping.offset);
                *len = mapping.path.len().min(PATH);
                path[..*len].copy_from_slice(&mapping.path[..*len]);
                path[*len] = 0;
            }
            if !inside {
                return ControlFlow::Continue(());
            }
            found = !mapping.path.is_empty();
            *offset = address.wrapping_sub(beginning);
            *file_offset = address - mapping.low + mapping.offset;
            ControlFlow::Break(())
        });
        found
    }
}

impl<'a> Mapping<'a> {
    /// `low-high permissions offset device inode path`, numbers in hexadecimal.
    fn parse(line: &'a [u8]) -> Option<Mapping<'a>> {
        let mut fields = line.splitn(6, |&byte| byte == b' ');
        let mut range = fields.next()?.split(|&byte| byte == b'-');
        let (low, high) = (hex(range.next()?)?, hex(range.next()?)?);
        Some(Mapping {
            low,
            high,
            offset: hex(fields.nth(1)?)?,
            path: fields.nth(2).unwrap_or_default().trim_ascii(),
        })
    }
}

fn hex(digits: &[u8]) -> Option<usize> {
    usize::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

/// Calls `f` with the lines of the list, as far as they fit into `buffer`.
fn each_line(buffer: &mut [u8], mut f: impl FnMut(&[u8]) -> ControlFlow<()>) {
    // SAFETY: the path is a C string; the file is closed below.
    let file = unsafe {
        libc::open(
            c"/proc/self/maps".as_ptr(),
            libc::O_RDONLY | libc::O_CLOEXEC,
        )
    };
    if file < 0 {
        return;
    }
    let mut len = 0;
    loop {
        let room = &mut buffer[len..];
        // SAFETY: `room` is writable.
        let read = unsafe { libc::read(file, room.as_mut_ptr().cast(), room.len()) };
        // At the end, or where a line does not fit.
        let Some(read) = usize::try_from(read).ok().filter(|&read| read > 0) else {
            break;
        };
        len += read;
        let mut start = 0;
        while let Some(end) = buffer[start..len].iter().position(|&byte| byte == b'\n') {
            if f(&buffer[start..start + end]).is_break() {
                len = 0;
                start = usize::MAX;
                break;
            }
            start += end + 1;
        }
        if start == usize::MAX {
            break;
        }
        buffer.copy_within(start..len, 0);
        len -= start;
    }
    // SAFETY: opened above, and closed once.
    unsafe { libc::close(file) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_apart() {
        let line = b"55d37000-55e00000 r-xp 00012000 fe:01 1234   /a path/with spaces";
        let mapping = Mapping::parse(line).unwrap();
        assert_eq!((mapping.low, mapping.offset), (0x55d3_7000, 0x12000));
        assert_eq!(mapping.path, b"/a path/with spaces");
        assert_eq!(
            Mapping::parse(b"1000-2000 rw-p 00000000 00:00 0 ")
                .unwrap()
                .path,
            b""
        );
        assert!(Mapping::parse(b"nonsense").is_none());
    }

    #[test]
    fn code_of_this_program_is_in_this_program() {
        let mut module = Module::new();
        assert!(module.find(lines_are_taken_apart as *const () as usize));
        let path = str::from_utf8(module.path()).unwrap();
        assert!(std::env::current_exe().unwrap().ends_with(path), "{path}");
        let size = std::fs::metadata(path).unwrap().len();
        assert!((1..size).contains(&(module.file_offset as u64)));
    }

    #[test]
    fn what_is_no_code_is_in_no_module() {
        let mut module = Module::new();
        assert!(!module.find(16), "nothing is mapped there");
        let stack = crate::GuardedMmapStack::allocate_at_least(1).unwrap();
        assert!(!module.find(crate::Stack::limit(&stack).addr().get()));
    }
}
