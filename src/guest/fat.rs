//! FAT12, FAT16 and FAT32.
//!
//! Source: Microsoft "FAT: General Overview of On-Disk Format" 1.03; long names as \[MS\] FAT 1.03 "Long File Names".
//!
//! A file has no number here: it is known by the directory that names it and its slot there. Directories are found by their
//! first cluster, the root being 0.

mod boot;
mod changes;
mod directory;
mod owners;
mod table;

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use super::extents::Extents;
use super::filesystem::{
    DataPlace, DataRun, DirectoryEntry, FileId, FileKind, FileName, FileSystem, FileSystemKind,
    GuestError, GuestFile, OwnedPart, VolumeFacts, VolumeState,
};
use crate::job::Job;
use crate::source::Source;

pub(super) use changes::changes;

use boot::FatLayout;
use directory::FatEntry;
use table::FatTable;

/// The root directory's cluster as others name it.
const ROOT: u32 = 0;
/// Largest directory, in bytes: 65,536 entries.
const DIRECTORY_BYTES_MAX: u64 = 65_536 * 32;

/// An open volume.
#[derive(Debug)]
pub struct FatVolume {
    source: Arc<dyn Source>,
    layout: FatLayout,
    table: FatTable,
    facts: VolumeFacts,
}

impl FatVolume {
    /// Opens a volume by its boot sector.
    ///
    /// # Errors
    /// When it cannot be read or makes no sense.
    pub fn open(source: Arc<dyn Source>) -> Result<Self, GuestError> {
        let layout = FatLayout::read(&*source)?;
        let table = FatTable::new(Arc::clone(&source), &layout);
        let state = match table.is_clean() {
            Ok(false) => VolumeState::NotClean,
            _ => VolumeState::Clean,
        };
        let mut volume = Self {
            facts: VolumeFacts {
                kind: layout.kind,
                label: layout.label.clone(),
                id: format!("{:04X}-{:04X}", layout.serial >> 16, layout.serial & 0xffff),
                bytes: layout.volume_bytes,
                cluster_bytes: u32::try_from(layout.cluster_bytes).unwrap_or(u32::MAX),
                state,
                findings: Vec::new(),
            },
            source,
            layout,
            table,
        };
        if let Ok(bytes) = volume.directory_bytes(ROOT)
            && let Some(label) = directory::label(&bytes)
        {
            volume.facts.label = label;
        }
        Ok(volume)
    }

    /// Where the clusters of a chain lie, neighbours joined, as far as it goes and no further than `bytes_max`; whether it
    /// ends well or reaches so far.
    fn chain(&self, first: u32, bytes_max: u64) -> Result<(Vec<Range<u64>>, bool), GuestError> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        if first == ROOT {
            return Ok((ranges, true));
        }
        let mut left = bytes_max.div_ceil(self.layout.cluster_bytes.max(1));
        let mut walk = self.table.walk(first);
        while left > 0 {
            let Some(cluster) = walk.next()? else {
                return Ok((ranges, walk.ended_well()));
            };
            let Some(place) = self.layout.cluster(cluster) else {
                return Ok((ranges, false));
            };
            match ranges.last_mut() {
                Some(last) if last.end == place.start => last.end = place.end,
                _ => ranges.push(place),
            }
            left = left.saturating_sub(1);
        }
        Ok((ranges, true))
    }

    /// Where a directory's entries lie.
    fn directory_place(&self, cluster: u32) -> Result<Vec<Range<u64>>, GuestError> {
        if cluster == ROOT
            && let Some(root) = &self.layout.root
        {
            return Ok(vec![root.clone()]);
        }
        let first = if cluster == ROOT {
            self.layout.root_cluster
        } else {
            cluster
        };
        Ok(self.chain(first, DIRECTORY_BYTES_MAX)?.0)
    }

    fn directory_bytes(&self, cluster: u32) -> Result<Vec<u8>, GuestError> {
        let mut bytes = Vec::new();
        for place in self.directory_place(cluster)? {
            let len = usize::try_from(place.end.saturating_sub(place.start)).unwrap_or(0);
            let from = bytes.len();
            bytes.resize(from.saturating_add(len), 0);
            self.source
                .read_exact_at(bytes.get_mut(from..).unwrap_or_default(), place.start)
                .map_err(GuestError::read("a directory", place.start))?;
        }
        Ok(bytes)
    }

    fn entries(&self, cluster: u32) -> Result<Vec<FatEntry>, GuestError> {
        let bytes = self.directory_bytes(cluster)?;
        let mut entries = directory::parse(&bytes, self.layout.kind);
        // What leads back to the root is written as such.
        for entry in &mut entries {
            if entry.is_directory() && entry.cluster == self.layout.root_cluster {
                entry.cluster = ROOT;
            }
        }
        Ok(entries)
    }

    fn entry(&self, id: FileId) -> Result<FatEntry, GuestError> {
        let (directory, slot) = split(id).ok_or(GuestError::NotFound)?;
        let entries = self.entries(directory)?;
        let found = entries.into_iter().find(|entry| entry.slot == slot);
        found.ok_or(GuestError::NotFound)
    }

    fn directory_cluster(&self, id: FileId) -> Result<u32, GuestError> {
        if id == self.root() {
            return Ok(ROOT);
        }
        let entry = self.entry(id)?;
        // A directory below the root that says it is the root leads nowhere new.
        if entry.is_directory() && entry.cluster != ROOT {
            Ok(entry.cluster)
        } else {
            Err(GuestError::NotFound)
        }
    }

    /// The directory a directory lies in, by its `..`; `None` for the root.
    fn parent_of(&self, cluster: u32) -> Result<Option<u32>, GuestError> {
        if cluster == ROOT {
            return Ok(None);
        }
        let bytes = self.directory_bytes(cluster)?;
        let up = directory::parent(&bytes, self.layout.kind).ok_or(GuestError::NotFound)?;
        Ok(Some(if up == self.layout.root_cluster {
            ROOT
        } else {
            up
        }))
    }

    /// The runs of a file's content, cut to its size.
    fn entry_runs(&self, entry: &FatEntry) -> Result<Vec<DataRun>, GuestError> {
        let size = u64::from(entry.size);
        let (ranges, _) = self.chain(entry.cluster, size)?;
        let mut at = 0_u64;
        let mut runs = Vec::with_capacity(ranges.len());
        for range in ranges {
            let bytes = range
                .end
                .saturating_sub(range.start)
                .min(size.saturating_sub(at));
            runs.push(DataRun {
                at,
                bytes,
                place: DataPlace::Here {
                    offset_bytes: range.start,
                },
            });
            at = at.saturating_add(bytes);
        }
        if at < size {
            return Err(GuestError::damaged(
                "a chain of clusters",
                self.layout
                    .cluster(entry.cluster)
                    .map_or(0, |place| place.start),
                format!("{size} bytes"),
                at,
            ));
        }
        Ok(runs)
    }
}

