//! Which pages of a stack take memory.

use sure_stack::Stack;

/// How many pages of a stack take memory, the page of its base included: mincore(2).
///
/// It answers a byte for each page; an emulator on a host with smaller pages, a byte
/// for each of those. So there is room for more, and what was written tells which.
#[cfg(unix)]
pub(crate) fn resident_pages(stack: &impl Stack) -> usize {
    const UNTOUCHED: u8 = 0xA5;
    // SAFETY: asks for a constant.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap();
    // The lowest page begins at the limit; the base may be inside the last one.
    let pages = stack.size().div_ceil(page);
    let mut answer = vec![UNTOUCHED; pages * page / 512];
    // SAFETY: the stack's pages, and more than a byte for each of them.
    let failed = unsafe {
        libc::mincore(
            stack.limit().as_ptr().cast(),
            stack.size(),
            answer.as_mut_ptr().cast(),
        )
    };
    assert_eq!(failed, 0);
    let answered = answer.iter().take_while(|byte| **byte != UNTOUCHED).count();
    let answers = answer[..answered].chunks(answered.div_ceil(pages));
    answers
        .filter(|bytes| bytes.iter().any(|byte| byte & 1 == 1))
        .count()
}

/// Windows is not asked: all that may.
#[cfg(windows)]
pub(crate) fn resident_pages(stack: &impl Stack) -> usize {
    stack.size().div_ceil(4096)
}
