//! The diff drawn: heading, runs, bytes, totals.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::analysis::diff::{DiffKind, DiffRun};
use crate::format::SectorNo;
use crate::text::{self, Units};
use crate::tui::app::App;
use crate::tui::message::{DiffResult, JobKind};
use crate::tui::place::offset;
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
        let lines = Line::of(Role::Text, format!(" {error}")).wrap(area.width.into(), 1);
        Line::paint_all(&lines, buffer, area, theme);
        return;
    }
    heading(app, area.width).paint(buffer, area, theme);
    let (runs, bytes) = parts(area);
    if runs.y > area.y + 1 && !diff.shown.is_empty() {
        let area = Rect {
            y: runs.y - 1,
            height: 1,
            ..area
        };
        columns(diff.data.as_deref(), app.units, area.width).paint(buffer, area, theme);
    }
    let focus = if diff.part == DiffFocus::Runs {
        Focus::Here
    } else {
        Focus::Away
    };
    let cursor = (!diff.shown.is_empty()).then_some((diff.cursor, focus));
    draw_rows(
        buffer,
        runs,
        theme,
        diff.top,
        cursor,
        diff.shown.len(),
        |place| run_line(diff, app.units, place, runs.width),
    );
    if diff.shown.is_empty() && runs.height > 0 {
        Line::of(Role::Dim, format!(" {}", empty_words(app, diff))).paint(buffer, runs, theme);
    }
    if bytes.height > 0 {
        draw_bytes(app, diff, buffer, bytes);
    }
    let last = Rect {
        y: area.bottom() - 1,
        height: 1,
        ..area
    };
    if area.height > 2 {
        totals(diff, app.units, area.width).paint(buffer, last, theme);
    }
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
    let runs = Rect {
        y: body.y + head,
        height: list,
        ..body
    };
    let bytes_top = runs.bottom();
    let bytes = Rect {
        y: bytes_top,
        height: body.bottom().saturating_sub(bytes_top + 1),
        ..body
    };
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
    let asked = &app.comparison;
    let name = |path: &std::path::PathBuf| app.find(path).map(|id| app.name_of(id));
    let child = asked.child.as_ref().and_then(name).unwrap_or_default();
    let (left, right) = if width < 60 {
        (" ", "  | ")
    } else if asked.other.is_some() {
        (" left ", "  | right ")
    } else {
        (" left: parent ", "  | right: child ")
    };
    let other = match &asked.other {
        Some(other) => name(other).unwrap_or_default(),
        None => parent_name(app),
    };
    let ellipsis = app.settings.charset.glyphs().ellipsis;
    let room = usize::from(width).saturating_sub(left.len() + right.len()) / 2;
    Line::of(Role::Heading, left)
        .with(Role::Text, clip_middle(&other, room, ellipsis))
        .with(Role::Heading, right)
        .with(Role::Text, clip_middle(&child, room, ellipsis))
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

fn kind_role(kind: DiffKind) -> Role {
    match kind {
        DiffKind::Same => Role::Same,
        DiffKind::Changed => Role::Changed,
        DiffKind::Zeroed => Role::Zeroed,
        DiffKind::Unreadable => Role::Error,
    }
}

fn run_line(diff: &DiffRuns, sizes: Units, place: usize, width: u16) -> Line {
    let Some(data) = &diff.data else {
        return Line::new();
    };
    let Some(run) = diff
        .shown
        .get(place)
        .and_then(|index| data.runs.get(*index))
    else {
        return Line::new();
    };
    line_of(run, place, data, sizes, width)
}

/// Below this width a run has no number, size and offset: where and what must stay.
const NARROW: u16 = 60;

/// Columns that a size and an offset take.
fn size_columns(sizes: Units) -> (usize, usize) {
    match sizes {
        Units::Human => (9, 9),
        Units::Bytes => (14, 15),
    }
}

/// What the columns of the runs are.
fn columns(data: Option<&DiffResult>, sizes: Units, width: u16) -> Line {
    if width < NARROW {
        let names = format!("{:>14} {:>9}  KIND", "SECTOR", "COUNT");
        return Line::of(Role::Heading, names);
    }
    let (size, at) = size_columns(sizes);
    let names = format!(
        " {:>5} {:>14} {:>9} {:>size$}  {:<12} {:<at$}",
        "RUN", "SECTOR", "COUNT", "BYTES", "KIND", "OFFSET"
    );
    let known = data.is_some_and(|data| data.partitions.is_some());
    Line::of(Role::Heading, names).with(Role::Heading, if known { " WHERE" } else { "" })
}

