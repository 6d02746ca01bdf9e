//! Usage: what disks hold, summed over a forest.

use crate::image::Kind;
use crate::store::{Disk, DiskId, Forest, MachineId};

/// Sums over some disks. A disk that could not be counted adds to `uncounted` and to nothing else but `disks` and `file_bytes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Disks.
    pub disks: u64,
    /// Lengths of their files, in bytes.
    pub file_bytes: u64,
    /// Bytes they take on the file system; where it does not say, the file's length.
    pub allocated_bytes: u64,
    /// Bytes that differencing disks answer for themselves.
    pub dirty_bytes: u64,
    /// Differencing disks without complete counts.
    pub uncounted: u64,
}

impl Usage {
    /// Adds one disk.
    pub fn add(&mut self, disk: &Disk) {
        self.disks = self.disks.saturating_add(1);
        self.file_bytes = self.file_bytes.saturating_add(disk.file.len);
        self.allocated_bytes = self
            .allocated_bytes
            .saturating_add(disk.file.allocated.unwrap_or(disk.file.len));
        let differencing = disk
            .header
            .as_ref()
            .is_some_and(|header| header.kind == Kind::Differencing);
        match dirty_bytes(disk) {
            Some(bytes) => self.dirty_bytes = self.dirty_bytes.saturating_add(bytes),
            None if differencing => self.uncounted = self.uncounted.saturating_add(1),
            None => {}
        }
        if differencing && disk.counts.as_ref().is_some_and(|counts| !counts.complete) {
            self.uncounted = self.uncounted.saturating_add(1);
        }
    }
}

/// Bytes a differencing disk answers for itself; `None` for other disks, and where it was not counted.
pub fn dirty_bytes(disk: &Disk) -> Option<u64> {
    let header = disk
        .header
        .as_ref()
        .filter(|header| header.kind == Kind::Differencing)?;
    Some(
        disk.counts
            .as_ref()?
            .dirty_sectors
            .saturating_mul(u64::from(header.sector_size)),
    )
}

/// The sums of a tree: a disk and everything that hangs on it.
pub fn of_tree(forest: &Forest, top: DiskId) -> Usage {
    let mut usage = Usage::default();
    let mut open = vec![top];
    let mut steps = 0;
    while let Some(at) = open.pop() {
        // Links hold no cycle; the bound keeps this finite whatever happens.
        steps += 1;
        if steps > forest.disks.len() {
            break;
        }
        if let Some(disk) = forest.disk(at) {
            usage.add(disk);
        }
        open.extend(
            forest
                .node(at)
                .into_iter()
                .flat_map(|node| node.children.iter().copied()),
        );
    }
    usage
}

/// The sums of what a machine needs to run: the chains of the disks it uses now, each disk once.
pub fn of_machine(forest: &Forest, machine: MachineId) -> Usage {
    let mut disks: Vec<DiskId> = forest
        .machine(machine)
        .into_iter()
        .flat_map(|machine| machine.disks.iter().flatten())
        .filter_map(|used| used.disk)
        .flat_map(|disk| forest.line(disk))
        .collect();
    disks.sort_unstable();
    disks.dedup();
    let mut usage = Usage::default();
    for disk in disks.into_iter().filter_map(|id| forest.disk(id)) {
        usage.add(disk);
    }
    usage
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::plain::{MIB, story};

    #[test]
    fn sums_count_each_disk_once_and_name_what_was_not_counted() {
        let mut store = story("2009-05-02T14:10:01Z");
        store.vhd(
            "/s/mine.vhd",
            "/s/WIN7x64_Diff.vhd",
            "2009-09-01T00:00:00Z",
            "2009-10-01T00:00:00Z",
        );
        store.disk_mut("/s/mine.vhd").counts = None;
        store.disk_mut("/s/WIN7x64_Diff_7C.avhd").file.allocated = Some(MIB);
        let tree = of_tree(&store.forest, DiskId(0));
        assert_eq!(
            (tree.disks, tree.file_bytes, tree.uncounted),
            (3, 30 * MIB, 1)
        );
        assert_eq!(
            (tree.allocated_bytes, tree.dirty_bytes),
            (21 * MIB, 77 * 512)
        );
        let machine = of_machine(&store.forest, MachineId(0));
        assert_eq!(
            (machine.disks, machine.uncounted, machine.dirty_bytes),
            (2, 0, 77 * 512)
        );
        assert_eq!(dirty_bytes(store.forest.disk(DiskId(0)).unwrap()), None);
    }
}
