//! Writes LVM2 physical volumes: label, metadata areas with their ring of texts, and the content of logical volumes.
//!
//! Laid out as `lib/format_text` of LVM2 does it, so that `pvck` and `lvs` read it; every change is one more text in the ring.

#![expect(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "what cannot be built ends the test that asks for it"
)]

use std::fmt::Write as _;

const SECTOR: u64 = 512;
const AREA_AT: u64 = 4096;
/// Where a text may begin in its area: at a multiple of this.
const ALIGN: u64 = 512;
const START: u32 = 0xf597_a6cf;

/// A group under construction. Times are seconds since 1970.
#[derive(Debug, Clone)]
pub struct GroupBuilder {
    name: String,
    extent_bytes: u64,
    area_bytes: u64,
    devices: Vec<Device>,
    volumes: Vec<BuiltVolume>,
    seqno: u64,
    made: u32,
}

#[derive(Debug, Clone)]
struct Device {
    extents: u64,
    used: Vec<bool>,
    bytes: Vec<u8>,
    /// Where the newest text lies in its area, and how long it is.
    newest: (u64, u64),
}

#[derive(Debug, Clone)]
struct BuiltVolume {
    name: String,
    id: u32,
    created: i64,
    tags: Vec<String>,
    is_visible: bool,
    content: VolumeContent,
}

#[derive(Debug, Clone)]
enum VolumeContent {
    /// Device, first extent, count: one segment each.
    Pieces(Vec<(usize, u64, u64)>),
    /// One segment over several devices by turns: stripe size, then device and first extent; extents of each.
    Striped(u64, Vec<(usize, u64)>, u64),
    /// Text of the segments, as it is.
    Raw(String),
}

impl BuiltVolume {
    fn text(&self, text: &mut String) {
        let visible = if self.is_visible { ", \"VISIBLE\"" } else { "" };
        let _ = write!(
            text,
            "\n{} {{\nid = \"{}\"\nstatus = [\"READ\", \"WRITE\"{visible}]\nflags = []\n",
            self.name,
            hyphened(&id("lv", self.id)),
        );
        if !self.tags.is_empty() {
            let _ = writeln!(text, "tags = [\"{}\"]", self.tags.join("\", \""));
        }
        let count = match &self.content {
            VolumeContent::Pieces(pieces) => pieces.len(),
            _ => 1,
        };
        let _ = writeln!(
            text,
            "creation_time = {}\ncreation_host = \"test\"\nsegment_count = {count}\n",
            self.created
        );
        match &self.content {
            VolumeContent::Pieces(pieces) => {
                let mut start = 0;
                for (at, (device, first, extents)) in pieces.iter().enumerate() {
                    let _ = write!(
                        text,
                        "segment{} {{\nstart_extent = {start}\nextent_count = {extents}\n\ntype = \"striped\"\nstripe_count = 1\n\nstripes = [\n\"pv{device}\", {first}\n]\n}}\n",
                        at + 1
                    );
                    start += extents;
                }
            }
            VolumeContent::Striped(stripe, places, share) => {
                let stripes: Vec<String> = places
                    .iter()
                    .map(|(device, first)| format!("\"pv{device}\", {first}"))
                    .collect();
                let _ = write!(
                    text,
                    "segment1 {{\nstart_extent = 0\nextent_count = {}\n\ntype = \"striped\"\nstripe_count = {}\nstripe_size = {}\n\nstripes = [\n{}\n]\n}}\n",
                    share * places.len() as u64,
                    places.len(),
                    stripe / SECTOR,
                    stripes.join(",\n"),
                );
            }
            VolumeContent::Raw(segments) => text.push_str(segments),
        }
        text.push_str("}\n");
    }
}

