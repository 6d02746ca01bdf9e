//! Columns of the tree: their names, values as text, and which fit a width.

use jiff::Timestamp;
use unicode_width::UnicodeWidthStr as _;

use crate::image::Kind;
use crate::report::row::{Flag, Now, Row, RowKey, RowKind};
use crate::report::{since, words};
use crate::text::{Charset, Clock, Units, short_size};
use crate::worded;

/// What a row may show beside the others. Its word stands on the command line and in CSV; a column is also found by its
/// heading in one word, but `size` and `disk` are not guessed.
#[derive(strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "lowercase")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// Tree lines, name, whether it is in use now, notes.
    Name,
    /// Format and kind: `vhdx dif`.
    Format,
    /// Size the guest sees.
    Virtual,
    /// Size of the file.
    OnDisk,
    Blocks,
    #[strum(to_string = "dirty", serialize = "changed")]
    Dirty,
    /// When the snapshot was taken.
    Taken,
    /// When it was made.
    Created,
    /// Last write of the file.
    LastWrite,
    #[strum(to_string = "verdict", serialize = "status")]
    Verdict,
    Path,
    /// Names of its snapshots.
    #[strum(to_string = "snapshots", serialize = "snapshot")]
    Snapshots,
    /// Whether it is in use now.
    Now,
}

worded!(Column);

impl Column {
    /// Every column, in the order they are shown.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The columns of the tree when there is room for all.
    pub const TREE: [Self; 10] = [
        Self::Name,
        Self::Snapshots,
        Self::Taken,
        Self::Created,
        Self::LastWrite,
        Self::Format,
        Self::Virtual,
        Self::OnDisk,
        Self::Dirty,
        Self::Verdict,
    ];

    pub fn heading(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::Format => "FORMAT",
            Self::Virtual => "VIRTUAL",
            Self::OnDisk => "ON DISK",
            Self::Blocks => "BLOCKS",
            Self::Dirty => "CHANGED",
            Self::Taken => "TAKEN",
            Self::Created => "FILE MADE",
            Self::LastWrite => "LAST WRITE",
            Self::Verdict => "STATUS",
            Self::Path => "PATH",
            Self::Snapshots => "SNAPSHOT",
            Self::Now => "NOW",
        }
    }

    fn is_time(self) -> bool {
        matches!(self, Self::Taken | Self::Created | Self::LastWrite)
    }

    /// Numbers stand right, words left.
    pub fn is_number(self) -> bool {
        matches!(
            self,
            Self::Virtual | Self::OnDisk | Self::Blocks | Self::Dirty
        )
    }
}

/// How much of a time a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeForm {
    /// `2026-11-18`.
    Date,
    /// `2026-11-18 02:00`.
    #[default]
    Minute,
}

/// How changed bytes stand in their column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChangedForm {
    /// `501.5 KiB`, or exact bytes.
    #[default]
    Whole,
    /// `501.5K`.
    Short,
}

/// How values become text.
#[derive(Debug, Clone, Default)]
pub struct ColumnStyle {
    pub units: Units,
    pub clock: Clock,
    pub charset: Charset,
    /// How much of a time.
    pub time: TimeForm,
    pub changed: ChangedForm,
}

/// The text of one column of a row; of [`Column::Name`] the name and its notes without tree lines and margin
/// ([`write_label`] is that alone).
pub fn cell(column: Column, row: &Row, style: &ColumnStyle) -> String {
    let mut text = String::new();
    write_cell(column, row, style, &mut text);
    text
}

