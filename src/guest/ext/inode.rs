//! An inode of ext (kernel documentation, `inodes.rst`, `ifork.rst`, `attributes.rst`).

use jiff::Timestamp;

use crate::format::bytes::{u16_at, u32_at};
use crate::guest::filesystem::FileKind;
use crate::guest::inodes::kind_of_mode;

/// The root directory.
pub const ROOT: u32 = 2;

const FLAG_ENCRYPT: u32 = 0x800;
const FLAG_EXTENTS: u32 = 0x8_0000;
const FLAG_EA_INODE: u32 = 0x20_0000;
const FLAG_INLINE_DATA: u32 = 0x1000_0000;

/// The bytes that every inode has.
const CORE_BYTES: usize = 128;
const BLOCKS_AT: usize = 0x28;
/// Bytes of the block map, the extent tree's root or the inline data.
pub const BLOCKS_BYTES: usize = 60;
/// The first of the fields that an inode of more than 128 bytes may have, and where its attributes begin at the earliest.
const EXTRA_AT: usize = 0x80;
const XATTR_MAGIC: u32 = 0xea02_0000;
const XATTR_ENTRY_BYTES: usize = 16;
/// The name space `system` of extended attributes, where the rest of inline data is called `data`.
const XATTR_SYSTEM: u8 = 7;

/// What a comparison leaves out: access time, place in the list of orphans, change count, checksums.
const NOT_COMPARED: [std::ops::Range<usize>; 7] = [
    0x08..0x0c,
    0x14..0x18,
    0x24..0x28,
    0x7c..0x7e,
    0x82..0x84,
    0x8c..0x90,
    0x98..0x9c,
];

/// How an inode says where its data lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// The root of an extent tree.
    Extents([u8; BLOCKS_BYTES]),
    /// 12 blocks, and one, two and three levels of indirect blocks.
    BlockMap([u8; BLOCKS_BYTES]),
    /// In the inode itself: a short symbolic link, a small file, or a small directory, whose two parts hold entries each.
    Inline {
        front: [u8; BLOCKS_BYTES],
        more: Vec<u8>,
    },
    /// A device or the like.
    None,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtInode {
    pub number: u32,
    pub mode: u16,
    pub links: u16,
    pub bytes: u64,
    pub generation: u32,
    pub is_encrypted: bool,
    /// The inode is the value of a large extended attribute and has no name.
    pub is_attribute: bool,
    pub modified: Option<Timestamp>,
    /// Set by the kernel at each change of the inode.
    pub changed: Option<Timestamp>,
    /// Inodes of 128 bytes have none.
    pub created: Option<Timestamp>,
    /// The block of extended attributes; 0 if there is none.
    pub attribute_block: u64,
    pub data: Data,
}

impl ExtInode {
    /// Reads an inode; `None` if no file uses it. A deleted file that is still open somewhere has no links and is none.
    pub fn parse(number: u32, bytes: &[u8]) -> Option<Self> {
        let mode = u16_at(bytes, 0)?;
        let links = u16_at(bytes, 0x1a)?;
        if mode == 0 || links == 0 {
            return None;
        }
        Self::parse_allocated(number, bytes)
    }

