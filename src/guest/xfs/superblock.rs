//! The superblock of XFS, version 5 (XFS Algorithms & Data Structures, "Superblocks"). Numbers are big-endian.

use crate::format::bytes::{be16_at, be32_at, be64_at};

/// Enough of the first sector.
pub const BYTES: usize = 512;
const MAGIC: u32 = 0x5846_5342;
const CHECKSUM_AT: std::ops::Range<usize> = 224..228;

const INCOMPAT_FTYPE: u32 = 0x1;
const INCOMPAT_SPINODES: u32 = 0x2;
const INCOMPAT_META_UUID: u32 = 0x4;
const INCOMPAT_BIGTIME: u32 = 0x8;
const INCOMPAT_NEEDSREPAIR: u32 = 0x10;
const INCOMPAT_NREXT64: u32 = 0x20;
const INCOMPAT_EXCHRANGE: u32 = 0x40;
const INCOMPAT_PARENT: u32 = 0x80;
const INCOMPAT_KNOWN: u32 = INCOMPAT_FTYPE
    | INCOMPAT_SPINODES
    | INCOMPAT_META_UUID
    | INCOMPAT_BIGTIME
    | INCOMPAT_NREXT64
    | INCOMPAT_EXCHRANGE
    | INCOMPAT_PARENT;
const RO_FINOBT: u32 = 0x1;
const RO_RMAPBT: u32 = 0x2;
const RO_REFLINK: u32 = 0x4;

/// Why a volume is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadXfsSuperblock {
    #[error("XFS version 4")]
    Version4,
    #[error("XFS with a realtime section")]
    Realtime,
    #[error("XFS with its log on another device")]
    ExternalLog,
    #[error("XFS that is marked to need repair")]
    NeedsRepair,
    #[error("XFS with features that are not known ({0:#x})")]
    Features(u32),
    #[error("XFS whose superblock contradicts itself")]
    Sizes,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XfsSuperblock {
    pub block_bytes: u32,
    pub block_log: u8,
    pub blocks: u64,
    pub uuid: [u8; 16],
    /// What blocks carry; another than `uuid` once that was changed.
    pub meta_uuid: [u8; 16],
    /// Up to 12 bytes, without the zeros behind it.
    pub label: Vec<u8>,
    pub log_start: u64,
    pub log_blocks: u32,
    pub root: u64,
    pub group_blocks: u32,
    pub group_block_log: u8,
    pub groups: u32,
    pub sector_bytes: u16,
    pub inode_bytes: u16,
    pub inodes_per_block_log: u8,
    pub inode_alignment: u32,
    pub directory_block_log: u8,
    pub quota_inodes: [u64; 3],
    incompat: u32,
    ro_compat: u32,
}

impl XfsSuperblock {
    pub fn parse(bytes: &[u8]) -> Result<Self, BadXfsSuperblock> {
        use BadXfsSuperblock::{ExternalLog, Features, NeedsRepair, Realtime, Sizes, Version4};
        let number = |at| be32_at(bytes, at).unwrap_or(0);
        let wide = |at| be64_at(bytes, at).unwrap_or(0);
        let half = |at| be16_at(bytes, at).unwrap_or(0);
        let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
        let id = |at: usize| -> [u8; 16] {
            let found = bytes.get(at..).and_then(<[u8]>::first_chunk);
            found.copied().unwrap_or_default()
        };
        if bytes.len() < BYTES || number(0) != MAGIC {
            return Err(Sizes);
        }
        match half(100) & 0xf {
            5 => {}
            1..=4 => return Err(Version4),
            _ => return Err(Sizes),
        }
        let incompat = number(216);
        if incompat & INCOMPAT_NEEDSREPAIR != 0 {
            return Err(NeedsRepair);
        }
        if incompat & !INCOMPAT_KNOWN != 0 {
            return Err(Features(incompat & !INCOMPAT_KNOWN));
        }
        if wide(16) != 0 || wide(24) != 0 {
            return Err(Realtime);
        }
        if wide(48) == 0 {
            return Err(ExternalLog);
        }
        let uuid = id(32);
        let meta_uuid = match incompat & INCOMPAT_META_UUID {
            0 => uuid,
            _ => id(248),
        };
        let label = bytes.get(108..120).unwrap_or_default();
        let end = label.iter().position(|byte| *byte == 0);
        let found = Self {
            block_bytes: number(4),
            block_log: byte(120),
            blocks: wide(8),
            uuid,
            meta_uuid,
            label: label
                .iter()
                .copied()
                .take(end.unwrap_or(label.len()))
                .collect(),
            log_start: wide(48),
            log_blocks: number(96),
            root: wide(56),
            group_blocks: number(84),
            group_block_log: byte(124),
            groups: number(88),
            sector_bytes: half(102),
            inode_bytes: half(104),
            inodes_per_block_log: byte(123),
            inode_alignment: number(180),
            directory_block_log: byte(192),
            quota_inodes: [wide(160), wide(168), wide(232)],
            incompat,
            ro_compat: number(212),
        };
        if found.is_plausible() {
            Ok(found)
        } else {
            Err(Sizes)
        }
    }

