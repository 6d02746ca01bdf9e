//! The pictures in `screenshots/`: every view of the demo's store, made by
//! `VHDTREE_SCREENSHOTS=write cargo test --test it screenshots`, and held to what the program draws today.

use std::path::Path;
use std::sync::Arc;

use vhdtree::analysis::Compared as Equals;
use vhdtree::analysis::assess;
use vhdtree::analysis::diff::{DiffEvent, diff_with_parent, side_by_side};
use vhdtree::analysis::open::open_chain;
use vhdtree::analysis::plan::{PlanOptions, StoreTables, Target, plan};
use vhdtree::chain::ChainSource;
use vhdtree::format::SectorNo;
use vhdtree::guest::Partitions;
use vhdtree::image::Image;
use vhdtree::job::Job;
use vhdtree::source::FileSource;
use vhdtree::store::{DiskId, Forest, ScanOptions, scan};
use vhdtree::testing::folder::moved;
use vhdtree::tui::effect::{Effect, JobRequest};
use vhdtree::tui::message::{BlockTable, DiffResult, JobKind, Message, News, Sides};
use vhdtree::tui::picture::{Background, svg};
use vhdtree::tui::sample::Sample;
use vhdtree::tui::script::Script;

/// The folder the pictures show instead of the temporary one.
const SHOWN: &str = "/vmstore";

/// The demo's store, as scanned, and as the pictures show it: below another folder, without what changes from run to run.
struct Demo {
    real: Arc<Forest>,
    shown: Forest,
    folder: tempfile::TempDir,
}

impl Demo {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        vhdtree::demo::build(folder.path()).unwrap();
        let options = ScanOptions {
            roots: vec![folder.path().to_owned()],
            ..ScanOptions::default()
        };
        let real = scan(&options, &Job::default(), &mut |_| {}).unwrap();
        let shown = moved(&real, folder.path(), Path::new(SHOWN));
        Self {
            real,
            shown,
            folder,
        }
    }

    fn disk(&self, start: &str) -> DiskId {
        let named = |id: &DiskId| {
            let name = self
                .real
                .disk(*id)
                .unwrap()
                .path
                .file_name()
                .unwrap()
                .to_string_lossy()
                .into_owned();
            name.starts_with(start)
        };
        self.real.ids().find(named).unwrap()
    }

    /// A browser on the store, the cursor on the disk of the machine that was reverted.
    fn script(&self, size: (u16, u16)) -> Script {
        let sample = Sample {
            assessment: assess(&self.shown, &Equals::default()),
            forest: self.shown.clone(),
        };
        let mut script = Script::new(sample, size);
        script.keys("/7C1FA0D2<Enter>").send(Message::Rested);
        self.answer_map(&mut script);
        script
    }

    fn answer_map(&self, script: &mut Script) {
        if !script.app.jobs.contains_key(&JobKind::Map) {
            return;
        }
        let shown = script.app.disk_path().unwrap();
        let real = self.folder.path().join(shown.strip_prefix(SHOWN).unwrap());
        let image = Image::open(Arc::new(FileSource::open(&real).unwrap())).unwrap();
        let mut runs = Vec::new();
        let counts = image.count(&Job::default(), Some(&mut |run| runs.push(run)));
        let table = BlockTable {
            path: shown,
            block_bytes: image.header().block_size.map_or(0, u64::from),
            sector_bytes: image.header().sector_size.into(),
            runs,
            counts,
        };
        script.answer(JobKind::Map, News::Blocks(Arc::new(table)));
    }

    fn diffed(&self, size: (u16, u16)) -> Script {
        let mut script = self.script(size);
        script.keys("=");
        let chain = open_chain(&self.real, self.disk("WIN7x64_Diff_7C1FA0D2")).unwrap();
        let mut found = DiffResult {
            sector_size: chain.sector_size(),
            partitions: Partitions::read(&ChainSource::new(chain.clone()), chain.sector_size()),
            ..DiffResult::default()
        };
        let report = diff_with_parent(&chain, &Job::default(), &mut |event| match event {
            DiffEvent::Run(run) => found.runs.push(run),
            DiffEvent::Block(block) => found.blocks.push(block),
        });
        found.summary = report.unwrap().summary;
        script.answer(JobKind::Diff, News::Compared(Arc::new(found)));
        let asked = script.effects.iter().rev().find_map(|effect| match effect {
            Effect::Start(_, JobRequest::Hex { sector, .. }) => Some(*sector),
            _ => None,
        });
        let sector = asked.unwrap();
        let both = side_by_side(&chain.parent().unwrap(), &chain, SectorNo(sector), 1);
        let sides = Sides {
            sector,
            left: both.left.unwrap(),
            right: both.right.unwrap(),
        };
        script.answer(JobKind::Hex, News::Sides(Arc::new(sides)));
        script
    }

    fn planned(&self, size: (u16, u16)) -> Script {
        let mut script = self.script(size);
        script.keys("d");
        let assessment = assess(&self.shown, &Equals::default());
        let above = self.disk("WIN7x64_Diff_7C1FA0D2");
        let snapshot = assessment.disk(above).unwrap().above_of.unwrap();
        let tables = StoreTables::new(&self.real);
        let options = PlanOptions::default();
        let mut made = plan(
            &self.shown,
            &assessment,
            Target::Snapshot(snapshot),
            &options,
            &tables,
        )
        .unwrap();
        // It names the files' state, which is another in every folder.
        "9f31c2ad".clone_into(&mut made.state_token);
        script.answer(JobKind::Plan, News::Plan(Arc::new(made)));
        script
    }
}

#[test]
fn the_pictures_show_what_the_program_draws() {
    let demo = Demo::new();
    let small = (80, 24);
    let with = |keys: &str| {
        let mut script = demo.script(small);
        script.keys(keys);
        demo.answer_map(&mut script);
        script
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    let write = std::env::var_os("VHDTREE_SCREENSHOTS").is_some();
    let mut drifted = Vec::new();
    for (name, mut script) in [
        ("tree-80x24", demo.script(small)),
        ("tree-140x40", demo.script((140, 40))),
        ("details", with("<Enter>")),
        ("map", with("m")),
        ("diff", demo.diffed(small)),
        ("plan", demo.planned((100, 34))),
        ("health", with("c")),
        ("help", with("?")),
    ] {
        let picture = svg(&script.buffer(), Background::Dark);
        let path = folder.join(format!("{name}.svg"));
        if write {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &picture).unwrap();
        } else if std::fs::read_to_string(&path).ok().as_deref() != Some(&picture) {
            drifted.push(name);
        }
    }
    assert!(
        drifted.is_empty(),
        "{drifted:?} differ: look, then VHDTREE_SCREENSHOTS=write cargo test --test it screenshots"
    );
}
