//! NTFS 3.x.
//!
//! ```text
//!  boot ─► table ($MFT, in as many pieces as it has) ─► record ─► file (record and those that carry it on)
//!                                                                  ├─► data: runs of a stream   ├─► index: names of a directory
//!          changes: records written in either state, compared      └─► owners: runs that meet what is asked
//! ```
//!
//! A file is its record number and the number of times that record was given away. The log is not replayed.

mod boot;
mod changes;
mod clock;
mod data;
mod file;
mod index;
mod list;
mod owners;
mod record;
mod reparse;
mod runs;
mod stream;
mod table;
mod waiting;

use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::Timestamp;

use super::codes;
use super::extents::Extents;
use super::filesystem::{
    DataRun, DirectoryEntry, FileId, FileName, FileSystem, FileSystemKind, GuestError, GuestFile,
    GuestTime, NamedStream, OwnedPart, VolumeFacts, VolumeState,
};
use crate::finding::Finding;
use crate::format::bytes::u16_at;
use crate::job::Job;
use crate::source::Source;

pub(super) use changes::changes;

use boot::Boot;
use file::NtfsFile;
use record::{MftRecord, VOLUME_INFORMATION, VOLUME_NAME, utf16};
use stream::AttributeValue;
use table::MasterFileTable;

/// Records below this are the file system's own.
const FIRST_USER_RECORD: u64 = 24;
const LOG_FILE: u64 = 2;
const VOLUME: u64 = 3;
const ROOT: u64 = 5;
const FREE_MAP: u64 = 6;
const BAD_CLUSTERS: u64 = 8;

/// An open volume.
#[derive(Debug)]
pub struct NtfsVolume {
    source: Arc<dyn Source>,
    boot: Boot,
    table: MasterFileTable,
    root: FileId,
    facts: VolumeFacts,
}

impl NtfsVolume {
    /// Opens a volume by its boot sector and the first records of its table.
    ///
    /// # Errors
    /// When they cannot be read or make no sense.
    pub fn open(source: Arc<dyn Source>) -> Result<Self, GuestError> {
        let boot = Boot::read(&*source)?;
        let table = MasterFileTable::read(Arc::clone(&source), &boot)?;
        let mut volume = Self {
            facts: VolumeFacts {
                kind: FileSystemKind::Ntfs,
                label: String::new(),
                id: format!("{:016X}", boot.serial),
                bytes: boot.volume_bytes,
                cluster_bytes: u32::try_from(boot.cluster_bytes).unwrap_or(u32::MAX),
                state: VolumeState::Clean,
                findings: Vec::new(),
            },
            root: FileId {
                number: ROOT,
                generation: ROOT,
            },
            source,
            boot,
            table,
        };
        volume.read_facts();
        Ok(volume)
    }

    /// Label, state, and the number of the root: the file system's own records lie side by side.
    fn read_facts(&mut self) {
        let mut is_dirty = false;
        if let Ok(Some(bytes)) = self.table.record(VOLUME)
            && let Some(record) = MftRecord::new(&bytes)
        {
            for attribute in record.attributes() {
                let value = attribute.resident().unwrap_or_default();
                match attribute.kind {
                    VOLUME_NAME => self.facts.label = utf16(value),
                    VOLUME_INFORMATION => {
                        is_dirty = u16_at(value, 10).is_some_and(|flags| flags & 1 != 0);
                    }
                    _ => {}
                }
            }
        }
        if let Ok(Some(bytes)) = self.table.record(ROOT)
            && let Some(record) = MftRecord::new(&bytes)
        {
            self.root.generation = record.sequence();
        }
        if is_dirty || self.is_log_open() {
            self.facts.state = VolumeState::NotClean;
            let text = "it was in use, and its log is not replayed: names and sizes may lag a few seconds behind";
            let finding = Finding::new(&codes::GUEST_NOT_CLEAN, text);
            self.facts.findings.push(finding);
        }
    }

