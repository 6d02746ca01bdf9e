//! The guest's files that differ from the parent's, or between two marked disks, or all of them, as a tree of folders. Rows
//! come while the search goes on.

mod tree;

use std::path::PathBuf;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::analysis::files::all::GuestPath;
use crate::guest::filesystem::ChangeKind;
use crate::report::files::{
    Fold, fold_lines, role, sign, time_words, version_lines, volume_line, volume_name,
};
use crate::report::page::Line;
use crate::store::DiskId;
use crate::text::{self, escape};
use crate::tui::app::{App, NOT_SAVED, quoted};
use crate::tui::command::Command;
use crate::tui::effect::{Effect, JobRequest};
use crate::tui::found::{FilesEnd, FilesOf, FoundFile, FoundFiles};
use crate::tui::keymap::Context::{self, Any};
use crate::tui::keymap::{Binding, bindings};
use crate::tui::layout::band;
use crate::tui::list::moved;
use crate::tui::message::{JobKind, News};
use crate::tui::screen::{Act, Screen, ScreenEntry, TitleSubject};
use crate::tui::theme::Role;
use crate::tui::view::View;
use crate::tui::widget::rows::{Focus, draw_rows, scrolled};
use crate::tui::widget::text::{clip, clip_middle, pad_left};

use tree::{Closed, FileRow, FileTree, Noise};

/// Its row of the table of screens.
pub const ENTRY: ScreenEntry = ScreenEntry {
    view: VIEW,
    title: "Files",
    keys: KEYS,
    make: || Box::new(FilesScreen::default()),
};

const VIEW: View = View("files");

const HERE: Context = Context::View(VIEW);

const KEYS: &[Binding] = bindings! {
    "files" show in &[Any], ["F" "7"], 7 "files", Look: "the guest's files that differ, or those of two marked disks";
    "top" First in &[HERE], ["g"], 0 "first", Move: "first row";
    "open" Open in &[HERE], ["Enter"], 1 "open", Look: "open or close a folder; of a file, its versions in every disk of the tree";
    "left" Left in &[HERE], ["h" "Left"], 0 "close", Move: "close the folder; again: the folder above";
    "right" Right in &[HERE], ["l" "Right"], 0 "open", Move: "open the folder";
    "copy-out" own in &[HERE], ["o"], 2 "copy command", Take: "the command that brings this file or folder back; the browser itself writes nothing";
    "noise" own in &[HERE], ["a"], 3 "system's own", Find: "show what systems write by themselves too, or fold it";
    "every-file" own in &[HERE], ["x"], 4 "all files", Find: "every file of the disk, or those that differ";
};

/// Columns of a size and of a time.
const SIZE: usize = 11;
const TIME: usize = 24;
/// Narrower lists leave out the time.
const WITH_TIME: usize = 64;

/// The files of the selected disk.
#[derive(Debug, Default)]
struct FilesScreen {
    /// Of which disk, and compared with which.
    of: Option<(PathBuf, FilesOf)>,
    /// The user asked for all files.
    whole: bool,
    found: FoundFiles,
    tree: FileTree,
    noise: Noise,
    rows: Vec<FileRow>,
    cursor: usize,
    scroll: usize,
    end: Option<FilesEnd>,
    /// Why there is nothing.
    error: Option<String>,
}

impl Screen for FilesScreen {
    fn draw(&self, app: &App, area: Rect, buffer: &mut Buffer) {
        let theme = &app.settings.theme;
        let (list, foot) = parts(area, self.foot(app, area.width).len());
        let (cursor, width) = ((self.cursor, Focus::Here), usize::from(list.width));
        draw_rows(buffer, list, theme, self.scroll, cursor, |place| {
            Some(self.line(app, self.rows.get(place)?, width))
        });
        Line::paint_all(&self.foot(app, area.width), buffer, foot, theme);
    }

    /// Every row, closed folders too.
    fn text(&self, app: &App, width: u16) -> Vec<Line> {
        let rows = self.all_rows(Closed::Show);
        let lines = rows.iter().map(|row| self.line(app, row, width.into()));
        lines.chain(self.foot(app, width)).collect()
    }

    fn run(&mut self, app: &mut App, command: Command, area: Rect) -> Act {
        let page = usize::from(parts(area, self.foot(app, area.width).len()).0.height);
        if let Some(cursor) = moved(self.cursor, self.rows.len(), page, command) {
            self.cursor = cursor;
            return Act::done();
        }
        match command {
            Command::Next | Command::Previous => app.along_chain(command == Command::Next),
            Command::Open => return self.open(app),
            Command::Left => self.close(),
            Command::Right => self.set_open(true),
            Command::Own("copy-out") => return self.copy_out(app),
            Command::Own("noise") => {
                self.noise = self.noise.turned();
                self.lay_out();
            }
            Command::Own("every-file") => {
                self.whole = !self.whole;
                return Act::Done(self.follow(app));
            }
            Command::CopyCommand => {
                let Some(line) = self.command(app) else {
                    return Act::Pass;
                };
                return Act::Done(app.send(line));
            }
            _ => return Act::Pass,
        }
        Act::done()
    }

