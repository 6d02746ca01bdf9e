//! Random histories of machines, written as stores and judged: what is said must be true, and what is passed must be safe.
//!
//! ```text
//!  random ─► history (acts: write, switch, snapshot, apply, delete, rename, copy, convert, step the clock) ─► truth
//!                                                        └─► write (disks, configurations or lists, times) ─► scan ─► verdict, gate
//! ```
//!
//! `VHDTREE_HISTORIES` sets how many; `VHDTREE_HISTORY` shows one by its number.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod hyperv;
mod random;
mod world;
mod write;
mod xcp;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use vhdtree::analysis::plan::{Answer, Plan, PlanOptions, StoreTables, Target, plan};
use vhdtree::analysis::{AssessedSnapshot, Assessment, Compared, Reverted, assess};
use vhdtree::job::Job;
use vhdtree::store::{Forest, ForestUpdates, ScanOptions, scan};

use hyperv::{History, What, history};
use random::Random;
use xcp::Repository;

/// Histories of one run of the tests.
const HISTORIES: u64 = 1_500;

#[derive(Default)]
struct Tally {
    asked: u64,
    cannot_tell: u64,
    hidden_passed: BTreeMap<&'static str, u64>,
    truths: BTreeMap<&'static str, u64>,
}

impl Tally {
    fn count(&mut self, what: What, reverted: Reverted, answer: Answer) {
        self.asked += 1;
        self.cannot_tell += u64::from(reverted == Reverted::CannotTell);
        let word = match what {
            What::Never => "never",
            What::OnAnotherBranch => "on another branch",
            What::Reverted => "reverted",
            What::Hidden(_) => "hidden",
            What::LooksReverted => "looks reverted",
            What::OffLine => "off line",
        };
        *self.truths.entry(word).or_default() += 1;
        if let What::Hidden(why) = what
            && answer == Answer::Pass
        {
            *self.hidden_passed.entry(why).or_default() += 1;
        }
    }
}

fn read(root: &Path) -> (std::sync::Arc<Forest>, Assessment) {
    let times = root.join("times.csv");
    let options = ScanOptions {
        roots: vec![root.to_path_buf()],
        growth: ForestUpdates::Untold,
        facts: times.exists().then_some(times).into_iter().collect(),
        threads: 1,
        ..ScanOptions::default()
    };
    let forest = scan(&options, &Job::default(), &mut |_| {}).unwrap();
    assert!(forest.complete);
    let assessment = assess(&forest, &Compared::default());
    (forest, assessment)
}

/// The snapshot of an id, and what a delete of it would do.
fn ask(forest: &Forest, assessment: &Assessment, id: &str) -> Option<(Reverted, Plan)> {
    let at = assessment.snapshots.iter().position(|assessed| {
        assessed
            .snapshot
            .and_then(|snapshot| forest.snapshot(snapshot))
            .is_some_and(|snapshot| snapshot.id.as_deref() == Some(id))
    })?;
    let plan = plan(
        forest,
        assessment,
        Target::Snapshot(at),
        &PlanOptions::default(),
        &StoreTables::new(forest),
    )
    .ok()?;
    Some((assessment.snapshots[at].verdict.reverted, plan))
}

/// What is wrong with an answer; `None` if nothing is.
fn fault(what: What, loses: bool, reverted: Reverted, plan: &Plan) -> Option<&'static str> {
    let passes = plan.answer == Answer::Pass;
    let refused_as_reverted = plan
        .reasons
        .iter()
        .any(|reason| reason.code.id == "reverted" && reason.answer == Answer::Refuse);
    match what {
        _ if passes && loses => Some("passed, and data is lost"),
        What::Reverted if passes => Some("passed, and it was reverted"),
        What::Never | What::LooksReverted | What::OffLine if reverted == Reverted::Certain => {
            Some("certain, and it never was")
        }
        What::Never | What::OffLine if refused_as_reverted => {
            Some("refused for a revert that never was")
        }
        _ => None,
    }
}

