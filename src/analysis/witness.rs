//! The codes of witnesses: what each line of evidence is about.

crate::catalogue! {
    /// A date in a configuration.
    TAKEN_CONFIG = "taken-config", Info, "the configuration's date of the snapshot",
        why: "Written by the host when the snapshot was taken: the best date there is.", action: "Nothing.";
    /// A date in a label.
    TAKEN_LABEL = "taken-label", Info, "the host's list of snapshots gives the date",
        why: "CreationTime as the host keeps it.", action: "Nothing.";
    /// A date in a name.
    TAKEN_NAME = "taken-name", Info, "the snapshot's default name holds a date",
        why: "Hyper-V names a snapshot by VM and local time. The zone is unknown, and the name can be changed, so gaps under 26 hours are not told apart.", action: "Bring the snapshot list (--facts) for a finer date.";
    /// A name that can be read in two ways.
    TAKEN_NAME_AMBIGUOUS = "taken-name-ambiguous", Info, "the date in the snapshot's name can be read in two ways",
        why: "Day and month change places between countries, and nothing here decides which it is.", action: "Bring the snapshot list (--facts).";
    /// Memory file.
    TAKEN_MEMORY = "taken-memory", Info, "the snapshot's memory file was last written right after the snapshot",
        why: "Memory is written while the snapshot is taken and rarely touched again.", action: "Nothing.";
    /// Configuration file's times.
    TAKEN_CONFIG_FILE = "taken-config-file", Info, "the snapshot's configuration file was made or last written",
        why: "It is written when the snapshot is taken; renaming the snapshot writes it again.", action: "Nothing.";
    /// Frozen disk's last write, VM running.
    TAKEN_FROZEN_RUNNING = "taken-frozen-write", Info, "the frozen disk's last write, the VM having run",
        why: "The snapshot has memory, so the VM ran and wrote until the disk was frozen.", action: "Nothing.";
    /// Frozen disk's last write as a bound.
    TAKEN_NOT_BEFORE = "taken-not-before", Info, "the frozen disk's last write: the snapshot is not older",
        why: "A VM that was off may have left the disk alone for any time before the snapshot.", action: "Bring the snapshot list (--facts).";
    /// No date at all.
    TAKEN_UNKNOWN = "taken-unknown", Info, "nothing says when the snapshot was taken",
        why: "No configuration, label, memory file or file time gives a date.", action: "Bring the snapshot list (--facts).";
    /// Claims that contradict.
    TAKEN_DISAGREE = "taken-disagree", Warning, "two dates of the snapshot disagree",
        why: "The better one was used; a renamed snapshot or a rewritten file explains most of these.", action: "Look at both dates.";
    /// Footer of X.
    ABOVE_FOOTER = "above-footer", Info, "the footer of the disk above says when it was made",
        why: "The stamp lies inside the file, in UTC, and survives copying; later writes do not touch it.", action: "Nothing.";
    /// Birth of X.
    ABOVE_BIRTH = "above-birth", Info, "the file system says when the disk above was made",
        why: "A birth time is as good as the file's history: copying renews it, so the whole chain was checked first.", action: "Nothing.";
    /// Age of X unknown.
    ABOVE_UNKNOWN = "above-unknown", Info, "the age of the disk above cannot be told",
        why: "No time stamp inside the file, and no believable birth time.", action: "Bring a listing of times made on the host (--facts).";
    /// Footer no clock could have written.
    FOOTER_IMPLAUSIBLE = "footer-implausible", Warning, "a footer's time stamp cannot be right",
        why: "It is zero, before 2003, or later than anything in the store was written.", action: "Bring a listing of times made on the host (--facts).";
    /// Frozen disk younger than its snapshot.
    FROZEN_LATER = "frozen-later", Warning, "the frozen disk was made after its snapshot",
        why: "A frozen disk must be older than its snapshot. The store was copied, converted or moved, so ages say nothing.", action: "Bring a listing of times made on the host (--facts).";
    /// Birth later than last write.
    BIRTH_AFTER_WRITE = "birth-after-write", Warning, "a file was born after its last write: it is a copy",
        why: "A copy keeps the time of the last write and gets a new birth.", action: "Bring a listing of times made on the host (--facts).";
    /// All births at once.
    BIRTHS_TOGETHER = "births-together", Warning, "all files of the chain were born within an hour",
        why: "That is what copying a store looks like; a chain that grew has births as far apart as its snapshots.", action: "Bring a listing of times made on the host (--facts).";
    /// Configuration's birth differs from its date.
    CONFIG_BIRTH_DIFFERS = "config-birth-differs", Warning, "a snapshot's configuration file was born at another time than its date says",
        why: "The file was copied, and so, most likely, were the disks.", action: "Bring a listing of times made on the host (--facts).";
    /// Birth given by a file system that knows only the copy's.
    BIRTH_OF_COPY = "birth-of-copy", Info, "the file system here keeps births of its own copies only",
        why: "Births on a Linux file system are those of the copy. NTFS, ReFS, SMB shares and a times file keep the host's.", action: "Bring a listing of times made on the host (--facts).";
    /// No birth.
    BIRTH_MISSING = "birth-missing", Info, "the file system gave no birth time",
        why: "Without it a VHDX has no age: nothing inside the file is a date.", action: "Bring a listing of times made on the host (--facts).";
    /// Births hold together.
    BIRTHS_BELIEVED = "births-believed", Info, "the birth times of the chain hold together",
        why: "No file is younger than its last write or its snapshot, and they were not born all at once.", action: "Nothing.";
    /// Last write before the stamp.
    WRITE_BEFORE_MADE = "write-before-made", Warning, "a disk on top was last written before the disk above was made",
        why: "Both cannot be right: a clock was wrong, or a last write was set by a tool.", action: "Take the length of the gap with care.";
    /// Generation id the same.
    GENERATION_SAME = "generation-same", Info, "the VM's generation id is the snapshot's",
        why: "The host gives a new id when a snapshot's state starts to run, and on import, restore and failover.", action: "Nothing.";
    /// Generation id differs.
    GENERATION_DIFFERS = "generation-differs", Warning, "the VM's generation id is not the snapshot's",
        why: "A state was applied, or the VM was imported, restored or failed over.", action: "Ask whether the VM was imported or restored.";
    /// Generation id not at hand.
    GENERATION_UNKNOWN = "generation-unknown", Info, "no generation id to compare",
        why: "Hosts before 2012 have none; else the configurations are not in the store.", action: "Bring the configurations of the VM and its snapshots.";
    /// A second branch.
    BRANCH = "branch", Warning, "another branch of this VM hangs on the frozen disk",
        why: "Only applying a snapshot starts a second branch.", action: "Look at what the other branch holds.";
    /// Children of unknown origin.
    UNRELATED_CHILDREN = "unrelated-children", Warning, "disks of no known snapshot hang on the frozen disk",
        why: "They may have been attached by hand; they do not count as a branch. A merge into their parent breaks them.", action: "Find out who uses them.";
    /// The state before was kept.
    KEPT_BRANCH = "kept-branch", Info, "the state before the revert was kept as a snapshot",
        why: "Create checkpoint and apply keeps the state before.", action: "Do not delete that snapshot unless its state is no longer wanted.";
    /// The guest was not looked at.
    GUEST_UNKNOWN = "guest-unknown", Info, "the guest's own times were not looked at",
        why: "File systems inside the disks would show a gap, or activity across it.", action: "Nothing.";
    /// The guest's times show a gap.
    GUEST_GAP = "guest-gap", Warning, "the guest shows no activity between the snapshot and the birth of the disk above",
        why: "A revert takes the guest's own times back.", action: "Nothing.";
    /// The guest was active in the gap.
    GUEST_ACTIVE = "guest-active", Info, "the guest was active between the snapshot and the birth of the disk above",
        why: "Content that continues was not taken back.", action: "Nothing.";
    /// X stands at the snapshot.
    STANDS = "stands-at-snapshot", Info, "the disk above holds nothing that differs from the snapshot",
        why: "The VM shows the snapshot's state to the last sector: freshly reverted, or never used since.", action: "Nothing.";
    /// X holds changes.
    MOVED_ON = "moved-on", Info, "the disk above holds changes since the snapshot",
        why: "The VM went on from the snapshot.", action: "Nothing.";
    /// Disks of one VM agree.
    DISKS_AGREE = "disks-agree", Info, "the disks above all frozen disks were made within minutes of each other",
        why: "A snapshot and a revert make them all at once, so it was one act for all.", action: "Nothing.";
    /// One disk stands out.
    DISKS_DISAGREE = "disks-disagree", Warning, "the disks above were made at different times",
        why: "A revert makes them all at once; one was re-made on its own.", action: "Look at that disk.";
    /// Windows builds.
    CREATOR_BUILD = "creator-build", Info, "the builds of Windows that made the two disks differ",
        why: "A disk made at the snapshot cannot come from a later build than the host had then. This hint survives copying.", action: "Compare with the date the host was upgraded.";
    /// A merge is pending.
    MERGE_PENDING = "merge-pending", Warning, "the VM's configuration says that a merge is pending",
        why: "A deleted snapshot's disk is still in the chain until the merge has run.", action: "Let the merge finish before deleting more.";
    /// The chain cannot be followed.
    CHAIN_BROKEN = "line-broken", Error, "the VM's chain cannot be followed to the frozen disk",
        why: "A parent is missing, differs, or cannot be read, so the disk directly above is unknown.", action: "Bring the missing files, or name their folder with --parent-root.";
    /// No Now.
    NOW_UNKNOWN = "now-unknown", Warning, "nothing says which disk the VM uses now",
        why: "Without that, the disk directly above the frozen one is unknown.", action: "Bring the VM's configuration, or Get-VM | Select Name,Disks in the labels.";
    /// Frozen disk is not here.
    FROZEN_MISSING = "frozen-missing", Warning, "a disk the snapshot names is not in the store",
        why: "It cannot be judged.", action: "Bring the file, or name its folder.";
    /// Several of one thing share the disk.
    SHARED_PARENT = "shared-parent", Info, "several lines start from this disk: a shared parent rather than a snapshot",
        why: "Disks attached by hand to a golden image look like this; there is no snapshot to compare with.", action: "Name the VM's disks with --facts if it is a snapshot.";
    /// Undo disk's name.
    UNDO_NAME = "undo-name", Info, "the undo disk's name holds the time it was made",
        why: "Virtual PC writes it there; it looks like UTC.", action: "Nothing.";
    /// Base's last write.
    BASE_WRITE = "base-write", Info, "the base was last written when the snapshot was taken",
        why: "XCP-ng marks the base as hidden at the snapshot, and only coalescing writes to it later.", action: "Nothing.";
    /// The two XCP-ng leaves.
    SNAPSHOT_LEAF = "snapshot-leaf", Info, "the snapshot's own disk and the active one",
        why: "Both are made at the snapshot and both are made anew by a revert, so their agreement says nothing.", action: "Nothing.";
}
