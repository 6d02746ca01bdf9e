//! What an XCP-ng or XenServer pool knows of its machines and disks, from any of its three forms.
//!
//! A snapshot of a machine is a machine of its own there, whose disks are leaves beside the disk in use; so a snapshot's
//! disks are named by the ids of those VDIs, and a VDI is found by the id its file or volume is named by.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::{HostFacts, HostMachine, HostSnapshot, HostVdi, VdiRole};
use crate::format::guid;
use crate::store::when::{self, DayOrder, When, ZoneNamed};

/// Rows of a pool, by whatever key its form joins them with: a reference or a uuid.
#[derive(Debug, Default)]
pub(super) struct Pool {
    pub vms: Vec<Object>,
    pub vdis: Vec<Object>,
    /// Machine and VDI of each attached disk.
    pub vbds: Vec<(String, String)>,
}

/// A machine, a snapshot of one, or a VDI.
#[derive(Debug, Default, Clone)]
pub(super) struct Object {
    pub key: String,
    pub uuid: String,
    pub name: String,
    /// What it is a snapshot of, if it is one; empty if that is gone.
    pub snapshot_of: Option<String>,
    pub taken: Option<When>,
    /// The generation of the database in which its record was made.
    pub made_in: Option<u64>,
}

impl Pool {
    /// As facts: a snapshot for each snapshot of a machine, and for each VDI that was taken alone.
    pub fn facts(&self) -> HostFacts {
        let uuids: HashMap<&str, &str> = self
            .vdis
            .iter()
            .map(|vdi| (vdi.key.as_str(), vdi.uuid.as_str()))
            .collect();
        let mut disks: HashMap<&str, Vec<String>> = HashMap::new();
        let mut user: HashMap<&str, &str> = HashMap::new();
        for (vm, vdi) in &self.vbds {
            if let Some(uuid) = uuids.get(vdi.as_str()) {
                disks.entry(vm).or_default().push((*uuid).to_owned());
                user.insert(vdi, vm);
            }
        }
        let machines: HashMap<&str, &Object> = self
            .vms
            .iter()
            .filter(|vm| vm.snapshot_of.is_none())
            .map(|vm| (vm.key.as_str(), vm))
            .collect();
        let disks_of = |vm: &Object| disks.get(vm.key.as_str()).cloned().unwrap_or_default();
        let owned = |of: &Object, machine: Option<&&Object>, disks| HostSnapshot {
            vm: machine.map(|machine| machine.name.clone()),
            vm_id: machine.and_then(|machine| guid::from_text(&machine.uuid)),
            name: of.name.clone(),
            id: super::snapshot_id(&of.uuid),
            taken: of.taken,
            disks: Some(disks),
            ..HostSnapshot::default()
        };
        let mut facts = HostFacts {
            vdis: self
                .vdis
                .iter()
                .filter_map(|vdi| vdi.read(&uuids))
                .collect(),
            ..HostFacts::default()
        };
        let mut told: HashSet<String> = HashSet::new();
        for vm in &self.vms {
            let Some(of) = &vm.snapshot_of else {
                facts.machines.push(HostMachine {
                    name: vm.name.clone(),
                    id: guid::from_text(&vm.uuid),
                    disks: Some(disks_of(vm)),
                    ..HostMachine::default()
                });
                continue;
            };
            told.extend(disks_of(vm));
            let machine = machines.get(of.as_str());
            facts.snapshots.push(owned(vm, machine, disks_of(vm)));
        }
        for vdi in &self.vdis {
            let Some(of) = vdi
                .snapshot_of
                .as_ref()
                .filter(|_| !told.contains(&vdi.uuid))
            else {
                continue;
            };
            let machine = user.get(of.as_str()).and_then(|vm| machines.get(vm));
            facts
                .snapshots
                .push(owned(vdi, machine, vec![vdi.uuid.clone()]));
        }
        facts
    }
}

impl Object {
    /// As a disk; a snapshot of one that is gone leads nowhere.
    fn read(&self, uuids: &HashMap<&str, &str>) -> Option<HostVdi> {
        let of = self.snapshot_of.as_deref().map(|of| {
            let found = uuids.get(of).and_then(|uuid| guid::from_text(uuid));
            found.map_or(VdiRole::SnapshotOfNothing, VdiRole::SnapshotOf)
        });
        Some(HostVdi {
            id: guid::from_text(&self.uuid)?,
            name: self.name.clone(),
            role: of.unwrap_or(VdiRole::Own),
            time: self.taken.map(|when| when.at),
            made_in: self.made_in,
        })
    }
}

/// A time as a pool writes it; 1970 stands for none.
pub(super) fn time(text: &str) -> Option<When> {
    let when = when::parse(text, DayOrder::Unknown).ok()?;
    (when.at.as_second() > 0).then_some(When {
        zone: ZoneNamed::Known,
        ..when
    })
}

/// Seconds since 1970.
pub(super) fn seconds(seconds: i64) -> Option<When> {
    let at = Timestamp::from_second(seconds)
        .ok()
        .filter(|_| seconds > 0)?;
    Some(When {
        at,
        zone: ZoneNamed::Known,
    })
}

/// A reference that leads somewhere.
pub(super) fn reference(text: &str) -> Option<String> {
    let nothing = ["", "OpaqueRef:NULL", "<not in database>"];
    (!nothing.contains(&text.trim())).then(|| text.trim().to_owned())
}
