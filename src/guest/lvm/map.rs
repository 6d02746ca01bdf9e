//! A volume group: its physical volumes, its logical volumes in segments, and a logical volume as a source.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use thiserror::Error;

use super::text::{self, Section, TextValue};
use super::{LvmError, PhysicalVolume};
use crate::source::Source;

const SECTOR: u64 = 512;
const VOLUMES_MAX: usize = 4096;
const SEGMENTS_MAX: usize = 65_536;
/// Legs of a mirror that are tried; LVM2 makes at most ten.
const LEGS_MAX: usize = 16;

/// A volume group, as one text of its metadata describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeGroup {
    pub name: String,
    pub id: String,
    /// Goes up with every change.
    pub seqno: u64,
    pub extent_bytes: u64,
    members: Vec<Member>,
    /// In the order of the text.
    pub volumes: Vec<LogicalVolume>,
    /// When this text was written, by the host's clock.
    pub written: Option<Timestamp>,
}

/// A physical volume of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    name: String,
    id: String,
    /// Its first extent, in bytes of the device.
    start_bytes: u64,
    extents: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogicalVolume {
    pub name: String,
    /// Stays when the volume is renamed.
    pub id: String,
    pub tags: Vec<String>,
    /// When it was made, by the host's clock; a rename keeps it.
    pub created: Option<Timestamp>,
    pub size_bytes: u64,
    /// False for parts of other volumes, such as a mirror's leg.
    pub is_visible: bool,
    is_rebuilt: bool,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    extents: u64,
    kind: SegmentKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum SegmentKind {
    /// On one physical volume, or on several by turns.
    Striped {
        stripe_bytes: u64,
        stripes: Vec<Stripe>,
    },
    /// Each of these volumes holds all of it.
    Mirrored(Vec<String>),
    /// LVM2's word for a kind that is not read: thin, cache, snapshot, vdo and others.
    Unread(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stripe {
    /// Index into the group's members.
    member: usize,
    extent: u64,
}

/// Why a logical volume cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unread {
    #[error("volumes of the kind {0} are not read")]
    Kind(String),
    /// Physical volumes that were not given, by their names in the group.
    #[error("a part of it lies on {}, which was not given", .0.join(", "))]
    Elsewhere(Vec<String>),
    #[error("{0}")]
    Damaged(String),
}

/// Parses the text of a group that begins at `text_at` of its physical volume.
pub(super) fn parse(bytes: &[u8], text_at: u64) -> Result<VolumeGroup, LvmError> {
    let text = String::from_utf8_lossy(bytes);
    let whole = text::parse(&text).map_err(|error| {
        let at = text_at.saturating_add(error.at as u64);
        LvmError::damaged("LVM metadata", at, error.expected, error.found)
    })?;
    let fault = |fault: String| LvmError::damaged("LVM metadata", text_at, "a volume group", fault);
    let (name, group) = whole
        .sections()
        .next()
        .ok_or_else(|| fault("no section".to_owned()))?;
    group_of(name, group, &whole).map_err(fault)
}

fn group_of(name: &str, group: &Section, whole: &Section) -> Result<VolumeGroup, String> {
    let number = |of: &Section, name: &str| of.number(name).ok_or(format!("no number {name}"));
    let text = |of: &Section, name: &str| {
        let text = of.text(name).ok_or(format!("no text {name}"))?;
        Ok::<_, String>(text.into_owned())
    };
    if !is_name(name) {
        return Err("a name that LVM does not allow".to_owned());
    }
    let bytes = |sectors: u64| sectors.checked_mul(SECTOR).ok_or("a size past all devices");
    let extent_bytes = bytes(number(group, "extent_size")?)?;
    if extent_bytes == 0 {
        return Err("extents of no length".to_owned());
    }
    let none = Section::default();
    let mut members = Vec::new();
    for (name, member) in group
        .section("physical_volumes")
        .unwrap_or(&none)
        .sections()
    {
        members.push(Member {
            name: name.to_owned(),
            id: text(member, "id")?,
            start_bytes: bytes(number(member, "pe_start")?)?,
            extents: number(member, "pe_count")?,
        });
    }
    let by_name: HashMap<&str, usize> = members
        .iter()
        .zip(0..)
        .map(|(member, at)| (&*member.name, at))
        .collect();
    let mut volumes = Vec::new();
    let mut segments = 0_usize;
    for (name, volume) in group.section("logical_volumes").unwrap_or(&none).sections() {
        let volume = volume_of(name, volume, extent_bytes, &by_name)
            .map_err(|fault| format!("{fault} in volume {name}"))?;
        segments = segments.saturating_add(volume.segments.len());
        volumes.push(volume);
        if volumes.len() > VOLUMES_MAX || segments > SEGMENTS_MAX {
            return Err(format!(
                "more than {VOLUMES_MAX} volumes or {SEGMENTS_MAX} segments"
            ));
        }
    }
    Ok(VolumeGroup {
        name: name.to_owned(),
        id: text(group, "id")?,
        seqno: number(group, "seqno")?,
        extent_bytes,
        members,
        volumes,
        written: whole.number("creation_time").and_then(seconds),
    })
}

/// Names become parts of paths, so only those are taken that LVM takes (`validate_name`).
fn is_name(name: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "+_.-".contains(letter);
    name.chars().all(is_letter)
        && !name.starts_with('-')
        && (1..128).contains(&name.len())
        && !matches!(name, "." | "..")
}

fn seconds(since_1970: u64) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(since_1970).ok()?).ok()
}

