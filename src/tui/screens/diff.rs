//! The diff of a disk with its parent, or of two marked disks: runs above, both sides' bytes below.

mod picture;
mod runs;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::store::DiskId;
use crate::tui::app::{App, Asking};
use crate::tui::command::Command;
use crate::tui::effect::{Effect, JobRequest};
use crate::tui::keymap::Context::{self, Any};
use crate::tui::keymap::{Binding, bindings};
use crate::tui::list::{scrolled_to, stepped};
use crate::tui::message::{JobKind, News};
use crate::tui::place::{no_place, place};
use crate::tui::screen::{Act, Screen, ScreenEntry, TitleSubject, Typing};
use crate::tui::view::View;
use crate::tui::widget::prompt::Prompt;
use crate::tui::widget::rows::scrolled;
use crate::tui::widget::text::Line;

use self::picture::{hex_lines, parts};
use self::runs::{DiffFocus, DiffRuns};

/// Its row of the table of screens.
pub const ENTRY: ScreenEntry = ScreenEntry {
    view: VIEW,
    title: "Diff",
    keys: KEYS,
    make: || Box::new(Diff::default()),
};

const VIEW: View = View("diff");

const HERE: Context = Context::View(VIEW);

const KEYS: &[Binding] = bindings! {
    "diff" show in &[Any], ["=" "4"], 5 "diff", Look: "compare with the parent, or the two marked disks";
    "left" Left in &[HERE], ["h" "Left"], 0 "left", Move: "the sector before, in this run";
    "right" Right in &[HERE], ["l" "Right"], 0 "right", Move: "the sector after, in this run";
    "bytes" Open in &[HERE], ["Enter"], 1 "bytes", Look: "from the runs to the bytes of the selected one, and back";
    "go" GoTo in &[HERE], ["g"], 3 "go to", Move: "go to a sector number, an offset (1.5T, 0x200000) or 50%";
    "kinds" own in &[HERE], ["f"], 2 "kinds", Find: "show all runs, changed only, zeroed only, equal only";
    "all-bytes" own in &[HERE], ["a"], 3 "all bytes", Look: "show equal rows too, or fold them";
};

/// Which run is selected, and what of it is on the screen.
#[derive(Debug, Default)]
struct Diff {
    runs: DiffRuns,
}

impl Screen for Diff {
    fn draw(&self, app: &App, area: Rect, buffer: &mut Buffer) {
        picture::draw(app, &self.runs, area, buffer);
    }

    fn text(&self, app: &App, width: u16) -> Vec<Line> {
        picture::text_lines(app, &self.runs, width)
    }

    fn run(&mut self, app: &mut App, command: Command, area: Rect) -> Act {
        let (list, bytes) = parts(area);
        if self.runs.part == DiffFocus::Bytes {
            let height = bytes.height.saturating_sub(2);
            if let Some(effects) = self.scroll(app, command, area.width, height) {
                return Act::Done(effects);
            }
        }
        let page = usize::from(list.height);
        if let Some(cursor) = stepped(self.runs.cursor, self.runs.shown.len(), page, command) {
            return Act::Done(self.select(app, cursor));
        }
        let count = self.runs.run().map_or(0, |run| run.count);
        match command {
            Command::Open if let Some(child) = picture::child_of_base(app) => app.reveal(child),
            Command::Open | Command::SwapPane => {
                self.runs.part = match self.runs.part {
                    DiffFocus::Runs => DiffFocus::Bytes,
                    DiffFocus::Bytes => DiffFocus::Runs,
                };
            }
            Command::Left if self.runs.into > 0 => {
                return Act::Done(self.sector(app, self.runs.into - 1));
            }
            Command::Right if self.runs.into + 1 < count => {
                return Act::Done(self.sector(app, self.runs.into + 1));
            }
            Command::Left | Command::Right => {}
            Command::GoTo => app.ask(
                Asking::Place,
                " go to sector (number, 1.5G, 0x.., 50%): ",
                Prompt::default(),
            ),
            Command::Own("kinds") => {
                self.runs.kinds = self.runs.kinds.next();
                self.runs.filter();
                return Act::Done(self.bytes(app));
            }
            Command::Own("all-bytes") => {
                self.runs.all_bytes = !self.runs.all_bytes;
                self.runs.scroll = 0;
            }
            Command::CopyCommand => {
                let Some(line) = app.command_of(VIEW.0, disk(app)) else {
                    return Act::Pass;
                };
                let other = app.comparison.other.as_ref();
                let other = other.map_or_else(String::new, |path| {
                    format!(" {}", crate::tui::app::quoted(&crate::text::path(path)))
                });
                return Act::Done(app.send(line + &other));
            }
            _ => return Act::Pass,
        }
        Act::done()
    }

    /// Asks for the comparison: of the two marked disks, else of the selected one with its parent.
    fn follow(&mut self, app: &mut App) -> Vec<Effect> {
        let (child, other) = match app.marks.as_slice() {
            [first, second] => (Some(second.clone()), Some(first.clone())),
            _ => (app.disk_path(), None),
        };
        let mut effects = app.compare(child, other);
        // The map may have asked for the comparison; the bytes are wanted only here.
        match app.comparison.data.clone() {
            Some(data) => {
                self.runs.open(data);
                effects.extend(self.bytes(app));
            }
            None => self.runs = self.runs.emptied(),
        }
        effects
    }

