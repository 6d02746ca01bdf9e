//! The master file table: where each record is.

use std::ops::Range;
use std::sync::Arc;

use super::boot::Boot;
use super::list;
use super::record::{self, ATTRIBUTE_LIST, AttributeForm, DATA, MftRecord, fix_up};
use super::runs::{self, Run};
use crate::guest::extents::Extents;
use crate::guest::filesystem::GuestError;
use crate::source::Source;

/// Records that carry the table's own list of runs on, at most.
const PARTS_MAX: usize = 4_096;

/// The table's place in the volume.
#[derive(Debug)]
pub(super) struct MasterFileTable {
    source: Arc<dyn Source>,
    record_bytes: u64,
    /// Pieces of the table in order: first byte of the table, and where it is in the volume.
    pieces: Vec<(u64, Range<u64>)>,
    /// How many records there are.
    pub(super) records: u64,
}

impl MasterFileTable {
    pub(super) fn read(source: Arc<dyn Source>, boot: &Boot) -> Result<Self, GuestError> {
        let mut first = None;
        for at in [boot.table_at, boot.mirror_at] {
            let mut bytes = vec![0; usize::try_from(boot.record_bytes).unwrap_or(0)];
            let read = source.read_exact_at(&mut bytes, at);
            if read.is_ok() && fix_up(&mut bytes).is_some() && MftRecord::new(&bytes).is_some() {
                first = Some(bytes);
                break;
            }
        }
        let what = "the first record of $MFT";
        let damaged = || GuestError::damaged(what, boot.table_at, "a record", "none");
        let first = first.ok_or_else(damaged)?;
        let record = MftRecord::new(&first).ok_or_else(damaged)?;
        let mut size = 0;
        let mut parts = Vec::new();
        for attribute in record.attributes() {
            if let (DATA, AttributeForm::Extern { bytes, .. }) = (attribute.kind, attribute.form)
                && attribute.has_name("")
            {
                size = bytes;
                parts.extend(parse(&attribute, boot));
            }
        }
        let mut table = Self {
            source,
            record_bytes: boot.record_bytes,
            pieces: Vec::new(),
            records: 0,
        };
        table.place(&parts, size, boot);
        let lists = record.attributes().find(|of| of.kind == ATTRIBUTE_LIST);
        if let Some(of_list) = lists {
            let bytes = list::read(&*table.source, &of_list, boot)?;
            let mut entries: Vec<_> = list::parse(&bytes)
                .filter(|entry| entry.kind == DATA && entry.name.is_empty() && entry.id.number != 0)
                .take(PARTS_MAX)
                .collect();
            // They need not be sorted, and each part may lie in what the parts before it place.
            entries.sort_by_key(|entry| entry.first_vcn);
            for entry in entries {
                let Some(bytes) = table.record(entry.id.number)? else {
                    break;
                };
                let Some(part) = MftRecord::new(&bytes) else {
                    break;
                };
                for attribute in part.attributes().filter(|of| of.kind == DATA) {
                    parts.extend(parse(&attribute, boot));
                }
                table.place(&parts, size, boot);
            }
        }
        if table.records == 0 {
            return Err(damaged());
        }
        Ok(table)
    }

    /// Takes the runs, in order and up to the first gap, as the table's place.
    fn place(&mut self, parts: &[Run], size: u64, boot: &Boot) {
        let mut parts = parts.to_vec();
        parts.sort_by_key(|run| run.vcn);
        parts.dedup_by_key(|run| run.vcn);
        self.pieces.clear();
        let mut vcn = 0;
        for run in parts {
            let (true, Some(lcn)) = (run.vcn == vcn, run.lcn) else {
                break;
            };
            vcn = run.end();
            let at = |cluster: u64| cluster.saturating_mul(boot.cluster_bytes);
            let place = at(lcn)..at(lcn.saturating_add(run.clusters));
            self.pieces.push((at(run.vcn), place));
        }
        let bytes = vcn.saturating_mul(boot.cluster_bytes).min(size);
        self.records = bytes.checked_div(self.record_bytes).unwrap_or(0);
    }

