//! What the guest's own clock says of a snapshot's disk and the disk above it.

pub mod read;

use std::collections::HashMap;

use jiff::Timestamp;

use crate::store::DiskId;

/// What was read, by the snapshot's disk and the disk above it.
pub type GuestClocks = HashMap<(DiskId, DiskId), GuestClock>;

/// The clock of the guest on the two disks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GuestClock {
    /// Times that the guest's kernel set and only the disk above holds, earliest first.
    pub later: Vec<Timestamp>,
    /// The last such time on the snapshot's disk, where that can be had.
    pub frozen_last: Option<Timestamp>,
    /// A volume of the snapshot's disk was left in the midst of use.
    pub was_in_use: bool,
    /// When the guest was started, as far as the disk above says; earliest first.
    pub boots: Vec<Timestamp>,
    /// Every volume that counts its mounts was mounted as often as when the snapshot was taken; `None` if none counts.
    pub is_same_mount: Option<bool>,
    /// `p2 ext4`.
    pub volumes: Vec<String>,
    /// The same of volumes that were written and that no time can be read from.
    pub unread: Vec<String>,
    /// False if not all was looked at: damage, or the limit of what is read.
    pub complete: bool,
    pub read_bytes: u64,
}
