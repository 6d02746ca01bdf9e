//! The ring of texts: an area keeps the texts before the one in use until they are written over. Read one after the
//! other, they tell when volumes were made, renamed and removed, to the second.

use std::collections::HashMap;
use std::ops::Range;

use jiff::Timestamp;

use super::label::{self, Area, TextPlace};
use super::map::{self, LogicalVolume, VolumeGroup};
use super::{LvmError, PhysicalVolume};
use crate::source::{Source as _, read_up_to};

/// The part of a ring that is read, in bytes: areas are 1 MiB or 10 MiB large.
const RING_MAX: u64 = 16 << 20;
/// Changes that are told: the newest.
const CHANGES_MAX: usize = 65_536;
/// A text begins at a multiple of this in its area.
const ALIGN: u64 = 512;

/// Something that became of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeChange {
    /// By the host's clock.
    pub at: Option<Timestamp>,
    /// The volume's own id, which no rename changes.
    pub id: String,
    pub kind: VolumeChangeKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VolumeChangeKind {
    Made { name: String },
    Renamed { from: String, to: String },
    Removed { name: String },
}

impl VolumeChangeKind {
    /// The volume's name; the one it had before, if it was renamed.
    pub fn name(&self) -> &str {
        match self {
            Self::Made { name } | Self::Removed { name } => name,
            Self::Renamed { from, .. } => from,
        }
    }

    /// Every name it has in this.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Made { name } | Self::Removed { name } => vec![name],
            Self::Renamed { from, to } => vec![from, to],
        }
    }
}

impl PhysicalVolume {
    /// What became of the group's volumes as far back as the ring goes, oldest first. Older texts have no checksum: one
    /// that is none any more is left out.
    ///
    /// # Errors
    /// When the ring cannot be read. [`LvmError::NoMetadata`] if no area is in use.
    pub fn history(&self) -> Result<Vec<VolumeChange>, LvmError> {
        let mut last = Err(LvmError::NoMetadata);
        for area in &self.areas {
            let header = read_up_to(&self.source, area.offset, label::AREA_HEADER_BYTES)
                .map_err(LvmError::read("LVM metadata area", area.offset))?;
            match label::text_place(&header, area, self.source.len()) {
                Ok(Some(place)) => return Ok(changes(&self.ring(area, &place)?)),
                Ok(None) => {}
                Err(fault) => last = Err(fault),
            }
        }
        last
    }

    /// The ring's bytes from the oldest to the end of the text in use.
    fn ring(&self, area: &Area, place: &TextPlace) -> Result<Vec<u8>, LvmError> {
        let start = label::AREA_HEADER_BYTES as u64;
        let end = place.offset.saturating_add(place.len);
        let mut bytes = Vec::new();
        // Behind the newest text lie the oldest ones of the round before, if there was one.
        if end < area.len {
            let from = end.next_multiple_of(ALIGN);
            let first = self.piece(area, from, ALIGN)?;
            if first.iter().any(|byte| *byte != 0) {
                bytes = self.piece(area, from, area.len.saturating_sub(from))?;
            }
            bytes.extend(self.piece(area, start, end.saturating_sub(start))?);
        } else {
            // The newest text itself goes on at the ring's start.
            let rest = end.saturating_sub(area.len);
            let from = start.saturating_add(rest).next_multiple_of(ALIGN);
            bytes.extend(self.piece(area, from, area.len.saturating_sub(from))?);
            bytes.extend(self.piece(area, start, rest)?);
        }
        Ok(bytes)
    }

    /// At most so much, from the piece's end: what is newer counts.
    fn piece(&self, area: &Area, from: u64, len: u64) -> Result<Vec<u8>, LvmError> {
        let skipped = len.saturating_sub(RING_MAX).next_multiple_of(ALIGN);
        let at = area.offset.saturating_add(from).saturating_add(skipped);
        let len = usize::try_from(len.saturating_sub(skipped)).unwrap_or(usize::MAX);
        read_up_to(&self.source, at, len).map_err(LvmError::read("LVM metadata", at))
    }
}

/// A text in the ring's bytes.
struct RingText {
    seqno: u64,
    /// The group's.
    id: String,
    place: Range<usize>,
}

/// Every text of a group in the ring's bytes that is whole, by rising number: one that was never taken into use, and was
/// written again under the same number, gives way.
fn texts(ring: &[u8]) -> Vec<RingText> {
    let step = usize::try_from(ALIGN).unwrap_or(usize::MAX);
    let starts: Vec<usize> = (0..ring.len())
        .step_by(step)
        .filter(|at| ring.get(*at..).is_some_and(is_start))
        .collect();
    let ends = starts.iter().skip(1).copied().chain([ring.len()]);
    let mut texts: Vec<RingText> = Vec::new();
    for (start, end) in starts.iter().zip(ends) {
        let place = *start..end;
        let bytes = ring.get(place.clone()).unwrap_or_default();
        let Ok(VolumeGroup { seqno, id, .. }) = map::parse(bytes, 0) else {
            continue;
        };
        while texts.last().is_some_and(|last| last.seqno >= seqno) {
            texts.pop();
        }
        texts.push(RingText { seqno, id, place });
    }
    // A group of another id was here before this one was made.
    if let Some(id) = texts.last().map(|last| last.id.clone()) {
        texts.retain(|text| text.id == id);
    }
    texts
}

/// `NAME {`, the id, the number: so no other section begins.
fn is_start(bytes: &[u8]) -> bool {
    let head = bytes.get(..256).unwrap_or(bytes);
    let mut lines = head.split(|byte| *byte == b'\n');
    lines.next().is_some_and(|line| line.ends_with(b" {"))
        && lines
            .next()
            .is_some_and(|line| line.starts_with(b"id = \""))
        && lines
            .next()
            .is_some_and(|line| line.starts_with(b"seqno = "))
}

/// What each text says otherwise than the one before. They are parsed once more, one by one: a ring has thousands, and a
/// text may name thousands of volumes.
fn changes(ring: &[u8]) -> Vec<VolumeChange> {
    let mut changes: Vec<VolumeChange> = Vec::new();
    // Names by id.
    let mut known: HashMap<String, String> = HashMap::new();
    for (at, text) in texts(ring).into_iter().enumerate() {
        let bytes = ring.get(text.place).unwrap_or_default();
        let Ok(group) = map::parse(bytes, 0) else {
            continue;
        };
        let mut now = HashMap::new();
        let mut tell = |at: Option<Timestamp>, id: &str, kind: VolumeChangeKind| {
            let id = id.to_owned();
            changes.push(VolumeChange { at, id, kind });
        };
        for LogicalVolume {
            id, name, created, ..
        } in group.volumes
        {
            match known.remove(&id) {
                // What the oldest text holds was made before; when, the volume itself says.
                None => {
                    let name = name.clone();
                    let made = VolumeChangeKind::Made { name };
                    tell(created.or(group.written), &id, made);
                }
                Some(from) if from != name => {
                    let to = name.clone();
                    let renamed = VolumeChangeKind::Renamed { from, to };
                    tell(group.written, &id, renamed);
                }
                Some(_) => {}
            }
            now.insert(id, name);
        }
        let mut gone: Vec<_> = known.drain().collect();
        gone.sort_unstable();
        for (id, name) in gone {
            tell(group.written, &id, VolumeChangeKind::Removed { name });
        }
        known = now;
        if at == 0 {
            // Volumes of the oldest text may have been made in any order.
            changes.sort_by_key(|change: &VolumeChange| change.at);
        }
        let older = changes.len().saturating_sub(CHANGES_MAX);
        changes.drain(..older);
    }
    changes
}
