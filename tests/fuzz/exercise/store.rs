//! A small store of both formats with configurations, labels and times, its files changed by the input; then everything
//! from the scan to rows, JSON and plans.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use uuid::Uuid;
use vhdtree::analysis::Compared;
use vhdtree::analysis::plan::{Answer, PlanOptions, StoreTables, Target};
use vhdtree::analysis::{Assessment, assess, plan};
use vhdtree::build::hyperv::HypervConfig;
use vhdtree::build::vhd::{FOOTER_CHECKSUM_AT, HEADER_CHECKSUM_AT, Locator, VhdBuilder, seal};
use vhdtree::build::vhdx::VhdxBuilder;
use vhdtree::job::Job;
use vhdtree::report::columns::Column;
use vhdtree::report::json::{self, JsonLayout};
use vhdtree::report::tree_text::{self, Headings};
use vhdtree::report::{ColumnStyle, RowOptions, findings, rows};
use vhdtree::source::Source;
use vhdtree::store::facts::{Files, Opened, SystemFiles};
use vhdtree::store::{
    Born, BornSource, DiskId, FileFacts, Forest, PathMap, ScanOptions, rescan, scan_with,
};

use super::bytes::Bytes;
use super::disk;
use super::patched::Patched;
use super::saved::document;

/// Changes taken from one input, at most.
const CHANGES: usize = 12;
const PAGE: usize = 4096;
const GUID: &str = "11111111-2222-4333-8444-555555555555";
const OTHER: &str = "99999999-2222-4333-8444-555555555555";

/// The files of the store.
static FILES: LazyLock<Vec<(String, Content)>> = LazyLock::new(|| {
    files()
        .into_iter()
        .map(|(name, bytes)| (name, Content::new(bytes)))
        .collect()
});

/// A file of mebibytes, nearly all of them zeros.
#[derive(Clone)]
struct Content {
    bytes: Patched,
    /// Pages that were no zeros before any change.
    filled: Arc<Vec<usize>>,
}

impl Content {
    fn new(bytes: Vec<u8>) -> Self {
        let is_filled = |page: &[u8]| page != &[0; PAGE][..page.len()];
        let pages = bytes.chunks(PAGE).enumerate();
        let filled = pages.filter(|(_, page)| is_filled(page)).map(|(at, _)| at);
        Self {
            filled: Arc::new(filled.collect()),
            bytes: Patched::new(Arc::new(bytes)),
        }
    }

    fn len(&self) -> usize {
        usize::try_from(Source::len(&self.bytes)).expect("in memory")
    }

    /// Pages to be written.
    fn pages(&self) -> BTreeSet<usize> {
        let changed = self.bytes.changes();
        let changed = changed.flat_map(|(at, len)| at / PAGE..=(at + len) / PAGE);
        self.filled.iter().copied().chain(changed).collect()
    }
}

