//! Which listed file is which file here, and what that says of its times.
//!
//! A row means the disk of its id, if no other has that; else the one its path leads to through a `--map`; else the one of its
//! name, and of as many folders as agree, if that is one only. A row is about this very file only if the lengths allow it: a
//! disk that nothing hangs on may have grown since, any other must be as long as listed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use super::{FactsFile, HostFacts, HostFile, Origin};
use crate::finding::Finding;
use crate::store::link::mapped;
use crate::store::pathmatch::{Match, PathIndex};
use crate::store::place::below;
use crate::store::winpath::WinPath;
use crate::store::{Born, BornSource, Disk, FileFacts, HostRow, Node, PathMap, codes};

/// Rows of several inputs, by path.
#[derive(Debug, Default)]
pub(in crate::store) struct Rows {
    files: Arc<[FactsFile]>,
    indexes: Vec<PathIndex>,
    origins: Vec<Arc<Origin>>,
    /// Inputs by the folder below which they hold, each in their order; those of `None` hold everywhere.
    by_folder: HashMap<Option<PathBuf>, Vec<usize>>,
}

/// How a row came to a disk, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    /// So many names agree.
    Name(usize),
    Map,
    Id,
}

impl Rows {
    /// Indexes the rows of each input. Inputs the user named come first, then those of the deepest folders.
    pub(in crate::store) fn new(files: Arc<[FactsFile]>) -> Self {
        let index = |of: &FactsFile| PathIndex::new(of.facts.files.iter().map(|row| &row.path));
        let mut by_folder: HashMap<_, Vec<usize>> = HashMap::new();
        for (at, of) in files.iter().enumerate() {
            by_folder.entry(of.folder.clone()).or_default().push(at);
        }
        Self {
            indexes: files.iter().map(index).collect(),
            origins: files.iter().map(Origin::of).collect(),
            by_folder,
            files,
        }
    }

    /// Puts the host's times of a file that is no disk in place of those of this machine.
    pub(in crate::store) fn date(&self, file: &mut FileFacts, path: &Path) {
        let folders = path.ancestors().skip(1).map(|of| Some(of.to_path_buf()));
        let all = std::iter::once(None).chain(folders);
        let mut near = all
            .filter_map(|folder| self.by_folder.get(&folder))
            .flatten();
        let row = near.find_map(|at| {
            let of = self.files.get(*at)?;
            let row = by_name(of, self.indexes.get(*at)?, path, file.len)?.0;
            of.facts.files.get(row)
        });
        if let Some(row) = row.filter(|row| fits(row, file.len, Ends::Frozen)) {
            take_times(file, row);
        }
    }

    /// The row of each disk. `place` is where a disk really lies; the disks are sorted by path.
    pub(in crate::store) fn of_disks(
        &self,
        disks: &[(&Disk, PathBuf)],
        maps: &[PathMap],
    ) -> Vec<Option<Arc<HostRow>>> {
        let mut rows = vec![None; disks.len()];
        let indexed = self.files.iter().zip(&self.indexes);
        for ((of, index), origin) in indexed.zip(&self.origins) {
            let free = FreePlaces::of(&of.facts);
            for (disk, row) in joined(of, index, disks, maps) {
                let file = of.facts.files.get(row);
                if let Some((slot, file)) = rows.get_mut(disk).zip(file)
                    && slot.is_none()
                {
                    *slot = Some(Arc::new(HostRow {
                        file: file.clone(),
                        origin: Arc::clone(origin),
                        free: free.at(&file.path),
                    }));
                }
            }
        }
        rows
    }
}

/// Free bytes of the host's volumes and folders, by path.
struct FreePlaces(HashMap<String, u64>);

impl FreePlaces {
    fn of(facts: &HostFacts) -> Self {
        let bare = |place: &str| plain(place).trim_end_matches('\\').to_owned();
        let places = facts.free.iter();
        let places = places.map(|(place, bytes)| (bare(place), *bytes));
        Self(places.collect())
    }

    /// Those of the volume that a file of the host lies on: the listed place nearest to it.
    fn at(&self, path: &str) -> Option<u64> {
        if self.0.is_empty() {
            return None;
        }
        let path = plain(path);
        let mut rest = path.as_str();
        while let Some((folder, _)) = rest.rsplit_once('\\') {
            if let Some(bytes) = self.0.get(folder) {
                return Some(*bytes);
            }
            rest = folder;
        }
        None
    }
}

/// A path as it is compared.
fn plain(path: &str) -> String {
    path.to_lowercase().replace('/', "\\")
}

