//! Several saved scans as one: with several machines, whatever names a place or a virtual machine begins with the name of
//! its machine, as `HV01:/vmstore/a.vhd` does, so that equal paths on two of them stay two.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::{ReadError, SavedScan};
use crate::format::base64;
use crate::report::json::ls::{DiskJson, LsBody};
use crate::report::json::store::MachineJson;

/// One scan of all, and when each machine was scanned: at the older of two moments.
///
/// # Errors
/// When two scans of one machine hold the same disk.
pub(super) fn joined(
    mut scans: Vec<SavedScan>,
) -> Result<(SavedScan, HashMap<String, Timestamp>), ReadError> {
    for scan in &mut scans {
        if scan.body.scan.host.is_none() && !scan.name.is_empty() {
            let of_several = scan.body.disks.iter().any(|disk| disk.host.is_some());
            scan.body.scan.host = (!of_several).then(|| scan.name.clone());
        }
    }
    // Those of one machine follow each other, in the order they were given.
    scans.sort_by(|a, b| a.body.scan.host.cmp(&b.body.scan.host));
    let hosts: HashSet<_> = scans.iter().map(|scan| &scan.body.scan.host).collect();
    if hosts.len() > 1 {
        for scan in &mut scans {
            name_all(scan);
        }
    }
    let mut moments: HashMap<String, Timestamp> = HashMap::new();
    for scan in scans.iter().map(|scan| &scan.body.scan) {
        if let Some((host, at)) = scan.host.clone().zip(scan.at) {
            let known = moments.entry(host).or_insert(at);
            *known = at.min(*known);
        }
    }
    let mut scans = scans.into_iter();
    let mut all = scans.next().unwrap_or_else(SavedScan::nothing);
    for scan in scans {
        add(&mut all, scan);
    }
    let mut seen = HashSet::new();
    let twice = all.body.disks.iter().find(|disk| !seen.insert(&disk.path));
    match twice {
        Some(disk) => Err(ReadError::Twice {
            path: disk.path.clone(),
        }),
        None => Ok((all, moments)),
    }
}

fn add(all: &mut SavedScan, scan: SavedScan) {
    let (body, mut more) = (&mut all.body, scan.body);
    let of = &mut body.scan;
    if of.host != more.scan.host {
        of.host = None;
    }
    // Of two moments neither is the moment of all.
    of.at = of.at.filter(|at| Some(*at) == more.scan.at);
    of.roots.extend(more.scan.roots);
    // Places are counted on from what is there.
    let store = &mut body.store;
    let mut places = MachinePlaces::of(&store.machines);
    let machines: Vec<u32> = more
        .store
        .machines
        .into_iter()
        .map(|machine| places.add(&mut store.machines, machine))
        .collect();
    let behind = |known: &mut Option<u32>| {
        *known = known.and_then(|at| machines.get(at as usize).copied());
    };
    let first = u32::try_from(store.snapshots.len()).unwrap_or(u32::MAX);
    for snapshot in &mut more.store.snapshots {
        behind(&mut snapshot.machine);
    }
    for snapshot in more.disks.iter_mut().flat_map(|disk| &mut disk.snapshots) {
        behind(&mut snapshot.machine);
        snapshot.known = snapshot.known.and_then(|at| at.checked_add(first));
    }
    store.snapshots.extend(more.store.snapshots);
    store.side_findings.extend(more.store.side_findings);
    store.companions.extend(more.store.companions);
    body.disks.extend(more.disks);
    all.complete &= scan.complete;
    all.errors.extend(scan.errors);
}

/// By name, id and source, where a machine stands: one that several scans of its host know is one.
struct MachinePlaces(HashMap<MachineKey, usize>);

type MachineKey = (String, Option<Uuid>, Option<String>);

impl MachinePlaces {
    fn key(machine: &MachineJson) -> MachineKey {
        (machine.name.clone(), machine.id, machine.source.clone())
    }

    fn of(all: &[MachineJson]) -> Self {
        let places = all.iter().zip(0..);
        Self(
            places
                .map(|(machine, at)| (Self::key(machine), at))
                .collect(),
        )
    }

    /// Adds a machine, or what it says to the one that it is; returns the place.
    fn add(&mut self, all: &mut Vec<MachineJson>, machine: MachineJson) -> u32 {
        let at = *self.0.entry(Self::key(&machine)).or_insert(all.len());
        match all.get_mut(at) {
            Some(known) => {
                if let Some(more) = machine.disks {
                    let disks = known.disks.get_or_insert_default();
                    let more: Vec<_> = more
                        .into_iter()
                        .filter(|disk| !disks.contains(disk))
                        .collect();
                    disks.extend(more);
                }
            }
            None => all.push(machine),
        }
        u32::try_from(at).unwrap_or(u32::MAX)
    }
}

