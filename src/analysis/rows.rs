//! The rows of the decision table, as documented codes. A verdict names the row it rests on.
//!
//! `foot` is the time stamp in a VHD's footer, `birth` the file system's birth time where it can be believed,
//! X the disk directly above the frozen one on the way to what the VM uses now.

crate::catalogue! {
    /// Another branch, older than Now's.
    ROW_1A = "row-1a", Error, "certain: another branch hangs on the frozen disk, and the VM's branch is the younger one",
        why: "Only applying the snapshot starts a second branch. The VM's own branch began later than the oldest, so the VM goes on from an applied state.",
        action: "Decide what of the older branch still matters before deleting anything on either.";
    /// Another branch, younger than Now's.
    ROW_1B = "row-1b", Info, "not reverted on this line: another branch shows that the snapshot was applied once, but the VM's line is the older one and as old as the snapshot",
        why: "The disk above was made when the snapshot was taken; the other branch came later and the VM does not go on from it.",
        action: "Look at the other branch before deleting: it is not part of the running VM.";
    /// Another branch, ages unknown.
    ROW_1C = "row-1c", Error, "certain: another branch shows that the snapshot was applied at some time; which branch came first cannot be told",
        why: "Only applying the snapshot starts a second branch. Nothing believable tells the age of the two.",
        action: "Bring a listing of times made on the host (--facts), or the snapshot list (--facts).";
    /// Footer later, generation id differs.
    ROW_2 = "row-2", Error, "certain: the disk above is younger than the snapshot (footer), and the generation id changed",
        why: "Two independent witnesses, one inside the disk and one in the configurations, say that the snapshot's state was applied.",
        action: "What was done between the snapshot and the revert is gone already; deleting the snapshot makes that final.";
    /// Footer later, the guest's own gap fits.
    ROW_3 = "row-3", Error, "certain: the disk above is younger than the snapshot (footer), and the guest shows a gap of the same length",
        why: "Two independent witnesses, one in the footer and one inside the guest, agree on both ends of the gap.",
        action: "What was done between the snapshot and the revert is gone already; deleting the snapshot makes that final.";
    /// Footer later, nothing else.
    ROW_4 = "row-4", Error, "likely: the disk above is younger than the snapshot (footer)",
        why: "A revert throws the disk above away and makes a new one. Innocent explanations: somebody re-made or converted that disk by hand.",
        action: "Ask who reverted or converted. Until then take it as a revert: what was done in between is in no file.";
    /// Footer later, generation id the same.
    ROW_5 = "row-5", Warning, "cannot tell: the disk above is younger than the snapshot (footer), yet the generation id is unchanged",
        why: "The disk was re-made, but nothing was applied: an offline tool may have done it.",
        action: "Find out which tool re-made the disk.";
    /// Later, but the guest was active in between.
    ROW_6 = "row-6", Warning, "cannot tell: the disk above is younger than the snapshot, yet the guest was active in between",
        why: "The file was re-made and its content continues, as after a storage migration.",
        action: "Compare the disk with its parent, and ask whether the storage was moved.";
    /// Footer agrees, generation id the same.
    ROW_7 = "row-7", Info, "not reverted: the disk above is as old as the snapshot (footer), and the generation id is unchanged",
        why: "Two independent witnesses say that the disk above is the one the snapshot made.",
        action: "Nothing. A revert in the first minutes would look the same to the disk.";
    /// Footer agrees.
    ROW_8 = "row-8", Info, "no sign: the disk above is as old as the snapshot (footer)",
        why: "The disk above was made at the same moment as the snapshot, so it is the snapshot's own.",
        action: "Nothing. A revert in the first minutes would look the same.";
    /// Age agrees, generation id differs.
    ROW_9 = "row-9", Warning, "cannot tell: the disk above is as old as the snapshot, yet the generation id changed",
        why: "The VM was restored, imported or failed over, or reverted within minutes of the snapshot.",
        action: "Ask whether the VM was imported or restored since.";
    /// Birth later, generation id differs or the guest shows a gap.
    ROW_10 = "row-10", Error, "likely or certain: the disk above is younger than the snapshot (birth), and a second witness agrees",
        why: "A birth time alone can be changed by copying; with the generation id or the guest's gap it says that a state was applied. Certain if all three agree.",
        action: "What was done between the snapshot and the revert is gone already; deleting the snapshot makes that final.";
    /// Birth later.
    ROW_11 = "row-11", Error, "likely: the disk above is younger than the snapshot (birth time only)",
        why: "The birth times of this chain are consistent, and the disk above was born later than the snapshot. A copied or restored single file would look the same.",
        action: "Ask who reverted, copied or restored that file.";
    /// Birth later, generation id the same.
    ROW_12 = "row-12", Warning, "cannot tell: the disk above is younger than the snapshot (birth), yet the generation id is unchanged",
        why: "The file is new, but nothing was applied: it may have been copied.",
        action: "Ask whether that file was copied or moved.";
    /// Birth agrees, generation id the same.
    ROW_13 = "row-13", Info, "not reverted: the disk above is as old as the snapshot (birth), and the generation id is unchanged",
        why: "Two independent witnesses say that the disk above is the one the snapshot made.",
        action: "Nothing. A revert in the first minutes would look the same to the disk.";
    /// Birth agrees.
    ROW_14 = "row-14", Info, "no sign: the disk above is as old as the snapshot (birth)",
        why: "The disk above was born at the same moment as the snapshot, so it is most likely the snapshot's own.",
        action: "Nothing. A revert in the first minutes would look the same.";
    /// No believable age, generation id the same.
    ROW_15 = "row-15", Info, "no sign: the generation id is unchanged; the age of the disk above is unknown",
        why: "An applied state gets a new generation id. The disks themselves say nothing.",
        action: "Bring a listing of times made on the host (--facts) for a second witness.";
    /// No believable age, generation id differs, the guest shows a gap.
    ROW_16 = "row-16", Error, "likely: the generation id changed, and the guest shows a gap that begins at the snapshot",
        why: "The age of the disk above is unknown, but two other witnesses say that the snapshot's state was applied.",
        action: "Bring a listing of times made on the host (--facts).";
    /// No believable age, generation id differs.
    ROW_17 = "row-17", Warning, "cannot tell: the generation id changed, and the age of the disk above is unknown",
        why: "A revert changes the generation id; so do an import, a restore, a failover and a copy.",
        action: "Bring a listing of times made on the host (--facts), or ask whether the VM was imported.";
    /// Nothing to go by.
    ROW_18 = "row-18", Warning, "cannot tell: no sound witness",
        why: "A verdict needs the time the snapshot was taken and the age of the disk directly above the frozen one; one of them cannot be had, or there is no such disk.",
        action: "Bring the snapshot list (--facts), a listing of times made on the host (--facts), or the rest of the store.";
    /// An impossible order.
    ROW_19 = "row-19", Warning, "cannot tell: the disk above is older than the snapshot",
        why: "The snapshot makes the disk above, so it cannot be older. A clock was stepped, the frozen disk was written since (a merge), or the dates come from another store.",
        action: "Check the host's clock and where the configuration or labels come from.";
    /// Disks of one VM disagree.
    ROW_20 = "row-20", Warning, "the disks of this snapshot disagree: the worst of their verdicts",
        why: "A snapshot and a revert make the disks above all frozen disks within seconds. A single odd one was re-made on its own.",
        action: "Look at the evidence of each disk; the odd one may have been converted or moved.";
    /// Only a lower bound.
    ROW_21 = "row-21", Warning, "when the snapshot was taken is not known, only that it was not before the frozen disk's last write: the generation id decides, else cannot tell",
        why: "A VM that is off leaves its disk unwritten for any time before a snapshot, so the last write is no date of the snapshot.",
        action: "Bring the snapshot list of the host (--facts), made with Get-VMSnapshot | ConvertTo-Json.";
    /// Files on top that no snapshot owns.
    ROW_22 = "row-22", Info, "files that no snapshot owns lie on top: the disk directly above the frozen one was judged, not the leaf",
        why: "Lingering backup files and deleted snapshots whose merge has not run leave disks in the chain that no configuration names.",
        action: "Let backups and merges finish before deleting more.";
    /// A checkpoint nobody took by hand.
    ROW_23 = "row-23", Info, "a checkpoint taken by a machine, not by hand: automatic, recovery or replica",
        why: "The verdict holds as for any other, but such checkpoints come and go without anybody having asked for them.",
        action: "Find out which program owns it before deleting it.";
    /// A sibling kept the state before the revert.
    ROW_24 = "row-24", Error, "certain: the snapshot was applied, and the state before that was kept as another snapshot",
        why: "Another snapshot on a second branch was taken at the moment the disk above was made: create checkpoint and apply.",
        action: "Deleting that other snapshot loses the state before the revert.";
    /// Now is elsewhere.
    ROW_OFF_LINE = "row-off-line", Info, "no sign: what the VM uses now does not come from this snapshot",
        why: "The frozen disk lies on a branch the VM does not use, so the VM's present state was not reverted to it.",
        action: "Look at the plan before deleting: changes on such a branch are part of no running VM.";
    /// XCP-ng: active and base agree.
    ROW_XCP_SAME = "row-xcp-same", Info, "no sign: the active disk was made when its base was last written",
        why: "XCP-ng makes the active disk at the snapshot, when the base is frozen. The stamps of the two leaves say nothing, for a clone renews both.",
        action: "Nothing. A revert in the first minutes would look the same.";
    /// XCP-ng: active is younger than its base.
    ROW_XCP_LATER = "row-xcp-later", Error, "likely: the active disk was made long after its base was last written",
        why: "A revert in XCP-ng clones the snapshot: both leaves are made anew, the base stays as it was. A copy or clone of the VM would look the same.",
        action: "Ask who reverted or cloned; compare with the task list of the pool.";
    /// XCP-ng: base written since.
    ROW_XCP_COALESCED = "row-xcp-coalesced", Warning, "cannot tell: the base was written after the active disk was made",
        why: "The garbage collector has coalesced a disk into the base since, so its last write is no date of the snapshot.",
        action: "Bring the snapshot's time from the pool (--facts).";
    /// XCP-ng: the snapshot's own leaf is younger than the snapshot.
    ROW_XCP_CLONED = "row-xcp-cloned", Error, "likely: the snapshot's own disk was made long after the snapshot was taken",
        why: "The pool's date is older than the snapshot's file, so the file was made anew by a clone: a revert.",
        action: "Ask who reverted or cloned; compare with the task list of the pool.";
    /// XCP-ng: the active disk agrees with the pool's date.
    ROW_XCP_DATED = "row-xcp-dated", Info, "no sign: the active disk is as old as the snapshot by the pool's date",
        why: "The disk above the base was made when the pool says the snapshot was taken.",
        action: "Nothing. A revert in the first minutes would look the same.";
    /// Virtual PC: undo disk as old as its name says.
    ROW_VPC_KEPT = "row-vpc-kept", Info, "no sign: the undo disk is as old as its name says",
        why: "Virtual PC writes the time into the undo disk's name; a discard makes a new disk, which the footer shows.",
        action: "Nothing.";
    /// Virtual PC: undo disk younger than its name.
    ROW_VPC_DISCARDED = "row-vpc-discarded", Error, "likely: the undo disk is younger than its name says: changes were discarded",
        why: "Virtual PC empties or re-makes the undo disk when changes are discarded; the name keeps the older time.",
        action: "What the discarded undo disk held is gone.";
    /// Virtual PC: nothing to compare.
    ROW_VPC_UNKNOWN = "row-vpc-unknown", Warning, "cannot tell: the undo disk's name or footer does not give a usable time",
        why: "The verdict compares the time in the name with the footer; one is missing, the two differ by what a time zone explains, or the footer is the older.",
        action: "Find out whether the file was renamed, and in which zone the host ran.";
}
