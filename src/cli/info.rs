//! `info`: one disk. Header, counts, chain with the ids wanted and found, snapshots with verdict and evidence, findings.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::args::StoreArgs;
use super::check::finding_lines;
use super::exit::Exit;
use super::output::{Form, Output};
use super::session::{Session, Store};
use crate::analysis::{AssessedSnapshot, Bearing};
use crate::image::{Kind, LogState, Specific};
use crate::report::findings::Found;
use crate::report::json::ls as json;
use crate::report::row::why;
use crate::report::{RowOptions, rows, words};
use crate::store::{CountPolicy, DiskId, Forest, LinkState};
use crate::text::{self, Clock, Overlong, count, escape, wrap_plain};

#[derive(Serialize)]
struct Body {
    disk: Option<json::DiskJson>,
    /// From the disk to its base.
    chain: Vec<json::DiskJson>,
    /// The verdict about the snapshot below it, which its own age decides.
    below: Option<json::SnapshotJson>,
}

pub(super) fn run(
    session: &Session,
    file: &Path,
    store_args: &StoreArgs,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    let store = if session.scan.from.is_some() {
        session.read(&[], CountPolicy::Count, out)?
    } else {
        session.read_around(&[file], store_args, CountPolicy::Count, out)?
    };
    let id = store.disk_of(file)?;
    let forest = &store.forest;
    match out.form {
        Form::Json | Form::Ndjson => {
            let disk = |id| json::disk(forest, &store.assessment, id);
            out.json(&json::head(
                "info",
                forest,
                Body {
                    disk: disk(id),
                    chain: forest.line(id).filter_map(disk).collect(),
                    below: below(&store, id).map(|of| json::snapshot(forest, of)),
                },
            ))?;
        }
        Form::Csv | Form::Text => text(&store, id, out)?,
    }
    Ok(Exit::Done)
}

/// The snapshot below a disk: the one its own creation speaks about.
fn below(store: &Store, id: DiskId) -> Option<&AssessedSnapshot> {
    store
        .assessment
        .snapshots
        .get(store.assessment.disk(id)?.above_of?)
}

fn text(store: &Store, id: DiskId, out: &mut Output) -> anyhow::Result<()> {
    let forest = &store.forest;
    let rows = rows(forest, &store.assessment, &RowOptions::default());
    let mut lines = Vec::new();
    if let Some(row) = rows.iter().find(|row| row.disk == Some(id)) {
        let glyphs = out.style.charset.glyphs();
        lines.push(format!(
            "{}  {}",
            row.full_name,
            crate::report::columns::verdict(row, glyphs)
        ));
        let said = why(forest, &store.assessment, row, &out.style.clock);
        lines.extend(
            wrap_plain(&said, out.text_width().saturating_sub(2), Overlong::Keep)
                .into_iter()
                .map(|line| format!("  {line}")),
        );
    }
    header(forest, id, out, &mut lines);
    beside(forest, id, &mut lines);
    chain(forest, id, out, &mut lines);
    let assessed = store.assessment.disk(id);
    let form = VerdictForm {
        clock: &out.style.clock,
        width: out.text_width(),
        names: &str::to_owned,
    };
    if let Some(of) = below(store, id) {
        lines.push(String::new());
        lines.push("VERDICT on the snapshot below, by the age of this disk".to_owned());
        verdict(forest, of, &form, &mut lines);
    }
    let own = assessed.into_iter().flat_map(|of| &of.snapshots);
    for of in own.filter_map(|at| store.assessment.snapshots.get(*at)) {
        lines.push(String::new());
        lines.push("SNAPSHOT this disk was frozen for".to_owned());
        verdict(forest, of, &form, &mut lines);
    }
    findings(forest, id, &mut lines);
    out.lines(lines)?;
    Ok(())
}

