//! Where groups and names stand among the rows, so that nothing on the screen needs a look at every row.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::report::Row;

/// The places of the groups, and of the rows whose name the tree shows shorter than it is.
#[derive(Debug, Clone, Default)]
pub struct RowPlaces {
    /// Where each group begins.
    groups: Vec<u32>,
    /// By the hash of a row's group and whole name.
    names: Vec<(u64, u32)>,
    /// Lengths of those whole names in bytes, the longest first.
    lengths: Vec<usize>,
}

impl RowPlaces {
    pub fn of(rows: &[Row]) -> Self {
        let mut places = Self::default();
        let mut lengths = BTreeSet::new();
        let mut group = 0;
        for (row, at) in rows.iter().zip(0..) {
            if row.depth == 0 {
                group = at;
                places.groups.push(at);
            } else if row.name.len() < row.full_name.len() {
                lengths.insert(Reverse(row.full_name.len()));
                places.names.push((hash(group, &row.full_name), at));
            }
        }
        places.names.sort_unstable();
        places.lengths = lengths.into_iter().map(|Reverse(length)| length).collect();
        places
    }

    /// How many groups there are.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Where the group of the row at a place begins.
    pub fn group_of(&self, place: u32) -> Option<u32> {
        let after = self.groups.partition_point(|start| *start <= place);
        self.groups.get(after.checked_sub(1)?).copied()
    }

    /// A sentence with the names that the tree shows in place of whole ones, for disks of a group. A whole name begins
    /// where a word does, and the longest that stands there is meant.
    pub fn shortened(&self, rows: &[Row], group: u32, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let (mut done, mut at) = (0, 0);
        let mut in_word = false;
        while let Some(byte) = text.as_bytes().get(at) {
            let found = if in_word {
                None
            } else {
                self.name_at(rows, group, text.get(at..).unwrap_or_default())
            };
            if let Some(row) = found {
                out.push_str(text.get(done..at).unwrap_or_default());
                out.push_str(&row.name);
                at += row.full_name.len();
                done = at;
                in_word = false;
            } else {
                in_word = byte.is_ascii_alphanumeric();
                at += 1;
            }
        }
        out + text.get(done..).unwrap_or_default()
    }

    /// The row of the group whose whole name a text begins with.
    fn name_at<'r>(&self, rows: &'r [Row], group: u32, text: &str) -> Option<&'r Row> {
        let lengths = self.lengths.iter();
        let mut names = lengths.filter_map(|length| text.get(..*length));
        names.find_map(|name| {
            let key = hash(group, name);
            let first = self.names.partition_point(|(of, _)| *of < key);
            let alike = self.names.get(first..)?.iter();
            let mut alike = alike.take_while(|(of, _)| *of == key);
            alike.find_map(|(_, at)| {
                let row = rows.get(*at as usize)?;
                let is_it = row.full_name == name && self.group_of(*at) == Some(group);
                is_it.then_some(row)
            })
        })
    }
}

fn hash(group: u32, name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (group, name).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::prepared::{Prepared, ShownBy};
    use crate::tui::sample;

    fn row(depth: u32, full_name: &str, name: &str) -> Row {
        let store = Prepared::judged(sample::many(1).snapshot(), ShownBy::default());
        let mut row = store.rows.into_iter().next().unwrap();
        row.depth = depth;
        row.full_name = full_name.to_owned();
        row.name = name.to_owned();
        row
    }

    #[test]
    fn names_of_the_group_become_short_where_a_word_begins() {
        let rows = [
            row(0, "web", "web"),
            row(1, "web.vhd", "web.vhd"),
            row(1, "web_AB.avhd", "AB.avhd"),
            row(2, "web_AB.avhd.old.avhd", "old.avhd"),
            row(0, "db", "db"),
            row(1, "web_CD.avhd", "CD.avhd"),
        ];
        let places = RowPlaces::of(&rows);
        assert_eq!(places.groups(), 2);
        assert_eq!(
            [0, 3, 4, 5].map(|at| places.group_of(at)),
            [0, 0, 4, 4].map(Some)
        );
        let short = |group, text| places.shortened(&rows, group, text);
        assert_eq!(
            short(
                0,
                "web_AB.avhd: \"web_AB.avhd.old.avhd\" is a child of (web_AB.avhd)"
            ),
            "AB.avhd: \"old.avhd\" is a child of (AB.avhd)"
        );
        assert_eq!(short(0, "検証web_AB.avhd"), "検証AB.avhd");
        for same in ["", "my1web_AB.avhd", "web_CD.avhd", "web.vhd", "検"] {
            assert_eq!(short(0, same), same);
        }
        assert_eq!(short(4, "web_CD.avhd"), "CD.avhd");
        assert_eq!(RowPlaces::default().group_of(0), None);
    }
}
