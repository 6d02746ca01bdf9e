//! Whose the sectors of a disk are, as the file systems on it say.

use std::collections::{HashMap, HashSet};
use std::ops::{ControlFlow, Range};

use super::GuestDisk;
use crate::chain::Chain;
use crate::finding::Finding;
use crate::format::SectorNo;
use crate::guest::codes;
use crate::guest::disk::VolumePlace;
use crate::guest::extents::Extents;
use crate::guest::filesystem::{FileId, FileSystem, FileSystemKind, OwnedPart, OwnerClass};
use crate::guest::lookup::Paths;
use crate::guest::walk::{TreeStep, walk};
use crate::job::Job;

/// Stretches of one owner that are kept; of a disk that is cut into more, the rest is unknown.
const PARTS_MAX: usize = 1 << 20;

/// Who a sector belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectorOwner {
    pub class: OwnerClass,
    /// `p1`; empty outside of all volumes.
    pub volume: String,
    /// From the volume's root.
    pub path: Option<String>,
    pub id: Option<FileId>,
    /// Empty for a file's own content.
    pub stream: String,
}

/// Sectors that belong to one owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerRun<'a> {
    pub sector: SectorNo,
    pub count: u64,
    /// `None` if the file system counts them as in use, by nobody.
    pub owner: Option<&'a SectorOwner>,
}

/// The owners of some bytes of a disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SectorOwners {
    /// By place; none overlaps another.
    parts: Vec<(Range<u64>, usize)>,
    owners: Vec<SectorOwner>,
    sector_bytes: u64,
    /// False if a volume is damaged, or there is more than is kept.
    pub complete: bool,
    /// With the volume's name.
    pub findings: Vec<(String, Finding)>,
}

impl SectorOwners {
    /// Asks the file systems of a disk for the owners of those bytes.
    pub fn read(chain: &Chain, of: &Extents, job: &Job) -> Self {
        let disk = GuestDisk::open(chain);
        let mut found = Self {
            sector_bytes: u64::from(chain.sector_size()).max(1),
            complete: true,
            ..Self::default()
        };
        let mut areas = Vec::new();
        for (place, (row, volume)) in disk.volumes.iter().zip(disk.rows()) {
            let whole = 0..place.source(&disk.source).len();
            areas.extend(place.on_disk(&whole));
            let part = place.of_disk(of);
            if let Ok(fs) = volume.file_system() {
                found.of_volume(fs, place, &part, of, job);
            } else {
                let owner = found.owner(OwnerClass::Unreadable, &row.name);
                for range in part.iter() {
                    found.push(place, &range, of, owner);
                }
            }
        }
        let outside = of.without(&Extents::collect(areas));
        let owner = found.owner(OwnerClass::Outside, "");
        found
            .parts
            .extend(outside.iter().map(|range| (range, owner)));
        found.parts.sort_unstable_by_key(|(range, _)| range.start);
        found.complete &= !job.cancel.is_cancelled();
        found
    }

