//! Scans of real folders with built disks.

mod rules;
mod sides;
mod vhdx;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::build::vhd::{Locator, VhdBuilder};
use crate::source::{CountedSource, ReadCounts};
use crate::store::facts::Opened;
use crate::store::{FileFacts, LinkState, Liveness, Node, ResolvedBy};

const SIZE: u64 = 4 << 20;

/// A store in a temporary folder.
struct Store(tempfile::TempDir);

impl Store {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn put(&self, name: &str, disk: &VhdBuilder) -> &Self {
        self.put_bytes(name, &disk.build())
    }

    fn put_bytes(&self, name: &str, bytes: &[u8]) -> &Self {
        let path = self.root().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    fn options(&self) -> ScanOptions {
        ScanOptions {
            roots: vec![self.root().to_path_buf()],
            ..ScanOptions::default()
        }
    }

    fn scan(&self) -> Seen {
        self.scan_as(&self.options())
    }

    fn scan_as(&self, options: &ScanOptions) -> Seen {
        let forest = scan(options, &Job::default(), &mut |_| {}).unwrap();
        Seen {
            root: self.root().to_path_buf(),
            forest,
        }
    }
}

/// A forest whose disks are asked for by their path below the root.
struct Seen {
    root: PathBuf,
    forest: Arc<Forest>,
}

impl Seen {
    fn id(&self, name: &str) -> DiskId {
        let path = self.root.join(name);
        self.forest
            .ids()
            .find(|id| self.forest.disk(*id).unwrap().path == path)
            .unwrap_or_else(|| panic!("{name} is not listed: {:?}", self.names()))
    }

    fn names(&self) -> Vec<String> {
        self.forest
            .disks
            .iter()
            .map(|disk| {
                let path = disk.path.strip_prefix(&self.root).unwrap_or(&disk.path);
                path.to_string_lossy().replace('\\', "/")
            })
            .collect()
    }

    fn disk(&self, name: &str) -> &Disk {
        self.forest.disk(self.id(name)).unwrap()
    }

    fn node(&self, name: &str) -> &Node {
        self.forest.node(self.id(name)).unwrap()
    }

    fn codes(&self, name: &str) -> Vec<&'static str> {
        let disk = self.disk(name).findings.iter();
        let all = disk.chain(&self.node(name).findings);
        all.map(|finding| finding.code.id).collect()
    }

    /// State, parent's path below the root, rule.
    fn link(&self, name: &str) -> (LinkState, Option<String>, Option<ResolvedBy>) {
        let link = self.node(name).parent.as_ref().unwrap();
        let parent = link.disk.map(|id| self.names()[id.0 as usize].clone());
        (link.state, parent, link.by)
    }
}

fn base(id: u128) -> VhdBuilder {
    VhdBuilder::dynamic(SIZE).block_size(64 << 10).id(id)
}

fn child(id: u128, parent: u128, path: &str) -> VhdBuilder {
    VhdBuilder::differencing(SIZE)
        .block_size(64 << 10)
        .id(id)
        .parent(parent, path)
        .locator(Locator::relative(path))
}

fn ok(parent: &str, by: ResolvedBy) -> (LinkState, Option<String>, Option<ResolvedBy>) {
    (LinkState::Ok, Some(parent.to_owned()), Some(by))
}