/// Disks of one input with their rows, each row once.
fn joined(
    of: &FactsFile,
    index: &PathIndex,
    disks: &[(&Disk, PathBuf)],
    maps: &[PathMap],
) -> Vec<(usize, usize)> {
    if of.facts.files.is_empty() {
        return Vec::new();
    }
    let held = match of.folder.as_deref() {
        None => 0..disks.len(),
        Some(folder) => below(disks, path_of, folder),
    };
    let held = || {
        let all = disks.iter().enumerate();
        all.skip(held.start).take(held.len())
    };
    let by_id = of.facts.files.iter().enumerate();
    let by_id = unique(by_id.map(|(at, row)| (at, row.disk.as_ref().and_then(|disk| disk.id))));
    let id = |disk: &Disk| disk.header.as_ref().map(|header| header.id);
    let ids = unique(held().map(|(at, (disk, _))| (at, id(disk))));
    let by_place: HashMap<PathBuf, usize> = if maps.is_empty() {
        HashMap::new()
    } else {
        let rows = of.facts.files.iter().enumerate();
        rows.filter_map(|(at, row)| Some((mapped(&WinPath::parse(&row.path), maps)?, at)))
            .collect()
    };
    // The best claim on each row, and whether it is the only one of its strength.
    let mut claims: HashMap<usize, (By, usize, bool)> = HashMap::new();
    for (at, (disk, place)) in held() {
        let of_id = id(disk)
            .filter(|id| ids.get(id) == Some(&at))
            .and_then(|id| by_id.get(&id));
        let claim = of_id
            .map(|row| (*row, By::Id))
            .or_else(|| by_place.get(place).map(|row| (*row, By::Map)))
            .or_else(|| {
                let (row, agreeing) = by_name(of, index, &disk.path, disk.file.len)?;
                Some((row, By::Name(agreeing)))
            });
        let Some((row, by)) = claim else { continue };
        let known = claims.entry(row).or_insert((by, at, true));
        match by.cmp(&known.0) {
            std::cmp::Ordering::Greater => *known = (by, at, true),
            std::cmp::Ordering::Equal if known.1 != at => known.2 = false,
            _ => {}
        }
    }
    let claims = claims.into_iter();
    claims
        .filter_map(|(row, (_, disk, is_only))| is_only.then_some((disk, row)))
        .collect()
}

fn path_of<'a>((disk, _): &'a (&Disk, PathBuf)) -> &'a Path {
    &disk.path
}

/// Values that occur once, with their places.
fn unique(values: impl Iterator<Item = (usize, Option<Uuid>)>) -> HashMap<Uuid, usize> {
    let mut places: HashMap<Uuid, Option<usize>> = HashMap::new();
    for (at, value) in values {
        if let Some(value) = value {
            places
                .entry(value)
                .and_modify(|place| *place = None)
                .or_insert(Some(at));
        }
    }
    let places = places.into_iter();
    places
        .filter_map(|(value, place)| Some((value, place?)))
        .collect()
}

/// The row of a file by its name and folders; of several by its length. Also how many names agree.
fn by_name(of: &FactsFile, index: &PathIndex, path: &Path, len: u64) -> Option<(usize, usize)> {
    if !of.holds_for(path) || of.facts.files.is_empty() {
        return None;
    }
    // A name here may hold what is a root or a separator to Windows, so only whole names are handed on.
    match index.find(&WinPath::parse(&path.to_string_lossy())) {
        Match::None => None,
        Match::One(at, agreeing) => Some((at, agreeing)),
        Match::Several(several) => {
            let row = |at: &u32| of.facts.files.get(*at as usize);
            let mut same = several
                .numbers()
                .iter()
                .filter(|at| row(at).is_some_and(|row| row.len == Some(len)));
            let at = same.next().filter(|_| same.next().is_none())?;
            Some((*at as usize, 1))
        }
    }
}

/// Whether a file may have changed since it was listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// A disk that nothing hangs on: it may have grown.
    Leaf,
    /// Anything else.
    Frozen,
}

impl Ends {
    /// Of a disk with these links.
    pub(in crate::store) fn of(node: Option<&Node>) -> Self {
        match node {
            Some(node) if node.children.is_empty() => Self::Leaf,
            _ => Self::Frozen,
        }
    }
}

/// Puts the host's times of a disk in place of those of this machine, or tells that the row is another copy's.
pub(in crate::store) fn date_disk(disk: &mut Arc<Disk>, row: &HostRow, ends: Ends) {
    let disk = Arc::make_mut(disk);
    disk.findings
        .retain(|of| *of.code != codes::FACTS_OTHER_COPY);
    if fits(&row.file, disk.file.len, ends) {
        take_times(&mut disk.file, &row.file);
        return;
    }
    let listed = row.file.len.unwrap_or_default();
    let text = format!(
        "{} lists it with {listed} bytes; here it has {}: the listing is of another copy, and its times are not used.",
        row.origin.path.display(),
        disk.file.len
    );
    let finding = Finding::new(&codes::FACTS_OTHER_COPY, text);
    disk.findings
        .push(finding.values(listed.to_string(), disk.file.len.to_string()));
}

