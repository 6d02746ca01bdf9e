//! The state of the browser that all screens share: the store, its rows, the cursor, jobs, settings. Only `update` and the
//! screens' own keys change it; drawing reads it. What only one screen knows (its scroll, its zoom) is that screen's.

mod places;
mod selection;
mod work;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::analysis::guest_clock::GuestClocks;
use crate::report::columns::{Needs, TimeForm};
use crate::report::findings::PlacedFinding;
use crate::report::page::PageContext;
use crate::report::row::{Bases, Direction, Sort};
use crate::report::{ColumnStyle, Row, RowKey, RowOptions, ShortNames};
use crate::store::DiskId;
use crate::text::{Charset, Clock, Overlong, Units};
use crate::tui::depth::Depth;
use crate::tui::effect::Effect;
use crate::tui::keymap::{Context, Keymap};
use crate::tui::layout::{self, LayoutOf, Panes, ScreenLayout, Story};
use crate::tui::message::{DiffResult, JobKind, JobNo, JobProgress};
use crate::tui::prepared::PreparedStore;
use crate::tui::state::{Memory, StatePlace};
use crate::tui::terminal::Mouse;
use crate::tui::theme::Theme;
use crate::tui::view::View;
use crate::tui::widget::prompt::Prompt;

pub use places::RowPlaces;
pub use selection::quoted;
pub use work::NOT_SAVED;

/// What a typed line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    Search,
    Filter,
    /// A place: a block, a sector.
    Place,
    /// What help is about.
    Help,
    /// A name, before the command of a plan that does not pass is taken away.
    Confirm,
    /// The name of a file in the export folder.
    Export,
}

/// A line being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedLine {
    pub what: Asking,
    /// What stands before it.
    pub label: String,
    pub line: Prompt,
}

/// How many keys help shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keys {
    /// Those most used in this view.
    #[default]
    Few,
    All,
}

/// What lies over the view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dialog {
    /// Help, scrolled so far, filtered by a text.
    Help {
        /// First line shown.
        scroll: usize,
        /// Only lines with this text; empty: all.
        filter: String,
        /// Every key, or those most used in this view.
        keys: Keys,
    },
    /// A text to read and select: a heading and lines.
    Text {
        title: String,
        lines: Vec<String>,
        /// First line shown.
        scroll: usize,
    },
}

/// A job that runs.
#[derive(Debug, Clone, Default)]
pub struct Running {
    pub no: JobNo,
    /// The screen that asked for it last.
    pub view: View,
    /// How far it is.
    pub progress: JobProgress,
    /// Of a scan: the store it told of last was read to its end.
    pub read_whole: bool,
}

/// What the browser was started with.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub theme: Theme,
    /// Where `T` goes next: names of themes.
    pub themes: Vec<String>,
    pub charset: Charset,
    pub depth: Depth,
    /// Whether the mouse is listened to.
    pub mouse: Mouse,
    /// In which zone times are shown.
    pub clock: Clock,
    pub keymap: Arc<Keymap>,
    /// What the scan reads, for titles and commands; escaped.
    pub roots: String,
    /// Flags that decide what is read and said, for commands: ` --facts FILE`, each with a blank before it.
    pub flags: String,
    /// The folder that exports go into, escaped; `None`: there is none.
    pub exports: Option<String>,
    /// It shows a saved scan: nothing can be read again.
    pub saved: bool,
    /// What the kernel holds the program to, as a sentence, escaped.
    pub guard: Option<String>,
}

/// What is kept of a store between two visits.
#[derive(Debug, Clone, Default)]
pub struct KeptPlace {
    /// Where; `None`: nowhere.
    pub place: Option<StatePlace>,
    /// What was kept there when the visit began.
    pub memory: Memory,
    /// Order and theme at the beginning: what the user leaves alone is not kept, so that flags and config file go on to
    /// decide.
    pub begun: (Sort, Direction, String),
    /// The scan that was saved last, in this visit.
    pub saved: Option<PathBuf>,
    /// The user folded or unfolded something.
    pub folded: bool,
}