/// As [`cell`], put behind `text`.
pub fn write_cell(column: Column, row: &Row, style: &ColumnStyle, text: &mut String) {
    let cells = &row.cells;
    let is_disk = row.kind() == RowKind::Disk;
    match column {
        Column::Name => write_label(row, text),
        Column::Format => {
            if let (Some(format), Some(kind)) = (cells.format, cells.kind) {
                let format = format.word();
                text.push_str(format);
                text.extend(std::iter::repeat_n(
                    ' ',
                    5_usize.saturating_sub(format.len()),
                ));
                text.push_str(words::short_kind(kind));
            }
        }
        Column::Virtual => size(cells.virtual_size, style, text),
        Column::OnDisk => size(cells.on_disk, style, text),
        Column::Blocks => match (cells.blocks, cells.kind) {
            (_, Some(Kind::Fixed)) => text.push_str("all"),
            (Some(blocks), _) => text.push_str(&style.units.count(blocks)),
            _ => {}
        },
        Column::Dirty => match (cells.dirty_bytes, cells.kind) {
            _ if !is_disk => {}
            (None, Some(Kind::Differencing)) => text.push_str(style.charset.glyphs().ellipsis),
            (None, Some(_)) => text.push('-'),
            (Some(dirty), _) if style.changed == ChangedForm::Short => {
                text.push_str(&short_size(dirty));
            }
            (dirty, _) => size(dirty, style, text),
        },
        Column::Created if is_disk && cells.is_copied => text.push_str("copied"),
        Column::Created if is_disk => time(cells.created, style, text),
        Column::Taken => {
            if cells.taken_is_bound && cells.taken.is_some() {
                text.push(NOT_BEFORE);
            }
            time(cells.taken, style, text);
        }
        Column::LastWrite => time(cells.modified, style, text),
        Column::Created => {}
        Column::Verdict => text.push_str(&status(row, style)),
        Column::Path => match &row.key {
            RowKey::Disk(path) | RowKey::Error(path) => text.push_str(&crate::text::path(path)),
            RowKey::Group(_) | RowKey::Missing(_) => {}
        },
        Column::Snapshots => text.push_str(&row.snapshots.join(", ")),
        Column::Now => text.push_str(row.now.word()),
    }
}

/// Before the time of a snapshot that is only the last write of its disk: it was taken then or later.
pub const NOT_BEFORE: char = '~';

fn size(bytes: Option<u64>, style: &ColumnStyle, text: &mut String) {
    if let Some(bytes) = bytes {
        style.units.write_size(bytes, text);
    }
}

fn time(at: Option<Timestamp>, style: &ColumnStyle, text: &mut String) {
    if let Some(at) = at {
        match style.time {
            TimeForm::Date => style.clock.write_date(at, text),
            TimeForm::Minute => style.clock.write_minute(at, text),
        }
    }
}

/// The text of the state: sign, word, the day of a revert or why it cannot be told, else `=` where the disk equals its parent.
pub fn status(row: &Row, style: &ColumnStyle) -> String {
    let glyphs = style.charset.glyphs();
    let mut text = match (row.flag, row.hint.as_str()) {
        (flag, "") => flag.text(glyphs),
        (Flag::Unsure, hint) => format!("{} {hint}", row.flag.sign(glyphs)),
        (flag, hint) => format!("{}, {hint}", flag.text(glyphs)),
    };
    if let Some(at) = row.reverted_at {
        text.push(' ');
        style.clock.write_date(at, &mut text);
    }
    // Beside a revert the day says more, and columns are narrow.
    if row.equals_parent && row.reverted_at.is_none() {
        text.push_str(" =");
    }
    text
}

/// What stands beside the name, in its own column: what is new about it, then the snapshots whose disk it is, else a few words
/// about it.
pub fn snapshot_label(row: &Row) -> String {
    let mut parts: Vec<String> = row
        .snapshots
        .iter()
        .map(|name| format!("\"{name}\""))
        .collect();
    if parts.is_empty() && !row.note.is_empty() {
        parts.push(row.note.clone());
    }
    // What is new comes first: it is not cut.
    parts.splice(
        0..0,
        row.since.as_ref().map(|of| since::sign(of).to_owned()),
    );
    parts.join(", ")
}

/// Puts behind `text` the name, `NOW` and users: what stands in the name's column after the lines.
pub fn write_label(row: &Row, text: &mut String) {
    text.push_str(&row.name);
    write_use(row, text);
}

/// Puts behind `text` whether it is in use now, and by whom.
pub fn write_use(row: &Row, text: &mut String) {
    // One of several leaves has its `?` in the margin; a second one after the name would say nothing more.
    let now = match row.now {
        Now::Unsure => "",
        now => now.word(),
    };
    for part in [now, &row.users.join(", ")] {
        if !part.is_empty() {
            text.push(' ');
            text.push_str(part);
        }
    }
}

/// A column with the width it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fitted {
    pub column: Column,
    pub width: u16,
}

