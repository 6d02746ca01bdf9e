//! The codes of health findings that only the whole forest shows.

crate::catalogue! {
    /// A disk nobody names.
    DISK_ORPHAN = "disk-orphan", Warning, "no configuration or list read here leads to this disk",
        why: "It may be a leftover of a revert, a backup or a failed delete, or belong to a machine whose configuration lies elsewhere.",
        action: "Find its owner before deleting it; a disk of an unseen machine looks the same.";
    /// A snapshot without its disk.
    SNAPSHOT_DISK_MISSING = "snapshot-disk-missing", Error, "a snapshot names a disk that is not in the store",
        why: "It cannot be applied, nor judged.",
        action: "Bring the disk, or name its folder; if it is gone, so is that state.";
    /// A machine without its disk.
    MACHINE_DISK_MISSING = "machine-disk-missing", Error, "a machine uses a disk that is not in the store",
        why: "What the machine uses now cannot be followed to its base.",
        action: "Bring the disk, or name its folder.";
    MACHINE_REVERTED = "machine-reverted", Warning, "the machine was set back to a snapshot since it was taken",
        why: "What was done between the two times is in no file any more, and nothing in Hyper-V Manager shows it. Deleting the snapshot removes the last way back to the moment it was taken.",
        action: "Make sure nobody misses that time before anything is deleted: `plan` tells what a delete would do.";
    /// Two machines on one line.
    LEAF_SHARED = "leaf-shared", Error, "two machines use the same disk",
        why: "Two machines writing to one disk destroy it; labels or configurations may also be copies of one another.",
        action: "Find out which machine owns it.";
    IN_USE_BELOW = "in-use-below", Error, "a machine uses a disk that has children",
        why: "Each write of the machine makes its children wrong.",
        action: "Stop the machine; find out which disk it should use.";
    MACHINE_MERGE_PENDING = "machine-merge-pending", Warning, "a machine waits for a merge",
        why: "A deleted snapshot's disk is still in the chain; on 2008 and 2008 R2 the merge starts only when the machine is off.",
        action: "Let it finish before deleting more snapshots.";
    /// Disks that lie above a frozen one without an owner.
    LINGERING = "lingering-disk", Warning, "a disk inside a machine's chain that no snapshot owns",
        why: "A backup's leftover, or a deleted snapshot whose merge has not run. The machine needs the file.",
        action: "Let backups and merges finish; do not delete the file by hand. If it stays: take a new checkpoint and delete it, which merges what lies below; or merge by hand with the machine off (`Merge-VHD`), on a copy first.";
}
