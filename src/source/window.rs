//! A slice of another source, such as a partition.

use std::io;

use super::Source;

/// `len` bytes of `inner` from `start_bytes` on.
#[derive(Debug)]
pub struct WindowSource<S> {
    inner: S,
    start_bytes: u64,
    len: u64,
}

impl<S: Source> WindowSource<S> {
    /// A window that is cut to what `inner` holds.
    pub fn new(inner: S, start_bytes: u64, len: u64) -> Self {
        let len = len.min(inner.len().saturating_sub(start_bytes));
        Self {
            inner,
            start_bytes,
            len,
        }
    }
}

impl<S: Source> Source for WindowSource<S> {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_exact_at(&self, buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        let end = offset_bytes.checked_add(buf.len() as u64);
        match end {
            Some(end) if end <= self.len => self
                .inner
                .read_exact_at(buf, self.start_bytes.saturating_add(offset_bytes)),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn will_read(&self, offset_bytes: u64, len: u64) {
        let len = len.min(self.len.saturating_sub(offset_bytes));
        self.inner
            .will_read(self.start_bytes.saturating_add(offset_bytes), len);
    }
}
