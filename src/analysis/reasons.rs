//! The codes of a plan: reasons against a delete, and kinds of loss.

crate::catalogue! {
    REVERTED = "reverted", Error, "the VM was reverted to this snapshot since it was taken",
        why: "What was done before the revert is in no file any more. The delete does not take it, but removes the last way back to the moment it began.",
        action: "Make sure nobody misses the time before the revert; then accept the reason for this state of the files.";
    /// A dead-end leaf would be deleted.
    DEAD_END = "dead-end", Error, "the snapshot's disk is part of no running VM: its changes are deleted, not merged",
        why: "This is the one delete that loses data in silence.",
        action: "Copy the disk and its parents first if that work matters.";
    /// Other disks would break.
    BREAKS_CHILDREN = "breaks-children", Error, "other disks are children of a file the delete changes or removes",
        why: "A child cannot be opened, or shows wrong content, once its parent has changed.",
        action: "Copy those disks with their parents, or merge them away first.";
    BROKEN_CHAIN = "broken-chain", Error, "the chain this delete works on is broken",
        why: "A parent is missing, differs or cannot be read; a merge would fail or mix content.",
        action: "Repair the chain first; `check` says where it breaks.";
    NOT_ENLARGED = "parent-not-enlarged", Error, "the receiving disk is too small and the engine cannot enlarge it",
        why: "The disk was enlarged after the snapshot, so its parent has to be enlarged before the merge. XCP-ng's tools refuse that for disks they did not make, and the merge fails.",
        action: "Copy the whole chain into a new disk (`vhd-util copy`, or export and import the VM) instead of deleting the snapshot.";
    /// The merge does not fit.
    NO_SPACE = "no-space", Error, "the merge may not fit the free space",
        why: "The receiving file grows first; the merged file is freed only at the end. A merge that runs out of space stops half-way.",
        action: "Make room on that volume first.";
    /// The scan is not whole.
    SCAN_PARTIAL = "scan-partial", Warning, "not all of the store was read",
        why: "A disk that was not seen may be a child of the files this delete changes.",
        action: "Scan again, with rights to read every folder.";
    /// The verdict cannot be given.
    CANNOT_TELL = "cannot-tell", Warning, "whether the VM was reverted cannot be told",
        why: "Evidence is missing, or contradicts.",
        action: "Bring what the verdict says would settle it.";
    NO_NOW = "now-not-known", Warning, "nothing says which disk the VM uses now",
        why: "Which file is merged into which depends on it.",
        action: "Bring the VM's configuration, or the host's list of its disks (--facts).";
    OTHER_MACHINE = "other-machine", Error, "another machine needs a file this delete changes or removes",
        why: "The engine knows only its own machine. It merges all the same, and the other machine's disk shows wrong content or cannot be opened.",
        action: "Give the other machine a copy of its own first, or leave the snapshot.";
    /// A merge is under way, or was.
    MERGE_UNFINISHED = "merge-unfinished", Error, "a merge is pending, or was begun and not finished",
        why: "The chain is between two states: which files belong to it will change, and a further delete may mix content.",
        action: "Let the merge finish (Hyper-V: with the VM off where it merges offline; XCP-ng: let the garbage collector run), then look again.";
    STALE_COPY = "stale-copy", Warning, "two snapshots of one machine name the same disk, or one snapshot has two configurations",
        why: "A snapshot freezes a disk of its own, so one of the two is an old copy, and its dates may be the wrong ones.",
        action: "Take the old copy out of the store, or bring today's list of snapshots.";
    /// Nobody names the machine.
    MACHINE_UNKNOWN = "machine-unknown", Warning, "nothing says which of several machines the snapshot belongs to",
        why: "Which disk is merged depends on it.",
        action: "Bring the host's list of snapshots, which names the machine.";
    /// A link the engine does not follow.
    BY_ID_ONLY = "linked-by-id-only", Warning, "a parent was found by its id alone, where the engine follows paths",
        why: "The machine does not start like this, or starts from another file of the wanted name elsewhere. What a delete would merge is not sure.",
        action: "Reconnect the disk to its parent (Set-VHD -Path CHILD -ParentPath PARENT), or name the folders with --map.";
    /// The disk in use is closed.
    NOW_UNREADABLE = "now-unreadable", Warning, "a disk of the chain could not be opened",
        why: "A running machine locks its disk. What stands on it, and what it stands on, is not known.",
        action: "Read the store when the machine is off, or bring the host's facts about its disks.";
    /// A disk of the snapshot is not here.
    DISK_MISSING = "disk-missing", Warning, "a disk of the snapshot is not in the store",
        why: "What the delete does to that disk, and whether it was re-made, cannot be seen.",
        action: "Bring the disk with its parents and children, or name its folder.";
    STATE_CHANGED = "state-changed", Error, "the files are not in the state that was expected",
        why: "The token given with --expect names another state of the files or another verdict.",
        action: "Look at the plan again.";
    LOSS_WAY_BACK = "way-back", Info, "lost: the way back to the snapshot's moment",
        why: "After the merge no file holds that state alone any more.", action: "Export or copy the snapshot first if it may be needed.";
    LOSS_OTHER_BRANCH = "other-branch", Warning, "lost: a branch that is a child of a changed file",
        why: "It cannot be opened any more once its parent has changed.", action: "Copy it with its parents first.";
    LOSS_DEAD_END = "dead-end-data", Error, "lost: the changes on a branch that no VM uses",
        why: "They are deleted, not merged.", action: "Copy the disk with its parents first.";
    LOSS_MEMORY = "memory", Info, "lost: the memory saved with the snapshot",
        why: "It is removed at once, before any merge.", action: "Nothing.";
}
