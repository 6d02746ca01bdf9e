//! Whether a file whose sectors were written holds other bytes now: sectors can be written with what they held before, and
//! what counts as written may be whole blocks.

use super::content::RunReader;
use super::extents::Extents;
use super::filesystem::{DataPlace, DataRun, GuestError};
use crate::job::Job;
use crate::source::Source;

/// Most bytes of one file that are compared.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// Bytes compared at a time.
const PIECE_BYTES: u64 = 1 << 20;

/// What comparing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    Same,
    Differs,
    /// No difference in as much as is compared; there is more.
    TooMuch,
}

/// Compares contents in two states of a volume, of which only the bytes of `written` can differ.
pub struct Confirm<'a> {
    before: RunReader<'a>,
    after: RunReader<'a>,
    written: &'a Extents,
    job: &'a Job,
}

impl<'a> Confirm<'a> {
    pub fn new(
        before: &'a dyn Source,
        after: &'a dyn Source,
        written: &'a Extents,
        job: &'a Job,
    ) -> Self {
        Self {
            before: RunReader::new(before),
            after: RunReader::new(after),
            written,
            job,
        }
    }

    /// Compares two contents of one length. Reads only where they lie elsewhere or were written, up to the first difference.
    ///
    /// # Errors
    /// When bytes cannot be read, or the job is cancelled.
    pub fn compare(
        &mut self,
        before: &[DataRun],
        after: &[DataRun],
    ) -> Result<Confirmed, GuestError> {
        let mut left = FILE_BYTES_MAX;
        let mut olds = before.iter().peekable();
        for new in after {
            let mut at = new.at;
            let end = new.at.saturating_add(new.bytes);
            while at < end {
                while olds
                    .next_if(|old| old.at.saturating_add(old.bytes) <= at)
                    .is_some()
                {}
                let Some(old) = olds.peek().filter(|old| old.at <= at) else {
                    return Ok(Confirmed::Differs);
                };
                let until = end.min(old.at.saturating_add(old.bytes));
                match self.compare_part(old, new, at..until, &mut left)? {
                    Confirmed::Same => at = until,
                    other => return Ok(other),
                }
            }
        }
        Ok(Confirmed::Same)
    }

    /// Compares a stretch of the content that is in one run on either side.
    fn compare_part(
        &mut self,
        old: &DataRun,
        new: &DataRun,
        part: std::ops::Range<u64>,
        left: &mut u64,
    ) -> Result<Confirmed, GuestError> {
        let in_old = part.start.saturating_sub(old.at);
        let in_new = part.start.saturating_sub(new.at);
        let len = part.end.saturating_sub(part.start);
        let mut parts = Vec::new();
        match (&old.place, &new.place) {
            (DataPlace::Hole, DataPlace::Hole) => return Ok(Confirmed::Same),
            (DataPlace::Here { offset_bytes: from }, DataPlace::Here { offset_bytes: to })
                if from.saturating_add(in_old) == to.saturating_add(in_new) =>
            {
                let start = to.saturating_add(in_new);
                let written = self.written.within(&(start..start.saturating_add(len)));
                parts.extend(written.map(|range| {
                    let skip = range.start.saturating_sub(start);
                    skip..skip.saturating_add(range.end.saturating_sub(range.start))
                }));
            }
            (DataPlace::Packed(from), DataPlace::Packed(to))
                if from == to && !to.iter().any(|piece| self.written.meets(piece)) =>
            {
                return Ok(Confirmed::Same);
            }
            _ => parts.push(0..len),
        }
        for part in parts {
            let mut at = part.start;
            while at < part.end {
                if self.job.cancel.is_cancelled() {
                    return Err(GuestError::Cancelled);
                }
                let len = part.end.saturating_sub(at).min(PIECE_BYTES);
                if *left < len {
                    return Ok(Confirmed::TooMuch);
                }
                *left = left.saturating_sub(len);
                let before = self.before.read(old, in_old.saturating_add(at), len)?;
                let after = self.after.read(new, in_new.saturating_add(at), len)?;
                if before != after {
                    return Ok(Confirmed::Differs);
                }
                at = at.saturating_add(len);
            }
        }
        Ok(Confirmed::Same)
    }
}

/// Bytes of a content that lie in written places.
pub fn written_bytes(runs: &[DataRun], written: &Extents) -> u64 {
    let of_run = |run: &DataRun| match &run.place {
        DataPlace::Here { offset_bytes } => {
            written.bytes_within(&(*offset_bytes..offset_bytes.saturating_add(run.bytes)))
        }
        DataPlace::Packed(pieces) => pieces.iter().fold(0_u64, |sum, piece| {
            sum.saturating_add(written.bytes_within(piece))
        }),
        DataPlace::Hole | DataPlace::Inline(_) => 0,
    };
    runs.iter()
        .fold(0, |sum, run| sum.saturating_add(of_run(run)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{CountedSource, MemorySource, ReadCounts};
    use std::sync::Arc;

    fn here(at: u64, bytes: u64, offset_bytes: u64) -> DataRun {
        DataRun {
            at,
            bytes,
            place: DataPlace::Here { offset_bytes },
        }
    }

    #[test]
    fn only_what_was_written_or_moved_is_read() {
        let bytes: Vec<u8> = (0..64_u32 << 10)
            .map(|at| (at / 3).to_le_bytes()[0])
            .collect();
        let mut other = bytes.clone();
        other[9_000] ^= 1;
        let counts = Arc::new(ReadCounts::default());
        let before = CountedSource::new(MemorySource(bytes), Arc::clone(&counts));
        let after = MemorySource(other);
        let job = Job::default();
        let written = Extents::of(8_192..12_288);
        let mut confirm = Confirm::new(&before, &after, &written, &job);
        let old = [here(0, 8_192, 0), here(8_192, 4_096, 16_384)];
        assert_eq!(confirm.compare(&old, &old).unwrap(), Confirmed::Same);
        assert_eq!(counts.reads(), 0);
        let one = [here(0, 16_384, 0)];
        assert_eq!(confirm.compare(&one, &one).unwrap(), Confirmed::Differs);
        assert_eq!(counts.bytes(), 4_096);
        let inline = DataRun {
            at: 0,
            bytes: 3,
            place: DataPlace::Inline(vec![0, 0, 0]),
        };
        let moved = confirm.compare(&[here(0, 3, 0)], std::slice::from_ref(&inline));
        assert_eq!(moved.unwrap(), Confirmed::Same);
        assert_eq!(written_bytes(&one, &written), 4_096);
    }
}
