//! Scans of real folders with built disks.

mod links;
mod reads;
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
struct ScannedFolder(tempfile::TempDir);

impl ScannedFolder {
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
    let store = ScannedFolder::new();
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
    let store = ScannedFolder::new();
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
fn names_with_escape_codes_are_kept_as_they_are() {
    let store = ScannedFolder::new();
    store.put("child.vhd", &child(2, 1, ".\\\u{1b}[31mred\u{202e}.vhd"));
    let seen = store.scan();
    assert_eq!(seen.codes("child.vhd"), ["parent-missing"]);
    assert!(seen.node("child.vhd").findings[0].text.contains('\u{1b}'));
}

#[cfg(unix)]
#[test]
fn a_fifo_and_a_folder_named_like_disks_are_rows() {
    let store = ScannedFolder::new();
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
    let store = ScannedFolder::new();
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
    let store = ScannedFolder::new();
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
    let store = ScannedFolder::new();
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
    let store = ScannedFolder::new();
    for n in 0..40_u128 {
        store.put(&format!("d{n}.vhd"), &base(n + 1));
    }
    let job = Job::default();
    job.cancel.cancel();
    let forest = scan(&store.options(), &job, &mut |_| {}).unwrap();
    assert!(!forest.complete);
    assert!(forest.disks.len() < 40);
}
