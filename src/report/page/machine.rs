//! One machine: its snapshots as its manager shows them, all disks of one together, with Now below the snapshot it really stands
//! on; and the time line, with what is in no file any more.

mod story;
mod time_line;

use crate::report::page::{Line, Page, PageContext, Role};
use crate::report::row::Row;
use crate::report::{columns, since};
use crate::text::{Glyphs, escape};

use self::story::{Leaf, MachineStory, Point};

/// The page of a machine, or of a folder whose machine is not known: its row, and the rows below it.
pub fn lines(context: &PageContext<'_>, rows: &[Row]) -> Vec<Line> {
    let mut page = context.page();
    let Some((group, below)) = rows.split_first() else {
        return Vec::new();
    };
    let heading = Line::of(Role::Heading, format!(" {}  ", group.full_name))
        .with(group.flag.role(), columns::status(group, context.style));
    page.line(&heading, 2);
    page.text(Role::Text, 2, context.sentence(&context.why(group)));
    let story = MachineStory::of(context, below);
    page.blank();
    snapshots(&mut page, context, &story);
    page.blank();
    time_line::write(&mut page, context, &story);
    page.into_lines()
}

/// The snapshot tree: indented only where it branches.
fn snapshots(page: &mut Page, context: &PageContext<'_>, story: &MachineStory<'_>) {
    if story.snapshots.is_empty() {
        page.heading("SNAPSHOTS  none");
    } else {
        page.heading("SNAPSHOTS");
    }
    let glyphs = context.style.charset.glyphs();
    let mut todo: Vec<(Point<'_>, String, String)> = Vec::new();
    for root in story.points_on(None).into_iter().rev() {
        todo.push((root, String::new(), String::new()));
    }
    while let Some((point, before, indent)) = todo.pop() {
        let mut line = Line::of(Role::Border, format!("  {before}"));
        match &point {
            Point::Snapshot(at) => snapshot(&mut line, context, story, *at),
            Point::Leaf(leaf) => self::leaf(&mut line, context, leaf),
        }
        page.line(&line, 6);
        if let Point::Snapshot(at) = point {
            todo.extend(drawn(story.points_on(Some(at)), &indent, glyphs));
        }
    }
}

/// Points that stand on one, the last first, each with the lines before it and before what stands on it.
fn drawn<'a>(
    points: Vec<Point<'a>>,
    indent: &str,
    glyphs: &Glyphs,
) -> impl Iterator<Item = (Point<'a>, String, String)> {
    let (only, last) = (points.len() == 1, points.len().saturating_sub(1));
    let [tee, corner] = glyphs.branches;
    let places = points.into_iter().enumerate().rev();
    places.map(move |(at, point)| {
        let (sign, on) = match (only, at == last) {
            (true, _) => (String::new(), String::new()),
            (false, true) => (format!("{corner} "), "  ".to_owned()),
            (false, false) => (format!("{tee} "), format!("{} ", glyphs.wall)),
        };
        (point, format!("{indent}{sign}"), format!("{indent}{on}"))
    })
}

fn snapshot(line: &mut Line, context: &PageContext<'_>, story: &MachineStory<'_>, at: usize) {
    let Some(of) = story.snapshot(at) else {
        return;
    };
    line.push(Role::Heading, story.name(at));
    let taken = time_line::when(context, of.verdict.snapshot, of.taken);
    line.push(Role::Text, format!("  taken {taken}  "));
    let row = story.row(at);
    if let Some(row) = row {
        line.push(row.flag.role(), columns::status(row, context.style));
    }
    if of.snapshot.is_some() {
        line.push(Role::Dim, format!("  {}", story.disks(at)));
    }
}

fn leaf(line: &mut Line, context: &PageContext<'_>, leaf: &Leaf<'_>) {
    let glyphs = context.style.charset.glyphs();
    let now = leaf.now();
    if now.word().is_empty() {
        line.push(Role::Dim, "in use by no machine");
    } else {
        let text = format!("{} {}", now.sign(glyphs), now.word());
        line.push(Role::Now, text.trim());
    }
    for row in &leaf.rows {
        line.push(Role::Text, format!("  {}", row.name));
        if !row.note.is_empty() {
            line.push(Role::Dim, format!(" ({})", escape(&row.note)));
        }
        if let Some(of) = &row.since {
            line.push(since::role(of), format!("  {}", since::sign(of)));
        }
        if let Some(changed) = row.cells.dirty_bytes {
            line.push(Role::Dim, format!("  {} changed", context.size(changed)));
        }
        let status = columns::status(row, context.style);
        if !status.is_empty() {
            line.push(row.flag.role(), format!("  {status}"));
        }
    }
}
