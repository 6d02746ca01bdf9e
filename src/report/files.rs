//! The guest's files as lines: a volume, what changed in it, what is folded.

mod versions;

use crate::analysis::files::VolumeRow;
use crate::analysis::files::noise::is_noise;
use crate::guest::filesystem::{Change, ChangeKind, FileKind, FileVersion, GuestTime, VolumeState};
use crate::report::page::{Line, Role};
use crate::text::{Clock, Units, Zone, escape, many};

pub use versions::version_lines;

/// Columns before the path of a change.
const SIZE_COLUMN: usize = 4;
const TIME_COLUMN: usize = 32;
const PATH_COLUMN: usize = 50;
/// Columns of a volume's name, kind and label.
const VOLUME_COLUMN: usize = 28;

/// Why a change is folded into a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// Only times or attributes differ.
    Metadata,
    /// A folder whose list of names differs; the names say more.
    TouchedFolder,
    /// What systems do by themselves.
    Noise,
}

impl Fold {
    pub const ALL: [Self; 3] = [Self::Metadata, Self::TouchedFolder, Self::Noise];

    /// Whether and why a change is folded.
    pub fn of(change: &Change) -> Option<Self> {
        match (change.kind, change.file) {
            (ChangeKind::Metadata, FileKind::Directory) => Some(Self::TouchedFolder),
            (ChangeKind::Metadata, _) => Some(Self::Metadata),
            _ => is_noise(change).then_some(Self::Noise),
        }
    }

    pub fn words(self, count: u64) -> String {
        match self {
            Self::Metadata => {
                format!(
                    "{} with other times or attributes only",
                    many(count, "file")
                )
            }
            Self::TouchedFolder => format!("{} touched", many(count, "folder")),
            Self::Noise => format!(
                "{} of the system itself: page files, logs, caches",
                many(count, "change")
            ),
        }
    }
}

/// How many changes of each kind there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChangeTotals {
    kinds: [u64; ChangeKind::ALL.len()],
    folds: [u64; Fold::ALL.len()],
    /// Bytes of the files' content that lie in written sectors.
    pub written_bytes: u64,
}

impl ChangeTotals {
    pub fn add(&mut self, change: &Change) {
        self.written_bytes = self.written_bytes.saturating_add(change.written_bytes);
        let fold = Fold::of(change);
        let kinds = ChangeKind::ALL.iter().zip(&mut self.kinds);
        let folds = Fold::ALL.iter().zip(&mut self.folds);
        match fold {
            Some(fold) => folds
                .filter(|(of, _)| **of == fold)
                .for_each(|(_, n)| *n += 1),
            None => kinds
                .filter(|(of, _)| **of == change.kind)
                .for_each(|(_, n)| *n += 1),
        }
    }

    /// Changes of a kind that are not folded.
    pub fn of(&self, kind: ChangeKind) -> u64 {
        let mut kinds = ChangeKind::ALL.iter().zip(self.kinds);
        kinds.find(|(of, _)| **of == kind).map_or(0, |(_, n)| n)
    }

    pub fn folded(&self, fold: Fold) -> u64 {
        let mut folds = Fold::ALL.iter().zip(self.folds);
        folds.find(|(of, _)| **of == fold).map_or(0, |(_, n)| n)
    }

    /// All changes, folded ones too.
    pub fn all(&self) -> u64 {
        self.kinds.iter().chain(&self.folds).sum()
    }

    /// `12 created, 3 modified`; empty without any.
    pub fn words(&self) -> String {
        let told = ChangeKind::ALL.iter().zip(self.kinds);
        let told: Vec<String> = told
            .filter(|(_, count)| *count > 0)
            .map(|(kind, count)| format!("{} {}", crate::text::count(count), kind.word()))
            .collect();
        told.join(", ")
    }
}

/// `p3 NTFS "SYSTEM"`.
pub fn volume_name(row: &VolumeRow) -> String {
    let mut name = row.name.clone();
    if !row.kind.is_empty() {
        name = format!("{name} {}", row.kind);
    }
    if !row.label.is_empty() {
        name = format!("{name} \"{}\"", escape(&row.label));
    }
    name
}

/// A volume, with what changed in it; `None` for one that nothing need be said of.
pub fn volume_line(row: &VolumeRow, totals: &ChangeTotals, units: Units) -> Option<Line> {
    let mut line = Line::of(Role::Heading, volume_name(row));
    line.pad_to(VOLUME_COLUMN);
    let written = units.size(row.written_bytes);
    if let Some(why) = &row.why {
        if row.written_bytes == 0 {
            return None;
        }
        let text = format!(" {}; {written} written", escape(&why.text));
        line.push(
            if row.may_hold_files {
                Role::Warning
            } else {
                Role::Dim
            },
            text,
        );
        return Some(line);
    }
    let words = match totals.words() {
        words if !words.is_empty() => words,
        _ if row.written_bytes == 0 => "nothing was written".to_owned(),
        _ => "no file differs".to_owned(),
    };
    line.push(Role::Text, format!(" {words}"));
    if row.written_bytes > 0 {
        let in_files = units.size(totals.written_bytes);
        let text = format!("   {written} written, {in_files} in files");
        line.push(Role::Dim, text);
    }
    if row.state == Some(VolumeState::NotClean) {
        line.push(Role::Dim, "; in use when the disk was taken");
    }
    Some(line)
}

