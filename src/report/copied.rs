//! A store that was copied without the dates of its files: nothing in it says when a snapshot was taken.

use jiff::Timestamp;

use crate::analysis::{AssessedSnapshot, Reverted};
use crate::store::{DiskId, Forest};
use crate::text::Clock;

/// Last writes this close together are one copy's.
const COPY_SECONDS: i64 = 60;

/// The first and the last of the last writes of the disks around a snapshot that cannot be judged, where they lie together as a
/// copy without dates leaves them.
pub fn copied(forest: &Forest, of: &AssessedSnapshot) -> Option<(Timestamp, Timestamp)> {
    if of.verdict.reverted != Reverted::CannotTell {
        return None;
    }
    let frozen = *of.frozen.first()?;
    let mut family: Vec<DiskId> = forest.line(frozen).collect();
    let mut todo = vec![frozen];
    while let Some(id) = todo.pop() {
        let children = forest.node(id).map_or(&[][..], |node| &node.children);
        family.extend(children);
        todo.extend(children);
        if family.len() > forest.disks.len() {
            break;
        }
    }
    if family.len() < 2 {
        return None;
    }
    let written = |id: &DiskId| forest.disk(*id)?.file.modified;
    let all: Option<Vec<Timestamp>> = family.iter().map(written).collect();
    let all = all?;
    let (first, last) = (*all.iter().min()?, *all.iter().max()?);
    (last.duration_since(first).as_secs() <= COPY_SECONDS).then_some((first, last))
}

/// What is said of it, and how to copy again.
pub fn sentence(forest: &Forest, of: &AssessedSnapshot, clock: &Clock) -> Option<String> {
    let (first, last) = copied(forest, of)?;
    let seconds = last
        .duration_since(first)
        .as_secs()
        .max(0)
        .saturating_add(1);
    let day = clock.date(first);
    let collect = collector(forest, of);
    Some(format!(
        "All its disks were written within {seconds} s on {day}: a copy without its dates. Copy again with `robocopy /COPY:DAT`, `rsync -t` or `cp -p`, or bring the host's own list: `{collect}`."
    ))
}

/// The command that prints the script which asks the host of a snapshot.
pub fn collector(forest: &Forest, of: &AssessedSnapshot) -> String {
    let frozen = of.frozen.first().and_then(|id| forest.node(*id));
    let product = frozen.map(|node| node.product).unwrap_or_default();
    format!("vhdtree collect {}", product.rules().collect)
}
