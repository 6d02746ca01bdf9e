//! Guest: what lies inside a disk. Partitions and what they hold; the files of a volume, and which of them differ between
//! two states of it.
//!
//! ```text
//!  Source (a node's content) ─► partitions: mbr (logical ones too), gpt and its copy ─► probe: what each volume holds
//!                                         ─► volume ─► one folder per file system, behind one trait ─► changes, owners, content
//! ```
//!
//! Partitions are a hint for people, so they are given only where they are sure: a table that contradicts itself, the disk's
//! size or its own checksum is no table. File systems know nothing of disks: each sees its volume as bytes.

pub mod clock;
pub mod codes;
pub mod confirm;
pub mod content;
pub mod disk;
pub mod ext;
pub mod extents;
pub mod fat;
pub mod filesystem;
pub mod gpt;
mod inodes;
pub mod layout;
pub mod lookup;
pub mod lvm;
mod lznt1;
pub mod mbr;
pub mod ntfs;
pub mod packed;
pub mod partitions;
pub mod probe;
pub mod volume;
pub mod walk;
pub mod xfs;

pub use partitions::{PARTITIONS_MAX, Partition, PartitionTable, PartitionType, Partitions};
pub use probe::VolumeKind;
