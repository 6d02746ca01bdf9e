//! Positioned, read-only access to bytes: the only door to a disk's content.
//!
//! Reads take `&self`, so any number of threads may read one source at once, and no cursor is shared.
//! Nothing here is mapped into memory: a file that shrinks must give an error, not kill the process.

mod counted;
mod device;
mod file;
mod memory;
mod overlay;
mod patched;
mod window;

use std::fmt;
use std::io;

pub use counted::{CountedSource, ReadCounts};
pub use device::DeviceSource;
pub use file::FileSource;
pub use memory::MemorySource;
pub use overlay::{Overlay, OverlayFull, OverlayPage, OverlaySource};
pub use patched::{PatchedSource, PatchesFull};
pub use window::WindowSource;

/// Bytes that can be read from any position.
pub trait Source: Send + Sync + fmt::Debug {
    /// Length in bytes, as it was when the source was opened.
    fn len(&self) -> u64;

    /// Fills `buf` from `offset_bytes` on.
    ///
    /// # Errors
    /// `UnexpectedEof` if the source ends before `buf` is full; otherwise what the system said.
    fn read_exact_at(&self, buf: &mut [u8], offset_bytes: u64) -> io::Result<()>;

    /// Adds `len` bytes from `offset_bytes` on to `out`. Where the system can, they are not cleared first. After an error `out`
    /// ends anywhere.
    ///
    /// # Errors
    /// As [`Source::read_exact_at`].
    fn append_exact_at(&self, out: &mut Vec<u8>, len: usize, offset_bytes: u64) -> io::Result<()> {
        let start = out.len();
        out.resize(start.saturating_add(len), 0);
        self.read_exact_at(out.get_mut(start..).unwrap_or_default(), offset_bytes)
    }

    /// Says that these bytes will be read soon, so that a file's device may start on them; changes nothing else.
    fn will_read(&self, offset_bytes: u64, len: u64) {
        let _ = (offset_bytes, len);
    }

    /// Whether somebody may have written to it, or taken it away, since it was opened; `None` if it cannot say.
    fn has_changed(&self) -> Option<bool> {
        None
    }

    /// True if there is no byte to read.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<S: Source + ?Sized> Source for &S {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        (**self).read_exact_at(buf, offset_bytes)
    }

    fn append_exact_at(&self, out: &mut Vec<u8>, len: usize, offset_bytes: u64) -> io::Result<()> {
        (**self).append_exact_at(out, len, offset_bytes)
    }

    fn will_read(&self, offset_bytes: u64, len: u64) {
        (**self).will_read(offset_bytes, len);
    }

    fn has_changed(&self) -> Option<bool> {
        (**self).has_changed()
    }
}

impl<S: Source + ?Sized> Source for std::sync::Arc<S> {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        (**self).read_exact_at(buf, offset_bytes)
    }

    fn append_exact_at(&self, out: &mut Vec<u8>, len: usize, offset_bytes: u64) -> io::Result<()> {
        (**self).append_exact_at(out, len, offset_bytes)
    }

    fn will_read(&self, offset_bytes: u64, len: u64) {
        (**self).will_read(offset_bytes, len);
    }

    fn has_changed(&self) -> Option<bool> {
        (**self).has_changed()
    }
}

/// What the system said, in words. On Windows a file that a running machine holds open is the usual case, and the
/// system's own sentence is in the user's language and says nothing of machines.
pub fn error_words(error: &io::Error) -> String {
    windows_words(error.raw_os_error())
        .filter(|_| cfg!(windows))
        .map_or_else(|| error.to_string(), str::to_owned)
}

/// `ERROR_SHARING_VIOLATION` and `ERROR_LOCK_VIOLATION` of Windows' `winerror.h`.
fn windows_words(number: Option<i32>) -> Option<&'static str> {
    match number? {
        32 => Some("another program, perhaps the running machine, lets nobody else read it"),
        33 => Some("another program, perhaps the running machine, has locked a part of it"),
        _ => None,
    }
}

/// Fills `buffer` from `offset_bytes` on, or as much of it as there is before the end; that part is returned.
///
/// # Errors
/// What [`Source::read_exact_at`] gives.
pub fn fill_up_to<'b>(
    source: &dyn Source,
    offset_bytes: u64,
    buffer: &'b mut [u8],
) -> io::Result<&'b [u8]> {
    let left = source.len().saturating_sub(offset_bytes);
    let take = usize::try_from(left)
        .unwrap_or(usize::MAX)
        .min(buffer.len());
    let bytes = buffer.get_mut(..take).unwrap_or_default();
    if !bytes.is_empty() {
        source.read_exact_at(bytes, offset_bytes)?;
    }
    Ok(bytes)
}

/// Reads `len` bytes at `offset_bytes` into a new buffer, or as many as there are before the end.
///
/// `len` is bounded by the source's length before anything is allocated.
///
/// # Errors
/// What [`Source::read_exact_at`] gives.
pub fn read_up_to(source: &dyn Source, offset_bytes: u64, len: usize) -> io::Result<Vec<u8>> {
    let left = source.len().saturating_sub(offset_bytes);
    let take = usize::try_from(left).unwrap_or(usize::MAX).min(len);
    let mut bytes = Vec::with_capacity(take);
    if take > 0 {
        source.append_exact_at(&mut bytes, take, offset_bytes)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_use_on_windows_is_said_to_be_in_use() {
        for (number, word) in [(32, "running machine"), (33, "locked")] {
            assert!(windows_words(Some(number)).unwrap().contains(word));
        }
        assert_eq!(windows_words(Some(5)), None);
        let denied = io::Error::from_raw_os_error(13);
        assert_eq!(error_words(&denied), denied.to_string());
    }
}