    fn news(&mut self, app: &mut App, news: &News) -> Vec<Effect> {
        match news {
            News::Compared(data) => {
                self.runs.open(data.clone());
                if app.view == VIEW {
                    return self.bytes(app);
                }
            }
            News::Sides(sides) => {
                self.runs.sides = Some(sides.clone());
                app.dirty = true;
            }
            _ => {}
        }
        Vec::new()
    }

    fn settle(&mut self, _app: &App, area: Rect) {
        let height = usize::from(parts(area).0.height);
        self.runs.top = scrolled(
            self.runs.top,
            self.runs.cursor,
            self.runs.shown.len(),
            height,
        );
    }

    fn click(&mut self, app: &mut App, area: Rect, _column: u16, row: u16) -> Act {
        let (list, bytes) = parts(area);
        let y = area.y + row;
        if bytes.height > 0 && y >= bytes.y {
            self.runs.part = DiffFocus::Bytes;
            return Act::done();
        }
        let Some(line) = y.checked_sub(list.y).filter(|line| *line < list.height) else {
            return Act::Pass;
        };
        self.runs.part = DiffFocus::Runs;
        let place = self.runs.top + usize::from(line);
        if place < self.runs.shown.len() {
            return Act::Done(self.select(app, place));
        }
        Act::done()
    }

    fn typed(&mut self, app: &mut App, asking: Asking, text: &str, how: Typing) -> Act {
        if (asking, how) != (Asking::Place, Typing::Done) {
            return Act::Pass;
        }
        let unit = app
            .comparison
            .data
            .as_ref()
            .map_or(512, |data| u64::from(data.sector_size.max(1)));
        let size = disk(app)
            .and_then(|disk| app.store.forest.disk(disk)?.header.as_ref())
            .map_or(0, |header| header.virtual_size);
        if let Some(sector) = place(text, unit, size / unit) {
            self.runs.go(sector);
            if self
                .runs
                .run()
                .is_some_and(|run| run.sector.0 + run.count <= sector)
            {
                app.say("no run from there on: this is the last one");
            }
            return Act::Done(self.bytes(app));
        }
        app.say(no_place(text));
        Act::done()
    }

    fn subject(&self, app: &App) -> TitleSubject {
        TitleSubject::Disk(disk(app))
    }

    fn aside(&self, app: &App) -> Vec<String> {
        let kinds = self.runs.kinds.word();
        if app.size.0 < 60 {
            vec![kinds.to_owned()]
        } else {
            vec![format!("shown: {kinds}")]
        }
    }

    fn verb(&self) -> &'static str {
        VIEW.0
    }
}

impl Diff {
    /// Another run is selected: its bytes are wanted.
    fn select(&mut self, app: &mut App, cursor: usize) -> Vec<Effect> {
        if cursor == self.runs.cursor {
            return Vec::new();
        }
        self.runs.cursor = cursor;
        self.sector(app, 0)
    }

    /// Another sector of the run.
    fn sector(&mut self, app: &mut App, into: u64) -> Vec<Effect> {
        self.runs.into = into;
        self.runs.scroll = 0;
        self.bytes(app)
    }

    /// Asks for the bytes at the selected place.
    fn bytes(&mut self, app: &mut App) -> Vec<Effect> {
        app.dirty = true;
        let Some(sector) = self.runs.sector() else {
            self.runs.sides = None;
            return Vec::new();
        };
        let sides = self.runs.sides.as_ref();
        if sides.is_some_and(|sides| sides.sector == sector) {
            return Vec::new();
        }
        let find =
            |path: &Option<std::path::PathBuf>| path.as_deref().and_then(|path| app.find(path));
        let Some(child) = find(&app.comparison.child) else {
            return Vec::new();
        };
        let work = JobRequest::Hex {
            forest: app.store.forest.clone(),
            child,
            other: find(&app.comparison.other),
            sector,
        };
        vec![app.start(work)]
    }

    /// Moves in the bytes: within a sector, then to the next one of the run.
    fn scroll(
        &mut self,
        app: &mut App,
        command: Command,
        width: u16,
        height: u16,
    ) -> Option<Vec<Effect>> {
        let waits = app.runs(JobKind::Hex);
        let rows = hex_lines(&self.runs, waits, width).len();
        let scroll = scrolled_to(self.runs.scroll, rows, height, command)?;
        let count = self.runs.run().map_or(0, |run| run.count);
        let moved = scroll != self.runs.scroll;
        match command {
            Command::Down | Command::PageDown | Command::HalfDown
                if !moved && self.runs.into + 1 < count =>
            {
                return Some(self.sector(app, self.runs.into + 1));
            }
            Command::Up | Command::PageUp | Command::HalfUp if !moved && self.runs.into > 0 => {
                return Some(self.sector(app, self.runs.into - 1));
            }
            _ => {}
        }
        self.runs.scroll = scroll;
        Some(Vec::new())
    }
}

/// The disk that is compared.
fn disk(app: &App) -> Option<DiskId> {
    match &app.comparison.child {
        Some(child) => app.find(child),
        None => app.disk(),
    }
}
