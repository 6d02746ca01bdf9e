//! One disk: verdict with its witnesses, chain, header, allocation, findings.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::analysis::{Bearing, Evidence, Verdict};
use crate::image::{Header, Kind, LogState, Specific};
use crate::report::beside::beside;
use crate::report::words;
use crate::store::{Disk, DiskId, Forest, LinkState, Node};
use crate::text::escape;
use crate::text::{self, Units};
use crate::tui::app::App;
use crate::tui::command::Command;
use crate::tui::document;
use crate::tui::effect::Effect;
use crate::tui::keymap::Context::{self, Any};
use crate::tui::keymap::{Binding, bindings};
use crate::tui::list::scrolled_to;
use crate::tui::roles::{of_severity, of_verdict};
use crate::tui::screen::{Act, Entry, Screen};
use crate::tui::theme::Role;
use crate::tui::view::View;
use crate::tui::widget::text::Line;

/// Its row of the table of screens.
pub const ENTRY: Entry = Entry {
    view: VIEW,
    title: "Details",
    keys: KEYS,
    make: || Box::new(Details::default()),
};

/// Its name.
pub const VIEW: View = View("details");

const HERE: Context = Context::View(VIEW);

const KEYS: &[Binding] = bindings! {
    "details" show in &[Any], ["2"], 0 "details", Look: "details of this disk: header, chain, evidence";
    "top" First in &[HERE], ["g"], 0 "first", Move: "first line";
    "explain" Explain in &[HERE], ["e"], 3 "explain", Look: "what the decision table's row means";
};

/// The disk it is about, and how far its text is scrolled.
#[derive(Debug, Default)]
struct Details {
    disk: Option<DiskId>,
    scroll: usize,
}

impl Screen for Details {
    fn draw(&self, app: &App, area: Rect, buffer: &mut Buffer) {
        let lines = lines(app, self.disk, area.width);
        document::draw(app, &lines, self.scroll, area, buffer);
    }

    fn text(&self, app: &App, width: u16) -> Vec<Line> {
        lines(app, self.disk, width)
    }

    fn run(&mut self, app: &mut App, command: Command, area: Rect) -> Act {
        let count = || lines(app, self.disk, area.width).len();
        if let Some(scroll) = scrolled_to(self.scroll, count(), area.height, command) {
            self.scroll = scroll;
            return Act::done();
        }
        match command {
            Command::Next | Command::Previous => app.along_chain(command == Command::Next),
            Command::Explain => explain(app),
            Command::SwapPane if app.view == VIEW => return Act::Show(View("map")),
            _ => return Act::Pass,
        }
        Act::done()
    }

    fn follow(&mut self, app: &mut App) -> Vec<Effect> {
        let disk = app.disk();
        if self.disk != disk {
            self.disk = disk;
            self.scroll = 0;
            app.dirty = true;
        }
        Vec::new()
    }

    fn settle(&mut self, app: &App, area: Rect) {
        if self.scroll > 0 {
            let count = lines(app, self.disk, area.width).len();
            self.scroll = self.scroll.min(document::last_scroll(count, area));
        }
    }
}

/// What the row of the decision table means that the selected disk's verdict is by.
pub fn explain(app: &mut App) {
    let assessment = app.store.assessment.clone();
    let assessed = app.disk().and_then(|disk| assessment.disk(disk));
    let verdict = assessed
        .and_then(|of| of.above_of.or_else(|| of.snapshots.first().copied()))
        .and_then(|index| assessment.snapshots.get(index))
        .map(|assessed| &assessed.verdict);
    let Some(verdict) = verdict else {
        app.say("no verdict is about this disk");
        return;
    };
    let mut lines = vec![escape(&verdict.summary), String::new()];
    lines.push(format!("{}: {}", verdict.row.id, verdict.row.title));
    lines.push(verdict.row.why.to_owned());
    lines.push(verdict.row.action.to_owned());
    if let Some(settle) = &verdict.would_settle {
        lines.push(String::new());
        lines.push(format!("What would settle it: {}", escape(settle)));
    }
    app.show_text(format!("Why: {}", verdict.row.id), lines);
}

