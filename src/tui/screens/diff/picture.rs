//! The diff drawn: heading, runs, bytes, totals.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::format::SectorNo;
use crate::report::page::diff::{DiffPage, outcome};
use crate::report::placed::DiskPlaces;
use crate::store::DiskId;
use crate::text;
use crate::tui::app::App;
use crate::tui::command::Command;
use crate::tui::layout::band;
use crate::tui::message::{DiffResult, JobKind};
use crate::tui::theme::Role;
use crate::tui::widget::rows::{Focus, draw_rows};
use crate::tui::widget::text::{Line, clip_middle};

use super::runs::{DiffFocus, DiffRuns};

/// Draws runs, bytes and totals.
pub fn draw(app: &App, diff: &DiffRuns, area: Rect, buffer: &mut Buffer) {
    let theme = &app.settings.theme;
    if area.height == 0 {
        return;
    }
    if let Some(error) = &app.comparison.error {
        let mut lines = Line::of(Role::Text, format!(" {error}")).wrap(area.width.into(), 1);
        if let Some(child) = child_of_base(app) {
            let key = app.key_of(Command::Open);
            let text = format!(" {key}: compare its child {} with it", app.name_of(child));
            lines.extend(Line::of(Role::Notice, text).wrap(area.width.into(), 1));
        }
        Line::paint_all(&lines, buffer, area, theme);
        return;
    }
    heading(app, area.width).paint(buffer, area, theme);
    let (runs, bytes) = parts(area);
    if runs.y > area.y + 1 && !diff.shown.is_empty() {
        let area = band(area, runs.y - 1, 1);
        let columns = diff
            .data
            .as_ref()
            .map(|data| page_of(app, data, area.width).heading());
        columns.unwrap_or_default().paint(buffer, area, theme);
    }
    let focus = if diff.part == DiffFocus::Runs {
        Focus::Here
    } else {
        Focus::Away
    };
    let cursor = (diff.cursor, focus);
    draw_rows(buffer, runs, theme, diff.top, cursor, |place| {
        run_line(app, diff, place, runs.width)
    });
    if diff.shown.is_empty() && runs.height > 0 {
        Line::of(Role::Dim, format!(" {}", empty_words(app, diff))).paint(buffer, runs, theme);
    }
    if bytes.height > 0 {
        draw_bytes(app, diff, buffer, bytes);
    }
    if area.height > 2 {
        let last = band(area, area.bottom() - 1, 1);
        totals(app, diff, area.width).paint(buffer, last, theme);
    }
}

/// The disk to compare where the one at hand has no parent: the child that stands on it.
pub fn child_of_base(app: &App) -> Option<DiskId> {
    let forest = &app.store.forest;
    let disk = app.disk().filter(|_| app.comparison.error.is_some())?;
    let node = forest.node(disk).filter(|node| node.parent.is_none())?;
    node.children.first().copied()
}

/// Rows of the diff's list and of its bytes, the heading lines left out.
pub fn parts(body: Rect) -> (Rect, Rect) {
    // Two headings above the runs (where it is low, one), one rule above the bytes, one line of totals below.
    let head = if body.height >= 6 {
        2
    } else {
        1.min(body.height)
    };
    let rows = body.height.saturating_sub(head);
    let list = if rows >= 9 {
        (rows / 3).max(3)
    } else {
        rows.saturating_sub(1)
    };
    let runs = band(body, body.y + head, list);
    let bytes_top = runs.bottom();
    let bytes = band(body, bytes_top, body.bottom().saturating_sub(bytes_top + 1));
    (
        runs,
        if bytes.height >= 4 {
            bytes
        } else {
            Rect { height: 0, ..bytes }
        },
    )
}

fn empty_words(app: &App, diff: &DiffRuns) -> &'static str {
    match &diff.data {
        None if app.runs(JobKind::Diff) => "comparing ...",
        None => "nothing compared",
        Some(data) if data.summary.totals.compared == 0 => {
            "The disk holds no sector of its own: it equals its parent."
        }
        Some(data) if data.summary.equal => {
            "Every sector it holds is the same in the other: nothing differs."
        }
        Some(_) => "No run of this kind.",
    }
}