    /// Whether the checksum of the first sector is right.
    pub fn is_checksum_right(sector: &[u8]) -> bool {
        let mut zeroed = sector.to_vec();
        let Some(field) = zeroed.get_mut(CHECKSUM_AT) else {
            return false;
        };
        let stored: [u8; 4] = (&*field).try_into().unwrap_or_default();
        field.fill(0);
        crc32c::crc32c(&zeroed) == u32::from_le_bytes(stored)
    }

    pub fn names_tell_kinds(&self) -> bool {
        self.incompat & INCOMPAT_FTYPE != 0
    }

    pub fn has_sparse_inodes(&self) -> bool {
        self.incompat & INCOMPAT_SPINODES != 0
    }

    pub fn has_free_inode_tree(&self) -> bool {
        self.ro_compat & RO_FINOBT != 0
    }

    pub fn has_owner_tree(&self) -> bool {
        self.ro_compat & RO_RMAPBT != 0
    }

    pub fn has_reference_tree(&self) -> bool {
        self.ro_compat & RO_REFLINK != 0
    }

    fn is_plausible(&self) -> bool {
        let is_power = |log: u8, value: u32| 1u32.checked_shl(log.into()) == Some(value);
        let inodes_per_block = self.block_bytes.checked_div(self.inode_bytes.into());
        let end = u64::from(self.group_blocks).saturating_mul(self.groups.into());
        let before_last = end.saturating_sub(self.group_blocks.into());
        (9..=16).contains(&self.block_log)
            && is_power(self.block_log, self.block_bytes)
            && (512..=32 << 10).contains(&self.sector_bytes)
            && self.sector_bytes.is_power_of_two()
            && u32::from(self.sector_bytes) <= self.block_bytes
            && (512..=2048).contains(&self.inode_bytes)
            && inodes_per_block.is_some_and(|count| is_power(self.inodes_per_block_log, count))
            && self.groups > 0
            && self.group_blocks > 0
            && self.group_block_log <= 32
            && 1u64 << self.group_block_log >= u64::from(self.group_blocks)
            && self.blocks > before_last
            && self.blocks <= end
            && self.directory_block_log.saturating_add(self.block_log) <= 16
            && self.log_blocks > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first sector of a volume of one group of 4096 blocks.
    fn sector() -> Vec<u8> {
        let mut bytes = vec![0; BYTES];
        let mut put = |at: usize, with: &[u8]| bytes[at..at + with.len()].copy_from_slice(with);
        put(0, b"XFSB");
        put(4, &4096u32.to_be_bytes());
        put(8, &4096u64.to_be_bytes());
        put(48, &2048u64.to_be_bytes());
        put(84, &4096u32.to_be_bytes());
        put(88, &1u32.to_be_bytes());
        put(96, &1024u32.to_be_bytes());
        put(100, &5u16.to_be_bytes());
        put(102, &512u16.to_be_bytes());
        put(104, &512u16.to_be_bytes());
        put(120, &[12, 9, 9, 3, 12]);
        bytes
    }

    #[test]
    fn what_is_not_read_is_named() {
        assert!(XfsSuperblock::parse(&sector()).is_ok());
        for (at, with, why) in [
            (101, 4, BadXfsSuperblock::Version4),
            (31, 1, BadXfsSuperblock::Realtime),
            (219, 0x10, BadXfsSuperblock::NeedsRepair),
            (218, 0x01, BadXfsSuperblock::Features(0x100)),
            (54, 0, BadXfsSuperblock::ExternalLog),
            (91, 2, BadXfsSuperblock::Sizes),
            (120, 13, BadXfsSuperblock::Sizes),
            (123, 2, BadXfsSuperblock::Sizes),
            (124, 11, BadXfsSuperblock::Sizes),
            (0, 0, BadXfsSuperblock::Sizes),
        ] {
            let mut bytes = sector();
            bytes[at] = with;
            assert_eq!(XfsSuperblock::parse(&bytes), Err(why), "{at}");
        }
    }
}