#[test]
fn a_plain_store_is_a_tree_in_the_order_of_paths() {
    let store = Store::new();
    store
        .put("base.vhd", &base(1).write(3, &[1; 512 * 5]))
        .put(
            "b.avhd",
            &child(2, 1, r".\base.vhd").write(1, &[2; 512 * 3]),
        )
        .put("a.avhd", &child(3, 1, r".\base.vhd"))
        .put("sub/dir/c.avhd", &child(4, 2, r"..\..\b.avhd"))
        .put_bytes("notes.txt", &[b'x'; 4000])
        .put_bytes("c.vhdx.rct", b"x");
    let seen = store.scan();
    assert_eq!(
        seen.names(),
        ["a.avhd", "b.avhd", "base.vhd", "sub/dir/c.avhd"]
    );
    assert_eq!(seen.link("a.avhd"), ok("base.vhd", ResolvedBy::Relative));
    assert_eq!(
        seen.link("sub/dir/c.avhd"),
        ok("b.avhd", ResolvedBy::Relative)
    );
    assert_eq!(seen.forest.tops, [seen.id("base.vhd")]);
    assert_eq!(
        seen.node("base.vhd").children,
        [seen.id("a.avhd"), seen.id("b.avhd")]
    );
    assert_eq!(seen.node("sub/dir/c.avhd").depth, 2);
    let line: Vec<_> = seen.forest.line(seen.id("sub/dir/c.avhd")).collect();
    assert_eq!(line.len(), 3);
    assert_eq!(
        seen.disk("b.avhd").counts.as_ref().unwrap().dirty_sectors,
        3
    );
    for name in seen.names() {
        assert!(
            seen.codes(&name).is_empty(),
            "{name}: {:?}",
            seen.codes(&name)
        );
    }
    assert!(seen.forest.complete);
    assert_eq!(seen.forest.companions.len(), 1);
    assert_eq!(seen.forest.free_bytes.len(), 4);
    assert!(seen.forest.errors.is_empty());
}

#[test]
fn content_decides_and_names_only_promise() {
    let store = Store::new();
    store
        .put("old.bak", &base(1))
        .put(".hidden.img", &VhdBuilder::fixed(1 << 20).id(2))
        .put_bytes("text.vhd", &[b'x'; 5000])
        .put_bytes("short.avhdx", b"tiny")
        .put_bytes("empty.vhd", b"")
        .put_bytes("other.dat", &vec![7; 70_000]);
    let seen = store.scan();
    assert_eq!(
        seen.names(),
        [
            ".hidden.img",
            "empty.vhd",
            "old.bak",
            "short.avhdx",
            "text.vhd"
        ]
    );
    assert_eq!(seen.codes("text.vhd"), ["not-a-disk"]);
    assert_eq!(seen.codes("short.avhdx"), ["file-too-short"]);
    assert_eq!(seen.codes("empty.vhd"), ["file-too-short"]);
    assert!(seen.disk("text.vhd").header.is_none());
    assert!(seen.disk("old.bak").header.is_some());
}

#[test]
fn a_missing_parent_tells_what_was_tried() {
    let store = Store::new();
    let orphan = child(2, 9, r"..\gone\base.vhd").locator(Locator::absolute(r"D:\VMs\base.vhd"));
    store.put("a/b/child.vhd", &orphan);
    let seen = store.scan();
    assert_eq!(seen.link("a/b/child.vhd"), (LinkState::Missing, None, None));
    assert_eq!(seen.codes("a/b/child.vhd"), ["parent-missing"]);
    let tried: Vec<_> = seen
        .node("a/b/child.vhd")
        .parent
        .as_ref()
        .unwrap()
        .tried
        .iter()
        .map(|tried| (tried.by, tried.outcome))
        .collect();
    assert_eq!(
        tried,
        [
            (ResolvedBy::Relative, "no such file"),
            (ResolvedBy::SameFolder, "no such file"),
            (ResolvedBy::Absolute, "no map for it"),
            (ResolvedBy::Id, "no disk has it"),
        ]
    );
}

#[test]
fn a_parent_is_found_in_the_folder_through_a_map_and_by_id() {
    let store = Store::new();
    store
        .put("vm/Base.VHD", &base(1))
        .put("vm/near.vhd", &child(2, 1, r"C:\elsewhere\base.vhd"))
        .put(
            "far/mapped.vhd",
            &child(3, 1, "x").locator(Locator::absolute(r"D:\VMs\base.vhd")),
        )
        .put("far/moved.vhd", &child(4, 1, r".\renamed.vhd"));
    let mut options = store.options();
    options.maps.push(PathMap {
        from: r"d:\vms".into(),
        to: store.root().join("far/../vm"),
    });
    let seen = store.scan_as(&options);
    assert_eq!(
        seen.link("vm/near.vhd"),
        ok("vm/Base.VHD", ResolvedBy::SameFolder)
    );
    assert_eq!(
        seen.link("far/mapped.vhd"),
        ok("vm/Base.VHD", ResolvedBy::Absolute)
    );
    assert_eq!(
        seen.link("far/moved.vhd"),
        ok("vm/Base.VHD", ResolvedBy::Id)
    );
    // Whoever follows paths alone does not find it.
    assert_eq!(seen.codes("far/moved.vhd"), ["parent-by-id-only"]);
}