/// The two sides: what is compared with what.
fn heading(app: &App, width: u16) -> Line {
    let (child, other) = names(app);
    let (left, right) = if width < 60 {
        (" ", "  | ")
    } else if app.comparison.other.is_some() {
        (" left ", "  | right ")
    } else {
        (" left: parent ", "  | right: child ")
    };
    let ellipsis = app.settings.charset.glyphs().ellipsis;
    let room = usize::from(width).saturating_sub(left.len() + right.len()) / 2;
    Line::of(Role::Heading, left)
        .with(Role::Text, clip_middle(&other, room, ellipsis))
        .with(Role::Heading, right)
        .with(Role::Text, clip_middle(&child, room, ellipsis))
}

/// The names of the disk and of what it is compared with.
fn names(app: &App) -> (String, String) {
    let asked = &app.comparison;
    let name = |path: &std::path::PathBuf| app.find(path).map(|id| app.name_of(id));
    let child = asked.child.as_ref().and_then(name).unwrap_or_default();
    let other = match &asked.other {
        Some(other) => name(other).unwrap_or_default(),
        None => parent_name(app),
    };
    (child, other)
}

fn parent_name(app: &App) -> String {
    let forest = &app.store.forest;
    let child = app
        .comparison
        .child
        .as_deref()
        .and_then(|path| app.find(path));
    let parent = child.and_then(|id| forest.parent_of(id));
    parent.map_or_else(
        || {
            child
                .map(|id| crate::report::words::parent_name(forest, id))
                .unwrap_or_default()
        },
        |parent| app.name_of(parent),
    )
}

/// How the comparison's lines look.
fn page_of<'a>(app: &App, data: &'a DiffResult, width: u16) -> DiffPage<'a> {
    DiffPage {
        sector_size: data.sector_size.into(),
        places: DiskPlaces {
            partitions: data.partitions.as_ref(),
            owners: None,
        },
        units: app.units,
        width: width.into(),
    }
}

fn run_line(app: &App, diff: &DiffRuns, place: usize, width: u16) -> Option<Line> {
    let data = diff.data.as_ref()?;
    let run = data.runs.get(*diff.shown.get(place)?)?;
    let page = page_of(app, data, width);
    Some(page.run(&page.places.whole(*run)))
}

fn draw_bytes(app: &App, diff: &DiffRuns, buffer: &mut Buffer, area: Rect) {
    let theme = &app.settings.theme;
    let glyphs = app.settings.charset.glyphs();
    let run = diff.run();
    let words = match (run, diff.sector()) {
        (Some(run), Some(sector)) => format!(
            " run {} of {}   sector {} ({} of {} in the run){} ",
            text::count(diff.cursor as u64 + 1),
            text::count(diff.shown.len() as u64),
            text::count(sector),
            text::count(diff.into + 1),
            text::count(run.count),
            place(diff, sector),
        ),
        _ => " bytes ".to_owned(),
    };
    let mut rule = Line::of(Role::Border, glyphs.rule.repeat(2)).with(
        if diff.part == DiffFocus::Bytes {
            Role::Tab
        } else {
            Role::Dim
        },
        words,
    );
    let width = usize::from(area.width);
    let left = width.saturating_sub(rule.width());
    rule.push(Role::Border, glyphs.rule.repeat(left));
    rule.paint(buffer, area, theme);
    let body = band(area, area.y + 1, area.height.saturating_sub(1));
    let lines = hex_lines(diff, app.runs(JobKind::Hex), area.width);
    Line::paint_all(lines.iter().skip(diff.scroll), buffer, body, theme);
}

/// Where a sector lies on the guest's disk, if that is known.
fn place(diff: &DiffRuns, sector: u64) -> String {
    let data = diff.data.as_ref();
    let known = data.and_then(|data| data.partitions.as_ref());
    known.map_or_else(String::new, |known| {
        format!("   {}", known.name(SectorNo(sector), 1))
    })
}