/// The document of a disk, wrapped to a width.
fn lines(app: &App, disk: Option<DiskId>, width: u16) -> Vec<Line> {
    let width = usize::from(width);
    let Some(id) = disk else {
        return vec![Line::of(Role::Dim, " Nothing is selected.")];
    };
    let forest = &app.store.forest;
    let (Some(disk), Some(node)) = (forest.disk(id), forest.node(id)) else {
        return Vec::new();
    };
    let mut page = Page {
        app,
        width,
        lines: Vec::new(),
    };
    page.verdicts(id);
    page.chain(id);
    if let Some(header) = &disk.header {
        page.header(disk, header);
        page.allocation(disk, header);
        page.parent(header, node);
    } else {
        page.heading("FILE");
        page.field("file size", exact(app, disk.file.len));
    }
    page.findings(disk, node);
    page.beside(id);
    page.heading("PATH");
    page.text(Role::Text, 2, text::path(&disk.path));
    page.lines
}

fn exact(app: &App, bytes: u64) -> String {
    match app.units {
        Units::Human => text::size(bytes),
        Units::Bytes => {
            format!("{} ({} bytes)", text::size(bytes), text::count(bytes))
        }
    }
}

struct Page<'a> {
    app: &'a App,
    width: usize,
    lines: Vec<Line>,
}

