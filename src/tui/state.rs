//! What is kept of a store between two visits: order, folds, theme, hidden codes. One small TOML file for each store,
//! in the user's state folder, named by the store's paths. The only file of the browser that writes without being
//! asked by a key; `--no-state` keeps it from reading and writing.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use serde::{Deserialize, Serialize};

use crate::report::RowKey;
use crate::report::row::{Direction, Sort};

/// Bytes of a state file that are read at most: it is ours and small, whatever lies there.
const READ_MAX: u64 = 1 << 20;
/// Folds that are kept at most.
const FOLDS_MAX: usize = 4096;

/// What is kept of one store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The store's paths, to be sure that the file is about this store.
    roots: Vec<String>,
    /// The column rows were ordered by; `None`: never changed.
    pub sort: Option<String>,
    /// That order was turned round.
    pub reversed: bool,
    /// The theme; `None`: never changed.
    pub theme: Option<String>,
    /// Codes hidden in the list of findings.
    pub hidden: BTreeSet<String>,
    /// The scan of this store that was saved last.
    pub saved: Option<PathBuf>,
    /// Folded rows: `group NAME`, `disk PATH`, `missing WHAT`, `error PATH`.
    folded: BTreeSet<String>,
}

impl Memory {
    /// The order kept, if it is one that is still known.
    pub fn order(&self) -> Option<(Sort, Direction)> {
        let word = self.sort.as_deref()?;
        let (sort, _) = Sort::ALL.into_iter().find(|(_, known)| *known == word)?;
        let direction = if self.reversed {
            Direction::Reversed
        } else {
            Direction::Usual
        };
        Some((sort, direction))
    }

    /// Keeps an order.
    pub fn set_order(&mut self, sort: Sort, direction: Direction) {
        self.sort = Some(sort.word().to_owned());
        self.reversed = direction == Direction::Reversed;
    }

    /// The folded rows kept.
    pub fn folds(&self) -> HashSet<RowKey> {
        self.folded
            .iter()
            .filter_map(|text| {
                let (kind, name) = text.split_once(' ')?;
                Some(match kind {
                    "group" => RowKey::Group(name.to_owned()),
                    "disk" => RowKey::Disk(name.into()),
                    "missing" => RowKey::Missing(name.to_owned()),
                    "error" => RowKey::Error(name.into()),
                    _ => return None,
                })
            })
            .collect()
    }

    /// Keeps folded rows; a path that is no UTF-8 is left out, and what exceeds the bound.
    pub fn set_folds<'a>(&mut self, folded: impl Iterator<Item = &'a RowKey>) {
        let texts: BTreeSet<String> = folded
            .filter_map(|key| {
                Some(match key {
                    RowKey::Group(name) => format!("group {name}"),
                    RowKey::Disk(path) => format!("disk {}", path.to_str()?),
                    RowKey::Missing(what) => format!("missing {what}"),
                    RowKey::Error(path) => format!("error {}", path.to_str()?),
                })
            })
            .collect();
        self.folded = texts.into_iter().take(FOLDS_MAX).collect();
    }
}

/// The program's own folder for what it keeps; `None` if the system names none.
pub fn folder() -> Option<PathBuf> {
    let folders = crate::config::user_folders()?;
    let folder = folders.state_dir().unwrap_or_else(|| folders.data_dir());
    Some(folder.join("vhdtree"))
}

/// The root of a store that a folder lies below, whether the folder is there or not.
///
/// # Errors
/// When nothing can be told of the folder.
pub fn root_around<'a>(folder: &Path, roots: &'a [PathBuf]) -> io::Result<Option<&'a PathBuf>> {
    let known = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path));
    let target = known(folder)?;
    let inside = |root: &&PathBuf| known(root).is_ok_and(|root| target.starts_with(root));
    Ok(roots.iter().find(inside))
}

/// Makes a folder to write in, never one below a root of a store.
///
/// # Errors
/// When it lies there, or cannot be made.
pub fn make(folder: &Path, roots: &[PathBuf]) -> io::Result<()> {
    match root_around(folder, roots)? {
        Some(_) => Err(io::Error::other("it lies in the store")),
        None => std::fs::create_dir_all(folder),
    }
}

/// Where the state of one store lies, and of which store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatePlace {
    file: PathBuf,
    roots: Vec<String>,
}

