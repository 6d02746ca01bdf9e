//! Files of the demo's store: disks with their times.

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use uuid::Uuid;

use crate::build::vhd::{Locator, VhdBuilder};
use crate::build::vhdx::VhdxBuilder;

use super::fat::DISK_BYTES;

/// What a guest wrote: disk sector to content.
pub type Sectors = BTreeMap<u64, Vec<u8>>;

pub struct DemoVhd<'a> {
    /// File name in the machine's folder.
    pub name: &'a str,
    pub id: u128,
    /// Creation, in the footer.
    pub created: Timestamp,
    /// Last write, set on the file.
    pub modified: Timestamp,
    /// Id and file name of the parent, for a differencing disk.
    pub parent: Option<(u128, &'a str)>,
}

/// Makes the disk file in `folder`, holding `content`.
///
/// # Errors
/// When the file cannot be written.
pub fn make_vhd(folder: &Path, disk: &DemoVhd<'_>, content: &Sectors) -> io::Result<PathBuf> {
    let builder = match disk.parent {
        None => VhdBuilder::dynamic(DISK_BYTES),
        Some((id, name)) => {
            let host_path = host_path(&file_name(folder), name);
            VhdBuilder::differencing(DISK_BYTES)
                .parent(id, &host_path)
                .locator(Locator::absolute(&host_path))
                .locator(Locator::relative(&format!(r".\{name}")))
        }
    };
    let mut builder = builder.id(disk.id).created_at(disk.created);
    for (sector, bytes) in content {
        builder.write_more(*sector, bytes);
    }
    let path = folder.join(disk.name);
    builder.build_to(&path)?;
    set_modified(&path, disk.modified)?;
    Ok(path)
}

/// A VHDX of the demo.
pub struct DemoVhdx<'a> {
    /// File name in the machine's folder.
    pub name: &'a str,
    /// The same in all disks of a chain.
    pub disk_id: u128,
    /// What a child names its parent by.
    pub data_write_id: u128,
    /// Last write, set on the file.
    pub modified: Timestamp,
    /// Id and file name of the parent, for a differencing disk.
    pub parent: Option<(u128, &'a str)>,
}

/// Makes the disk file in `folder`, holding `content`.
///
/// # Errors
/// When the file cannot be written.
pub fn make_vhdx(folder: &Path, disk: &DemoVhdx<'_>, content: &Sectors) -> io::Result<PathBuf> {
    let builder = match disk.parent {
        None => VhdxBuilder::dynamic(DISK_BYTES).block_size(32 << 20),
        Some((id, name)) => {
            let host_path = host_path(&file_name(folder), name);
            VhdxBuilder::differencing(DISK_BYTES)
                .block_size(2 << 20)
                .parent(
                    Uuid::from_u128(id),
                    &[
                        ("relative_path", &format!(r".\{name}")),
                        ("absolute_win32_path", &host_path),
                    ],
                )
        }
    };
    let mut builder = builder
        .creator("Microsoft Windows 10.0.20348.0")
        .disk_id(Uuid::from_u128(disk.disk_id))
        .data_write_id(Uuid::from_u128(disk.data_write_id));
    for (sector, bytes) in content {
        builder = builder.write(*sector, bytes);
    }
    let path = folder.join(disk.name);
    builder.build_to(&path)?;
    set_modified(&path, disk.modified)?;
    Ok(path)
}

/// Where a file of a machine lay on the host.
pub fn host_path(machine: &str, file: &str) -> String {
    format!(r"D:\VMs\{machine}\{file}")
}

/// Writes a file of any kind and sets its last write.
///
/// # Errors
/// When the file cannot be written.
pub fn make_file(path: &Path, content: &[u8], modified: Timestamp) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content)?;
    set_modified(path, modified)
}

/// Sets the last write of a file.
///
/// # Errors
/// When the file cannot be opened for that.
pub fn set_modified(path: &Path, modified: Timestamp) -> io::Result<()> {
    let times = FileTimes::new().set_modified(SystemTime::from(modified));
    File::options().write(true).open(path)?.set_times(times)
}

fn file_name(folder: &Path) -> String {
    folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
