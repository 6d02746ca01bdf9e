//! One disk: what is said of it, verdicts with their witnesses, chain, header, blocks, parent, findings.

use std::cmp::Reverse;

use crate::analysis::AssessedSnapshot;
use crate::analysis::since::SinceScan;
use crate::analysis::snapshot_vdi::snapshot_of_vdi;
use crate::finding::Severity;
use crate::image::{Header, Kind, LogState, Specific};
use crate::report::beside::beside;
use crate::report::page::map::held;
use crate::report::page::{Line, Page, PageContext, Role, finding, host, verdict};
use crate::report::row::Row;
use crate::report::{columns, since, words};
use crate::store::{Born, Disk, DiskId, LinkState, Node};
use crate::text::{self, count, escape, many};

/// The page of a disk. `row` is its row in the tree, if it has one.
pub fn lines(context: &PageContext<'_>, id: DiskId, row: Option<&Row>) -> Vec<Line> {
    let mut page = context.page();
    let Some((disk, node)) = context.forest.disk(id).zip(context.forest.node(id)) else {
        return Vec::new();
    };
    if let Some(row) = row {
        summary(&mut page, context, row);
    }
    verdicts(&mut page, context, id);
    chain(&mut page, context, id, row);
    page.heading("FILE");
    file(&mut page, context, disk, node);
    host::write(&mut page, context, id);
    if let Some(of) = &disk.header {
        header(&mut page, context, of);
        blocks(&mut page, context, disk, of);
        parent(&mut page, context, of, node);
    }
    for (at, (path, what)) in beside(context.forest, id).enumerate() {
        if at == 0 {
            page.heading("BESIDE");
        }
        let text = format!("{}  ({what})", text::file_name(path));
        page.text(Role::Text, 2, text);
    }
    findings(&mut page, disk, node);
    page.into_lines()
}

fn summary(page: &mut Page, context: &PageContext<'_>, row: &Row) {
    let line = Line::of(Role::Heading, format!(" {}  ", row.full_name))
        .with(row.flag.role(), columns::status(row, context.style));
    page.line(&line, 2);
    page.text(Role::Text, 2, context.why(row));
    if let (Some(of), Some(since)) = (&row.since, SinceScan::of(context.forest)) {
        let said = since::sentence(of, &since, &context.style.clock);
        page.text(since::role(of), 2, said);
    }
}

/// What its own creation says of the snapshot below it, and the snapshots whose disk it is.
fn verdicts(page: &mut Page, context: &PageContext<'_>, id: DiskId) {
    let Some(of_disk) = context.assessment.disk(id) else {
        return;
    };
    let of = |at: &usize| context.assessment.snapshots.get(*at);
    let mut write = |name: &str, about: &str, of: &AssessedSnapshot| {
        let (snapshot, taken) = verdict::snapshot(context, of);
        let line = Line::of(Role::Heading, format!(" {name}  "))
            .with(Role::Text, format!("{about}{snapshot}  "))
            .with(Role::Dim, taken);
        page.line(&line, 2);
        verdict::write(page, context, &of.verdict);
    };
    if let Some(below) = of_disk.above_of.as_ref().and_then(of) {
        write("VERDICT", "by the age of this disk, on ", below);
    }
    for own in of_disk.snapshots.iter().filter_map(of) {
        write("SNAPSHOT", "whose disk this is: ", own);
    }
    let vdi_of = snapshot_of_vdi(context.forest, context.assessment, id);
    if let Some(own) = vdi_of.as_ref().and_then(of) {
        write("SNAPSHOT", "whose own disk this is: ", own);
    }
    if of_disk.equals_parent == Some(true) {
        let equal = "= Every sector it holds is the same in its parent.";
        page.text(Role::Text, 1, equal);
    }
}

