//! A storage repository in a container: its name, room, and the time line of its volumes.

use crate::guest::lvm::{VolumeChange, VolumeChangeKind};
use crate::report::page::{Line, Page, PageContext, Role};
use crate::store::containers::Repository;
use crate::text::{self, escape, many};

pub fn lines(context: &PageContext<'_>, repository: &Repository) -> Vec<Line> {
    let mut page = context.page();
    let group = text::file_name(&repository.folder);
    page.heading(format!("STORAGE REPOSITORY {group}"));
    let management = repository.management.as_ref();
    let name = management
        .map(|of| of.name.as_str())
        .filter(|name| !name.is_empty());
    page.field("name", name.map_or_else(|| "not known".to_owned(), escape));
    let here = context.forest.disks.iter();
    let here = here.filter(|disk| disk.path.parent() == Some(&*repository.folder));
    page.field("disks", many(here.count() as u64, "disk"));
    page.field("free", context.size(repository.free_bytes));
    history(&mut page, context, repository);
    page.into_lines()
}

/// What became of the volumes, a line each, oldest first.
fn history(page: &mut Page, context: &PageContext<'_>, repository: &Repository) {
    if repository.history.is_empty() {
        return;
    }
    page.blank();
    page.heading("TIME LINE  by LVM's own metadata, as far back as they are kept");
    for change in &repository.history {
        let at = change.at.map_or_else(
            || "at an unknown time".to_owned(),
            |at| context.style.clock.second(at),
        );
        let text = format!("  {at}  {}", self::change(repository, change));
        page.line(&Line::of(Role::Text, text), 24);
    }
}

/// What became of a volume; escaped.
pub(super) fn change(repository: &Repository, change: &VolumeChange) -> String {
    let told = |name: &str| match repository.label(name) {
        Some(label) => format!("{} (\"{}\")", escape(name), escape(label)),
        None => escape(name),
    };
    match &change.kind {
        VolumeChangeKind::Made { name } => format!("{} was made", told(name)),
        VolumeChangeKind::Renamed { from, to } => {
            format!("{} was renamed to {}", told(from), told(to))
        }
        VolumeChangeKind::Removed { name } => format!("{} was removed", told(name)),
    }
}
