//! The volumes of a disk, by the names people give them: `p1`, or `disk` where the whole disk is one volume.

use std::ops::Range;
use std::sync::Arc;

use super::partitions::{PartitionType, Partitions};
use super::probe::{VolumeKind, probe};
use super::volume::Volume;
use crate::source::{Source, WindowSource};

/// A volume's place on a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumePlace {
    /// `p1`; `disk` for a disk without a table.
    pub name: String,
    /// Its bytes on the disk.
    pub bytes: Range<u64>,
    pub kind: VolumeKind,
    /// What it is, in a word; empty if nothing says so.
    pub word: &'static str,
    /// False for what is known to hold no files: swap, reserved partitions.
    pub may_hold_files: bool,
}

impl VolumePlace {
    /// Its content.
    pub fn source(&self, disk: &Arc<dyn Source>) -> Arc<dyn Source> {
        let len = self.bytes.end.saturating_sub(self.bytes.start);
        Arc::new(WindowSource::new(Arc::clone(disk), self.bytes.start, len))
    }

    pub fn open(&self, disk: &Arc<dyn Source>) -> Volume {
        Volume::open(self.source(disk), self.kind)
    }
}

pub fn volumes(disk: &dyn Source, sector_bytes: u32) -> Vec<VolumePlace> {
    if let Some(table) = Partitions::read(disk, sector_bytes) {
        let parts = table.all().iter();
        let parts = parts.filter(|part| part.kind != PartitionType::Extended);
        return parts
            .map(|part| VolumePlace {
                name: format!("p{}", part.number),
                bytes: part.bytes(sector_bytes),
                kind: part.holds,
                word: part.word(),
                may_hold_files: part.kind != PartitionType::Reserved
                    && part.holds != VolumeKind::LinuxSwap,
            })
            .collect();
    }
    let kind = probe(disk).unwrap_or(VolumeKind::Unknown);
    vec![VolumePlace {
        name: "disk".to_owned(),
        bytes: 0..disk.len(),
        kind,
        word: kind.word(),
        may_hold_files: kind != VolumeKind::LinuxSwap,
    }]
}