#[test]
fn two_parents_with_the_wanted_id_are_a_choice_and_a_child_without_a_path_is_told() {
    let store = Store::new();
    let no_path = VhdBuilder::differencing(SIZE).id(2).parent(1, "");
    store
        .put("a/base.vhd", &base(1))
        .put("vm/nameless.vhd", &no_path)
        .put("vm/moved.vhd", &child(3, 1, r".\gone.vhd"));
    assert_eq!(
        store.scan().codes("vm/nameless.vhd"),
        ["parent-path-not-stored"]
    );
    store.put("b/copy.vhd", &base(1));
    let seen = store.scan();
    assert_eq!(
        seen.codes("vm/moved.vhd"),
        ["parent-one-of-several", "parent-by-id-only"]
    );
    assert_eq!(seen.link("vm/moved.vhd"), ok("a/base.vhd", ResolvedBy::Id));
}

#[test]
fn a_parent_root_is_searched_by_id() {
    let store = Store::new();
    store
        .put("golden/deep/renamed.vhd", &base(1))
        .put("golden/other.vhd", &base(9))
        .put("golden/mid.vhd", &child(2, 1, r".\lost.vhd"))
        .put("vms/child.vhd", &child(3, 2, r".\gone.vhd"));
    let mut options = store.options();
    options.roots = vec![store.root().join("vms")];
    assert_eq!(
        store.scan_as(&options).link("vms/child.vhd").0,
        LinkState::Missing
    );
    options.parent_roots = vec![store.root().join("golden")];
    let seen = store.scan_as(&options);
    assert_eq!(
        seen.link("vms/child.vhd"),
        ok("golden/mid.vhd", ResolvedBy::Id)
    );
    assert_eq!(
        seen.link("golden/mid.vhd"),
        ok("golden/deep/renamed.vhd", ResolvedBy::Id)
    );
    assert_eq!(
        seen.forest.disks.len(),
        3,
        "only what is somebody's parent: {:?}",
        seen.names()
    );
}

#[test]
fn a_replaced_parent_is_a_mismatch_and_the_id_beats_the_name() {
    let store = Store::new();
    store
        .put("one/base.vhd", &base(8))
        .put("one/child.vhd", &child(2, 1, r".\base.vhd"));
    let seen = store.scan();
    assert_eq!(seen.link("one/child.vhd").0, LinkState::IdMismatch);
    assert_eq!(seen.codes("one/child.vhd"), ["parent-id-mismatch"]);
    assert_eq!(seen.node("one/base.vhd").children.len(), 1);
    assert_eq!(seen.forest.parent_of(seen.id("one/child.vhd")), None);
    store.put("two/original.vhd", &base(1));
    let seen = store.scan();
    assert_eq!(
        seen.link("one/child.vhd"),
        ok("two/original.vhd", ResolvedBy::Id)
    );
    assert_eq!(seen.codes("one/child.vhd"), ["locator-finds-other-file"]);
}

#[test]
fn cycles_of_one_two_and_three_end_and_are_named() {
    let store = Store::new();
    store
        .put("self.vhd", &child(1, 1, r".\self.vhd"))
        .put("a.vhd", &child(2, 3, r".\b.vhd"))
        .put("b.vhd", &child(3, 2, r".\a.vhd"))
        .put("x.vhd", &child(4, 5, r".\y.vhd"))
        .put("y.vhd", &child(5, 6, r".\z.vhd"))
        .put("z.vhd", &child(6, 4, r".\x.vhd"))
        .put("tail.vhd", &child(7, 4, r".\x.vhd"));
    let seen = store.scan();
    for (name, next) in [
        ("self.vhd", "self.vhd"),
        ("a.vhd", "b.vhd"),
        ("b.vhd", "a.vhd"),
        ("z.vhd", "x.vhd"),
    ] {
        let (state, parent, _) = seen.link(name);
        assert_eq!((state, parent.as_deref()), (LinkState::Cycle, Some(next)));
        assert_eq!(seen.codes(name), ["parent-cycle"], "{name}");
    }
    assert_eq!(seen.link("tail.vhd"), ok("x.vhd", ResolvedBy::Relative));
    assert_eq!(seen.node("tail.vhd").depth, 1);
    assert_eq!(seen.forest.tops.len(), 6);
}

