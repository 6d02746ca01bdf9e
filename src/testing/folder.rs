//! A store in a folder of its own, and what a scan says of it wherever the folder lies.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;

use crate::job::Job;
use crate::store::{BornSource, Forest, ScanOptions, scan};

/// A temporary folder; it goes with the value.
#[derive(Debug)]
pub struct StoreFolder(PathBuf);

impl StoreFolder {
    /// # Panics
    /// When the folder cannot be made.
    pub fn create() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("vhdtree-store-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a temporary folder");
        Self(path)
    }

    /// Has a file written, along with its folders, and sets its last write.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn put(
        &self,
        name: &str,
        modified: Timestamp,
        write: impl FnOnce(&Path) -> std::io::Result<()>,
    ) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&self.0)).expect("a folder of the store");
        write(&path).expect("a file of the store");
        let file = fs::File::options().append(true).open(&path);
        let set = file.and_then(|file| file.set_modified(modified.into()));
        set.expect("a last write");
    }

    /// Puts bytes into a file.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, name: &str, modified: Timestamp, bytes: &[u8]) {
        self.put(name, modified, |path| fs::write(path, bytes));
    }

    /// Scans the store, as if it lay at `shown`.
    ///
    /// # Panics
    /// When the folder cannot be read.
    pub fn scan(&self, shown: &str) -> Forest {
        let options = ScanOptions {
            roots: vec![self.0.clone()],
            ..ScanOptions::default()
        };
        let forest = scan(&options, &Job::default(), &mut |_| {}).expect("the folder can be read");
        moved(&forest, &self.0, Path::new(shown))
    }
}

impl Drop for StoreFolder {
    fn drop(&mut self) {
        // What is left there harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A forest as if its root had been another folder, on a file system that knows no births but what a host lists, and has
/// as much room each time.
pub fn moved(forest: &Forest, root: &Path, shown: &Path) -> Forest {
    let mut forest = forest.clone();
    let moved = |path: &mut PathBuf| {
        if let Ok(below) = path.strip_prefix(root) {
            *path = shown.join(below);
        }
    };
    let (real, seeming) = (root.to_string_lossy(), shown.to_string_lossy());
    let retold = |text: &mut String| *text = text.replace(&*real, &seeming);
    for disk in forest.disks.iter_mut().map(Arc::make_mut) {
        moved(&mut disk.path);
        let born = disk.file.born;
        disk.file.born = born.filter(|born| born.source == BornSource::Host);
        disk.file.allocated = Some(disk.file.len);
        disk.file.identity = None;
    }
    for node in &mut forest.nodes {
        for finding in &mut node.findings {
            retold(&mut finding.text);
        }
        if let Some(link) = &mut node.parent {
            link.resolved.iter_mut().for_each(moved);
            let tried = link.tried.iter_mut();
            tried.for_each(|tried| retold(&mut tried.what));
        }
    }
    for snapshot in &mut forest.snapshots {
        snapshot.config_born = None;
        moved(&mut snapshot.source);
    }
    forest
        .machines
        .iter_mut()
        .for_each(|machine| moved(&mut machine.source));
    forest
        .companions
        .iter_mut()
        .for_each(|(path, _)| moved(path));
    forest
        .side_findings
        .iter_mut()
        .for_each(|(path, _)| moved(path));
    forest.roots.iter_mut().for_each(moved);
    forest.free_bytes.fill(Some(211 << 30));
    forest.scanned_on.clear();
    forest.at = None;
    forest
}
