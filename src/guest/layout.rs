//! Where a volume's bytes lie: in one piece, in several, or by turns on several devices.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::extents::Extents;
use crate::source::Source;

/// A volume in the pieces it lies in. `P` stands for a device: a source, or the byte of a disk where the device begins.
#[derive(Clone, PartialEq, Eq)]
pub struct VolumeLayout<P> {
    /// By start, without gaps.
    parts: Vec<VolumePiece<P>>,
    len: u64,
}

/// A piece, in bytes of the volume: stripes of it lie at the places by turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumePiece<P> {
    pub start: u64,
    pub len: u64,
    /// Larger than the piece if there is but one place.
    pub stripe_bytes: u64,
    /// Device, and the byte of it where its share begins.
    pub places: Vec<(P, u64)>,
}

impl<P> VolumePiece<P> {
    /// Bytes of each device.
    fn share_bytes(&self) -> u64 {
        let count = self.places.len() as u64;
        let row_bytes = self.stripe_bytes.saturating_mul(count).max(1);
        match count {
            1 => self.len,
            _ => self
                .len
                .div_ceil(row_bytes)
                .saturating_mul(self.stripe_bytes),
        }
    }

    /// Where a byte of the volume lies: device, byte of it, and how many bytes go on there.
    fn place(&self, offset_bytes: u64) -> Option<(&P, u64, u64)> {
        let within = offset_bytes.checked_sub(self.start)?;
        let left = self.len.checked_sub(within)?;
        let stripe = within.checked_div(self.stripe_bytes)?;
        let in_stripe = within.checked_rem(self.stripe_bytes)?;
        let count = self.places.len() as u64;
        let turn = usize::try_from(stripe.checked_rem(count)?).ok()?;
        let (device, start) = self.places.get(turn)?;
        let row = stripe.checked_div(count)?.checked_mul(self.stripe_bytes)?;
        let at = start.checked_add(row)?.checked_add(in_stripe)?;
        let run = self.stripe_bytes.checked_sub(in_stripe)?.min(left);
        Some((device, at, run))
    }
}

impl<P> VolumeLayout<P> {
    pub fn new(parts: Vec<VolumePiece<P>>, len: u64) -> Self {
        Self { parts, len }
    }

    pub fn bytes(&self) -> u64 {
        self.len
    }

    /// Where a byte of the volume lies: device, byte of it, and how many bytes go on there.
    pub fn place(&self, offset_bytes: u64) -> Option<(&P, u64, u64)> {
        let next = self
            .parts
            .partition_point(|part| part.start <= offset_bytes);
        self.parts.get(next.checked_sub(1)?)?.place(offset_bytes)
    }

    /// The volume with other words for its devices.
    pub fn map<Q>(&self, device: impl Fn(&P) -> Q) -> VolumeLayout<Q> {
        let part = |part: &VolumePiece<P>| VolumePiece {
            start: part.start,
            len: part.len,
            stripe_bytes: part.stripe_bytes,
            places: part
                .places
                .iter()
                .map(|(of, start)| (device(of), *start))
                .collect(),
        };
        VolumeLayout::new(self.parts.iter().map(part).collect(), self.len)
    }
}

/// Devices that lie on one disk, each named by the byte where it begins.
impl VolumeLayout<u64> {
    /// Pieces of one device, one behind the other.
    pub fn pieces(device: u64, pieces: impl IntoIterator<Item = Range<u64>>) -> Self {
        let mut start = 0_u64;
        let part = |bytes: Range<u64>| {
            let part = VolumePiece {
                start,
                len: bytes.end.saturating_sub(bytes.start),
                stripe_bytes: u64::MAX,
                places: vec![(device, bytes.start)],
            };
            start = start.saturating_add(part.len);
            part
        };
        let parts = pieces.into_iter().map(part).collect();
        Self::new(parts, start)
    }

