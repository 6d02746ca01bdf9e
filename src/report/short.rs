//! Short names in sentences: what the tree shows for a disk, put in place of its whole name.

use crate::analysis::Assessment;
use crate::report::row::{Row, RowOptions, rows};
use crate::store::{DiskId, Forest};
use crate::text;

/// The short names of some disks, as the tree of the whole store shows them: never two alike in one machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShortNames {
    /// Disk, whole name and short name, both escaped; longest whole name first.
    all: Vec<(DiskId, String, String)>,
}

impl ShortNames {
    /// The names of these disks.
    pub fn new(forest: &Forest, assessment: &Assessment, disks: &[DiskId]) -> Self {
        let rows = rows(forest, assessment, &RowOptions::default());
        let wanted = |row: &&Row| row.disk.is_some_and(|id| disks.contains(&id));
        Self::of_rows(rows.iter().filter(wanted))
    }

    /// The names that these rows show.
    pub fn of_rows<'a>(rows: impl Iterator<Item = &'a Row>) -> Self {
        let mut all: Vec<(DiskId, String, String)> = rows
            .filter_map(|row| Some((row.disk?, row.full_name.clone(), row.name.clone())))
            .collect();
        all.sort_by_key(|(id, full, _)| (std::cmp::Reverse(full.len()), *id));
        // A whole name that two disks bear, or a short one, would not say which is meant.
        let alike = |a: &(DiskId, String, String), b: &(DiskId, String, String)| {
            a.0 != b.0 && (a.1 == b.1 || a.2 == b.2)
        };
        let clear: Vec<bool> = all
            .iter()
            .map(|one| !all.iter().any(|other| alike(one, other)))
            .collect();
        let mut clear = clear.into_iter();
        all.retain(|_| clear.next() == Some(true));
        Self { all }
    }

    /// The name of a disk, escaped.
    pub fn of(&self, forest: &Forest, id: DiskId) -> String {
        let known = self.all.iter().find(|(of, ..)| *of == id);
        known.map_or_else(
            || {
                forest
                    .disk(id)
                    .map_or_else(|| "?".to_owned(), |disk| text::file_name(&disk.path))
            },
            |(.., short)| short.clone(),
        )
    }

    /// An escaped text with short names for whole ones.
    pub fn put_into(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (_, full, short) in &self.all {
            if full != short && text.contains(full.as_str()) {
                text = text.replace(full.as_str(), short);
            }
        }
        text
    }
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
