//! Whose the bytes of a volume are: the tables', a directory's, a file's, or nobody's because their cluster is free.

use std::collections::HashSet;
use std::ops::{ControlFlow, Range};

use super::table::TableEntry;
use super::{
    DIRECTORY_BYTES_MAX, Extents, FatVolume, FileId, GuestError, Job, OwnedPart, ROOT, join,
};
use crate::guest::filesystem::{FileSystem as _, OwnerClass};

/// Hands over the parts of `of` as they are found and keeps account of what is left.
struct FatOwnerSearch<'a> {
    left: Extents,
    each: &'a mut dyn FnMut(OwnedPart) -> ControlFlow<()>,
}

impl FatOwnerSearch<'_> {
    fn take(
        &mut self,
        places: &[Range<u64>],
        class: OwnerClass,
        id: Option<FileId>,
    ) -> ControlFlow<()> {
        let mut taken = Extents::default();
        // A damaged chain comes by the same cluster again.
        for place in Extents::collect(places.iter().cloned()).iter() {
            self.left.within(&place).for_each(|part| taken.push(part));
        }
        if taken.is_empty() {
            return ControlFlow::Continue(());
        }
        self.left = self.left.without(&taken);
        for bytes in taken.iter() {
            (self.each)(OwnedPart {
                bytes,
                class,
                id,
                stream: String::new(),
            })?;
        }
        ControlFlow::Continue(())
    }
}

pub(super) fn owners(
    volume: &FatVolume,
    of: &Extents,
    job: &Job,
    each: &mut dyn FnMut(OwnedPart) -> ControlFlow<()>,
) -> Result<(), GuestError> {
    let mut search = FatOwnerSearch {
        left: of.clone(),
        each,
    };
    let layout = &volume.layout;
    let behind = layout.volume_bytes..u64::MAX;
    let front = std::slice::from_ref(&layout.front);
    if search.take(front, OwnerClass::Metadata, None).is_break()
        || search.take(&[behind], OwnerClass::Outside, None).is_break()
    {
        return Ok(());
    }
    match free_clusters(volume, &mut search)? {
        ControlFlow::Continue(()) => {}
        ControlFlow::Break(()) => return Ok(()),
    }
    let mut seen = HashSet::from([ROOT]);
    let mut folders = vec![(ROOT, volume.root())];
    while let Some((cluster, id)) = folders.pop() {
        if job.cancel.is_cancelled() {
            return Err(GuestError::Cancelled);
        }
        if search.left.is_empty() {
            break;
        }
        let Ok(place) = volume.directory_place(cluster) else {
            continue;
        };
        if search
            .take(&place, OwnerClass::Directory, Some(id))
            .is_break()
        {
            return Ok(());
        }
        for entry in volume.entries(cluster).unwrap_or_default() {
            let id = join(cluster, entry.slot);
            if entry.is_directory() {
                if seen.insert(entry.cluster) {
                    folders.push((entry.cluster, id));
                }
                continue;
            }
            let bytes = u64::from(entry.size).max(DIRECTORY_BYTES_MAX);
            let Ok((place, _)) = volume.chain(entry.cluster, bytes) else {
                continue;
            };
            let class = class_of(&entry.name);
            if search.take(&place, class, Some(id)).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Windows keeps its page file on a FAT volume only where there is no NTFS, but then there it is.
fn class_of(name: &str) -> OwnerClass {
    let special = ["pagefile.sys", "hiberfil.sys", "swapfile.sys"];
    if special
        .iter()
        .any(|special| name.eq_ignore_ascii_case(special))
    {
        OwnerClass::PageFile
    } else {
        OwnerClass::File
    }
}

/// The table itself says which clusters are nobody's.
fn free_clusters(
    volume: &FatVolume,
    search: &mut FatOwnerSearch<'_>,
) -> Result<ControlFlow<()>, GuestError> {
    let layout = &volume.layout;
    let end = layout
        .clusters
        .saturating_mul(layout.cluster_bytes)
        .saturating_add(layout.data_at);
    let mut free = Extents::default();
    let mut bad = Extents::default();
    for part in search.left.within(&(layout.data_at..end)) {
        let first = part
            .start
            .saturating_sub(layout.data_at)
            .checked_div(layout.cluster_bytes)
            .unwrap_or(0);
        let mut cluster = u32::try_from(first.saturating_add(2)).unwrap_or(u32::MAX);
        while let Some(place) = layout.cluster(cluster).filter(|at| at.start < part.end) {
            match volume.table.entry(cluster)? {
                TableEntry::Free => free.push(place),
                TableEntry::Bad => bad.push(place),
                TableEntry::Next(_) | TableEntry::End => {}
            }
            cluster = cluster.saturating_add(1);
        }
    }
    // What is left behind the last cluster belongs to none.
    let tail = end..layout.volume_bytes;
    let of = |extents: &Extents| extents.iter().collect::<Vec<_>>();
    Ok((|| {
        search.take(&of(&free), OwnerClass::Free, None)?;
        search.take(&[tail], OwnerClass::Free, None)?;
        search.take(&of(&bad), OwnerClass::Metadata, None)
    })())
}
