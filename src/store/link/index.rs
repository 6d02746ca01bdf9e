//! Where disks are found: by place without regard to case, by the id a child wants, by family.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::ffi::OsStr;
use std::hash::BuildHasher as _;
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use crate::image::{Format, Header};
use crate::store::DiskId;
use crate::store::scan::Entry;

/// Index over the disks of a scan; ids are positions in `entries`.
#[derive(Debug)]
pub(super) struct Index<'a> {
    entries: &'a [Entry],
    state: RandomState,
    places: HashMap<u64, Vec<DiskId>>,
    link_ids: HashMap<(Format, Uuid), Vec<DiskId>>,
    families: HashMap<Uuid, Vec<DiskId>>,
}

/// The id by which children know a disk: VHD its unique id, VHDX its data write id. Nil ids are none.
pub(super) fn link_id(header: &Header) -> Option<Uuid> {
    let id = match header.format {
        Format::Vhd => Some(header.id),
        Format::Vhdx => header.data_write_id,
    };
    id.filter(|id| !id.is_nil())
}

/// A name as Windows compares it: without case. What is not Unicode compares by its replacement.
pub(super) fn fold(name: &OsStr) -> String {
    name.to_string_lossy().to_lowercase()
}

impl<'a> Index<'a> {
    pub(super) fn new(entries: &'a [Entry]) -> Self {
        let mut index = Self {
            entries,
            state: RandomState::new(),
            places: HashMap::with_capacity(entries.len()),
            link_ids: HashMap::with_capacity(entries.len()),
            families: HashMap::new(),
        };
        let mut near: Option<(&Arc<Path>, u64)> = None;
        for (id, entry) in (0_u32..).map(DiskId).zip(entries) {
            let folder = match near {
                Some((folder, hash)) if Arc::ptr_eq(folder, &entry.folder) => hash,
                _ => index.state.hash_one(fold(entry.folder.as_os_str())),
            };
            near = Some((&entry.folder, folder));
            if let Some(name) = entry.disk.path.file_name() {
                let place = index.state.hash_one((folder, fold(name)));
                index.places.entry(place).or_default().push(id);
            }
            for also in &entry.also {
                if let Some((_, _, place)) = index.place(also) {
                    index.places.entry(place).or_default().push(id);
                }
            }
            let Some(header) = &entry.disk.header else {
                continue;
            };
            if let Some(wanted) = link_id(header) {
                let key = (header.format, wanted);
                index.link_ids.entry(key).or_default().push(id);
            }
            if header.format == Format::Vhdx && !header.id.is_nil() {
                index.families.entry(header.id).or_default().push(id);
            }
        }
        index
    }

    fn place(&self, path: &Path) -> Option<(String, String, u64)> {
        let folder = fold(path.parent()?.as_os_str());
        let name = fold(path.file_name()?);
        let place = self.state.hash_one((self.state.hash_one(&folder), &name));
        Some((folder, name, place))
    }

    /// Disks at a path whose folder is written with no symbolic link, the one with exactly this name first.
    pub(super) fn at(&self, path: &Path) -> Vec<DiskId> {
        let Some((folder, name, place)) = self.place(path) else {
            return Vec::new();
        };
        let mut found: Vec<DiskId> = self
            .places
            .get(&place)
            .into_iter()
            .flatten()
            .copied()
            .filter(|id| {
                self.entry(*id).is_some_and(|entry| {
                    let at_home = entry.disk.path.file_name().map(fold).as_ref() == Some(&name)
                        && fold(entry.folder.as_os_str()) == folder;
                    at_home
                        || entry
                            .also
                            .iter()
                            .any(|also| fold(also.as_os_str()) == fold(path.as_os_str()))
                })
            })
            .collect();
        found.sort_by_key(|id| {
            self.entry(*id).is_none_or(|entry| {
                entry.disk.path.file_name() != path.file_name()
                    || Some(&*entry.folder) != path.parent()
            })
        });
        found
    }

    /// Disks a child that wants `id` may hang on, by path.
    pub(super) fn with_link_id(&self, format: Format, id: Uuid) -> &[DiskId] {
        self.link_ids.get(&(format, id)).map_or(&[], Vec::as_slice)
    }

    /// VHDX disks of one virtual disk, by path.
    pub(super) fn family(&self, id: Uuid) -> &[DiskId] {
        self.families.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Groups of two or more disks with one link id.
    pub(super) fn shared_ids(&self) -> impl Iterator<Item = (Uuid, &[DiskId])> {
        self.link_ids
            .iter()
            .filter(|(_, disks)| disks.len() > 1)
            .map(|((_, id), disks)| (*id, disks.as_slice()))
    }

    pub(super) fn entry(&self, id: DiskId) -> Option<&'a Entry> {
        self.entries.get(id.0 as usize)
    }

    pub(super) fn header(&self, id: DiskId) -> Option<&'a Header> {
        self.entry(id)?.disk.header.as_ref()
    }
}
