//! Disks that are no files: volumes of an LVM storage repository on a device or in an image, folders that stand for a disk.
//!
//! A container is read only because the user names it; no path stored in a disk leads into one. The path of a disk in it
//! is `CONTAINER/VG/NAME`, and [`Containers`] opens whatever such a path, or that of a plain file, stands for.

pub mod codes;
mod lvm;
pub mod mgt;
mod names;
mod open;
mod other;
mod place;
pub mod repository;
pub mod xo;

pub(super) use lvm::{DeviceContent, OpenRepository, find, open as open_groups};
pub(super) use names::{VolumeName, lvm_name};
pub use open::Containers;
pub(super) use open::FilesAndVolumes;
pub(super) use other::{facts as facts_other, open as open_other};
pub use place::{container_of, is_store};
pub use repository::Repository;
pub(super) use xo::is_alias;