/// From the disk to its base: what each wants and what it finds.
fn chain(page: &mut Page, context: &PageContext<'_>, id: DiskId, row: Option<&Row>) {
    let forest = context.forest;
    let members: Vec<DiskId> = forest.line(id).collect();
    let broken = members
        .last()
        .and_then(|last| forest.node(*last)?.parent.as_ref());
    let readable = forest.disk(id).is_some_and(|disk| disk.header.is_some());
    let state = match broken.map(|link| link.state) {
        None if !readable => "it cannot be read".to_owned(),
        None if members.len() == 1 => "it has no parent".to_owned(),
        None => "newest first; ids match down to the base".to_owned(),
        Some(state) => format!("newest first; ends: parent {}", state.word()),
    };
    let disks = many(members.len(), "disk");
    page.section("CHAIN", format!("{disks}, {state}"));
    let glyphs = context.style.charset.glyphs();
    for (place, at) in members.iter().enumerate() {
        let Some(disk) = forest.disk(*at) else {
            continue;
        };
        let here = *at == id;
        let now = row.filter(|_| here).map_or("", |row| row.now.sign(glyphs));
        let (sign, role) = if !now.is_empty() {
            (now, Role::Now)
        } else if place + 1 == members.len() && broken.is_none() {
            (glyphs.branches[1], Role::Border)
        } else {
            (glyphs.wall, Role::Border)
        };
        let name = text::file_name(&disk.path);
        let mut line = Line::of(role, format!("  {sign:<2} "))
            .with(if here { Role::Now } else { Role::Text }, name)
            .with(Role::Text, format!("  {}", context.length(*at)));
        if let Some(changed) = disk.dirty_bytes() {
            line.push(Role::Text, format!("  changed {}", context.size(changed)));
        } else if disk.header.as_ref().is_some_and(is_base) {
            line.push(Role::Dim, "  base");
        }
        if let Some(wanted) = wanted(context, *at) {
            line.push(Role::Dim, format!("  {wanted}"));
        }
        page.line(&line, 5);
    }
    let last = members.last().copied().unwrap_or(id);
    if let Some(link) = broken {
        let name = words::parent_name(forest, last);
        let line = Line::of(Role::Error, format!("  !  {name}: "));
        page.line(&line.with(Role::Text, link.state.word()), 5);
        for tried in &link.tried {
            let by = tried.by.word();
            let what = escape(&tried.what);
            let text = format!("tried {by} {what}: {}", tried.outcome);
            page.text(Role::Dim, 5, text);
        }
    }
}

fn is_base(header: &Header) -> bool {
    header.kind != Kind::Differencing
}

/// What a child wants of its parent and what it finds; a few characters of each id unless they are wanted in full.
fn wanted(context: &PageContext<'_>, id: DiskId) -> Option<String> {
    let parent = context.forest.disk(id)?.header.as_ref()?.parent.as_ref()?;
    let show = |id: uuid::Uuid| {
        let id = id.to_string();
        if context.is_full() {
            id
        } else {
            format!("{}..", id.get(..4).unwrap_or(&id))
        }
    };
    let wanted = show(parent.id_wanted?);
    let link = context.forest.node(id)?.parent.as_ref()?;
    let found = link
        .disk
        .and_then(|id| context.forest.disk(id)?.header.as_ref())
        .and_then(Header::link_id)
        .map(show);
    // Ids that match are said of the chain as a whole.
    if link.state == LinkState::Ok && !context.is_full() {
        return None;
    }
    let state = link.state.word();
    Some(match found {
        Some(found) => format!("wants {wanted} finds {found} {state}"),
        None => format!("wants {wanted} {state}"),
    })
}

fn file(page: &mut Page, context: &PageContext<'_>, disk: &Disk, node: &Node) {
    let clock = &context.style.clock;
    page.field("path", text::path(&disk.path));
    page.field("file size", context.style.units.exact(disk.file.len));
    let created = disk.header.as_ref().and_then(|header| header.created);
    let created = created.map(|at| format!("{} (footer)", clock.second(at)));
    page.known("created", created);
    let born = |born: Born| {
        let source = words::born_source(born.source);
        format!("{} ({source})", clock.second(born.at))
    };
    page.known("file created", disk.file.born.map(born));
    page.known("last write", disk.file.modified.map(|at| clock.second(at)));
    let product = disk.header.is_some().then(|| node.product.rules().name);
    page.known("product", product);
    page.known("name", node.label.as_deref().map(escape));
    page.known("role", node.role);
}