    fn follow(&mut self, app: &mut App) -> Vec<Effect> {
        let Some((disk, of)) = self.wanted(app) else {
            return Vec::new();
        };
        let path = app.store.forest.disk(disk).map(|disk| disk.path.clone());
        let asked = path.map(|path| (path, of));
        if self.of == asked {
            return Vec::new();
        }
        *self = Self {
            of: asked,
            whole: self.whole,
            noise: self.noise,
            ..Self::default()
        };
        app.dirty = true;
        if app.settings.saved {
            self.error = Some(NOT_SAVED.to_owned());
            return Vec::new();
        }
        let forest = app.store.forest.clone();
        vec![app.start(JobRequest::Files { forest, disk, of })]
    }

    fn news(&mut self, app: &mut App, news: &News) -> Vec<Effect> {
        match news {
            News::Files(found) => {
                self.take(found);
                app.dirty = true;
            }
            News::Versions(versions) => {
                let name = |disk: DiskId| {
                    let row = app.row_of(disk);
                    row.map_or_else(String::new, |row| row.name.clone())
                };
                let (units, clock) = (app.units, &app.settings.clock);
                let lines = version_lines(&versions.versions, &name, units, clock);
                let lines = lines.iter().map(Line::plain).collect();
                app.show_text(escape(&versions.path.path), lines);
            }
            // Ids of the old forest mean nothing in the new one.
            News::Prepared(_) if app.store.forest.complete => self.of = None,
            _ => {}
        }
        Vec::new()
    }

    fn failed(&mut self, slot: JobKind, error: &str) {
        if slot == JobKind::Files {
            self.error = Some(error.to_owned());
        }
    }

    fn forget(&mut self) {
        self.of = None;
    }

    fn settle(&mut self, app: &App, area: Rect) {
        let height = usize::from(parts(area, self.foot(app, area.width).len()).0.height);
        self.scroll = scrolled(self.scroll, self.cursor, self.rows.len(), height);
    }

    fn click(&mut self, app: &mut App, area: Rect, _column: u16, row: u16) -> Act {
        let list = parts(area, self.foot(app, area.width).len()).0;
        let place = self.scroll + usize::from(row);
        if row >= list.height || place >= self.rows.len() {
            return Act::Pass;
        }
        if place == self.cursor {
            return self.open(app);
        }
        self.cursor = place;
        Act::done()
    }

    fn subject(&self, app: &App) -> TitleSubject {
        TitleSubject::Disk(self.wanted(app).map(|(disk, _)| disk))
    }

    fn aside(&self, _app: &App) -> Vec<String> {
        let words = match self.of {
            Some((_, FilesOf::All)) => "all files",
            Some((_, FilesOf::Other(_))) => "since the other mark",
            _ => "since its parent",
        };
        vec![words.to_owned()]
    }

    fn verb(&self) -> &'static str {
        VIEW.0
    }
}

impl FilesScreen {
    /// Of which disk the files are wanted, and which of them.
    fn wanted(&self, app: &App) -> Option<(DiskId, FilesOf)> {
        let find = |path: &PathBuf| app.find(path);
        let marked = match app.marks.as_slice() {
            [first, second] => find(first).zip(find(second)),
            _ => None,
        };
        let disk = marked.map(|(_, disk)| disk).or_else(|| app.disk())?;
        let node = app.store.forest.node(disk);
        let has_parent = node.is_some_and(|node| node.parent.is_some());
        let of = match marked {
            _ if self.whole => FilesOf::All,
            Some((other, _)) => FilesOf::Other(other),
            None if has_parent => FilesOf::Parent,
            None => FilesOf::All,
        };
        Some((disk, of))
    }

    fn take(&mut self, found: &FoundFiles) {
        self.tree.grow(found.volumes.len());
        for file in &found.files {
            self.tree.add(file.clone());
        }
        self.found = FoundFiles {
            volumes: found.volumes.clone(),
            totals: found.totals.clone(),
            ..FoundFiles::default()
        };
        if found.end.is_some() {
            self.end.clone_from(&found.end);
        }
        self.lay_out();
    }

