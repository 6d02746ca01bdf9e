//! What can go wrong while a disk's tables and bitmaps are read, in either format.

crate::catalogue! {
    /// Neither end of the file belongs to a disk.
    NOT_A_DISK = "image-not-a-disk", Error, "not a virtual disk",
        why: "The file has neither the footer of a VHD nor the identifier of a VHDX, so by its content it is no virtual disk, whatever its name says.",
        action: "If it should be one, the file was overwritten or cut off: restore it from a backup.";
    /// A window of the table could not be read.
    TABLE_UNREADABLE = "image-table-unreadable", Error, "table could not be read",
        why: "The system reported an error on reading the block table, so nothing is known of those blocks.",
        action: "Check the storage and the permissions, then read again. A file that is being written may also shrink meanwhile.";
    BITMAP_UNREADABLE = "image-bitmap-unreadable", Error, "sector bitmap could not be read",
        why: "Which sectors of the block the disk holds is not known.",
        action: "Check the storage, then read again.";
}