    fn of_volume(
        &mut self,
        fs: &dyn FileSystem,
        place: &VolumePlace,
        part: &Extents,
        of: &Extents,
        job: &Job,
    ) {
        let mut known: HashMap<(OwnerClass, Option<FileId>, String), usize> = HashMap::new();
        let first = self.owners.len();
        let outcome = fs.owners(part, job, &mut |owned: OwnedPart| {
            let OwnedPart {
                bytes,
                class,
                id,
                stream,
            } = owned;
            let owners = &mut self.owners;
            let owner = *known.entry((class, id, stream)).or_insert_with_key(|key| {
                owners.push(SectorOwner {
                    class,
                    volume: place.name.clone(),
                    path: None,
                    id,
                    stream: key.2.clone(),
                });
                owners.len().saturating_sub(1)
            });
            self.push(place, &bytes, of, owner);
            if self.complete {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        if let Err(error) = outcome {
            self.complete = false;
            let finding = Finding::new(&codes::GUEST_DAMAGED, error.to_string());
            self.findings.push((place.name.clone(), finding));
        }
        let owners = self.owners.get_mut(first..).unwrap_or_default();
        name(fs, owners, job);
    }

    fn owner(&mut self, class: OwnerClass, volume: &str) -> usize {
        self.owners.push(SectorOwner {
            class,
            volume: volume.to_owned(),
            path: None,
            id: None,
            stream: String::new(),
        });
        self.owners.len().saturating_sub(1)
    }

    /// Bytes of a volume, where they lie on the disk, as far as they were asked for.
    fn push(&mut self, place: &VolumePlace, bytes: &Range<u64>, of: &Extents, owner: usize) {
        for range in place.on_disk(bytes) {
            for part in of.within(&range) {
                if self.parts.len() >= PARTS_MAX {
                    self.complete = false;
                    return;
                }
                self.parts.push((part, owner));
            }
        }
    }

    /// Who has something of some bytes, part by part.
    pub fn within(&self, bytes: &Range<u64>) -> impl Iterator<Item = &SectorOwner> {
        let first = self
            .parts
            .partition_point(|(range, _)| range.end <= bytes.start);
        let end = bytes.end;
        let parts = self.parts.get(first..).unwrap_or_default().iter();
        parts
            .take_while(move |(range, _)| range.start < end)
            .filter_map(|(_, owner)| self.owners.get(*owner))
    }

    /// A run of sectors, cut where the owner changes. A sector belongs to whom its first byte belongs to.
    pub fn cut(&self, first: SectorNo, count: u64) -> Vec<OwnerRun<'_>> {
        let mut found: Vec<OwnerRun<'_>> = Vec::new();
        let (mut at, end) = (first.0, first.0.saturating_add(count));
        while at < end {
            let byte = at.saturating_mul(self.sector_bytes);
            let next = self.parts.partition_point(|(range, _)| range.end <= byte);
            let (owner, until) = match self.parts.get(next) {
                Some((range, owner)) if range.start <= byte => (self.owners.get(*owner), range.end),
                Some((range, _)) => (None, range.start),
                None => (None, u64::MAX),
            };
            let until = until.div_ceil(self.sector_bytes).max(at.saturating_add(1));
            let until = until.min(end);
            let count = until.saturating_sub(at);
            match found.last_mut() {
                Some(last) if last.owner == owner => last.count = last.count.saturating_add(count),
                _ => found.push(OwnerRun {
                    sector: SectorNo(at),
                    count,
                    owner,
                }),
            }
            at = until;
        }
        found
    }
}

/// Finds the paths of owners: one walk where files do not know their names.
fn name(fs: &dyn FileSystem, owners: &mut [SectorOwner], job: &Job) {
    let knows_names = !matches!(
        fs.facts().kind,
        FileSystemKind::Ext2 | FileSystemKind::Ext3 | FileSystemKind::Ext4 | FileSystemKind::Xfs
    );
    if knows_names {
        let mut paths = Paths::new(fs);
        for owner in owners.iter_mut() {
            owner.path = owner.id.map(|id| paths.path(id, job));
        }
        return;
    }
    let wanted: HashSet<FileId> = owners.iter().filter_map(|owner| owner.id).collect();
    let mut paths: HashMap<FileId, String> = HashMap::from([(fs.root(), "/".to_owned())]);
    walk(fs, fs.root(), "", job, &mut |step| {
        if let TreeStep::Entry { path, entry } = step
            && wanted.contains(&entry.id)
        {
            paths.entry(entry.id).or_insert_with(|| path.to_owned());
        }
        ControlFlow::Continue(())
    });
    for owner in owners {
        let of = |id: FileId| {
            let known = paths.get(&id).cloned();
            known.unwrap_or_else(|| format!("/$OrphanFiles/{id}"))
        };
        owner.path = owner.id.map(of);
    }
}