    /// Works out the rows again; the cursor stays on what it stands on.
    fn lay_out(&mut self) {
        let at = self.node();
        self.rows = self.all_rows(Closed::Hide);
        let rows = &self.rows;
        let find = |wanted| {
            let is_it =
                |row: &FileRow| matches!(row, FileRow::Node { node, .. } if *node == wanted);
            rows.iter().position(is_it)
        };
        let last = self.rows.len().saturating_sub(1);
        self.cursor = at.and_then(find).unwrap_or(self.cursor).min(last);
    }

    fn all_rows(&self, closed: Closed) -> Vec<FileRow> {
        let mut rows = self.tree.rows(self.noise, closed);
        let totals = &self.found.totals;
        let is_folded = |volume: usize| {
            let of = totals.get(volume);
            of.is_some_and(|of| Fold::ALL.iter().any(|fold| of.folded(*fold) > 0))
        };
        rows.retain(|row| !matches!(row, FileRow::Folded(volume) if !is_folded(*volume)));
        rows
    }

    /// The node under the cursor.
    fn node(&self) -> Option<usize> {
        match self.rows.get(self.cursor)? {
            FileRow::Node { node, .. } => Some(*node),
            FileRow::Volume(_) | FileRow::Folded(_) => None,
        }
    }

    fn set_open(&mut self, open: bool) {
        if let Some(node) = self.node() {
            self.tree.set_open(node, open);
            self.lay_out();
        }
    }

    fn close(&mut self) {
        let open = match self.rows.get(self.cursor) {
            Some(FileRow::Node { open, .. }) => *open,
            _ => None,
        };
        if open == Some(true) {
            self.set_open(false);
        } else if let Some(above) = self.node().and_then(|at| self.tree.above(at, &self.rows)) {
            self.cursor = above;
        }
    }

    /// Enter: a folder opens or closes, a file shows its versions.
    fn open(&mut self, app: &mut App) -> Act {
        match self.rows.get(self.cursor) {
            Some(FileRow::Node {
                open: Some(open), ..
            }) => {
                let open = !open;
                self.set_open(open);
            }
            Some(FileRow::Node { node, .. }) => {
                let path = self.guest_path(*node);
                let Some((disk, _)) = self.wanted(app) else {
                    return Act::Pass;
                };
                let forest = app.store.forest.clone();
                let work = JobRequest::Versions { forest, disk, path };
                return Act::Done(vec![app.start(work)]);
            }
            Some(FileRow::Folded(_)) => {
                self.noise = Noise::Shown;
                self.lay_out();
            }
            Some(FileRow::Volume(_)) | None => {}
        }
        Act::done()
    }

    fn guest_path(&self, node: usize) -> GuestPath {
        let (volume, path) = self.tree.path(node);
        let volume = self.found.volumes.get(volume).map(|row| row.name.clone());
        GuestPath { volume, path }
    }

    /// The command that brings the selected file or folder back: from the disk that has it.
    fn copy_out(&self, app: &mut App) -> Act {
        let Some(((disk, of), node)) = self.wanted(app).zip(self.node()) else {
            app.say("there is no file here");
            return Act::done();
        };
        let change = self
            .tree
            .node(node)
            .and_then(|node| node.file.as_ref()?.change);
        let is_gone = change == Some(ChangeKind::Deleted);
        let from = match of {
            FilesOf::Parent if is_gone => app.store.forest.parent_of(disk),
            FilesOf::Other(other) if is_gone => Some(other),
            _ => Some(disk),
        };
        let Some(command) = app.command_of("cp", from) else {
            app.say("the disk that has it is not in the store");
            return Act::done();
        };
        let GuestPath { volume, path } = self.guest_path(node);
        let path = format!("{}:{path}", volume.unwrap_or_default());
        Act::Done(app.send(format!("{command} {} .", quoted(&escape(&path)))))
    }

    /// The command that tells the same.
    fn command(&self, app: &App) -> Option<String> {
        let (disk, of) = self.wanted(app)?;
        let command = app.command_of(VIEW.0, Some(disk))?;
        Some(match of {
            FilesOf::Parent => command,
            FilesOf::All => command + " --all",
            FilesOf::Other(other) => {
                let other = app.store.forest.disk(other)?;
                format!("{command} {}", quoted(&text::path(&other.path)))
            }
        })
    }

    fn line(&self, app: &App, row: &FileRow, width: usize) -> Line {
        match row {
            FileRow::Volume(volume) => {
                let line = self.volume(app, *volume);
                fitted(line, width, app.settings.charset.glyphs().ellipsis)
            }
            FileRow::Folded(volume) => {
                let totals = self.found.totals.get(*volume).copied().unwrap_or_default();
                let lines = fold_lines(&totals);
                let words: Vec<String> = lines.iter().map(Line::plain).collect();
                let words = words.join(",").replace("    ", " ");
                Line::of(Role::Dim, format!("  {words}"))
            }
            FileRow::Node {
                node,
                depth,
                name,
                open,
            } => self.file(app, *node, *depth, name, *open, width),
        }
    }

