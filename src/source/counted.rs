//! Counts what is read, so that work can be measured where time is noisy.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Source;

/// Reads and bytes that went through one or more [`CountedSource`]s.
#[derive(Debug, Default)]
pub struct ReadCounts {
    reads: AtomicU64,
    bytes: AtomicU64,
}

impl ReadCounts {
    /// Number of positioned reads.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Bytes asked for.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// Passes reads on and counts them.
#[derive(Debug)]
pub struct CountedSource<S> {
    inner: S,
    counts: Arc<ReadCounts>,
}

impl<S: Source> CountedSource<S> {
    /// Counts into `counts`, which may be shared by several sources.
    pub fn new(inner: S, counts: Arc<ReadCounts>) -> Self {
        Self { inner, counts }
    }
}

impl<S: Source> Source for CountedSource<S> {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        self.counts.reads.fetch_add(1, Ordering::Relaxed);
        self.counts
            .bytes
            .fetch_add(buf.len() as u64, Ordering::Relaxed);
        self.inner.read_exact_at(buf, offset_bytes)
    }
    fn will_read(&self, offset_bytes: u64, len: u64) {
        self.inner.will_read(offset_bytes, len);
    }
}
