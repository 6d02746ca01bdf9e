//! What can be wrong or notable in a VHD, each documented once.

crate::catalogue! {
    /// No footer at either end, though there is a dynamic header.
    NO_FOOTER = "vhd-no-footer", Error, "a VHD without any footer",
        why: "Both footers are gone or damaged; without one neither the kind nor the size of the disk is known. The file was probably cut off or its ends were overwritten.",
        action: "Restore the file from a backup, or let a recovery tool rebuild the footer on a copy.";
    /// The end footer is not usable, the copy at the start is.
    FOOTER_END_DAMAGED = "vhd-footer-end-damaged", Error, "footer at the end damaged",
        why: "The authoritative footer is missing or wrong and the copy at the start of the file is used. A file that was cut off, or a write that was interrupted, looks like this; blocks near the end may be missing too.",
        action: "Check where the file came from; compare its length with a backup. If only the footer is gone, `vhd-util repair` on a copy writes it again from the one at the start. Do not merge it before it is repaired.";
    /// The copy at the start is not usable, the end footer is.
    FOOTER_COPY_DAMAGED = "vhd-footer-copy-damaged", Warning, "copy of the footer at the start damaged",
        why: "The footer at the end is good and used. If it is lost one day, there is no copy to fall back on.",
        action: "Nothing at once; tools that check strictly may refuse the disk.";
    /// The two footers are both sound and do not agree.
    FOOTER_COPY_DIFFERS = "vhd-footer-copy-differs", Info, "the two footers differ",
        why: "Both are sound; the one at the end counts. Some tool changed only one of them.",
        action: "Nothing, unless the size differs: then find out which tool wrote the file last.";
    /// The two footers name different disks.
    FOOTER_IDS = "vhd-footer-ids-differ", Warning, "the two footers have different ids",
        why: "The id at the end counts, and children know their parent by it. A program that reads the copy sees another disk: a tool gave the disk a new id in one place only, or the end of the file is another file's.",
        action: "Find out which tool wrote the file last; `vhd-util repair` renews the copy from the footer at the end. Do not merge before.";
    /// There is padding behind the footer.
    FOOTER_PADDED = "vhd-footer-padded", Warning, "the file goes on behind its footer",
        why: "A copy rounded the file up, or something was written behind its end. Windows and XenServer look for the footer in the last 512 bytes and refuse the file.",
        action: "Cut a copy of the file to the length given as expected (`truncate -s`); compare it with its source first.";
    /// The checksum of the footer in use is wrong.
    FOOTER_CHECKSUM = "vhd-footer-checksum", Error, "footer checksum wrong",
        why: "Some field of the footer was changed without renewing its checksum, or was damaged. Windows and XenServer refuse such a disk.",
        action: "Compare size, id and time with what you know of the disk; restore the file if they are not what they should be.";
    /// The known fault of early XenServer tools.
    FOOTER_HIDDEN_QUIRK = "vhd-footer-hidden-checksum", Info, "hidden mark set without renewing the checksum",
        why: "Early XenServer tools did so; the footer is sound apart from that.",
        action: "Nothing.";
    /// A footer of 511 bytes.
    FOOTER_SHORT = "vhd-footer-short", Info, "footer of 511 bytes",
        why: "Virtual PC before 2004 wrote footers one byte short. Nothing is lost.",
        action: "Nothing.";
    /// The cookie is `v_poison`.
    POISONED = "vhd-poisoned", Warning, "disabled on purpose by XenServer",
        why: "The footer's cookie was replaced by v_poison, which keeps XenServer from using the disk any more.",
        action: "Find out why it was disabled before using it.";
    /// Not version 1.0 of the format.
    VERSION = "vhd-version", Warning, "unknown format version",
        why: "The footer or dynamic header names a version other than 1.0; it is read as 1.0.",
        action: "Check which tool wrote the file.";
    FEATURES = "vhd-features", Info, "reserved feature bit not set",
        why: "The specification wants bit 1 of the features set in every file. Strict tools may refuse the disk.",
        action: "Nothing.";
    /// Feature bit 0.
    TEMPORARY = "vhd-temporary", Info, "marked as temporary",
        why: "The disk is marked for deletion at shutdown.",
        action: "Do not rely on the file being kept.";
    /// Disk type is none of fixed, dynamic, differencing.
    DISK_TYPE = "vhd-disk-type", Error, "unknown disk type",
        why: "Only fixed (2), dynamic (3) and differencing (4) disks are defined; nothing is known of how this one holds its blocks.",
        action: "Restore the file from a backup if it once was one of the three.";
    /// Time stamp zero or outside of what can be.
    TIMESTAMP = "vhd-timestamp", Info, "no believable creation time",
        why: "The footer's time stamp is the witness for when a disk was made. It is zero or outside of 2001 to 2099 here, so a revert cannot be told by it.",
        action: "Bring the times from the host with --facts if they matter.";
    /// Virtual size zero, no whole number of sectors or beyond what the format can hold.
    SIZE = "vhd-size", Error, "impossible virtual size",
        why: "The size is zero or beyond the 2 TiB that the format's 32-bit sector numbers reach.",
        action: "The footer is damaged or forged; restore the file.";
    /// A fixed disk whose file is shorter than the disk.
    FIXED_SHORT = "vhd-fixed-short", Error, "fixed disk longer than its file",
        why: "Sectors past the end of the file cannot be read: the file was cut off.",
        action: "Restore the file from a backup.";
    /// A fixed disk whose file holds more than the disk.
    FIXED_LONG = "vhd-fixed-long", Warning, "fixed disk shorter than its file",
        why: "The file holds more bytes before its footer than the footer says. It was enlarged, or a program wrote behind the disk's end, without the footer being renewed; what lies past the size is not shown.",
        action: "Compare the size with what the machine shows; if the disk was enlarged, the tool that did it has to finish its work.";
    /// The dynamic header could not be found where the footer says.
    DATA_OFFSET = "vhd-data-offset", Error, "dynamic header is not where the footer says",
        why: "The footer's data offset is wrong; the header was found at its usual place and is used.",
        action: "The footer is damaged or was edited; check it before any merge.";
    /// No dynamic header at all.
    HEADER_MISSING = "vhd-header-missing", Error, "no dynamic header",
        why: "Without it neither the table nor the parent can be found: nothing is known of what the disk holds.",
        action: "Restore the file from a backup.";
    HEADER_CHECKSUM = "vhd-header-checksum", Error, "dynamic header checksum wrong",
        why: "A field of the header (table place, block size, parent) was changed without renewing the checksum, or was damaged. Windows and XenServer refuse such a disk.",
        action: "Check parent and block size against what you know; restore the file if they are not what they should be.";
    /// Block size zero, no power of two sectors, or absurdly large.
    BLOCK_SIZE = "vhd-block-size", Error, "impossible block size",
        why: "Blocks are a power of two of sectors, 512 bytes to 256 MiB here; with another value no block can be found.",
        action: "The dynamic header is damaged; restore the file.";
    TABLE_SHORT = "vhd-table-short", Error, "table has fewer entries than the disk has blocks",
        why: "Nothing is known of the blocks without an entry; they are counted as unreadable.",
        action: "The dynamic header or the size is wrong; restore the file.";
    /// The table, as far as the disk needs it, reaches past the end of the file.
    TABLE_PAST_END = "vhd-table-past-end", Error, "table reaches past the end of the file",
        why: "The entries past the end are lost: nothing is known of their blocks.",
        action: "The file was cut off or the header is damaged; restore the file.";
    /// The table's claim is absurd, but what the disk needs is there.
    TABLE_CLAIM = "vhd-table-claim", Warning, "table claims more entries than the file can hold",
        why: "The entries the disk needs are there and used; the claim itself cannot be true.",
        action: "Some tools refuse such a disk; check which tool wrote it.";
    TABLE_OVERLAP = "vhd-table-in-header", Error, "table lies over the headers",
        why: "The table's position is inside the footer copy or the dynamic header, so its entries cannot be right.",
        action: "The dynamic header is damaged; restore the file.";
    BLOCK_PAST_END = "vhd-block-past-end", Error, "block lies past the end of the file",
        why: "The table says the disk holds the block, and the file does not reach that far: its content is lost.",
        action: "The file was cut off or the table is damaged; restore the file. Do not merge it.";
    /// A block over footer copy, header or table.
    BLOCK_IN_HEADER = "vhd-block-in-header", Error, "block lies over headers or table",
        why: "The table points into the file's own structures, so the entry is wrong and the block's content is not known.",
        action: "The table is damaged; restore the file. Writing to such a disk would destroy it.";
    /// Two blocks share bytes.
    BLOCK_OVERLAP = "vhd-block-overlap", Error, "two blocks share one place",
        why: "Only one of them can own the bytes; which one is not known. Both are still shown as the table has them.",
        action: "The table is damaged; restore the file. Do not merge it.";
    /// Overlaps could not be looked for.
    OVERLAP_UNCHECKED = "vhd-overlap-unchecked", Info, "overlapping blocks not looked for",
        why: "The file is too long for its block size to remember every place in bounded memory.",
        action: "Nothing.";
    BLOCK_CUT = "vhd-block-cut", Error, "block cut off by the end of the file",
        why: "The block begins inside the file and ends past it; the sectors past the end are lost.",
        action: "The file was cut off; restore it. Do not merge it.";
    /// A locator out of the file, or of absurd length.
    LOCATOR_RANGE = "vhd-locator-range", Warning, "parent locator points outside of the file",
        why: "That way of finding the parent is lost; others may be left.",
        action: "If no parent is found, point to its folder with --parent-root.";
    /// A locator of a kind that holds no path.
    LOCATOR_ALIAS = "vhd-locator-mac-alias", Info, "parent locator is a Mac OS alias",
        why: "It holds a binary record of Mac OS, not a path; it is not used.",
        action: "Nothing.";
    /// A locator code the specification does not know.
    LOCATOR_UNKNOWN = "vhd-locator-unknown", Info, "parent locator of an unknown kind",
        why: "It is not used; other ways of finding the parent are.",
        action: "Nothing.";
    /// A stored path that is no sound text.
    TEXT_DAMAGED = "vhd-text-damaged", Warning, "damaged text in a stored path",
        why: "The path holds units that are no valid UTF-16 or UTF-8; the parent will not be found by it.",
        action: "The parent may still be found by its id.";
    /// A differencing disk without the id of its parent.
    PARENT_ID_MISSING = "vhd-parent-id-missing", Warning, "no parent id stored",
        why: "The parent can only be found by name, and whether it is the right one cannot be checked.",
        action: "Check by hand that the parent is the one the disk was made from.";
    BATMAP_DAMAGED = "vhd-batmap-damaged", Warning, "XenServer's batmap damaged",
        why: "The map of wholly written blocks is there and its checksum or place is wrong; sector bitmaps are used instead.",
        action: "Nothing at once; XenServer rebuilds it.";
}