fn volume_of(
    name: &str,
    volume: &Section,
    extent_bytes: u64,
    members: &HashMap<&str, usize>,
) -> Result<LogicalVolume, String> {
    if !is_name(name) {
        return Err("a name that LVM does not allow".to_owned());
    }
    let texts = |name: &str| volume.list(name).iter().filter_map(TextValue::text);
    let mut segments = Vec::new();
    let mut extents = 0_u64;
    for (name, segment) in volume.sections() {
        if segment.number("start_extent") != Some(extents) {
            return Err(format!("no extent {extents} at the start of {name}"));
        }
        let segment =
            segment_of(segment, members).ok_or_else(|| format!("nothing to read in {name}"))?;
        extents = extents
            .checked_add(segment.extents)
            .ok_or("more extents than there can be")?;
        segments.push(segment);
    }
    Ok(LogicalVolume {
        name: name.to_owned(),
        id: volume.text("id").ok_or("no id")?.into_owned(),
        tags: texts("tags").map(String::from).collect(),
        created: volume.number("creation_time").and_then(seconds),
        size_bytes: extents
            .checked_mul(extent_bytes)
            .ok_or("more bytes than there can be")?,
        is_visible: texts("status").any(|flag| flag == "VISIBLE"),
        is_rebuilt: texts("status").any(|flag| flag == "REBUILD"),
        segments,
    })
}

fn segment_of(segment: &Section, members: &HashMap<&str, usize>) -> Option<Segment> {
    let kind = segment.text("type")?;
    let pairs = |name: &str| -> Option<Vec<(String, u64)>> {
        let pairs = segment.list(name).chunks(2);
        pairs
            .map(|pair| Some((pair.first()?.text()?.into_owned(), pair.get(1)?.number()?)))
            .collect()
    };
    // A type may carry flags behind a plus sign, which older versions of LVM do not know.
    let kind = match kind.split('+').next()? {
        "striped" | "linear" => {
            let stripes = pairs("stripes")?;
            let stripes = stripes.into_iter().map(|(name, extent)| {
                let member = *members.get(&*name)?;
                Some(Stripe { member, extent })
            });
            let stripes: Vec<Stripe> = stripes.collect::<Option<_>>()?;
            let stripe_bytes = match stripes.len() {
                0 => return None,
                // A whole segment is one stripe.
                1 => u64::MAX,
                _ => segment.number("stripe_size")?.checked_mul(SECTOR)?,
            };
            (stripe_bytes > 0).then_some(SegmentKind::Striped {
                stripe_bytes,
                stripes,
            })?
        }
        // Metadata and data of each leg by turns.
        "raid1" => {
            let legs = segment.list("raids").chunks(2);
            let legs = legs.filter_map(|pair| Some(pair.get(1)?.text()?.into_owned()));
            SegmentKind::Mirrored(legs.collect())
        }
        "mirror" => SegmentKind::Mirrored(
            pairs("mirrors")?
                .into_iter()
                .map(|(name, _)| name)
                .collect(),
        ),
        other => SegmentKind::Unread(other.to_owned()),
    };
    let extents = segment.number("extent_count").filter(|count| *count > 0)?;
    Some(Segment { extents, kind })
}

