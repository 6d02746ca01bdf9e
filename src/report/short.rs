//! Short names in sentences: what the tree shows for a disk, put in place of its whole name.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::analysis::Assessment;
use crate::report::row::{Row, RowOptions, rows};
use crate::report::words::disk_name;
use crate::store::{DiskId, Forest};

/// The short names of some disks, as the tree of the whole store shows them: never two alike in one machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShortNames {
    short: HashMap<DiskId, String>,
    /// Whole names and short ones where the two differ, both escaped; by the length of the whole ones in bytes.
    by_length: BTreeMap<usize, HashMap<String, String>>,
}

impl ShortNames {
    /// The names of these disks.
    pub fn new(forest: &Forest, assessment: &Assessment, disks: &[DiskId]) -> Self {
        let disks: HashSet<DiskId> = disks.iter().copied().collect();
        let rows = rows(forest, assessment, &RowOptions::default());
        let wanted = |row: &&Row| row.disk.is_some_and(|id| disks.contains(&id));
        Self::of_rows(rows.iter().filter(wanted))
    }

    /// The names that these rows show.
    pub fn of_rows<'a>(rows: impl Iterator<Item = &'a Row>) -> Self {
        let all: Vec<(DiskId, &str, &str)> = rows
            .filter_map(|row| Some((row.disk?, row.full_name.as_str(), row.name.as_str())))
            .collect();
        let whole = Bearers::of(all.iter().map(|(id, full, _)| (*id, *full)));
        let short = Bearers::of(all.iter().map(|(id, _, short)| (*id, *short)));
        let mut names = Self::default();
        // A whole name that two disks bear, or a short one, would not say which is meant.
        let clear = |(_, full, name): &&(DiskId, &str, &str)| {
            whole.is_one_disks(full) && short.is_one_disks(name)
        };
        for (id, full, short) in all.iter().filter(clear) {
            names.short.insert(*id, (*short).to_owned());
            if full != short {
                let of_length = names.by_length.entry(full.len()).or_default();
                of_length.insert((*full).to_owned(), (*short).to_owned());
            }
        }
        names
    }

    /// The name of a disk, escaped.
    pub fn of(&self, forest: &Forest, id: DiskId) -> String {
        let short = self.short.get(&id).cloned();
        short.unwrap_or_else(|| disk_name(forest, id))
    }

    /// An escaped text with short names for whole ones, the longest first.
    pub fn put_into(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (length, names) in self.by_length.iter().rev() {
            if let Some(with_short) = replaced(&text, *length, names) {
                text = with_short;
            }
        }
        text
    }
}

/// Which disk bears each name; `None`: several do.
struct Bearers<'a>(HashMap<&'a str, Option<DiskId>>);

impl<'a> Bearers<'a> {
    fn of(names: impl Iterator<Item = (DiskId, &'a str)>) -> Self {
        let mut all = HashMap::new();
        for (id, name) in names {
            all.entry(name)
                .and_modify(|of: &mut Option<DiskId>| *of = of.filter(|of| *of == id))
                .or_insert(Some(id));
        }
        Self(all)
    }

    fn is_one_disks(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(Option::is_some)
    }
}

/// The text with what stands in `names`, all of them `length` bytes long, replaced; `None` if none of them is in it. It is
/// looked for by place in the text and not by name: names may be tens of thousands.
fn replaced(text: &str, length: usize, names: &HashMap<String, String>) -> Option<String> {
    let mut out = String::new();
    let (mut done, mut at) = (0_usize, 0_usize);
    while let Some(end) = at.checked_add(length).filter(|end| *end <= text.len()) {
        match text.get(at..end).and_then(|whole| names.get(whole)) {
            Some(short) => {
                out.push_str(text.get(done..at).unwrap_or_default());
                out.push_str(short);
                (done, at) = (end, end);
            }
            None => at = at.saturating_add(1),
        }
    }
    (done > 0).then(|| out + text.get(done..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::plain::Plain;
    use crate::analysis::{Compared, assess};

    const DAY: &str = "2009-05-02T14:10:01Z";
    const X: &str = "web01_3A55E0B1-0C6D-4D0F-A1F2-77E6B3C90A42.avhd";

    #[test]
    fn a_sentence_gets_the_names_of_the_tree() {
        let mut store = Plain::new();
        let base = store.vhd("/s/web01.vhd", "", DAY, DAY);
        let x = store.vhd(&format!("/s/{X}"), "/s/web01.vhd", DAY, DAY);
        let assessment = assess(&store.forest, &Compared::default());
        let names = ShortNames::new(&store.forest, &assessment, &[base, x]);
        assert_eq!(
            names.put_into(&format!("{X} is written into web01.vhd")),
            "3A55E0B1.avhd is written into web01.vhd"
        );
        assert_eq!(names.of(&store.forest, x), "3A55E0B1.avhd");
        assert_eq!(names.of(&store.forest, DiskId(9)), "?");
    }

    #[test]
    fn names_that_would_not_say_which_disk_is_meant_stay_whole() {
        let mut store = Plain::new();
        let mut all = Vec::new();
        for folder in ["a", "b"] {
            let base = format!("/s/{folder}/web01.vhd");
            store.vhd(&base, "", DAY, DAY);
            all.push(store.vhd(&format!("/s/{folder}/{X}"), &base, DAY, DAY));
        }
        let assessment = assess(&store.forest, &Compared::default());
        let names = ShortNames::new(&store.forest, &assessment, &all);
        assert_eq!(names.put_into(X), X);
        assert_eq!(names.of(&store.forest, all[0]), X);
    }
}
