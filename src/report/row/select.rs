//! Order, filter and depth over built rows; and the facts that depend on what is left (last child, rows below).

use std::cmp::{Ordering, Reverse};

use super::{Direction, Flag, Only, Row, RowKind, RowOptions, Sort, natural};
use crate::report::since;

/// Of two rows, each with the worst rank of its subtree.
fn compare(options: &RowOptions, (x, worst): (&Row, Rank), (y, other): (&Row, Rank)) -> Ordering {
    let by = match options.sort {
        Sort::Problems => worst.cmp(&other),
        Sort::Name => Ordering::Equal,
        Sort::Size => y.cells.on_disk.cmp(&x.cells.on_disk),
        Sort::Dirty => y.cells.dirty_bytes.cmp(&x.cells.dirty_bytes),
        Sort::Created => y.cells.created.cmp(&x.cells.created),
        Sort::Taken => y.cells.taken.cmp(&x.cells.taken),
    };
    let by_name = || natural::compare(&x.name, &y.name);
    match options.direction {
        Direction::Usual => by.then_with(by_name),
        Direction::Reversed => by.then_with(by_name).reverse(),
    }
}

type Rank = (Flag, Reverse<i64>);

/// The worst rank of each row and what stands below it.
fn worst_ranks(rows: &[Row]) -> Vec<Rank> {
    let mut ranks: Vec<Rank> = rows.iter().map(rank).collect();
    for (at, row) in rows.iter().enumerate().rev() {
        let own = ranks.get(at).copied();
        let above = row.parent.and_then(|parent| ranks.get_mut(parent as usize));
        if let Some((own, above)) = own.zip(above) {
            *above = own.min(*above);
        }
    }
    ranks
}

/// Problems by what they are, then those and what cannot be told by its gap; of whatever else one is like the other.
fn rank(row: &Row) -> Rank {
    match row.flag {
        flag if flag.is_problem() || flag == Flag::Unsure => {
            (flag, Reverse(row.gap_seconds.unwrap_or(0)))
        }
        _ => (Flag::Ok, Reverse(0)),
    }
}

/// Puts rows (parents before children) in order and leaves out what is not wanted.
pub(super) fn select(mut rows: Vec<Row>, options: &RowOptions) -> Vec<Row> {
    let kept = kept(&rows, options);
    let mut below: Vec<Vec<u32>> = vec![Vec::new(); rows.len()];
    let mut tops = Vec::new();
    for (at, row) in rows
        .iter()
        .enumerate()
        .filter(|(at, _)| kept.get(*at) == Some(&true))
    {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        let above = above(&rows, row, &kept);
        match above.and_then(|parent| below.get_mut(parent)) {
            Some(siblings) => siblings.push(at),
            None => tops.push(at),
        }
    }
    let ranks = worst_ranks(&rows);
    for siblings in below
        .iter_mut()
        .chain([&mut tops])
        .filter(|list| list.len() > 1)
    {
        in_order(siblings, &rows, &ranks, options);
    }
    let mut wanted: Vec<u32> = Vec::with_capacity(rows.len());
    let mut todo: Vec<ToPlace> = Vec::new();
    push(&mut todo, &tops, None);
    while let Some(ToPlace { at, above, last }) = todo.pop() {
        let Some(row) = rows.get_mut(at as usize) else {
            continue;
        };
        row.parent = above.map(|(place, _)| place);
        row.depth = above.map_or(0, |(_, depth)| depth.saturating_add(1));
        row.last = last;
        let depth = row.depth;
        let place = u32::try_from(wanted.len()).unwrap_or(u32::MAX);
        wanted.push(at);
        if let Some(children) = below.get(at as usize) {
            push(&mut todo, children, Some((place, depth)));
        }
    }
    put_in_order(&mut rows, &wanted);
    count_below(&mut rows);
    rows
}

/// Leaves the rows at the places `wanted`, in that order. Rows are large, so they are moved where they are, and mostly
/// they are in order already.
fn put_in_order(rows: &mut Vec<Row>, wanted: &[u32]) {
    // Where each row is now, and which row is in each place.
    let mut place: Vec<usize> = (0..rows.len()).collect();
    let mut holds = place.clone();
    for (to, row) in wanted.iter().enumerate() {
        let row = *row as usize;
        let (Some(from), Some(other)) = (place.get(row).copied(), holds.get(to).copied()) else {
            continue;
        };
        if from != to {
            rows.swap(from, to);
            place.swap(row, other);
            holds.swap(from, to);
        }
    }
    rows.truncate(wanted.len());
}