/// Bytes a row shows of each side, by the width: 4, 8 or 16. A row takes eight columns and, for each byte, eight more.
fn bytes_a_row(width: u16) -> usize {
    match width {
        136.. => 16,
        72..=135 => 8,
        _ => 4,
    }
}

/// The bytes of the selected place as rows: offset, left, right, both as text. Equal rows fold to `*`.
pub fn hex_lines(diff: &DiffRuns, waits: bool, width: u16) -> Vec<Line> {
    let Some(sides) = &diff.sides else {
        let words = if waits { " reading ..." } else { "" };
        return vec![Line::of(Role::Dim, words)];
    };
    let by = bytes_a_row(width);
    let len = sides.left.len().max(sides.right.len());
    let mut lines = Vec::new();
    let mut folded = 0_usize;
    let rows = len.div_ceil(by);
    for row in 0..rows {
        let part = |bytes: &[u8]| -> Vec<Option<u8>> {
            (row * by..(row + 1) * by)
                .map(|index| bytes.get(index).copied())
                .collect()
        };
        let (left, right) = (part(&sides.left), part(&sides.right));
        if left == right && !diff.all_bytes {
            folded += 1;
            if folded == 1 {
                lines.push(Line::of(Role::Same, " *    (equal)"));
            }
            continue;
        }
        folded = 0;
        lines.push(hex_line(row * by, &left, &right));
    }
    if rows == 0 {
        lines.push(Line::of(Role::Dim, " neither side reaches this far"));
    }
    lines
}

fn hex_line(at: usize, left: &[Option<u8>], right: &[Option<u8>]) -> Line {
    let mut line = Line::of(Role::Dim, format!(" {at:03x} "));
    side(&mut line, left, right);
    line.push(Role::Border, "|");
    side(&mut line, right, left);
    line.push(Role::Text, " ");
    ascii(&mut line, left, right);
    line.push(Role::Text, " ");
    ascii(&mut line, right, left);
    line
}

/// Bytes in hexadecimal; a differing byte is followed by `>`, which needs no colour.
fn side(line: &mut Line, own: &[Option<u8>], other: &[Option<u8>]) {
    let mut run = (Role::Text, String::new());
    for (own, other) in own.iter().zip(other) {
        let (role, sign) = if own == other {
            (Role::Text, ' ')
        } else {
            (Role::Changed, '>')
        };
        let text = own.map_or_else(|| "--".to_owned(), |byte| format!("{byte:02x}"));
        if run.0 != role {
            let done = std::mem::replace(&mut run, (role, String::new()));
            line.push(done.0, done.1);
        }
        run.1.push_str(&text);
        run.1.push(sign);
    }
    line.push(run.0, run.1);
}

fn ascii(line: &mut Line, own: &[Option<u8>], other: &[Option<u8>]) {
    for (own, other) in own.iter().zip(other) {
        let sign = match own {
            Some(byte @ 0x20..=0x7e) => char::from(*byte),
            Some(_) => '.',
            None => ' ',
        };
        line.push(
            if own == other {
                Role::Text
            } else {
                Role::Changed
            },
            sign.to_string(),
        );
    }
}

fn totals(app: &App, diff: &DiffRuns, width: u16) -> Line {
    let data = diff.data.as_ref();
    data.map_or_else(Line::new, |data| {
        page_of(app, data, width).totals(&data.summary, data.runs.len() as u64)
    })
}

/// Runs and totals as text.
pub fn text_lines(app: &App, diff: &DiffRuns, width: u16) -> Vec<Line> {
    let mut lines = vec![heading(app, width)];
    if let Some(data) = &diff.data {
        let page = page_of(app, data, width);
        lines.push(page.heading());
        lines.extend(
            data.runs
                .iter()
                .map(|run| page.run(&page.places.whole(*run))),
        );
        lines.push(totals(app, diff, width));
        let (child, other) = names(app);
        let came_to = outcome(&data.summary, &child, &other);
        lines.push(Line::of(Role::Text, came_to));
    }
    lines.extend(hex_lines(diff, app.runs(JobKind::Hex), width));
    lines
}
