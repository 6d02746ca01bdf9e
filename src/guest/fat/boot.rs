//! The boot sector: where the tables, the root directory and the clusters are.

use std::ops::Range;

use super::FileSystemKind;
use crate::format::bytes::{u16_at, u32_at};
use crate::guest::filesystem::GuestError;
use crate::source::{Source, read_up_to};

/// Clusters from which a volume is FAT16, and FAT32: the count alone decides.
const FAT16_CLUSTERS: u64 = 4_085;
const FAT32_CLUSTERS: u64 = 65_525;

/// Where what is, in bytes from the volume's start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FatLayout {
    pub(super) kind: FileSystemKind,
    pub(super) cluster_bytes: u64,
    /// The table in use.
    pub(super) table: Range<u64>,
    /// All before the root directory or the clusters: boot sector, tables.
    pub(super) front: Range<u64>,
    /// FAT12, FAT16: the root directory.
    pub(super) root: Option<Range<u64>>,
    /// FAT32: the root directory's first cluster, else 0.
    pub(super) root_cluster: u32,
    /// Cluster 2 begins here.
    pub(super) data_at: u64,
    pub(super) clusters: u64,
    pub(super) volume_bytes: u64,
    pub(super) serial: u32,
    pub(super) label: String,
}

impl FatLayout {
    pub(super) fn read(source: &dyn Source) -> Result<Self, GuestError> {
        let sector = read_up_to(source, 0, 512).map_err(GuestError::read("the boot sector", 0))?;
        Self::parse(&sector, source.len()).ok_or_else(|| {
            GuestError::damaged("the boot sector", 0, "FAT", "numbers that make no sense")
        })
    }

    fn parse(sector: &[u8], volume_len: u64) -> Option<Self> {
        let short = |at| u16_at(sector, at).map(u64::from);
        let long = |at| u32_at(sector, at).map(u64::from);
        let or = |small: u64, large: u64| if small == 0 { large } else { small };
        let sector_bytes = short(11)?;
        let cluster_sectors = u64::from(*sector.get(13)?);
        if !matches!(sector_bytes, 512 | 1_024 | 2_048 | 4_096)
            || !cluster_sectors.is_power_of_two()
        {
            return None;
        }
        let reserved = short(14)?;
        let tables = u64::from(*sector.get(16)?);
        let root_sectors = short(17)?.checked_mul(32)?.div_ceil(sector_bytes);
        let total = or(short(19)?, long(32)?);
        let table_sectors = or(short(22)?, long(36)?);
        let root_at = reserved.checked_add(tables.checked_mul(table_sectors)?)?;
        let data_at = root_at.checked_add(root_sectors)?;
        let clusters = total.checked_sub(data_at)?.checked_div(cluster_sectors)?;
        if reserved == 0 || tables == 0 || clusters == 0 {
            return None;
        }
        let kind = match clusters {
            ..FAT16_CLUSTERS => FileSystemKind::Fat12,
            FAT16_CLUSTERS..FAT32_CLUSTERS => FileSystemKind::Fat16,
            _ => FileSystemKind::Fat32,
        };
        let is_32 = short(22)? == 0;
        if is_32 != (kind == FileSystemKind::Fat32) && root_sectors == 0 {
            return None;
        }
        let (serial_at, label_at): (usize, usize) = if is_32 { (67, 71) } else { (39, 43) };
        // FAT32 may keep only one of its tables up to date.
        let active = match short(40)? {
            flags if is_32 && flags & 0x80 != 0 => flags & 0xf,
            _ => 0,
        };
        let table_at = reserved.checked_add(active.checked_mul(table_sectors)?)?;
        let bytes = |sectors: u64| sectors.checked_mul(sector_bytes);
        let volume_bytes = bytes(total)?.min(volume_len);
        Some(Self {
            kind,
            cluster_bytes: bytes(cluster_sectors)?,
            table: bytes(table_at)?..bytes(table_at.checked_add(table_sectors)?)?.min(volume_bytes),
            front: 0..bytes(root_at)?,
            root: (root_sectors > 0).then_some(bytes(root_at)?..bytes(data_at)?.min(volume_bytes)),
            root_cluster: match (is_32, root_sectors) {
                (true, 0) => u32_at(sector, 44)?,
                _ => 0,
            },
            data_at: bytes(data_at)?,
            clusters,
            volume_bytes,
            serial: u32_at(sector, serial_at)?,
            label: super::directory::short_text(sector.get(label_at..label_at.checked_add(11)?)?),
        })
    }

    /// Where a cluster lies; `None` if there is no such cluster.
    pub(super) fn cluster(&self, cluster: u32) -> Option<Range<u64>> {
        let index = u64::from(cluster).checked_sub(2)?;
        let start = self
            .data_at
            .checked_add(index.checked_mul(self.cluster_bytes)?)?;
        let end = start.checked_add(self.cluster_bytes)?;
        (index < self.clusters && end <= self.volume_bytes).then_some(start..end)
    }
}