/// The id of a directory's slot.
fn join(directory: u32, slot: u32) -> FileId {
    FileId {
        number: u64::from(directory) << 32 | u64::from(slot.saturating_add(1)),
        generation: 0,
    }
}

/// The directory and slot of an id; `None` for the root.
fn split(id: FileId) -> Option<(u32, u32)> {
    let slot = u32::try_from(id.number & u64::from(u32::MAX)).ok()?;
    let directory = u32::try_from(id.number >> 32).ok()?;
    Some((directory, slot.checked_sub(1)?))
}

impl FileSystem for FatVolume {
    fn facts(&self) -> &VolumeFacts {
        &self.facts
    }

    fn source(&self) -> &dyn Source {
        &*self.source
    }

    fn root(&self) -> FileId {
        FileId {
            number: 0,
            generation: 0,
        }
    }

    fn names(&self, id: FileId, _job: &Job) -> Result<Vec<FileName>, GuestError> {
        let Some((directory, _)) = split(id) else {
            return Ok(Vec::new());
        };
        let entry = self.entry(id)?;
        let parent = match self.parent_of(directory)? {
            None => self.root(),
            Some(above) => {
                let entries = self.entries(above)?;
                let is_it = |entry: &&FatEntry| entry.is_directory() && entry.cluster == directory;
                let found = entries.iter().find(is_it).ok_or(GuestError::NotFound)?;
                join(above, found.slot)
            }
        };
        Ok(vec![FileName {
            parent,
            name: entry.name,
        }])
    }

    fn list(
        &self,
        directory: FileId,
        each: &mut dyn FnMut(DirectoryEntry) -> ControlFlow<()>,
    ) -> Result<(), GuestError> {
        let cluster = self.directory_cluster(directory)?;
        for entry in self.entries(cluster)? {
            let told = each(DirectoryEntry {
                id: join(cluster, entry.slot),
                kind: entry.kind(),
                name: entry.name,
            });
            if told.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn file(&self, id: FileId) -> Result<GuestFile, GuestError> {
        if id == self.root() {
            return Ok(GuestFile {
                kind: FileKind::Directory,
                bytes: 0,
                created: None,
                modified: None,
                streams: Vec::new(),
                closed: None,
                target: None,
            });
        }
        let entry = self.entry(id)?;
        Ok(GuestFile {
            kind: entry.kind(),
            bytes: entry.size.into(),
            created: entry.created,
            modified: entry.modified,
            streams: Vec::new(),
            closed: None,
            target: None,
        })
    }

    fn runs(
        &self,
        id: FileId,
        stream: &str,
        each: &mut dyn FnMut(DataRun) -> ControlFlow<()>,
    ) -> Result<(), GuestError> {
        let entry = self.entry(id)?;
        if !stream.is_empty() || entry.is_directory() {
            return Err(GuestError::NotFound);
        }
        for run in self.entry_runs(&entry)? {
            if each(run).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn owners(
        &self,
        of: &Extents,
        job: &Job,
        each: &mut dyn FnMut(OwnedPart) -> ControlFlow<()>,
    ) -> Result<(), GuestError> {
        owners::owners(self, of, job, each)
    }
}
