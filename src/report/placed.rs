//! Where a run of sectors lies on the guest's disk, and whose it is.

use crate::analysis::diff::DiffRun;
use crate::analysis::files::owned::{SectorOwner, SectorOwners};
use crate::guest::Partitions;
use crate::text::escape;

/// What is known of the places of a disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct DiskPlaces<'a> {
    /// `None` where no partition table is sure.
    pub partitions: Option<&'a Partitions>,
    /// `None` if nobody asked.
    pub owners: Option<&'a SectorOwners>,
}

/// A run, or a part of it that has one owner.
#[derive(Debug, Clone)]
pub struct PlacedRun<'a> {
    pub run: DiffRun,
    /// `p1 NTFS`.
    pub place: Option<String>,
    /// Outer `None` if nobody asked; inner if the file system counts it as in use, by nobody.
    pub owner: Option<Option<&'a SectorOwner>>,
}

impl<'a> DiskPlaces<'a> {
    /// A run as it is, whoever owns it.
    pub fn whole(&self, run: DiffRun) -> PlacedRun<'a> {
        PlacedRun {
            place: self
                .partitions
                .map(|known| known.name(run.sector, run.count)),
            run,
            owner: None,
        }
    }

    /// A run, cut where its owner changes.
    pub fn cut(&self, run: DiffRun) -> Vec<PlacedRun<'a>> {
        let Some(owners) = self.owners else {
            return vec![self.whole(run)];
        };
        let parts = owners.cut(run.sector, run.count).into_iter();
        let placed = parts.map(|part| PlacedRun {
            owner: Some(part.owner),
            ..self.whole(DiffRun {
                sector: part.sector,
                count: part.count,
                ..run
            })
        });
        placed.collect()
    }
}

/// `file /Users/taro/report.txt`, `free`.
pub fn owner_words(owner: Option<&SectorOwner>) -> String {
    let Some(owner) = owner else {
        return NOBODY.to_owned();
    };
    let mut words = owner.class.word().to_owned();
    if let Some(path) = &owner.path {
        words = format!("{words} {}", escape(path));
        if !owner.stream.is_empty() {
            words = format!("{words}:{}", escape(&owner.stream));
        }
    }
    words
}

/// What is said of sectors that are in use while no file and no table of the file system has them.
pub const NOBODY: &str = "in use by nobody";
