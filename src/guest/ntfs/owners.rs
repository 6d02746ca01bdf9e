//! Whose the bytes of a volume are: what the free map says is nobody's, then one pass over the table for the rest.

use std::ops::{ControlFlow, Range};

use super::file::NtfsFile;
use super::record::{Attribute, AttributeForm, BITMAP, DATA, INDEX_ALLOCATION, MftRecord, fix_up};
use super::runs::Run;
use super::stream::{AttributeValue, Stream};
use super::{BAD_CLUSTERS, FIRST_USER_RECORD, FREE_MAP, LOG_FILE, NtfsVolume, ROOT, runs};
use crate::guest::extents::Extents;
use crate::guest::filesystem::{FileId, GuestError, OwnedPart, OwnerClass};
use crate::job::Job;

/// Records read at a time, in bytes.
const GROUP_BYTES: usize = 1 << 20;
/// Bytes of the free map read at a time.
const MAP_BYTES: u64 = 64 << 10;

struct NtfsOwnerSearch<'a> {
    volume: &'a NtfsVolume,
    left: Extents,
    each: &'a mut dyn FnMut(OwnedPart) -> ControlFlow<()>,
}

pub(super) fn owners(
    volume: &NtfsVolume,
    of: &Extents,
    job: &Job,
    each: &mut dyn FnMut(OwnedPart) -> ControlFlow<()>,
) -> Result<(), GuestError> {
    let mut search = NtfsOwnerSearch {
        volume,
        left: of.clone(),
        each,
    };
    // The boot sector's copy lies behind the last cluster.
    let end = volume
        .boot
        .clusters
        .saturating_mul(volume.boot.cluster_bytes);
    let tail = Extents::of(end..u64::MAX);
    if search
        .take(&tail, OwnerClass::Metadata, None, "")
        .is_break()
    {
        return Ok(());
    }
    if search.free()?.is_break() {
        return Ok(());
    }
    let table = volume.table.extents();
    let own = FileId {
        number: 0,
        generation: 1,
    };
    if search
        .take(&table, OwnerClass::Metadata, Some(own), "")
        .is_break()
    {
        return Ok(());
    }
    let len = volume.table.record_len();
    let group = u64::try_from(GROUP_BYTES.checked_div(len).unwrap_or(1))
        .unwrap_or(1)
        .max(1);
    let mut first = 0;
    while first < volume.table.records && !search.left.is_empty() {
        if job.cancel.is_cancelled() {
            return Err(GuestError::Cancelled);
        }
        let end = first.saturating_add(group);
        let mut bytes = volume.table.read_raw(first..end)?;
        job.progress.advance(bytes.len() as u64);
        for (number, record) in (first..).zip(bytes.chunks_exact_mut(len)) {
            if record.get(..4) == Some(b"FILE")
                && fix_up(record).is_some()
                && search.record(number, record).is_break()
            {
                return Ok(());
            }
        }
        first = end;
    }
    Ok(())
}