fn files() -> Vec<(String, Vec<u8>)> {
    const SIZE: u64 = 64 << 10;
    let vhd = |id: u128, parent: u128, of: &str, created: u32| {
        VhdBuilder::differencing(SIZE)
            .block_size(4096)
            .id(id)
            .created(created)
            .parent(parent, of)
            .locator(Locator::relative(&format!(r".\{of}")))
            .locator(Locator::absolute(&format!(r"D:\VMs\win7\{of}")))
            .write(u64::try_from(id).expect("small"), &[5; 1024])
    };
    let vhdx = |id: u128, parent: &str| {
        VhdxBuilder::differencing(1 << 20)
            .block_size(1 << 20)
            .data_write_id(Uuid::from_u128(id))
            .parent(
                Uuid::from_u128(0x50),
                &[
                    ("relative_path", &format!(r".\{parent}")),
                    ("absolute_win32_path", &format!(r"D:\VMs\web\{parent}")),
                ],
            )
            .write(7, &[1; 512])
            .build()
    };
    let config = |id: u128, name: &str, disk: &str| {
        HypervConfig::new(Uuid::from_u128(id), name, &format!(r"D:\VMs\{disk}"))
    };
    let at = |text: &str| Some(text.parse().expect("a time"));
    let leaf = format!("base_{GUID}.avhd");
    let dead = format!("base_{OTHER}.avhd");
    let web = format!("web_{GUID}.avhdx");
    let labels = format!(
        r#"[{{"VMName":"web","Name":"first","Id":"{OTHER}","CreationTime":"2020-01-02T03:04:05Z","SnapshotType":"Standard","Disks":["D:\\VMs\\web\\web.vhdx"]}},{{"Name":"web","Disks":"D:\\VMs\\web\\{web}"}}]"#
    );
    let times = "\"FullName\",\"Length\",\"CreationTimeUtc\",\"LastWriteTimeUtc\"\r\n\"D:\\VMs\\web\\web.vhdx\",\"5242880\",\"2020-01-02T03:04:05Z\",\"2021-01-02T03:04:05Z\"\r\n";
    let base = VhdBuilder::dynamic(SIZE)
        .block_size(4096)
        .id(1)
        .created(300_000_000)
        .write(3, &[1; 2048]);
    let parent = VhdxBuilder::dynamic(1 << 20)
        .block_size(1 << 20)
        .data_write_id(Uuid::from_u128(0x50))
        .write(5, &[2; 512]);
    let mut now = config(0xa1, "win7", &format!(r"win7\{leaf}"));
    now.created = at("2009-05-01T10:00:00Z");
    let mut snapshot = config(0xa2, "before", r"win7\base.vhd");
    snapshot.created = at("2009-07-04T05:20:00Z");
    let mut of_web = config(0xb1, "web", &format!(r"web\{web}"));
    of_web.generation_id = Some("b7ca8a6ab91ab997147185c9284d42c5".to_owned());
    let mut of_web_then = config(0xb2, "then", r"web\web.vhdx");
    of_web_then.created = at("2020-01-02T03:04:05Z");
    let name = |folder: &str, id: u128, ending: &str| {
        format!(
            "{folder}/{}.{ending}",
            Uuid::from_u128(id).to_string().to_uppercase()
        )
    };
    vec![
        ("win7/base.vhd".to_owned(), base.build()),
        (
            format!("win7/{leaf}"),
            vhd(2, 1, "base.vhd", 310_000_000).build(),
        ),
        (
            format!("win7/{dead}"),
            vhd(3, 1, "base.vhd", 305_000_000)
                .batmap()
                .by_xenserver()
                .build(),
        ),
        (
            "win7/deep.vhd".to_owned(),
            vhd(4, 2, &leaf, 320_000_000).build(),
        ),
        ("web/web.vhdx".to_owned(), parent.build()),
        (format!("web/{web}"), vhdx(0x51, "web.vhdx")),
        (format!("web/web_{OTHER}.avhdx"), vhdx(0x52, "web.vhdx")),
        (name("win7/Virtual Machines", 0xa1, "xml"), now.xml()),
        (name("win7/Snapshots", 0xa2, "xml"), snapshot.xml()),
        (name("web/Virtual Machines", 0xb1, "vmcx"), of_web.vmcx()),
        (name("web/Snapshots", 0xb2, "vmcx"), of_web_then.vmcx()),
        ("labels.json".to_owned(), labels.into_bytes()),
        (TIMES.to_owned(), times.as_bytes().to_vec()),
        (name("win7/Snapshots", 0xa2, "bin"), vec![9; 100]),
    ]
}

/// The listing of times among the files.
const TIMES: &str = "times.csv";

/// Names a file may get instead of its own.
const NAMES: [&str; 8] = [
    "win7/検証用.vhd",
    "win7/evil\u{1b}[31m\u{202e}.avhd",
    "web/WEB.VHDX",
    "win7/BASE.VHD",
    "web/base.vhd",
    "deep/er/web.vhdx",
    "win7/auto_22222222-2222-4333-8444-555555555555-AutoRecovery.avhdx",
    "win7/a.vud",
];

