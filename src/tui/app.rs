//! The state of the browser. Only `update` changes it; drawing reads it.

pub mod diff;
pub mod health;
pub mod map;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::analysis::plan::Plan;
use crate::report::row::{Direction, Phase, Sort, visible};
pub use crate::report::words::parent_name;
use crate::report::{Row, RowKey, RowOptions};
use crate::store::DiskId;
use crate::text::{self, Charset, Clock, Units};
use crate::tui::depth::Depth;
use crate::tui::keymap::{Context, Keymap};
use crate::tui::message::{JobNo, Progress, Slot, Snapshot};
use crate::tui::state::{Memory, Place};
use crate::tui::terminal::Mouse;
use crate::tui::theme::Theme;
use crate::tui::widget::prompt::Prompt;

use self::diff::DiffState;
use self::health::HealthState;
use self::map::MapState;

/// The six views.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum View {
    /// The tree of the store.
    #[default]
    Tree,
    /// One disk.
    Details,
    /// One disk's blocks.
    Map,
    /// A disk compared with another.
    Diff,
    /// What deleting a snapshot would do.
    Plan,
    /// Every finding.
    Health,
}

impl View {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::Tree,
        Self::Details,
        Self::Map,
        Self::Diff,
        Self::Plan,
        Self::Health,
    ];

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tree => "Tree",
            Self::Details => "Details",
            Self::Map => "Map",
            Self::Diff => "Diff",
            Self::Plan => "Plan",
            Self::Health => "Health",
        }
    }

    /// Its context in the key table.
    pub fn context(self) -> Context {
        match self {
            Self::Tree => Context::Tree,
            Self::Details => Context::Details,
            Self::Map => Context::Map,
            Self::Diff => Context::Diff,
            Self::Plan => Context::Plan,
            Self::Health => Context::Health,
        }
    }
}

/// The index of no row.
const NO_ROW: u32 = u32::MAX;

/// What a typed line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// A search.
    Search,
    /// A filter.
    Filter,
    /// A place on the map.
    Block,
    /// A place in the diff.
    Sector,
    /// What help is about.
    Help,
    /// The machine's name, before the command of a refused plan is taken away.
    Confirm,
}

/// What lies over the view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overlay {
    /// Help, scrolled so far, filtered by a text.
    Help {
        /// First line shown.
        scroll: usize,
        /// Only lines with this text; empty: all.
        filter: String,
    },
    /// A text to read and select: a heading and lines.
    Text {
        /// What it is.
        title: String,
        /// Its lines, escaped.
        lines: Vec<String>,
        /// First line shown.
        scroll: usize,
    },
}

/// Whether a pane fills the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Panes {
    /// Two panes where there is room.
    #[default]
    Split,
    /// One pane.
    Whole,
}

/// A job that runs.
#[derive(Debug, Clone, Default)]
pub struct Running {
    /// Its number.
    pub no: JobNo,
    /// How far it is.
    pub progress: Progress,
    /// Of a scan: the store it told of last was read to its end.
    pub read_whole: bool,
}

/// What the browser was started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How roles look.
    pub theme: Theme,
    /// Where `T` goes next: names of themes.
    pub themes: Vec<String>,
    /// Which signs.
    pub charset: Charset,
    /// How many colours.
    pub depth: Depth,
    /// Whether the mouse is listened to.
    pub mouse: Mouse,
    /// In which zone times are shown.
    pub clock: Clock,
    /// The key table.
    pub keymap: Arc<Keymap>,
    /// What the scan reads, for titles and commands; escaped.
    pub roots: String,
    /// It shows a saved scan: nothing can be read again.
    pub saved: bool,
}

/// What is kept of a store between two visits.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// Where; `None`: nowhere.
    pub place: Option<Place>,
    /// What was kept there when the visit began.
    pub memory: Memory,
    /// Order and theme at the beginning: what the user leaves alone is not kept, so that flags and config file go on to
    /// decide.
    pub begun: (Sort, Direction, String),
}

