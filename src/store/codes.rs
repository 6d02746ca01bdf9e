//! What can be wrong with the files of a store and with the links between them.

crate::catalogue! {
    /// A file is named like a disk and is none.
    NOT_A_DISK = "not-a-disk", Error, "named like a virtual disk, but its content is none",
        why: "A damaged or half-copied disk looks like this, and so does a file with the wrong name; whatever is on top of it is lost without it.",
        action: "Compare its size and first bytes with a backup; if it was never a disk, rename it.";
    TOO_SHORT = "file-too-short", Error, "the file is shorter than the smallest possible disk",
        why: "A copy that was broken off, or a placeholder; there is nothing to read in it.",
        action: "Fetch the file again from where it came.";
    /// A directory, FIFO, socket or device with a disk's name.
    NOT_A_FILE = "not-a-regular-file", Error, "named like a virtual disk, but not a regular file",
        why: "Met on the way, only regular files are opened: a FIFO would block, and a device may be anything.",
        action: "Look at what it is. A block device is read if it is named itself, and the volumes of a folder such as /dev/VG_XenStorage-… if that folder is named.";
    /// A file that could not be opened or read.
    UNREADABLE = "file-unreadable", Error, "the file could not be read",
        why: "Its links and content are unknown, so nothing about its children is sure.",
        action: "Run with the rights to read it, or close the program that keeps it to itself; then scan again.";
    DANGLING_LINK = "dangling-symlink", Error, "a symbolic link named like a disk leads nowhere",
        why: "The disk it stands for is gone or on a volume that is not mounted.",
        action: "Mount the volume it points to, or remove the link.";
    /// A file that changed while it was read, twice.
    LIVE = "file-changing", Warning, "the file changed while it was read",
        why: "What is shown may mix two moments; a running machine or a merge is writing to it.",
        action: "Scan again when the machine is off, or read a copy.";
    /// One file under several names.
    SAME_FILE = "same-file-twice", Info, "the same file is found under another name too",
        why: "It is listed once; a delete under one name may leave the other.",
        action: "Nothing, if the second name is wanted.";
    /// Two disks with one unique id.
    DUPLICATE_ID = "duplicate-id", Warning, "another disk has the same unique id",
        why: "A child finds its parent by this id; with two such files it may be linked to the wrong one, and the machine's own software may refuse both.",
        action: "Keep copies of disks out of the store, or give the copy a new id.";
    PARENT_MISSING = "parent-missing", Error, "the parent is nowhere in the store",
        why: "Without it the disk cannot be read whole: everything it did not change itself is in the parent.",
        action: "Find the parent and put it beside the child, or name its folder as a further root.";
    /// A disk that must have a parent stores no way to find it.
    PARENT_NOT_NAMED = "parent-not-named", Error, "the disk has a parent but names none",
        why: "Neither a path nor an id is stored, so no program can find the parent.",
        action: "Restore the disk's header from a backup.";
    /// The file found by name has another id.
    PARENT_ID_MISMATCH = "parent-id-mismatch", Error, "the file found by name has not the id the child wants",
        why: "The parent was replaced by another disk of that name; read together, the two give garbage.",
        action: "Bring back the parent the child was made from.";
    /// VHDX: the parent's data write id moved on.
    PARENT_WRITTEN = "parent-written-after", Error, "the parent was written after the child was made",
        why: "The child holds changes against a parent that no longer looks the same; read together, the two may give garbage.",
        action: "Restore the parent as it was when the child was made. Do not merge.";
    PARENT_ID_NOT_STORED = "parent-id-not-stored", Warning, "the child stores no id to know its parent by",
        why: "The parent is found by name alone, so nothing shows that it is the right one.",
        action: "Make sure by other means that the file found is the parent.";
    PARENT_CYCLE = "parent-cycle", Error, "following the parents comes back to this disk",
        why: "No base can be reached: none of these disks can be read.",
        action: "One of the files was renamed or replaced; restore it.";
    /// The parent's path leaves the roots.
    PARENT_OUTSIDE = "parent-outside-roots", Warning, "the parent's path leads outside the folders given",
        why: "Paths stored in a disk are not trusted, so nothing outside the given folders is opened.",
        action: "Name the parent's folder as a further root, or allow it with --parent-root.";
    PARENT_UNREADABLE = "parent-unreadable", Error, "the parent is there but cannot be read as a disk",
        why: "Everything the child did not change itself is in the parent.",
        action: "See the findings of the parent.";
    PARENT_CLOSED = "parent-closed", Warning, "the parent is there and could not be opened",
        why: "Everything the child did not change itself is in the parent, and whether this is the right one is not known.",
        action: "See the findings of the parent: ask as a user who may read it, or bring what its host says of it.";
    /// A path stored in a disk that is not a plain file's path.
    LOCATOR_REFUSED = "locator-refused", Warning, "a stored parent path names something that is not a plain file",
        why: "Devices, streams and reserved names open things that are no disks; the path may have been put there on purpose.",
        action: "Find out who wrote the file.";
    LOCATOR_STALE = "locator-finds-other-file", Warning, "the stored path leads to another file than the id",
        why: "The link shown follows the id; a program that goes by the path takes the wrong parent.",
        action: "Once it is clear which file is the parent, reconnect the child: `Set-VHD -Path CHILD -ParentPath PARENT` (XCP-ng: `vhd-util modify -n CHILD -p PARENT`).";
    PARENT_BY_ID = "parent-by-id-only", Warning, "the parent was found by its id only: no stored path leads to it",
        why: "Hyper-V and XCP-ng follow the stored paths and nothing else, so the machine does not start as the files lie here. The parent was renamed or moved, or the disks were copied from folders that --map was not told of.",
        action: "If it is so on the host too: give the parent its old name and place back, or reconnect the child with `Set-VHD -Path CHILD -ParentPath PARENT` (XCP-ng: `vhd-util modify -n CHILD -p PARENT`).";
    /// The child stores no path.
    PARENT_NO_PATH = "parent-path-not-stored", Warning, "the disk stores no path of its parent",
        why: "The parent was found by its id only. Hyper-V and XCP-ng follow stored paths, so they do not find it.",
        action: "Reconnect the child with `Set-VHD -Path CHILD -ParentPath PARENT` (XCP-ng: `vhd-util modify -n CHILD -p PARENT`).";
    PARENT_ONE_OF_SEVERAL = "parent-one-of-several", Warning, "several disks have the id of the parent",
        why: "No stored path tells which of them is meant. The one in the child's own folder was taken, else the first by path; read with another, the content may differ.",
        action: "Move the copies out of the store, or give --map so that the stored path leads to the right one.";
    /// VHDX: the parent's id is the second one.
    PARENT_SECOND_ID = "parent-by-second-id", Warning, "the parent is known only by the second id",
        why: "A merge into the parent was under way: while it runs, children know their parent by `parent_linkage2`. It was not finished, or the child was not brought up to date.",
        action: "Let Hyper-V finish the merge. If none runs, restore child and parent together from a backup; do not merge by hand.";
    /// A backup's disk that is no part of its machine.
    BACKUP_LEFTOVER = "backup-leftover", Warning, "left by a backup; the machine runs without it",
        why: "A backup made this disk for its own use and did not remove it. The machine uses the parent itself and has gone on writing to it, so the disk can no longer be read with it; the machine is not harmed.",
        action: "When no backup is running, remove the recovery checkpoint with the backup software or `Remove-VMSnapshot`, or the file if Hyper-V knows of none. Restore nothing for its sake.";
    /// Child and parent are not of one size.
    SIZE_DIFFERS = "parent-size-differs", Warning, "the disk is smaller than its parent",
        why: "A child is as large as its parent or larger; the end of the parent is not part of this disk.",
        action: "Find out which one was resized before anything is merged.";
    /// Hyper-V: the parent was enlarged below its child.
    PARENT_ENLARGED = "parent-enlarged", Error, "the parent was enlarged below this disk",
        why: "Hyper-V opens a chain only if all its disks have one size (error 0xC03A0017), so the machine cannot start. Nothing is lost yet.",
        action: "Give the parent its old size back, the one this disk has: `Resize-VHD -Path PARENT -SizeBytes SIZE` for a VHDX whose guest did not use the new room; for a VHD a tool that sets the size in its footer, or its backup. Do not merge, and do not start a machine on the parent.";
    /// Hyper-V: the child was enlarged above its parent.
    CHILD_ENLARGED = "child-enlarged", Error, "the disk was enlarged above its parent",
        why: "Hyper-V opens a chain only if all its disks have one size (error 0xC03A0017), so the machine cannot start, and a merge is refused.",
        action: "Give the disk its old size back, the one its parent has: `Resize-VHD -Path DISK -SizeBytes SIZE` for a VHDX whose guest did not use the new room, or restore it from a backup of before.";
    /// Child and parent count in different sectors.
    SECTOR_SIZE_DIFFERS = "parent-sector-size-differs", Error, "child and parent have different logical sector sizes",
        why: "The format demands the same; no program opens this chain.",
        action: "Bring back the parent the child was made from.";
    CHAIN_DEEP = "chain-deep", Warning, "more than ten disks below this one",
        why: "Each read may have to look through all of them, and each is one more file that can be lost.",
        action: "Delete snapshots that are no longer needed.";
    /// A chain longer than XCP-ng allows.
    CHAIN_TOO_DEEP = "chain-too-deep", Error, "more than thirty disks in the chain, which XCP-ng does not support",
        why: "XCP-ng and XenServer refuse further snapshots at thirty, and coalescing falls behind.",
        action: "Delete snapshots and let the host coalesce before going on.";
    PARENT_TOUCHED = "parent-touched-after", Info, "the parent was last written after all its children were made",
        why: "A finished merge does that rightly; anything else that writes to a parent ruins its children.",
        action: "If no snapshot was deleted at that time, find out what wrote to the parent.";
    /// A disk without its parent, whose family is known.
    ORPHAN_FAMILY = "orphan-of-family", Info, "other disks here belong to the same virtual disk",
        why: "The virtual disk id is the same along a chain, so the missing parent was one of that family.",
        action: "Look for the missing parent among the backups of those disks.";
    /// A file system by which a kernel shows itself.
    KERNEL_FILES = "kernel-file-system", Info, "a file system of the kernel, not gone into",
        why: "proc, sysfs, devtmpfs and their like show the running system as files without number; no disks lie there.",
        action: "Nothing; to look into it all the same, give it as a PATH of its own.";
    /// A folder that leads back to one of its own parents.
    LINK_LOOP = "symlink-loop", Warning, "a symbolic link leads back to a folder it lies in",
        why: "It is not followed: the folder is being listed already.",
        action: "Nothing.";
    /// A name whose time is not the time inside.
    UNDO_TIME_DIFFERS = "undo-disk-renamed", Info, "the time in the undo disk's name is not the time it was made",
        why: "Virtual PC writes the time of making into the name; a file whose two times differ was renamed, or emptied and used again.",
        action: "Trust the time inside the file.";
    /// Somebody keeps the disk to himself.
    LOCKED = "disk-locked", Info, "another program keeps the disk to itself, as a running machine does",
        why: "Nothing is wrong with it. What it holds, and what it stands on, is known only to the host that runs the machine.",
        action: "Give what the host says (`vhdtree collect`, --facts), or look at a shadow copy of the volume.";
    /// The disk may not be read.
    DENIED = "disk-denied", Warning, "this user may not open the disk",
        why: "What it holds, and what it stands on, is not known here; if a machine uses it, the host knows.",
        action: "Ask as a user who may read it, or give what the host says (`vhdtree collect`, --facts).";
    /// Facts and disks contradict each other.
    FACTS_DISAGREE = "facts-disagree", Warning, "what a host or pool says contradicts the disks, or other facts",
        why: "One of the two is older, or of another store. What the disks and the configurations beside them say is used.",
        action: "Ask the host again, and look at which of the two is right before anything is deleted.";
    /// Facts that are of no disk here.
    FACTS_UNFIT = "facts-fit-nothing", Info, "facts of a host about none of the disks found",
        why: "They are of another store, or the paths of the host lead nowhere here.",
        action: "Name the folder they are about, or say where its paths lie with --map.";
    /// Facts that nobody asked for.
    FACTS_ABOVE = "facts-above", Info, "what a host says lies above the folder that was opened, and is not read",
        why: "Only what was named is read. What a host says holds for its folder and all below, so it may settle what cannot be told here.",
        action: "Give the file with --facts, or open the folder it lies in.";
    /// A file of a known name that is something else.
    FACTS_FOREIGN = "facts-foreign", Info, "a file with the name of a pool's database that is none",
        why: "Other programs call their files so too.",
        action: "Nothing. If it is to be read, give it with --facts, which says what is wrong with it.";
    /// A pool's snapshot without its disk.
    POOL_SNAPSHOT_OF_NOTHING = "pool-snapshot-of-nothing", Info, "the pool's record of this snapshot names no disk that it is of",
        why: "The disk was deleted, or the pool lost the reference; xapi has done so on its own.",
        action: "Nothing for the disks; the pool shows the snapshot below no disk.";
    FACTS_OTHER_COPY = "facts-other-copy", Warning, "the host's listing is of another copy of this disk",
        why: "A disk with others on it does not change its length, and no disk gets shorter; so the file listed is not this one, and its times say nothing of it.",
        action: "Make the listing again on the host these files come from, and give it with --facts.";
}