impl StatePlace {
    /// The place for a store given by its paths, in the user's state folder (`~/.local/state/vhdtree`); on systems
    /// without one, in that of local data. `None` if the system names neither, or a path is no UTF-8.
    pub fn of(roots: &[PathBuf]) -> Option<Self> {
        Self::below(&folder()?, roots)
    }

    /// The same in another folder.
    pub fn below(folder: &Path, roots: &[PathBuf]) -> Option<Self> {
        let mut texts = Vec::new();
        for root in roots {
            let path = std::fs::canonicalize(root)
                .or_else(|_| std::path::absolute(root))
                .ok()?;
            texts.push(path.to_str()?.to_owned());
        }
        texts.sort();
        let name = format!("{:016x}.toml", digest(&texts));
        Some(Self {
            file: folder.join(name),
            roots: texts,
        })
    }

    /// What is kept there; nothing if there is nothing, or nothing that can be read as such.
    pub fn load(&self) -> Memory {
        let mut text = String::new();
        let read = File::open(&self.file)
            .and_then(|file| file.take(READ_MAX).read_to_string(&mut text))
            .is_ok();
        let memory: Option<Memory> = read.then(|| toml::from_str(&text).ok()).flatten();
        memory
            .filter(|memory| memory.roots == self.roots)
            .unwrap_or_default()
    }

    /// Keeps a memory: whole or, if that fails, the old one stays.
    ///
    /// # Errors
    /// When the folder or the file cannot be written.
    pub fn save(&self, memory: &Memory) -> io::Result<()> {
        let memory = Memory {
            roots: self.roots.clone(),
            ..memory.clone()
        };
        let text = toml::to_string(&memory).map_err(io::Error::other)?;
        if let Some(folder) = self.file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        // Two browsers that leave at once must not write into one file.
        let fresh = self
            .file
            .with_extension(format!("{}.new", std::process::id()));
        let written = File::create(&fresh)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| std::fs::rename(&fresh, &self.file));
        if written.is_err() {
            let _ = std::fs::remove_file(&fresh);
        }
        written
    }
}

/// FNV-1a over the paths, a zero byte after each: a name for the file, nothing more; the paths inside decide.
fn digest(texts: &[String]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Memory {
        let mut memory = Memory {
            theme: Some("light".to_owned()),
            hidden: BTreeSet::from(["parent-moved".to_owned()]),
            ..Memory::default()
        };
        memory.set_order(Sort::Size, Direction::Reversed);
        let folds = [
            RowKey::Group("a \"b\" 検".to_owned()),
            RowKey::Disk("/s/x y.vhd".into()),
        ];
        memory.set_folds(folds.iter());
        memory
    }

    #[test]
    fn what_is_kept_comes_back_for_its_own_store_only() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("deep").join("state");
        let place = StatePlace::below(&state, &["/one".into(), "/two".into()]).unwrap();
        assert_eq!(place.load(), Memory::default());
        place.save(&memory()).unwrap();
        let back = place.load();
        assert_eq!(back.order(), Some((Sort::Size, Direction::Reversed)));
        assert_eq!(back.folds(), memory().folds());
        assert_eq!(back.folds().len(), 2);
        assert_eq!((back.theme, back.hidden), (memory().theme, memory().hidden));
        let turned = StatePlace::below(&state, &["/two".into(), "/one".into()]).unwrap();
        assert_eq!(turned, place, "the order of the paths does not matter");
        let other = StatePlace::below(&state, &["/three".into()]).unwrap();
        std::fs::copy(&place.file, &other.file).unwrap();
        assert_eq!(other.load(), Memory::default(), "another store's file");
        assert_eq!(std::fs::read_dir(&state).unwrap().count(), 2);
    }

    #[test]
    fn a_spoilt_file_is_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let place = StatePlace::below(folder.path(), &["/one".into()]).unwrap();
        for bytes in [&b"sort = ["[..], b"\xff\xfe", b"sort = 5\n", b""] {
            std::fs::write(&place.file, bytes).unwrap();
            assert_eq!(place.load(), Memory::default());
        }
        let mut known = memory();
        known.sort = Some("colour".to_owned());
        assert_eq!(known.order(), None, "an order that is no more");
    }

    #[test]
    fn a_state_folder_that_cannot_be_made_is_an_error_and_no_panic() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let place = StatePlace::below(&file, &["/one".into()]).unwrap();
        assert!(place.save(&memory()).is_err());
    }
}
