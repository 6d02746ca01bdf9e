//! The tree's keys: folding, sorting, marking, jumping, searching.

use std::cmp::Reverse;

use crate::report::row::{Bases, Direction, Only};
use crate::report::{Column, Flag, Row, RowKey, RowKind, Sort};
use crate::store::Product;
use crate::tui::app::{App, Asking};
use crate::tui::command::Command;
use crate::tui::keymap::Context::{self, Any};
use crate::tui::keymap::{Binding, bindings};
use crate::tui::list::moved;
use crate::tui::screen::{Act, Typing};
use crate::tui::view::View;
use crate::tui::widget::prompt::Prompt;

const TREE: Context = Context::View(View::HOME);

/// What opens the tree, and what is its own.
pub const KEYS: &[Binding] = bindings! {
    "tree" show in &[Any], ["1"], 0 "tree", Look: "the tree";
    "top" First in &[TREE], ["g"], 0 "first", Move: "first row";
    "left" Left in &[TREE], ["h" "Left"], 0 "left", Move: "fold, then to the parent";
    "right" Right in &[TREE], ["l" "Right"], 0 "right", Move: "unfold, then to the child";
    "fold" own in &[TREE], ["-"], 0 "fold", Move: "fold this row; XCP-ng: base copies into the disk they belong to";
    "unfold" own in &[TREE], ["+"], 0 "unfold", Move: "unfold this row; XCP-ng: base copies in rows of their own";
    "unfold-all" own in &[TREE], ["*"], 0 "unfold all", Move: "unfold everything, or fold everything if all is open";
    "open" Open in &[TREE], ["Enter"], 2 "open", Look: "go deeper: details of this disk";
    "inspect" Open in &[TREE], ["i"], 0 "details", Look: "details of this disk";
    "search" Search in &[TREE], ["/"], 8 "find", Find: "search, folded rows included";
    "search-next" SearchNext in &[TREE], ["n"], 0 "next match", Find: "next match";
    "search-previous" SearchPrev in &[TREE], ["N"], 0 "previous match", Find: "previous match";
    "filter" own in &[TREE], ["f"], 9 "filter", Find: "show only what matches, with its ancestors";
    "sort" Sort in &[TREE], ["s"], 10 "sort", Find: "sort: the last line asks by what; the same again reverses";
    "sort-name" own in &[Context::Sort], ["n"], 1 "name", Find: "by name";
    "sort-size" own in &[Context::Sort], ["s"], 2 "size", Find: "by size on disk";
    "sort-dirty" own in &[Context::Sort], ["d"], 3 "changed", Find: "by changed bytes";
    "sort-created" own in &[Context::Sort], ["c"], 4 "created", Find: "by creation";
    "sort-taken" own in &[Context::Sort], ["t"], 5 "taken", Find: "by when the snapshot was taken";
    "sort-verdict" own in &[Context::Sort], ["v" "p"], 6 "problems", Find: "problems first, the worst of them on top";
    "problems" own in &[TREE], ["!"], 0 "problems", Find: "only rows with problems, with those above them, or all";
    "mark" own in &[TREE], ["Space"], 11 "mark", Find: "mark; two marked disks are compared by =";
};

/// What a key does; `page` is how many rows fit.
pub fn run(app: &mut App, command: Command, page: usize) -> Act {
    if let Some(cursor) = moved(app.cursor, app.shown.len(), page, command) {
        app.cursor = cursor;
        return Act::done();
    }
    match command {
        Command::Left | Command::Right => sideways(app, command),
        Command::Next | Command::Previous => seek_problem(app, command == Command::Next),
        Command::Open => return open(app),
        Command::Search => app.ask(Asking::Search, " find: ", Prompt::default()),
        Command::SearchNext | Command::SearchPrev => search(app, command == Command::SearchNext),
        Command::Sort => app.chord = Some(Context::Sort),
        Command::Back => return back(app),
        Command::Own(name) => return own(app, name),
        _ => return Act::Pass,
    }
    Act::done()
}

fn own(app: &mut App, name: &str) -> Act {
    match name {
        "fold" if app.options.bases == Bases::Shown && is_xcp(app) => set_bases(app, Bases::Folded),
        "fold" => fold(app, true),
        "unfold" if app.options.bases == Bases::Folded && is_xcp(app) => {
            set_bases(app, Bases::Shown);
        }
        "unfold" => fold(app, false),
        "unfold-all" => fold_all(app),
        "filter" => {
            let before = Prompt::with(app.options.filter.clone());
            app.ask(Asking::Filter, " filter: ", before);
        }
        "mark" => mark(app),
        "problems" => {
            app.options.only = if app.options.only == Only::All {
                Only::Problems
            } else {
                Only::All
            };
            app.rebuild();
        }
        "sort-name" => sort(app, Sort::Name),
        "sort-size" => sort(app, Sort::Size),
        "sort-dirty" => sort(app, Sort::Dirty),
        "sort-created" => sort(app, Sort::Created),
        "sort-taken" => sort(app, Sort::Taken),
        "sort-verdict" => sort(app, Sort::Problems),
        _ => return Act::Pass,
    }
    Act::done()
}

