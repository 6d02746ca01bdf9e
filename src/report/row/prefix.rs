//! The lines before a name, and which rows are visible under folds.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::hash::BuildHasher;

use crate::report::row::{Row, RowKey};
use crate::text::Glyphs;

/// The lines `├ └ │` before the name of `rows[index]`, without the margin. Levels beyond `max_levels` are said as a
/// number, so that a chain of sixty disks still shows its names.
///
/// Groups and tops of chains have no lines; walks up the parents only, so it is cheap for the rows in a window.
pub fn prefix(rows: &[Row], index: usize, glyphs: &Glyphs, max_levels: u32) -> String {
    let mut text = String::new();
    write_prefix(rows, index, glyphs, max_levels, &mut text);
    text
}

/// As [`prefix`], put behind `text`.
pub fn write_prefix(
    rows: &[Row],
    index: usize,
    glyphs: &Glyphs,
    max_levels: u32,
    text: &mut String,
) {
    let Some(row) = rows.get(index) else { return };
    let levels = row.depth.saturating_sub(1);
    if levels == 0 {
        return;
    }
    let [tee, corner] = glyphs.branches;
    let own = if row.last { corner } else { tee };
    if levels > max_levels {
        // Writing to a String cannot fail.
        let _ = write!(text, "+{} {own} ", levels - max_levels);
        return;
    }
    let width = own.chars().count();
    let mut rails = Vec::new();
    let mut above = row.parent;
    while let Some(parent) = above.and_then(|at| rows.get(at as usize)) {
        if parent.depth <= 1 {
            break;
        }
        rails.push(if parent.last { "" } else { glyphs.wall });
        above = parent.parent;
    }
    for rail in rails.iter().rev() {
        let _ = write!(text, "{rail:<width$} ");
    }
    text.push_str(own);
    text.push(' ');
}

/// The indexes of the rows that show when the rows in `folded` hide what is below them.
pub fn visible<S: BuildHasher>(rows: &[Row], folded: &HashSet<RowKey, S>) -> Vec<u32> {
    let mut shown = Vec::with_capacity(rows.len());
    let mut at = 0;
    while let Some(row) = rows.get(at) {
        shown.push(u32::try_from(at).unwrap_or(u32::MAX));
        let skip = if !folded.is_empty() && folded.contains(&row.key) {
            row.descendants as usize
        } else {
            0
        };
        at = at.saturating_add(1).saturating_add(skip);
    }
    shown
}