fn header(forest: &Forest, id: DiskId, out: &Output, lines: &mut Vec<String>) {
    let Some(disk) = forest.disk(id) else { return };
    let (units, clock) = (out.style.units, &out.style.clock);
    let mut add = |name: &str, value: String| lines.push(format!("  {name:<14} {value}"));
    add("path", text::path(&disk.path));
    let exact = |bytes: u64| match units {
        text::Units::Human => format!("{} ({})", units.size(bytes), count(bytes)),
        text::Units::Bytes => bytes.to_string(),
    };
    add("file size", exact(disk.file.len));
    if let Some(at) = disk.file.modified {
        add("last write", clock.second(at));
    }
    if let Some((at, source)) = disk.created() {
        let source = source.map_or("footer", words::born_source);
        add("created", format!("{}  by {source}", clock.second(at)));
    }
    let Some(of) = &disk.header else { return };
    add(
        "format",
        format!("{}, {}", words::format(of.format), words::kind(of.kind)),
    );
    add("virtual size", exact(of.virtual_size));
    add("sector size", of.sector_size.to_string());
    if let Some(size) = of.block_size.filter(|_| of.kind != Kind::Fixed) {
        add(
            "blocks",
            format!("{} x {}", count(of.blocks), units.size(u64::from(size))),
        );
    }
    add("id", of.id.to_string());
    if let Some(write) = of.data_write_id {
        add("data write id", write.to_string());
    }
    add("creator", escape(&of.creator));
    match &of.specific {
        Specific::Vhd(vhd) => {
            let (cylinders, heads, sectors) = vhd.geometry;
            add("geometry", format!("{cylinders} x {heads} x {sectors}"));
            if vhd.saved_state {
                add("saved state", "yes".to_owned());
            }
            if vhd.footer_is_copy {
                add(
                    "footer",
                    "the copy at the start; the one at the end is not usable".to_owned(),
                );
            }
        }
        Specific::Vhdx(vhdx) => {
            add(
                "physical",
                format!("{} bytes a sector", vhdx.physical_sector_size),
            );
            add(
                "log",
                match vhdx.log {
                    LogState::Empty => "empty".to_owned(),
                    LogState::Replayed(entries) => {
                        format!("not empty, replayed in memory (entries: {entries})")
                    }
                    LogState::Unusable => {
                        "cannot be replayed: no block numbers are shown".to_owned()
                    }
                },
            );
        }
    }
    if let Some(counts) = &disk.counts {
        add(
            "allocation",
            format!(
                "full {}, partial {}, zero {}, unmapped {}, absent {}, errors {}",
                count(counts.full),
                count(counts.partial),
                count(counts.zero),
                count(counts.unmapped),
                count(counts.absent),
                count(counts.error)
            ),
        );
    }
    if let (Some(bytes), Some(counts)) = (disk.dirty_bytes(), &disk.counts) {
        add(
            "dirty",
            format!("{} sectors, {}", count(counts.dirty_sectors), exact(bytes)),
        );
    }
    if let Some(node) = forest.node(id) {
        add("product", words::product_name(node.product).to_owned());
        if let Some(role) = node.role {
            add("role", role.to_owned());
        }
    }
    for path in of.parent.iter().flat_map(|parent| &parent.paths) {
        add(
            "parent path",
            format!("{}  ({})", escape(&path.text), path.field),
        );
    }
}

/// Files that belong to the disk without being one, and what each is.
fn beside(forest: &Forest, id: DiskId, lines: &mut Vec<String>) {
    for (path, what) in crate::report::beside::beside(forest, id) {
        let name = text::file_name(path);
        lines.push(format!("  {:<14} {name}  ({what})", "beside"));
    }
}

/// From the disk to its base: what each wants and what it finds.
fn chain(forest: &Forest, id: DiskId, out: &Output, lines: &mut Vec<String>) {
    let members: Vec<DiskId> = forest.line(id).collect();
    lines.push(String::new());
    lines.push(format!("CHAIN  newest first, {} disks", members.len()));
    for at in members {
        let Some((disk, node)) = forest.disk(at).zip(forest.node(at)) else {
            continue;
        };
        let mut line = format!(
            "  {:<44} {:>10}",
            text::file_name(&disk.path),
            out.style.units.size(disk.file.len)
        );
        let wanted = disk
            .header
            .as_ref()
            .and_then(|header| header.parent.as_ref()?.id_wanted);
        match &node.parent {
            None => line.push_str("  base"),
            Some(wanting) => {
                if let Some(wanted) = wanted {
                    let _ = write!(line, "  wants {wanted}");
                }
                if let Some(found) = wanting.disk.and_then(|of| found_id(forest, of))
                    && Some(found) != wanted
                {
                    let _ = write!(line, "  finds {found}");
                }
                line.push_str("  ");
                line.push_str(words::link_state(wanting.state));
            }
        }
        lines.push(line);
        if let Some(wanting) = node
            .parent
            .as_ref()
            .filter(|wanting| wanting.state != LinkState::Ok)
        {
            lines.extend(
                wanting
                    .tried
                    .iter()
                    .map(|tried| format!("    tried {}: {}", escape(&tried.what), tried.outcome)),
            );
        }
    }
}