/// Undoes what hides rows, the last choice first.
fn back(app: &mut App) -> Act {
    if !app.options.filter.is_empty() {
        app.options.filter.clear();
    } else if app.options.only == Only::Problems {
        app.options.only = Only::All;
    } else {
        return Act::Pass;
    }
    app.rebuild();
    Act::done()
}

/// One level deeper.
pub fn open(app: &mut App) -> Act {
    let folded_group = app
        .row()
        .is_some_and(|row| row.kind() == RowKind::Group && app.folded.contains(&row.key));
    if folded_group {
        sideways(app, Command::Right);
        return Act::done();
    }
    Act::Show(View("details"))
}

/// Left and right: fold, then to the parent; unfold, then to the child.
fn sideways(app: &mut App, command: Command) {
    let Some(row) = app.row() else {
        return;
    };
    let folded = app.folded.contains(&row.key);
    let (below, branches) = (row.descendants, branches(app));
    match command {
        Command::Left if branches && !folded => fold(app, true),
        Command::Left => to_parent(app),
        _ if folded => fold(app, false),
        _ if below > 0 => app.cursor = (app.cursor + 1).min(app.shown.len().saturating_sub(1)),
        _ => {}
    }
}

/// A group, or a disk with several children. In a straight chain left goes straight up: folding a chain of one hides
/// what one came to see.
fn branches(app: &App) -> bool {
    let Some((row, at)) = app.row().zip(app.shown.get(app.cursor)) else {
        return false;
    };
    let children = || {
        app.rows
            .iter()
            .skip(*at as usize + 1)
            .take(row.descendants as usize)
    };
    row.descendants > 0
        && (row.kind() == RowKind::Group
            || children().filter(|child| child.parent == Some(*at)).count() > 1)
}

fn to_parent(app: &mut App) {
    if let Some(parent) = app.row().and_then(|row| row.parent) {
        app.cursor = app
            .shown
            .partition_point(|shown| *shown <= parent)
            .saturating_sub(1);
    }
}

fn fold(app: &mut App, folded: bool) {
    let Some(row) = app.row() else { return };
    if row.descendants == 0 {
        return;
    }
    let key = row.key.clone();
    app.kept.folded = true;
    if folded {
        app.folded.insert(key.clone());
    } else {
        app.folded.remove(&key);
    }
    app.refold(Some(&key));
}

/// The selected row is a disk of XCP-ng, whose base copies can be folded into it.
fn is_xcp(app: &App) -> bool {
    let disk = app.row().and_then(|row| row.disk);
    let node = disk.and_then(|disk| app.store.forest.node(disk));
    node.is_some_and(|node| node.product == Product::XcpNg)
}

fn set_bases(app: &mut App, bases: Bases) {
    app.options.bases = bases;
    app.rebuild();
    let key = |command| app.key_of(Command::Own(command));
    app.say(match bases {
        Bases::Shown => format!(
            "base copies have rows of their own; {} folds them again",
            key("fold")
        ),
        Bases::Folded => format!("base copies are folded; {} shows them", key("unfold")),
    });
}

fn fold_all(app: &mut App) {
    app.kept.folded = true;
    let key = app.row().map(|row| row.key.clone());
    if app.folded.is_empty() {
        app.folded = app
            .rows
            .iter()
            .filter(|row| row.depth == 0)
            .map(|row| row.key.clone())
            .collect();
    } else {
        app.folded.clear();
    }
    app.refold(key.as_ref());
}

fn sort(app: &mut App, by: Sort) {
    let again = app.options.sort == by && app.options.direction == Direction::Usual;
    app.options.direction = if again {
        Direction::Reversed
    } else {
        Direction::Usual
    };
    app.options.sort = by;
    app.rebuild();
}

fn mark(app: &mut App) {
    let Some(RowKey::Disk(path)) = app.row().map(|row| row.key.clone()) else {
        app.notice = Some("only a disk can be marked".to_owned());
        return;
    };
    if let Some(at) = app.marks.iter().position(|marked| *marked == path) {
        app.marks.remove(at);
    } else {
        app.marks.push(path);
    }
    app.notice = match app.marks.len() {
        0 => None,
        2 => Some("2 marked: = compares them".to_owned()),
        n => Some(format!("{n} marked")),
    };
    app.cursor = (app.cursor + 1).min(app.shown.len().saturating_sub(1));
}

