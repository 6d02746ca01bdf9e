//! What is said of a guest's volumes.

crate::catalogue! {
    /// Contents that only a key opens.
    GUEST_ENCRYPTED = "guest-encrypted", Warning, "a volume inside the disk is encrypted",
        why: "Its file names cannot be read, so a list of changed or lost files leaves this volume out.",
        action: "Look at it from inside the machine, or unlock a copy there.";

    GUEST_NOT_READ = "guest-not-read", Warning, "a volume inside the disk is of a kind that is not read",
        why: "A list of changed or lost files leaves this volume out; it is not a list of nothing.",
        action: "Look at it from inside the machine, or attach a copy of the disk to another one.";

    /// Left in the middle of something.
    GUEST_NOT_CLEAN = "guest-not-clean", Info, "a volume was in use when the disk was taken",
        why: "Its last few seconds may be in its log only, so names and sizes may lag behind by as much.",
        action: "Nothing; a snapshot of a running machine looks like this.";

    GUEST_JOURNAL_UNUSABLE = "guest-journal-unusable", Warning, "a volume's journal cannot be replayed",
        why: "Without its journal a volume that was in use may show files as they were not.",
        action: "Take what is listed as a hint; let the guest's own tools repair a copy to be sure.";

    /// A part that lies on another disk.
    GUEST_ELSEWHERE = "guest-elsewhere", Warning, "a volume lies on other disks as well",
        why: "What lies elsewhere cannot be read from this disk.",
        action: "Look at it from inside the machine.";

    /// Structures that are wrong.
    GUEST_DAMAGED = "guest-damaged", Warning, "structures of a file system inside the disk are damaged",
        why: "Files behind them are left out.",
        action: "Check the volume with the guest's own tools, on a copy.";

    /// Another partition table than the parent's.
    GUEST_TABLE_CHANGED = "guest-table-changed", Warning, "the two disks do not hold the same partitions",
        why: "A volume that only one of them has cannot be compared.",
        action: "List both with `files --all`.";

    GUEST_CUT = "guest-cut", Warning, "there is more than is listed",
        why: "A limit that keeps memory small was reached; the counts go on, the list does not.",
        action: "Ask for one folder with --in, or for one kind of change with --only.";
}
