//! Facts that come to a forest read back from saved scans. What lies in the store is not looked at again: the host's rows date
//! its disks, and machines and snapshots of the facts join those that the scans knew.

use std::sync::Arc;

use crate::finding::Finding;
use crate::store::earlier::EarlierMatch;
use crate::store::host::load;
use crate::store::host::rows::{Ends, Rows, date_disk};
use crate::store::host::{FactsFile, HostFacts};
use crate::store::join::{Known, join};
use crate::store::{Forest, HostRow, ScanError, ScanOptions, codes};

/// Adds facts and earlier scans to a forest of saved scans. With several hosts, facts of one of them hold for its disks.
///
/// # Errors
/// When an input cannot be read or understood.
pub fn add_facts(forest: &mut Forest, options: &ScanOptions) -> Result<(), ScanError> {
    let mut facts = load::named(&options.facts)?;
    for of in &mut facts {
        name_as_saved(forest, &mut of.facts);
    }
    for of in &facts {
        date(forest, of, options);
    }
    let places: Vec<_> = forest.disks.iter().map(|disk| disk.path.clone()).collect();
    let known = Known {
        records: &[],
        facts: &facts,
        now: &[],
        places: &places,
        maps: &options.maps,
    };
    join(forest, &known);
    let earlier = options.earlier.iter();
    forest.earlier = earlier
        .map(|scan| EarlierMatch::of(Arc::clone(scan), forest))
        .collect();
    Ok(())
}

/// Forgets what lay above the folders when they were read: other facts are brought now.
pub fn forget_facts_above(forest: &mut Forest) {
    let is_above = |of: &Finding| *of.code == codes::FACTS_ABOVE;
    forest.side_findings.retain(|(_, of)| !is_above(of));
}

/// Gives the disks their rows of one input, and their times.
fn date(forest: &mut Forest, of: &FactsFile, options: &ScanOptions) {
    let held = of.facts.host.as_deref();
    let held = held.and_then(|host| forest.disks_of(host));
    let held = held.unwrap_or(0..forest.disks.len());
    let disks = forest.disks.get(held.clone()).unwrap_or_default();
    let disks: Vec<_> = disks
        .iter()
        .map(|disk| (&**disk, disk.path.clone()))
        .collect();
    let rows = Rows::new([of.clone()].into()).of_disks(&disks, &options.maps);
    drop(disks);
    for (at, row) in held.zip(rows) {
        if let Some(row) = row {
            take_row(forest, at, row);
        }
    }
}

fn take_row(forest: &mut Forest, at: usize, row: Arc<HostRow>) {
    let (disk, node) = (forest.disks.get_mut(at), forest.nodes.get_mut(at));
    if let Some((disk, node)) = disk.zip(node)
        && node.host.is_none()
    {
        date_disk(disk, &row, Ends::of(Some(node)));
        node.host = Some(row);
    }
}

/// Of several hosts, a machine is named with its own: by the input's host, else where only one of them has it.
fn name_as_saved(forest: &Forest, facts: &mut HostFacts) {
    let [_, _, ..] = forest.scanned_on.as_slice() else {
        return;
    };
    let hosts = forest.scanned_on.iter().map(|of| of.host.as_str());
    let hosts: Vec<&str> = hosts.collect();
    let is_told = |host: &&&str| {
        let told = facts.host.as_deref();
        told.is_some_and(|told| told.eq_ignore_ascii_case(host))
    };
    let told = hosts.iter().find(is_told).copied();
    let named = |name: &str| {
        let full = |host: &str| format!("{host}: {name}");
        if let Some(host) = told {
            return Some(full(host));
        }
        let is_known = |full: &String| forest.machines.iter().any(|of| of.name == *full);
        let mut known = hosts.iter().map(|host| full(host)).filter(is_known);
        known.next().filter(|_| known.next().is_none())
    };
    let machines = facts.machines.iter_mut().map(|of| &mut of.name);
    let owners = facts.snapshots.iter_mut();
    let owners = owners.filter_map(|of| of.vm.as_mut());
    for name in machines.chain(owners) {
        if let Some(full) = named(name) {
            *name = full;
        }
    }
}