pub fn sign(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Created => "+",
        ChangeKind::Modified => "~",
        ChangeKind::Deleted => "-",
        ChangeKind::Renamed => ">",
        ChangeKind::Replaced => "*",
        ChangeKind::Linked => "&",
        ChangeKind::Unlinked => "%",
        ChangeKind::Metadata => "=",
        ChangeKind::Written => "?",
    }
}

pub fn role(kind: ChangeKind) -> Role {
    match kind {
        ChangeKind::Created | ChangeKind::Linked => Role::Ok,
        ChangeKind::Deleted | ChangeKind::Unlinked => Role::Error,
        ChangeKind::Written => Role::Unsure,
        ChangeKind::Metadata => Role::Dim,
        ChangeKind::Modified | ChangeKind::Renamed | ChangeKind::Replaced => Role::Changed,
    }
}

/// The last path of a change that is not named yet.
const UNNAMED: &str = "…";

pub fn change_line(change: &Change, units: Units, clock: &Clock) -> Line {
    let mut line = Line::of(role(change.kind), format!("  {} ", sign(change.kind)));
    let size = |version: Option<FileVersion>| version.and_then(|version| version.bytes);
    let (before, after) = (size(change.before), size(change.after));
    let text = match (before, after) {
        (Some(before), Some(after)) if before != after => {
            format!("{} (was {})", units.exact(after), units.exact(before))
        }
        (_, Some(bytes)) | (Some(bytes), None) => units.exact(bytes),
        (None, None) => change.file.word().to_owned(),
    };
    line.pad_to(SIZE_COLUMN);
    line.push(Role::Text, text);
    let version = change.after.or(change.before);
    let time = version.and_then(|version| version.modified);
    pad_or_space(&mut line, TIME_COLUMN);
    line.push(
        Role::Dim,
        time.map(|at| time_words(at, clock)).unwrap_or_default(),
    );
    pad_or_space(&mut line, PATH_COLUMN);
    let path = change.path.as_deref().unwrap_or(UNNAMED);
    line.push(Role::Text, escape(path));
    if let Some(old) = &change.old_path {
        line.push(Role::Dim, format!("  was {}", escape(old)));
    }
    if !change.streams.is_empty() {
        let streams: Vec<String> = change.streams.iter().map(|name| escape(name)).collect();
        line.push(Role::Dim, format!("  streams: {}", streams.join(", ")));
    }
    if !change.links.is_empty() {
        let links: Vec<String> = change.links.iter().map(|name| escape(name)).collect();
        line.push(Role::Dim, format!("  also {}", links.join(", ")));
    }
    line
}

/// One file of a listing.
pub fn file_line(
    path: &str,
    kind: FileKind,
    version: &FileVersion,
    units: Units,
    clock: &Clock,
) -> Line {
    let size = version
        .bytes
        .map_or_else(|| kind.word().to_owned(), |bytes| units.exact(bytes));
    let mut line = Line::of(Role::Text, format!("  {size:>24}  "));
    let time = version.modified.map(|at| time_words(at, clock));
    line.push(Role::Dim, time.unwrap_or_default());
    pad_or_space(&mut line, PATH_COLUMN);
    line.push(Role::Text, escape(path));
    line
}

fn pad_or_space(line: &mut Line, column: usize) {
    line.push(Role::Text, " ");
    line.pad_to(column);
}

/// What is folded away, a line for each kind.
pub fn fold_lines(totals: &ChangeTotals) -> Vec<Line> {
    let folds = Fold::ALL.iter().filter(|fold| totals.folded(**fold) > 0);
    folds
        .map(|fold| {
            let words = fold.words(totals.folded(*fold));
            Line::of(Role::Dim, format!("    and {words}"))
        })
        .collect()
}

/// To the minute, with its zone: a guest's own is not known.
pub fn time_words(at: GuestTime, clock: &Clock) -> String {
    match at {
        GuestTime::Utc(at) => {
            let mut text = String::new();
            clock.write_minute(at, &mut text);
            text + if clock.zone() == Zone::Utc { "Z" } else { "" }
        }
        GuestTime::Local(at) => at.strftime("%Y-%m-%d %H:%M").to_string() + " local",
    }
}
