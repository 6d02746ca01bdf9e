//! One disk read again because the user asks for it. (A torn read is the probe's to repeat.)

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::engine::{gate, maps};
use super::{Entry, ScanError, ScanOptions};
use crate::finding::Finding;
use crate::format::vhd::SECTOR_BYTES;
use crate::job::Job;
use crate::store::containers::xo;
use crate::store::facts::Files;
use crate::store::host::rows::{Ends, date_disk};
use crate::store::journals;
use crate::store::link::{Stage, link};
use crate::store::names::{Named, named};
use crate::store::place::real_path;
use crate::store::probe::{self, Outcome, TakenAs};
use crate::store::walk::Way;
use crate::store::{Disk, DiskId, Forest, codes};

pub(super) fn rescan(
    forest: &Forest,
    id: DiskId,
    options: &ScanOptions,
    files: &dyn Files,
    job: &Job,
) -> Result<Arc<Forest>, ScanError> {
    let gate = gate(options)?;
    let mut folders = HashMap::new();
    let mut entries: Vec<Entry> = forest
        .disks
        .iter()
        .zip(&forest.nodes)
        .map(|(disk, node)| Entry {
            folder: real_folder(&mut folders, &disk.path),
            disk: Arc::clone(disk),
            way: Way::Direct,
            also: Vec::new(),
            host: node.host.clone().map(|row| (row, Ends::of(Some(node)))),
        })
        .collect();
    if let Some(entry) = entries.get_mut(id.0 as usize) {
        let mut disk = read_again(&entry.disk, options, files, job);
        if let Some((row, ends)) = &entry.host {
            date_disk(&mut disk, row, *ends);
        }
        entry.disk = disk;
    }
    let mut linked = link(&entries, &maps(options), &gate, Stage::Whole);
    for (node, old) in linked.nodes.iter_mut().zip(&forest.nodes) {
        node.in_use_by.clone_from(&old.in_use_by);
        node.snapshots.clone_from(&old.snapshots);
        node.product = old.product;
        node.host.clone_from(&old.host);
        node.label.clone_from(&old.label);
        let of_backups = old.findings.iter();
        let of_backups = of_backups.filter(|of| xo::ALL.contains(&of.code));
        node.findings.extend(of_backups.cloned());
    }
    let mut forest = Forest {
        disks: entries.into_iter().map(|entry| entry.disk).collect(),
        nodes: linked.nodes,
        tops: linked.tops,
        ..forest.clone()
    };
    journals::tell(&mut forest);
    Ok(Arc::new(forest))
}

fn read_again(old: &Disk, options: &ScanOptions, files: &dyn Files, job: &Job) -> Arc<Disk> {
    let taken = match named(&old.path) {
        Named::Raw => TakenAs::Raw(SECTOR_BYTES),
        _ => TakenAs::As(Named::Disk),
    };
    match probe::probe(files, &old.path, taken, options.counts, &probe::inner(job)) {
        Outcome::Disk(disk) if probe::is_counted_later(&disk, options.counts) => {
            Arc::new(probe::count(files, &disk, job))
        }
        Outcome::Disk(disk) => disk,
        Outcome::NoDisk => unreadable(old, "it is no disk any more"),
        Outcome::Error(error) => unreadable(old, &error.error),
    }
}

fn unreadable(old: &Disk, why: &str) -> Arc<Disk> {
    let finding = Finding::new(&codes::UNREADABLE, format!("It could not be read: {why}."));
    Arc::new(probe::row(&old.path, old.file.clone(), vec![finding]))
}

fn real_folder(known: &mut HashMap<PathBuf, Arc<Path>>, path: &Path) -> Arc<Path> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if let Some(real) = known.get(folder) {
        return Arc::clone(real);
    }
    let real: Arc<Path> = real_path(folder)
        .unwrap_or_else(|_| folder.to_path_buf())
        .into();
    known.insert(folder.to_path_buf(), Arc::clone(&real));
    real
}
