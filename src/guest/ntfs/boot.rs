//! The boot sector: the sizes of everything, and where the master file table begins.

use crate::format::bytes::{u16_at, u64_at};
use crate::guest::filesystem::GuestError;
use crate::source::{Source, read_up_to};

/// Largest record and index block, in bytes; 1 and 4 KiB are in use.
const RECORD_BYTES_MAX: u64 = 64 << 10;
const CLUSTER_BYTES_MAX: u64 = 2 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Boot {
    pub(super) cluster_bytes: u64,
    pub(super) record_bytes: u64,
    pub(super) index_bytes: u64,
    /// Whole clusters of the volume.
    pub(super) clusters: u64,
    pub(super) volume_bytes: u64,
    pub(super) table_at: u64,
    pub(super) mirror_at: u64,
    pub(super) serial: u64,
}

impl Boot {
    pub(super) fn read(source: &dyn Source) -> Result<Self, GuestError> {
        let sector = read_up_to(source, 0, 512).map_err(GuestError::read("the boot sector", 0))?;
        Self::parse(&sector, source.len()).ok_or_else(|| {
            GuestError::damaged("the boot sector", 0, "NTFS", "numbers that make no sense")
        })
    }

    fn parse(sector: &[u8], volume_len: u64) -> Option<Self> {
        let sector_bytes = u64::from(u16_at(sector, 11)?);
        if !(256..=4_096).contains(&sector_bytes) || !sector_bytes.is_power_of_two() {
            return None;
        }
        // From 128 on the byte is a negative power of two.
        let cluster_sectors = match *sector.get(13)? {
            few @ ..=128 => u64::from(few),
            many => 1_u64.checked_shl(256_u32.checked_sub(many.into())?)?,
        };
        let cluster_bytes = sector_bytes.checked_mul(cluster_sectors)?;
        if !cluster_bytes.is_power_of_two() || cluster_bytes > CLUSTER_BYTES_MAX {
            return None;
        }
        let sized = |at: usize| {
            let bytes = match sector.get(at)?.cast_signed() {
                clusters @ 0.. => cluster_bytes.checked_mul(clusters.unsigned_abs().into())?,
                power => 1_u64.checked_shl(power.unsigned_abs().into())?,
            };
            let sound = bytes.is_power_of_two() && (256..=RECORD_BYTES_MAX).contains(&bytes);
            sound.then_some(bytes)
        };
        let volume_bytes = u64_at(sector, 40)?
            .checked_mul(sector_bytes)?
            .min(volume_len);
        Some(Self {
            cluster_bytes,
            record_bytes: sized(64)?,
            index_bytes: sized(68)?,
            clusters: volume_bytes.checked_div(cluster_bytes)?,
            volume_bytes,
            table_at: u64_at(sector, 48)?.checked_mul(cluster_bytes)?,
            mirror_at: u64_at(sector, 56)?.checked_mul(cluster_bytes)?,
            serial: u64_at(sector, 72)?,
        })
    }
}
