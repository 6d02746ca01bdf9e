//! Where disks are found: by place without regard to case, by the id a child wants, by family.

use std::collections::hash_map::RandomState;
use std::ffi::OsStr;
use std::hash::BuildHasher as _;
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use crate::image::{Format, Header};
use crate::job::par_map;
use crate::store::DiskId;
use crate::store::scan::Entry;

/// Index over the disks of a scan; ids are positions in `entries`. Each part is sorted: built once and asked often, that
/// costs less than tables of lists.
#[derive(Debug)]
pub(super) struct Index<'a> {
    entries: &'a [Entry],
    state: RandomState,
    /// Hash of each disk's folder.
    folders: Vec<u64>,
    /// By the hash of folder and name.
    places: Vec<(u64, DiskId)>,
    link_ids: Vec<((Format, Uuid), DiskId)>,
    families: Vec<(Uuid, DiskId)>,
}

/// A format and the id by which children know a disk of it.
pub type LinkKey = (Format, Uuid);

/// By what children know a disk.
pub fn key_of(header: &Header) -> Option<LinkKey> {
    Some((header.format, header.link_id()?))
}

/// What a child wants of its parent, best first.
pub fn wanted_keys(header: &Header) -> impl Iterator<Item = LinkKey> + use<> {
    let format = header.format;
    let parent = header.parent.as_ref();
    let ids = parent.map_or([None, None], |of| [of.id_wanted, of.second_id_wanted]);
    ids.into_iter()
        .flatten()
        .filter(|id| !id.is_nil())
        .map(move |id| (format, id))
}

/// A name as Windows compares it: without case. What is not Unicode compares by its replacement.
pub(super) fn fold(name: &OsStr) -> String {
    name.to_string_lossy().to_lowercase()
}

fn with_key<K: Ord + Copy>(sorted: &[(K, DiskId)], key: K) -> impl Iterator<Item = DiskId> {
    let from = sorted.partition_point(|(other, _)| *other < key);
    let rest = sorted.get(from..).unwrap_or_default().iter();
    rest.take_while(move |(other, _)| *other == key)
        .map(|(_, id)| *id)
}

impl<'a> Index<'a> {
    pub(super) fn new(entries: &'a [Entry]) -> Self {
        let mut index = Self {
            entries,
            state: RandomState::new(),
            folders: Vec::with_capacity(entries.len()),
            places: Vec::with_capacity(entries.len()),
            link_ids: Vec::with_capacity(entries.len()),
            families: Vec::new(),
        };
        let mut near: Option<(&Arc<Path>, u64)> = None;
        for entry in entries {
            let folder = match near {
                Some((folder, hash)) if Arc::ptr_eq(folder, &entry.folder) => hash,
                _ => index.state.hash_one(fold(entry.folder.as_os_str())),
            };
            near = Some((&entry.folder, folder));
            index.folders.push(folder);
        }
        let places = par_map(entries, |at, entry| {
            let name = entry.disk.path.file_name()?;
            let folder = index.folders.get(at)?;
            Some(index.state.hash_one((folder, fold(name))))
        });
        for ((id, entry), place) in (0_u32..).map(DiskId).zip(entries).zip(places) {
            index.places.extend(place.map(|place| (place, id)));
            for also in &entry.also {
                index
                    .places
                    .extend(index.place(also, None).map(|place| (place, id)));
            }
            let Some(header) = &entry.disk.header else {
                continue;
            };
            if let Some(wanted) = header.link_id() {
                index.link_ids.push(((header.format, wanted), id));
            }
            index
                .families
                .extend(header.family_id().map(|family| (family, id)));
        }
        index.places.sort_unstable();
        index.link_ids.sort_unstable();
        index.families.sort_unstable();
        index
    }

    /// The hash of a path's folder and name; `near` is a disk whose folder may be the same.
    fn place(&self, path: &Path, near: Option<DiskId>) -> Option<u64> {
        let (folder, name) = (path.parent()?, path.file_name()?);
        let known = near
            .filter(|near| {
                self.entry(*near)
                    .is_some_and(|near| *near.folder == *folder)
            })
            .and_then(|near| self.folders.get(near.0 as usize).copied());
        let folder = known.unwrap_or_else(|| self.state.hash_one(fold(folder.as_os_str())));
        Some(self.state.hash_one((folder, fold(name))))
    }

    /// Disks at a path whose folder is written with no symbolic link, the one with exactly this name first. `near` is a
    /// disk in whose folder it may lie.
    pub(super) fn at(&self, path: &Path, near: Option<DiskId>) -> Vec<DiskId> {
        let Some(place) = self.place(path, near) else {
            return Vec::new();
        };
        let name = path.file_name();
        let is_exact = |entry: &Entry| {
            entry.disk.path.file_name() == name && Some(&*entry.folder) == path.parent()
        };
        let is_alike = |entry: &Entry| {
            entry.disk.path.file_name().map(fold) == name.map(fold)
                && Some(fold(entry.folder.as_os_str()))
                    == path.parent().map(|folder| fold(folder.as_os_str()))
        };
        let is_also = |entry: &Entry| {
            let mut also = entry.also.iter();
            also.any(|also| fold(also.as_os_str()) == fold(path.as_os_str()))
        };
        let mut found: Vec<DiskId> = with_key(&self.places, place)
            .filter(|id| {
                self.entry(*id)
                    .is_some_and(|entry| is_exact(entry) || is_alike(entry) || is_also(entry))
            })
            .collect();
        if found.len() > 1 {
            found.sort_by_key(|id| self.entry(*id).is_none_or(|entry| !is_exact(entry)));
        }
        found
    }

    /// Disks a child that wants `id` may hang on, by path.
    pub(super) fn with_link_id(&self, format: Format, id: Uuid) -> impl Iterator<Item = DiskId> {
        with_key(&self.link_ids, (format, id))
    }

    /// VHDX disks of one virtual disk, by path.
    pub(super) fn family(&self, id: Uuid) -> impl Iterator<Item = DiskId> {
        with_key(&self.families, id)
    }

    /// Groups of two or more disks with one link id.
    pub(super) fn shared_ids(&self) -> impl Iterator<Item = (Uuid, Vec<DiskId>)> {
        self.link_ids
            .chunk_by(|(a, _), (b, _)| a == b)
            .filter(|disks| disks.len() > 1)
            .filter_map(|disks| {
                let ((_, id), _) = disks.first()?;
                Some((*id, disks.iter().map(|(_, disk)| *disk).collect()))
            })
    }

    pub(super) fn entry(&self, id: DiskId) -> Option<&'a Entry> {
        self.entries.get(id.0 as usize)
    }

    pub(super) fn header(&self, id: DiskId) -> Option<&'a Header> {
        self.entry(id)?.disk.header.as_ref()
    }
}