    fn volume(&self, app: &App, volume: usize) -> Line {
        let mut line = Line::of(Role::Text, " ");
        let Some((row, totals)) = self
            .found
            .volumes
            .get(volume)
            .zip(self.found.totals.get(volume))
        else {
            return line;
        };
        if self.of.as_ref().is_some_and(|(_, of)| *of == FilesOf::All) {
            let name = volume_name(row);
            line.push(Role::Heading, name);
            if let Some(why) = &row.why {
                line.push(Role::Warning, format!("   {}", escape(&why.text)));
            }
            return line;
        }
        if let Some(of) = volume_line(row, totals, app.units) {
            for (role, text) in of.pieces() {
                line.push(*role, text.clone());
            }
        } else {
            let text = format!("{}   nothing was written", volume_name(row));
            line.push(Role::Dim, text);
        }
        line
    }

    fn file(
        &self,
        app: &App,
        node: usize,
        depth: usize,
        name: &str,
        open: Option<bool>,
        width: usize,
    ) -> Line {
        let glyphs = app.settings.charset.glyphs();
        let file = self.tree.node(node).and_then(|node| node.file.as_ref());
        // That a folder's list of names differs, its names say better.
        let told = file.filter(|file| file.fold != Some(Fold::TouchedFolder));
        let change = told.and_then(|file| file.change);
        let fold = match open {
            Some(true) => glyphs.folds[0],
            Some(false) => glyphs.folds[1],
            None => " ",
        };
        let mut line = Line::of(
            Role::Text,
            format!(" {}{fold} ", "  ".repeat(depth.min(20))),
        );
        let sign = change.map_or(" ", sign);
        let of_name = change.map_or(Role::Text, role);
        let tail = SIZE + if width >= WITH_TIME { TIME } else { 0 };
        let room = width.saturating_sub(line.width() + 2 + tail);
        let mut label = escape(name);
        if let Some(old) = file.and_then(|file| file.old_path.as_ref()) {
            label = format!("{label}  was {}", escape(old));
        }
        line.push(
            of_name,
            format!("{sign} {}", clip_middle(&label, room, glyphs.ellipsis)),
        );
        line.pad_to(width.saturating_sub(tail));
        let size = app.units.size(self.tree.bytes(node, self.noise));
        line.push(Role::Text, pad_left(&size, SIZE));
        let time = file
            .filter(|_| width >= WITH_TIME)
            .and_then(|file: &FoundFile| file.modified);
        if let Some(at) = time {
            let time = time_words(at, &app.settings.clock);
            line.push(Role::Dim, format!("  {time}"));
        }
        line
    }

    /// What is said below the list: why there is nothing, or what is left out.
    fn foot(&self, app: &App, width: u16) -> Vec<Line> {
        let line = |role, text: &str| Line::of(role, format!(" {text}")).wrap(width.into(), 1);
        let mut lines = Vec::new();
        if let Some(error) = &self.error {
            lines.extend(line(Role::Text, &escape(error)));
        } else if let Some(end) = &self.end {
            for said in end.said.iter().take(3) {
                lines.extend(line(Role::Warning, &escape(said)));
            }
            let volumes = &self.found.volumes;
            if !end.complete && volumes.iter().all(|row| row.why.is_some()) {
                let text =
                    "No file system that is read was found here, so nothing can be said of files.";
                lines.extend(line(Role::Unsure, text));
            } else if !end.complete {
                lines.extend(line(Role::Unsure, "~ not all files could be looked at"));
            }
        } else if app.runs(JobKind::Files) {
            if self.rows.is_empty() {
                lines.push(Line::of(Role::Dim, " looking ..."));
            }
        } else if self.of.is_none() {
            lines.push(Line::of(Role::Dim, " No disk is selected."));
        }
        lines
    }
}

/// A line that is too wide without the blanks that make a column; what does not fit even then is cut.
fn fitted(line: Line, width: usize, ellipsis: &str) -> Line {
    if line.width() <= width {
        return line;
    }
    let mut short = Line::new();
    for (role, text) in line.pieces() {
        let words = text.trim_end();
        let blanks = if words.len() < text.len() { "  " } else { "" };
        let room = width.saturating_sub(short.width());
        short.push(*role, clip(&format!("{words}{blanks}"), room, ellipsis));
    }
    short
}

/// The list, and what is said below it.
fn parts(area: Rect, foot: usize) -> (Rect, Rect) {
    let foot = u16::try_from(foot).unwrap_or(u16::MAX).min(area.height / 2);
    let list = Rect {
        height: area.height - foot,
        ..area
    };
    let below = band(area, list.bottom(), foot);
    (list, below)
}
