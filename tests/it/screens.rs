//! The screens, as text and as styles: every view at every size that people have. The snapshots are the specification
//! of the interface; a change of one is read before it is accepted.

use std::path::Path;
use std::sync::Arc;

use vhdtree::analysis::diff::{BlockDiff, DiffKind, DiffRun, DiffSummary, DiffTotals};
use vhdtree::analysis::plan::{self, BlockMaps, PlanOptions};
use vhdtree::format::{BlockNo, SectorNo};
use vhdtree::guest::{Partition, PartitionTable, PartitionType, Partitions, VolumeKind};
use vhdtree::image::{BlockState, Place, SectorRun, StateRun};
use vhdtree::store::DiskId;
use vhdtree::text::Charset;
use vhdtree::tui::app::App;
use vhdtree::tui::depth::Depth;
use vhdtree::tui::effect::{Effect, JobRequest};
use vhdtree::tui::message::{DiffResult, JobKind, JobProgress, Message, News, SectorTable, Sides};
use vhdtree::tui::sample;
use vhdtree::tui::script::{Script, browser, settings, told};
use vhdtree::tui::theme::Theme;

pub const SIZES: [(u16, u16); 4] = [(40, 10), (80, 24), (140, 40), (200, 60)];

/// A browser on the sample, the cursor on the reverted disk of the story's machine.
pub fn at_the_reverted_disk(size: (u16, u16)) -> Script {
    let mut script = Script::new(sample::store(), size);
    script.keys("/7c44<Enter>").send(Message::Rested);
    answer_map(&mut script);
    script
}

/// Answers the map of whatever disk was asked for.
pub fn answer_map(script: &mut Script) {
    if script.app.jobs.contains_key(&JobKind::Map) {
        let path = script.app.disk_path().unwrap_or_default();
        let table = sample::block_table(&path.to_string_lossy());
        script.answer(JobKind::Map, News::Blocks(Arc::new(table)));
    }
}

/// A comparison with runs of each kind.
pub fn compared() -> DiffResult {
    let run = |sector, count, kind| DiffRun {
        sector: SectorNo(sector),
        count,
        kind,
    };
    let block = |block, changed, same| BlockDiff {
        block: BlockNo(block),
        totals: DiffTotals {
            compared: changed + same,
            changed,
            same,
            ..DiffTotals::default()
        },
    };
    DiffResult {
        runs: vec![
            run(2_051, 3, DiffKind::Changed),
            run(6_291_488, 7, DiffKind::Changed),
            run(6_291_520, 5, DiffKind::Same),
            run(41_213_953, 4_093, DiffKind::Zeroed),
            run(81_240_064, 61, DiffKind::Changed),
        ],
        blocks: vec![block(0, 3, 0), block(1536, 7, 5), block(19_834, 61, 0)],
        summary: DiffSummary {
            totals: DiffTotals {
                compared: 4_169,
                same: 5,
                changed: 71,
                zeroed: 4_093,
                unreadable: 0,
            },
            equal: false,
            complete: true,
        },
        sector_size: 512,
        partitions: Partitions::new(partitions(), 134_217_728),
    }
}

/// A table as Windows makes it.
fn partitions() -> PartitionTable {
    let kinds = [
        PartitionType::Efi,
        PartitionType::Reserved,
        PartitionType::Other,
    ];
    let places = [(2_048, 204_800), (206_848, 32_768), (239_616, 81_000_000)];
    let partition = |((number, kind), (first, count))| Partition {
        number,
        first: SectorNo(first),
        count,
        kind,
        holds: match kind {
            PartitionType::Other => VolumeKind::Ntfs,
            _ => VolumeKind::Unknown,
        },
    };
    PartitionTable {
        partitions: (1..).zip(kinds).zip(places).map(partition).collect(),
        front: 34,
        back: Some(134_217_695),
    }
}

/// Both sides of a sector that differ in a few bytes.
pub fn sides(sector: u64) -> Sides {
    let left: Vec<u8> = (0..512_u32)
        .map(|at| (at * 7 % 251).to_le_bytes()[0])
        .collect();
    let mut right = left.clone();
    for (place, byte) in [
        (8, 0x9c),
        (9, 0x02),
        (10, 0x33),
        (48, 0x09),
        (56, 0x2d),
        (510, 0x55),
    ] {
        right[place] = byte;
    }
    Sides {
        sector,
        left,
        right,
    }
}

/// The diff of the story's disk with its parent, done.
pub fn diffed(size: (u16, u16)) -> Script {
    let mut script = at_the_reverted_disk(size);
    script.keys("=");
    script.answer(JobKind::Diff, News::Compared(Arc::new(compared())));
    script.answer(JobKind::Hex, News::Sides(Arc::new(sides(2_051))));
    script
}

fn check(name: &str, make: impl Fn((u16, u16)) -> Script) {
    for size in SIZES {
        let shot = make(size).shot();
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), shot);
    }
}