impl GroupBuilder {
    /// A group on devices of so many extents each.
    pub fn new(name: &str, extent_bytes: u64, area_bytes: u64, extents: &[u64], at: i64) -> Self {
        let mut group = Self {
            name: name.to_owned(),
            extent_bytes,
            area_bytes,
            devices: Vec::new(),
            volumes: Vec::new(),
            seqno: 0,
            made: 0,
        };
        for extents in extents {
            let len = group.start_bytes() + extents * extent_bytes;
            group.devices.push(Device {
                extents: *extents,
                used: vec![false; size(*extents)],
                bytes: vec![0; size(len)],
                newest: (SECTOR, 0),
            });
        }
        for device in 0..group.devices.len() {
            group.label(device);
        }
        group.commit("vgcreate", at);
        group
    }

    fn start_bytes(&self) -> u64 {
        (AREA_AT + self.area_bytes).next_multiple_of(64 << 10)
    }

    fn next_id(&mut self) -> u32 {
        self.made += 1;
        self.made
    }

    /// Makes a volume out of the first extents that are free; where they are no neighbours it has several segments.
    #[must_use]
    pub fn create(mut self, name: &str, bytes: u64, at: i64) -> Self {
        let pieces = self.take(bytes.div_ceil(self.extent_bytes), None);
        self.push(name, VolumeContent::Pieces(pieces), true, at);
        self.commit(&format!("lvcreate -n {name}"), at);
        self
    }

    /// As [`create`](Self::create), on one device, and hidden: a mirror's leg.
    #[must_use]
    pub fn create_leg(mut self, name: &str, bytes: u64, device: usize, at: i64) -> Self {
        let pieces = self.take(bytes.div_ceil(self.extent_bytes), Some(device));
        self.push(name, VolumeContent::Pieces(pieces), false, at);
        self.commit(&format!("lvcreate -n {name}"), at);
        self
    }

    /// Makes a volume that lies on the first `stripes` devices by turns.
    #[must_use]
    pub fn create_striped(
        mut self,
        name: &str,
        bytes: u64,
        stripes: usize,
        stripe: u64,
        at: i64,
    ) -> Self {
        let share = bytes.div_ceil(self.extent_bytes).div_ceil(stripes as u64);
        let places = (0..stripes)
            .map(|device| {
                let pieces = self.take(share, Some(device));
                assert_eq!(pieces.len(), 1, "no neighbours are free");
                (device, pieces[0].1)
            })
            .collect();
        self.push(
            name,
            VolumeContent::Striped(stripe, places, share),
            true,
            at,
        );
        self.commit(&format!("lvcreate -i {stripes} -n {name}"), at);
        self
    }

    /// Makes a volume whose segments are this text.
    #[must_use]
    pub fn create_raw(mut self, name: &str, segments: &str, at: i64) -> Self {
        self.push(name, VolumeContent::Raw(segments.to_owned()), true, at);
        self.commit(&format!("lvcreate -n {name}"), at);
        self
    }

    #[must_use]
    pub fn rename(mut self, from: &str, to: &str, at: i64) -> Self {
        to.clone_into(&mut self.volume(from).name);
        self.commit(&format!("lvrename {from} {to}"), at);
        self
    }

    #[must_use]
    pub fn tag(mut self, name: &str, tag: &str, at: i64) -> Self {
        self.volume(name).tags.push(tag.to_owned());
        self.commit(&format!("lvchange --addtag {tag} {name}"), at);
        self
    }

    #[must_use]
    pub fn remove(mut self, name: &str, at: i64) -> Self {
        let (index, _) = self.find(name);
        let volume = self.volumes.remove(index);
        if let VolumeContent::Pieces(pieces) = volume.content {
            for (device, first, count) in pieces {
                self.devices[device].used[size(first)..size(first + count)].fill(false);
            }
        }
        self.commit(&format!("lvremove {name}"), at);
        self
    }

    /// Adds extents at a volume's end.
    #[must_use]
    pub fn extend(mut self, name: &str, by_bytes: u64, at: i64) -> Self {
        let more = self.take(by_bytes.div_ceil(self.extent_bytes), None);
        let VolumeContent::Pieces(pieces) = &mut self.volume(name).content else {
            panic!("{name} is not plain");
        };
        pieces.extend(more);
        self.commit(&format!("lvextend {name}"), at);
        self
    }

