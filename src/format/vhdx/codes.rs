//! What can be wrong with a VHDX, each thing documented once.

crate::catalogue! {
    /// No `vhdxfile` at the start.
    IDENTIFIER = "vhdx-identifier", Error, "the file type identifier is damaged",
        why: "The first bytes must say `vhdxfile`. The headers behind them are sound, so the file was read all the same, but Windows will not open it.",
        action: "Compare the file with a backup: something overwrote its start.";
    /// The creator string is no valid UTF-16.
    CREATOR = "vhdx-creator", Info, "the creator string is damaged",
        why: "It says which program made the file and nothing depends on it.",
        action: "Nothing; if other findings stand beside it, the start of the file was overwritten.";
    /// One of two headers cannot be used.
    HEADER_COPY = "vhdx-header-copy", Warning, "one of the two headers is damaged",
        why: "The other header was used. If the damaged one was the newer, what the file said last is lost and its log may belong to it.",
        action: "Copy the file before anything else opens it, then let Hyper-V open and close the copy, which rewrites both headers.";
    /// Neither header can be used.
    HEADERS = "vhdx-headers", Error, "both headers are damaged",
        why: "Without a header neither the version nor the log is known, and no program can open the file.",
        action: "Restore the file from a backup.";
    /// Two valid headers with one sequence number and different content.
    HEADER_TWINS = "vhdx-header-twins", Warning, "both headers claim to be the current one",
        why: "They have the same sequence number and differ, so which is newer cannot be told; the first was used.",
        action: "Compare the two headers' ids with the child's linkage before relying on this disk.";
    /// A version other than 1.
    VERSION = "vhdx-version", Error, "the format version is not 1",
        why: "What such a file holds is not described anywhere this program knows.",
        action: "Look for a newer version of this program, or damage to the header.";
    LOG_PLACE = "vhdx-log-place", Warning, "the log's position or length cannot be right",
        why: "The log must start at a whole mebibyte behind the headers, be whole mebibytes long and lie in the file. It holds nothing now, so reading is not affected.",
        action: "Expect Windows to refuse the file; restore the header from a backup.";
    /// There are entries to replay and that cannot be done.
    LOG_UNUSABLE = "vhdx-log-unusable", Error, "the log has to be replayed and cannot be",
        why: "The file was not closed cleanly and the changes that would make it whole are not readable: table and bitmaps may be wrong, so no block numbers are shown.",
        action: "If a VM is using the disk, look again when it is off. Otherwise restore from a backup; do not merge or delete on the word of this file.";
    LOG_REPLAYED = "vhdx-log-replayed", Info, "the log was replayed in memory",
        why: "The file was not closed cleanly, or a VM is using it: its newest table changes are only in the log. What is shown includes them; the file itself was not touched.",
        action: "Nothing, if a VM is using the disk. Otherwise expect the next program that opens it for writing to do the replay.";
    /// The log lets the file grow.
    LOG_GROWS = "vhdx-log-grows", Info, "the log reaches past the end of the file",
        why: "A replay would make the file longer. The added part is not on disk yet and reads as zeros.",
        action: "Nothing; keep room for it on the volume.";
    LOG_CUT = "vhdx-log-cut", Error, "the file is shorter than its log says it was",
        why: "The last log entry records a length that had reached the disk. The file was cut since, by a copy that stopped or a damaged volume, so its log must not be replayed and no block numbers are shown.",
        action: "Copy the file again from where it came, or restore it.";
    /// One of two region tables cannot be used.
    REGIONS_COPY = "vhdx-regions-copy", Warning, "one of the two region tables is damaged",
        why: "The other copy was used.",
        action: "Copy the file, then let Hyper-V open the copy; some tools (7-Zip) refuse the file as it is.";
    /// Neither region table can be used.
    REGIONS = "vhdx-regions", Error, "both region tables are damaged",
        why: "They say where table and metadata are; without them nothing can be read.",
        action: "Restore the file from a backup.";
    /// Two valid region tables that differ.
    REGIONS_TWINS = "vhdx-regions-twins", Warning, "the two region tables differ",
        why: "They must be copies of each other. The first was used.",
        action: "Treat block numbers with care: if they look wrong, the second copy may be the right one.";
    /// A region this program must understand and does not.
    REGION_UNKNOWN = "vhdx-region-unknown", Error, "a region of an unknown kind is marked as required",
        why: "The file says that nobody may read it without understanding that region.",
        action: "Look for the program that made it, or a newer version of this one.";
    /// The table or the metadata has no region.
    REGION_MISSING = "vhdx-region-missing", Error, "a region every file must have is missing",
        why: "Without its block allocation table or its metadata a file cannot be read.",
        action: "Restore the file from a backup.";
    /// A region is misaligned, too low or past the end.
    REGION_PLACE = "vhdx-region-place", Error, "a region's position or length cannot be right",
        why: "Regions start at whole mebibytes behind the headers, are whole mebibytes long and lie in the file. What lies outside was not read.",
        action: "If the file was copied, compare lengths with the original; otherwise restore it.";
    /// Regions, or a region and the log, share bytes.
    REGION_OVERLAP = "vhdx-region-overlap", Error, "two regions overlap",
        why: "Writing to one destroys the other; at least one of them is damaged already.",
        action: "Do not start a VM on it; restore the file from a backup.";
    REGION_TWICE = "vhdx-region-twice", Warning, "a region is listed twice",
        why: "Ids in the region table must be unique. The first was used.",
        action: "Treat block numbers with care.";
    /// The metadata table cannot be used.
    METADATA = "vhdx-metadata", Error, "the metadata table is damaged",
        why: "It says how large disk, blocks and sectors are; without it nothing can be read.",
        action: "Restore the file from a backup.";
    /// A metadata item this program must understand and does not.
    METADATA_UNKNOWN = "vhdx-metadata-unknown", Error, "a metadata item of an unknown kind is marked as required",
        why: "The file says that nobody may read it without understanding that item.",
        action: "Look for the program that made it, or a newer version of this one.";
    /// A required item is missing.
    METADATA_MISSING = "vhdx-metadata-missing", Error, "a metadata item every file must have is missing",
        why: "Without sizes a file cannot be read; without its disk id or its parent locator it cannot be placed in a chain.",
        action: "Restore the file from a backup.";
    METADATA_TWICE = "vhdx-metadata-twice", Error, "a metadata item is listed twice",
        why: "Ids in the metadata table must be unique. The first was used; the other may be the true one.",
        action: "Compare sizes and ids shown with what Hyper-V says of the disk.";
    /// An item lies outside its region, or has the wrong length.
    METADATA_PLACE = "vhdx-metadata-place", Error, "a metadata item's position or length cannot be right",
        why: "Items lie behind the 64 KiB table, inside the metadata region, and have fixed lengths.",
        action: "Restore the file from a backup.";
    /// Two items share bytes.
    METADATA_OVERLAP = "vhdx-metadata-overlap", Error, "two metadata items overlap",
        why: "At least one of them does not hold what it should.",
        action: "Compare sizes and ids shown with what Hyper-V says of the disk.";
    METADATA_VALUE = "vhdx-metadata-value", Error, "a metadata item holds a value the format does not allow",
        why: "Blocks are 1 to 256 MiB and a power of two, sectors 512 or 4096 bytes, disks at most 64 TiB and whole sectors.",
        action: "Restore the file from a backup.";
    /// The parent locator cannot be read, or only in part.
    LOCATOR = "vhdx-locator", Error, "the parent locator is damaged",
        why: "It names the parent. What could be read of it was used.",
        action: "Find the parent by its id; Set-VHD -ParentPath writes a new locator.";
    /// A locator of another kind.
    LOCATOR_TYPE = "vhdx-locator-type", Error, "the parent locator is of an unknown kind",
        why: "Only the kind that names another VHDX is described; this parent may be no file at all.",
        action: "Look for the program that made the disk.";
    LOCATOR_LINKAGE = "vhdx-locator-linkage", Error, "the child does not say which parent content it belongs to",
        why: "`parent_linkage` must name the parent's data write id. Without it nobody can tell the right parent from a changed one.",
        action: "Check parent and child by hand before relying on the chain.";
    /// No path at all.
    LOCATOR_PATHS = "vhdx-locator-paths", Warning, "the child stores no path to its parent",
        why: "At least one is required. The parent can only be found by its id.",
        action: "Set-VHD -ParentPath writes one.";
    LOCATOR_UNUSED = "vhdx-locator-unused", Warning, "a disk without a parent has a parent locator",
        why: "The file parameters say the disk has no parent, and so it was read; the locator is left over or the flag is damaged.",
        action: "If the disk reads as mostly zeros, the flag is wrong.";
    TABLE_SHORT = "vhdx-table-short", Error, "the block allocation table is too short for the disk",
        why: "Blocks past its end cannot be found.",
        action: "If the file was copied, compare lengths with the original; otherwise restore it.";
    /// An entry has a state that does not exist or is not allowed here.
    TABLE_STATE = "vhdx-table-state", Error, "a table entry has a state that is not allowed",
        why: "State 4 is reserved, and only a differencing disk may hold partly present blocks. Nothing is known of such a block.",
        action: "Restore the file; the table is damaged.";
    /// State 5 of the draft.
    TABLE_DRAFT = "vhdx-table-draft-state", Info, "a table entry has the state for unmapped of the format's 0.95 draft",
        why: "Programs written after the draft mark unmapped blocks with 5; the published format has 3. Such a block is read as zeros.",
        action: "Nothing; a program that goes by the published format may refuse the file.";
    TABLE_RESERVED = "vhdx-table-reserved", Warning, "a table entry has reserved bits set",
        why: "They must be zero; a set one is a sign of damage, or of a newer writer.",
        action: "If other table findings stand beside it, restore the file.";
    TABLE_END = "vhdx-table-end", Error, "a block lies past the end of the file",
        why: "Its content is not there: the file was cut, or the entry is damaged.",
        action: "If the file was copied, compare lengths with the original; otherwise restore it.";
    /// The last block is cut, but holds what the disk needs.
    TABLE_CUT = "vhdx-table-cut", Warning, "the disk's last block is cut short by the end of the file",
        why: "Blocks must lie wholly in the file. The part the disk uses is there, so it can be read, but Windows may refuse the file.",
        action: "Check how the file was made or copied.";
    /// A block lies in the headers, the log or a region.
    TABLE_STRUCTURE = "vhdx-table-structure", Error, "a block lies on top of the file's own structures",
        why: "Its bytes are the headers, the log, the table or the metadata, not the guest's data. Writing to it would destroy the disk.",
        action: "Do not start a VM on it; restore the file from a backup.";
    /// Two blocks share bytes.
    TABLE_OVERLAP = "vhdx-table-overlap", Error, "two blocks share one place in the file",
        why: "At most one of them can hold what it should; the second is shown as unreadable.",
        action: "Do not start a VM on it; restore the file from a backup.";
    TABLE_BITMAP = "vhdx-table-bitmap", Error, "a partly present block has no usable bitmap",
        why: "Which of its sectors are here and which are the parent's cannot be told.",
        action: "Restore the file from a backup; a merge would write wrong content.";
    TABLE_BITMAP_UNUSED = "vhdx-table-bitmap-unused", Warning, "a disk without a parent has sector bitmaps",
        why: "Only differencing disks have them. They were not looked at; the file may have been a differencing disk whose flag is damaged.",
        action: "If the disk reads as mostly zeros, look for the parent it had.";
}