#[test]
fn two_disks_with_one_id_name_each_other() {
    let store = Store::new();
    store
        .put("base.vhd", &base(1))
        .put("backup/base.vhd", &base(1))
        .put("child.vhd", &child(2, 1, r".\base.vhd"));
    let seen = store.scan();
    assert_eq!(seen.codes("base.vhd"), ["duplicate-id"]);
    assert_eq!(seen.codes("backup/base.vhd"), ["duplicate-id"]);
    assert_eq!(seen.link("child.vhd"), ok("base.vhd", ResolvedBy::Relative));
    assert!(seen.node("base.vhd").findings[0].text.contains("backup"));
}

#[test]
fn sixty_disks_deep_is_one_remark_at_the_end() {
    let store = Store::new();
    store.put("d000.vhd", &base(100));
    for level in 1..60_u128 {
        let parent = format!(r".\d{:03}.vhd", level - 1);
        store.put(
            &format!("d{level:03}.vhd"),
            &child(100 + level, 99 + level, &parent),
        );
    }
    let seen = store.scan();
    assert_eq!(seen.node("d059.vhd").depth, 59);
    assert_eq!(seen.codes("d059.vhd"), ["chain-deep"]);
    assert!(seen.codes("d030.vhd").is_empty());
    assert_eq!(seen.forest.line(seen.id("d059.vhd")).count(), 60);
}

#[test]
fn other_sizes_are_remarked() {
    let store = Store::new();
    store
        .put("base.vhd", &VhdBuilder::dynamic(2 * SIZE).id(1))
        .put("child.vhd", &child(2, 1, r".\base.vhd"));
    assert_eq!(store.scan().codes("child.vhd"), ["parent-enlarged"]);
    store.put("base.vhd", &VhdBuilder::dynamic(SIZE / 2).id(1));
    assert_eq!(store.scan().codes("child.vhd"), ["child-enlarged"]);
    // XCP-ng enlarges a disk above its snapshots.
    store.put(
        "base.vhd",
        &VhdBuilder::dynamic(SIZE / 2).by_xenserver().id(1),
    );
    assert!(store.scan().codes("child.vhd").is_empty());
    store.put(
        "base.vhd",
        &VhdBuilder::dynamic(2 * SIZE).by_xenserver().id(1),
    );
    assert_eq!(store.scan().codes("child.vhd"), ["parent-size-differs"]);
}

#[test]
fn parents_outside_the_roots_stay_shut_unless_allowed() {
    let store = Store::new();
    store
        .put("golden/base.vhd", &base(1))
        .put("golden/mid.vhd", &child(2, 1, r".\base.vhd"))
        .put("vms/child.vhd", &child(3, 2, r"..\golden\mid.vhd"));
    let mut options = store.options();
    options.roots = vec![store.root().join("vms")];
    let seen = store.scan_as(&options);
    assert_eq!(seen.link("vms/child.vhd").0, LinkState::OutsideRoots);
    assert_eq!(seen.codes("vms/child.vhd"), ["parent-outside-roots"]);
    assert_eq!(seen.names().len(), 1);
    options.parent_roots = vec![store.root().join("golden")];
    let forest = scan(&options, &Job::default(), &mut |_| {}).unwrap();
    let leaf = forest
        .ids()
        .find(|id| forest.disk(*id).unwrap().path.ends_with("child.vhd"))
        .unwrap();
    assert_eq!(forest.line(leaf).count(), 3);
}

#[test]
fn a_raw_parent_is_taken_as_raw() {
    let store = Store::new();
    let raw = VhdBuilder::differencing(1 << 20)
        .id(2)
        .by_xenserver()
        .parent(0, "raw.img")
        .locator(Locator::url("file://./raw.img"));
    store
        .put("child.vhd", &raw)
        .put_bytes("raw.img", &vec![7; 1 << 20]);
    let seen = store.scan();
    assert_eq!(seen.forest.disks.len(), 2, "{:?}", seen.names());
    let link = seen.node("child.vhd").parent.as_ref().unwrap();
    assert_eq!(
        (link.state, link.by),
        (LinkState::Ok, Some(ResolvedBy::Relative))
    );
    let parent = seen.forest.disk(link.disk.unwrap()).unwrap();
    assert_eq!(parent.header.as_ref().unwrap().virtual_size, 1 << 20);
}

