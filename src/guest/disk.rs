//! The volumes of a disk, by the names people give them: `p1`, `rl/root` for a logical volume, or `disk` where the whole disk
//! is one volume.

use std::ops::Range;
use std::sync::Arc;

use super::codes;
use super::extents::Extents;
use super::layout::VolumeLayout;
use super::lvm::{LvmError, PhysicalVolume, Unread, VolumeGroup};
use super::partitions::{PartitionType, Partitions};
use super::probe::{VolumeKind, probe};
use super::volume::{NotRead, Volume};
use crate::source::{Source, WindowSource};

/// By what a volume of one disk is known on another.
#[derive(Debug, Clone, PartialEq, Eq)]
enum VolumeIdentity {
    /// The byte where it begins.
    Place(u64),
    /// The ids of a group and of a volume in it.
    Logical(String, String),
}

/// A volume of a disk, and where its bytes lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumePlace {
    /// `p1`, `rl/root`; `disk` for a disk without a table.
    pub name: String,
    pub kind: VolumeKind,
    /// What it is, in a word; empty if nothing says so.
    pub word: &'static str,
    /// False for what is known to hold no files: swap, reserved partitions.
    pub may_hold_files: bool,
    identity: VolumeIdentity,
    layout: VolumeLayout<u64>,
    /// Why it is not looked into, if that is known before a look.
    closed: Option<NotRead>,
}

impl VolumePlace {
    fn window(name: String, bytes: &Range<u64>, kind: VolumeKind, word: &'static str) -> Self {
        Self {
            name,
            kind,
            word,
            may_hold_files: kind != VolumeKind::LinuxSwap,
            identity: VolumeIdentity::Place(bytes.start),
            layout: VolumeLayout::pieces(0, [bytes.clone()]),
            closed: None,
        }
    }

    /// Its bytes.
    pub fn bytes(&self) -> u64 {
        self.layout.bytes()
    }

    /// The byte of the disk where it begins; `None` for a logical volume, which may lie in pieces.
    pub fn start(&self) -> Option<u64> {
        match self.identity {
            VolumeIdentity::Place(start) => Some(start),
            VolumeIdentity::Logical(..) => None,
        }
    }

    /// Why no file in it can be named, as far as its marks say.
    pub fn why(&self) -> Option<NotRead> {
        let closed = self.closed.clone();
        closed.or_else(|| NotRead::of_kind(self.kind))
    }

    /// Whether it is the same volume as one of another disk.
    pub fn is_pair(&self, other: &Self) -> bool {
        self.identity == other.identity
    }

    /// Its bytes of the disk, in the volume's order, for a range of the volume's.
    pub fn on_disk(&self, range: &Range<u64>) -> impl Iterator<Item = Range<u64>> + use<'_> {
        self.layout.on_disk(range)
    }

    /// What of some bytes of the disk lies in it, in its own bytes.
    pub fn of_disk(&self, disk: &Extents) -> Extents {
        self.layout.of_disk(disk)
    }

    /// What of it can differ from `before`, another disk's state of it, if only `written` of the disks can: what lies
    /// there, and what lies elsewhere than it did.
    pub fn written(&self, before: &Self, written: &Extents) -> Extents {
        self.of_disk(written)
            .union(&self.layout.moved(&before.layout))
    }

    /// Its content.
    pub fn source(&self, disk: &Arc<dyn Source>) -> Arc<dyn Source> {
        Arc::new(self.layout.map(|device| on(disk, *device)))
    }

    pub fn open(&self, disk: &Arc<dyn Source>) -> Volume {
        match &self.closed {
            Some(why) => Volume::Closed(why.clone()),
            None => Volume::open(self.source(disk), self.kind),
        }
    }
}

/// The disk from a byte on.
fn on(disk: &Arc<dyn Source>, start: u64) -> Arc<dyn Source> {
    if start == 0 {
        return Arc::clone(disk);
    }
    let len = disk.len().saturating_sub(start);
    Arc::new(WindowSource::new(Arc::clone(disk), start, len))
}

/// The volumes of a disk: its partitions by place, and for those that belong to LVM the logical volumes on them.
pub fn volumes(disk: &Arc<dyn Source>, sector_bytes: u32) -> Vec<VolumePlace> {
    let mut places = windows(disk, sector_bytes);
    let mut members = Vec::new();
    for place in &mut places {
        if place.kind == VolumeKind::LvmPhysical {
            match PhysicalMember::open(place, disk) {
                Ok(member) => members.push(member),
                Err(why) => place.closed = Some(why),
            }
        }
    }
    let groups = groups(&members);
    let known = |member: &&PhysicalMember| {
        let of = |group: &&VolumeGroup| member.is_in(group);
        groups.iter().any(of)
    };
    for member in members.iter().filter(|member| !known(member)) {
        let found = places.iter_mut().find(|place| member.is_at(place));
        if let Some(place) = found {
            let text = "a part of a volume group that is described on other disks only";
            place.closed = Some(NotRead::new(&codes::GUEST_ELSEWHERE, text));
        }
    }
    let told = |place: &VolumePlace| {
        members
            .iter()
            .filter(known)
            .any(|member| member.is_at(place))
    };
    let first = places.iter().position(told).unwrap_or(places.len());
    places.retain(|place| !told(place));
    let logical = groups
        .iter()
        .flat_map(|group| logical_volumes(group, &members, disk));
    let logical: Vec<_> = logical.collect();
    places.splice(first..first, logical);
    places
}