/// Everything the screen shows.
#[derive(Debug, Clone)]
pub struct App {
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// How it looks.
    pub settings: Settings,
    /// The store as known now.
    pub store: Snapshot,
    /// What decides the rows.
    pub options: RowOptions,
    /// Rows whose subtree is folded away.
    pub folded: HashSet<RowKey>,
    /// All rows, folded ones included.
    pub rows: Vec<Row>,
    /// The index of each disk's row, by disk; a number too large where it has none.
    pub places: Vec<u32>,
    /// Indexes of the rows that show.
    pub shown: Vec<u32>,
    /// The selected one of those.
    pub cursor: usize,
    /// Machines and folders there are, and how many of them the filter leaves.
    pub groups: (usize, usize),
    /// Rows with a problem of their own, groups left out.
    pub problems: usize,
    /// Bytes of all files of the store.
    pub bytes: u64,
    /// Short names and sizes, or whole ones.
    pub units: Units,
    /// The view that is open.
    pub view: View,
    /// Where Esc goes back to.
    pub trail: Vec<View>,
    /// Lines scrolled in details and plan.
    pub scroll: usize,
    /// The map.
    pub map: MapState,
    /// The diff.
    pub diff: DiffState,
    /// The plan, if there is one for the selected disk: which disk, and what.
    pub plan: Option<(PathBuf, Arc<Plan>)>,
    /// Which of the disk's snapshots the plan is about, where it is frozen for several: which disk, and a place in
    /// [`App::snapshots`].
    pub plan_choice: Option<(PathBuf, usize)>,
    /// Why there is no plan.
    pub plan_error: Option<String>,
    /// The findings.
    pub health: HealthState,
    /// What lies over the view.
    pub overlay: Option<Overlay>,
    /// A line being typed.
    pub prompt: Option<(Asking, Prompt)>,
    /// A first key waits for its second.
    pub chord: Option<Context>,
    /// Disks compared with their parents in this session, and whether they are equal.
    pub equals: BTreeMap<PathBuf, bool>,
    /// The last search.
    pub search: String,
    /// Marked disks, oldest first.
    pub marks: Vec<PathBuf>,
    /// A sentence of the moment.
    pub notice: Option<String>,
    /// Jobs that run.
    pub jobs: BTreeMap<Slot, Running>,
    /// The number of the last job started.
    pub last_job: JobNo,
    /// How the last scan ended, as words.
    pub scan_words: String,
    /// One pane or two.
    pub panes: Panes,
    /// The disk that the panes below the tree show: they follow the cursor when it rests.
    pub pane: Option<PathBuf>,
    /// Which pane has the keys while two are shown below the tree: `Tree`, `Details` or `Map`.
    pub focus: View,
    /// Lines scrolled in the pane of details.
    pub pane_scroll: usize,
    /// The cursor left the panes behind: when nothing happens for a moment, they follow.
    pub restless: bool,
    /// What is kept of this store between two visits, and what it was at the start.
    pub kept: Kept,
    /// Something on the screen changed since the last frame.
    pub dirty: bool,
    /// The user is leaving.
    pub leaving: bool,
}

impl App {
    /// A browser with nothing in it yet.
    pub fn new(settings: Settings, size: (u16, u16)) -> Self {
        Self {
            size,
            settings,
            store: Snapshot::default(),
            options: RowOptions::default(),
            folded: HashSet::new(),
            rows: Vec::new(),
            places: Vec::new(),
            shown: Vec::new(),
            cursor: 0,
            groups: (0, 0),
            problems: 0,
            bytes: 0,
            units: Units::Human,
            view: View::Tree,
            trail: Vec::new(),
            scroll: 0,
            map: MapState::default(),
            diff: DiffState::default(),
            plan: None,
            plan_choice: None,
            plan_error: None,
            health: HealthState::default(),
            overlay: None,
            prompt: None,
            chord: None,
            equals: BTreeMap::new(),
            search: String::new(),
            marks: Vec::new(),
            notice: None,
            jobs: BTreeMap::new(),
            last_job: JobNo(0),
            scan_words: String::new(),
            panes: Panes::Split,
            pane: None,
            focus: View::Tree,
            pane_scroll: 0,
            restless: false,
            kept: Kept::default(),
            dirty: true,
            leaving: false,
        }
    }