    /// Writes content, which is no change of the group.
    #[must_use]
    pub fn write(mut self, name: &str, offset_bytes: u64, bytes: &[u8]) -> Self {
        let (index, _) = self.find(name);
        let content = self.volumes[index].content.clone();
        let start = self.start_bytes();
        for (at, byte) in (offset_bytes..).zip(bytes) {
            let (device, offset) = self.place(&content, at);
            self.devices[device].bytes[size(start + offset)] = *byte;
        }
        self
    }

    fn place(&self, content: &VolumeContent, at: u64) -> (usize, u64) {
        match content {
            VolumeContent::Pieces(pieces) => {
                let mut extent = at / self.extent_bytes;
                for (device, first, count) in pieces {
                    if extent < *count {
                        return (
                            *device,
                            (first + extent) * self.extent_bytes + at % self.extent_bytes,
                        );
                    }
                    extent -= count;
                }
                panic!("byte {at} is past the volume's end");
            }
            VolumeContent::Striped(stripe, places, _) => {
                let turn = at / stripe;
                let (device, first) = places[size(turn % places.len() as u64)];
                let within = turn / places.len() as u64 * stripe + at % stripe;
                (device, first * self.extent_bytes + within)
            }
            VolumeContent::Raw(_) => panic!("where its content lies is not known"),
        }
    }

    /// The bytes of each device.
    pub fn devices(self) -> Vec<Vec<u8>> {
        self.devices
            .into_iter()
            .map(|device| device.bytes)
            .collect()
    }

    fn find(&self, name: &str) -> (usize, &BuiltVolume) {
        let mut volumes = self.volumes.iter().enumerate();
        volumes
            .find(|(_, volume)| volume.name == name)
            .unwrap_or_else(|| panic!("no volume {name}"))
    }

    fn volume(&mut self, name: &str) -> &mut BuiltVolume {
        let (index, _) = self.find(name);
        &mut self.volumes[index]
    }

    fn push(&mut self, name: &str, content: VolumeContent, is_visible: bool, created: i64) {
        let id = self.next_id();
        self.volumes.push(BuiltVolume {
            name: name.to_owned(),
            id,
            created,
            tags: Vec::new(),
            is_visible,
            content,
        });
    }

    fn take(&mut self, mut count: u64, only: Option<usize>) -> Vec<(usize, u64, u64)> {
        let mut pieces: Vec<(usize, u64, u64)> = Vec::new();
        for (at, device) in self.devices.iter_mut().enumerate() {
            if only.is_some_and(|only| only != at) {
                continue;
            }
            for extent in 0..device.extents {
                if count == 0 || device.used[size(extent)] {
                    continue;
                }
                device.used[size(extent)] = true;
                count -= 1;
                match pieces.last_mut() {
                    Some((known, first, len)) if *known == at && *first + *len == extent => {
                        *len += 1;
                    }
                    _ => pieces.push((at, extent, 1)),
                }
            }
        }
        assert_eq!(count, 0, "the devices are full");
        pieces
    }

    /// Puts a text into use as it is, its checksum right.
    #[must_use]
    pub fn with_text(mut self, text: &[u8]) -> Self {
        for device in 0..self.devices.len() {
            self.put_text(device, text);
        }
        self
    }

    fn commit(&mut self, command: &str, at: i64) {
        self.seqno += 1;
        let text = self.text(command, at);
        for device in 0..self.devices.len() {
            self.put_text(device, &text);
        }
    }