/// How wide the texts of some rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// The widest name with its lines and margin.
    pub name: u16,
    /// The widest snapshot's name, in quotation marks, or note.
    pub snapshot: u16,
    /// The widest number of changed bytes.
    pub changed: u16,
    /// The same in its short form.
    pub changed_short: u16,
    /// The widest state.
    pub status: u16,
    /// How sizes are shown.
    pub units: Units,
}

impl Needs {
    /// How wide the texts of these rows are.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Row>, units: Units) -> Self {
        let width = |text: &str| u16::try_from(text.width()).unwrap_or(u16::MAX);
        let mut needs = Self {
            name: 0,
            changed_short: 0,
            status: 0,
            units,
            ..Self::default()
        };
        let style = ColumnStyle::default();
        for row in rows {
            let name = match units {
                Units::Human => &row.name,
                Units::Bytes => &row.full_name,
            };
            // Margin, lines where a chain branches, and ` NOW`.
            let lines = if row.depth > 2 && !row.last { 7 } else { 5 };
            let now = if row.now == Now::Known { 4 } else { 0 };
            needs.name = needs.name.max(width(name).saturating_add(lines + now));
            needs.status = needs.status.max(width(&status(row, &style)));
            if !row.snapshots.is_empty() || row.since.is_some() {
                needs.snapshot = needs.snapshot.max(width(&snapshot_label(row)));
            }
            if let Some(bytes) = row.cells.dirty_bytes {
                let wanted = match units {
                    Units::Human => size_width(bytes),
                    Units::Bytes => width(&bytes.to_string()),
                };
                needs.changed = needs.changed.max(wanted);
                let short = match units {
                    Units::Human => width(&short_size(bytes)),
                    Units::Bytes => wanted,
                };
                needs.changed_short = needs.changed_short.max(short);
            }
        }
        needs
    }
}

impl Default for Needs {
    fn default() -> Self {
        Self {
            name: NAME,
            snapshot: SNAPSHOT,
            changed: CHANGED,
            changed_short: CHANGED,
            status: STATUS,
            units: Units::Human,
        }
    }
}

/// Columns of a size in words: `1023.9 KiB` takes ten.
fn size_width(bytes: u64) -> u16 {
    let mut whole = bytes;
    let mut unit = 2;
    while whole >= 1024 {
        whole /= 1024;
        unit = 6;
    }
    unit + match whole {
        0..=9 => 1,
        10..=99 => 2,
        100..=999 => 3,
        _ => 4,
    }
}

/// The least width of a name with its margin.
const NAME: u16 = 23;
/// The same of a snapshot's name.
const SNAPSHOT: u16 = 12;
/// The least width of changed bytes; the widths of a day and of a state.
const CHANGED: u16 = 9;
/// The heading takes one more, and has the blank before it.
const CHANGED_SHORT: u16 = 6;
const DAY: u16 = 10;
const STATUS: u16 = 21;
/// Wider names are cut before anything else is.
const LONGEST: u16 = 60;

/// The columns that fit a width, each with its own, one blank before each; and in which form they show what they show.
#[derive(Debug, Clone)]
pub struct FittedColumns {
    pub columns: Vec<Fitted>,
    pub time: TimeForm,
    pub changed: ChangedForm,
}

/// What the columns may come down to, for names to stay whole.
struct Offer {
    /// Changed bytes, in which form; `None`: they are left out.
    changed: Option<ChangedForm>,
    taken: bool,
    /// Names and states take no more than those there are.
    tight: bool,
}

