//! When records were changed. Only the driver sets that; the other times of a file are anybody's.

use std::ops::Range;

use jiff::Timestamp;

use super::NtfsVolume;
use super::file::standard;
use super::record::{MftRecord, STANDARD_INFORMATION, fix_up, is_same};
use crate::guest::clock::{KernelClock, MountCount};
use crate::guest::extents::Extents;
use crate::guest::filesystem::GuestTime;
use crate::job::Job;

/// Records read at a time, in bytes.
const GROUP_BYTES: u64 = 1 << 20;

impl KernelClock for NtfsVolume {
    fn later_times(
        &self,
        before: &Self,
        written: &Extents,
        job: &Job,
        each: &mut dyn FnMut(Timestamp),
    ) -> bool {
        let mut numbers = Vec::new();
        before.table.records_within(written, &mut numbers);
        self.table.records_within(written, &mut numbers);
        self.table.moved_since(&before.table, &mut numbers);
        let numbers = Extents::collect(numbers);
        let mut complete = true;
        for group in groups(self, numbers.iter()) {
            if job.cancel.is_cancelled() {
                return false;
            }
            let read = |volume: &Self| volume.table.read_raw(group.clone());
            let (Ok(old), Ok(new)) = (read(before), read(self)) else {
                complete = false;
                continue;
            };
            let len = self.table.record_len();
            let mut olds = old.chunks_exact(len);
            for new in new.chunks_exact(len) {
                let old = olds.next().unwrap_or_default();
                later_of_record(old, new, each);
            }
        }
        complete
    }

    fn last_time(&self, job: &Job) -> Option<Timestamp> {
        let all = 0..self.table.records;
        let mut last = None;
        for group in groups(self, std::iter::once(all)) {
            if job.cancel.is_cancelled() {
                return None;
            }
            let bytes = self.table.read_raw(group).ok()?;
            let records = bytes.chunks_exact(self.table.record_len());
            let times = records.filter_map(|record| times(&whole(record)?).changed);
            last = last.max(times.max());
        }
        last
    }

    fn mounts(&self) -> Option<MountCount> {
        None
    }
}

/// Ranges of records, cut to what is read at a time.
fn groups(
    volume: &NtfsVolume,
    ranges: impl Iterator<Item = Range<u64>>,
) -> impl Iterator<Item = Range<u64>> {
    let len = volume.table.record_len() as u64;
    let count = GROUP_BYTES.checked_div(len).unwrap_or(1).max(1);
    ranges.flat_map(move |range| {
        let mut first = range.start;
        std::iter::from_fn(move || {
            let start = first;
            first = range.end.min(start.saturating_add(count));
            (start < range.end).then_some(start..first)
        })
    })
}

/// A record, fixed up; `None` if it is none, or was written only in part.
fn whole(record: &[u8]) -> Option<Vec<u8>> {
    record.get(..4).filter(|mark| *mark == b"FILE")?;
    let mut record = record.to_vec();
    fix_up(&mut record)?;
    Some(record)
}

/// The file in a record, and when it was changed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct RecordTimes {
    sequence: u64,
    changed: Option<Timestamp>,
}

fn times(record: &[u8]) -> RecordTimes {
    let Some(record) = MftRecord::new(record).filter(|record| record.is_in_use()) else {
        return RecordTimes::default();
    };
    let mut attributes = record.attributes();
    let found = attributes.find(|of| of.kind == STANDARD_INFORMATION);
    let found = found.and_then(|of| standard(of.resident()?));
    RecordTimes {
        sequence: record.sequence(),
        changed: match found.and_then(|of| of.changed) {
            Some(GuestTime::Utc(at)) => Some(at),
            _ => None,
        },
    }
}

fn later_of_record(old: &[u8], new: &[u8], each: &mut dyn FnMut(Timestamp)) {
    let (old, Some(new)) = (whole(old), whole(new)) else {
        return;
    };
    if old.as_ref().is_some_and(|old| is_same(old, &new)) {
        return;
    }
    let new = times(&new);
    let old = old.map(|old| times(&old)).unwrap_or_default();
    if old.changed != new.changed || old.sequence != new.sequence {
        new.changed.into_iter().for_each(&mut *each);
    }
}
