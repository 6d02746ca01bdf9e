//! An inode of XFS, version 3 (XFS Algorithms & Data Structures, "On-disk Inode").

use jiff::Timestamp;

use crate::format::bytes::{be16_at, be32_at, be64_at};
use crate::guest::filesystem::FileKind;
use crate::guest::inodes::kind_of_mode;

pub const MAGIC: u16 = 0x494e;
/// Bytes before the two forks.
pub const CORE_BYTES: usize = 176;
const FLAGS2_BIGTIME: u64 = 0x8;
const FLAGS2_NREXT64: u64 = 0x10;
const FLAGS_REALTIME: u16 = 0x1;
/// Seconds before 1970 at which large times begin.
const BIGTIME_EPOCH: i64 = 1 << 31;

/// What a comparison leaves out: access time, place among unlinked inodes, checksum, change count, log position.
const NOT_COMPARED: [std::ops::Range<usize>; 2] = [32..40, 96..120];

/// How a fork says where its content lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForkKind {
    Device,
    /// In the fork itself.
    Local,
    Extents,
    BTree,
}

/// The content of a file, or its extended attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    pub kind: ForkKind,
    pub extents: u64,
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XfsInode {
    pub number: u64,
    pub mode: u16,
    pub links: u32,
    pub bytes: u64,
    pub generation: u32,
    pub is_realtime: bool,
    pub modified: Option<Timestamp>,
    /// Set by the kernel at each change of the inode.
    pub changed: Option<Timestamp>,
    pub created: Option<Timestamp>,
    pub data: Option<Fork>,
    pub attributes: Option<Fork>,
}

impl XfsInode {
    /// Reads an inode; `None` if no file uses it. A deleted file that is still open somewhere has no links and is none.
    pub fn parse(number: u64, bytes: &[u8]) -> Option<Self> {
        Self::parse_allocated(number, bytes).filter(|inode| inode.links > 0)
    }

    /// Reads an inode that holds blocks, with or without a name.
    pub fn parse_allocated(number: u64, bytes: &[u8]) -> Option<Self> {
        let mode = be16_at(bytes, 2)?;
        let is_inode = be16_at(bytes, 0)? == MAGIC && *bytes.get(4)? == 3;
        if !is_inode || mode == 0 || be64_at(bytes, 152)? != number {
            return None;
        }
        let flags2 = be64_at(bytes, 120)?;
        let (extents, attribute_extents) = if flags2 & FLAGS2_NREXT64 != 0 {
            (be64_at(bytes, 24)?, u64::from(be32_at(bytes, 76)?))
        } else {
            (
                u64::from(be32_at(bytes, 76)?),
                u64::from(be16_at(bytes, 80)?),
            )
        };
        let forks = bytes.get(CORE_BYTES..)?;
        let offset = usize::from(*bytes.get(82)?).checked_mul(8)?;
        let (data, attributes) = match offset {
            0 => (forks, None),
            offset => {
                let (data, attributes) = forks.split_at_checked(offset)?;
                (data, Some(attributes))
            }
        };
        let fork = |format: u8, extents, bytes: &[u8]| {
            Some(Fork {
                kind: match format {
                    0 => ForkKind::Device,
                    1 => ForkKind::Local,
                    2 => ForkKind::Extents,
                    3 => ForkKind::BTree,
                    _ => return None,
                },
                extents,
                bytes: bytes.to_vec(),
            })
        };
        let time = |at| time(bytes, at, flags2);
        Some(Self {
            number,
            mode,
            links: be32_at(bytes, 16)?,
            bytes: be64_at(bytes, 56)?,
            generation: be32_at(bytes, 92)?,
            is_realtime: be16_at(bytes, 90)? & FLAGS_REALTIME != 0,
            modified: time(40),
            changed: time(48),
            created: time(144),
            data: fork(*bytes.get(5)?, extents, data),
            attributes: match (attributes, bytes.get(83)) {
                (Some(bytes), Some(format)) => fork(*format, attribute_extents, bytes),
                _ => None,
            },
        })
    }

    pub fn kind(&self) -> FileKind {
        kind_of_mode(self.mode)
    }
}

/// The bytes of an inode without what changes by reading a file or by writing the inode again.
pub fn comparable(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for range in NOT_COMPARED {
        if let Some(field) = bytes.get_mut(range) {
            field.fill(0);
        }
    }
    bytes
}

fn time(bytes: &[u8], at: usize, flags2: u64) -> Option<Timestamp> {
    if flags2 & FLAGS2_BIGTIME != 0 {
        let nanoseconds = be64_at(bytes, at)?;
        let seconds = i64::try_from(nanoseconds / 1_000_000_000).ok()?;
        let rest = i32::try_from(nanoseconds % 1_000_000_000).ok()?;
        return Timestamp::new(seconds.checked_sub(BIGTIME_EPOCH)?, rest).ok();
    }
    let seconds = be32_at(bytes, at)?.cast_signed();
    let nanoseconds = be32_at(bytes, at.checked_add(4)?)?;
    let nanoseconds = i32::try_from(nanoseconds.min(999_999_999)).ok()?;
    Timestamp::new(seconds.into(), nanoseconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_of_two_kinds() {
        let second = |bytes: [u8; 8], flags| time(&bytes, 0, flags).expect("a time").as_second();
        assert_eq!(second([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], 0), -1);
        let wide = ((1i64 << 31) + 4_000_000_000) as u64 * 1_000_000_000;
        assert_eq!(second(wide.to_be_bytes(), FLAGS2_BIGTIME), 4_000_000_000);
        assert_eq!(second([0; 8], FLAGS2_BIGTIME), -(1 << 31));
        assert!(time(&u64::MAX.to_be_bytes(), 0, FLAGS2_BIGTIME).is_some());
    }

    #[test]
    fn an_inode_must_hold_its_own_number() {
        let mut bytes = vec![0; 512];
        bytes[..4].copy_from_slice(&[0x49, 0x4e, 0x81, 0xa4]);
        bytes[4] = 3;
        bytes[5] = 2;
        bytes[19] = 1;
        bytes[159] = 77;
        assert!(XfsInode::parse(77, &bytes).is_some());
        assert_eq!(XfsInode::parse(78, &bytes), None);
        bytes[82] = 200;
        assert_eq!(XfsInode::parse(77, &bytes), None, "a fork behind the end");
        for cut in 0..512 {
            assert!(cut >= CORE_BYTES || XfsInode::parse(77, &bytes[..cut]).is_none());
        }
    }
}