fn header(page: &mut Page, context: &PageContext<'_>, of: &Header) {
    page.heading("HEADER");
    let format = of.format.word().to_uppercase();
    page.field("format", format!("{format}, {}", of.kind.word()));
    page.field("virtual size", context.style.units.exact(of.virtual_size));
    if of.stored_size != of.virtual_size {
        let size = context.style.units.exact(of.stored_size);
        page.field("stored size", format!("{size}, by which a child reads it"));
    }
    if !of.is_raw() {
        page.field("id", of.id.to_string());
    }
    page.known("data write id", of.data_write_id);
    if !of.creator.is_empty() {
        page.field("creator", escape(&of.creator));
    }
    match &of.specific {
        Specific::Vhd(vhd) => {
            page.field("sectors", format!("{} bytes", of.sector_size));
            let (cylinders, heads, sectors) = vhd.geometry;
            let size = context.style.units.exact(vhd.geometry_size);
            let geometry = format!("{cylinders} x {heads} x {sectors}: {size}");
            page.field("geometry", geometry);
            if vhd.saved_state {
                page.field("saved state", "the footer says that the VM was saved");
            }
            if vhd.hidden {
                page.field("hidden", "by XenServer's tool stack");
            }
            if vhd.footer_is_copy {
                let copy = "the copy at the start; the one at the end is not usable";
                page.field("footer", copy);
            }
        }
        Specific::Raw => page.field("sectors", format!("{} bytes", of.sector_size)),
        Specific::Vhdx(vhdx) => {
            let sectors = format!(
                "{} logical, {} physical bytes",
                of.sector_size, vhdx.physical_sector_size
            );
            page.field("sectors", sectors);
            let log = match vhdx.log {
                LogState::Empty => "empty (clean)".to_owned(),
                LogState::Replayed(entries) => {
                    format!("not empty, replayed in memory (entries: {entries})")
                }
                LogState::Unusable => {
                    "not empty, and cannot be replayed: no block numbers are shown".to_owned()
                }
            };
            page.field("log", log);
            let sequence = format!("{} (header {})", vhdx.sequence_number, vhdx.current_header);
            page.field("sequence", sequence);
        }
    }
}

fn blocks(page: &mut Page, context: &PageContext<'_>, disk: &Disk, of: &Header) {
    let Some(block_size) = of.block_size.filter(|_| of.kind != Kind::Fixed) else {
        return;
    };
    page.heading("BLOCKS");
    let each = context.size(block_size.into());
    page.field("blocks", format!("{} of {each}", count(of.blocks)));
    let Some(counts) = &disk.counts else {
        let is_read = context.forest.complete;
        page.field("counted", if is_read { "not counted" } else { "not yet" });
        return;
    };
    page.field("in this file", held(counts));
    let two = |a, b| format!("{}, {}", count(a), count(b));
    page.field("full, partial", two(counts.full, counts.partial));
    if counts.zero.saturating_add(counts.unmapped) > 0 {
        page.field("zero, unmapped", two(counts.zero, counts.unmapped));
    }
    let absent = if of.kind == Kind::Differencing {
        "from parent"
    } else {
        "never written"
    };
    page.field(absent, count(counts.absent));
    if counts.error > 0 {
        page.field("errors", count(counts.error));
    }
    if let Some(bytes) = disk.dirty_bytes() {
        let sectors = many(counts.dirty_sectors, "sector");
        let bytes = context.style.units.exact(bytes);
        page.field("changed", format!("{sectors}, {bytes}"));
    }
    if !counts.complete {
        page.field("", "~ partial: not everything could be read");
    }
}

fn parent(page: &mut Page, context: &PageContext<'_>, of: &Header, node: &Node) {
    let Some(parent) = &of.parent else { return };
    page.heading("PARENT");
    page.known("id wanted", parent.id_wanted);
    for path in &parent.paths {
        let stored = escape(&path.text);
        page.field("stored path", format!("{stored}  ({})", path.field));
    }
    let Some(link) = &node.parent else { return };
    let found = link.disk.and_then(|id| context.forest.disk(id));
    if let Some(path) = found.map(|disk| &disk.path).or(link.resolved.as_ref()) {
        let by = link.by;
        let by = by.map_or(String::new(), |by| format!(" ({})", by.word()));
        page.field("found", format!("{}{by}", text::path(path)));
    }
    if link.state != LinkState::Ok {
        page.field("state", format!("! {}", link.state.word()));
    }
}

fn findings(page: &mut Page, disk: &Disk, node: &Node) {
    let mut all: Vec<_> = disk.findings.iter().chain(&node.findings).collect();
    all.sort_by_key(|finding| Reverse::<Severity>(finding.code.severity));
    let number = match all.len() {
        0 => "none".to_owned(),
        some => some.to_string(),
    };
    page.section("FINDINGS", number);
    for one in all {
        finding::brief(page, one, None);
    }
}
