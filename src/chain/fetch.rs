//! Reads into a buffer: neighbouring pieces in one read, and what to do when one fails.

use std::io;
use std::ops::Range;

use super::Chain;

/// One read of a link's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Request {
    link: usize,
    offset_bytes: u64,
    /// Where in the buffer.
    at: usize,
    len: usize,
}

/// Bytes of the buffer that could not be read; zeros stand there.
#[derive(Debug)]
pub(crate) struct BadBytes {
    /// Where in the buffer; whole sectors.
    pub(crate) at: Range<usize>,
    pub(crate) link: usize,
    /// Where in the file.
    pub(crate) offset_bytes: u64,
    /// What the system said of the first of them.
    pub(crate) error: io::Error,
}

/// A list of reads that fill one buffer.
#[derive(Debug, Default)]
pub(crate) struct Fetch {
    requests: Vec<Request>,
}

impl Fetch {
    /// Forgets all reads.
    pub(crate) fn clear(&mut self) {
        self.requests.clear();
    }

    /// Adds a read of `len` bytes to position `at` of the buffer. Goes into the read before it if it goes on there, both in
    /// the file and in the buffer.
    pub(crate) fn push(&mut self, link: usize, offset_bytes: u64, at: usize, len: usize) {
        if let Some(last) = self.requests.last_mut() {
            let goes_on = last.link == link
                && last.at.checked_add(last.len) == Some(at)
                && last.offset_bytes.checked_add(last.len as u64) == Some(offset_bytes);
            if goes_on {
                last.len = last.len.saturating_add(len);
                return;
            }
        }
        self.requests.push(Request {
            link,
            offset_bytes,
            at,
            len,
        });
    }

    /// Tells the files what will be read, so that their devices work on all of it at once.
    pub(crate) fn announce<'f>(fetches: impl Iterator<Item = &'f Self>, chain: &Chain) {
        let mut all = Self::default();
        let mut at = 0_usize;
        for request in fetches.flat_map(|fetch| &fetch.requests) {
            all.push(request.link, request.offset_bytes, at, request.len);
            at = at.saturating_add(request.len);
        }
        for request in &all.requests {
            if let Some(image) = chain.links().get(request.link) {
                image
                    .source()
                    .will_read(request.offset_bytes, request.len as u64);
            }
        }
    }

    /// Does the reads. Where one fails it is done again sector by sector, so that only what is truly unreadable is lost; that
    /// becomes zeros and is told to `bad`, in the order of the buffer.
    pub(crate) fn run(&self, chain: &Chain, buf: &mut [u8], bad: &mut Vec<BadBytes>) {
        for request in &self.requests {
            let end = request.at.saturating_add(request.len);
            let (Some(bytes), Some(image)) = (
                buf.get_mut(request.at..end),
                chain.links().get(request.link),
            ) else {
                continue;
            };
            let source = image.source();
            if source.read_exact_at(bytes, request.offset_bytes).is_ok() {
                continue;
            }
            let sector = usize::try_from(chain.sector_size()).unwrap_or(512).max(1);
            let mut at = request.at;
            let mut offset_bytes = request.offset_bytes;
            for bytes in bytes.chunks_mut(sector) {
                let end = at.saturating_add(bytes.len());
                if let Err(error) = source.read_exact_at(bytes, offset_bytes) {
                    bytes.fill(0);
                    match bad.last_mut() {
                        Some(last) if last.at.end == at && last.link == request.link => {
                            last.at.end = end;
                        }
                        _ => bad.push(BadBytes {
                            at: at..end,
                            link: request.link,
                            offset_bytes,
                            error,
                        }),
                    }
                }
                offset_bytes = offset_bytes.saturating_add(bytes.len() as u64);
                at = end;
            }
        }
    }
}
