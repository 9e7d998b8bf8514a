use crate::tell;
use coro::SuspendHandle;
use std::io::{self, Read};
use std::ops::Range;
use std::rc::Rc;

/// A piece of the document; an empty one is its end.
#[derive(Clone)]
pub(crate) struct Chunk {
    pub(crate) document: Rc<[u8]>,
    pub(crate) range: Range<usize>,
}

/// A blocking reader that does not block: where it would have to wait, it
/// suspends the coroutine that reads.
pub(crate) struct Feed<'a> {
    handle: &'a SuspendHandle<Chunk, ()>,
    chunk: Chunk,
    who: usize,
    suspensions: usize,
}

impl<'a> Feed<'a> {
    pub(crate) fn new(handle: &'a SuspendHandle<Chunk, ()>, first: Chunk, who: usize) -> Self {
        Feed {
            handle,
            chunk: first,
            who,
            suspensions: 0,
        }
    }

    /// Waits for the next chunk.
    #[cold]
    fn refill(&mut self) {
        if self.suspensions < 2 {
            let place = self.chunk.range.end;
            tell(
                self.who,
                "suspended",
                format_args!("in mid-call inside `read`, at byte {place}"),
            );
        }
        self.suspensions += 1;
        self.chunk = self.handle.suspend(());
    }
}

impl Read for Feed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Chunk { range, .. } = &self.chunk;
        // The end of the document is the end of this chunk too, for good.
        if range.is_empty() && range.end < self.chunk.document.len() {
            self.refill();
        }
        let Chunk { document, range } = &mut self.chunk;
        let read = document[range.clone()].as_ref().read(buffer)?;
        range.start += read;
        Ok(read)
    }
}
