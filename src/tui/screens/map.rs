//! The block map of one disk: which blocks it holds, how its comparison with the parent came out, and the sectors of a block.

mod answers;
mod laid;
mod picture;
mod window;

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::report::page::Layer;
use crate::report::page::map::NO_BLOCKS;
use crate::text::escape;
use crate::tui::app::{App, Asking, NOT_SAVED};
use crate::tui::command::Command;
use crate::tui::effect::{ChainPart, Effect, JobRequest};
use crate::tui::keymap::Context::{self, Any};
use crate::tui::keymap::{Binding, bindings};
use crate::tui::message::{ChainTables, JobKind, News};
use crate::tui::place::place;
use crate::tui::screen::{Act, Screen, ScreenEntry, Typing};
use crate::tui::theme::Role;
use crate::tui::view::View;
use crate::tui::widget::prompt::Prompt;
use crate::tui::widget::text::Line;

use self::window::MapWindow;

/// Its row of the table of screens.
pub const ENTRY: ScreenEntry = ScreenEntry {
    view: VIEW,
    title: "Map",
    keys: KEYS,
    make: || Box::new(Map::default()),
};

/// Its name.
pub const VIEW: View = View("map");

const HERE: Context = Context::View(VIEW);

const KEYS: &[Binding] = bindings! {
    "map" show in &[Any], ["m" "3"], 4 "map", Look: "block map of this disk";
    "left" Left in &[HERE], ["h" "Left"], 0 "left", Move: "one cell left";
    "right" Right in &[HERE], ["l" "Right"], 0 "right", Move: "one cell right";
    "go" GoTo in &[HERE], ["g"], 3 "go to", Move: "go to a block or sector number, an offset (1.5T, 0x200000) or 50%";
    "open" Open in &[HERE], ["Enter"], 2 "open", Look: "a cell's blocks, then a block's sectors";
    "zoom-in" own in &[HERE], ["+"], 1 "zoom", Look: "zoom in at the cursor";
    "zoom-out" own in &[HERE], ["-"], 2 "out", Look: "zoom out";
    "overlay" own in &[HERE], ["o"], 4 "overlay", Look: "lay the comparison with the parent over the map";
    "chain-map" own in &[HERE], ["C"], 5 "chain", Look: "which disk of the chain answers for each block";
    "owners" own in &[HERE], ["O"], 6 "owners", Look: "whose each block is: files, folders, tables, page files, free space";
    "chain-down" own in &[HERE], [","], 0 "parent", Move: "the same place of the disk's parent";
    "chain-up" own in &[HERE], ["."], 0 "child", Move: "the same place of the disk's child";
    "style" own in &[HERE], ["t"], 8 "style", Look: "shades, letters, half-blocks or braille";
};

/// The map, and why there is none.
#[derive(Debug, Default)]
struct Map {
    window: MapWindow,
    error: Option<String>,
}

impl Screen for Map {
    fn draw(&self, app: &App, area: Rect, buffer: &mut Buffer) {
        if let Some(words) = self.nothing(app) {
            let lines = Line::of(Role::Dim, format!(" {words}")).wrap(area.width.into(), 1);
            Line::paint_all(&lines, buffer, area, &app.settings.theme);
        } else {
            picture::draw(app, &self.window, area, buffer);
        }
    }

    fn text(&self, app: &App, _width: u16) -> Vec<Line> {
        picture::text_lines(app, &self.window)
    }