/// The id a child compares with: VHDX the data write id, VHD the unique id.
fn found_id(forest: &Forest, id: DiskId) -> Option<uuid::Uuid> {
    let header = forest.disk(id)?.header.as_ref()?;
    Some(header.data_write_id.unwrap_or(header.id))
}

/// How a verdict becomes lines.
pub(super) struct VerdictForm<'a> {
    /// The zone of its times.
    pub clock: &'a Clock,
    /// Cells a line may take.
    pub width: usize,
    /// Puts the wanted form of disks' names into an escaped text.
    pub names: &'a dyn Fn(&str) -> String,
}

/// A verdict with its witnesses: `+` for, `-` against, `~` says nothing.
pub(super) fn verdict(
    forest: &Forest,
    of: &AssessedSnapshot,
    form: &VerdictForm<'_>,
    lines: &mut Vec<String>,
) {
    let known = of.snapshot.and_then(|id| forest.snapshot(id));
    let name = known
        .and_then(|known| known.name.as_deref().or(known.id.as_deref()))
        .map_or_else(
            || "(no name known)".to_owned(),
            |name| format!("\"{}\"", escape(name)),
        );
    let taken = of.taken.map_or_else(
        || "taken at an unknown time".to_owned(),
        |taken| {
            format!(
                "{}  by {}",
                words::taken(&taken, form.clock),
                words::taken_source(taken.source)
            )
        },
    );
    lines.push(format!("  {name}  {taken}"));
    let of = &of.verdict;
    let gap = of
        .gap_seconds
        .map_or_else(String::new, |gap| format!(", gap {}", text::span(gap)));
    lines.push(format!(
        "  {} ({}{gap})",
        words::reverted(of.reverted),
        of.row.id
    ));
    let mut add = |text: &str| {
        lines.extend(
            wrap_plain(
                &(form.names)(&escape(text)),
                form.width.saturating_sub(4),
                Overlong::Keep,
            )
            .into_iter()
            .map(|line| format!("    {line}")),
        );
    };
    add(&of.summary);
    for note in &of.notes {
        add(note);
    }
    if let Some(settle) = &of.would_settle {
        add(&format!("What would settle it: {settle}"));
    }
    for witness in &of.evidence {
        let sign = match witness.bearing {
            Bearing::For => '+',
            Bearing::Against => '-',
            Bearing::Silent => '~',
        };
        let text = wrap_plain(
            &(form.names)(&escape(&witness.text)),
            form.width.saturating_sub(4),
            Overlong::Keep,
        );
        for (at, line) in text.iter().enumerate() {
            let sign = if at == 0 { sign } else { ' ' };
            lines.push(format!("  {sign} {line}"));
        }
        let source = escape(&witness.source);
        let gap = if source.is_empty() { "" } else { "  " };
        lines.push(format!("      {source}{gap}[{}]", witness.code.id));
    }
}

fn findings(forest: &Forest, id: DiskId, lines: &mut Vec<String>) {
    let Some((disk, node)) = forest.disk(id).zip(forest.node(id)) else {
        return;
    };
    let all: Vec<_> = disk.findings.iter().chain(&node.findings).collect();
    lines.push(String::new());
    if all.is_empty() {
        lines.push("FINDINGS  none".to_owned());
        return;
    }
    lines.push(format!("FINDINGS  {}", all.len()));
    for finding in all {
        let found = Found {
            path: disk.path.clone(),
            disk: Some(id),
            finding: finding.clone(),
        };
        lines.extend(
            finding_lines(&found)
                .into_iter()
                .map(|line| format!("  {line}")),
        );
    }
}
