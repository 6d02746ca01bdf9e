//! The guest's own clock: times that its kernel set, which nobody sets as the times of a file's content are set.
//!
//! ext and XFS: when an inode was changed or made, when the journal was committed, when the volume was mounted. NTFS: when a
//! record was changed. Times of FAT are local and are set by anybody; they say nothing here.

use std::ops::ControlFlow;

use jiff::Timestamp;

use super::content::{ContentPiece, read_content};
use super::extents::Extents;
use super::filesystem::{FileId, FileSystem, FileSystemKind, GuestError, GuestTime, VolumeState};
use super::lookup;
use super::volume::Volume;
use crate::format::bytes::{u16_at, u32_at};
use crate::job::Job;

/// Records of `/var/log/wtmp` that are looked at, from the last one back, in bytes.
const BOOT_LIST_BYTES_MAX: u64 = 1 << 20;

/// A file system whose driver dates what it does.
pub trait KernelClock {
    /// Tells the times set by what was done between an earlier state of the volume and this one. Only the bytes of
    /// `written` can differ. False if not all could be looked at.
    fn later_times(
        &self,
        before: &Self,
        written: &Extents,
        job: &Job,
        each: &mut dyn FnMut(Timestamp),
    ) -> bool;

    /// The last time this state holds, as far as it can be had without reading all of the volume.
    fn last_time(&self, job: &Job) -> Option<Timestamp>;

    /// How often the volume was mounted; `None` if it does not count that.
    fn mounts(&self) -> Option<MountCount>;
}

/// What a volume says of its mounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MountCount {
    pub count: u16,
    pub last: Option<Timestamp>,
}

/// The clock of one volume, in two states of it.
#[derive(Debug, Default)]
pub struct VolumeClock {
    /// Times that only the later state holds.
    pub later: Vec<Timestamp>,
    /// The last time the earlier state holds.
    pub before_last: Option<Timestamp>,
    /// The earlier state was left in the midst of use.
    pub was_in_use: bool,
    /// When the guest was started, as far as the later state says.
    pub boots: Vec<Timestamp>,
    /// The later state was mounted as often as the earlier one.
    pub is_same_mount: Option<bool>,
    pub complete: bool,
}

/// Reads the clock of a volume; `None` if it has none, or the two states are of different kinds.
pub fn read(before: &Volume, after: &Volume, written: &Extents, job: &Job) -> Option<VolumeClock> {
    match (before, after) {
        (Volume::Ext(before), Volume::Ext(after)) => {
            Some(of_pair(&**before, &**after, written, job))
        }
        (Volume::Xfs(before), Volume::Xfs(after)) => {
            Some(of_pair(&**before, &**after, written, job))
        }
        (Volume::Ntfs(before), Volume::Ntfs(after)) => {
            Some(of_pair(&**before, &**after, written, job))
        }
        _ => None,
    }
}

fn of_pair<V: KernelClock + FileSystem>(
    before: &V,
    after: &V,
    written: &Extents,
    job: &Job,
) -> VolumeClock {
    let mut later = Vec::new();
    let mut complete = after.later_times(before, written, job, &mut |time| later.push(time));
    let (old, new) = (before.mounts(), after.mounts());
    let last_mount = new.and_then(|mounts| mounts.last);
    if last_mount != old.and_then(|mounts| mounts.last) {
        later.extend(last_mount);
    }
    let mut boots: Vec<Timestamp> = last_mount.into_iter().collect();
    // Whoever reads in vain reads no less than the rest.
    let _ = files_of_boots(after, job, &mut boots);
    let was_in_use = before.facts().state != VolumeState::Clean;
    let before_last = before.last_time(job);
    complete &= !job.cancel.is_cancelled();
    VolumeClock {
        later,
        before_last,
        was_in_use,
        boots,
        is_same_mount: old.zip(new).map(|(old, new)| old.count == new.count),
        complete,
    }
}

/// When the guest was started, by files that are written then.
fn files_of_boots(
    fs: &dyn FileSystem,
    job: &Job,
    boots: &mut Vec<Timestamp>,
) -> Result<(), GuestError> {
    if fs.facts().kind == FileSystemKind::Ntfs {
        for path in ["/pagefile.sys", "/swapfile.sys", "/DumpStack.log.tmp"] {
            if let Ok(found) = lookup::find(fs, path)
                && let Some(GuestTime::Utc(at)) = fs.file(found.id)?.modified
            {
                boots.push(at);
            }
        }
        return Ok(());
    }
    for path in ["/var/log/wtmp", "/log/wtmp"] {
        if let Ok(found) = lookup::find(fs, path) {
            boot_records(fs, found.id, job, boots)?;
        }
    }
    Ok(())
}

/// The starts among the records of Linux' list of log-ins (`utmp(5)`), which are of one size on all 64-bit machines.
fn boot_records(
    fs: &dyn FileSystem,
    id: FileId,
    job: &Job,
    boots: &mut Vec<Timestamp>,
) -> Result<(), GuestError> {
    const RECORD_BYTES: usize = 384;
    const BOOT_TIME: u16 = 2;
    const SECONDS_AT: usize = 340;
    if fs.file(id)?.bytes > BOOT_LIST_BYTES_MAX {
        return Ok(());
    }
    let mut list = Vec::new();
    read_content(fs, id, "", job, &mut |piece| {
        match piece {
            ContentPiece::Bytes(bytes) => list.extend_from_slice(bytes),
            ContentPiece::Zeros(count) => {
                let count = usize::try_from(count.min(BOOT_LIST_BYTES_MAX)).unwrap_or(0);
                list.resize(list.len().saturating_add(count), 0);
            }
        }
        ControlFlow::Continue(())
    })?;
    let records = list.chunks_exact(RECORD_BYTES);
    let starts = records.filter(|record| u16_at(record, 0) == Some(BOOT_TIME));
    let seconds = starts.filter_map(|record| u32_at(record, SECONDS_AT));
    boots.extend(seconds.filter_map(|at| Timestamp::from_second(at.into()).ok()));
    Ok(())
}