fn line_of(run: &DiffRun, place: usize, data: &DiffResult, sizes: Units, width: u16) -> Line {
    let unit = u64::from(data.sector_size);
    let sign = match run.kind {
        DiffKind::Same => "=",
        DiffKind::Changed => "#",
        DiffKind::Zeroed => "0",
        DiffKind::Unreadable => "!",
    };
    let kind = format!("{sign} {:<10} ", run.kind.word());
    let (sector, count) = (text::count(run.sector.0), text::count(run.count));
    if width < NARROW {
        return Line::of(Role::Text, format!("{sector:>14} {count:>9}  "))
            .with(kind_role(run.kind), kind);
    }
    let number = format!(" {:>5} ", text::count(place as u64 + 1));
    let bytes = sizes.size(run.count.saturating_mul(unit));
    let at = run.sector.0.saturating_mul(unit);
    let at = match sizes {
        Units::Human => offset(at),
        Units::Bytes => at.to_string(),
    };
    let (size, place) = size_columns(sizes);
    let mut line = Line::of(Role::Dim, number)
        .with(
            Role::Text,
            format!("{sector:>14} {count:>9} {bytes:>size$}  "),
        )
        .with(kind_role(run.kind), kind)
        .with(Role::Dim, format!("{at:<place$}"));
    if let Some(known) = &data.partitions {
        line.push(
            Role::Text,
            format!(" {}", known.name(run.sector, run.count)),
        );
    }
    line
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
    let body = Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1),
        ..area
    };
    let lines = hex_lines(diff, app.runs(JobKind::Hex), area.width);
    for (line, y) in lines.iter().skip(diff.scroll).zip(body.y..body.bottom()) {
        line.paint(
            buffer,
            Rect {
                y,
                height: 1,
                ..body
            },
            theme,
        );
    }
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

fn totals(diff: &DiffRuns, sizes: Units, width: u16) -> Line {
    let Some(data) = &diff.data else {
        return Line::new();
    };
    let totals = data.summary.totals;
    if width < NARROW {
        return short_totals(data, sizes);
    }
    let bytes = |sectors: u64| sizes.size(sectors.saturating_mul(data.sector_size.into()));
    let mut line = Line::of(Role::Text, " ")
        .with(
            Role::Changed,
            format!("# changed {}  ", bytes(totals.changed)),
        )
        .with(Role::Zeroed, format!("0 zeroed {}  ", bytes(totals.zeroed)))
        .with(Role::Same, format!("= same {}  ", bytes(totals.same)));
    if totals.unreadable > 0 {
        line.push(
            Role::Error,
            format!("! unreadable {}  ", bytes(totals.unreadable)),
        );
    }
    line.push(
        Role::Text,
        format!("in {}", text::many(data.runs.len() as u64, "run")),
    );
    if !data.summary.complete {
        line.push(Role::Unsure, "  ~ partial");
    }
    line
}

/// The totals in sectors, where there is no room for more.
fn short_totals(data: &DiffResult, sizes: Units) -> Line {
    let totals = data.summary.totals;
    let mut line = Line::of(Role::Text, " ");
    for (sign, role, sectors) in [
        ("!", Role::Error, totals.unreadable),
        ("#", Role::Changed, totals.changed),
        ("0", Role::Zeroed, totals.zeroed),
        ("=", Role::Same, totals.same),
    ] {
        if sectors > 0 {
            let bytes = sizes.size(sectors.saturating_mul(data.sector_size.into()));
            line.push(role, format!("{sign}: {bytes}  "));
        }
    }
    if !data.summary.complete {
        line.push(Role::Unsure, "~ partial");
    }
    line
}

/// Totals and runs as text.
pub fn text_lines(app: &App, diff: &DiffRuns, width: u16) -> Vec<Line> {
    let sizes = app.units;
    let mut lines = vec![
        heading(app, width),
        totals(diff, app.units, width),
        columns(diff.data.as_deref(), sizes, width),
    ];
    if let Some(data) = &diff.data {
        lines.extend(
            data.runs
                .iter()
                .enumerate()
                .map(|(place, run)| line_of(run, place, data, sizes, width)),
        );
    }
    lines.extend(hex_lines(diff, app.runs(JobKind::Hex), width));
    lines
}
