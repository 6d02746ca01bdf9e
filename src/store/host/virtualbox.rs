//! A machine's settings by VirtualBox, `NAME.vbox`: XML with the tree of its disks, its snapshots and what it uses now.
//!
//! `Snapshot/Image` is the disk that was in use before the snapshot, the `Machine`'s own `Image` is the one in use now;
//! `MediaRegistry` says where each lies. Times are UTC. A disk's id is a `RTUUID`: inside a VHD its first three fields are
//! little-endian, against the text here (VirtualBox, `VHD.cpp` and `uuid.h`).

use std::collections::HashMap;

use roxmltree::{Document, Node};
use uuid::Uuid;

use super::{
    HostDisk, HostError, HostFacts, HostFile, HostMachine, HostSnapshot, limits, snapshot_id,
};
use crate::format::guid;
use crate::store::SnapshotKind;
use crate::store::when::{self, DayOrder};

/// Snapshots one below another that are followed; VirtualBox itself allows 250.
const DEEPEST: usize = 250;

/// Whether a text is one.
pub(super) fn is_one(text: &str) -> bool {
    let head: String = text.chars().take(4096).collect();
    head.trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('<')
        && head.contains("<VirtualBox")
}

/// Reads the settings.
///
/// # Errors
/// If it is no sound XML, or its snapshots lie deeper than VirtualBox lets them.
pub(super) fn read(text: &str) -> Result<HostFacts, HostError> {
    limits::check_settings(text)?;
    let text = text.trim_start_matches('\u{feff}');
    let document =
        Document::parse(text).map_err(|error| HostError::Json(format!("no XML: {error}")))?;
    let Some(machine) = child(document.root_element(), "Machine") else {
        return Ok(HostFacts::default());
    };
    let disks = Disks::of(machine);
    let name = machine.attribute("name").unwrap_or_default().to_owned();
    let id = id(machine, "uuid");
    let mut facts = HostFacts {
        machines: vec![HostMachine {
            name: name.clone(),
            id,
            disks: Some(disks.used(machine)),
            parent: machine.attribute("currentSnapshot").map(plain),
            ..HostMachine::default()
        }],
        files: disks.files.clone(),
        ..HostFacts::default()
    };
    let mut open: Vec<(Node<'_, '_>, Option<String>, usize)> = child(machine, "Snapshot")
        .map(|first| (first, None, 1))
        .into_iter()
        .collect();
    while let Some((snapshot, parent, depth)) = open.pop() {
        if depth > DEEPEST {
            return Err(HostError::TooMany(DEEPEST, "snapshots one below another"));
        }
        let own = snapshot
            .attribute("uuid")
            .map(plain)
            .filter(|id| !id.is_empty());
        let taken = snapshot.attribute("timeStamp");
        facts.snapshots.push(HostSnapshot {
            vm: Some(name.clone()),
            vm_id: id,
            name: snapshot.attribute("name").unwrap_or_default().to_owned(),
            id: own.as_deref().and_then(snapshot_id),
            parent,
            taken: taken.and_then(|taken| when::parse(taken, DayOrder::Unknown).ok()),
            kind: SnapshotKind::Unknown,
            disks: Some(disks.used(snapshot)),
        });
        let below = child(snapshot, "Snapshots");
        let below = below.into_iter().flat_map(|all| children(all, "Snapshot"));
        open.extend(below.map(|next| (next, own.clone(), depth.saturating_add(1))));
    }
    Ok(facts)
}

/// The disks of the registry that can be read here: VirtualBox keeps VDI, VMDK and others beside them.
struct Disks {
    /// Where each lies, by its id as written in lower case.
    locations: HashMap<String, String>,
    files: Vec<HostFile>,
}

impl Disks {
    fn of(machine: Node<'_, '_>) -> Self {
        let mut disks = Self {
            locations: HashMap::new(),
            files: Vec::new(),
        };
        let registry = child(machine, "MediaRegistry").and_then(|all| child(all, "HardDisks"));
        let mut open: Vec<(Node<'_, '_>, Option<String>)> = registry
            .into_iter()
            .flat_map(|all| children(all, "HardDisk"))
            .map(|disk| (disk, None))
            .collect();
        while let Some((disk, parent)) = open.pop() {
            let location = disk.attribute("location").unwrap_or_default().to_owned();
            let is_vhd = disk
                .attribute("format")
                .is_none_or(|format| format.eq_ignore_ascii_case("VHD"));
            if is_vhd && !location.trim().is_empty() {
                let own = id(disk, "uuid");
                if let Some(own) = disk.attribute("uuid") {
                    disks.locations.insert(plain(own), location.clone());
                }
                disks.files.push(HostFile {
                    path: location.clone(),
                    disk: Some(HostDisk {
                        id: own.map(|own| Uuid::from_bytes(own.to_bytes_le())),
                        parent,
                        ..HostDisk::default()
                    }),
                    ..HostFile::default()
                });
            }
            open.extend(children(disk, "HardDisk").map(|next| (next, Some(location.clone()))));
        }
        disks
    }

    /// Where the disks lie that are attached by the settings of a machine or snapshot.
    fn used(&self, settings: Node<'_, '_>) -> Vec<String> {
        let controllers = children(settings, "StorageControllers").chain(
            children(settings, "Hardware").flat_map(|all| children(all, "StorageControllers")),
        );
        let devices = controllers
            .flat_map(|all| children(all, "StorageController"))
            .flat_map(|one| children(one, "AttachedDevice"))
            .filter(|device| device.attribute("type") == Some("HardDisk"));
        let images = devices.filter_map(|device| child(device, "Image"));
        let ids = images.filter_map(|image| image.attribute("uuid").map(plain));
        ids.filter_map(|id| self.locations.get(&id).cloned())
            .collect()
    }
}

