//! Which file of the store a Windows path means: by file name without case, then by as much of the folder as agrees.

use std::collections::HashMap;
use std::path::Path;

use super::winpath::{WinPath, eq_ignore_case};

/// Paths of a store by file name.
#[derive(Debug, Default)]
pub struct PathIndex {
    by_name: HashMap<String, Vec<(usize, Vec<String>)>>,
}

/// What a path of another machine means here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// No file has that name.
    None,
    /// This one, as an index into what was given.
    One(usize),
    /// Several agree equally well: nothing tells them apart.
    Several(Vec<usize>),
}

impl Match {
    /// The file, if it is one.
    pub fn one(&self) -> Option<usize> {
        match self {
            Self::One(index) => Some(*index),
            Self::None | Self::Several(_) => None,
        }
    }
}

impl PathIndex {
    /// Indexes paths in the order given. Names of this machine's files, whatever its separator; `\` splits too, so paths
    /// stored by Windows can be indexed the same way.
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut index = Self::default();
        for (number, path) in paths.into_iter().enumerate() {
            let mut names: Vec<String> = path
                .to_string_lossy()
                .split(['/', '\\'])
                .filter(|name| !name.is_empty() && *name != ".")
                .map(str::to_owned)
                .collect();
            if let Some(name) = names.pop() {
                let files = index.by_name.entry(name.to_lowercase()).or_default();
                files.push((number, names));
            }
        }
        index
    }

    /// The file that `wanted` means.
    pub fn find(&self, wanted: &WinPath) -> Match {
        let files = wanted
            .file_name()
            .and_then(|name| self.by_name.get(&name.to_lowercase()));
        let mut best: Vec<usize> = Vec::new();
        let mut best_score = 0;
        for (number, folder) in files.into_iter().flatten() {
            let score = agreement(wanted.folder(), folder);
            if score > best_score {
                best_score = score;
                best.clear();
            }
            if score == best_score {
                best.push(*number);
            }
        }
        match best.as_slice() {
            [] => Match::None,
            [one] => Match::One(*one),
            _ => Match::Several(best),
        }
    }
}

/// How many folders agree, counted from the file upwards.
fn agreement(a: &[String], b: &[String]) -> usize {
    let pairs = a.iter().rev().zip(b.iter().rev());
    pairs.take_while(|(a, b)| eq_ignore_case(a, b)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(paths: &[&str], wanted: &str) -> Match {
        PathIndex::new(paths.iter().map(Path::new)).find(&WinPath::parse(wanted))
    }

    #[test]
    fn the_file_name_decides_and_then_the_folders_above_it() {
        let paths = ["s/Web/disk.vhd", "s/db/disk.vhd", "s/db/Other.vhd"];
        assert_eq!(find(&paths, "D:\\VMs\\DB\\DISK.VHD"), Match::One(1));
        assert_eq!(find(&paths, "E:\\elsewhere\\other.vhd"), Match::One(2));
        assert_eq!(
            find(&paths, "D:\\VMs\\disk.vhd"),
            Match::Several(vec![0, 1])
        );
        assert_eq!(find(&paths, "D:\\VMs\\no.vhd"), Match::None);
        assert_eq!(find(&paths, "D:\\"), Match::None);
    }

    #[test]
    fn one_folder_more_that_agrees_wins() {
        let paths = ["a/x/disk.vhd", "b/x/disk.vhd"];
        assert_eq!(find(&paths, "D:\\b\\X\\disk.vhd"), Match::One(1));
        assert_eq!(find(&paths, "D:\\c\\x\\disk.vhd").one(), None);
    }
}