    fn run(&mut self, app: &mut App, command: Command, _area: Rect) -> Act {
        let window = &mut self.window;
        let rows = i64::from(window.grid.1.max(1));
        let half = (rows / 2).max(1);
        match command {
            Command::Down => window.step(0, 1),
            Command::Up => window.step(0, -1),
            Command::Left => window.step(-1, 0),
            Command::Right => window.step(1, 0),
            Command::PageDown => window.step(0, rows),
            Command::PageUp => window.step(0, -rows),
            Command::HalfDown => window.step(0, half),
            Command::HalfUp => window.step(0, -half),
            Command::First => window.go(0),
            Command::Last => window.go(u64::MAX),
            Command::Next | Command::Previous => {
                let forward = command == Command::Next;
                if !window.seek(forward) {
                    let which = if forward { "further" } else { "earlier" };
                    app.say(format!("no {which} run"));
                }
            }
            Command::GoTo => app.ask(
                Asking::Place,
                " go to (number, 1.5T, 0x.., 50%): ",
                Prompt::default(),
            ),
            Command::Open => return self.open(app),
            // Below one block a cell there are the block's sectors.
            Command::Own("zoom-in") if window.zoom == 0 => return self.open(app),
            Command::Own("zoom-in") => window.zoom_in(),
            Command::Own("zoom-out") => window.zoom_out(),
            Command::Own("style") => window.style = window.style.next(app.settings.charset),
            Command::Own("overlay") if !picture::has_parent(app, window) => {
                app.say("this disk has no parent to be compared with");
            }
            Command::Own("overlay") => {
                window.switch(Layer::Compared);
                return Act::Done(self.compare(app));
            }
            Command::Own("chain-map") => {
                window.switch(Layer::Chain);
                return Act::Done(self.chain(app));
            }
            Command::Own("owners") => {
                window.switch(Layer::Owners);
                return Act::Done(self.chain(app));
            }
            Command::Own(which @ ("chain-down" | "chain-up")) => {
                window.keep_place();
                app.along_chain(which == "chain-down");
            }
            Command::Back if window.sectors.is_some() => window.zoom_out(),
            _ => return Act::Pass,
        }
        Act::done()
    }

    /// Asks for the blocks of the selected disk, unless they are here or on the way.
    fn follow(&mut self, app: &mut App) -> Vec<Effect> {
        let path = app.disk_path();
        let mut effects = Vec::new();
        if path != self.window.path {
            self.window.ask(path.clone());
            self.error = None;
            app.dirty = true;
            match path {
                Some(_) if app.settings.saved => self.error = Some(NOT_SAVED.to_owned()),
                Some(path) => effects.push(app.start(JobRequest::Map { path })),
                None => {}
            }
        }
        if app.view == VIEW {
            effects.extend(self.compare(app));
            // What is on its way comes first; its answer asks for the rest.
            if !app.runs(JobKind::Map) && self.window.table.is_some() {
                effects.extend(self.chain(app));
            }
        }
        effects
    }

    fn news(&mut self, app: &mut App, news: &News) -> Vec<Effect> {
        match news {
            News::Blocks(table) if self.window.path.as_ref() == Some(&table.path) => {
                self.error = None;
                self.window.open(table.clone());
                app.dirty = true;
                return if app.view == VIEW {
                    self.chain(app)
                } else {
                    Vec::new()
                };
            }
            News::Sectors(sectors) if self.window.path.as_ref() == Some(&sectors.path) => {
                self.window.enter(sectors.clone());
            }
            News::Chain(chain) if self.window.path.as_ref() == Some(&chain.path) => {
                self.window.take(chain);
            }
            News::Compared(_) => self.lay_over(app),
            _ => return Vec::new(),
        }
        app.dirty = true;
        Vec::new()
    }

    fn failed(&mut self, slot: JobKind, error: &str) {
        if matches!(slot, JobKind::Map | JobKind::Sectors) {
            self.error = Some(error.to_owned());
        }
    }

    fn forget(&mut self) {
        self.window.path = None;
    }

    fn settle(&mut self, app: &App, area: Rect) {
        // A pane is too small for an overview.
        self.window.fit(area, app.view == VIEW);
    }

