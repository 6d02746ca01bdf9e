//! The lines before a name, and which rows are visible under folds.

use std::collections::HashSet;
use std::hash::BuildHasher;

use crate::report::Glyphs;
use crate::report::row::{Row, RowKey};

/// The lines `├ └ │` before the name of `rows[index]`, without the margin. Levels beyond `max_levels` are said as a
/// number, so that a chain of sixty disks still shows its names.
///
/// Groups and tops of chains have no lines; walks up the parents only, so it is cheap for the rows in a window.
pub fn prefix(rows: &[Row], index: usize, glyphs: Glyphs, max_levels: u32) -> String {
    let Some(row) = rows.get(index) else {
        return String::new();
    };
    let levels = row.depth.saturating_sub(1);
    if levels == 0 {
        return String::new();
    }
    let own = if row.last {
        glyphs.corner()
    } else {
        glyphs.tee()
    };
    if levels > max_levels {
        return format!("+{} {own} ", levels - max_levels);
    }
    let width = own.chars().count();
    let mut parts = vec![format!("{own} ")];
    let mut above = row.parent;
    while let Some(parent) = above.and_then(|at| rows.get(at as usize)) {
        if parent.depth <= 1 {
            break;
        }
        let rail = if parent.last { "" } else { glyphs.rail() };
        parts.push(format!("{rail:<width$} "));
        above = parent.parent;
    }
    parts.reverse();
    parts.concat()
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
