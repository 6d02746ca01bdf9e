//! A volume group: its physical volumes, its logical volumes in segments, and a logical volume as a source.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use thiserror::Error;

use super::text::{self, Section, TextValue};
use super::{LvmError, PhysicalVolume};
use crate::guest::layout::{VolumeLayout, VolumePiece};
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
    /// It holds what another volume was, as differences in a form of their own.
    is_snapshot: bool,
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
    let mut stores = HashSet::new();
    let mut segments = 0_usize;
    for (name, volume) in group.section("logical_volumes").unwrap_or(&none).sections() {
        // A volume of no use but to say that one holds the snapshot of another.
        let store = |(_, segment): (_, &Section)| Some(segment.text("cow_store")?.into_owned());
        stores.extend(volume.sections().filter_map(store));
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
    for volume in &mut volumes {
        volume.is_snapshot = stores.contains(&volume.name);
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
        is_snapshot: false,
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

    /// A volume's content, which lies on some of the `given` physical volumes.
    ///
    /// # Errors
    /// As [`VolumeGroup::layout`].
    pub fn source(
        &self,
        volume: &LogicalVolume,
        given: &[PhysicalVolume],
    ) -> Result<VolumeLayout<Arc<dyn Source>>, Unread> {
        self.layout(volume, |id| {
            let found = given.iter().find(|given| given.id == id)?;
            Some(Arc::clone(&found.source))
        })
    }

    /// Where a volume's bytes lie; `given` knows what stands for the physical volume of an id, if it is there. A mirror is
    /// read by its first leg that is there and complete.
    ///
    /// # Errors
    /// When not all of it can be read: why.
    pub fn layout<P: Clone>(
        &self,
        volume: &LogicalVolume,
        given: impl Fn(&str) -> Option<P>,
    ) -> Result<VolumeLayout<P>, Unread> {
        let members = self.members.iter();
        let given: Vec<Option<P>> = members.map(|member| given(&member.id)).collect();
        let parts = self.parts(volume, &given)?;
        Ok(VolumeLayout::new(parts, volume.size_bytes))
    }

    fn parts<P: Clone>(
        &self,
        volume: &LogicalVolume,
        given: &[Option<P>],
    ) -> Result<Vec<VolumePiece<P>>, Unread> {
        if volume.is_snapshot {
            return Err(Unread::Kind("snapshot".to_owned()));
        }
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
                    return self.by_a_leg(volume, legs, given);
                }
                SegmentKind::Striped {
                    stripe_bytes,
                    stripes,
                } => {
                    let share = segment.extents.div_ceil(stripes.len().max(1) as u64);
                    let mut places = Vec::new();
                    for stripe in stripes {
                        let (Some(member), Some(found)) =
                            (self.members.get(stripe.member), given.get(stripe.member))
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
                        let Some(found) = found else {
                            elsewhere.insert(stripe.member);
                            continue;
                        };
                        let offset = stripe
                            .extent
                            .saturating_mul(self.extent_bytes)
                            .saturating_add(member.start_bytes);
                        places.push((found.clone(), offset));
                    }
                    parts.push(VolumePiece {
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

    fn by_a_leg<P: Clone>(
        &self,
        volume: &LogicalVolume,
        legs: &[String],
        given: &[Option<P>],
    ) -> Result<Vec<VolumePiece<P>>, Unread> {
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
            match self.parts(leg, given) {
                Ok(parts) => return Ok(parts),
                Err(error) => why = error,
            }
        }
        Err(why)
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
