//! Records as `xe` prints them: `key ( RO)   : value`, a blank line after each.
//!
//! ```text
//! (xe vdi-list params=uuid,name-label,is-a-snapshot,snapshot-of,snapshot-time,managed,sr-uuid
//!  xe vbd-list type=Disk params=vdi-uuid,vm-uuid,vm-name-label
//!  xe snapshot-list params=uuid,name-label,snapshot-of,snapshot-time) > vhdtree-host.xe
//! ```

use std::collections::{HashMap, HashSet};

use super::limits::RECORDS;
use super::pool::{Object, Pool, reference, time};
use super::{HostError, HostFacts};

/// Whether a text begins as one.
pub(super) fn is_one(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.next().is_some_and(|line| field(line).is_some())
}

/// Reads the records.
///
/// # Errors
/// If they are more than are kept.
pub(super) fn read(text: &str) -> Result<HostFacts, HostError> {
    let mut pool = Pool::default();
    let mut names: HashMap<String, String> = HashMap::new();
    let mut record: HashMap<&str, &str> = HashMap::new();
    let mut records = 0_usize;
    for line in text.lines().chain([""]) {
        match field(line.trim()) {
            Some((key, value)) if WANTED.contains(&key) => {
                record.insert(key, value);
            }
            None if line.trim().is_empty() && !record.is_empty() => {
                records = records.saturating_add(1);
                if records > RECORDS {
                    return Err(HostError::TooMany(RECORDS, "records"));
                }
                take(&mut pool, &mut names, &record);
                record.clear();
            }
            _ => {}
        }
    }
    let snapshots: HashSet<String> = pool.vms.iter().map(|vm| vm.key.clone()).collect();
    let mut names: Vec<_> = names.into_iter().collect();
    names.sort();
    let machines = names
        .into_iter()
        .filter(|(uuid, _)| !snapshots.contains(uuid));
    let machines = machines.map(|(uuid, name)| Object {
        key: uuid.clone(),
        uuid,
        name,
        ..Object::default()
    });
    let machines: Vec<Object> = machines.collect();
    pool.vms.extend(machines);
    Ok(pool.facts())
}

/// The fields that are read.
const WANTED: [&str; 10] = [
    "uuid",
    "name-label",
    "is-a-snapshot",
    "snapshot-of",
    "snapshot-time",
    "managed",
    "sr-uuid",
    "vdi-uuid",
    "vm-uuid",
    "vm-name-label",
];

/// `key ( RO)   : value`.
fn field(line: &str) -> Option<(&str, &str)> {
    let (head, value) = line.split_once(':')?;
    let (key, mode) = head.split_once('(')?;
    let is_mode = ["RO", "RW", "SRO", "SRW", "MRO", "MRW"]
        .contains(&mode.trim().trim_end_matches(')').trim());
    is_mode.then_some((key.trim(), value.trim()))
}

fn take(pool: &mut Pool, names: &mut HashMap<String, String>, record: &HashMap<&str, &str>) {
    let get = |name: &str| record.get(name).copied().unwrap_or_default();
    if let (Some(vdi), Some(vm)) = (reference(get("vdi-uuid")), reference(get("vm-uuid"))) {
        names.insert(vm.clone(), get("vm-name-label").to_owned());
        pool.vbds.push((vm, vdi));
        return;
    }
    let is_vdi = ["is-a-snapshot", "sr-uuid", "managed"]
        .iter()
        .any(|key| record.contains_key(key));
    let is_snapshot = if is_vdi {
        get("is-a-snapshot") == "true"
    } else {
        record.contains_key("snapshot-of")
    };
    let object = Object {
        key: get("uuid").to_owned(),
        uuid: get("uuid").to_owned(),
        name: get("name-label").to_owned(),
        snapshot_of: is_snapshot.then(|| reference(get("snapshot-of")).unwrap_or_default()),
        taken: time(get("snapshot-time")),
        made_in: None,
    };
    match (is_vdi, is_snapshot) {
        _ if object.key.is_empty() => {}
        (true, _) => pool.vdis.push(object),
        (false, true) => pool.vms.push(object),
        (false, false) => {}
    }
}
