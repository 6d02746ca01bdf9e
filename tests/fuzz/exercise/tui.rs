//! Scripts of keys, clicks, sizes and what jobs tell, into the browser's `update`, and its screens.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use unicode_width::UnicodeWidthStr as _;
use vhdtree::analysis::diff::{BlockDiff, DiffKind, DiffRun, DiffSummary, DiffTotals};
use vhdtree::analysis::plan::{BlockMaps, PlanOptions, Target, plan};
use vhdtree::format::{BlockNo, SectorNo};
use vhdtree::guest::{Partition, PartitionTable, PartitionType, Partitions, VolumeKind};
use vhdtree::image::{BlockState, Counts, SectorRun, StateRun};
use vhdtree::report::row::Phase;
use vhdtree::store::DiskId;
use vhdtree::text::Charset;
use vhdtree::tui::app::App;
use vhdtree::tui::effect::{Effect, JobRequest};
use vhdtree::tui::frame;
use vhdtree::tui::keymap::Key;
use vhdtree::tui::message::{
    BlockTable, DiffResult, JobKind, JobNo, JobProgress, Message, MouseAction, News, SectorTable,
    Sides, Signal,
};
use vhdtree::tui::prepared::{Prepared, PreparedStore, ShownBy};
use vhdtree::tui::sample;
use vhdtree::tui::script::{Script, browser, told};

use super::bytes::Bytes;

/// Steps of one script, at most: longer ones find little that shorter ones do not.
const STEPS: usize = 60;

const SLOTS: [JobKind; 8] = [
    JobKind::Scan,
    JobKind::Reread,
    JobKind::Map,
    JobKind::Sectors,
    JobKind::Diff,
    JobKind::Hex,
    JobKind::Plan,
    JobKind::Watch,
];

const STATES: [BlockState; 6] = [
    BlockState::Absent,
    BlockState::Full,
    BlockState::Partial,
    BlockState::Zero,
    BlockState::Unmapped,
    BlockState::Error,
];

const KINDS: [DiffKind; 4] = [
    DiffKind::Same,
    DiffKind::Changed,
    DiffKind::Zeroed,
    DiffKind::Unreadable,
];

const NAMED: [&str; 16] = [
    "Up",
    "Down",
    "Left",
    "Right",
    "Home",
    "End",
    "PgUp",
    "PgDn",
    "Enter",
    "Esc",
    "Tab",
    "BackTab",
    "Backspace",
    "Delete",
    "Space",
    "F1",
];

/// Browsers to start from.
static BROWSERS: LazyLock<Vec<App>> = LazyLock::new(|| {
    vec![
        browser(sample::store(), (80, 24)),
        browser(sample::twice_frozen(), (80, 24)),
        browser(sample::Sample::default(), (80, 24)),
    ]
});

/// Stores that a scan may bring.
static STORES: LazyLock<Vec<PreparedStore>> = LazyLock::new(|| {
    vec![
        sample::store().snapshot(),
        sample::twice_frozen().snapshot(),
        sample::many(40).snapshot(),
        PreparedStore::default(),
    ]
});

/// Inputs to start from: a walk through every view, with answers.
pub fn seeds() -> Vec<Vec<u8>> {
    let answered = |keys: &str, slot: u8, rest: &[u8]| {
        [
            &[0, 100, 30, 0],
            keys.as_bytes(),
            &[0xa5, slot, 0],
            rest,
            &[0xa7, slot, 0xa9, b'j', b'j', b'k'],
        ]
        .concat()
    };
    let mut seeds: Vec<Vec<u8>> = [
        &b"jjjjkkGg123456?jq"[..],
        b"/e\x88n?jj",
        b"zzjzo]|T:uxyY",
        b"6jj\x83\x871\x8a\x8a",
        b"ddsSrReE",
    ]
    .iter()
    .map(|keys| [&[0, 120, 40, 0], *keys].concat())
    .collect();
    seeds.push(answered(
        "jj3",
        2,
        &[4, 1, 40, 10, 2, 3, 5, 3, 40, 14, 0, 1],
    ));
    seeds.push(answered("jj4", 4, &[4, 3, 5, 0, 1, 9, 9, 2, 1, 1, 0]));
    seeds.push(answered("jj5", 6, &[0]));
    seeds.push(answered("r", 0, &[1]));
    seeds.push(vec![1, 40, 10, 1, b'j', b'j', 0xa3, 1, 1, b'5', 0xa5, 6, 0]);
    seeds
}