/// A row whose place is the next.
struct ToPlace {
    at: u32,
    /// Place and depth of the row it stands under.
    above: Option<(u32, u32)>,
    last: bool,
}

fn push(todo: &mut Vec<ToPlace>, siblings: &[u32], above: Option<(u32, u32)>) {
    let last = siblings.last();
    let siblings = siblings.iter().rev();
    todo.extend(siblings.map(|at| ToPlace {
        at: *at,
        above,
        last: Some(at) == last,
    }));
}

/// The row that another stands under: with base copies folded, snapshots of a machine stand above its disk, but it does not
/// need them; those that are left out are passed over.
fn above(rows: &[Row], row: &Row, kept: &[bool]) -> Option<usize> {
    let mut at = row.parent? as usize;
    while let Some(above) = rows.get(at)
        && above.vdi_of.is_some()
        && kept.get(at) != Some(&true)
    {
        at = above.parent? as usize;
    }
    Some(at)
}

fn in_order(siblings: &mut [u32], rows: &[Row], ranks: &[Rank], options: &RowOptions) {
    let row = |at: &u32| {
        let at = *at as usize;
        rows.get(at).zip(ranks.get(at).copied())
    };
    siblings.sort_by(|a, b| match (row(a), row(b)) {
        (Some(a), Some(b)) => compare(options, a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    });
}

/// Which rows stay: those that match, and those above them.
fn kept(rows: &[Row], options: &RowOptions) -> Vec<bool> {
    let wanted = options.filter.to_lowercase();
    let mut kept: Vec<bool> = rows
        .iter()
        .map(|row| matches(row, options, &wanted))
        .collect();
    // A machine whose own name matches keeps its whole tree.
    if !wanted.is_empty() {
        let mut in_match = false;
        for (row, keep) in rows.iter().zip(&mut kept) {
            if row.kind() == RowKind::Group {
                in_match = row.holds(&wanted);
            }
            *keep |= in_match && state_wanted(row, options);
        }
    }
    for at in (0..rows.len()).rev() {
        if kept.get(at) == Some(&true)
            && let Some(parent) = rows.get(at).and_then(|row| above(rows, row, &kept))
            && let Some(above) = kept.get_mut(parent)
        {
            *above = true;
        }
    }
    if let Some(deepest) = options.max_depth {
        for (keep, row) in kept.iter_mut().zip(rows) {
            *keep &= row.depth <= deepest;
        }
    }
    kept
}

fn state_wanted(row: &Row, options: &RowOptions) -> bool {
    options.only == Only::All || (row.flag.is_problem() && row.kind() != RowKind::Group)
}

fn matches(row: &Row, options: &RowOptions, wanted: &str) -> bool {
    state_wanted(row, options) && (wanted.is_empty() || row.holds(wanted))
}

impl Row {
    /// What it stands for.
    pub fn kind(&self) -> RowKind {
        (&self.key).into()
    }

    /// Whether a name, note or state of the row itself holds a text, given in lower case. A group's state is that of a row
    /// below it, and no match.
    pub fn holds(&self, wanted: &str) -> bool {
        let has = |text: &str| text.to_lowercase().contains(wanted);
        if self.kind() == RowKind::Group {
            return has(&self.full_name);
        }
        has(&self.full_name)
            || has(&self.note)
            || self.since.as_ref().is_some_and(|of| has(since::sign(of)))
            || self.snapshots.iter().any(|name| has(name))
            || self.users.iter().any(|name| has(name))
            || has(self.flag.word())
    }
}

fn count_below(rows: &mut [Row]) {
    for at in (0..rows.len()).rev() {
        let Some((parent, own)) = rows
            .get(at)
            .and_then(|row| Some((row.parent?, row.descendants.saturating_add(1))))
        else {
            continue;
        };
        if let Some(above) = rows.get_mut(parent as usize) {
            above.descendants = above.descendants.saturating_add(own);
        }
    }
}
