//! Which disk of the forest a stored path means.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::format::guid;
use crate::store::host::FactsFile;
use crate::store::hyperv::ConfigRecord;
use crate::store::link::mapped;
use crate::store::pathmatch::{Match, PathIndex, Several};
use crate::store::place::below;
use crate::store::winpath::WinPath;
use crate::store::{DiskId, DiskUse, Forest, PathMap};

/// Paths of a forest's disks, and the rows of inputs that are known to mean one of them.
pub(super) struct DiskPaths<'a> {
    pub forest: &'a Forest,
    index: PathIndex,
    maps: &'a [PathMap],
    /// Where the disks really lie; empty without maps.
    places: HashMap<&'a Path, DiskId>,
    /// Disks of a pool by the id their file or volume is named by; `None` if several have it.
    vdis: HashMap<Uuid, Option<DiskId>>,
    /// By input and path as written, in lower case.
    rows: HashMap<(&'a Path, String), DiskId>,
}

impl<'a> DiskPaths<'a> {
    pub fn new(forest: &'a Forest, places: &'a [PathBuf], maps: &'a [PathMap]) -> Self {
        let texts = forest.disks.iter().map(|disk| disk.path.to_string_lossy());
        let places = places.iter().filter(|_| !maps.is_empty());
        let rows = forest.ids().filter_map(|id| {
            let row = forest.node(id)?.host.as_ref()?;
            Some((
                (row.origin.path.as_path(), row.file.path.to_lowercase()),
                id,
            ))
        });
        Self {
            index: PathIndex::new(texts),
            maps,
            places: places.map(PathBuf::as_path).zip(forest.ids()).collect(),
            vdis: vdis(forest),
            rows: rows.collect(),
            forest,
        }
    }

    /// The disk a configuration means: of several that agree equally well the one nearest to it.
    pub fn of_config(&self, stored: &str, config: &Path) -> Option<DiskId> {
        let at = match self.index.find(&WinPath::parse(stored)) {
            Match::None => return None,
            Match::One(at, _) => at,
            Match::Several(several) => self.nearest(&several, config)?,
        };
        u32::try_from(at).ok().map(DiskId)
    }

    /// The disk an input of the host means: the one its row was joined with, else the one the path is mapped to, else the
    /// only one of that name, and as many folders as agree, for which the input holds.
    pub fn of_facts(&self, stored: &str, facts: &FactsFile) -> Option<DiskId> {
        let row = (facts.path.as_path(), stored.to_lowercase());
        if let Some(disk) = self.rows.get(&row) {
            return Some(*disk);
        }
        if let Some(vdi) = guid::from_text(stored) {
            return self.vdi(vdi, facts);
        }
        let path = WinPath::parse(stored);
        let place = mapped(&path, self.maps);
        if let Some(disk) = place.and_then(|place| self.places.get(place.as_path())) {
            return Some(*disk);
        }
        let within = facts.folder.as_deref().map(|folder| self.below(folder));
        let within = within.or_else(|| self.of_host(facts.facts.host.as_deref()?));
        match self.index.find_within(&path, within.as_ref()) {
            Match::One(at, _) => u32::try_from(at).ok().map(DiskId),
            Match::None | Match::Several(_) => None,
        }
    }

    /// The disk that is named by the id of a pool's disk, if the input holds for it.
    pub fn vdi(&self, id: Uuid, facts: &FactsFile) -> Option<DiskId> {
        let disk = self.vdis.get(&id).copied().flatten()?;
        let path = &self.forest.disk(disk)?.path;
        facts.holds_for(path).then_some(disk)
    }

    /// The numbers of the disks below a folder: they are sorted by path.
    fn below(&self, folder: &Path) -> Range<u32> {
        numbers(&below(&self.forest.disks, |disk| &disk.path, folder))
    }

    /// The numbers of the disks of one of several hosts.
    fn of_host(&self, host: &str) -> Option<Range<u32>> {
        Some(numbers(&self.forest.disks_of(host)?))
    }

    /// The one of several that shares most folders with `source`; `None` if two share as many. Those that share most stand
    /// side by side around the place that `source` has among all paths.
    fn nearest(&self, several: &Several, source: &Path) -> Option<usize> {
        let wanted = source.as_os_str().as_encoded_bytes();
        let place = self
            .forest
            .disks
            .partition_point(|disk| disk.path.as_os_str().as_encoded_bytes() < wanted);
        let numbers = several.numbers();
        let place = numbers.partition_point(|number| (*number as usize) < place);
        let around = place.saturating_sub(2)..place.saturating_add(2).min(numbers.len());
        let shared = |at: u32| {
            self.forest.disks.get(at as usize).map_or(0, |disk| {
                let pairs = disk.path.components().zip(source.components());
                pairs.take_while(|(a, b)| a == b).count()
            })
        };
        let near: Vec<(u32, usize)> = numbers
            .get(around)
            .unwrap_or_default()
            .iter()
            .map(|at| (*at, shared(*at)))
            .collect();
        let most = near.iter().map(|(_, shared)| *shared).max()?;
        let mut best = near.iter().filter(|(_, shared)| *shared == most);
        let (at, _) = best.next().filter(|_| best.next().is_none())?;
        Some(*at as usize)
    }

    pub fn uses_of_config(&self, record: &ConfigRecord) -> Vec<DiskUse> {
        let disks = record.disks.iter().map(|disk| DiskUse {
            disk: self.of_config(&disk.path, &record.path),
            path: disk.path.clone(),
            slot: Some(disk.slot()),
        });
        disks.collect()
    }

    pub fn uses_of_facts(&self, disks: &[String], facts: &FactsFile) -> Vec<DiskUse> {
        let disks = disks.iter().map(|path| DiskUse {
            disk: self.of_facts(path, facts),
            path: path.clone(),
            slot: None,
        });
        disks.collect()
    }
}

fn numbers(places: &Range<usize>) -> Range<u32> {
    let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    number(places.start)..number(places.end)
}

/// A pool names a disk's file by its id, `<uuid>.vhd`, and its volume `VHD-<uuid>` or `LV-<uuid>`.
fn vdis(forest: &Forest) -> HashMap<Uuid, Option<DiskId>> {
    let mut vdis = HashMap::new();
    for id in forest.ids() {
        let stem = forest.disk(id).and_then(|disk| disk.path.file_stem());
        let stem = stem.unwrap_or_default().to_string_lossy();
        let bare = ["VHD-", "LV-"]
            .iter()
            .find_map(|prefix| stem.strip_prefix(prefix))
            .unwrap_or(&stem);
        if let Some(vdi) = guid::from_text(bare).filter(|_| bare.len() == 36) {
            vdis.entry(vdi)
                .and_modify(|known| *known = None)
                .or_insert(Some(id));
        }
    }
    vdis
}
