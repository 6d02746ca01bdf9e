//! Whose the sectors are that a disk holds: run by run, then how much each kind of owner has.

use std::collections::BTreeMap;

use super::{Line, Role};
use crate::analysis::files::owned::OwnerRun;
use crate::guest::filesystem::OwnerClass;
use crate::report::placed::{NOBODY, owner_words};
use crate::text::Units;

/// How the lines of a list of owners look, and what they came to.
#[derive(Debug, Clone)]
pub struct OwnersPage {
    /// Bytes in a sector.
    sector_size: u64,
    units: Units,
    /// Sectors by class.
    sums: BTreeMap<Option<OwnerClass>, u64>,
}

impl OwnersPage {
    pub fn new(sector_size: u64, units: Units) -> Self {
        Self {
            sector_size,
            units,
            sums: BTreeMap::new(),
        }
    }

    fn size(&self, sectors: u64) -> String {
        self.units.size(sectors.saturating_mul(self.sector_size))
    }

    fn row(&self, [sector, count, bytes, volume]: [&str; 4]) -> String {
        let size = match self.units {
            Units::Human => 9,
            Units::Bytes => 14,
        };
        format!("{sector:>14} {count:>9} {bytes:>size$}  {volume:<8} ")
    }

    /// The names of a run's columns.
    pub fn heading(&self) -> Line {
        let names = self.row(["SECTOR", "COUNT", "BYTES", "VOLUME"]);
        Line::of(Role::Heading, names + "OWNER")
    }

    /// Sectors of one owner.
    pub fn run(&mut self, run: &OwnerRun<'_>) -> Line {
        let class = run.owner.map(|owner| owner.class);
        let sum = self.sums.entry(class).or_default();
        *sum = sum.saturating_add(run.count);
        let (sector, count) = (self.units.count(run.sector.0), self.units.count(run.count));
        let bytes = self.size(run.count);
        let volume = run.owner.map_or("", |owner| &owner.volume);
        let cells = self.row([&sector, &count, &bytes, volume]);
        let role = if run.owner.is_some() {
            Role::Text
        } else {
            Role::Unsure
        };
        Line::of(Role::Text, cells).with(role, owner_words(run.owner))
    }

    /// How much each class has, in the order of classes.
    pub fn totals(&self) -> Line {
        let words = self.sums.iter().map(|(class, sectors)| {
            let word = class.map_or(NOBODY, OwnerClass::word);
            format!("{word} {}", self.size(*sectors))
        });
        let words: Vec<String> = words.collect();
        let text = if words.is_empty() {
            " holds no sector".to_owned()
        } else {
            format!(" held: {}", words.join(", "))
        };
        Line::of(Role::Text, text)
    }
}
