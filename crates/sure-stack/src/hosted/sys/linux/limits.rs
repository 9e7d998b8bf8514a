//! What a process may have, and has: getrlimit(2), proc_sys_vm(5), proc_pid_maps(5).

use super::file;
pub(crate) use crate::hosted::sys::unix::address_space;

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