#[test]
fn names_with_escape_codes_are_kept_as_they_are() {
    let store = Store::new();
    store.put("child.vhd", &child(2, 1, ".\\\u{1b}[31mred\u{202e}.vhd"));
    let seen = store.scan();
    assert_eq!(seen.codes("child.vhd"), ["parent-missing"]);
    assert!(seen.node("child.vhd").findings[0].text.contains('\u{1b}'));
}

#[cfg(unix)]
#[test]
fn a_fifo_and_a_folder_named_like_disks_are_rows() {
    let store = Store::new();
    std::fs::create_dir(store.root().join("dir.vhd")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(store.root().join("pipe.vhd"))
        .status();
    assert!(made.unwrap().success());
    let seen = store.scan();
    assert_eq!(seen.codes("dir.vhd"), ["not-a-regular-file"]);
    assert_eq!(seen.codes("pipe.vhd"), ["not-a-regular-file"]);
}

#[cfg(unix)]
#[test]
fn a_file_without_permission_is_a_row_with_the_reason() {
    use std::os::unix::fs::PermissionsExt;
    let store = Store::new();
    store
        .put("secret.vhd", &base(1))
        .put("child.vhd", &child(2, 1, r".\secret.vhd"));
    let path = store.root().join("secret.vhd");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o0)).unwrap();
    if std::fs::File::open(&path).is_ok() {
        println!("skipped: this user may read everything");
        return;
    }
    let seen = store.scan();
    assert_eq!(seen.codes("secret.vhd"), ["disk-denied"]);
    assert_eq!(seen.link("child.vhd").0, LinkState::Unreadable);
}

#[cfg(unix)]
#[test]
fn one_file_under_two_names_is_listed_once_and_found_by_both() {
    let store = Store::new();
    store
        .put("a/base.vhd", &base(1))
        .put("z/child.vhd", &child(2, 1, r".\twin.vhd"))
        .put("y/child.vhd", &child(3, 1, r".\link.vhd"));
    std::fs::hard_link(
        store.root().join("a/base.vhd"),
        store.root().join("z/twin.vhd"),
    )
    .unwrap();
    std::os::unix::fs::symlink("../a/base.vhd", store.root().join("y/link.vhd")).unwrap();
    let seen = store.scan();
    assert_eq!(seen.names(), ["a/base.vhd", "y/child.vhd", "z/child.vhd"]);
    assert_eq!(
        seen.codes("a/base.vhd"),
        ["same-file-twice", "same-file-twice"]
    );
    assert_eq!(
        seen.link("z/child.vhd"),
        ok("a/base.vhd", ResolvedBy::Relative)
    );
    assert_eq!(
        seen.link("y/child.vhd"),
        ok("a/base.vhd", ResolvedBy::Relative)
    );
}

#[test]
fn one_disk_is_read_again_in_place() {
    let store = Store::new();
    store
        .put("base.vhd", &base(1))
        .put("child.vhd", &child(2, 9, r".\base.vhd"));
    let seen = store.scan();
    assert_eq!(seen.link("child.vhd").0, LinkState::IdMismatch);
    store.put("child.vhd", &child(2, 1, r".\base.vhd"));
    let again = rescan(
        &seen.forest,
        seen.id("child.vhd"),
        &store.options(),
        &Job::default(),
    )
    .unwrap();
    assert_eq!(
        again.parent_of(seen.id("child.vhd")),
        Some(seen.id("base.vhd"))
    );
    std::fs::remove_file(store.root().join("base.vhd")).unwrap();
    let gone = rescan(
        &again,
        seen.id("base.vhd"),
        &store.options(),
        &Job::default(),
    )
    .unwrap();
    assert_eq!(
        gone.disks[seen.id("base.vhd").0 as usize].findings[0]
            .code
            .id,
        "file-unreadable"
    );
    assert_eq!(gone.disks.len(), 2);
}

#[test]
fn a_cancelled_scan_keeps_what_it_has() {
    let store = Store::new();
    for n in 0..40_u128 {
        store.put(&format!("d{n}.vhd"), &base(n + 1));
    }
    let job = Job::default();
    job.cancel.cancel();
    let forest = scan(&store.options(), &job, &mut |_| {}).unwrap();
    assert!(!forest.complete);
    assert!(forest.disks.len() < 40);
}