/// The columns that fit `width`.
///
/// As the width shrinks, the columns of the file go first, then changed bytes, when the snapshot was taken, its name. Name and
/// state always stay. No name is cut beside changed bytes: before one is, they are shortened, other columns come down to what
/// their texts take, and then they go. Where exact bytes are asked for, those stay, and the date goes.
pub fn fit(width: u16, needs: &Needs) -> FittedColumns {
    let size = |human: u16| match needs.units {
        Units::Human => human,
        Units::Bytes => 15,
    };
    let (mut columns, changed) = first_columns(width, needs);
    let spare = |columns: &[(Column, u16)]| {
        let taken: u16 = columns.iter().map(|(_, width)| width + 1).sum();
        width.checked_sub(taken)
    };
    let mut left = spare(&columns).unwrap_or(0);
    let mut grow = |column: Column, to: u16, left: &mut u16| {
        if let Some((_, width)) = columns.iter_mut().find(|(known, _)| *known == column) {
            let by = to.min(LONGEST).saturating_sub(*width).min(*left);
            *width += by;
            *left -= by;
        }
    };
    let names = (Column::Name, needs.name);
    let snapshots = (Column::Snapshots, needs.snapshot);
    let wishes = match needs.units {
        Units::Human => [snapshots, names],
        // Exact bytes come with whole names.
        Units::Bytes => [names, snapshots],
    };
    for (column, to) in wishes {
        grow(column, to, &mut left);
    }
    for (column, width) in [
        (Column::OnDisk, size(10)),
        (Column::Format, 8),
        (Column::Virtual, size(10)),
        (Column::Created, DAY),
        (Column::LastWrite, DAY),
    ] {
        if left <= width {
            break;
        }
        left -= width + 1;
        columns.push((column, width));
    }
    let mut time = TimeForm::Date;
    if columns.len() == Column::TREE.len() && left >= 18 {
        time = TimeForm::Minute;
        for (_, width) in columns.iter_mut().filter(|(column, _)| column.is_time()) {
            *width += 6;
            left -= 6;
        }
    }
    // Where it is too narrow even for name and state, the state is cut last.
    let narrow = spare(&columns).is_none();
    if let Some((_, name)) = columns.first_mut() {
        *name = if narrow {
            width.saturating_sub(STATUS + 2).max(8)
        } else {
            *name + left
        };
    }
    let place = |column: &Column| Column::TREE.iter().position(|known| known == column);
    columns.sort_by_key(|(column, _)| place(column));
    let fitted = columns
        .into_iter()
        .map(|(column, width)| Fitted { column, width });
    FittedColumns {
        columns: fitted.collect(),
        time,
        changed,
    }
}

/// The columns that a row is read by, as many as fit, each with the least it takes.
fn first_columns(width: u16, needs: &Needs) -> (Vec<(Column, u16)>, ChangedForm) {
    let offer = |changed, taken, tight| Offer {
        changed,
        taken,
        tight,
    };
    let (whole, short) = (Some(ChangedForm::Whole), Some(ChangedForm::Short));
    let offers: &[Offer] = match needs.units {
        Units::Human => &[
            offer(whole, true, false),
            offer(short, true, false),
            offer(short, true, true),
            offer(None, true, false),
            offer(None, true, true),
        ],
        Units::Bytes => &[
            offer(whole, true, false),
            offer(whole, false, false),
            offer(whole, false, true),
        ],
    };
    let columns = |offer: &Offer| {
        let name = NAME.min(if offer.tight { needs.name } else { NAME });
        let status = STATUS.min(if offer.tight { needs.status } else { STATUS });
        let changed = offer.changed.map(|form| match form {
            ChangedForm::Whole => needs.changed.max(CHANGED),
            ChangedForm::Short => needs.changed_short.max(CHANGED_SHORT),
        });
        let all = [
            Some((Column::Name, name)),
            Some((Column::Snapshots, SNAPSHOT)),
            offer.taken.then_some((Column::Taken, DAY)),
            changed.map(|width| (Column::Dirty, width)),
            Some((Column::Verdict, status)),
        ];
        all.into_iter().flatten().collect::<Vec<(Column, u16)>>()
    };
    let sum = |columns: &[(Column, u16)]| columns.iter().map(|(_, width)| width + 1).sum::<u16>();
    let wanted = |columns: &[(Column, u16)]| {
        let more = |(column, width): &(Column, u16)| match column {
            Column::Name => needs.name.min(LONGEST).saturating_sub(*width),
            Column::Snapshots => needs.snapshot.min(LONGEST).saturating_sub(*width),
            _ => 0,
        };
        sum(columns) + columns.iter().map(more).sum::<u16>()
    };
    let taken = offers
        .iter()
        .find(|offer| wanted(&columns(offer)) <= width)
        .or(offers.last());
    let Some(taken) = taken else {
        return (Vec::new(), ChangedForm::Whole);
    };
    let mut fitting = columns(taken);
    for gone in [Column::Taken, Column::Snapshots, Column::Dirty] {
        if sum(&fitting) > width {
            fitting.retain(|(column, _)| *column != gone);
        }
    }
    (fitting, taken.changed.unwrap_or_default())
}

#[cfg(test)]
mod tests;