/// The comparison of a disk with another: the diff shows its runs, the map lays it over the blocks.
#[derive(Debug, Clone, Default)]
pub struct ShownDiff {
    pub child: Option<PathBuf>,
    /// The other; `None` = its parent.
    pub other: Option<PathBuf>,
    pub data: Option<Arc<DiffResult>>,
    /// Why there is nothing.
    pub error: Option<String>,
}

/// Whether the user did anything yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Visit {
    /// Nothing: cursor and folds go where the worst is.
    #[default]
    Fresh,
    /// From the first key or click on nothing moves by itself.
    Touched,
}

/// Something that is wrong with a row: a finding that is no mere information.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub row: Option<u32>,
    /// What it is, in the word of the row's state.
    pub word: &'static str,
}

/// What all screens share.
#[derive(Debug, Clone, Default)]
pub struct App {
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    pub settings: Settings,
    /// The store as known now.
    pub store: PreparedStore,
    /// Every finding of the store, worst first.
    pub findings: Vec<PlacedFinding>,
    /// Codes that are hidden from the list of findings.
    pub hidden: BTreeSet<String>,
    /// What decides the rows.
    pub options: RowOptions,
    /// Rows whose subtree is folded away.
    pub folded: HashSet<RowKey>,
    /// All rows, folded ones included.
    pub rows: Vec<Row>,
    /// The index of each disk's row, by disk; a number too large where it has none.
    pub places: Vec<u32>,
    /// Where groups and names stand among the rows.
    pub row_places: RowPlaces,
    /// How often the rows were made.
    pub rows_made: u64,
    /// Indexes of the rows that show.
    pub shown: Vec<u32>,
    /// The selected one of those.
    pub cursor: usize,
    /// Machines and folders there are, and how many of them the filter leaves.
    pub groups: (usize, usize),
    /// The problems there are, the worst first.
    pub problems: Vec<Problem>,
    /// How many there are of each word, in their order.
    pub problem_kinds: Vec<(&'static str, usize)>,
    /// How wide the texts of the rows are.
    pub needs: Needs,
    /// Whether the user did anything yet.
    pub visit: Visit,
    /// Bytes of all files of the store.
    pub bytes: u64,
    /// Short names and sizes, or whole ones.
    pub units: Units,
    /// The disk that the cursor is to stand on at first.
    pub at: Option<PathBuf>,
    /// The screen that is open.
    pub view: View,
    /// Where Esc goes back to.
    pub trail: Vec<View>,
    /// The comparison asked for last.
    pub comparison: ShownDiff,
    /// What lies over the screen.
    pub overlay: Option<Dialog>,
    /// A line being typed.
    pub prompt: Option<TypedLine>,
    /// A first key waits for its second.
    pub chord: Option<Context>,
    /// Disks compared with their parents in this session, and whether they are equal.
    pub equals: BTreeMap<PathBuf, bool>,
    /// What the guests' own clocks said of this store.
    pub guest_clocks: GuestClocks,
    /// The last search.
    pub search: String,
    /// Marked disks, oldest first.
    pub marks: Vec<PathBuf>,
    /// A sentence of the moment.
    pub notice: Option<String>,
    pub jobs: BTreeMap<JobKind, Running>,
    /// The number of the last job started.
    pub last_job: JobNo,
    /// How the last scan ended, as words.
    pub scan_words: String,
    /// One pane or two.
    pub panes: Panes,
    /// On a smaller terminal, the list alone or with its story.
    pub story: Story,
    /// The row that the panes below the tree show: they follow the cursor when it rests.
    pub pane: Option<RowKey>,
    /// Which screen has the keys while panes are shown below the tree.
    pub focus: View,
    /// The cursor left the panes behind: when nothing happens for a moment, they follow.
    pub restless: bool,
    /// What is kept of this store between two visits, and what it was at the start.
    pub kept: KeptPlace,
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
            options: RowOptions {
                bases: Bases::Folded,
                ..RowOptions::default()
            },
            dirty: true,
            ..Self::default()
        }
    }

    /// Begins with what was kept of the store: its folds and hidden codes. Order and theme stay as they are, for flags may
    /// have decided them.
    pub fn remember(&mut self, place: Option<StatePlace>, memory: Memory) {
        self.folded = memory.folds();
        self.hidden.clone_from(&memory.hidden);
        let theme = self.settings.theme.name().to_owned();
        self.kept = KeptPlace {
            place,
            memory,
            begun: (self.options.sort, self.options.direction, theme),
            saved: None,
            folded: false,
        };
    }

    /// What to keep of the store, and where, if anything changed.
    pub fn memory(&self) -> Option<(StatePlace, Memory)> {
        let place = self.kept.place.clone()?;
        let mut memory = self.kept.memory.clone();
        let (sort, direction, theme) = &self.kept.begun;
        if (self.options.sort, self.options.direction) != (*sort, *direction) {
            memory.set_order(self.options.sort, self.options.direction);
        }
        if self.settings.theme.name() != theme {
            memory.theme = Some(self.settings.theme.name().to_owned());
        }
        memory.hidden.clone_from(&self.hidden);
        if self.kept.saved.is_some() {
            memory.saved.clone_from(&self.kept.saved);
        }
        if self.kept.folded {
            memory.set_folds(self.folded.iter());
        }
        (memory != self.kept.memory).then_some((place, memory))
    }

    /// Says a sentence in the last line.
    pub fn say(&mut self, words: impl Into<String>) {
        self.notice = Some(words.into());
        self.dirty = true;
    }

    /// Begins a typed line.
    pub fn ask(&mut self, what: Asking, label: impl Into<String>, line: Prompt) {
        let label = label.into();
        self.prompt = Some(TypedLine { what, label, line });
        self.dirty = true;
    }

    /// Sends a text to the terminal and shows it: no terminal says whether it took it.
    pub fn send(&mut self, text: String) -> Vec<Effect> {
        self.show_text(
            "Sent to the terminal",
            text.lines().map(str::to_owned).collect(),
        );
        vec![Effect::Copy(text)]
    }

    /// Lays a text over the screen.
    pub fn show_text(&mut self, title: impl Into<String>, lines: Vec<String>) {
        self.overlay = Some(Dialog::Text {
            title: title.into(),
            lines,
            scroll: 0,
        });
        self.dirty = true;
    }

    /// Where everything is on the terminal.
    pub fn layout(&self) -> ScreenLayout {
        let of = if self.view == View::HOME {
            LayoutOf::Home(self.panes, self.story)
        } else {
            LayoutOf::Other
        };
        layout::layout(self.size, of)
    }

    /// The context keys are looked up in.
    pub fn context(&self) -> Context {
        self.chord.unwrap_or_else(|| Context::View(self.acting()))
    }

    /// The screen that has the keys: the open one, or the pane in focus below the tree.
    pub fn acting(&self) -> View {
        if self.view == View::HOME && self.layout().has_panes() {
            self.focus
        } else {
            self.view
        }
    }

    /// How values become text.
    pub fn style(&self) -> ColumnStyle {
        ColumnStyle {
            units: self.units,
            clock: self.settings.clock.clone(),
            charset: self.settings.charset,
            time: TimeForm::Date,
            ..ColumnStyle::default()
        }
    }

    /// Makes a page of so many columns; `disks` are those it may name.
    pub fn page<T>(
        &self,
        disks: &[DiskId],
        width: u16,
        make: impl FnOnce(&PageContext<'_>) -> T,
    ) -> T {
        let rows = disks.iter().filter_map(|disk| self.row_of(*disk));
        let (names, style) = (ShortNames::of_rows(rows), self.style());
        make(&PageContext {
            forest: &self.store.forest,
            assessment: &self.store.assessment,
            names: &names,
            style: &style,
            width: width.into(),
            overlong: Overlong::Cut,
        })
    }

    /// The key of a command as it is shown, for sentences that name it.
    pub fn key_of(&self, command: crate::tui::command::Command) -> String {
        self.settings.keymap.key_of(command, self.settings.charset)
    }
}
