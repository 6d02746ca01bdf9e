//! What hosts and pools say of a disk, of which input, and what of it is used.

use crate::image::Kind;
use crate::report::page::{Page, PageContext};
use crate::store::host::{HostDisk, HostFile, Origin, VdiRole};
use crate::store::{BornSource, Disk, DiskId, HostRow, MachineState, PoolDisk, codes};
use crate::text::{self, escape};

/// Writes the section, if anything is said.
pub(super) fn write(page: &mut Page, context: &PageContext<'_>, id: DiskId) {
    let Some((disk, node)) = context.forest.disk(id).zip(context.forest.node(id)) else {
        return;
    };
    let users = node.in_use_by.iter();
    let users = users.filter_map(|user| context.forest.machine(*user));
    let machines: Vec<_> = users
        .filter_map(|machine| Some((&*machine.name, machine.state.as_deref()?)))
        .collect();
    if node.host.is_none() && node.pool.is_none() && machines.is_empty() {
        return;
    }
    page.heading("HOST");
    if let Some(row) = &node.host {
        listed(page, context, disk, row);
    }
    if let Some(record) = &node.pool {
        recorded(page, context, record);
    }
    for (name, state) in machines {
        machine(page, context, name, state);
    }
}

/// `host.json of HV01, 2026-11-27 10:00:00Z`.
fn input(context: &PageContext<'_>, origin: &Origin) -> String {
    let mut said = text::path(&origin.path);
    if let Some(host) = &origin.host {
        said += " of ";
        said += &escape(host);
    }
    if let Some(at) = origin.at {
        said += ", ";
        said += &context.style.clock.second(at);
    }
    said
}

fn listed(page: &mut Page, context: &PageContext<'_>, disk: &Disk, row: &HostRow) {
    page.field("listed in", input(context, &row.origin));
    page.field("as", escape(&row.file.path));
    let mut findings = disk.findings.iter();
    let is_other = findings.any(|of| *of.code == codes::FACTS_OTHER_COPY);
    page.field("used", used(&row.file, disk, is_other));
    if let Some(of) = &row.file.disk {
        disk_listed(page, context, of);
    }
    let exact = |bytes| context.style.units.exact(bytes);
    page.known("free there", row.free.map(exact));
}

/// What of a row stands for the disk itself.
fn used(row: &HostFile, disk: &Disk, is_other_copy: bool) -> String {
    if is_other_copy {
        return "nothing: it is of another copy".to_owned();
    }
    let mut used = Vec::new();
    let born = disk
        .file
        .born
        .is_some_and(|born| born.source == BornSource::Host);
    if born && row.born.is_some() {
        used.push("birth");
    }
    if row.modified.is_some() {
        used.push("last write");
    }
    if disk.is_locked() && row.disk.as_ref().is_some_and(|of| of.parent.is_some()) {
        used.push("parent");
    }
    match used.as_slice() {
        [] => "to compare with the disk".to_owned(),
        used => used.join(", "),
    }
}

fn disk_listed(page: &mut Page, context: &PageContext<'_>, of: &HostDisk) {
    page.known("type", of.kind.map(Kind::word));
    page.known("parent", of.parent.as_deref().map(escape));
    let exact = |bytes| context.style.units.exact(bytes);
    page.known("size", of.size.map(exact));
    page.known("id", of.id);
    let attached = of.attached;
    page.known("attached", attached.map(|is| if is { "yes" } else { "no" }));
}

fn recorded(page: &mut Page, context: &PageContext<'_>, record: &PoolDisk) {
    page.field("recorded in", input(context, &record.origin));
    let vdi = &record.vdi;
    page.field("name", escape(&vdi.name));
    let of = match vdi.role {
        VdiRole::Own => None,
        VdiRole::SnapshotOf(of) => Some(of.to_string()),
        VdiRole::SnapshotOfNothing => Some("no disk that the pool knows".to_owned()),
    };
    let time = if of.is_some() { "taken" } else { "cloned" };
    page.known("snapshot of", of);
    page.known(time, vdi.time.map(|at| context.style.clock.second(at)));
    let made_in = |generation| format!("in generation {generation} of the database");
    page.known("record made", vdi.made_in.map(made_in));
}

fn machine(page: &mut Page, context: &PageContext<'_>, name: &str, state: &MachineState) {
    let mut said = escape(name);
    match state.running {
        Some(true) => said += ", running",
        Some(false) => said += ", not running",
        None => {}
    }
    if let Some(id) = &state.last_applied {
        let mut snapshots = context.forest.snapshots.iter();
        let known = snapshots.find(|known| known.id.as_ref() == Some(id));
        let known = known.and_then(|known| known.name.as_deref()).unwrap_or(id);
        said += ", applied or took \"";
        said += &escape(known);
        said += "\" last";
    }
    page.field("machine", said);
    page.field("asked", input(context, &state.origin));
}
