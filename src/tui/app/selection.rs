//! The rows, which of them show, and the selected one.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::path::PathBuf;

use super::{App, Problem, RowPlaces, Visit};
use crate::analysis::health::codes::{DISK_ORPHAN, MACHINE_REVERTED};
use crate::analysis::plan::Plan;
use crate::analysis::snapshot_vdi::{snapshot_of_vdi, vdi_of_snapshot, vdis_on};
use crate::finding::Severity;
use crate::report::codes::PATH_UNREADABLE;
use crate::report::columns::Needs;
use crate::report::findings::PlacedFinding;
use crate::report::row::{Bases, Phase, visible};
use crate::report::words::disk_name;
use crate::report::{Flag, Row, RowKey, RowKind};
use crate::store::DiskId;
use crate::store::containers::container_of;
use crate::text::{self, Units, escape};

/// The index of no row.
const NO_ROW: u32 = u32::MAX;

impl App {
    /// The selected row.
    pub fn row(&self) -> Option<&Row> {
        self.row_at(self.cursor)
    }

    /// A row that shows, by its place on the screen's list.
    pub fn row_at(&self, place: usize) -> Option<&Row> {
        self.rows.get(*self.shown.get(place)? as usize)
    }

    /// The row of a disk, among those there are.
    pub fn row_of(&self, disk: DiskId) -> Option<&Row> {
        let place = *self.places.get(disk.0 as usize)?;
        self.rows.get(place as usize)
    }

    /// A disk's name as the tree shows it: short, or whole if everything is wanted in full; escaped.
    pub fn name_of(&self, disk: DiskId) -> String {
        match (self.units, self.row_of(disk)) {
            (Units::Human, Some(row)) => row.name.clone(),
            _ => disk_name(&self.store.forest, disk),
        }
    }

    /// A sentence with the names that the tree shows in place of whole ones, for disks of the selected row's group.
    pub fn shortened(&self, text: String) -> String {
        if self.units == Units::Bytes {
            return text;
        }
        let group = self.group_place().unwrap_or(0);
        self.row_places.shortened(&self.rows, group, &text)
    }

    /// The name of the selected row's group: a machine or a folder. It has to be typed before the command of a plan that
    /// does not pass is taken away.
    pub fn group_name(&self) -> String {
        let group = self.group_place().and_then(|at| self.rows.get(at as usize));
        group.map(|group| group.name.clone()).unwrap_or_default()
    }

    /// Where the group of the selected row is among the rows.
    /// The row of the group that a row is in.
    pub fn group_of<'a>(&'a self, row: &'a Row) -> &'a Row {
        let mut group = row;
        while let Some(above) = group.parent.and_then(|at| self.rows.get(at as usize)) {
            group = above;
        }
        group
    }

    fn group_place(&self) -> Option<u32> {
        let place = self.shown.get(self.cursor).copied();
        self.row_places.group_of(place.unwrap_or(0))
    }

    /// The disk of the selected row: itself, the child of a missing parent, or what a group's machine uses now.
    pub fn disk(&self) -> Option<DiskId> {
        let row = self.row()?;
        let own = row.disk.or_else(|| {
            let used = self.store.forest.machine(row.machine?)?.disks.as_ref()?;
            used.iter().find_map(|used| used.disk)
        });
        own.or_else(|| {
            let at = *self.shown.get(self.cursor)? as usize;
            let below = self.rows.get(at + 1..=at + row.descendants as usize)?;
            below.iter().find_map(|row| row.disk)
        })
    }

    /// The path of the selected disk.
    pub fn disk_path(&self) -> Option<PathBuf> {
        let disk = self.store.forest.disk(self.disk()?)?;
        Some(disk.path.clone())
    }