impl NtfsOwnerSearch<'_> {
    fn take(
        &mut self,
        places: &Extents,
        class: OwnerClass,
        id: Option<FileId>,
        stream: &str,
    ) -> ControlFlow<()> {
        let mut taken = Extents::default();
        for place in places.iter() {
            self.left.within(&place).for_each(|part| taken.push(part));
        }
        if taken.is_empty() {
            return ControlFlow::Continue(());
        }
        self.left = self.left.without(&taken);
        for bytes in taken.iter() {
            (self.each)(OwnedPart {
                bytes,
                class,
                id,
                stream: stream.to_owned(),
            })?;
        }
        ControlFlow::Continue(())
    }

    fn places(&self, runs: &[Run]) -> Extents {
        let at = |cluster: u64| cluster.saturating_mul(self.volume.boot.cluster_bytes);
        let place = |run: &Run| {
            let lcn = run.lcn?;
            Some(at(lcn)..at(lcn.saturating_add(run.clusters)))
        };
        Extents::collect(runs.iter().filter_map(place))
    }

    /// What is left that a record's attributes hold.
    fn record(&mut self, number: u64, bytes: &[u8]) -> ControlFlow<()> {
        let Some(record) = MftRecord::new(bytes).filter(|record| record.is_in_use()) else {
            return ControlFlow::Continue(());
        };
        let id = record.base().unwrap_or(FileId {
            number,
            generation: record.sequence(),
        });
        for attribute in record.attributes() {
            let AttributeForm::Extern {
                first_vcn, pairs, ..
            } = attribute.form
            else {
                continue;
            };
            // The list of bad clusters is one hole over the whole volume with runs only where it is bad.
            if id.number == BAD_CLUSTERS {
                continue;
            }
            let clusters = self.volume.boot.clusters;
            let runs = runs::parse(pairs, first_vcn, clusters).unwrap_or_default();
            let places = self.places(&runs);
            if !places.iter().any(|place| self.left.meets(&place)) {
                continue;
            }
            let stream = match attribute.kind {
                DATA => attribute.name(),
                _ => String::new(),
            };
            let class = self.class(id, &attribute);
            self.take(&places, class, Some(id), &stream)?;
        }
        ControlFlow::Continue(())
    }

    fn class(&self, id: FileId, attribute: &Attribute<'_>) -> OwnerClass {
        match (id.number, attribute.kind) {
            (LOG_FILE, _) => OwnerClass::Journal,
            (ROOT, _) => OwnerClass::Directory,
            (..FIRST_USER_RECORD, _) => OwnerClass::Metadata,
            (_, INDEX_ALLOCATION | BITMAP) => OwnerClass::Directory,
            (_, DATA) => self.class_by_name(id, &attribute.name()),
            _ => OwnerClass::Metadata,
        }
    }

    /// A few files are known by their names.
    fn class_by_name(&self, id: FileId, stream: &str) -> OwnerClass {
        if stream == "$J" {
            return OwnerClass::Journal;
        }
        let names = NtfsFile::load(self.volume, id.number).ok().flatten();
        let names = names.map(|file| file.names).unwrap_or_default();
        let memory = ["pagefile.sys", "hiberfil.sys", "swapfile.sys"];
        let is_memory = names.iter().any(|name| {
            name.parent.number == ROOT
                && memory
                    .iter()
                    .any(|known| name.name.eq_ignore_ascii_case(known))
        });
        if is_memory {
            OwnerClass::PageFile
        } else {
            OwnerClass::File
        }
    }

    /// Takes out what the free map says is nobody's: a bit for each cluster.
    fn free(&mut self) -> Result<ControlFlow<()>, GuestError> {
        let map = NtfsFile::load(self.volume, FREE_MAP)?;
        let map = map.as_ref().and_then(|file| file.stream(""));
        let Some(Stream {
            value: AttributeValue::Runs { runs, .. },
            bytes: map_bytes,
            ..
        }) = map
        else {
            return Ok(ControlFlow::Continue(()));
        };
        let boot = self.volume.boot;
        let per_page = MAP_BYTES.saturating_mul(8);
        let mut free = Extents::default();
        let mut page: Option<(u64, Vec<u8>)> = None;
        let parts: Vec<Range<u64>> = self.left.iter().collect();
        for part in parts {
            let first = part.start.checked_div(boot.cluster_bytes).unwrap_or(0);
            let end = part.end.div_ceil(boot.cluster_bytes).min(boot.clusters);
            for cluster in first..end {
                let number = cluster.checked_div(per_page).unwrap_or(0);
                if page.as_ref().is_none_or(|(of, _)| *of != number) {
                    let at = number.saturating_mul(MAP_BYTES);
                    let len = map_bytes.saturating_sub(at).min(MAP_BYTES);
                    page = Some((number, self.read_part(runs, at, len)?));
                }
                let bit = cluster.saturating_sub(number.saturating_mul(per_page));
                let byte = usize::try_from(bit >> 3).unwrap_or(usize::MAX);
                let bytes = page.as_ref().map(|(_, bytes)| bytes);
                let byte = bytes.and_then(|bytes| bytes.get(byte)).copied();
                if byte.is_some_and(|byte| byte >> (bit & 7) & 1 == 0) {
                    let at = cluster.saturating_mul(boot.cluster_bytes);
                    free.push(at..at.saturating_add(boot.cluster_bytes));
                }
            }
        }
        Ok(self.take(&free, OwnerClass::Free, None, ""))
    }

    /// Bytes of an attribute from its runs; holes are zeros.
    fn read_part(&self, runs: &[Run], at: u64, len: u64) -> Result<Vec<u8>, GuestError> {
        let cluster_bytes = self.volume.boot.cluster_bytes;
        let end = at.saturating_add(len);
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        for run in runs {
            let start = run.vcn.saturating_mul(cluster_bytes);
            let stop = run.end().saturating_mul(cluster_bytes);
            let part = start.max(at)..stop.min(end);
            let (false, Some(lcn)) = (part.is_empty(), run.lcn) else {
                continue;
            };
            let from = lcn
                .saturating_mul(cluster_bytes)
                .saturating_add(part.start.saturating_sub(start));
            let to = |byte: u64| usize::try_from(byte.saturating_sub(at)).unwrap_or(usize::MAX);
            if let Some(into) = bytes.get_mut(to(part.start)..to(part.end)) {
                self.volume
                    .source
                    .read_exact_at(into, from)
                    .map_err(GuestError::read("$Bitmap", from))?;
            }
        }
        Ok(bytes)
    }
}