#[test]
fn tree() {
    check("tree", at_the_reverted_disk);
}

#[test]
fn details() {
    check("details", |size| {
        let mut script = at_the_reverted_disk(size);
        script.keys("<Enter>");
        script
    });
}

#[test]
fn map() {
    check("map", |size| {
        let mut script = at_the_reverted_disk(size);
        script.keys("m");
        answer_map(&mut script);
        script.keys("]]");
        script
    });
}

#[test]
fn map_zoomed_to_one_block_a_cell_and_to_sectors() {
    let mut script = at_the_reverted_disk((80, 24));
    script.keys("m");
    answer_map(&mut script);
    script.keys("g543210<Enter><Enter>g543210<Enter>");
    insta::assert_snapshot!("map_blocks_80x24", script.shot());
    script.keys("<Enter>");
    let held = (0..4096)
        .map(|sector| (1000..1007).contains(&sector))
        .collect();
    let path = script.app.disk_path().unwrap();
    let table = SectorTable {
        path,
        block: 543_210,
        held,
    };
    script.answer(JobKind::Sectors, News::Sectors(Arc::new(table)));
    script.keys("]");
    insta::assert_snapshot!("map_sectors_80x24", script.shot());
}

#[test]
fn a_map_zoomed_in_on_a_large_screen_keeps_the_whole_disk_above() {
    let mut script = at_the_reverted_disk((140, 40));
    script.keys("m");
    answer_map(&mut script);
    script.keys("g543210<Enter>++");
    insta::assert_snapshot!("map_zoomed_140x40", script.shot());
    assert!(!script.keys("--").screen().contains("WHOLE DISK"));
}

#[test]
fn map_in_each_style() {
    let mut script = at_the_reverted_disk((80, 24));
    script.keys("m");
    answer_map(&mut script);
    for style in ["letters", "halves", "braille"] {
        script.keys("t");
        insta::assert_snapshot!(format!("map_{style}_80x24"), script.shot());
    }
}

#[test]
fn map_with_the_comparison_over_it() {
    let mut script = at_the_reverted_disk((80, 24));
    script.keys("m");
    answer_map(&mut script);
    script.keys("o");
    script.answer(JobKind::Diff, News::Compared(Arc::new(compared())));
    insta::assert_snapshot!("map_overlay_80x24", script.shot());
}

#[test]
fn diff() {
    check("diff", diffed);
}

/// Tables of the sample's disks, for plans: the start of each in use, with gaps.
struct Tables;

impl BlockMaps for Tables {
    fn held(&self, disk: DiskId) -> Option<Vec<StateRun>> {
        let run = |first, count, state| StateRun {
            first: BlockNo(first),
            count,
            state,
        };
        Some(vec![
            run(0, 3, BlockState::Full),
            run(7 + u64::from(disk.0), 5, BlockState::Partial),
        ])
    }

    fn sectors(&self, disk: DiskId, visit: &mut dyn FnMut(SectorRun)) -> bool {
        let blocks = self.held(disk).unwrap_or_default();
        for run in blocks {
            visit(SectorRun {
                first: SectorNo(run.first.0 * 4096),
                count: run.count * 4096,
                place: Place::Here { offset_bytes: 0 },
            });
        }
        true
    }
}

/// What deleting the snapshot of a disk would do, worked out, on the screen; `frozen` by a search.
pub fn planned(sample: sample::Sample, frozen: &str, size: (u16, u16)) -> Script {
    let mut script = Script::new(sample, size);
    script.keys(&format!("/{frozen}<Enter>d"));
    answer_plan(&mut script);
    script
}

/// Answers the plan that was asked for.
pub fn answer_plan(script: &mut Script) {
    let asked = script.effects.iter().rev().find_map(|effect| match effect {
        Effect::Start(
            _,
            JobRequest::Plan {
                forest,
                assessment,
                target,
                ..
            },
        ) => Some((forest.clone(), assessment.clone(), *target)),
        _ => None,
    });
    let (forest, assessment, target) = asked.unwrap();
    let mut made = plan::plan(
        &forest,
        &assessment,
        target,
        &PlanOptions::default(),
        &Tables,
    )
    .unwrap();
    "9f31c2ad".clone_into(&mut made.state_token);
    script.answer(JobKind::Plan, News::Plan(Arc::new(made)));
}

#[test]
fn plan_refused() {
    check("plan", |size| planned(sample::store(), "3a55", size));
}

#[test]
fn plan_that_passes_and_its_end() {
    let mut script = planned(sample::store(), "build-agent.vhd", (80, 24));
    script.keys("<End>");
    insta::assert_snapshot!("plan_pass_end_80x24", script.shot());
}