fn one(seed: u64, tallies: &mut BTreeMap<String, Tally>, faults: &mut Vec<String>) {
    let history = history(&mut Random(seed.wrapping_mul(0x9e37_79b9) ^ 0x5eed));
    let folder = tempfile::tempdir().unwrap();
    write::write(&history.world, &history.shown, folder.path());
    let (forest, assessment) = read(folder.path());
    let tally = tallies.entry(history.kind()).or_default();
    for at in 0..history.world.snapshots.len() {
        if !history.world.snapshots[at].alive {
            continue;
        }
        let truth = history.truth(at);
        let id = write::snapshot_id(at).to_string();
        let Some((reverted, plan)) = ask(&forest, &assessment, &id) else {
            faults.push(format!(
                "{seed}: {:?} cannot be asked about",
                history.world.snapshots[at].name
            ));
            continue;
        };
        tally.count(truth.what, reverted, plan.answer);
        let hidden = matches!(truth.what, What::Hidden(_)) && plan.answer == Answer::Pass;
        let no_twin = (hidden
            && history
                .twin(at)
                .is_some_and(|twin| !is_twin(&twin, folder.path())))
        .then_some("passed, and an innocent history would have left other files");
        let fault = fault(truth.what, truth.loses, reverted, &plan).or(no_twin);
        if let Some(fault) = fault {
            let mut text = told(seed, &history, at, fault, reverted, &plan);
            let judged = assessment.snapshots.iter().find(|judged| {
                let named = judged.snapshot.and_then(|named| forest.snapshot(named));
                named.is_some_and(|named| named.id.as_deref() == Some(id.as_str()))
            });
            text.extend(judged.map(heard));
            faults.push(text);
        }
    }
}

/// The same for a repository of XCP-ng, whose snapshots nobody names: its bases are asked about.
fn one_xcp(seed: u64, tallies: &mut BTreeMap<String, Tally>, faults: &mut Vec<String>) {
    let repository = Repository::random(&mut Random(seed.wrapping_mul(0x51_7cc1_b727) ^ 0xc4ab));
    let folder = tempfile::tempdir().unwrap();
    repository.write(folder.path());
    let (forest, assessment) = read(folder.path());
    let tally = tallies.entry(repository.kind().to_owned()).or_default();
    for (base, truth) in repository.asked() {
        let path = folder.path().join(repository.file_name(base));
        let disk = forest
            .ids()
            .find(|id| forest.disk(*id).is_some_and(|disk| *disk.path == *path));
        let of_disk = disk
            .and_then(|id| assessment.disk(id))
            .map(|of| of.snapshots.clone());
        let Some(at) = of_disk.and_then(|of| of.first().copied()) else {
            faults.push(format!(
                "xcp {seed}: {} cannot be asked about",
                path.display()
            ));
            continue;
        };
        let tables = StoreTables::new(&forest);
        let plan = plan(
            &forest,
            &assessment,
            Target::Snapshot(at),
            &PlanOptions::default(),
            &tables,
        )
        .unwrap();
        let reverted = assessment.snapshots[at].verdict.reverted;
        tally.count(truth.what, reverted, plan.answer);
        if let Some(fault) = fault(truth.what, truth.loses, reverted, &plan) {
            let mut text = format!(
                "xcp {seed} ({}), {}: {fault}; verdict {reverted:?}, answer {:?}\n  {}\n",
                repository.kind(),
                path.display(),
                plan.answer,
                plan.summary
            );
            for line in &repository.story {
                writeln!(text, "    {line}").unwrap();
            }
            text += &heard(&assessment.snapshots[at]);
            for vdi in &repository.vdis {
                writeln!(text, "    {vdi:?}").unwrap();
            }
            faults.push(text);
        }
    }
}

/// Whether another history leaves the very files that lie in a folder, times included.
fn is_twin(twin: &History, folder: &Path) -> bool {
    let other = tempfile::tempdir().unwrap();
    write::write(&twin.world, &twin.shown, other.path());
    let files = |root: &Path| {
        let mut files: Vec<_> = walkdir::WalkDir::new(root)
            .into_iter()
            .map(|entry| entry.unwrap().into_path())
            .filter(|path| path.is_file())
            .map(|path| {
                let name = path.strip_prefix(root).unwrap().to_path_buf();
                let at = path.metadata().unwrap().modified().unwrap();
                // A list of facts bears no time of the host's: it is written when it is asked for.
                let is_list =
                    matches!(name.extension(), Some(kind) if kind == "csv" || kind == "json");
                (
                    name,
                    std::fs::read(&path).unwrap(),
                    (!is_list).then_some(at),
                )
            })
            .collect();
        files.sort();
        files
    };
    files(folder) == files(other.path())
}