impl VolumeGroup {
    /// The ids of its physical volumes, each with its name in the group.
    pub fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        let members = self.members.iter();
        members.map(|member| (&*member.id, &*member.name))
    }

    /// Extents that no volume has, in bytes.
    pub fn free_bytes(&self) -> u64 {
        let all = self.members.iter().map(|member| member.extents);
        let segments = self.volumes.iter().flat_map(|volume| &volume.segments);
        // Parts of mirrors and pools are volumes too; only segments that name physical volumes take extents.
        let used = segments.filter(|segment| matches!(segment.kind, SegmentKind::Striped { .. }));
        let used = used.map(|segment| segment.extents);
        let sum = |of: &mut dyn Iterator<Item = u64>| of.fold(0_u64, u64::saturating_add);
        sum(&mut { all })
            .saturating_sub(sum(&mut { used }))
            .saturating_mul(self.extent_bytes)
    }

    pub fn volume(&self, name: &str) -> Option<&LogicalVolume> {
        self.volumes.iter().find(|volume| volume.name == name)
    }

    /// A volume's content, which lies on some of the `given` physical volumes. A mirror is read by its first leg that is
    /// there and complete.
    ///
    /// # Errors
    /// When not all of it can be read: why.
    pub fn source(
        &self,
        volume: &LogicalVolume,
        given: &[PhysicalVolume],
    ) -> Result<VolumeSource, Unread> {
        let sources: Vec<Option<Arc<dyn Source>>> = self
            .members
            .iter()
            .map(|member| {
                let found = given.iter().find(|given| given.id == member.id)?;
                Some(Arc::clone(&found.source))
            })
            .collect();
        let parts = self.parts(volume, &sources)?;
        Ok(VolumeSource {
            parts,
            len: volume.size_bytes,
        })
    }

    fn parts(
        &self,
        volume: &LogicalVolume,
        sources: &[Option<Arc<dyn Source>>],
    ) -> Result<Vec<Part>, Unread> {
        let mut parts = Vec::new();
        let mut elsewhere: BTreeSet<usize> = BTreeSet::new();
        let mut start = 0_u64;
        for segment in &volume.segments {
            let len = segment.extents.saturating_mul(self.extent_bytes);
            match &segment.kind {
                SegmentKind::Unread(kind) => return Err(Unread::Kind(kind.clone())),
                SegmentKind::Mirrored(legs) => {
                    if volume.segments.len() > 1 {
                        return Err(Unread::Kind("mirror in several segments".to_owned()));
                    }
                    return self.by_a_leg(volume, legs, sources);
                }
                SegmentKind::Striped {
                    stripe_bytes,
                    stripes,
                } => {
                    let share = segment.extents.div_ceil(stripes.len().max(1) as u64);
                    let mut places = Vec::new();
                    for stripe in stripes {
                        let (Some(member), Some(source)) =
                            (self.members.get(stripe.member), sources.get(stripe.member))
                        else {
                            continue;
                        };
                        let end = stripe.extent.checked_add(share);
                        if end.is_none_or(|end| end > member.extents) {
                            return Err(Unread::Damaged(format!(
                                "a segment reaches past the last extent of {}: {share} extents from {} on, of {}",
                                member.name, stripe.extent, member.extents
                            )));
                        }
                        let Some(source) = source else {
                            elsewhere.insert(stripe.member);
                            continue;
                        };
                        let offset = stripe
                            .extent
                            .saturating_mul(self.extent_bytes)
                            .saturating_add(member.start_bytes);
                        places.push((Arc::clone(source), offset));
                    }
                    parts.push(Part {
                        start,
                        len,
                        stripe_bytes: *stripe_bytes,
                        places,
                    });
                }
            }
            start = start.saturating_add(len);
        }
        if elsewhere.is_empty() {
            Ok(parts)
        } else {
            let members = elsewhere.iter().filter_map(|at| self.members.get(*at));
            let names = members.map(|member| member.name.clone());
            Err(Unread::Elsewhere(names.collect()))
        }
    }

    fn by_a_leg(
        &self,
        volume: &LogicalVolume,
        legs: &[String],
        sources: &[Option<Arc<dyn Source>>],
    ) -> Result<Vec<Part>, Unread> {
        let mut why = Unread::Damaged("it names no leg that is complete".to_owned());
        for name in legs.iter().take(LEGS_MAX) {
            let leg = self.volumes.iter().find(|known| known.name == *name);
            // Legs are plain volumes; one that is a mirror itself could lead in a circle.
            let is_plain = |leg: &&LogicalVolume| {
                let is_mirror =
                    |segment: &Segment| matches!(segment.kind, SegmentKind::Mirrored(_));
                !leg.is_rebuilt
                    && leg.size_bytes >= volume.size_bytes
                    && !leg.segments.iter().any(is_mirror)
            };
            let Some(leg) = leg.filter(is_plain) else {
                continue;
            };
            match self.parts(leg, sources) {
                Ok(parts) => return Ok(parts),
                Err(error) => why = error,
            }
        }
        Err(why)
    }
}

