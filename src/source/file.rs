//! A file of a store, opened for reading only.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use super::Source;

/// Linux starts on no more than a device's largest request for each hint, often 512 KiB.
#[cfg(target_os = "linux")]
const HINT_BYTES: u64 = 512 << 10;

/// A regular file, opened read-only.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    opened: Metadata,
}

impl FileSource {
    /// Opens `path` for reading.
    ///
    /// # Errors
    /// What the system says; `InvalidInput` if `path` is no regular file (a FIFO would block, a device is not a store's file),
    /// or its content would have to be fetched first.
    pub fn open(path: &Path) -> io::Result<Self> {
        // Opening alone does something to some devices, so the kind is looked at first.
        refuse_special(&std::fs::metadata(path)?)?;
        Self::open_listed(path)
    }

    /// Opens a file that a folder's listing or the gate has just called a regular one: one question fewer.
    ///
    /// # Errors
    /// As [`FileSource::open`].
    pub fn open_listed(path: &Path) -> io::Result<Self> {
        let file = open_without_waiting(path)?;
        let opened = file.metadata()?;
        refuse_special(&opened)?;
        #[cfg(windows)]
        refuse_elsewhere(std::os::windows::fs::MetadataExt::file_attributes(&opened))?;
        Ok(Self { file, opened })
    }

    /// The file's metadata as they were when it was opened.
    pub fn metadata(&self) -> &Metadata {
        &self.opened
    }
}

/// A file may be replaced by a FIFO after it was looked at, which blocks in a plain open(2) until somebody writes to it.
/// `O_NONBLOCK` changes nothing for a regular file.
#[cfg(unix)]
pub(super) fn open_without_waiting(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, open};
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match open(path, flags, Mode::empty()) {
        Ok(file) => Ok(file.into()),
        // A file server's client holds a lease on it and has to be asked first: that may be waited for.
        Err(rustix::io::Errno::WOULDBLOCK) => File::open(path),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(unix))]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    File::open(path)
}

fn refuse_special(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        Ok(())
    } else {
        let what = if metadata.is_dir() {
            "a directory, not a file"
        } else {
            "not a regular file"
        };
        Err(io::Error::new(io::ErrorKind::InvalidInput, what))
    }
}

/// A placeholder of a cloud or tape store: reading it would fetch the whole of it. `attributes` are Windows'.
#[cfg(any(windows, test))]
fn refuse_elsewhere(attributes: u32) -> io::Result<()> {
    const OFFLINE: u32 = 0x1000;
    const RECALL_ON_DATA_ACCESS: u32 = 0x40_0000;
    if attributes & (OFFLINE | RECALL_ON_DATA_ACCESS) == 0 {
        Ok(())
    } else {
        let what = "its content is not on this machine, and reading would fetch all of it";
        Err(io::Error::new(io::ErrorKind::InvalidInput, what))
    }
}

impl Source for FileSource {
    fn len(&self) -> u64 {
        self.opened.len()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        read_all_at(&self.file, buf, offset_bytes)
    }

    #[cfg(unix)]
    fn append_exact_at(&self, out: &mut Vec<u8>, len: usize, offset_bytes: u64) -> io::Result<()> {
        use rustix::buffer::spare_capacity;
        use rustix::io::{Errno, pread};
        let start = out.len();
        let end = start.saturating_add(len);
        out.reserve_exact(len);
        while out.len() < end {
            let at = offset_bytes.saturating_add(out.len().saturating_sub(start) as u64);
            match pread(&self.file, spare_capacity(out), at) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // There may have been room for more than was asked for.
        out.truncate(end);
        Ok(())
    }

    #[cfg(target_os = "linux")]
    fn will_read(&self, offset_bytes: u64, len: u64) {
        let end = offset_bytes.saturating_add(len).min(self.opened.len());
        let mut at = offset_bytes;
        while at < end {
            let piece = HINT_BYTES.min(end.saturating_sub(at));
            // Only a hint: a file system that takes none is read all the same.
            let _ = rustix::fs::fadvise(
                &self.file,
                at,
                std::num::NonZeroU64::new(piece),
                rustix::fs::Advice::WillNeed,
            );
            at = at.saturating_add(HINT_BYTES);
        }
    }

    /// By the open file, which costs less than its path. A file that was replaced has no link or another change time.
    #[cfg(unix)]
    fn has_changed(&self) -> Option<bool> {
        use std::os::unix::fs::MetadataExt as _;
        let of = &self.opened;
        let then = FileState {
            links: of.nlink(),
            len: of.len(),
            modified: (of.mtime(), of.mtime_nsec()),
            changed: (of.ctime(), of.ctime_nsec()),
        };
        Some(FileState::of(&self.file).map_or(true, |now| now.links == 0 || now != then))
    }
}

/// What shows that somebody wrote to a file, or took it away; times in seconds and nanoseconds.
#[cfg(unix)]
#[derive(PartialEq, Eq)]
struct FileState {
    links: u64,
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

#[cfg(unix)]
impl FileState {
    /// The time of the last access is not asked for: our own reads made it stale, and storage would be asked anew for it.
    #[cfg(target_os = "linux")]
    fn of(file: &File) -> io::Result<Self> {
        use rustix::fs::{AtFlags, StatxFlags, statx};
        let wanted = StatxFlags::NLINK | StatxFlags::SIZE | StatxFlags::MTIME | StatxFlags::CTIME;
        match statx(file, "", AtFlags::EMPTY_PATH, wanted) {
            Ok(now) if StatxFlags::from_bits_retain(now.stx_mask).contains(wanted) => Ok(Self {
                links: u64::from(now.stx_nlink),
                len: now.stx_size,
                modified: (now.stx_mtime.tv_sec, i64::from(now.stx_mtime.tv_nsec)),
                changed: (now.stx_ctime.tv_sec, i64::from(now.stx_ctime.tv_nsec)),
            }),
            // An older kernel, or a sandbox that does not know the call.
            Ok(_) | Err(_) => Self::of_all(file),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn of(file: &File) -> io::Result<Self> {
        Self::of_all(file)
    }

    fn of_all(file: &File) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let now = file.metadata()?;
        Ok(Self {
            links: now.nlink(),
            len: now.len(),
            modified: (now.mtime(), now.mtime_nsec()),
            changed: (now.ctime(), now.ctime_nsec()),
        })
    }
}

/// Reads until `buf` is full.
pub(super) fn read_all_at(
    file: &File,
    mut buf: &mut [u8],
    mut offset_bytes: u64,
) -> io::Result<()> {
    while !buf.is_empty() {
        match read_at(file, buf, offset_bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                buf = buf.get_mut(read..).unwrap_or_default();
                offset_bytes = offset_bytes.saturating_add(read as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// One read by the system itself: a scan makes tens of thousands, and the C library makes each a point where a thread
/// could be cancelled.
#[cfg(unix)]
fn read_at(file: &File, buf: &mut [u8], offset_bytes: u64) -> io::Result<usize> {
    Ok(rustix::io::pread(file, buf, offset_bytes)?)
}

#[cfg(windows)]
fn read_at(file: &File, buf: &mut [u8], offset_bytes: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buf, offset_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_fetched_by_reading_is_not_read() {
        let (archive, sparse) = (0x20, 0x200);
        assert!(refuse_elsewhere(archive | sparse).is_ok());
        for placeholder in [0x1000, 0x40_0000] {
            let error = refuse_elsewhere(archive | sparse | placeholder).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }
}