    /// Whether the log was left with something under way, by its first restart page.
    fn is_log_open(&self) -> bool {
        const CLEAN: u16 = 2;
        const NO_CLIENT: u16 = 0xffff;
        let page = || {
            let file = NtfsFile::load(self, LOG_FILE).ok()??;
            let AttributeValue::Runs { runs, .. } = &file.stream("")?.value else {
                return None;
            };
            let at = runs.first()?.lcn?.checked_mul(self.boot.cluster_bytes)?;
            let mut page = vec![0; 512];
            self.source.read_exact_at(&mut page, at).ok()?;
            (page.get(..4)? == b"RSTR").then_some(page)
        };
        let Some(page) = page() else { return false };
        let area = usize::from(u16_at(&page, 24).unwrap_or(0));
        let number = |at: usize| u16_at(&page, area.saturating_add(at)).unwrap_or(0);
        number(12) != NO_CLIENT && number(14) & CLEAN == 0
    }

    fn load(&self, id: FileId) -> Result<NtfsFile, GuestError> {
        let file = NtfsFile::load(self, id.number)?;
        file.filter(|file| file.id.generation == id.generation)
            .ok_or(GuestError::NotFound)
    }
}

/// A time of Windows: units of 100 ns since 1601.
fn time(value: u64) -> Option<GuestTime> {
    const SECONDS_TO_1970: i64 = 11_644_473_600;
    if value == 0 {
        return None;
    }
    let value = i64::try_from(value).ok()?;
    let seconds = value
        .checked_div(10_000_000)?
        .checked_sub(SECONDS_TO_1970)?;
    let nanoseconds = i32::try_from(value.checked_rem(10_000_000)?.checked_mul(100)?).ok()?;
    Timestamp::new(seconds, nanoseconds)
        .ok()
        .map(GuestTime::Utc)
}

impl FileSystem for NtfsVolume {
    fn facts(&self) -> &VolumeFacts {
        &self.facts
    }

    fn source(&self) -> &dyn Source {
        &*self.source
    }

    fn root(&self) -> FileId {
        self.root
    }

    fn names(&self, id: FileId, _job: &Job) -> Result<Vec<FileName>, GuestError> {
        Ok(self.load(id)?.names)
    }

    fn list(
        &self,
        directory: FileId,
        each: &mut dyn FnMut(DirectoryEntry) -> ControlFlow<()>,
    ) -> Result<(), GuestError> {
        let file = self.load(directory)?;
        if !file.is_directory {
            return Err(GuestError::NotFound);
        }
        let is_root = directory == self.root;
        index::list(self, &file, &mut |entry| {
            if is_root && entry.id.number < FIRST_USER_RECORD && entry.name != "$Extend" {
                return ControlFlow::Continue(());
            }
            each(entry)
        })
    }

    fn file(&self, id: FileId) -> Result<GuestFile, GuestError> {
        let file = self.load(id)?;
        let named = file.streams.iter().filter(|of| !of.name.is_empty());
        Ok(GuestFile {
            kind: file.kind(),
            bytes: if file.is_directory { 0 } else { file.bytes() },
            created: file.standard.and_then(|of| of.created),
            modified: file.standard.and_then(|of| of.modified),
            streams: named
                .map(|of| NamedStream {
                    name: of.name.clone(),
                    bytes: of.bytes,
                })
                .collect(),
            closed: file.closed(),
            target: file.target(),
        })
    }

    fn runs(
        &self,
        id: FileId,
        stream: &str,
        each: &mut dyn FnMut(DataRun) -> ControlFlow<()>,
    ) -> Result<(), GuestError> {
        let file = self.load(id)?;
        if let Some(why) = file.closed() {
            return Err(GuestError::Closed(why));
        }
        let found = file.stream(stream).ok_or(GuestError::NotFound)?;
        let _ = data::runs(self, found, each);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_begin_in_1601() {
        let at = time(134_168_671_210_000_001).unwrap();
        let GuestTime::Utc(at) = at else { panic!() };
        assert_eq!(at.to_string(), "2026-03-01T19:32:01.0000001Z");
        assert_eq!(time(0), None);
        assert_eq!(time(u64::MAX), None);
    }
}