#[test]
fn plan_of_a_disk_frozen_for_several_snapshots() {
    let mut script = planned(sample::twice_frozen(), "mail_base", (80, 24));
    insta::assert_snapshot!("plan_several_80x24", script.shot());
    script.keys("]");
    answer_plan(&mut script);
    insta::assert_snapshot!("plan_several_second_80x24", script.shot());
}

#[test]
fn details_name_the_files_beside_a_disk() {
    let mut sample = sample::store();
    sample.forest.companions = ["web01.vhdx.mrt", "web01.vhdx.rct", "web01_\u{1b}.hrl"]
        .map(|name| (Path::new("/vmstore/web01").join(name), "change tracking"))
        .to_vec();
    let mut script = Script::new(sample, (80, 60));
    let screen = script.keys("/web01.vhdx<Enter><Enter>").screen();
    assert!(
        screen.contains(" BESIDE\n  web01.vhdx.mrt  (change tracking)\n  web01.vhdx.rct"),
        "{screen}"
    );
    assert!(!screen.contains("hrl"), "{screen}");
}

#[test]
fn health() {
    check("health", |size| {
        let mut script = at_the_reverted_disk(size);
        script.keys("c");
        script
    });
}

#[test]
fn help() {
    check("help", |size| {
        let mut script = at_the_reverted_disk(size);
        script.keys("?");
        script
    });
}

#[test]
fn a_scan_under_way() {
    check("scanning", |size| {
        let mut app = App::new(settings(), size);
        vhdtree::tui::update::start(&mut app);
        let mut script = Script::of(app);
        let mut sample = sample::store();
        sample.forest.complete = false;
        let no = script.app.jobs[&JobKind::Scan].no;
        let growing = told(&script.app, sample.snapshot());
        script.send(Message::Job(JobKind::Scan, no, growing));
        let progress = JobProgress {
            done: 17,
            total: 41,
            millis: 6_000,
            at: "web01_3A55E0B1.avhdx".to_owned(),
        };
        script.send(Message::Job(JobKind::Scan, no, News::Progress(progress)));
        script
    });
}

#[test]
fn an_empty_store() {
    let mut sample = sample::Sample::default();
    sample.forest.complete = true;
    let mut script = Script::new(sample, (80, 24));
    insta::assert_snapshot!("empty_80x24", script.shot());
}

fn themed(theme: &str, depth: Depth, charset: Charset) -> String {
    let mut app = browser(sample::store(), (80, 24));
    app.settings.theme = Theme::load(theme).unwrap();
    app.settings.depth = depth;
    app.settings.charset = charset;
    let mut script = Script::of(app);
    script.keys("]");
    script.shot()
}

#[test]
fn themes() {
    for theme in ["safe", "light", "mono"] {
        let depth = if theme == "mono" {
            Depth::Mono
        } else {
            Depth::True
        };
        insta::assert_snapshot!(
            format!("theme_{theme}_80x24"),
            themed(theme, depth, Charset::Unicode)
        );
    }
    insta::assert_snapshot!(
        "theme_safe_16_80x24",
        themed("safe", Depth::Ansi16, Charset::Unicode)
    );
    insta::assert_snapshot!(
        "theme_mono_ascii_80x24",
        themed("mono", Depth::Mono, Charset::Ascii)
    );
}

#[test]
fn ascii_screens_are_ascii_but_for_names() {
    for keys in ["", "<Enter>", "m", "c", "?"] {
        let mut app = browser(sample::store(), (80, 24));
        app.settings.charset = Charset::Ascii;
        let mut script = Script::of(app);
        script.keys("/web01<Enter>");
        script.keys(keys);
        answer_map(&mut script);
        let screen = script.screen().replace(['検', '証'], "");
        assert!(screen.is_ascii(), "{keys}: {screen}");
    }
}

#[test]
fn every_view_draws_at_every_size() {
    for keys in ["", "<Enter>", "m", "=", "d", "c", "?", "/x", "s"] {
        for (width, height) in [
            (1, 1),
            (2, 3),
            (7, 5),
            (13, 4),
            (39, 9),
            (40, 7),
            (119, 29),
            (120, 30),
            (300, 5),
        ] {
            let mut script = at_the_reverted_disk((width, height));
            script.keys(keys);
            answer_map(&mut script);
            script.screen();
        }
    }
}

#[test]
fn nothing_from_a_disk_reaches_the_screen_raw() {
    let mut script = Script::new(sample::store(), (140, 40));
    for keys in ["/evil<Enter>", "<Enter>", "m", "c"] {
        script.keys(keys);
        answer_map(&mut script);
        let screen = script.screen();
        assert!(!screen.contains(['\u{1b}', '\u{202e}']), "{keys}");
    }
    let mut script = Script::new(sample::store(), (140, 40));
    let details = script.keys("/evil<Enter><Enter><End>").screen();
    assert!(
        details.contains("evil\\u{1b}[31m\\u{202e}name.vhd"),
        "{details}"
    );
}