    /// The stretches of the disk it lies in, each device's share of a piece as a whole.
    pub fn areas(&self) -> impl Iterator<Item = Range<u64>> + use<'_> {
        self.parts.iter().flat_map(|part| {
            part.places.iter().map(|(device, start)| {
                let base = device.saturating_add(*start);
                base..base.saturating_add(part.share_bytes())
            })
        })
    }

    /// The runs of the disk that a range of the volume lies in, in the volume's order.
    pub fn on_disk(&self, range: &Range<u64>) -> impl Iterator<Item = Range<u64>> + use<'_> {
        let (mut at, end) = (range.start, range.end.min(self.len));
        std::iter::from_fn(move || {
            let (device, from, run) = self.place(at).filter(|(.., run)| at < end && *run > 0)?;
            let run = run.min(end.saturating_sub(at));
            at = at.saturating_add(run);
            let from = device.saturating_add(from);
            Some(from..from.saturating_add(run))
        })
    }

    /// What of some bytes of the disk lies in the volume, in its own bytes. Where many stripes are met, whole rows of them
    /// are told: more than lies there, never less.
    pub fn of_disk(&self, disk: &Extents) -> Extents {
        let mut found = Vec::new();
        for part in &self.parts {
            let count = part.places.len() as u64;
            let row_bytes = part.stripe_bytes.saturating_mul(count);
            let share = part.share_bytes();
            let end = part.start.saturating_add(part.len);
            let mut add = |from: u64, len: u64| {
                let from = part.start.saturating_add(from);
                found.push(from.min(end)..from.saturating_add(len).min(end));
            };
            for (turn, (device, start)) in (0_u64..).zip(&part.places) {
                let base = device.saturating_add(*start);
                for met in disk.within(&(base..base.saturating_add(share))) {
                    let met = met.start.saturating_sub(base)..met.end.saturating_sub(base);
                    let (first, last) = (
                        met.start.checked_div(part.stripe_bytes).unwrap_or(0),
                        met.end
                            .saturating_sub(1)
                            .checked_div(part.stripe_bytes)
                            .unwrap_or(0),
                    );
                    if first == last {
                        let row = first.saturating_mul(row_bytes);
                        let stripe = row.saturating_add(turn.saturating_mul(part.stripe_bytes));
                        let within = met
                            .start
                            .saturating_sub(first.saturating_mul(part.stripe_bytes));
                        add(
                            stripe.saturating_add(within),
                            met.end.saturating_sub(met.start),
                        );
                    } else {
                        let rows = last.saturating_sub(first).saturating_add(1);
                        add(
                            first.saturating_mul(row_bytes),
                            rows.saturating_mul(row_bytes),
                        );
                    }
                }
            }
        }
        Extents::collect(found)
    }

    /// The bytes of the volume that lie elsewhere in another layout of it.
    pub fn moved(&self, other: &Self) -> Extents {
        let mut moved = Extents::default();
        let mut at = 0;
        while let Some(own) = self.part(at) {
            let own_end = own.start.saturating_add(own.len);
            let Some(theirs) = other.part(at) else {
                moved.push(at..self.len);
                break;
            };
            let until = own_end.min(theirs.start.saturating_add(theirs.len));
            if until <= at {
                break;
            }
            let is_same = match (&*own.places, &*theirs.places) {
                ([(one, from)], [(other, to)]) => {
                    let place = |device: &u64, start: &u64, part: u64| {
                        let within = at.saturating_sub(part);
                        device.saturating_add(*start).saturating_add(within)
                    };
                    place(one, from, own.start) == place(other, to, theirs.start)
                }
                (own_places, their_places) => {
                    own.start == theirs.start
                        && own.stripe_bytes == theirs.stripe_bytes
                        && own_places == their_places
                }
            };
            if !is_same {
                moved.push(at..until);
            }
            at = until;
        }
        moved
    }

    fn part(&self, offset_bytes: u64) -> Option<&VolumePiece<u64>> {
        let next = self
            .parts
            .partition_point(|part| part.start <= offset_bytes);
        let part = self.parts.get(next.checked_sub(1)?)?;
        (offset_bytes < part.start.saturating_add(part.len)).then_some(part)
    }
}

