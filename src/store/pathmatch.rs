//! Which file of the store a Windows path means: by file name without case, then by as much of the folder as agrees.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::winpath::WinPath;

/// Paths by their names from the file upwards. A look-up costs the logarithm of their number, however many share a name.
#[derive(Debug, Default)]
pub struct PathIndex {
    /// Names from the file upwards in lower case, each ended by a NUL, and the path's number; sorted.
    keys: Vec<(String, u32)>,
    /// Numbers of the keys of a range in ascending order, made when first asked for.
    numbers: Mutex<HashMap<Range<usize>, Arc<[u32]>>>,
}

/// What a path of another machine means here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// No file has that name.
    None,
    /// This one, as an index into what was given, and how many names agree.
    One(usize, usize),
    /// Several agree equally well, in ascending order: nothing tells them apart.
    Several(Several),
}

/// Several paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Several {
    all: Arc<[u32]>,
    part: Range<usize>,
}

impl Several {
    /// Their numbers, ascending.
    pub fn numbers(&self) -> &[u32] {
        self.all.get(self.part.clone()).unwrap_or_default()
    }
}

impl PathIndex {
    /// Indexes paths in the order given, of this machine or of another: `/` and `\` both split.
    pub fn new<T: AsRef<str>>(paths: impl IntoIterator<Item = T>) -> Self {
        let mut keys: Vec<(String, u32)> = (0..)
            .zip(paths)
            .map(|(at, path)| (key(path.as_ref()), at))
            .collect();
        keys.sort_unstable();
        Self {
            keys,
            numbers: Mutex::default(),
        }
    }

    /// The file that `wanted` means.
    pub fn find(&self, wanted: &WinPath) -> Match {
        self.find_within(wanted, None)
    }

    /// The file that `wanted` means, of those whose numbers lie in `within`.
    pub fn find_within(&self, wanted: &WinPath, within: Option<&Range<u32>>) -> Match {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let mut range = 0..self.keys.len();
        let mut prefix = String::new();
        for name in wanted
            .components
            .iter()
            .rev()
            .filter(|_| wanted.file_name().is_some())
        {
            push(&mut prefix, name);
            range = self.narrowed(&range, &prefix);
            if range.is_empty() {
                break;
            }
            ranges.push(range.clone());
        }
        for (at, range) in ranges.iter().enumerate().rev() {
            let agreeing = at.saturating_add(1);
            let found = self.of_range(range, within, agreeing);
            if found != Match::None {
                return found;
            }
        }
        Match::None
    }

    fn of_range(
        &self,
        range: &Range<usize>,
        within: Option<&Range<u32>>,
        agreeing: usize,
    ) -> Match {
        let is_within = |number: u32| within.is_none_or(|within| within.contains(&number));
        if range.len() == 1 {
            let number = self.keys.get(range.start).map(|(_, number)| *number);
            return match number.filter(|number| is_within(*number)) {
                Some(number) => Match::One(number as usize, agreeing),
                None => Match::None,
            };
        }
        let all = self.numbers(range);
        let part = match within {
            None => 0..all.len(),
            Some(within) => {
                all.partition_point(|number| *number < within.start)
                    ..all.partition_point(|number| *number < within.end)
            }
        };
        match all.get(part.clone()) {
            None | Some([]) => Match::None,
            Some([number]) => Match::One(*number as usize, agreeing),
            Some(_) => Match::Several(Several { all, part }),
        }
    }

    fn narrowed(&self, range: &Range<usize>, prefix: &str) -> Range<usize> {
        let keys = self.keys.get(range.clone()).unwrap_or_default();
        let from = keys.partition_point(|(key, _)| key.as_str() < prefix);
        let rest = keys.get(from..).unwrap_or_default();
        let len = rest.partition_point(|(key, _)| key.starts_with(prefix));
        let start = range.start.saturating_add(from);
        start..start.saturating_add(len)
    }

    fn numbers(&self, range: &Range<usize>) -> Arc<[u32]> {
        let mut known = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let numbers = known.entry(range.clone()).or_insert_with(|| {
            let keys = self.keys.get(range.clone()).unwrap_or_default();
            let mut numbers: Vec<u32> = keys.iter().map(|(_, number)| *number).collect();
            numbers.sort_unstable();
            numbers.into()
        });
        Arc::clone(numbers)
    }
}

fn key(path: &str) -> String {
    let mut key = String::with_capacity(path.len().saturating_add(1));
    let names = path.rsplit(['/', '\\']);
    for name in names.filter(|name| !name.is_empty() && *name != ".") {
        push(&mut key, name);
    }
    key
}

fn push(key: &mut String, name: &str) {
    if name.is_ascii() {
        let start = key.len();
        key.push_str(name);
        key.get_mut(start..)
            .unwrap_or_default()
            .make_ascii_lowercase();
    } else {
        key.extend(name.chars().flat_map(char::to_lowercase));
    }
    key.push('\0');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(found: Match) -> Vec<usize> {
        match found {
            Match::None => Vec::new(),
            Match::One(at, _) => vec![at],
            Match::Several(several) => several.numbers().iter().map(|at| *at as usize).collect(),
        }
    }

    fn find(paths: &[&str], wanted: &str) -> Vec<usize> {
        found(PathIndex::new(paths).find(&WinPath::parse(wanted)))
    }

    #[test]
    fn the_file_name_decides_and_then_the_folders_above_it() {
        let paths = ["s/Web/disk.vhd", "s/db/disk.vhd", "s/db/Other.vhd"];
        assert_eq!(find(&paths, "D:\\VMs\\DB\\DISK.VHD"), [1]);
        assert_eq!(find(&paths, "E:\\elsewhere\\other.vhd"), [2]);
        assert_eq!(find(&paths, "D:\\VMs\\disk.vhd"), [0, 1]);
        assert!(find(&paths, "D:\\VMs\\isk.vhd").is_empty());
        assert!(find(&paths, "D:\\").is_empty());
    }

    #[test]
    fn one_folder_more_that_agrees_wins() {
        let paths = ["a/x/disk.vhd", "b/x/disk.vhd"];
        assert_eq!(find(&paths, "D:\\b\\X\\disk.vhd"), [1]);
        assert_eq!(find(&paths, "D:\\c\\x\\disk.vhd"), [0, 1]);
    }

    #[test]
    fn within_a_folder_only_its_files_are_meant() {
        let index = PathIndex::new(["a/x/disk.vhd", "b/y/disk.vhd", "c/x/disk.vhd"]);
        let within =
            |range| found(index.find_within(&WinPath::parse(r"D:\a\x\disk.vhd"), Some(&range)));
        assert_eq!(within(0..3), [0]);
        assert_eq!(within(1..2), [1]);
        assert_eq!(within(1..3), [2]);
        assert!(within(3..3).is_empty());
    }
}