fn windows(disk: &Arc<dyn Source>, sector_bytes: u32) -> Vec<VolumePlace> {
    let Some(table) = Partitions::read(disk, sector_bytes) else {
        let kind = probe(disk).unwrap_or(VolumeKind::Unknown);
        let whole = 0..disk.len();
        let place = VolumePlace::window("disk".to_owned(), &whole, kind, kind.word());
        return vec![place];
    };
    let parts = table.all().iter();
    let parts = parts.filter(|part| part.kind != PartitionType::Extended);
    let place = |part: &super::Partition| {
        let name = format!("p{}", part.number);
        let bytes = part.bytes(sector_bytes);
        let mut place = VolumePlace::window(name, &bytes, part.holds, part.word());
        place.may_hold_files &= part.kind != PartitionType::Reserved;
        place
    };
    parts.map(place).collect()
}

/// A physical volume of LVM on the disk.
struct PhysicalMember {
    bytes: Range<u64>,
    physical: PhysicalVolume,
    /// The group by its own metadata, if it holds any.
    group: Option<VolumeGroup>,
}

impl PhysicalMember {
    fn open(place: &VolumePlace, disk: &Arc<dyn Source>) -> Result<Self, NotRead> {
        let damaged = |error: LvmError| NotRead::new(&codes::GUEST_DAMAGED, error.to_string());
        let found = PhysicalVolume::find(place.source(disk)).map_err(damaged)?;
        let unlabelled = "marked as a physical volume of LVM, without its label";
        let physical = found.ok_or_else(|| NotRead::new(&codes::GUEST_NOT_READ, unlabelled))?;
        let group = match physical.metadata() {
            Ok(metadata) => Some(metadata.group),
            Err(LvmError::NoMetadata) => None,
            Err(error) => return Err(damaged(error)),
        };
        let bytes = place.on_disk(&(0..place.layout.bytes())).next();
        Ok(Self {
            bytes: bytes.unwrap_or_default(),
            physical,
            group,
        })
    }

    fn is_at(&self, place: &VolumePlace) -> bool {
        place.identity == VolumeIdentity::Place(self.bytes.start)
    }

    fn is_in(&self, group: &VolumeGroup) -> bool {
        group.members().any(|(id, _)| id == self.physical.id)
    }
}

/// The groups by their newest metadata on the disk, each once.
fn groups(members: &[PhysicalMember]) -> Vec<&VolumeGroup> {
    let mut newest: Vec<&VolumeGroup> = Vec::new();
    for group in members.iter().filter_map(|member| member.group.as_ref()) {
        match newest.iter_mut().find(|known| known.id == group.id) {
            Some(known) if known.seqno < group.seqno => *known = group,
            Some(_) => {}
            None => newest.push(group),
        }
    }
    newest
}

/// The volumes of a group that are no parts of others.
fn logical_volumes(
    group: &VolumeGroup,
    members: &[PhysicalMember],
    disk: &Arc<dyn Source>,
) -> Vec<VolumePlace> {
    let members = || members.iter().filter(|member| member.is_in(group));
    let start = |id: &str| {
        let found = members().find(|member| member.physical.id == id);
        found.map(|member| member.bytes.start)
    };
    let visible = group.volumes.iter().filter(|volume| volume.is_visible);
    let mut places: Vec<VolumePlace> = visible
        .map(|volume| {
            let mut place = VolumePlace {
                name: format!("{}/{}", group.name, volume.name),
                kind: VolumeKind::Unknown,
                word: VolumeKind::LvmPhysical.word(),
                may_hold_files: true,
                identity: VolumeIdentity::Logical(group.id.clone(), volume.id.clone()),
                layout: VolumeLayout::new(Vec::new(), 0),
                closed: None,
            };
            match group.layout(volume, start) {
                Ok(layout) => {
                    place.layout = layout;
                    place.kind = probe(&place.source(disk)).unwrap_or(VolumeKind::Unknown);
                    place.word = place.kind.word();
                    place.may_hold_files = place.kind != VolumeKind::LinuxSwap;
                }
                Err(why) => {
                    // A pool is what other volumes lie in.
                    let is_pool = matches!(&why, Unread::Kind(kind) if kind.ends_with("-pool"));
                    place.may_hold_files = !is_pool;
                    place.closed = Some(not_read(&why));
                }
            }
            place
        })
        .collect();
    // What of the group's devices no other volume has may be that of one that is not read.
    let devices = Extents::collect(members().map(|member| member.bytes.clone()));
    let known = places.iter().flat_map(|place| place.layout.areas());
    let rest = devices.without(&Extents::collect(known));
    for place in places.iter_mut().filter(|place| place.closed.is_some()) {
        place.layout = VolumeLayout::pieces(0, rest.iter());
    }
    places
}

fn not_read(why: &Unread) -> NotRead {
    match why {
        Unread::Kind(kind) => NotRead::new(
            &codes::GUEST_NOT_READ,
            format!("a logical volume of the kind {kind}, which is not read"),
        ),
        Unread::Elsewhere(names) => NotRead::new(
            &codes::GUEST_ELSEWHERE,
            format!(
                "a part of it lies on {}, not on this disk",
                names.join(", ")
            ),
        ),
        Unread::Damaged(text) => NotRead::new(&codes::GUEST_DAMAGED, text.clone()),
    }
}