impl<P> fmt::Debug for VolumeLayout<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "volume of {} bytes in {} parts",
            self.len,
            self.parts.len()
        )
    }
}

/// The volume's content.
impl Source for VolumeLayout<Arc<dyn Source>> {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_exact_at(&self, mut buf: &mut [u8], mut offset_bytes: u64) -> io::Result<()> {
        let end = offset_bytes.checked_add(buf.len() as u64);
        if end.is_none_or(|end| end > self.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        while !buf.is_empty() {
            let (source, at, run) = self
                .place(offset_bytes)
                .ok_or(io::ErrorKind::UnexpectedEof)?;
            let take = usize::try_from(run).unwrap_or(usize::MAX).min(buf.len());
            let (piece, rest) = buf.split_at_mut(take);
            source.read_exact_at(piece, at)?;
            buf = rest;
            offset_bytes = offset_bytes.saturating_add(take as u64);
        }
        Ok(())
    }

    fn will_read(&self, mut offset_bytes: u64, len: u64) {
        let end = offset_bytes.saturating_add(len).min(self.len);
        while offset_bytes < end {
            let Some((source, at, run)) = self.place(offset_bytes).filter(|(.., run)| *run > 0)
            else {
                return;
            };
            let take = run.min(end.saturating_sub(offset_bytes));
            source.will_read(at, take);
            offset_bytes = offset_bytes.saturating_add(take);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linear(pieces: &[(u64, u64)]) -> VolumeLayout<u64> {
        VolumeLayout::pieces(0, pieces.iter().map(|(at, len)| *at..at + len))
    }

    fn ranges(of: &Extents) -> Vec<(u64, u64)> {
        of.iter().map(|range| (range.start, range.end)).collect()
    }

    #[test]
    fn what_is_written_on_the_disk_is_cut_at_the_pieces() {
        let volume = linear(&[(1_000, 100), (50, 30)]);
        let written = Extents::collect([0..60, 70..75, 990..1_010, 1_090..1_200]);
        assert_eq!(
            ranges(&volume.of_disk(&written)),
            [(0, 10), (90, 110), (120, 125)]
        );
        let places: Vec<_> = volume.on_disk(&(90..120)).collect();
        assert_eq!(places, [1_090..1_100, 50..70]);
        assert_eq!(volume.on_disk(&(130..140)).count(), 0);
    }

    #[test]
    fn stripes_are_found_again_and_many_grow_to_rows() {
        let part = VolumePiece {
            start: 0,
            len: 80,
            stripe_bytes: 10,
            places: vec![(1_000, 0), (2_000, 5)],
        };
        let volume = VolumeLayout::new(vec![part], 80);
        for at in 0..80 {
            let place = volume.on_disk(&(at..at + 1)).next().unwrap();
            let found = volume.of_disk(&Extents::of(place));
            assert_eq!(ranges(&found), [(at, at + 1)]);
        }
        let many = volume.of_disk(&Extents::of(1_015..1_025));
        assert_eq!(ranges(&many), [(20, 60)]);
        assert_eq!(
            ranges(&volume.of_disk(&Extents::of(1_039..1_999))),
            [(69, 70)]
        );
    }

    #[test]
    fn what_moved_is_told_and_what_grew_in_place_is_not() {
        let old = linear(&[(1_000, 100), (50, 30)]);
        assert!(old.moved(&old).is_empty());
        let longer = linear(&[(1_000, 100), (50, 40)]);
        assert_eq!(ranges(&longer.moved(&old)), [(130, 140)]);
        let joined = linear(&[(1_000, 40), (1_040, 60), (500, 30)]);
        assert_eq!(ranges(&joined.moved(&old)), [(100, 130)]);
        assert_eq!(ranges(&old.moved(&joined)), [(100, 130)]);
    }
}
