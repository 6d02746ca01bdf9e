//! The content of a file: its runs, and their bytes.

use std::ops::ControlFlow;

use super::filesystem::{DataPlace, DataRun, FileId, FileSystem, GuestError, RUNS_MAX};
use super::lznt1;
use crate::job::Job;
use crate::source::Source;

/// Bytes handed over at a time.
const PIECE_BYTES: u64 = 1 << 20;
/// Largest unit that is unpacked: sixteen clusters of 64 KiB. NTFS compresses with clusters of 4 KiB at most.
const UNIT_BYTES_MAX: u64 = 1 << 20;

/// A part of a content, in order.
#[derive(Debug)]
pub enum ContentPiece<'a> {
    Bytes(&'a [u8]),
    /// So many zeros that are stored nowhere.
    Zeros(u64),
}

/// Hands over a file's content (`stream` empty) or that of a named stream, in order; stops at a break.
///
/// # Errors
/// When the content cannot be had, or the job is cancelled.
pub fn read_content(
    fs: &dyn FileSystem,
    id: FileId,
    stream: &str,
    job: &Job,
    each: &mut dyn FnMut(ContentPiece<'_>) -> ControlFlow<()>,
) -> Result<(), GuestError> {
    let mut reader = RunReader::new(fs.source());
    let mut failed = Ok(());
    fs.runs(id, stream, &mut |run| {
        if run.place == DataPlace::Hole {
            return each(ContentPiece::Zeros(run.bytes));
        }
        let mut done = 0;
        while done < run.bytes {
            if job.cancel.is_cancelled() {
                failed = Err(GuestError::Cancelled);
                return ControlFlow::Break(());
            }
            let len = run.bytes.saturating_sub(done).min(PIECE_BYTES);
            match reader.read(&run, done, len) {
                Ok(bytes) => each(ContentPiece::Bytes(bytes))?,
                Err(error) => {
                    failed = Err(error);
                    return ControlFlow::Break(());
                }
            }
            done = done.saturating_add(len);
            job.progress.advance(len);
        }
        ControlFlow::Continue(())
    })?;
    failed
}

/// All runs of a content.
///
/// # Errors
/// When they cannot be had, or are too many.
pub fn collect_runs(
    fs: &dyn FileSystem,
    id: FileId,
    stream: &str,
) -> Result<Vec<DataRun>, GuestError> {
    let mut runs = Vec::new();
    fs.runs(id, stream, &mut |run| {
        runs.push(run);
        if runs.len() < RUNS_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    if runs.len() >= RUNS_MAX {
        return Err(GuestError::TooLarge {
            what: "the list of a file's runs",
            limit: RUNS_MAX as u64,
        });
    }
    Ok(runs)
}

/// Reads parts of runs; the unit unpacked last is kept.
pub(super) struct RunReader<'a> {
    volume: &'a dyn Source,
    buffer: Vec<u8>,
    unpacked: Option<(Vec<std::ops::Range<u64>>, Vec<u8>)>,
}

impl<'a> RunReader<'a> {
    pub(super) fn new(volume: &'a dyn Source) -> Self {
        Self {
            volume,
            buffer: Vec::new(),
            unpacked: None,
        }
    }

    /// `len` bytes of a run from its byte `skip` on; a hole gives zeros.
    pub(super) fn read(&mut self, run: &DataRun, skip: u64, len: u64) -> Result<&[u8], GuestError> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let from = usize::try_from(skip).unwrap_or(usize::MAX);
        let part = from..from.saturating_add(len);
        let short = || GuestError::damaged("a file's content", 0, "all of its bytes", "fewer");
        match &run.place {
            DataPlace::Inline(bytes) => {
                let found = bytes.get(part).ok_or_else(short)?;
                self.buffer.clear();
                self.buffer.extend_from_slice(found);
            }
            DataPlace::Hole => {
                self.buffer.clear();
                self.buffer.resize(len, 0);
            }
            DataPlace::Here { offset_bytes } => {
                let at = offset_bytes.saturating_add(skip);
                self.buffer.resize(len, 0);
                self.volume
                    .read_exact_at(&mut self.buffer, at)
                    .map_err(GuestError::read("a file's content", at))?;
            }
            DataPlace::Packed(pieces) => {
                let kept = self.unpacked.as_ref().is_some_and(|(of, _)| of == pieces);
                if !kept {
                    let unit = self.unpack(pieces, run.bytes)?;
                    self.unpacked = Some((pieces.clone(), unit));
                }
                let unit = self.unpacked.as_ref().map(|(_, unit)| unit);
                return unit.and_then(|unit| unit.get(part)).ok_or_else(short);
            }
        }
        Ok(&self.buffer)
    }

    fn unpack(&self, pieces: &[std::ops::Range<u64>], bytes: u64) -> Result<Vec<u8>, GuestError> {
        let at = pieces.first().map_or(0, |piece| piece.start);
        let packed_bytes = pieces.iter().fold(0_u64, |sum, piece| {
            sum.saturating_add(piece.end.saturating_sub(piece.start))
        });
        if bytes > UNIT_BYTES_MAX || packed_bytes > UNIT_BYTES_MAX {
            return Err(GuestError::TooLarge {
                what: "a compressed unit",
                limit: UNIT_BYTES_MAX,
            });
        }
        let mut packed = Vec::new();
        for piece in pieces {
            let len = piece.end.saturating_sub(piece.start);
            let from = packed.len();
            let to = from.saturating_add(usize::try_from(len).unwrap_or(0));
            packed.resize(to, 0);
            self.volume
                .read_exact_at(packed.get_mut(from..).unwrap_or_default(), piece.start)
                .map_err(GuestError::read("a compressed unit", piece.start))?;
        }
        let mut unit = vec![0; usize::try_from(bytes).unwrap_or(0)];
        lznt1::unpack(&packed, &mut unit).ok_or_else(|| {
            GuestError::damaged("a compressed unit", at, "LZNT1", "something else")
        })?;
        Ok(unit)
    }
}