/// Files whose reads are counted, and whose facts may change as they are looked at.
#[derive(Debug, Default)]
struct Watched {
    inner: SystemFiles,
    reads: Arc<ReadCounts>,
    opened: AtomicU64,
    /// From so many looks on, lengths differ with every look.
    restless: bool,
    looks: AtomicU64,
}

impl Watched {
    fn disturb(&self, facts: &mut FileFacts) {
        if self.restless {
            facts.len += self.looks.fetch_add(1, Ordering::Relaxed) * 512;
        }
    }
}

impl Files for Watched {
    fn open(&self, path: &Path) -> io::Result<Opened> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let source = crate::source::FileSource::open(path)?;
        let mut facts = self.inner.facts(path)?;
        self.disturb(&mut facts);
        Ok(Opened {
            source: Arc::new(CountedSource::new(source, Arc::clone(&self.reads))),
            facts,
        })
    }

    fn facts(&self, path: &Path) -> io::Result<FileFacts> {
        let mut facts = self.inner.facts(path)?;
        self.disturb(&mut facts);
        Ok(facts)
    }
}

#[test]
fn a_disk_costs_few_reads() {
    let store = Store::new();
    store.put("base.vhd", &base(1).write(0, &vec![1; 512 * 300]));
    for n in 2..22_u128 {
        let disk = child(n, 1, r".\base.vhd").write(u64::try_from(n).unwrap() * 131, &[1; 512 * 3]);
        store.put(&format!("c{n}.vhd"), &disk);
    }
    let files = Watched::default();
    let forest = scan_with(&store.options(), &files, &Job::default(), &mut |_| {}).unwrap();
    assert_eq!(forest.disks.len(), 21);
    assert_eq!(files.opened.load(Ordering::Relaxed), 21);
    let reads = files.reads.reads();
    assert!(reads <= 8 * 21, "{reads} reads for 21 disks");
}

#[test]
fn a_file_that_never_holds_still_is_live() {
    let store = Store::new();
    store.put("base.vhd", &base(1));
    let files = Watched {
        restless: true,
        ..Watched::default()
    };
    let forest = scan_with(&store.options(), &files, &Job::default(), &mut |_| {}).unwrap();
    assert_eq!(forest.disks[0].liveness, Liveness::Live);
    assert_eq!(
        forest.disks[0].findings.last().unwrap().code.id,
        "file-changing"
    );
    assert_eq!(files.opened.load(Ordering::Relaxed), 2);
}

/// Files that end sooner than the file system said when they were opened.
#[derive(Debug, Default)]
struct Shrinking(SystemFiles);

impl Files for Shrinking {
    fn open(&self, path: &Path) -> io::Result<Opened> {
        let facts = self.0.facts(path)?;
        let bytes = std::fs::read(path)?;
        let source = Arc::new(Shrunk {
            claimed: facts.len,
            left: crate::source::MemorySource(bytes[..bytes.len() / 3].to_vec()),
        });
        Ok(Opened { source, facts })
    }

    fn facts(&self, path: &Path) -> io::Result<FileFacts> {
        let mut facts = self.0.facts(path)?;
        facts.len /= 3;
        Ok(facts)
    }
}

#[derive(Debug)]
struct Shrunk {
    claimed: u64,
    left: crate::source::MemorySource,
}

impl crate::source::Source for Shrunk {
    fn len(&self) -> u64 {
        self.claimed
    }

    fn read_exact_at(&self, buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        self.left.read_exact_at(buf, offset_bytes)
    }
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_a_live_row() {
    let store = Store::new();
    store.put("base.vhd", &base(1).write(0, &vec![1; 512 * 300]));
    let options = store.options();
    let forest = scan_with(
        &options,
        &Shrinking::default(),
        &Job::default(),
        &mut |_| {},
    )
    .unwrap();
    let disk = &forest.disks[0];
    assert_eq!(disk.liveness, Liveness::Live);
    let codes: Vec<_> = disk
        .findings
        .iter()
        .map(|finding| finding.code.id)
        .collect();
    assert!(codes.contains(&"file-changing"), "{codes:?}");
    assert!(forest.complete);
}