/// A sample, a size, a charset; then steps.
pub fn run(input: &[u8]) {
    let mut input = Bytes(input);
    let mut app = input.one_of(&BROWSERS).clone();
    app.size = size(&mut input);
    if input.byte() & 1 != 0 {
        app.settings.charset = Charset::Ascii;
    }
    let mut script = Script::of(app);
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        step(&mut script, &mut input);
        check(&script.app);
        if script.app.leaving {
            break;
        }
    }
    screen(&mut script);
    for line in frame::text(&script.app, &script.screens) {
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

/// Columns and rows from 1 on; no terminal has none. Most are small: a large one only takes longer to draw.
fn size(input: &mut Bytes<'_>) -> (u16, u16) {
    let (width, height) = (u16::from(input.byte()), u16::from(input.byte()));
    let width = if width < 0xf0 { width % 130 } else { width };
    (width.max(1), (height % 45).max(1))
}

fn step(script: &mut Script, input: &mut Bytes<'_>) {
    let message = match input.byte() {
        byte @ 1..=26 => {
            let letter = char::from(b'a' + byte - 1);
            Message::Key(Key::parse(&format!("^{letter}")).expect("a key"))
        }
        byte @ 0x21..=0x7e => {
            Message::Key(Key::parse(&char::from(byte).to_string()).expect("a key"))
        }
        byte @ 0x80..=0x8f => {
            let name = NAMED[usize::from(byte & 15)];
            Message::Key(Key::parse(name).expect("a key"))
        }
        0xa0 => Message::Mouse(MouseAction::Click(input.byte().into(), input.byte().into())),
        0xa1 => Message::Mouse(MouseAction::WheelDown),
        0xa2 => Message::Mouse(MouseAction::WheelUp),
        0xa3 => {
            let (width, height) = size(input);
            Message::Resize(width, height)
        }
        0xa4 => {
            let len = input.below(20);
            Message::Paste(input.text(len))
        }
        0xa5 => {
            let slot = *input.one_of(&SLOTS);
            let no = job(script, slot, input.byte());
            let news = news(script, slot, input);
            Message::Job(slot, no, news)
        }
        0xa6 => {
            let slot = *input.one_of(&SLOTS);
            let no = job(script, slot, 0);
            let progress = JobProgress {
                done: input.scaled(40),
                total: input.scaled(40),
                millis: input.scaled(20),
                at: input.text(9),
            };
            Message::Job(slot, no, News::Progress(progress))
        }
        0xa7 => {
            let slot = *input.one_of(&SLOTS);
            Message::Job(slot, job(script, slot, 0), News::Ended(Ok(())))
        }
        0xa8 => {
            let slot = *input.one_of(&SLOTS);
            let why = input.text(12);
            Message::Job(slot, job(script, slot, 0), News::Ended(Err(why)))
        }
        0xa9 => return screen(script),
        0xaa => Message::Told(input.text(12)),
        0xab => {
            Message::Signal(*input.one_of(&[Signal::Suspend, Signal::Continue, Signal::Terminate]))
        }
        0xac => Message::Key(Key::parse("é").expect("a key")),
        0xad => Message::Key(Key::parse("検").expect("a key")),
        _ => Message::Rested,
    };
    script.send(message);
}

/// The number of the job that runs in a slot; that of an older one if `stale` says so.
fn job(script: &Script, slot: JobKind, stale: u8) -> JobNo {
    let newest = script.app.jobs.get(&slot).map_or(0, |running| running.no.0);
    JobNo(newest.saturating_sub(u64::from(stale & 3)))
}

/// What the newest job of a slot could have to tell.
fn news(script: &Script, slot: JobKind, input: &mut Bytes<'_>) -> News {
    let work = script.effects.iter().rev().find_map(|effect| match effect {
        Effect::Start(_, work) if work.slot() == slot => Some(work),
        _ => None,
    });
    match (slot, work) {
        (JobKind::Scan | JobKind::Reread, _) => {
            let store = input.one_of(&STORES).clone();
            match input.byte() & 3 {
                0 => told(&script.app, store),
                of => {
                    let by = match of {
                        1 => script.app.wanted(),
                        _ => ShownBy::default(),
                    };
                    News::Prepared(Box::new(Prepared::of(store.forest, by, Phase::Done)))
                }
            }
        }
        (JobKind::Map, Some(JobRequest::Map { path })) => {
            News::Blocks(Arc::new(blocks(path, input)))
        }
        (JobKind::Sectors, Some(JobRequest::Sectors { path, block })) => {
            let mut held = Vec::new();
            while !input.is_empty() && held.len() < 5000 {
                let count = usize::try_from(input.scaled(5)).expect("small");
                held.resize(held.len() + count.max(1), held.len() % 2 == 0);
            }
            News::Sectors(Arc::new(SectorTable {
                path: path.clone(),
                block: *block,
                held,
            }))
        }
        (JobKind::Diff, _) => News::Compared(Arc::new(compared(input))),
        (JobKind::Hex, Some(JobRequest::Hex { sector, .. })) => {
            let side = |input: &mut Bytes<'_>| vec![input.byte(); input.below(3) * 256];
            News::Sides(Arc::new(Sides {
                sector: *sector,
                left: side(input),
                right: side(input),
            }))
        }
        (
            JobKind::Plan,
            Some(JobRequest::Plan {
                forest,
                assessment,
                target,
                ..
            }),
        ) => {
            let target = match input.byte() {
                0 => *target,
                other => Target::Disk(DiskId(other.into())),
            };
            let options = PlanOptions::default();
            match plan(forest, assessment, target, &options, &NoTables) {
                Ok(plan) => News::Plan(Arc::new(plan)),
                Err(error) => News::Ended(Err(error.to_string())),
            }
        }
        _ => News::Changed(input.text(9)),
    }
}

/// Tables of files that are not there.
struct NoTables;

impl BlockMaps for NoTables {
    fn held(&self, _disk: DiskId) -> Option<Vec<StateRun>> {
        None
    }

    fn sectors(&self, _disk: DiskId, _visit: &mut dyn FnMut(SectorRun)) -> bool {
        false
    }
}

fn blocks(path: &std::path::Path, input: &mut Bytes<'_>) -> BlockTable {
    let mut counts = Counts {
        complete: true,
        ..Counts::default()
    };
    let block_bytes = 1 << (9 + input.below(20));
    let mut runs = Vec::new();
    for _ in 0..input.below(20) {
        let (state, count) = (*input.one_of(&STATES), input.scaled(30).max(1));
        runs.push(StateRun {
            first: BlockNo(counts.total),
            count,
            state,
        });
        counts.total += count;
        *match state {
            BlockState::Absent => &mut counts.absent,
            BlockState::Full => &mut counts.full,
            BlockState::Partial => &mut counts.partial,
            BlockState::Zero => &mut counts.zero,
            BlockState::Unmapped => &mut counts.unmapped,
            BlockState::Error => &mut counts.error,
        } += count;
    }
    BlockTable {
        path: PathBuf::from(path),
        block_bytes,
        sector_bytes: 512,
        runs,
        counts,
    }
}

fn compared(input: &mut Bytes<'_>) -> DiffResult {
    let mut runs = Vec::new();
    let mut blocks: Vec<BlockDiff> = Vec::new();
    let mut totals = DiffTotals::default();
    let mut next = 0;
    for _ in 0..input.below(30) {
        let kind = *input.one_of(&KINDS);
        let count = u64::from(input.byte()) + 1;
        let sector = next + input.scaled(40);
        next = sector + count;
        runs.push(DiffRun {
            sector: SectorNo(sector),
            count,
            kind,
        });
        totals.add(kind, count);
        let block = BlockNo(sector / 4096);
        if blocks.last().is_none_or(|last| last.block != block) {
            blocks.push(BlockDiff {
                block,
                totals: DiffTotals::default(),
            });
        }
        if let Some(last) = blocks.last_mut() {
            last.totals.add(kind, count);
        }
    }
    let complete = input.byte() & 1 == 0 && totals.unreadable == 0;
    DiffResult {
        runs,
        blocks,
        summary: DiffSummary {
            totals,
            equal: complete && totals.same == totals.compared,
            complete,
        },
        sector_size: 512,
        partitions: Partitions::new(table(input), next.max(1)),
    }
}

/// Partitions behind each other, with gaps.
fn table(input: &mut Bytes<'_>) -> PartitionTable {
    let mut next = 1;
    let mut partitions = Vec::new();
    for number in 1..=input.below(4) {
        let first = next + input.scaled(20);
        let count = input.scaled(30).max(1);
        next = first + count;
        partitions.push(Partition {
            number: u32::try_from(number).expect("a few"),
            first: SectorNo(first),
            count,
            kind: *input.one_of(&[PartitionType::Efi, PartitionType::Other]),
            holds: *input.one_of(&[VolumeKind::Ntfs, VolumeKind::Unknown]),
        });
    }
    PartitionTable {
        partitions,
        front: 1,
        back: None,
    }
}

/// What holds of the state after every step.
fn check(app: &App) {
    assert!(
        app.cursor < app.shown.len().max(1),
        "the cursor is on a row"
    );
    assert!(
        app.shown.iter().all(|row| (*row as usize) < app.rows.len()),
        "what shows is there"
    );
    assert!(
        app.shown.is_sorted_by(|a, b| a < b),
        "rows show once, in order"
    );
}

/// Draws; a screen drawn again is the same, holds no control, and no sign leaves it at the right.
pub fn screen(script: &mut Script) {
    let drawn = script.buffer();
    let width = usize::from(drawn.area.width);
    for (place, cell) in drawn.content.iter().enumerate() {
        let sign = cell.symbol();
        assert!(
            !sign.chars().any(char::is_control),
            "a control is drawn: {sign:?}"
        );
        assert!(
            place % width + sign.width() <= width,
            "{sign:?} leaves the screen"
        );
    }
    assert!(script.buffer() == drawn, "a screen drawn again is the same");
}