/// A logical volume's content.
pub struct VolumeSource {
    /// By start, without gaps.
    parts: Vec<Part>,
    len: u64,
}

/// A segment, in bytes of the volume: stripes of it lie at the places by turns.
#[derive(Debug)]
struct Part {
    start: u64,
    len: u64,
    stripe_bytes: u64,
    places: Vec<(Arc<dyn Source>, u64)>,
}

impl Part {
    /// Where a byte of the volume lies: source, byte in it, and how many bytes go on there.
    fn place(&self, offset_bytes: u64) -> Option<(&Arc<dyn Source>, u64, u64)> {
        let within = offset_bytes.checked_sub(self.start)?;
        let left = self.len.checked_sub(within)?;
        let stripe = within.checked_div(self.stripe_bytes)?;
        let in_stripe = within.checked_rem(self.stripe_bytes)?;
        let count = self.places.len() as u64;
        let turn = usize::try_from(stripe.checked_rem(count)?).ok()?;
        let (source, start) = self.places.get(turn)?;
        let row = stripe.checked_div(count)?.checked_mul(self.stripe_bytes)?;
        let at = start.checked_add(row)?.checked_add(in_stripe)?;
        let run = self.stripe_bytes.checked_sub(in_stripe)?.min(left);
        Some((source, at, run))
    }
}

impl VolumeSource {
    fn place(&self, offset_bytes: u64) -> Option<(&Arc<dyn Source>, u64, u64)> {
        let next = self
            .parts
            .partition_point(|part| part.start <= offset_bytes);
        self.parts.get(next.checked_sub(1)?)?.place(offset_bytes)
    }
}

impl fmt::Debug for VolumeSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "logical volume of {} bytes", self.len)
    }
}

impl Source for VolumeSource {
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

    fn will_read(&self, offset_bytes: u64, len: u64) {
        if let Some((source, at, run)) = self.place(offset_bytes) {
            source.will_read(at, run.min(len));
        }
    }
}

#[cfg(test)]
impl VolumeGroup {
    /// Each segment as `lvs --segments` writes it, for a comparison.
    pub(super) fn segment_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for volume in &self.volumes {
            let mut start = 0;
            for segment in &volume.segments {
                let SegmentKind::Striped { stripes, .. } = &segment.kind else {
                    panic!("not plain");
                };
                let share = segment.extents / stripes.len() as u64;
                let ranges: Vec<String> = stripes
                    .iter()
                    .map(|stripe| {
                        let name = &self.members[stripe.member].name;
                        format!("{name}:{}-{}", stripe.extent, stripe.extent + share - 1)
                    })
                    .collect();
                let ranges = ranges.join(" ");
                lines.push(format!(
                    "{}|{start}|{}|{ranges}",
                    volume.name, segment.extents
                ));
                start += segment.extents;
            }
        }
        lines
    }
}
