//! A source that counts, and that stops the work once it has given so many bytes.

use std::io;
use std::sync::Arc;

use crate::job::CancelToken;
use crate::source::{CountedSource, ReadCounts, Source};

#[derive(Debug)]
pub(super) struct BudgetSource<S> {
    inner: CountedSource<S>,
    counts: Arc<ReadCounts>,
    bytes_max: u64,
    cancel: CancelToken,
}

impl<S: Source> BudgetSource<S> {
    pub(super) fn new(
        inner: S,
        counts: Arc<ReadCounts>,
        bytes_max: u64,
        cancel: CancelToken,
    ) -> Self {
        Self {
            inner: CountedSource::new(inner, Arc::clone(&counts)),
            counts,
            bytes_max,
            cancel,
        }
    }
}

impl<S: Source> Source for BudgetSource<S> {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        if self.counts.bytes() > self.bytes_max {
            self.cancel.cancel();
        }
        self.inner.read_exact_at(buf, offset_bytes)
    }

    fn will_read(&self, offset_bytes: u64, len: u64) {
        self.inner.will_read(offset_bytes, len);
    }
}