fn heard(judged: &AssessedSnapshot) -> String {
    let mut text = String::new();
    for evidence in &judged.verdict.evidence {
        writeln!(text, "    {} {}", evidence.sign(), evidence.told()).unwrap();
    }
    text
}

fn told(
    seed: u64,
    history: &History,
    at: usize,
    fault: &str,
    reverted: Reverted,
    plan: &Plan,
) -> String {
    let mut text = format!(
        "history {seed} ({}), {:?}: {fault}; verdict {reverted:?}, answer {:?}\n  {}\n",
        history.kind(),
        history.world.snapshots[at].name,
        plan.answer,
        plan.summary
    );
    for line in &history.world.story {
        writeln!(text, "    {line}").unwrap();
    }
    for (at, disk) in history
        .world
        .disks
        .iter()
        .enumerate()
        .filter(|(_, disk)| disk.alive)
    {
        let time = |at| write::stamp_text(at);
        writeln!(
            text,
            "    disk {at} {} on {:?}, by {:?}, stamp {} born {} written {}",
            disk.name,
            disk.parent,
            disk.origin,
            time(disk.stamp),
            time(disk.born),
            time(disk.written)
        )
        .unwrap();
    }
    text
}

fn run(first: u64, count: u64) -> (BTreeMap<String, Tally>, Vec<String>) {
    let next = AtomicU64::new(first);
    let all = Mutex::new((BTreeMap::new(), Vec::new()));
    let threads = std::thread::available_parallelism().map_or(2, |threads| threads.get().min(8));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut tallies = BTreeMap::new();
                let mut faults = Vec::new();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        break;
                    }
                    one(seed, &mut tallies, &mut faults);
                    one_xcp(seed, &mut tallies, &mut faults);
                }
                let mut all = all.lock().unwrap();
                all.1.append(&mut faults);
                for (kind, tally) in tallies {
                    let sum: &mut Tally = all.0.entry(kind).or_default();
                    sum.asked += tally.asked;
                    sum.cannot_tell += tally.cannot_tell;
                    for (why, count) in tally.hidden_passed {
                        *sum.hidden_passed.entry(why).or_default() += count;
                    }
                    for (word, count) in tally.truths {
                        *sum.truths.entry(word).or_default() += count;
                    }
                }
            });
        }
    });
    all.into_inner().unwrap()
}

fn table(tallies: &BTreeMap<String, Tally>) -> String {
    let mut text = String::new();
    for (kind, tally) in tallies {
        writeln!(
            text,
            "{kind:<44} asked {:>6}  cannot tell {:>3} %  {:?}  passed though hidden {:?}",
            tally.asked,
            tally.cannot_tell * 100 / tally.asked.max(1),
            tally.truths,
            tally.hidden_passed
        )
        .unwrap();
    }
    text
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn no_history_is_told_wrong() {
    let (first, count) = match number("VHDTREE_HISTORY") {
        Some(one) => (one, 1),
        None => (0, number("VHDTREE_HISTORIES").unwrap_or(HISTORIES)),
    };
    let (tallies, faults) = run(first, count);
    println!("{}", table(&tallies));
    let mut by_fault: BTreeMap<&str, u64> = BTreeMap::new();
    for fault in &faults {
        let words = fault.lines().next().unwrap_or_default();
        let key = words.rsplit_once(": ").map_or(words, |(_, key)| key);
        *by_fault.entry(key).or_default() += 1;
    }
    println!("{by_fault:#?}");
    let shown: Vec<&str> = faults
        .iter()
        .take(number("VHDTREE_SHOWN").map_or(12, |shown| usize::try_from(shown).unwrap()))
        .map(String::as_str)
        .collect();
    assert!(
        faults.is_empty(),
        "{} faults\n{}",
        faults.len(),
        shown.join("\n")
    );
}
