//! Files, without locks or memory from the heap: a signal handler may read them.

use core::ffi::{CStr, c_int};
use core::mem::MaybeUninit;
use core::{ptr, slice};

/// A file that is open for reading, until it is dropped.
pub(crate) struct File(c_int);

impl File {
    pub(crate) fn open(path: &CStr) -> Option<File> {
        // SAFETY: the path is a C string.
        let file = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
        (file >= 0).then_some(File(file))
    }

    /// Reads the next bytes, and returns how many there were: 0 at the end.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> Option<usize> {
        // SAFETY: the buffer is writable for its length.
        let read = unsafe { libc::read(self.0, buffer.as_mut_ptr().cast(), buffer.len()) };
        usize::try_from(read).ok()
    }

    /// Maps all of it, for the rest of the process's life.
    pub(crate) fn map(&self) -> Option<&'static [u8]> {
        // SAFETY: a stat is all integers, and is read once the system has written
        // it; the mapping is of the file's length, and is never unmapped.
        unsafe {
            let mut stat: libc::stat64 = MaybeUninit::zeroed().assume_init();
            if libc::fstat64(self.0, &mut stat) != 0 {
                return None;
            }
            let bytes = usize::try_from(stat.st_size).ok()?;
            let (read, private) = (libc::PROT_READ, libc::MAP_PRIVATE);
            let start = libc::mmap64(ptr::null_mut(), bytes, read, private, self.0, 0);
            (start != libc::MAP_FAILED).then(|| slice::from_raw_parts(start.cast(), bytes))
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: opened by `open`, and closed once, here.
        unsafe { libc::close(self.0) };
    }
}

/// The decimal number at the beginning of a small file.
pub(crate) fn read_number(path: &CStr) -> Option<u64> {
    let mut text = [0_u8; 24];
    let read = File::open(path)?.read(&mut text)?;
    core::str::from_utf8(&text[..read])
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// How many lines a file has.
pub(crate) fn count_lines(path: &CStr) -> Option<usize> {
    let (file, mut text) = (File::open(path)?, [0_u8; 2048]);
    let mut lines = 0;
    loop {
        match file.read(&mut text)? {
            0 => return Some(lines),
            read => lines += text[..read].iter().filter(|byte| **byte == b'\n').count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_files() {
        assert!(read_number(c"/proc/sys/vm/max_map_count").is_some_and(|n| n > 100));
        assert_eq!(read_number(c"/proc/version"), None, "no number");
        assert_eq!(read_number(c"/nowhere"), None, "no file");
    }

    #[test]
    fn lines_are_counted() {
        let mappings = count_lines(c"/proc/self/maps").expect("the system says");
        assert!(mappings > 10, "{mappings}");
        assert_eq!(count_lines(c"/dev/null"), Some(0));
        assert_eq!(count_lines(c"/nowhere"), None);
    }
}