    /// Begins with what was kept of the store: its folds and hidden codes. Order and theme stay as they are, for flags may
    /// have decided them.
    pub fn remember(&mut self, place: Option<Place>, memory: Memory) {
        self.folded = memory.folds();
        self.health.hidden.clone_from(&memory.hidden);
        let theme = self.settings.theme.name().to_owned();
        self.kept = Kept {
            place,
            memory,
            begun: (self.options.sort, self.options.direction, theme),
        };
    }

    /// What to keep of the store, and where, if anything changed.
    pub fn memory(&self) -> Option<(Place, Memory)> {
        let place = self.kept.place.clone()?;
        let mut memory = self.kept.memory.clone();
        let (sort, direction, theme) = &self.kept.begun;
        if (self.options.sort, self.options.direction) != (*sort, *direction) {
            memory.set_order(self.options.sort, self.options.direction);
        }
        if self.settings.theme.name() != theme {
            memory.theme = Some(self.settings.theme.name().to_owned());
        }
        memory.hidden.clone_from(&self.health.hidden);
        memory.set_folds(self.folded.iter());
        (memory != self.kept.memory).then_some((place, memory))
    }

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
            _ => self
                .store
                .forest
                .disk(disk)
                .map_or_else(|| "?".to_owned(), |disk| text::file_name(&disk.path)),
        }
    }

    /// A sentence with the names that the tree shows in place of whole ones, for disks of the selected row's group.
    pub fn shortened(&self, text: String) -> String {
        if self.units == Units::Bytes {
            return text;
        }
        let start = self.group_place().unwrap_or(0);
        let below = self.rows.iter().skip(start + 1);
        let rows = below.take_while(|row| row.depth > 0);
        let mut names: Vec<(&str, &str)> = rows
            .filter(|row| row.name.len() < row.full_name.len())
            .map(|row| (row.full_name.as_str(), row.name.as_str()))
            .filter(|(full, _)| text.contains(full))
            .collect();
        // A name may be part of a longer one.
        names.sort_by_key(|(full, _)| std::cmp::Reverse(full.len()));
        names
            .iter()
            .fold(text, |text, (full, short)| text.replace(full, short))
    }

    /// The name of the selected row's group: a machine or a folder. It has to be typed before the command of a plan that
    /// does not pass is taken away.
    pub fn group_name(&self) -> String {
        let group = self.group_place().and_then(|at| self.rows.get(at));
        group.map(|group| group.name.clone()).unwrap_or_default()
    }

    /// Where the group of the selected row is among the rows.
    fn group_place(&self) -> Option<usize> {
        let place = self.shown.get(self.cursor).map_or(0, |at| *at as usize);
        let rows = self.rows.get(..=place)?;
        rows.iter().rposition(|row| row.depth == 0)
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

    /// The disk the open view is about: the selected one, or the one that is compared.
    pub fn shown_disk(&self) -> Option<DiskId> {
        match (self.view, &self.diff.child) {
            (View::Diff, Some(child)) => self.find(child),
            _ => self.disk(),
        }
    }

    /// The path of the selected disk.
    pub fn disk_path(&self) -> Option<PathBuf> {
        self.store
            .forest
            .disk(self.disk()?)
            .map(|disk| disk.path.clone())
    }

    /// The snapshots a delete from the selected disk can be about, as indexes into the assessment: those it is frozen
    /// for; for the disk above one (what a machine uses now) the one it was made from.
    pub fn snapshots(&self) -> Vec<usize> {
        let assessed = self
            .disk()
            .and_then(|disk| self.store.assessment.disk(disk));
        assessed.map_or_else(Vec::new, |of| {
            if of.snapshots.is_empty() {
                of.above_of.into_iter().collect()
            } else {
                of.snapshots.clone()
            }
        })
    }

    /// The place in [`App::snapshots`] that the plan is about.
    pub fn chosen(&self) -> usize {
        match &self.plan_choice {
            Some((path, place)) if self.disk_path().as_ref() == Some(path) => {
                (*place).min(self.snapshots().len().saturating_sub(1))
            }
            _ => 0,
        }
    }

    /// The disk with a path, in the store as known now.
    pub fn find(&self, path: &std::path::Path) -> Option<DiskId> {
        let disks = &self.store.forest.disks;
        // Disks are ordered by path; should they once not be, a plain search cannot be wrong.
        if let Ok(index) = disks.binary_search_by(|disk| disk.path.as_path().cmp(path)) {
            return u32::try_from(index).ok().map(DiskId);
        }
        let index = self
            .store
            .forest
            .disks
            .iter()
            .position(|disk| disk.path == path)?;
        u32::try_from(index).ok().map(DiskId)
    }

    /// Builds the rows anew, the cursor staying on the same one.
    pub fn rebuild(&mut self) {
        let key = self.row().map(|row| row.key.clone());
        self.options.phase = self.phase();
        let (forest, assessment) = (&self.store.forest, &self.store.assessment);
        self.rows = crate::report::rows(forest, assessment, &self.options);
        self.place(key.as_ref());
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
        let groups = self.rows.iter().filter(|row| row.depth == 0).count();
        let all = if self.options.filter.is_empty() {
            groups
        } else {
            self.groups.0.max(groups)
        };
        self.groups = (all, groups);
        let troubled = |row: &&Row| row.depth > 0 && row.flag.is_problem();
        self.problems = self.rows.iter().filter(troubled).count();
        self.refold(key);
    }

    /// Works out which rows show, the cursor going to the row of a key, or to the nearest row above it that shows.
    pub fn refold(&mut self, key: Option<&RowKey>) {
        self.shown = visible(&self.rows, &self.folded);
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
        if let Some(index) = place(self) {
            self.reveal_row(index);
        }
    }

    /// The context keys are looked up in.
    pub fn context(&self) -> Context {
        self.chord.unwrap_or_else(|| self.acting().context())
    }

    /// The view that has the keys: the open one, or the pane in focus below the tree.
    pub fn acting(&self) -> View {
        if self.view == View::Tree && crate::tui::view::is_split(self) {
            self.focus
        } else {
            self.view
        }
    }

    /// Whether more rows may come.
    pub fn phase(&self) -> Phase {
        if self.scanning() {
            Phase::Scanning
        } else {
            Phase::Done
        }
    }

    /// True while a scan runs.
    pub fn scanning(&self) -> bool {
        self.jobs.contains_key(&Slot::Scan)
    }

    /// The jobs that run, but for the watch: the open view's own first, quick ones that nobody waits for last.
    pub fn running(&self) -> Vec<Slot> {
        let rank = |slot: &Slot| match slot {
            Slot::Diff => u8::from(self.view != View::Diff),
            Slot::Map | Slot::Sectors => u8::from(self.view != View::Map),
            Slot::Scan | Slot::Reread => 1,
            Slot::Hex | Slot::Plan | Slot::Watch => 2,
        };
        let slots = self.jobs.keys().copied();
        let mut slots: Vec<Slot> = slots.filter(|slot| *slot != Slot::Watch).collect();
        slots.sort_by_key(rank);
        slots
    }

    /// Rows of the view's list, by the size of the terminal: what a page is.
    pub fn page(&self) -> usize {
        crate::tui::view::layout::body(self).height.into()
    }
}
