//! What a process may have, and has: getrlimit(2), proc_sys_vm(5), proc_pid_maps(5).

use super::file;

/// How many bytes of address space the process may have, if that is limited.
pub(crate) fn address_space() -> Option<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is writable.
    let failed = unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) } != 0;
    if failed || limit.rlim_cur == libc::RLIM_INFINITY {
        return None;
    }
    #[allow(
        clippy::useless_conversion,
        reason = "rlim_t is 32 bits on some targets"
    )]
    Some(limit.rlim_cur.into())
}

/// `vm.overcommit_memory`; 2 counts every untouched page.
pub(crate) fn overcommit_policy() -> Option<u64> {
    file::read_number(c"/proc/sys/vm/overcommit_memory")
}

/// `vm.max_map_count`: how many mappings a process may have.
pub(crate) fn most_mappings() -> Option<u64> {
    file::read_number(c"/proc/sys/vm/max_map_count")
}

/// How many mappings the process has. It takes milliseconds when there are many.
pub(crate) fn mappings() -> Option<usize> {
    file::count_lines(c"/proc/self/maps")
}
