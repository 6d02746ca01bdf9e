//! The log of XFS, replayed in memory as the kernel would at the next mount (XFS Algorithms & Data Structures, "Journaling
//! Log"; the kernel's `xfs_log_recover.c`).
//!
//! ```text
//!  ring ─► head (cycle numbers, checksums) ─► tail ─► records ─► transactions with their commit
//!                                                       │ pass 1: buffers that were cancelled, and where things lie
//!                                                       │ pass 2: buffers, new inodes, inodes ─► PatchedSource
//!                                                       └ what was begun and not finished
//! ```

mod apply;
mod inode_item;
mod item;
mod record;
mod ring;
mod transaction;

use std::sync::Arc;

use thiserror::Error;

use super::device::XfsDevice;
use crate::guest::filesystem::GuestError;
use crate::source::{PatchedSource, PatchesFull, Source};
use apply::Applied;
use ring::XfsLogRing;
use transaction::Transactions;

/// Why a log cannot be replayed, or not to its end.
#[derive(Debug, Error)]
pub enum UnusableLog {
    #[error("{0}")]
    Volume(#[from] GuestError),
    #[error("no whole record was found in it")]
    NoRecord,
    #[error("the record at block {0} is damaged")]
    Record(u64),
    #[error("it was written by a machine of another byte order")]
    ByteOrder,
    #[error("a transaction in it is damaged: {0}")]
    Transaction(&'static str),
    #[error("more than {0} operations are in it")]
    TooMuch(u32),
    #[error("a change of a file's blocks or attributes was begun and not finished")]
    Unfinished,
    #[error("{0}")]
    Full(#[from] PatchesFull),
}

/// What a replay came to.
pub struct XfsReplay {
    /// `None` if there was nothing to lay over the volume.
    pub patched: Option<PatchedSource<Arc<dyn Source>>>,
    /// Extents that were being freed: the volume still calls them in use. Block numbers over all groups, and counts.
    pub freeing: Vec<(u64, u64)>,
    /// Whether the trees of owners lag behind.
    pub owners_lag: bool,
    /// Why the last changes are missing all the same.
    pub cut: Option<UnusableLog>,
}

/// Replays the log of a volume; nothing is replayed of one that was unmounted.
pub fn replay(device: &XfsDevice) -> Result<XfsReplay, UnusableLog> {
    let mut applied = Applied::new(device);
    let ring = XfsLogRing::new(device)?;
    if let Some(live) = ring.live()? {
        let mut transactions = Transactions::default();
        ring.each_record(&live, &mut |record| {
            transactions.add(record, &mut |transaction| {
                applied.note(transaction);
                Ok(())
            })
        })?;
        applied.announce();
        let mut transactions = Transactions::default();
        ring.each_record(&live, &mut |record| {
            transactions.add(record, &mut |transaction| applied.apply(transaction))
        })?;
    }
    Ok(applied.finish())
}
