use std::fs;
use std::time::Duration;

/// What one coroutine takes at the least: a page for its first frames, its
/// part of a page table, and its place in the list.
const TABLES_AND_LIST: u64 = 640;

/// What the machine has.
pub(crate) struct Machine {
    /// Bytes that could be used without swapping, where the system says.
    available: Option<u64>,
    page: u64,
}

impl Machine {
    pub(crate) fn look() -> Machine {
        let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        #[cfg(unix)]
        // SAFETY: asks for a constant.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        #[cfg(not(unix))]
        let page = 4096_i64;
        Machine {
            available: kilobytes(&text, "MemAvailable:"),
            page: u64::try_from(page).unwrap_or(4096),
        }
    }

    /// An error, if so many coroutines could not be held in memory, or not be addressed.
    pub(crate) fn has_room_for(&self, coroutines: usize, stack: usize) -> Result<(), String> {
        let needed = (self.page + TABLES_AND_LIST).saturating_mul(coroutines as u64);
        if let Some(available) = self.available.filter(|&available| available < needed) {
            return Err(format!(
                "{coroutines} coroutines take about {} MiB, and {} MiB are available: \
                 use --coroutines {} or less",
                needed >> 20,
                available >> 20,
                available / (self.page + TABLES_AND_LIST)
            ));
        }
        let addresses = (stack as u64).saturating_mul(coroutines as u64);
        let most = isize::MAX as u64;
        if addresses > most {
            return Err(format!(
                "{coroutines} stacks of {stack} bytes exceed the address space: use less or smaller ones"
            ));
        }
        Ok(())
    }
}

/// What the kernel takes to make one page for each of so many stacks, without guards: no way to
/// create them is faster. `None` if there are no addresses for it.
#[cfg(target_os = "linux")]
pub(crate) fn floor(stacks: usize, stack: usize) -> Option<Duration> {
    use std::{ptr, time::Instant};
    // SAFETY: asks for a constant.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
    // As far apart as the arena's, with their guards and what is above them.
    let stride = stack.checked_add(2 * page)?.next_multiple_of(page);
    let bytes = stride.checked_mul(stacks)?;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    let writable = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: new addresses, which nothing else uses.
    let start = unsafe { libc::mmap(ptr::null_mut(), bytes, writable, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return None;
    }
    // A wish. SAFETY: the mapping of just now, with nothing in it.
    unsafe { libc::madvise(start, bytes, libc::MADV_NOHUGEPAGE) };
    let begin = Instant::now();
    for n in 0..stacks {
        // SAFETY: inside that mapping, which is writable.
        unsafe { start.cast::<u8>().add(n * stride).write_volatile(1) };
    }
    let taken = begin.elapsed();
    // SAFETY: the whole mapping, to which nothing refers any more.
    unsafe { libc::munmap(start, bytes) };
    Some(taken)
}

/// It is not measured on other systems.
#[cfg(not(target_os = "linux"))]
pub(crate) fn floor(_: usize, _: usize) -> Option<Duration> {
    None
}

/// What this process takes at one moment.
pub(crate) struct Process {
    pub(crate) mappings: usize,
    pub(crate) resident: u64,
    pub(crate) page_tables: u64,
}

impl Process {
    pub(crate) fn look() -> Option<Process> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let maps = fs::read_to_string("/proc/self/maps").ok()?;
        Some(Process {
            mappings: maps.lines().count(),
            resident: kilobytes(&status, "VmRSS:")?,
            page_tables: kilobytes(&status, "VmPTE:")?,
        })
    }
}

/// The bytes of a line like `VmRSS:  123 kB`.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(number << 10)
}
