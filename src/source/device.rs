//! A block device, opened for reading only.

use std::fs::File;
use std::io;
use std::path::Path;

use super::Source;

/// A block device the user named. Nothing is locked, and nothing is asked of it but its size and its bytes.
#[derive(Debug)]
pub struct DeviceSource {
    file: File,
    len: u64,
}

impl DeviceSource {
    /// Opens `path` for reading.
    ///
    /// # Errors
    /// What the system says; `InvalidInput` for anything but a block device.
    #[cfg(unix)]
    pub fn open(path: &Path) -> io::Result<Self> {
        use std::io::{Seek as _, SeekFrom};
        // Opening alone does something to some character devices, such as tapes.
        refuse_others(&std::fs::metadata(path)?)?;
        let mut file = super::file::open_without_waiting(path)?;
        refuse_others(&file.metadata()?)?;
        let len = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, len })
    }

    /// Refuses: devices have no paths here that lead to their bytes.
    #[cfg(not(unix))]
    pub fn open(_path: &Path) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(unix)]
fn refuse_others(metadata: &std::fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt as _;
    if metadata.file_type().is_block_device() {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a block device",
        ))
    }
}

impl Source for DeviceSource {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_exact_at(&self, buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        super::file::read_all_at(&self.file, buf, offset_bytes)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_block_devices_are_opened() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for path in [file.path(), Path::new("/dev/null"), Path::new("/tmp")] {
            let error = DeviceSource::open(path).unwrap_err();
            assert_eq!(
                error.kind(),
                io::ErrorKind::InvalidInput,
                "{}",
                path.display()
            );
        }
    }
}