/// Inputs to start from: nothing changed, and one change of each kind.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![vec![0], vec![3]];
    for file in 0..14 {
        seeds.push([&[0, file, 0, 0, 4], &b"abcd"[..]].concat());
        seeds.push([&[1, 0x20 | file, 0x20, 0, 8], &[0; 8][..]].concat());
        seeds.push(vec![0, 0x40 | file, 0, 1]);
        seeds.push(vec![0, 0x60 | file]);
        seeds.push(vec![2, 0xa0 | file, 0, 0x90, 0, 0x20]);
        seeds.push(vec![0, 0xc0 | file, 2]);
        seeds.push(vec![4, 0xe0 | file, 1]);
    }
    for path in [
        r"..\win7\base.vhd",
        r"D:\VMs\win7\BASE.vhd",
        "../../etc/passwd",
    ] {
        let len = 0x80 | u8::try_from(path.len()).expect("short");
        seeds.push([&[0, 0xe1, len], path.as_bytes()].concat());
    }
    seeds.push([&[0, 0x8b, 90], &br#"[{"VMName":"win7","Name":"s","CreationTime":"/Date(1246000000000)/","Disks":["base.vhd"]}]"#[..]].concat());
    seeds.push(
        [
            &[0, 0x8c, 60],
            &b"\"FullName\",\"CreationTime\"\n\"base.vhd\",\"01/02/2009 03:04\"\n"[..],
        ]
        .concat(),
    );
    seeds
}

/// One file as this run has it.
#[derive(Clone)]
struct Changed {
    name: String,
    content: Content,
    /// Seconds of birth and last write.
    times: (i64, i64),
}

/// The folder of one run, gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let memory = Path::new("/dev/shm");
        let temporary = if memory.is_dir() {
            memory.to_path_buf()
        } else {
            std::env::temp_dir()
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("vhdtree-fuzz-{}-{number}", std::process::id());
        let folder = temporary.join(name);
        fs::create_dir(&folder)?;
        Ok(Self(folder))
    }

    /// Writes a file, pages of zeros left out.
    fn write(&self, file: &Changed) -> io::Result<()> {
        let path = self.0.join(&file.name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut out = File::create(path)?;
        out.set_len(file.content.len() as u64)?;
        for page in file.content.pages() {
            let bytes = file.content.bytes.get(page * PAGE, PAGE);
            out.seek(SeekFrom::Start((page * PAGE) as u64))?;
            out.write_all(&bytes)?;
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing can be done about a folder that stays.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The files as they are, born and written when the input says.
#[derive(Debug)]
struct Dated {
    system: SystemFiles,
    times: BTreeMap<PathBuf, (i64, i64)>,
}

impl Dated {
    fn date(&self, path: &Path, facts: FileFacts) -> FileFacts {
        let Some((born, written)) = self.times.get(path) else {
            return facts;
        };
        let at = |seconds: i64| jiff::Timestamp::from_second(seconds).ok();
        FileFacts {
            modified: at(*written),
            born: at(*born).map(|at| Born {
                at,
                source: BornSource::WindowsFileSystem,
            }),
            ..facts
        }
    }
}

impl Files for Dated {
    fn open(&self, path: &Path) -> io::Result<Opened> {
        let opened = self.system.open(path)?;
        Ok(Opened {
            facts: self.date(path, opened.facts),
            ..opened
        })
    }

    fn facts(&self, path: &Path) -> io::Result<FileFacts> {
        Ok(self.date(path, self.system.facts(path)?))
    }
}

/// The first byte says what is left out; then changes, each of a kind and file (3 and 5 bits).
pub fn run(bytes: &[u8]) {
    let mut input = Bytes(bytes);
    let how = input.byte();
    let files = change(&mut input, how & 1 == 0);
    let folder = Folder::new().expect("a folder for the store");
    let mut times = BTreeMap::new();
    for file in &files {
        // Not every system takes every name.
        if folder.write(file).is_err() {
            continue;
        }
        times.insert(folder.0.join(&file.name), file.times);
    }
    let system = Dated {
        system: SystemFiles::new(),
        times,
    };
    let mut options = ScanOptions {
        roots: vec![folder.0.clone()],
        maps: vec![PathMap {
            from: r"D:\VMs".to_owned(),
            to: folder.0.clone(),
        }],
        threads: 1,
        ..ScanOptions::default()
    };
    let listing = folder.0.join(TIMES);
    if how & 2 == 0 && listing.exists() {
        options.facts = vec![listing];
    }
    let job = Job::default();
    let Ok(forest) = scan_with(&options, &system, &job, &mut |_| {}).or_else(|_| {
        // A listing that cannot be read ends a scan; the store is still there.
        options.facts.clear();
        scan_with(&options, &system, &job, &mut |_| {})
    }) else {
        panic!("the root can be read");
    };
    assert!(forest.complete);
    check_links(&forest);
    let assessment = assess(&forest, &Compared::default());
    report(&forest, &assessment);
    save(&forest, &assessment);
    plans(&forest, &assessment);
    if disk::is_one_in(8, bytes)
        && let Some(id) = forest.ids().nth(usize::from(how >> 4))
    {
        let again = rescan(&forest, id, &options, &job).expect("the root can be read");
        assert_eq!(again.disks.len(), forest.disks.len());
        assert_eq!(
            again.disk(id).map(|disk| &disk.path),
            forest.disk(id).map(|disk| &disk.path)
        );
        check_links(&again);
    }
}

/// Takes changes from the input; `renew` renews the checksums of changed VHDs.
fn change(input: &mut Bytes<'_>, renew: bool) -> Vec<Changed> {
    const DAY: i64 = 86_400;
    let mut files: Vec<Changed> = FILES
        .iter()
        .map(|(name, content)| Changed {
            name: name.clone(),
            content: content.clone(),
            times: (1_262_304_000, 1_262_304_000 + DAY),
        })
        .collect();
    let mut gone = BTreeSet::new();
    for _ in 0..CHANGES {
        if input.is_empty() {
            break;
        }
        let what = input.byte();
        let count = files.len();
        let index = usize::from(what & 31) % count;
        let file = &mut files[index].content.bytes;
        let len = usize::try_from(file.len()).expect("in memory");
        match what >> 5 {
            kind @ (0 | 1) => {
                let offset = usize::from(input.short());
                let at = if kind == 0 {
                    offset
                } else {
                    len.saturating_sub(offset)
                };
                let most = input.byte();
                file.put(at, input.take(most.into()));
                if renew {
                    seal_vhd(file);
                }
            }
            2 => file.truncate(input.short().into()),
            3 => {
                gone.insert(index);
            }
            4 => {
                let most = input.byte();
                let bytes = input.take(most.into()).to_vec();
                files[index].content = Content::new(bytes);
            }
            5 => {
                // Hours since 2000, so that all claims of time are in reach.
                let hours = |short: u16| 946_684_800 + i64::from(short) * 3600;
                files[index].times = (hours(input.short()), hours(input.short()));
            }
            6 => {
                let from = input.below(count);
                files[index].content = files[from].content.clone();
            }
            _ => match input.byte() {
                name @ 0..0x80 => {
                    let name = NAMES[usize::from(name) % NAMES.len()];
                    name.clone_into(&mut files[index].name);
                }
                len => {
                    let path = input.text((len & 0x7f).into());
                    files[index].content = Content::new(child_of(&path));
                }
            },
        }
    }
    let mut names = BTreeSet::new();
    let mut kept = Vec::new();
    for (index, file) in files.into_iter().enumerate() {
        if !gone.contains(&index) && names.insert(file.name.clone()) {
            kept.push(file);
        }
    }
    kept
}

/// A child that names its parent by any path.
fn child_of(path: &str) -> Vec<u8> {
    VhdBuilder::differencing(64 << 10)
        .block_size(4096)
        .id(7)
        .parent(1, path)
        .locator(Locator::relative(path))
        .locator(Locator::absolute(path))
        .build()
}

/// Renews the checksums of both footers and of the header, if it is a VHD of that kind.
fn seal_vhd(file: &mut Patched) {
    if file.get(0, 8) != b"conectix" {
        return;
    }
    let len = usize::try_from(file.len()).expect("in memory");
    for (at, length, field) in [
        (len.saturating_sub(512), 512, FOOTER_CHECKSUM_AT),
        (0, 512, FOOTER_CHECKSUM_AT),
        (512, 1024, HEADER_CHECKSUM_AT),
    ] {
        let mut structure = file.get(at, length);
        if structure.len() == length {
            seal(&mut structure, field);
            file.put(at, &structure);
        }
    }
}

/// Every disk hangs in the tree exactly once, and parents and children say the same of each other.
fn check_links(forest: &Forest) {
    assert_eq!(forest.disks.len(), forest.nodes.len());
    let mut seen = BTreeSet::new();
    let mut todo: Vec<(DiskId, u32)> = forest.tops.iter().map(|top| (*top, 0)).collect();
    while let Some((id, depth)) = todo.pop() {
        assert!(seen.insert(id), "a disk hangs in the tree once");
        let node = forest.node(id).expect("a node for each disk");
        assert_eq!(node.depth, depth, "levels grow by one");
        for child in &node.children {
            let link = forest.node(*child).and_then(|node| node.parent.as_ref());
            assert_eq!(
                link.and_then(|link| link.disk),
                Some(id),
                "a child knows its parent"
            );
            todo.push((*child, depth + 1));
        }
    }
    assert_eq!(seen.len(), forest.disks.len(), "no disk is left out");
}

fn report(forest: &Forest, assessment: &Assessment) {
    let all = rows(forest, assessment, &RowOptions::default());
    for id in forest.ids() {
        assert!(
            all.iter().any(|row| row.disk == Some(id)),
            "every disk has a row"
        );
    }
    for line in tree_text::lines(
        &all,
        Column::ALL,
        &ColumnStyle::default(),
        Headings::Shown,
        Some(80),
    ) {
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
    let found = findings::of(forest, assessment);
    let is_ordered = found.is_sorted_by(|a, b| a.finding.code.severity >= b.finding.code.severity);
    assert!(is_ordered, "worst first");
}

/// What is saved can be read back, and is then saved alike.
fn save(forest: &Forest, assessment: &Assessment) {
    let text = document(forest, assessment);
    let saved = json::read::read(&mut text.as_bytes()).expect("what was saved can be read");
    let again = document(&saved.forest, &saved.assessment);
    assert_eq!(again, text, "a saved scan is saved alike");
    check_links(&saved.forest);
}

fn plans(forest: &Forest, assessment: &Assessment) {
    let tables = StoreTables::new(forest);
    let targets = (0..assessment.snapshots.len())
        .map(Target::Snapshot)
        .chain(forest.ids().map(Target::Disk));
    for target in targets {
        let options = PlanOptions::default();
        let Ok(made) = plan(forest, assessment, target, &options, &tables) else {
            continue;
        };
        let is_free = made.reasons.iter().all(|reason| reason.accepted);
        assert_eq!(
            made.answer == Answer::Pass,
            is_free,
            "reasons decide the answer"
        );
        for merge in &made.merges {
            assert_ne!(merge.from, merge.into);
            assert!(
                merge.bytes.is_none_or(|bytes| bytes <= merge.bytes_max),
                "{merge:?}"
            );
        }
        let body = json::plan::body(forest, assessment, &made);
        json::write(&mut io::sink(), &body, JsonLayout::Line).expect("a sink takes all");
        for line in &made.before {
            assert!(
                line.iter().collect::<BTreeSet<_>>().len() == line.len(),
                "no circles"
            );
        }
    }
}