fn children<'a, 'input>(
    of: Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    of.children()
        .filter(move |node| node.tag_name().name() == name)
}

fn child<'a, 'input>(of: Node<'a, 'input>, name: &'static str) -> Option<Node<'a, 'input>> {
    children(of, name).next()
}

fn id(of: Node<'_, '_>, attribute: &str) -> Option<Uuid> {
    of.attribute(attribute).and_then(guid::from_text)
}

/// An id as it is compared: `{11111111-...}` without braces, in lower case.
fn plain(id: &str) -> String {
    id.trim_matches(['{', '}']).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    /// Two snapshots, one below the other; the machine stands on the second.
    const BOX: &str = r#"<?xml version="1.0"?>
<VirtualBox xmlns="http://www.virtualbox.org/" version="1.19-linux">
 <Machine uuid="{11111111-2222-4333-8444-555555555555}" name="検証" OSType="Windows7" currentSnapshot="{bbbbbbbb-2222-4333-8444-555555555555}" snapshotFolder="Snapshots" lastStateChange="2026-04-20T11:17:30Z">
  <MediaRegistry><HardDisks>
   <HardDisk uuid="{01020304-0506-0708-090a-0b0c0d0e0f10}" location="win7.vhd" format="VHD" type="Normal">
    <HardDisk uuid="{a2020304-0506-0708-090a-0b0c0d0e0f10}" location="Snapshots/{a2020304-0506-0708-090a-0b0c0d0e0f10}.vhd" format="VHD">
     <HardDisk uuid="{a3020304-0506-0708-090a-0b0c0d0e0f10}" location="Snapshots/{a3020304-0506-0708-090a-0b0c0d0e0f10}.vhd" format="VHD"/>
    </HardDisk>
   </HardDisk>
   <HardDisk uuid="{cc020304-0506-0708-090a-0b0c0d0e0f10}" location="data.vdi" format="VDI" type="Normal"/>
  </HardDisks></MediaRegistry>
  <Snapshot uuid="{aaaaaaaa-2222-4333-8444-555555555555}" name="first" timeStamp="2026-02-10T20:00:00Z">
   <Hardware><StorageControllers><StorageController name="SATA"><AttachedDevice type="HardDisk" port="0"><Image uuid="{01020304-0506-0708-090a-0b0c0d0e0f10}"/></AttachedDevice>
    <AttachedDevice type="DVD" port="1"/></StorageController></StorageControllers></Hardware>
   <Snapshots><Snapshot uuid="{bbbbbbbb-2222-4333-8444-555555555555}" name="second" timeStamp="2026-03-01T20:05:00Z">
    <StorageControllers><StorageController name="SATA"><AttachedDevice type="HardDisk" port="0"><Image uuid="{a2020304-0506-0708-090a-0b0c0d0e0f10}"/></AttachedDevice></StorageController></StorageControllers>
   </Snapshot></Snapshots>
  </Snapshot>
  <StorageControllers><StorageController name="SATA"><AttachedDevice type="HardDisk" port="0"><Image uuid="{a3020304-0506-0708-090a-0b0c0d0e0f10}"/></AttachedDevice>
   <AttachedDevice type="HardDisk" port="2"><Image uuid="{cc020304-0506-0708-090a-0b0c0d0e0f10}"/></AttachedDevice></StorageController></StorageControllers>
 </Machine>
</VirtualBox>"#;

    #[test]
    fn snapshots_disks_and_what_is_in_use_are_read_in_either_place() {
        let facts = read(BOX.as_bytes()).unwrap();
        let leaf = "Snapshots/{a3020304-0506-0708-090a-0b0c0d0e0f10}.vhd".to_owned();
        assert_eq!(facts.machines[0].name, "検証");
        assert_eq!(facts.machines[0].disks, Some(vec![leaf.clone()]));
        let [first, second] = facts.snapshots.as_slice() else {
            panic!("two snapshots");
        };
        assert_eq!(first.disks, Some(vec!["win7.vhd".to_owned()]));
        assert_eq!(first.taken.unwrap().at.to_string(), "2026-02-10T20:00:00Z");
        assert_eq!(second.parent, first.id);
        assert_eq!(facts.machines[0].parent, second.id);
        assert_eq!(facts.files.len(), 3);
        let base = facts.files[0].disk.as_ref().unwrap();
        let bytes = [4, 3, 2, 1, 6, 5, 8, 7, 9, 10, 11, 12, 13, 14, 15, 16];
        assert_eq!(base.id, Some(Uuid::from_bytes(bytes)));
        let last = facts.files.iter().find(|file| file.path == leaf).unwrap();
        let parent = last.disk.as_ref().unwrap().parent.as_deref();
        assert_eq!(
            parent,
            Some("Snapshots/{a2020304-0506-0708-090a-0b0c0d0e0f10}.vhd")
        );
    }

    #[test]
    fn what_is_no_settings_file_is_an_error_or_says_nothing() {
        assert!(read(b"<VirtualBox").is_err());
        let empty = read(b"<VirtualBox></VirtualBox>").unwrap();
        assert_eq!(empty, HostFacts::default());
        let deep = format!(
            "<VirtualBox><Machine>{}{}</Machine></VirtualBox>",
            "<Snapshot><Snapshots>".repeat(300),
            "</Snapshots></Snapshot>".repeat(300)
        );
        let error = read(deep.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("250 snapshots"), "{error}");
    }
}
