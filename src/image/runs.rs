//! Runs of sectors: what a disk answers for itself, and where it lies.

use std::ops::Range;

use super::{BlockEntry, BlockState, Image, Layout, gather};
use crate::format::{BlockNo, FormatError, SectorNo};
use crate::image::Bitmap;
use crate::job::CancelToken;

/// Blocks looked at in one go, at most.
const WINDOW: u64 = 4096;
/// Bitmaps kept at a time, in bytes.
const BITMAPS_MAX: u64 = 4 << 20;

/// Where the content of a run of sectors is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In this file, from this byte on, without a gap.
    Here {
        /// Position in the file, in bytes.
        offset_bytes: u64,
    },
    /// Zeros, said by this disk.
    Zero,
    /// Unmapped: reads as zeros, said by this disk.
    Unmapped,
    /// Not in this disk: the parent answers; zeros where there is none.
    Absent,
    /// The table or bitmap is wrong or unreadable here.
    Error,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SectorRun {
    pub first: SectorNo,
    /// Number of sectors.
    pub count: u64,
    pub place: Place,
}

impl Image {
    /// Answers where each sector of `range` is, as runs in order without gaps, into `out` (cleared first). Neighbouring
    /// sectors at neighbouring places are one run. Sectors past the end of the disk give no run.
    ///
    /// A bitmap that cannot be read, a wrong entry, and sectors past the end of the file are [`Place::Error`].
    /// Memory: the runs, and at most 4 MiB of bitmaps.
    ///
    /// # Errors
    /// When the table's bytes cannot be read.
    pub fn sector_runs(
        &self,
        range: Range<SectorNo>,
        out: &mut Vec<SectorRun>,
    ) -> Result<(), FormatError> {
        out.clear();
        let range = range.start.0..range.end.0.min(self.sectors());
        if range.is_empty() {
            return Ok(());
        }
        let mut runs = Runs {
            out,
            sector_size: u64::from(self.header.sector_size),
            data_end: self.layout.data_end(self.source.len()),
        };
        let per_block = self.sectors_per_block();
        match self.layout {
            Layout::Flat => {
                let offset_bytes = range.start.saturating_mul(runs.sector_size);
                runs.push(range, Place::Here { offset_bytes });
                return Ok(());
            }
            Layout::Blocks(_) if per_block > 0 => {}
            _ => {
                runs.push(range, Place::Error);
                return Ok(());
            }
        }
        let first_block = range.start.checked_div(per_block).unwrap_or(0);
        let end_block = range.end.div_ceil(per_block);
        let known = self.blocks_with_entry();
        let window = BITMAPS_MAX
            .checked_div(self.bitmap_bytes())
            .unwrap_or(1)
            .clamp(1, WINDOW);
        let mut entries = Vec::new();
        let mut first = first_block;
        while first < end_block.min(known) {
            let count = end_block.min(known).saturating_sub(first).min(window);
            let asked = usize::try_from(count).unwrap_or(usize::MAX);
            self.read_table(BlockNo(first), asked, &mut entries, None)?;
            self.window_runs(first, &entries, &range, &mut runs);
            // What the table did not answer for is not known.
            let answered = first.saturating_add(entries.len() as u64);
            first = first.saturating_add(count);
            if answered < first {
                let from = answered.saturating_mul(per_block).max(range.start);
                let to = first.saturating_mul(per_block).min(range.end);
                runs.push(from..to, Place::Error);
            }
        }
        if first < end_block {
            let from = first.saturating_mul(per_block).max(range.start);
            runs.push(from..range.end, Place::Error);
        }
        Ok(())
    }

    fn window_runs(
        &self,
        first: u64,
        entries: &[BlockEntry],
        range: &Range<u64>,
        runs: &mut Runs<'_>,
    ) {
        let bitmaps = gather::bitmaps(
            &*self.source,
            entries.iter(),
            self.bitmap_bytes(),
            &CancelToken::default(),
            |_, bytes| bytes.map(<[u8]>::to_vec),
        );
        let mut bitmaps = bitmaps.into_iter();
        let mut bitmap = Bitmap::default();
        let per_block = self.sectors_per_block();
        let sector_size = runs.sector_size;
        for (block, entry) in (first..).zip(entries) {
            let start = block.saturating_mul(per_block);
            let end = start.saturating_add(u64::from(self.sectors_of_block(block)));
            let wanted = start.max(range.start)..end.min(range.end);
            let here = |sector: u64| Place::Here {
                offset_bytes: entry
                    .data_offset
                    .saturating_add(sector.saturating_sub(start).saturating_mul(sector_size)),
            };
            match entry.state {
                BlockState::Absent => runs.push(wanted, Place::Absent),
                BlockState::Zero => runs.push(wanted, Place::Zero),
                BlockState::Unmapped => runs.push(wanted, Place::Unmapped),
                BlockState::Error => runs.push(wanted, Place::Error),
                BlockState::Full => {
                    let place = here(wanted.start);
                    runs.push(wanted, place);
                }
                BlockState::Partial => {
                    let Some(bytes) = bitmaps.next().and_then(|(_, bytes)| bytes) else {
                        runs.push(wanted, Place::Error);
                        continue;
                    };
                    bitmap.load(
                        &bytes,
                        self.header.format.rules().bit_order,
                        self.sectors_of_block(block),
                    );
                    let in_block = |sector: u64| {
                        u32::try_from(sector.saturating_sub(start)).unwrap_or(u32::MAX)
                    };
                    for run in bitmap.runs_in(in_block(wanted.start)..in_block(wanted.end)) {
                        let from = start.saturating_add(u64::from(run.first));
                        let to = from.saturating_add(u64::from(run.count));
                        let place = if run.is_set {
                            here(from)
                        } else {
                            Place::Absent
                        };
                        runs.push(from..to, place);
                    }
                }
            }
        }
    }
}

/// Collects runs, joining those that continue each other and cutting those that leave the file.
struct Runs<'a> {
    out: &'a mut Vec<SectorRun>,
    sector_size: u64,
    data_end: u64,
}

impl Runs<'_> {
    fn push(&mut self, sectors: Range<u64>, place: Place) {
        let Place::Here { offset_bytes } = place else {
            self.join(sectors, place);
            return;
        };
        let inside = self
            .data_end
            .saturating_sub(offset_bytes)
            .checked_div(self.sector_size)
            .unwrap_or(0);
        let cut = sectors.start.saturating_add(inside).min(sectors.end);
        self.join(sectors.start..cut, place);
        self.join(cut..sectors.end, Place::Error);
    }

    fn join(&mut self, sectors: Range<u64>, place: Place) {
        let count = sectors.end.saturating_sub(sectors.start);
        if count == 0 {
            return;
        }
        if let Some(last) = self.out.last_mut() {
            let continues = match (last.place, place) {
                (Place::Here { offset_bytes: from }, Place::Here { offset_bytes: to }) => {
                    from.saturating_add(last.count.saturating_mul(self.sector_size)) == to
                }
                (last, place) => last == place,
            };
            if continues && last.first.0.saturating_add(last.count) == sectors.start {
                last.count = last.count.saturating_add(count);
                return;
            }
        }
        self.out.push(SectorRun {
            first: SectorNo(sectors.start),
            count,
            place,
        });
    }
}
