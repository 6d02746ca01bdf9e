//! What can be wrong with, or notable about, a container of disks.

crate::catalogue! {
    /// An LVM label or metadata that cannot be used.
    LVM_DAMAGED = "lvm-metadata-damaged", Error, "the LVM metadata of a physical volume cannot be used",
        why: "They say where each volume lies; without them no disk of the storage repository can be found here.",
        action: "Name another physical volume of the same group, or restore the metadata on the host (vgcfgrestore) from /etc/lvm/backup.";
    /// One of several copies of the metadata is damaged.
    LVM_COPY_DAMAGED = "lvm-copy-damaged", Warning, "one copy of the LVM metadata is damaged",
        why: "Another copy was read, so the disks are shown as they are; the next fault could lose them.",
        action: "Let the host write its metadata again (vgck --updatemetadata) once it is clear why a copy is damaged.";
    /// A physical volume whose group has no volumes of a storage repository.
    LVM_OTHER = "lvm-no-repository", Info, "the LVM volume group is no storage repository",
        why: "It belongs to a host or a guest; its volumes are no virtual disks of a store.",
        action: "Nothing, if no storage repository was expected here.";
    /// A volume that cannot be read whole.
    LVM_ELSEWHERE = "lvm-volume-elsewhere", Error, "a part of the volume lies on a device that was not given",
        why: "The disk cannot be read, nor can what is on top of it.",
        action: "Name all physical volumes of the group in one command.";
}
