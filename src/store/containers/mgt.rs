//! `MGT`, the volume in which XCP-ng's storage manager keeps names and snapshots of a repository's disks
//! (`srmetadata.py`).
//!
//! A header in the first sector, the repository in the next three, then two sectors a disk from byte 2048 on. Records of
//! deleted disks stay until their place is needed.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::format::guid;
use crate::source::{Source, read_up_to};

/// The volume is 4 MiB large, whatever its header claims.
const LEN_MAX: u64 = 4 << 20;
const SECTOR: usize = 512;
const DISKS_AT: usize = 2048;
const DISK_BYTES: usize = 2 * SECTOR;

/// What `MGT` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Management {
    /// The repository's name, as its administrator gave it.
    pub name: String,
    pub disks: Vec<ManagedDisk>,
}

/// A disk by the storage manager's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedDisk {
    pub id: Uuid,
    pub name: String,
    pub is_snapshot: bool,
    /// The disk it is a snapshot of. The pool points it to the disk in use after a revert, this record does not.
    pub snapshot_of: Option<Uuid>,
    /// When the snapshot was taken. A disk in use carries the time of its last revert: a clone sets it too.
    pub snapshot_time: Option<Timestamp>,
    /// False for base copies.
    pub is_managed: bool,
    pub is_deleted: bool,
}

impl Management {
    /// Reads the volume: two reads. `None` if it is none, or cannot be read.
    pub fn read(volume: &dyn Source) -> Option<Self> {
        let head = read_up_to(volume, 0, SECTOR).ok()?;
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut fields = head.strip_prefix("XSSM:")?.split(':');
        let len: u64 = fields.next()?.trim().parse().ok()?;
        let len = usize::try_from(len.min(LEN_MAX)).ok()?;
        let bytes = read_up_to(volume, SECTOR as u64, len.saturating_sub(SECTOR)).ok()?;
        let text = |sectors: &[u8]| -> String {
            let parts = sectors.chunks(SECTOR).map(String::from_utf8_lossy);
            parts
                .map(|part| part.trim_matches(['\0', ' ']).to_owned())
                .collect()
        };
        let disks_at = DISKS_AT.saturating_sub(SECTOR);
        let repository = text(bytes.get(..disks_at.min(bytes.len()))?);
        let records = bytes.get(disks_at..).unwrap_or_default().chunks(DISK_BYTES);
        Some(Self {
            name: field(&repository, "name_label").unwrap_or_default(),
            disks: records.filter_map(|record| disk(&text(record))).collect(),
        })
    }

    pub fn disk(&self, id: Uuid) -> Option<&ManagedDisk> {
        self.disks.iter().find(|disk| disk.id == id)
    }
}

fn disk(record: &str) -> Option<ManagedDisk> {
    let id = |name: &str| guid::from_text(&field(record, name)?);
    let is = |name: &str| field(record, name).is_some_and(|text| text == "1");
    Some(ManagedDisk {
        id: id("uuid")?,
        name: field(record, "name_label").unwrap_or_default(),
        is_snapshot: is("is_a_snapshot"),
        snapshot_of: id("snapshot_of"),
        snapshot_time: field(record, "snapshot_time").and_then(|text| time(&text)),
        is_managed: is("managed"),
        is_deleted: is("deleted"),
    })
}

/// The text of an element, which holds no others here.
fn field(record: &str, name: &str) -> Option<String> {
    let (_, rest) = record.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    let text = text.replace("&quot;", "\"").replace("&apos;", "'");
    Some(text.replace("&amp;", "&"))
}

/// `20260210T20:00:00Z`; 1970 stands for never.
fn time(text: &str) -> Option<Timestamp> {
    let civil: DateTime = text.strip_suffix('Z')?.parse().ok()?;
    let at = TimeZone::UTC.to_timestamp(civil).ok()?;
    (at.as_second() > 0).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::MemorySource;

    const ID: &str = "22222222-0000-4000-8000-000000000002";

    fn volume(claimed: &str, sectors: &[&str]) -> MemorySource {
        let mut bytes = Vec::new();
        let head = format!("XSSM:{claimed:<10}:1:2");
        for sector in [&[&*head], sectors].concat() {
            let end = bytes.len() + SECTOR;
            bytes.extend(sector.as_bytes());
            bytes.resize(end, b' ');
        }
        MemorySource(bytes)
    }

    #[test]
    fn names_snapshots_and_deleted_disks_are_read() {
        let snapshot = format!(
            "<uuid>{ID}</uuid><snapshot_time>20260210T20:00:00Z</snapshot_time><is_a_snapshot>1</is_a_snapshot><snapshot_of>11111111-0000-4000-8000-000000000001</snapshot_of><managed>1</managed><deleted>0</deleted></vdi>"
        );
        let deleted = format!(
            "<deleted>1</deleted><snapshot_time>19700101T00:00:00Z</snapshot_time><uuid>{ID}</uuid></vdi>"
        );
        let read = Management::read(&volume(
            "9216",
            &[
                "<uuid>x</uuid>",
                "<name_label>Local &amp; fast</name_label>",
                "",
                "<vdi><name_label>web &lt;0&gt; 検証</name_label>",
                &snapshot,
                "<vdi><name_label>old</name_label>",
                &deleted,
                "",
                "",
            ],
        ))
        .unwrap();
        assert_eq!(read.name, "Local & fast");
        let [web, old] = &read.disks[..] else {
            panic!("{read:?}");
        };
        assert_eq!(
            (&*web.name, web.is_snapshot, web.is_managed),
            ("web <0> 検証", true, true)
        );
        assert_eq!(
            web.snapshot_time.unwrap().to_string(),
            "2026-02-10T20:00:00Z"
        );
        assert_eq!(web.snapshot_of.unwrap().as_u128() >> 96, 0x1111_1111);
        assert!(old.is_deleted && old.snapshot_time.is_none() && !old.is_snapshot);
    }

    #[test]
    fn what_is_no_such_volume_or_lies_about_its_length_gives_what_is_there() {
        assert_eq!(Management::read(&MemorySource(Vec::new())), None);
        assert_eq!(Management::read(&volume("many", &[])), None);
        let read = Management::read(&volume("99999999999", &["<name_label>a</name_label>"]));
        assert_eq!(read.unwrap().name, "a");
        assert!(Management::read(&volume("1", &["<name_label>"])).is_some());
    }
}