fn fits(row: &HostFile, len: u64, ends: Ends) -> bool {
    row.len.is_none_or(|listed| match ends {
        Ends::Leaf => len >= listed,
        Ends::Frozen => len == listed,
    })
}

fn take_times(file: &mut FileFacts, row: &HostFile) {
    if let Some(at) = row.born {
        let source = BornSource::Host;
        file.born = Some(Born { at, source });
    }
    file.modified = row.modified.or(file.modified);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::probe::row as blank;

    fn file(path: &str, len: u64) -> HostFile {
        HostFile {
            path: path.to_owned(),
            len: Some(len),
            ..HostFile::default()
        }
    }

    fn rows_of(listed: &[HostFile], disks: &[(&str, u64)]) -> Vec<Option<String>> {
        let facts = HostFacts {
            files: listed.to_vec(),
            ..HostFacts::default()
        };
        let path = PathBuf::from("times.csv");
        let files = [FactsFile {
            path,
            folder: None,
            facts,
        }];
        let facts = |len| FileFacts {
            len,
            ..FileFacts::default()
        };
        let disks: Vec<Disk> = disks
            .iter()
            .map(|(path, len)| blank(Path::new(path), facts(*len), Vec::new()))
            .collect();
        let disks: Vec<_> = disks.iter().map(|disk| (disk, disk.path.clone())).collect();
        let rows = Rows::new(files.into()).of_disks(&disks, &[]);
        rows.into_iter()
            .map(|row| row.map(|row| row.file.path.clone()))
            .collect()
    }

    #[test]
    fn rows_are_found_by_name_folder_and_length_each_for_one_disk() {
        let (web, db) = (r"D:\VMs\Web\disk.avhdx", r"D:\VMs\Db\disk.avhdx");
        let listed = [file(web, 4), file(db, 8)];
        let one = |path, len| rows_of(&listed, &[(path, len)]).remove(0);
        assert_eq!(one("/mnt/copy/web/DISK.avhdx", 1).as_deref(), Some(web));
        assert_eq!(one("db/disk.avhdx", 1).as_deref(), Some(db));
        assert_eq!(one("disk.avhdx", 8).as_deref(), Some(db));
        assert_eq!(one("disk.avhdx", 1), None);
        assert_eq!(one("other.avhdx", 1), None);
        let twice = [("/a/other.vhd", 1), ("/b/other.vhd", 1)];
        assert_eq!(rows_of(&[file(r"D:\x\other.vhd", 1)], &twice), [None, None]);
        let nearer = [("/a/other.vhd", 1), ("/x/other.vhd", 1)];
        let row = Some(r"D:\x\other.vhd".to_owned());
        assert_eq!(rows_of(&[file(r"D:\x\other.vhd", 1)], &nearer), [None, row]);
    }

    #[test]
    fn free_space_is_that_of_the_nearest_place_listed() {
        let facts = HostFacts {
            free: [("D:\\", 1), (r"C:\ClusterStorage\Volume1", 2), ("C:", 3)]
                .map(|(place, bytes)| (place.to_owned(), bytes))
                .to_vec(),
            ..HostFacts::default()
        };
        for (path, wanted) in [
            (r"d:\VMs\a.vhdx", Some(1)),
            ("C:/clusterstorage/volume1/a.vhdx", Some(2)),
            (r"C:\ClusterStorage\Volume10\a.vhdx", Some(3)),
            (r"E:\a.vhdx", None),
        ] {
            assert_eq!(FreePlaces::of(&facts).at(path), wanted, "{path}");
        }
    }

    #[test]
    fn only_a_leaf_may_have_grown_since_it_was_listed() {
        for (len, ends, is_it) in [
            (10, Ends::Frozen, true),
            (11, Ends::Frozen, false),
            (11, Ends::Leaf, true),
            (9, Ends::Leaf, false),
        ] {
            let facts = FileFacts {
                len,
                ..FileFacts::default()
            };
            let mut disk = Arc::new(blank(Path::new("a.vhd"), facts, Vec::new()));
            let mut listed = file("a.vhd", 10);
            listed.modified = "2026-01-01T00:00:00Z".parse().ok();
            let row = HostRow {
                file: listed,
                origin: Arc::default(),
                free: None,
            };
            date_disk(&mut disk, &row, ends);
            date_disk(&mut disk, &row, ends);
            assert_eq!(disk.file.modified.is_some(), is_it, "{len} {ends:?}");
            assert_eq!(disk.findings.len(), usize::from(!is_it));
        }
    }
}