    fn text(&self, command: &str, at: i64) -> Vec<u8> {
        let mut text = format!(
            "{} {{\nid = \"{}\"\nseqno = {}\nformat = \"lvm2\"\nstatus = [\"RESIZEABLE\", \"READ\", \"WRITE\"]\nflags = []\nextent_size = {}\nmax_lv = 0\nmax_pv = 0\nmetadata_copies = 0\n\nphysical_volumes {{\n",
            self.name,
            hyphened(&id("vg", 0)),
            self.seqno,
            self.extent_bytes / SECTOR,
        );
        for (at, device) in self.devices.iter().enumerate() {
            let _ = write!(
                text,
                "\npv{at} {{\nid = \"{}\"\ndevice = \"/dev/test{at}\"\n\nstatus = [\"ALLOCATABLE\"]\nflags = []\ndev_size = {}\npe_start = {}\npe_count = {}\n}}\n",
                hyphened(&id("pv", u32::try_from(at).unwrap_or(0))),
                device.bytes.len() as u64 / SECTOR,
                self.start_bytes() / SECTOR,
                device.extents,
            );
        }
        text.push_str("}\n");
        if !self.volumes.is_empty() {
            text.push_str("\nlogical_volumes {\n");
            for volume in &self.volumes {
                volume.text(&mut text);
            }
            text.push_str("}\n");
        }
        let _ = write!(
            text,
            "\n}}\n# Generated by LVM2 version 2.03.16(2) (2022-05-18)\n\ncontents = \"Text Format Volume Group\"\nversion = 1\n\ndescription = \"Write from {command}.\"\n\ncreation_host = \"test\"\t# Linux\ncreation_time = {at}\n\n\0",
        );
        text.into_bytes()
    }

    fn put_text(&mut self, device: usize, text: &[u8]) {
        let area_bytes = self.area_bytes;
        let device = &mut self.devices[device];
        let (newest, len) = device.newest;
        let mut offset = (newest + len).next_multiple_of(ALIGN);
        if offset >= area_bytes {
            offset = offset - area_bytes + SECTOR;
        }
        assert!(
            (text.len() as u64) * 2 < area_bytes,
            "the area is too small"
        );
        device.newest = (offset, text.len() as u64);
        for (at, byte) in (offset..).zip(text) {
            let at = if at < area_bytes {
                at
            } else {
                at - area_bytes + SECTOR
            };
            device.bytes[size(AREA_AT + at)] = *byte;
        }
        let mut header = vec![0; size(SECTOR)];
        header[4..20].copy_from_slice(b" LVM2 x[5A%r0N*>");
        header[20..24].copy_from_slice(&1_u32.to_le_bytes());
        header[24..32].copy_from_slice(&AREA_AT.to_le_bytes());
        header[32..40].copy_from_slice(&area_bytes.to_le_bytes());
        header[40..48].copy_from_slice(&offset.to_le_bytes());
        header[48..56].copy_from_slice(&(text.len() as u64).to_le_bytes());
        header[56..60].copy_from_slice(&checksum(text).to_le_bytes());
        let sum = checksum(&header[4..]);
        header[..4].copy_from_slice(&sum.to_le_bytes());
        device.bytes[size(AREA_AT)..size(AREA_AT + SECTOR)].copy_from_slice(&header);
    }

    fn label(&mut self, device: usize) {
        let start = self.start_bytes();
        let mut sector = vec![0; size(SECTOR)];
        sector[..8].copy_from_slice(b"LABELONE");
        sector[8..16].copy_from_slice(&1_u64.to_le_bytes());
        sector[20..24].copy_from_slice(&32_u32.to_le_bytes());
        sector[24..32].copy_from_slice(b"LVM2 001");
        let number = u32::try_from(device).unwrap_or(0);
        sector[32..64].copy_from_slice(id("pv", number).as_bytes());
        let len = self.devices[device].bytes.len() as u64;
        for (at, value) in [
            (64, len),
            // One data area to the end, then one metadata area.
            (72, start),
            (80, 0),
            (104, AREA_AT),
            (112, self.area_bytes),
        ] {
            sector[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        let sum = checksum(&sector[20..]);
        sector[16..20].copy_from_slice(&sum.to_le_bytes());
        self.devices[device].bytes[size(SECTOR)..size(2 * SECTOR)].copy_from_slice(&sector);
    }
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).expect("built in memory")
}

/// Thirty-two letters.
fn id(kind: &str, number: u32) -> String {
    format!("{kind}{number:030}")
}

fn hyphened(id: &str) -> String {
    let cuts = [0, 6, 10, 14, 18, 22, 26, 32];
    let parts: Vec<&str> = cuts.windows(2).map(|cut| &id[cut[0]..cut[1]]).collect();
    parts.join("-")
}

/// LVM2's `calc_crc`, bit by bit: a second way beside the reader's.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(START, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}