    /// Where some bytes of the table are in the volume, as runs of neighbouring bytes.
    fn places(&self, bytes: Range<u64>) -> impl Iterator<Item = Range<u64>> + '_ {
        let from = self
            .pieces
            .partition_point(|(at, _)| *at <= bytes.start)
            .saturating_sub(1);
        let pieces = self.pieces.get(from..).unwrap_or_default().iter();
        pieces
            .map_while(move |(at, place)| {
                let len = place.end.saturating_sub(place.start);
                let start = bytes.start.max(*at);
                let end = bytes.end.min(at.saturating_add(len));
                (*at < bytes.end).then(|| {
                    let to = |byte: u64| place.start.saturating_add(byte.saturating_sub(*at));
                    to(start)..to(end.max(start))
                })
            })
            .filter(|place| !place.is_empty())
    }

    /// All of the table, in the volume.
    pub(super) fn extents(&self) -> Extents {
        Extents::collect(self.pieces.iter().map(|(_, place)| place.clone()))
    }

    /// Numbers of the records that lie in `written`, as ranges.
    pub(super) fn records_within(&self, written: &Extents, numbers: &mut Vec<Range<u64>>) {
        for (at, place) in &self.pieces {
            for part in written.within(place) {
                let byte = |of: u64| at.saturating_add(of.saturating_sub(place.start));
                let record = |byte: u64| byte.checked_div(self.record_bytes).unwrap_or(0);
                let last = byte(part.end).div_ceil(self.record_bytes);
                numbers.push(record(byte(part.start))..last.min(self.records));
            }
        }
    }

    /// Numbers of the records that lie elsewhere than in another state of the table, as ranges.
    pub(super) fn moved_since(&self, other: &Self, numbers: &mut Vec<Range<u64>>) {
        if self.pieces == other.pieces && self.records == other.records {
            return;
        }
        // Records that are not in the table need no look; where both have some, each piece tells.
        let most = self.records.max(other.records);
        let both = self.records.min(other.records);
        numbers.push(both..most);
        let mut at = 0;
        let end = both.saturating_mul(self.record_bytes);
        while at < end {
            let (one, until) = self.piece_at(at);
            let (two, other_until) = other.piece_at(at);
            let next = until.min(other_until).min(end).max(at.saturating_add(1));
            if one != two {
                let first = at.checked_div(self.record_bytes).unwrap_or(0);
                numbers.push(first..next.div_ceil(self.record_bytes.max(1)));
            }
            at = next;
        }
    }

    /// Where a byte of the table is, and the byte at which its piece ends.
    fn piece_at(&self, byte: u64) -> (Option<u64>, u64) {
        let from = self.pieces.partition_point(|(at, _)| *at <= byte);
        match from.checked_sub(1).and_then(|at| self.pieces.get(at)) {
            Some((at, place)) => {
                let into = byte.saturating_sub(*at);
                let end = at.saturating_add(place.end.saturating_sub(place.start));
                (Some(place.start.saturating_add(into)), end)
            }
            None => (None, u64::MAX),
        }
    }

    /// Reads records as they stand on the disk, not fixed up.
    pub(super) fn read_raw(&self, numbers: Range<u64>) -> Result<Vec<u8>, GuestError> {
        let end = numbers.end.min(self.records);
        let count = end.saturating_sub(numbers.start);
        let len = count.saturating_mul(self.record_bytes);
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        let start = numbers.start.saturating_mul(self.record_bytes);
        let mut at = 0_usize;
        for place in self.places(start..start.saturating_add(len)) {
            let len = usize::try_from(place.end.saturating_sub(place.start)).unwrap_or(0);
            let end = at.saturating_add(len);
            if let Some(part) = bytes.get_mut(at..end) {
                self.source
                    .read_exact_at(part, place.start)
                    .map_err(GuestError::read("$MFT", place.start))?;
            }
            at = end;
        }
        Ok(bytes)
    }

    pub(super) fn record_len(&self) -> usize {
        usize::try_from(self.record_bytes)
            .unwrap_or(usize::MAX)
            .max(1)
    }

    /// One record, fixed up; `None` if there is no such record, or it was written only in part.
    pub(super) fn record(&self, number: u64) -> Result<Option<Vec<u8>>, GuestError> {
        if number >= self.records {
            return Ok(None);
        }
        let mut bytes = self.read_raw(number..number.saturating_add(1))?;
        Ok(fix_up(&mut bytes).map(|()| bytes))
    }
}

fn parse(attribute: &record::Attribute<'_>, boot: &Boot) -> Vec<Run> {
    match attribute.form {
        AttributeForm::Extern {
            first_vcn, pairs, ..
        } => runs::parse(pairs, first_vcn, boot.clusters).unwrap_or_default(),
        AttributeForm::Resident(_) => Vec::new(),
    }
}