    /// Reads an inode that holds blocks, with or without a name.
    pub fn parse_allocated(number: u32, bytes: &[u8]) -> Option<Self> {
        let mode = u16_at(bytes, 0)?;
        if mode == 0 || bytes.len() < CORE_BYTES {
            return None;
        }
        let flags = u32_at(bytes, 0x20)?;
        let extra = match bytes.len() {
            CORE_BYTES => 0,
            _ => usize::from(u16_at(bytes, EXTRA_AT)?),
        };
        let extra_end = EXTRA_AT.saturating_add(extra).min(bytes.len());
        let time = |at: usize, extra_at: usize| {
            let is_wide = extra_at.saturating_add(4) <= extra_end;
            let extra = if is_wide { u32_at(bytes, extra_at)? } else { 0 };
            time(u32_at(bytes, at)?, extra)
        };
        let front: [u8; BLOCKS_BYTES] = bytes.get(BLOCKS_AT..)?.first_chunk().copied()?;
        let size = u64::from(u32_at(bytes, 4)?) | u64::from(u32_at(bytes, 0x6c)?) << 32;
        let attribute_block =
            u64::from(u32_at(bytes, 0x68)?) | u64::from(u16_at(bytes, 0x76)?) << 32;
        let kind = mode & 0xf000;
        // A short link lies in the inode, whose flags say nothing of it: it has no block that is not an attribute's.
        let sectors = u32_at(bytes, 0x1c)?;
        let is_short_link = kind == 0xa000
            && flags & (FLAG_EXTENTS | FLAG_INLINE_DATA) == 0
            && size < BLOCKS_BYTES as u64
            && (sectors == 0 || attribute_block != 0);
        let data = match kind {
            0x8000 | 0x4000 | 0xa000 if flags & FLAG_INLINE_DATA != 0 => Data::Inline {
                front,
                more: inline_attribute(bytes, extra_end).unwrap_or_default(),
            },
            0xa000 if is_short_link => Data::Inline {
                front,
                more: Vec::new(),
            },
            0x8000 | 0x4000 | 0xa000 if flags & FLAG_EXTENTS != 0 => Data::Extents(front),
            0x8000 | 0x4000 | 0xa000 => Data::BlockMap(front),
            _ => Data::None,
        };
        Some(Self {
            number,
            mode,
            links: u16_at(bytes, 0x1a)?,
            bytes: size,
            generation: u32_at(bytes, 0x64)?,
            is_encrypted: flags & FLAG_ENCRYPT != 0,
            is_attribute: flags & FLAG_EA_INODE != 0,
            modified: time(0x10, 0x88),
            changed: time(0x0c, 0x84),
            created: (extra_end >= 0x98).then(|| time(0x90, 0x94)).flatten(),
            attribute_block,
            data,
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

/// 32 bits of signed seconds, two more above them, and nanoseconds.
fn time(seconds: u32, extra: u32) -> Option<Timestamp> {
    let low = i64::from(seconds.cast_signed());
    let epoch = i64::from(extra & 3) << 32;
    let nanoseconds = i32::try_from(extra >> 2).ok()?;
    Timestamp::new(low.checked_add(epoch)?, nanoseconds.min(999_999_999)).ok()
}

/// The value of `system.data` among the attributes behind the inode's fields.
fn inline_attribute(bytes: &[u8], extra_end: usize) -> Option<Vec<u8>> {
    if u32_at(bytes, extra_end)? != XATTR_MAGIC {
        return None;
    }
    let entries = bytes.get(extra_end.checked_add(4)?..)?;
    let mut at = 0usize;
    while let Some(entry) = entries.get(at..) {
        let name_bytes = usize::from(*entry.first()?);
        if u32_at(entry, 0)? == 0 {
            return None;
        }
        let name_end = XATTR_ENTRY_BYTES.checked_add(name_bytes)?;
        let name = entry.get(XATTR_ENTRY_BYTES..name_end)?;
        if *entry.get(1)? == XATTR_SYSTEM && name == b"data" && u32_at(entry, 4)? == 0 {
            let from = usize::from(u16_at(entry, 2)?);
            let len = usize::try_from(u32_at(entry, 8)?).ok()?;
            return Some(entries.get(from..from.checked_add(len)?)?.to_vec());
        }
        at = at.checked_add(name_end.next_multiple_of(4))?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_reach_beyond_2038_and_before_1970() {
        let seconds = |low: u32, extra| time(low, extra).expect("a time").as_second();
        assert_eq!(seconds(0x7fff_ffff, 0), 0x7fff_ffff);
        assert_eq!(seconds(0xffff_ffff, 0), -1);
        assert_eq!(seconds(0x8000_0000, 1), 0x8000_0000);
        assert_eq!(seconds(0x7fff_ffff, 3), 0x3_7fff_ffff);
        let odd = time(1, u32::MAX).expect("a time");
        assert_eq!(odd.subsec_nanosecond(), 999_999_999);
    }

    #[test]
    fn a_free_inode_is_none() {
        let mut bytes = vec![0; 256];
        assert_eq!(ExtInode::parse(12, &bytes), None);
        bytes[..2].copy_from_slice(&0x81a4u16.to_le_bytes());
        assert_eq!(ExtInode::parse(12, &bytes), None, "no links");
        assert!(ExtInode::parse_allocated(12, &bytes).is_some());
        bytes[0x1a] = 1;
        let file = ExtInode::parse(12, &bytes).expect("in use");
        assert_eq!((file.kind(), file.created), (FileKind::File, None));
        for cut in 0..128 {
            assert_eq!(ExtInode::parse(12, &bytes[..cut]), None);
        }
    }
}
