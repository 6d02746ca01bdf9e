//! The lines before a name, and which rows are visible under folds.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::hash::BuildHasher;

use crate::report::row::{Row, RowKey};
use crate::text::Glyphs;

/// The lines `├ └ │` before the name of `rows[index]`, without the margin: where a chain branches, and where a group holds
/// several chains. A chain without branches stands below each other. Levels beyond `max_levels` are said as a number.
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
    // From the row up: whether it has siblings, and is the last of them.
    let mut branches: Vec<bool> = Vec::new();
    let mut own = false;
    let mut at = index;
    let mut is_one_of_several = false;
    while let Some(row) = rows.get(at).filter(|row| row.depth > 1) {
        let Some(parent) = row.parent else { break };
        let is_only = row.last && at == (parent as usize).saturating_add(1);
        if !is_only {
            own |= at == index;
            branches.push(row.last);
        }
        at = parent as usize;
        let top = rows.get(at).filter(|top| top.depth == 1);
        is_one_of_several |= top.is_some_and(|top| {
            !top.last
                || top
                    .parent
                    .is_some_and(|group| at != (group as usize).saturating_add(1))
        });
    }
    let [tee, corner] = glyphs.branches;
    let width = tee.chars().count();
    if let Some(row) = rows
        .get(index)
        .filter(|_| branches.is_empty() && is_one_of_several)
    {
        let sign = if row.descendants > 0 {
            glyphs.wall
        } else {
            corner
        };
        let _ = write!(text, "{sign:<width$} ");
    }
    let levels = u32::try_from(branches.len()).unwrap_or(u32::MAX);
    if let Some(more) = levels.checked_sub(max_levels).filter(|more| *more > 0) {
        // Writing to a String cannot fail.
        let _ = write!(text, "+{more} ");
        branches.truncate(usize::from(own));
    }
    for (at, last) in branches.iter().enumerate().rev() {
        let sign = match (own && at == 0, last) {
            (true, true) => corner,
            (true, false) => tee,
            (false, true) => "",
            (false, false) => glyphs.wall,
        };
        let _ = write!(text, "{sign:<width$} ");
    }
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