/// The nearest row in a direction that is wanted, around the end; the row itself comes last.
fn around(app: &App, forward: bool, wanted: impl Fn(&Row) -> bool) -> Option<usize> {
    let at = app.shown.get(app.cursor).map_or(0, |at| *at as usize);
    let len = app.rows.len();
    let wanted = |index: &usize| app.rows.get(*index).is_some_and(&wanted);
    if forward {
        (at + 1..len).chain(0..len.min(at + 1)).find(wanted)
    } else {
        (0..at).rev().chain((at..len).rev()).find(wanted)
    }
}

/// The next problem, the worst first; after them what cannot be told, by its gap. Unfolds what hides it.
fn seek_problem(app: &mut App, forward: bool) {
    let mut stops: Vec<u32> = Vec::new();
    for row in app.problems.iter().filter_map(|problem| problem.row) {
        if !stops.contains(&row) {
            stops.push(row);
        }
    }
    let problems = stops.len();
    let rows = (0_u32..).zip(&app.rows);
    let unsure = rows.filter(|(_, row)| {
        row.kind() != RowKind::Group && row.flag == Flag::Unsure && row.gap_seconds.is_some()
    });
    let mut unsure: Vec<_> = unsure
        .map(|(at, row)| (Reverse(row.gap_seconds), at))
        .collect();
    unsure.sort_unstable();
    let unsure = unsure.into_iter().map(|(_, at)| at);
    stops.extend(unsure);
    let here = app.shown.get(app.cursor).copied();
    let here = stops.iter().position(|stop| Some(*stop) == here);
    let len = stops.len();
    let next = match (here, forward) {
        (None, true) => 0,
        (None, false) => len.saturating_sub(1),
        (Some(at), true) => (at + 1) % len,
        (Some(at), false) => (at + len - 1) % len,
    };
    let Some(row) = stops.get(next).copied() else {
        app.say("no problem in sight");
        return;
    };
    app.reveal_row(row as usize);
    let said = if next < problems {
        let first = app
            .problems
            .iter()
            .position(|problem| problem.row == Some(row));
        let (number, all) = (first.unwrap_or(0) + 1, app.problems.len());
        format!("problem {number} of {all}")
    } else {
        format!("cannot tell: {} of {}", next - problems + 1, len - problems)
    };
    app.say(said);
}

/// A click on a heading sorts by its column.
pub fn sort_by(app: &mut App, column: Column) -> Act {
    let by = match column {
        Column::Name => Sort::Name,
        Column::OnDisk => Sort::Size,
        Column::Dirty => Sort::Dirty,
        Column::Created => Sort::Created,
        Column::Taken => Sort::Taken,
        Column::Verdict => Sort::Problems,
        _ => return Act::Pass,
    };
    sort(app, by);
    Act::done()
}

/// The next match of the search, in folded rows too.
fn search(app: &mut App, forward: bool) {
    let wanted = app.search.to_lowercase();
    if wanted.is_empty() {
        app.say("nothing to search for");
        return;
    }
    let forest = app.store.forest.clone();
    let matches = |row: &Row| {
        let id = row
            .disk
            .and_then(|id| forest.disk(id)?.header.as_ref())
            .map(|header| header.id.to_string());
        row.full_name.to_lowercase().contains(&wanted)
            || row.name.to_lowercase().contains(&wanted)
            || row.flag.word().to_lowercase() == wanted
            || row
                .snapshots
                .iter()
                .chain(&row.users)
                .any(|name| name.to_lowercase().contains(&wanted))
            || id.is_some_and(|id| id.starts_with(&wanted))
    };
    let mut found = around(app, forward, matches);
    if found.is_none() && app.options.bases == Bases::Folded {
        app.options.bases = Bases::Shown;
        app.rebuild();
        found = around(app, forward, matches);
        if found.is_none() {
            app.options.bases = Bases::Folded;
            app.rebuild();
        }
    }
    match found {
        None => app.notice = Some(format!("no match for {}", app.search)),
        Some(index) => app.reveal_row(index),
    }
}

/// A filter works while it is typed.
pub fn typed(app: &mut App, asking: Asking, text: &str, how: Typing) -> Act {
    match (asking, how) {
        (Asking::Search, Typing::Done) => {
            if !text.is_empty() {
                text.clone_into(&mut app.search);
            }
            search(app, true);
        }
        (Asking::Filter, Typing::Changed) => {
            text.clone_into(&mut app.options.filter);
            app.rebuild();
            to_match(app);
        }
        (Asking::Filter, Typing::Gone) if !app.options.filter.is_empty() => {
            app.options.filter.clear();
            app.rebuild();
        }
        _ => {}
    }
    Act::done()
}

/// From a row that is there only because of what hangs below it, to the first the filter is about.
fn to_match(app: &mut App) {
    let wanted = app.options.filter.to_lowercase();
    if wanted.is_empty() || app.row().is_some_and(|row| row.holds(&wanted)) {
        return;
    }
    if let Some(index) = app.rows.iter().position(|row| row.holds(&wanted)) {
        app.reveal_row(index);
    }
}