    /// The snapshots a delete from the selected disk can be about, as indexes into the assessment: those it is frozen
    /// for; for the disk above one (what a machine uses now) the one it was made from.
    pub fn snapshots(&self) -> Vec<usize> {
        let (forest, assessment) = (&self.store.forest, &self.store.assessment);
        let Some(disk) = self.disk() else {
            return Vec::new();
        };
        if let Some(at) = snapshot_of_vdi(forest, assessment, disk) {
            return vec![at];
        }
        match assessment.disk(disk) {
            Some(of) if of.snapshots.is_empty() => of.above_of.into_iter().collect(),
            Some(of) => of.snapshots.clone(),
            None => Vec::new(),
        }
    }

    /// The disk with a path, in the store as known now.
    pub fn find(&self, path: &std::path::Path) -> Option<DiskId> {
        let disks = &self.store.forest.disks;
        // Disks are ordered by path; should they once not be, a plain search cannot be wrong.
        let found = disks.binary_search_by(|disk| disk.path.as_path().cmp(path));
        let index = found
            .ok()
            .or_else(|| disks.iter().position(|disk| disk.path == path));
        u32::try_from(index?).ok().map(DiskId)
    }

    /// Builds the rows anew, the cursor staying on the same one.
    pub fn rebuild(&mut self) {
        self.options.phase = self.phase();
        let (forest, assessment) = (&self.store.forest, &self.store.assessment);
        let rows = crate::report::rows(forest, assessment, &self.options);
        self.take_rows(rows, self.options.phase);
    }

    /// Shows other rows, made by the same options, the cursor staying on the same one.
    pub fn take_rows(&mut self, rows: Vec<Row>, phase: Phase) {
        let key = self.row().map(|row| row.key.clone());
        self.options.phase = phase;
        self.rows = rows;
        self.place(key.as_ref());
    }

    fn place(&mut self, key: Option<&RowKey>) {
        self.places.clear();
        self.places.resize(self.store.forest.disks.len(), NO_ROW);
        for (row, at) in self.rows.iter().zip(0..) {
            let place = row.disk.and_then(|id| self.places.get_mut(id.0 as usize));
            if let Some(place) = place {
                *place = at;
            }
        }
        self.row_places = RowPlaces::of(&self.rows);
        self.rows_made = self.rows_made.wrapping_add(1);
        let groups = self.row_places.groups();
        let all = match self.options.filter.as_str() {
            "" => groups,
            _ => self.groups.0.max(groups),
        };
        self.groups = (all, groups);
        self.find_problems();
        if self.visit == Visit::Fresh {
            self.first_screen();
            return;
        }
        self.refold(key);
    }

