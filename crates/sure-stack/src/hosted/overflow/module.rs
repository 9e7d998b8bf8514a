//! The program or library to which an address belongs: proc_pid_maps(5).

use crate::hosted::sys::file::File;
#[cfg(target_os = "linux")]
use core::ffi::CStr;
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

/// What looks at the lines, one after the other.
type Visitor<'a> = &'a mut dyn FnMut(&[u8]) -> ControlFlow<()>;

/// A line of the list.
struct MapsLine<'a> {
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
    #[cfg(target_os = "linux")]
    pub(super) fn c_path(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.path).unwrap_or_default()
    }

    /// Looks an address up; returns whether it is in a mapping with a name.
    pub(super) fn find(&mut self, address: usize) -> bool {
        self.find_among(address, each_line)
    }

    fn find_among(&mut self, address: usize, each_line: impl FnOnce(&mut [u8], Visitor)) -> bool {
        let Module {
            path,
            len,
            offset,
            file_offset,
            lines,
        } = self;
        let mut beginning = 0;
        let mut found = false;
        each_line(lines, &mut |line| {
            let Some(mapping) = MapsLine::parse(line) else {
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

impl<'a> MapsLine<'a> {
    /// `low-high permissions offset device inode path`, numbers in hexadecimal.
    fn parse(line: &'a [u8]) -> Option<MapsLine<'a>> {
        let mut fields = line.splitn(6, |&byte| byte == b' ');
        let mut range = fields.next()?.split(|&byte| byte == b'-');
        let (low, high) = (hex(range.next()?)?, hex(range.next()?)?);
        Some(MapsLine {
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

/// Calls `f` with the lines of the list, as far as they fit into `buffer`, until it
/// has found what it looks for.
fn each_line(buffer: &mut [u8], f: Visitor) {
    let Some(file) = File::open(c"/proc/self/maps") else {
        return;
    };
    let mut len = 0;
    // To the end of the file, or where a line does not fit.
    while let Some(read) = file.read(&mut buffer[len..]).filter(|&read| read > 0) {
        len += read;
        let mut start = 0;
        while let Some(end) = buffer[start..len].iter().position(|&byte| byte == b'\n') {
            if f(&buffer[start..start + end]).is_break() {
                return;
            }
            start += end + 1;
        }
        buffer.copy_within(start..len, 0);
        len -= start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_apart() {
        let line = b"55d37000-55e00000 r-xp 00012000 fe:01 1234   /a path/with spaces";
        let mapping = MapsLine::parse(line).unwrap();
        assert_eq!((mapping.low, mapping.offset), (0x55d3_7000, 0x12000));
        assert_eq!(mapping.path, b"/a path/with spaces");
        assert_eq!(
            MapsLine::parse(b"1000-2000 rw-p 00000000 00:00 0 ")
                .unwrap()
                .path,
            b""
        );
        assert!(MapsLine::parse(b"nonsense").is_none());
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

    /// The offset in the module, that in its file, and the name, if there is one.
    fn found(address: usize) -> Option<(usize, usize, String)> {
        const LINES: [&[u8]; 9] = [
            b"1000-2000 r--p 00000000 fe:01 1 /program",
            b"2000-4000 r-xp 00001000 fe:01 1 /program",
            // A page of addresses is left out, as linkers do.
            b"4000-5000 rw-p 00002000 fe:01 1 /program",
            b"5000-6000 rw-p 00000000 00:00 0 [heap]",
            // The beginning of this one's file is not mapped.
            b"7000-8000 r-xp 00003000 fe:01 2 /library",
            b"8000-9000 r--p 00004000 fe:01 2 /library",
            b"a000-b000 r--p 00000000 fe:01 3 /another",
            b"b000-c000 r-xp 00001000 fe:01 3 /another",
            b"d000-e000 rw-p 00000000 00:00 0 ",
        ];
        let mut module = Module::new();
        let lines = |_: &mut [u8], visitor: Visitor| {
            let _ = LINES.iter().try_for_each(|line| visitor(line));
        };
        module.find_among(address, lines).then(|| {
            let path = str::from_utf8(module.path()).unwrap();
            (module.offset, module.file_offset, String::from(path))
        })
    }

    #[test]
    fn an_address_belongs_to_the_module_that_began_last() {
        let expect = |address, offset, file_offset, path: &str| {
            let expected = Some((offset, file_offset, String::from(path)));
            assert_eq!(found(address), expected, "{address:x}");
        };
        expect(0x1800, 0x800, 0x800, "/program");
        expect(0x3000, 0x2000, 0x2000, "/program");
        expect(0x4100, 0x3100, 0x2100, "/program");
        expect(0x7100, 0x3100, 0x3100, "/library");
        expect(0x8100, 0x4100, 0x4100, "/library");
        expect(0xb001, 0x1001, 0x1001, "/another");
        assert_eq!(found(0x6800), None);
        assert_eq!(found(0xd800), None);
    }

    #[test]
    fn no_line_is_lost_between_two_reads() {
        // Less than the list has, so that it takes many.
        let mut buffer = [0; 400];
        let (mut count, mut last) = (0, 0);
        each_line(&mut buffer, &mut |line| {
            let line = MapsLine::parse(line).expect("a line");
            assert!(last <= line.low && line.low < line.high);
            last = line.high;
            count += 1;
            ControlFlow::Continue(())
        });
        assert!(count > 20, "{count}");
    }

    #[test]
    fn what_is_no_code_is_in_no_module() {
        let mut module = Module::new();
        assert!(!module.find(16), "nothing is mapped there");
        let stack = crate::GuardedMmapStack::allocate_at_least(1).unwrap();
        assert!(!module.find(crate::Stack::limit(&stack).addr().get()));
    }
}