/// Puts the name of its machine before everything of a scan.
fn name_all(scan: &mut SavedScan) {
    let Some(host) = scan.body.scan.host.clone() else {
        return;
    };
    let LsBody {
        scan: of,
        store,
        disks,
    } = &mut scan.body;
    let paths: HashSet<String> = disks.iter().map(|disk| disk.path.clone()).collect();
    let place = |text: &mut String| text.insert_str(0, &format!("{host}:"));
    let vm = |text: &mut String| text.insert_str(0, &format!("{host}: "));
    let bytes = |bytes: &mut Option<String>| {
        if let Some(own) = bytes.as_deref().and_then(base64::decode) {
            let mut all = format!("{host}:").into_bytes();
            all.extend(own);
            *bytes = Some(base64::encode(&all));
        }
    };
    of.roots.iter_mut().for_each(place);
    for disk in disks {
        let DiskJson {
            host: of,
            path,
            path_bytes,
            parent,
            children,
            in_use_by,
            snapshots,
            ..
        } = disk;
        of.get_or_insert_with(|| host.clone());
        place(path);
        bytes(path_bytes);
        let parent = parent.iter_mut().filter_map(|of| of.resolved.as_mut());
        parent.chain(children).for_each(place);
        in_use_by.iter_mut().flatten().for_each(vm);
        for snapshot in snapshots {
            snapshot.vm.iter_mut().for_each(vm);
            let verdict = snapshot.verdict.iter_mut();
            verdict.filter_map(|of| of.above.as_mut()).for_each(place);
        }
    }
    // What is not in the store stays as its configuration writes it.
    let used = |disks: &mut Vec<String>| {
        let here = disks.iter_mut().filter(|path| paths.contains(*path));
        here.for_each(place);
    };
    for machine in &mut store.machines {
        vm(&mut machine.name);
        machine.disks.iter_mut().for_each(used);
    }
    for snapshot in &mut store.snapshots {
        used(&mut snapshot.disks);
    }
    for found in &mut store.side_findings {
        place(&mut found.path);
        bytes(&mut found.path_bytes);
    }
    for file in &mut store.companions {
        place(&mut file.path);
        bytes(&mut file.path_bytes);
    }
    for error in &mut scan.errors {
        place(&mut error.path);
        bytes(&mut error.path_bytes);
    }
}

#[cfg(test)]
mod tests {
    use crate::report::json::read::{ReadError, scans, together};

    fn scan(host: &str, at: &str, form: &str) -> String {
        let disk = |path: &str, more: &str| {
            format!(
                r#"{{"path":"{path}","virtual_size":null,"file_size":1,"block_size":null,"sector_size":null,"blocks":null,"dirty_blocks":null,"dirty_sectors":null,"dirty_bytes":null,"id":null,"created":null,"created_source":null,"modified":null,{more}}}"#
            )
        };
        let a = disk("/s/a.vhd", r#""parent":null,"children":["/s/b.vhd"]"#);
        let b = disk(
            "/s/b.vhd",
            r#""parent":{"id_wanted":null,"stored_paths":[],"resolved":"/s/a.vhd","state":"ok"},"in_use_by":["web"]"#,
        );
        let head = format!(
            r#""schema":"vhdtree/1","command":"ls","host":"{host}","at":"{at}","roots":["/s"],"complete":true,"errors":[],"companions":[],"machines":[{{"name":"web","disks":["/s/b.vhd"]}}]"#
        );
        match form {
            "json" => format!(r#"{{{head},"disks":[{a},{b}]}}"#),
            _ => format!("{{\"record\":\"scan\",{head},\"disks\":2}}\n{a}\n{b}\n"),
        }
    }

    fn read(texts: &[String]) -> Result<crate::report::json::read::Saved, ReadError> {
        let all = texts
            .iter()
            .flat_map(|text| scans(&mut text.as_bytes(), "x").unwrap());
        together(all.collect())
    }

    #[test]
    fn equal_paths_of_several_hosts_stay_apart_in_both_forms() {
        let texts = [
            scan("HV02", "2026-11-02T00:00:00Z", "ndjson"),
            scan("HV01", "2026-11-01T00:00:00Z", "json"),
            scan("HV03", "2026-11-01T00:00:00Z", "ndjson"),
        ];
        let one = read(&texts).unwrap().forest;
        let file = read(&[texts[0].clone() + &texts[2], texts[1].clone()])
            .unwrap()
            .forest;
        assert_eq!(one.disks, file.disks, "one file may hold several scans");
        let paths: Vec<_> = one
            .disks
            .iter()
            .map(|disk| disk.path.display().to_string())
            .collect();
        assert_eq!(
            paths[..3],
            ["HV01:/s/a.vhd", "HV01:/s/b.vhd", "HV02:/s/a.vhd"]
        );
        let ids: Vec<_> = one.ids().collect();
        assert_eq!(one.host_of(ids[1]), Some("HV01"));
        assert_eq!(one.host_of(ids[5]), Some("HV03"));
        assert_eq!((one.host(), one.at), (None, None));
        assert_eq!(one.parent_of(ids[3]), Some(ids[2]));
        assert_eq!(one.tops.len(), 3);
        let names: Vec<_> = one
            .machines
            .iter()
            .map(|machine| machine.name.as_str())
            .collect();
        assert_eq!(names, ["HV01: web", "HV02: web", "HV03: web"]);
        assert_eq!(
            one.machines[1].disks.as_ref().unwrap()[0].disk,
            Some(ids[3])
        );
    }

    #[test]
    fn one_host_keeps_its_paths_and_two_scans_of_one_store_are_refused() {
        let old = scan("HV01", "2026-11-01T00:00:00Z", "ndjson");
        let new = scan("HV01", "2026-11-02T00:00:00Z", "json");
        let one = read(std::slice::from_ref(&old)).unwrap().forest;
        assert_eq!(one.disks[0].path.to_str(), Some("/s/a.vhd"));
        assert_eq!(one.host(), Some("HV01"));
        assert!(one.complete);
        let error = read(&[old.clone(), new.clone()]).unwrap_err().to_string();
        assert!(
            error.contains("/s/a.vhd") && error.contains("changes OLD NEW"),
            "{error}"
        );
        let cut = old.lines().take(2).collect::<Vec<_>>().join("\n");
        assert!(!read(&[cut]).unwrap().forest.complete);
        let other = new.replace("/s/", "/t/");
        assert_eq!(read(&[old, other]).unwrap().forest.disks.len(), 4);
    }
}
