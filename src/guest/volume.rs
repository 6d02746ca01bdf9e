//! One volume of a disk: opened as what its marks say it is, or closed, with the reason.

use std::sync::Arc;

use super::codes;
use super::ext;
use super::extents::Extents;
use super::fat;
use super::filesystem::{Change, Comparison, FileSystem, GuestError};
use super::ntfs;
use super::probe::VolumeKind;
use super::xfs;
use crate::finding::{Code, Finding};
use crate::job::Job;
use crate::source::Source;

/// A volume as far as it can be read.
#[derive(Debug)]
pub enum Volume {
    Fat(Box<fat::FatVolume>),
    Ntfs(Box<ntfs::NtfsVolume>),
    Ext(Box<ext::ExtVolume>),
    Xfs(Box<xfs::XfsVolume>),
    Closed(NotRead),
}

/// Why no file of a volume can be named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRead {
    pub code: &'static Code,
    /// A clause: `contents are encrypted`.
    pub text: String,
}

impl NotRead {
    pub(super) fn new(code: &'static Code, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }

    /// Why no file of a volume of this kind can be named; `None` if its files are read.
    pub fn of_kind(kind: VolumeKind) -> Option<Self> {
        let text = match kind {
            VolumeKind::Fat
            | VolumeKind::Ntfs
            | VolumeKind::Ext2
            | VolumeKind::Ext3
            | VolumeKind::Ext4
            | VolumeKind::Xfs => return None,
            VolumeKind::BitLocker | VolumeKind::Luks => {
                let text = "contents are encrypted: no files can be shown";
                return Some(Self::new(&codes::GUEST_ENCRYPTED, text));
            }
            VolumeKind::RaidMember => "a member of a software RAID, which is not put together",
            VolumeKind::DynamicDisk => "a part of a dynamic disk (LDM), which is not put together",
            VolumeKind::StorageSpaces => "a part of a storage pool, which is not put together",
            VolumeKind::LvmPhysical => {
                "a physical volume of LVM in a logical volume, which is not looked through"
            }
            VolumeKind::LinuxSwap => "swap: it holds no files",
            VolumeKind::Unknown => "not formatted, or of a kind that is not known",
            VolumeKind::ExFat | VolumeKind::ReFs | VolumeKind::Btrfs => {
                "its files are not read yet"
            }
        };
        Some(Self::new(&codes::GUEST_NOT_READ, text))
    }
}

impl Volume {
    /// Opens a volume as what its marks say it is.
    pub fn open(source: Arc<dyn Source>, kind: VolumeKind) -> Self {
        if let Some(why) = NotRead::of_kind(kind) {
            return Self::Closed(why);
        }
        let opened = match kind {
            VolumeKind::Fat => {
                fat::FatVolume::open(source).map(|volume| Self::Fat(Box::new(volume)))
            }
            VolumeKind::Ntfs => {
                ntfs::NtfsVolume::open(source).map(|volume| Self::Ntfs(Box::new(volume)))
            }
            VolumeKind::Xfs => {
                xfs::XfsVolume::open(source).map(|volume| Self::Xfs(Box::new(volume)))
            }
            _ => ext::ExtVolume::open(source).map(|volume| Self::Ext(Box::new(volume))),
        };
        opened.unwrap_or_else(|error| {
            let code = match error {
                GuestError::Closed(_) => &codes::GUEST_ENCRYPTED,
                GuestError::Unsupported(_) => &codes::GUEST_NOT_READ,
                _ => &codes::GUEST_DAMAGED,
            };
            Self::Closed(NotRead::new(code, error.to_string()))
        })
    }

    pub fn file_system(&self) -> Result<&dyn FileSystem, &NotRead> {
        match self {
            Self::Fat(volume) => Ok(&**volume),
            Self::Ntfs(volume) => Ok(&**volume),
            Self::Ext(volume) => Ok(&**volume),
            Self::Xfs(volume) => Ok(&**volume),
            Self::Closed(why) => Err(why),
        }
    }
}

/// Tells what differs between two states of a volume, `before` and `after`, of which only the bytes of `written` can
/// differ. `origin` is the state from which both were made, where neither was made from the other: two branches may give one
/// record to files that have nothing in common.
pub fn changes(
    before: &Volume,
    after: &Volume,
    origin: Option<&Volume>,
    written: &Extents,
    job: &Job,
    each: &mut dyn FnMut(Change),
) -> Comparison {
    match (before, after) {
        (Volume::Fat(before), Volume::Fat(after)) => {
            fat::changes(before, after, written, job, each)
        }
        (Volume::Ntfs(before), Volume::Ntfs(after)) => {
            let origin = match origin {
                Some(Volume::Ntfs(origin)) => Some(&**origin),
                _ => None,
            };
            ntfs::changes(before, after, origin, written, job, each)
        }
        (Volume::Ext(before), Volume::Ext(after)) => {
            ext::changes(before, after, written, job, each)
        }
        (Volume::Xfs(before), Volume::Xfs(after)) => {
            xfs::changes(before, after, written, job, each)
        }
        (Volume::Closed(why), _) | (_, Volume::Closed(why)) => Comparison {
            complete: false,
            findings: vec![Finding::new(
                why.code,
                format!("it cannot be read in both disks: {}", why.text),
            )],
        },
        _ => Comparison {
            complete: false,
            findings: vec![Finding::new(
                &codes::GUEST_TABLE_CHANGED,
                "the volume is of another kind in the other disk",
            )],
        },
    }
}