    /// The findings that are problems, the worst row first.
    fn find_problems(&mut self) {
        let severe = |item: &&PlacedFinding| item.finding.code.severity > Severity::Info;
        let mut problems: Vec<((u8, Flag), Option<u32>, &'static str)> = Vec::new();
        for item in self.findings.iter().filter(severe) {
            let disk = self.find(&item.path).map(|disk| self.told_at(disk, item));
            let place = disk.and_then(|disk| self.places.get(disk.0 as usize).copied());
            let row = place.filter(|place| *place != NO_ROW);
            let flag = row
                .and_then(|at| self.rows.get(at as usize))
                .map_or(Flag::Ok, |row| row.flag);
            let (rank, word) = kind_of(item);
            problems.push(((rank, flag), row, word));
        }
        problems.sort_by_key(|(flag, row, _)| (*flag, *row));
        self.problem_kinds.clear();
        for (_, _, word) in &problems {
            let mut known = self.problem_kinds.iter_mut();
            match known.find(|(of, _)| of == word) {
                Some((_, count)) => *count += 1,
                None => self.problem_kinds.push((word, 1)),
            }
        }
        self.problems = problems
            .into_iter()
            .map(|(_, row, word)| Problem { row, word })
            .collect();
    }

    /// The disk on whose row a finding is told: a revert on the snapshot's own, not on the disk it made.
    fn told_at(&self, disk: DiskId, item: &PlacedFinding) -> DiskId {
        let (forest, assessment) = (&self.store.forest, &self.store.assessment);
        let below = assessment.disk(disk).and_then(|of| of.above_of);
        let below = below.filter(|_| *item.finding.code == MACHINE_REVERTED);
        let own = below.and_then(|at| {
            let base = *assessment.snapshots.get(at)?.frozen.first()?;
            let mut vdis = vdis_on(forest, assessment, base);
            Some(vdis.find(|(_, of)| *of == at).map_or(base, |(vdi, _)| vdi))
        });
        own.unwrap_or(disk)
    }

    /// Measures the rows that show again, for the columns.
    pub fn measure(&mut self) {
        let shown = self.shown.iter();
        let rows = shown.filter_map(|index| self.rows.get(*index as usize));
        self.needs = Needs::of(rows, self.units);
    }

    /// The machines to fold so that what shows fits in so many rows. Those with problems show first; a machine alone is not folded.
    fn without_room(&self, room: usize) -> HashSet<RowKey> {
        let groups = || self.rows.iter().filter(|row| row.kind() == RowKind::Group);
        let number = groups().count();
        if self.rows.len() <= room || number == 1 {
            return HashSet::new();
        }
        let mut folded: HashSet<RowKey> = groups().map(|row| row.key.clone()).collect();
        let any = groups().any(|row| row.flag.is_problem());
        let mut left = room.saturating_sub(number);
        for row in groups().filter(|row| row.flag.is_problem() == any) {
            let Some(less) = left.checked_sub(row.descendants as usize) else {
                break;
            };
            left = less;
            folded.remove(&row.key);
        }
        folded
    }

    /// Before the user did anything: machines that do not fit are folded, and the cursor stands on the worst row.
    pub fn first_screen(&mut self) {
        let room = usize::from(self.layout().body.height.saturating_sub(1));
        if self.kept.memory.folds().is_empty() {
            self.folded = self.without_room(room);
        }
        self.shown = visible(&self.rows, &self.folded);
        self.measure();
        self.cursor = 0;
        self.dirty = true;
        let asked = self.at.as_deref().and_then(|path| self.find(path));
        if let Some(disk) = asked {
            self.reveal(disk);
            return;
        }
        let disks = self.rows.iter().enumerate();
        let worst = disks
            .filter(|(_, row)| row.kind() != RowKind::Group && row.flag <= Flag::Unsure)
            .filter(|(_, row)| row.flag.is_problem() || row.gap_seconds.is_some())
            .min_by_key(|(at, row)| (row.flag, Reverse(row.gap_seconds), *at));
        match worst {
            Some((index, _)) if self.kept.memory.folds().is_empty() => self.reveal_row(index),
            Some((_, row)) => {
                let key = row.key.clone();
                self.refold(Some(&key));
            }
            None => {}
        }
    }

    /// Works out which rows show, the cursor going to the row of a key, or to the nearest row above it that shows.
    pub fn refold(&mut self, key: Option<&RowKey>) {
        self.shown = visible(&self.rows, &self.folded);
        self.measure();
        let last = self.shown.len().saturating_sub(1);
        self.cursor = key
            .and_then(|key| self.rows.iter().position(|row| row.key == *key))
            .map_or(self.cursor, |index| {
                self.shown
                    .partition_point(|shown| *shown as usize <= index)
                    .saturating_sub(1)
            })
            .min(last);
        self.dirty = true;
    }

    /// Unfolds whatever hides a row, and puts the cursor on it.
    pub fn reveal_row(&mut self, index: usize) {
        let mut above = self.rows.get(index).and_then(|row| row.parent);
        while let Some(row) = above.and_then(|at| self.rows.get(at as usize)) {
            self.folded.remove(&row.key);
            above = row.parent;
        }
        let key = self.rows.get(index).map(|row| row.key.clone());
        self.refold(key.as_ref());
    }

    /// Shows a disk's row, the filter lifted if it hides it, and puts the cursor on it.
    pub fn reveal(&mut self, id: DiskId) {
        let place = |app: &Self| app.rows.iter().position(|row| row.disk == Some(id));
        if place(self).is_none() && !self.options.filter.is_empty() {
            self.options.filter.clear();
            self.rebuild();
        }
        if place(self).is_none() && self.options.bases == Bases::Folded {
            self.options.bases = Bases::Shown;
            self.rebuild();
        }
        if let Some(index) = place(self) {
            self.reveal_row(index);
        }
    }

    /// To the next disk of the chain, towards the base or away from it.
    pub fn along_chain(&mut self, forward: bool) {
        let Some(disk) = self.disk() else {
            return;
        };
        let forest = &self.store.forest;
        let next = if forward {
            forest.parent_of(disk)
        } else {
            forest
                .node(disk)
                .and_then(|node| node.children.first().copied())
        };
        match next {
            Some(next) => self.reveal(next),
            None if forward => self.say("this is the base"),
            None => self.say("this is a leaf"),
        }
    }

    /// The line of the command line that shows the same of a disk.
    pub fn command_of(&self, verb: &str, disk: Option<DiskId>) -> Option<String> {
        let disk = self.store.forest.disk(disk?)?;
        let path = quoted(&text::path(&disk.path));
        let flags = &self.settings.flags;
        Some(format!(
            "vhdtree {verb} {path}{}{flags}",
            self.store_flags(&disk.path)
        ))
    }

    /// What says where a disk's store is, if that is not its folder.
    fn store_flags(&self, disk: &std::path::Path) -> String {
        let roots = &self.store.forest.roots;
        let is_own = |root: &PathBuf| Some(root.as_path()) == disk.parent();
        if self.settings.saved || container_of(disk).is_some() || roots.iter().all(is_own) {
            return String::new();
        }
        let flags = roots
            .iter()
            .map(|root| format!(" --store {}", quoted(&text::path(root))));
        flags.collect()
    }

    /// The same of the whole store.
    pub fn command_of_store(&self, verb: &str) -> String {
        let flags = &self.settings.flags;
        format!("vhdtree {verb} {}{flags}", quoted(&self.settings.roots))
    }

    /// The command of a plan: by the snapshot's name or id where something gives it one, else by its disk.
    pub fn command_of_plan(&self, plan: &Plan) -> Option<String> {
        let (forest, assessment) = (&self.store.forest, &self.store.assessment);
        let assessed = plan.snapshot.and_then(|at| assessment.snapshots.get(at));
        let known = assessed.and_then(|of| forest.snapshot(of.snapshot?));
        let called = known.and_then(|known| known.id.as_deref().or(known.name.as_deref()));
        let Some(called) = called.filter(|_| forest.roots.len() == 1) else {
            let vdi = assessed.and_then(|of| vdi_of_snapshot(forest, assessment, of));
            return self.command_of("plan", vdi.or(plan.frozen.first().copied()));
        };
        let machine = plan.machine.and_then(|id| forest.machine(id));
        let machine = machine.map_or_else(String::new, |of| {
            format!(" --vm {}", quoted(&escape(&of.name)))
        });
        let store = self.command_of_store("plan");
        Some(format!(
            "{store}{machine} --snapshot {}",
            quoted(&escape(called))
        ))
    }
}

/// What a finding is, in the word of the head, and its rank there. The finding decides, not its row: a filter hides rows, and what
/// is wrong with the store stays.
fn kind_of(item: &PlacedFinding) -> (u8, &'static str) {
    let code = item.finding.code;
    match code.severity {
        _ if *code == MACHINE_REVERTED => (0, "reverted"),
        _ if *code == DISK_ORPHAN => (3, "orphan"),
        Severity::Error if *code == PATH_UNREADABLE => (2, "unreadable"),
        Severity::Error => (1, "broken"),
        severity => (4, severity.word()),
    }
}

/// A word for a POSIX shell.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_blanks_and_quotes_are_one_word_of_a_shell() {
        assert_eq!(quoted("/a/b.vhd"), "/a/b.vhd");
        assert_eq!(quoted("/a b's.vhd"), "'/a b'\\''s.vhd'");
        assert_eq!(quoted("検証"), "'検証'");
        assert_eq!(quoted(""), "''");
    }
}
