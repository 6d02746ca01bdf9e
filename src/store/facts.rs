//! What the file system says of a file, and whether its birth times are those of the Windows host.
//! Whether those are to be believed is decided in [`analysis`](crate::analysis), `witness/made`.

use std::fs::Metadata;
use std::io;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::source::FileSource;
use crate::store::containers;
pub use crate::store::files::{Files, Opened};
#[cfg(target_os = "linux")]
use crate::store::mounts;
#[cfg(any(target_os = "linux", test))]
use crate::store::mounts::Mount;
use crate::store::{Born, BornSource, FileFacts};

/// The file system of this machine.
#[derive(Debug, Default)]
pub struct SystemFiles {
    mounts: Mounts,
}

impl SystemFiles {
    /// Looks once at what is mounted, to know whose birth times can be those of a Windows host.
    pub fn new() -> Self {
        Self {
            mounts: Mounts::read(),
        }
    }
}

impl Files for SystemFiles {
    fn open(&self, path: &Path) -> io::Result<Opened> {
        if containers::is_alias(path)
            && let Some(opened) = containers::open_other(path)
        {
            return opened;
        }
        let source = match FileSource::open_listed(path) {
            Ok(source) => source,
            Err(error) => return containers::open_other(path).unwrap_or(Err(error)),
        };
        let facts = self.mounts.facts(path, source.metadata());
        Ok(Opened {
            source: Arc::new(source),
            facts,
        })
    }

    fn facts(&self, path: &Path) -> io::Result<FileFacts> {
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => Ok(self.mounts.facts(path, &metadata)),
            Ok(metadata) => {
                Ok(containers::facts_other(path)
                    .unwrap_or_else(|| self.mounts.facts(path, &metadata)))
            }
            Err(error) => containers::facts_other(path).ok_or(error),
        }
    }
}

/// Devices that carry a file system which keeps the birth times of a Windows host.
#[derive(Debug, Default)]
struct Mounts {
    windows: Vec<u64>,
}

impl Mounts {
    #[cfg(target_os = "linux")]
    fn read() -> Self {
        Self::of(&mounts::mounts())
    }

    #[cfg(not(target_os = "linux"))]
    fn read() -> Self {
        Self::default()
    }

    #[cfg(any(target_os = "linux", test))]
    fn of(mounts: &[Mount]) -> Self {
        let windows = mounts
            .iter()
            .filter(|mount| keeps_windows_births(&mount.kind))
            .map(|mount| device_number(mount.device.0, mount.device.1));
        Self {
            windows: windows.collect(),
        }
    }

    fn facts(&self, path: &Path, metadata: &Metadata) -> FileFacts {
        let source = self.birth_source(metadata);
        let born = metadata
            .created()
            .ok()
            .and_then(|time| Timestamp::try_from(time).ok())
            .or_else(|| match source {
                BornSource::WindowsFileSystem => ntfs_birth(path),
                _ => None,
            })
            .map(|at| Born { at, source });
        FileFacts {
            len: metadata.len(),
            allocated: allocated(metadata),
            modified: metadata
                .modified()
                .ok()
                .and_then(|time| Timestamp::try_from(time).ok()),
            born,
            identity: identity(metadata),
        }
    }

    /// Where files have no device number, this is Windows itself.
    fn birth_source(&self, metadata: &Metadata) -> BornSource {
        match identity(metadata) {
            Some((device, _)) if !self.windows.contains(&device) => BornSource::OtherFileSystem,
            _ => BornSource::WindowsFileSystem,
        }
    }
}

/// Kinds of file system as Linux names them: both NTFS drivers (ntfs-3g shows as `fuseblk`), SMB, exFAT.
#[cfg(any(target_os = "linux", test))]
fn keeps_windows_births(kind: &str) -> bool {
    matches!(
        kind,
        "ntfs3" | "ntfs" | "fuseblk" | "cifs" | "smb3" | "exfat" | "refs"
    )
}

/// Linux's 64-bit device number, as `st_dev` holds it (the C library's `makedev`).
#[cfg(any(target_os = "linux", test))]
fn device_number(major: u32, minor: u32) -> u64 {
    let (major, minor) = (u64::from(major), u64::from(minor));
    ((major & 0xffff_f000) << 32)
        | ((major & 0xfff) << 8)
        | ((minor & 0xffff_ff00) << 12)
        | (minor & 0xff)
}

#[cfg(unix)]
fn allocated(metadata: &Metadata) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    metadata.blocks().checked_mul(512)
}

#[cfg(not(unix))]
fn allocated(_metadata: &Metadata) -> Option<u64> {
    None
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "one signature for every system")]
fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_metadata: &Metadata) -> Option<(u64, u64)> {
    None
}

/// ntfs-3g answers birth times only as an extended attribute: a FILETIME in the machine's byte order.
#[cfg(target_os = "linux")]
fn ntfs_birth(path: &Path) -> Option<Timestamp> {
    let mut ticks = [0_u8; 8];
    let read = rustix::fs::getxattr(path, "system.ntfs_crtime", &mut ticks[..]).ok()?;
    (read == ticks.len()).then(|| from_filetime(u64::from_ne_bytes(ticks)))?
}

#[cfg(not(target_os = "linux"))]
fn ntfs_birth(_path: &Path) -> Option<Timestamp> {
    None
}

/// 100 ns steps since 1601-01-01 00:00:00 UTC, the epoch of NTFS.
#[cfg(any(target_os = "linux", test))]
fn from_filetime(ticks: u64) -> Option<Timestamp> {
    const UNIX_EPOCH_TICKS: i128 = 116_444_736_000_000_000;
    let since = i128::from(ticks).checked_sub(UNIX_EPOCH_TICKS)?;
    Timestamp::from_nanosecond(since.checked_mul(100)?).ok()
}

/// Free bytes of the file system that holds `folder`, as an ordinary user sees them; `None` where nothing says.
#[cfg(unix)]
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    match rustix::fs::statvfs(folder) {
        Ok(told) => told.f_bavail.checked_mul(told.f_frsize),
        Err(_) => None,
    }
}

/// Nothing in the standard library says so here.
#[cfg(not(unix))]
pub fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_of_windows_file_systems_are_found() {
        let mount = |device, kind: &str| Mount {
            device,
            place: "/".into(),
            kind: kind.to_owned(),
        };
        let mounts = Mounts::of(&[
            mount((254, 1), "ext4"),
            mount((8, 17), "fuseblk"),
            mount((0, 52), "cifs"),
            mount((259, 300), "ntfs3"),
        ]);
        assert_eq!(
            mounts.windows,
            [
                device_number(8, 17),
                device_number(0, 52),
                device_number(259, 300)
            ]
        );
        assert_eq!(device_number(259, 300), 0x11_032c);
    }

    #[test]
    fn an_ntfs_time_is_read() {
        let time = from_filetime(133_211_067_586_606_556).unwrap();
        assert_eq!(time.to_string(), "2023-02-17T11:25:58.6606556Z");
        assert_eq!(from_filetime(u64::MAX), None);
    }

    #[test]
    fn a_file_has_a_length_a_time_and_an_identity() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, [0; 700]).unwrap();
        let files = SystemFiles::new();
        let facts = files.facts(&path).unwrap();
        assert_eq!(facts.len, 700);
        assert!(facts.modified.is_some());
        assert_eq!(facts.identity.is_some(), cfg!(unix));
        assert_eq!(files.open(&path).unwrap().facts, facts);
        assert_eq!(free_bytes(folder.path()).is_some(), cfg!(unix));
    }
}