    fn typed(&mut self, app: &mut App, asking: Asking, text: &str, how: Typing) -> Act {
        if (asking, how) != (Asking::Place, Typing::Done) {
            return Act::Pass;
        }
        let table = self.window.table.as_ref();
        let unit = table.map_or(1, |table| {
            if self.window.sectors.is_some() {
                table.sector_bytes
            } else {
                table.block_bytes
            }
        });
        match place(text, unit, self.window.len()) {
            Some(block) => self.window.go(block),
            None => app.say(crate::tui::place::no_place(text)),
        }
        Act::done()
    }

    fn click(&mut self, _app: &mut App, area: Rect, column: u16, row: u16) -> Act {
        if self.window.click(area, column, row) {
            Act::done()
        } else {
            Act::Pass
        }
    }

    fn aside(&self, _app: &App) -> Vec<String> {
        let steps = self.window.widest().div_ceil(2) + 1;
        let step = steps - self.window.zoom.div_ceil(2);
        let layer = match self.window.shown_layer() {
            Layer::Held => "",
            Layer::Compared => "compared",
            Layer::Chain => "chain",
            Layer::Owners => "owners",
        };
        let parts = [
            layer.to_owned(),
            format!("zoom {step}/{steps}"),
            self.window.style.word().to_owned(),
        ];
        parts.into_iter().filter(|part| !part.is_empty()).collect()
    }

    fn verb(&self) -> &'static str {
        VIEW.0
    }
}

impl Map {
    /// Enter: the cell's blocks, then the block's sectors.
    fn open(&mut self, app: &mut App) -> Act {
        let window = &mut self.window;
        if window.sectors.is_some() || window.is_empty() {
            return Act::done();
        }
        if window.zoom > 0 {
            window.cursor = window.first_of_cell();
            window.zoom_full();
            return Act::done();
        }
        let block = window.cursor;
        let work = window
            .path
            .clone()
            .map(|path| JobRequest::Sectors { path, block });
        Act::Done(work.map(|work| app.start(work)).into_iter().collect())
    }

    /// Asks for the comparison where it is to be shown and is not here.
    fn compare(&mut self, app: &mut App) -> Vec<Effect> {
        if self.window.layer != Layer::Compared
            || self.window.compared.is_some()
            || app.settings.saved
        {
            return Vec::new();
        }
        let effects = app.compare(self.window.path.clone(), None);
        self.lay_over(app);
        effects
    }

    /// Asks for the partitions, and for the chain's tables or the owners where they are to be shown, unless they are here.
    fn chain(&mut self, app: &mut App) -> Vec<Effect> {
        let part = match self.window.layer {
            Layer::Chain => ChainPart::Tables,
            Layer::Owners => ChainPart::Owners,
            Layer::Held | Layer::Compared => ChainPart::Partitions,
        };
        let is_here = |known: &Arc<ChainTables>| match part {
            ChainPart::Partitions => true,
            ChainPart::Tables => !known.tables.is_empty(),
            ChainPart::Owners => known.owners.is_some(),
        };
        if self.window.chain.as_ref().is_some_and(is_here) || app.settings.saved {
            return Vec::new();
        }
        let Some(disk) = self.window.path.as_deref().and_then(|path| app.find(path)) else {
            return Vec::new();
        };
        let forest = app.store.forest.clone();
        vec![app.start(JobRequest::Chain { forest, disk, part })]
    }

    /// Takes the comparison, if it is that of the disk on the map with its parent.
    fn lay_over(&mut self, app: &App) {
        let done = &app.comparison;
        if done.child == self.window.path
            && done.other.is_none()
            && let Some(data) = &done.data
        {
            self.window.compared = Some(data.clone());
            self.window.refresh();
        }
    }

    /// Why there is no map, if there is none.
    fn nothing(&self, app: &App) -> Option<String> {
        if let Some(error) = &self.error {
            return Some(format!("! {}", escape(error)));
        }
        if self.window.table.is_none() {
            let words = if app.runs(JobKind::Map) {
                "reading the block table ..."
            } else {
                "no disk is selected"
            };
            return Some(words.to_owned());
        }
        self.window.is_empty().then(|| NO_BLOCKS.to_owned())
    }
}
