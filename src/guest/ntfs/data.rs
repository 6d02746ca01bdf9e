//! The runs of a stream's content.

use std::ops::ControlFlow;

use super::NtfsVolume;
use super::runs::Run;
use super::stream::{AttributeValue, Stream};
use crate::guest::filesystem::{DataPlace, DataRun};

/// Clusters of a compressed unit, as a power of two, at most: 16 clusters everywhere, and 64 KiB in some.
const UNIT_POWER_MAX: u16 = 8;

/// Hands over the runs of a stream, cut to its size. What lies behind the valid part reads as zeros.
pub(super) fn runs(
    volume: &NtfsVolume,
    stream: &Stream,
    each: &mut dyn FnMut(DataRun) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let (runs, valid, power) = match &stream.value {
        AttributeValue::Resident(bytes) => {
            return if bytes.is_empty() {
                ControlFlow::Continue(())
            } else {
                each(DataRun {
                    at: 0,
                    bytes: bytes.len() as u64,
                    place: DataPlace::Inline(bytes.clone()),
                })
            };
        }
        AttributeValue::Runs {
            runs,
            valid_bytes,
            unit_power,
        } => (runs, *valid_bytes, *unit_power),
    };
    let mut cutter = Cutter {
        cluster_bytes: volume.boot.cluster_bytes,
        size: stream.bytes,
        valid: valid.min(stream.bytes),
        at: 0,
        each,
    };
    if power == 0 || power > UNIT_POWER_MAX {
        for run in runs {
            cutter.hole_to(run.vcn)?;
            cutter.run(run)?;
        }
    } else {
        cutter.units(runs, 1_u64.checked_shl(power.into()).unwrap_or(1))?;
    }
    cutter.hole_to(u64::MAX)
}

struct Cutter<'a> {
    cluster_bytes: u64,
    size: u64,
    valid: u64,
    /// Told so far, in bytes.
    at: u64,
    each: &'a mut dyn FnMut(DataRun) -> ControlFlow<()>,
}

impl Cutter<'_> {
    fn tell(&mut self, end: u64, place: DataPlace) -> ControlFlow<()> {
        let end = end.min(self.size);
        let bytes = end.saturating_sub(self.at);
        if bytes == 0 {
            return ControlFlow::Continue(());
        }
        let run = DataRun {
            at: self.at,
            bytes,
            place,
        };
        self.at = end;
        (self.each)(run)
    }

    fn hole_to(&mut self, vcn: u64) -> ControlFlow<()> {
        let end = vcn.saturating_mul(self.cluster_bytes);
        self.tell(end, DataPlace::Hole)
    }

    fn run(&mut self, run: &Run) -> ControlFlow<()> {
        let end = run.end().saturating_mul(self.cluster_bytes);
        if let Some(lcn) = run.lcn {
            // A run that overlaps the one before goes on where that ended.
            let start = run.vcn.saturating_mul(self.cluster_bytes);
            let skip = self.at.saturating_sub(start);
            let offset_bytes = lcn.saturating_mul(self.cluster_bytes).saturating_add(skip);
            self.tell(end.min(self.valid), DataPlace::Here { offset_bytes })?;
        }
        self.tell(end, DataPlace::Hole)
    }

    /// A unit with all its clusters is stored as it is, one with none is zeros, one with some is packed into those.
    fn units(&mut self, runs: &[Run], unit: u64) -> ControlFlow<()> {
        let mut runs = runs.iter().copied().peekable();
        let units = self
            .size
            .div_ceil(self.cluster_bytes.saturating_mul(unit).max(1));
        let mut number = 0;
        while number < units {
            let start = number.saturating_mul(unit);
            while runs.next_if(|run| run.end() <= start).is_some() {}
            let Some(first) = runs.peek().copied() else {
                break;
            };
            if first.vcn >= start.saturating_add(unit) {
                // Nothing up to the unit in which the next run begins.
                number = first.vcn.checked_div(unit).unwrap_or(u64::MAX);
                self.hole_to(number.saturating_mul(unit))?;
                continue;
            }
            let whole = first
                .end()
                .saturating_sub(start)
                .checked_div(unit)
                .unwrap_or(0);
            if first.vcn <= start && whole > 0 {
                // Units that one run covers are told in one.
                let skip = start.saturating_sub(first.vcn);
                let covered = Run {
                    vcn: start,
                    clusters: whole.saturating_mul(unit),
                    lcn: first.lcn.map(|lcn| lcn.saturating_add(skip)),
                };
                self.run(&covered)?;
                number = number.saturating_add(whole);
                continue;
            }
            self.unit(start, unit, &mut runs.clone())?;
            number = number.saturating_add(1);
        }
        ControlFlow::Continue(())
    }

    /// A unit that lies in more than one run.
    fn unit(
        &mut self,
        start: u64,
        unit: u64,
        runs: &mut dyn Iterator<Item = Run>,
    ) -> ControlFlow<()> {
        let end = start.saturating_add(unit);
        let mut pieces = Vec::new();
        let mut here = Vec::new();
        let mut clusters = 0_u64;
        for run in runs.take_while(|run| run.vcn < end) {
            let first = run.vcn.max(start);
            let count = run.end().min(end).saturating_sub(first);
            if let Some(lcn) = run.lcn {
                let lcn = lcn.saturating_add(first.saturating_sub(run.vcn));
                let at = |cluster: u64| cluster.saturating_mul(self.cluster_bytes);
                pieces.push(at(lcn)..at(lcn.saturating_add(count)));
                here.push(Run {
                    vcn: first,
                    clusters: count,
                    lcn: Some(lcn),
                });
                clusters = clusters.saturating_add(count);
            }
        }
        let end_bytes = end.saturating_mul(self.cluster_bytes);
        if clusters == 0 || self.valid <= start.saturating_mul(self.cluster_bytes) {
            self.tell(end_bytes, DataPlace::Hole)
        } else if clusters >= unit {
            here.iter().try_for_each(|run| self.run(run))
        } else {
            self.tell(end_bytes, DataPlace::Packed(pieces))
        }
    }
}