impl Page<'_> {
    fn heading(&mut self, text: &str) {
        self.lines.push(Line::of(Role::Heading, format!(" {text}")));
    }

    fn text(&mut self, role: Role, indent: usize, text: impl AsRef<str>) {
        let line = Line::of(Role::Text, " ".repeat(indent)).with(role, text.as_ref());
        self.lines.extend(line.wrap(self.width, indent));
    }

    fn field(&mut self, name: &str, value: impl AsRef<str>) {
        let line = Line::of(Role::Dim, format!("  {name:<14} ")).with(Role::Text, value.as_ref());
        self.lines.extend(line.wrap(self.width, 17));
    }

    fn verdicts(&mut self, id: DiskId) {
        let assessment = &self.app.store.assessment;
        let Some(assessed) = assessment.disk(id) else {
            return;
        };
        if let Some(snapshot) = assessed
            .above_of
            .and_then(|index| assessment.snapshots.get(index))
        {
            let verdict = &snapshot.verdict;
            let line = Line::of(Role::Heading, " VERDICT  ")
                .with(of_verdict(verdict), words::reverted(verdict.reverted))
                .with(Role::Dim, format!("  ({})", verdict.row.id))
                .with(Role::Dim, format!("   {}", tally(&verdict.evidence)));
            self.lines.extend(line.wrap(self.width, 10));
            self.text(Role::Text, 2, escape(&verdict.summary));
            self.evidence(verdict);
        }
        for index in &assessed.snapshots {
            let Some(snapshot) = assessment.snapshots.get(*index) else {
                continue;
            };
            let name = snapshot
                .snapshot
                .and_then(|id| {
                    self.app
                        .store
                        .forest
                        .snapshot(id)?
                        .name
                        .as_deref()
                        .map(escape)
                })
                .map_or_else(
                    || "(no name known)".to_owned(),
                    |name| format!("\"{name}\""),
                );
            let taken = snapshot.taken.map_or_else(String::new, |taken| {
                format!(
                    "  taken {} ({})",
                    self.app.settings.clock.second(taken.at),
                    taken.source.word()
                )
            });
            self.lines.push(
                Line::of(Role::Heading, " FROZEN BY  ")
                    .with(Role::Text, name)
                    .with(Role::Dim, taken),
            );
            let verdict = &snapshot.verdict;
            let word = words::reverted(verdict.reverted);
            let summary = escape(&verdict.summary);
            let line = Line::of(Role::Text, "  ").with(of_verdict(verdict), word);
            // A summary may begin with the same words; once is enough.
            let line = match summary.strip_prefix(word) {
                Some(rest) => line.with(Role::Text, rest),
                None => line.with(Role::Text, format!(". {summary}")),
            };
            self.lines.extend(line.wrap(self.width, 2));
            if assessed.above_of.is_none() {
                self.evidence(verdict);
            }
        }
        if let Some(true) = assessed.equals_parent {
            self.text(
                Role::Text,
                1,
                "= Every sector it holds is the same in its parent.",
            );
        }
    }

    fn evidence(&mut self, verdict: &Verdict) {
        for witness in &verdict.evidence {
            let (sign, role) = match witness.bearing {
                Bearing::For => ("+", Role::For),
                Bearing::Against => ("-", Role::Against),
                Bearing::Silent => ("~", Role::Unsure),
            };
            let mut line =
                Line::of(role, format!("   {sign} ")).with(Role::Text, escape(&witness.text));
            if !witness.source.is_empty() {
                line.push(
                    Role::Dim,
                    format!("  [{}]", escape(self.source(&witness.source))),
                );
            }
            self.lines.extend(line.wrap(self.width, 5));
        }
        for note in &verdict.notes {
            self.text(Role::Text, 3, escape(note));
        }
        if let Some(settle) = &verdict.would_settle {
            self.text(
                Role::Unsure,
                3,
                format!("What would settle it: {}", escape(settle)),
            );
        }
    }

    /// Where a fact was read: the file's name is enough, unless everything is wanted in full.
    fn source<'t>(&self, source: &'t str) -> &'t str {
        match self.app.units {
            Units::Human => source.rsplit(['/', '\\']).next().unwrap_or(source),
            Units::Bytes => source,
        }
    }

    fn chain(&mut self, id: DiskId) {
        let forest = &self.app.store.forest;
        let line: Vec<DiskId> = forest.line(id).collect();
        let last_link = line
            .last()
            .and_then(|last| forest.node(*last)?.parent.as_ref());
        let disks = line.len();
        let readable = forest.disk(id).is_some_and(|disk| disk.header.is_some());
        let state = match last_link.map(|link| link.state) {
            None if !readable => "it cannot be read".to_owned(),
            None if disks == 1 => "it has no parent".to_owned(),
            None => "newest first; ids match down to the base".to_owned(),
            Some(state) => format!("newest first; ends: parent {}", state.word()),
        };
        self.lines.push(Line::of(Role::Heading, " CHAIN  ").with(
            Role::Dim,
            format!("{}, {state}", text::many(disks as u64, "disk")),
        ));
        let glyphs = self.app.settings.charset.glyphs();
        for (place, at) in line.iter().enumerate() {
            let Some(disk) = forest.disk(*at) else {
                continue;
            };
            let here = if *at == id { Role::Now } else { Role::Text };
            let now = self.app.row_of(*at).map_or("", |row| row.now.sign(glyphs));
            let (sign, role) = if !now.is_empty() {
                (now, Role::Now)
            } else if place + 1 == disks && last_link.is_none() {
                (glyphs.branches[1], Role::Border)
            } else {
                (glyphs.wall, Role::Border)
            };
            let mut row =
                Line::of(role, format!("  {sign:<2} ")).with(here, text::file_name(&disk.path));
            row.push(Role::Text, format!("  {}", exact(self.app, disk.file.len)));
            if let Some(dirty) = disk.dirty_bytes() {
                row.push(Role::Text, format!("  dirty {}", exact(self.app, dirty)));
            } else if disk
                .header
                .as_ref()
                .is_some_and(|header| header.kind != Kind::Differencing)
            {
                row.push(Role::Dim, "  base");
            }
            if let Some(wanted) = wanted(forest, *at) {
                row.push(Role::Dim, format!("  {wanted}"));
            }
            self.lines.extend(row.wrap(self.width, 5));
        }
        if let Some(link) = last_link {
            let tried: Vec<String> = link
                .tried
                .iter()
                .map(|tried| {
                    format!(
                        "{} {}: {}",
                        tried.by.word(),
                        escape(&tried.what),
                        tried.outcome
                    )
                })
                .collect();
            let line = Line::of(Role::Error, "  !  ")
                .with(
                    Role::Error,
                    format!(
                        "{}: ",
                        crate::report::words::parent_name(forest, *line.last().unwrap_or(&id))
                    ),
                )
                .with(Role::Text, format!("{}. ", link.state.word()))
                .with(
                    Role::Dim,
                    if tried.is_empty() {
                        String::new()
                    } else {
                        format!("Tried: {}", tried.join("; "))
                    },
                );
            self.lines.extend(line.wrap(self.width, 5));
        }
    }

    fn header(&mut self, disk: &Disk, header: &Header) {
        let clock = &self.app.settings.clock;
        self.heading("HEADER");
        self.field(
            "format",
            format!(
                "{}, {}",
                header.format.word().to_uppercase(),
                header.kind.word()
            ),
        );
        self.field("virtual size", exact(self.app, header.virtual_size));
        self.field("file size", exact(self.app, header.file_size));
        self.field("id", header.id.to_string());
        if let Some(id) = header.data_write_id {
            self.field("data write id", id.to_string());
        }
        self.field("creator", escape(&header.creator));
        if let Some(created) = header.created {
            self.field("created", format!("{} (footer)", clock.second(created)));
        }
        if let Some(born) = disk.file.born {
            self.field(
                "file born",
                format!(
                    "{} ({})",
                    clock.second(born.at),
                    words::born_source(born.source)
                ),
            );
        }
        if let Some(modified) = disk.file.modified {
            self.field("last write", clock.second(modified));
        }
        match &header.specific {
            Specific::Vhd(vhd) => {
                self.field("sectors", format!("{} bytes", header.sector_size));
                if vhd.saved_state {
                    self.field("saved state", "the footer says that the VM was saved");
                }
                if vhd.hidden {
                    self.field("hidden", "by XenServer's tool stack");
                }
            }
            Specific::Vhdx(vhdx) => {
                self.field(
                    "sectors",
                    format!(
                        "{} logical, {} physical bytes",
                        header.sector_size, vhdx.physical_sector_size
                    ),
                );
                let log = match vhdx.log {
                    LogState::Empty => "empty (clean)".to_owned(),
                    LogState::Replayed(entries) => {
                        format!("not empty, replayed in memory (entries: {entries})")
                    }
                    LogState::Unusable => {
                        "not empty, and cannot be replayed: no block numbers are shown".to_owned()
                    }
                };
                self.field("log", log);
                self.field(
                    "sequence",
                    format!("{} (header {})", vhdx.sequence_number, vhdx.current_header),
                );
            }
        }
    }

    fn allocation(&mut self, disk: &Disk, header: &Header) {
        let Some(block_size) = header.block_size.filter(|_| header.kind != Kind::Fixed) else {
            return;
        };
        self.heading("BLOCKS");
        self.field(
            "blocks",
            format!(
                "{} of {}",
                text::count(header.blocks),
                exact(self.app, block_size.into())
            ),
        );
        let Some(counts) = &disk.counts else {
            self.field(
                "counted",
                if self.app.scanning() {
                    "not yet"
                } else {
                    "not counted"
                },
            );
            return;
        };
        let held = counts.full.saturating_add(counts.partial);
        let hundredths = held
            .saturating_mul(10_000)
            .checked_div(counts.total)
            .unwrap_or(0);
        self.field(
            "in this file",
            format!(
                "{} ({}.{:02} %)",
                text::count(held),
                hundredths / 100,
                hundredths % 100
            ),
        );
        self.field(
            "full, partial",
            format!(
                "{}, {}",
                text::count(counts.full),
                text::count(counts.partial)
            ),
        );
        if counts.zero.saturating_add(counts.unmapped) > 0 {
            self.field(
                "zero, unmapped",
                format!(
                    "{}, {}",
                    text::count(counts.zero),
                    text::count(counts.unmapped)
                ),
            );
        }
        let absent = if header.kind == Kind::Differencing {
            "from parent"
        } else {
            "never written"
        };
        self.field(absent, text::count(counts.absent));
        if counts.error > 0 {
            self.field("errors", text::count(counts.error));
        }
        if header.kind == Kind::Differencing {
            let bytes = counts
                .dirty_sectors
                .saturating_mul(header.sector_size.into());
            self.field(
                "dirty",
                format!(
                    "{} sectors, {}",
                    text::count(counts.dirty_sectors),
                    exact(self.app, bytes)
                ),
            );
        }
        if !counts.complete {
            self.field("", "~ partial: not everything could be read");
        }
    }

    fn parent(&mut self, header: &Header, node: &Node) {
        let Some(parent) = &header.parent else { return };
        self.heading("PARENT");
        if let Some(id) = parent.id_wanted {
            self.field("id wanted", id.to_string());
        }
        for path in &parent.paths {
            self.field(
                "stored path",
                format!("{}  ({})", escape(&path.text), path.field),
            );
        }
        if let Some(link) = &node.parent {
            if let Some(path) = &link.resolved {
                let by = link
                    .by
                    .map_or(String::new(), |by| format!(" ({})", by.word()));
                self.field("found", format!("{}{by}", text::path(path)));
            }
            if link.state != LinkState::Ok {
                self.field("state", format!("! {}", link.state.word()));
            }
        }
    }

    /// Files that belong to the disk without being one.
    fn beside(&mut self, id: DiskId) {
        let app = self.app;
        for (index, (path, what)) in beside(&app.store.forest, id).enumerate() {
            if index == 0 {
                self.heading("BESIDE");
            }
            self.text(
                Role::Text,
                2,
                format!("{}  ({what})", text::file_name(path)),
            );
        }
    }

    fn findings(&mut self, disk: &Disk, node: &Node) {
        let mut findings: Vec<_> = disk.findings.iter().chain(&node.findings).collect();
        if findings.is_empty() {
            return;
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.code.severity));
        self.heading("FINDINGS");
        for finding in findings {
            let role = of_severity(finding.code.severity);
            let at = finding
                .at
                .map_or(String::new(), |at| format!("  at {at:#x}"));
            let mut line = Line::of(role, format!("  {:<7} ", finding.code.severity.word())).with(
                Role::Text,
                format!("{}{at}: {}", finding.code.id, escape(&finding.text)),
            );
            let values = super::health::values(finding);
            if !values.is_empty() {
                line.push(Role::Dim, format!("  {values}"));
            }
            self.lines.extend(line.wrap(self.width, 10));
        }
    }
}

/// What a child wants of its parent and what it finds, in a few characters of each id.
fn wanted(forest: &Forest, id: DiskId) -> Option<String> {
    let parent = forest.disk(id)?.header.as_ref()?.parent.as_ref()?;
    let short = |id: uuid::Uuid| id.to_string().chars().take(4).collect::<String>();
    let wanted = short(parent.id_wanted?);
    let link = forest.node(id)?.parent.as_ref()?;
    let found = link
        .disk
        .and_then(|id| forest.disk(id)?.header.as_ref())
        .map(|header| {
            // A VHDX child names its parent's data write id, a VHD child the parent's own id.
            short(header.data_write_id.unwrap_or(header.id))
        });
    let state = link.state.word();
    Some(match found {
        Some(found) => format!("wants {wanted}.. finds {found}.. {state}"),
        None => format!("wants {wanted}.. {state}"),
    })
}

/// How many witnesses say what.
pub fn tally(evidence: &[Evidence]) -> String {
    let count = |bearing| {
        evidence
            .iter()
            .filter(|witness| witness.bearing == bearing)
            .count()
    };
    format!(
        "{} for, {} against, {} not available",
        count(Bearing::For),
        count(Bearing::Against),
        count(Bearing::Silent)
    )
}
