//! ext and XFS volumes: made by their own tools, and two whose machine stopped amid its work.
//!
//! `ext4-live` and `xfs-crashed` were written by Linux' own drivers: 12 and 20 MiB, the state when they were unmounted,
//! then the state in which the machine stopped, when what had been done lay in the journal only. The trees beside them are
//! what the same drivers showed after their own recovery: path, kind, bytes, last write in nanoseconds, CRC-32 of the
//! content, target of a link.

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use vhdtree::guest::content::{ContentPiece, read_content};
use vhdtree::guest::extents::Extents;
use vhdtree::guest::filesystem::{FileKind, FileSystem, GuestTime, OwnerClass, VolumeState};
use vhdtree::guest::probe::probe;
use vhdtree::guest::volume::Volume;
use vhdtree::guest::walk::{TreeStep, walk};
use vhdtree::job::Job;
use vhdtree::source::MemorySource;

use super::chains::{behind_mbr, content, expected, has, hold, is_same, tool};

const LINUX: u8 = 0x83;
/// `mke2fs -d` keeps whole seconds.
const SECOND: i128 = 1_000_000_000;

/// What was done to both between the two states.
pub const CHANGES: &str = "created /fresh
    created /fresh/in.txt
    created /fresh/last.txt
    created /home/user0/docs/new0.txt
    created /home/user1/docs/new1.txt
    created /home/user2/docs/new2.txt
    created /new-link
    deleted /home/user0/docs/note05.txt
    deleted /many/entry-with-a-name-0101
    deleted /many/entry-with-a-name-0102
    deleted /many/entry-with-a-name-0103
    deleted /many/entry-with-a-name-0104
    deleted /many/entry-with-a-name-0105
    deleted /many/entry-with-a-name-0106
    deleted /many/entry-with-a-name-0107
    deleted /many/entry-with-a-name-0108
    deleted /many/entry-with-a-name-0109
    deleted /many/entry-with-a-name-0110
    linked /frag2-too
    metadata /many/entry-with-a-name-0100
    modified /frag1
    modified /home/user4/docs/note03.txt
    modified /home/user4/docs/note04.txt
    modified /home/user5/docs/note09.txt
    modified /many/entry-with-a-name-0200
    renamed /home/renamed (was /home/user3)
    renamed /home/user1/docs/was06.txt (was /home/user1/docs/note06.txt)
    renamed /moved.txt (was /home/user2/docs/note07.txt)
    replaced /home/user5/docs/note08.txt
    unlinked /hard";

pub fn unpacked(name: &str) -> Option<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/guest");
    let mut zstd = Command::new("zstd");
    let Ok(output) = zstd.arg("-dqc").arg(folder.join(name)).output() else {
        println!("skipped: zstd");
        return None;
    };
    assert!(output.status.success(), "{name}");
    Some(output.stdout)
}

/// The two states of a fixture.
pub fn states(name: &str) -> Option<[Vec<u8>; 2]> {
    let both = unpacked(&format!("{name}.zst"))?;
    let (before, after) = both.split_at(both.len() / 2);
    Some([before.to_vec(), after.to_vec()])
}

pub fn open(bytes: &[u8]) -> Volume {
    let source = Arc::new(MemorySource(bytes.to_vec()));
    let kind = probe(&*source).unwrap();
    Volume::open(source, kind)
}

/// One line a file: path, kind, bytes, last write, checksum, target.
pub fn tree(fs: &dyn FileSystem) -> BTreeSet<String> {
    let job = Job::default();
    let mut lines = BTreeSet::new();
    let whole = walk(fs, fs.root(), "", &job, &mut |step| {
        let TreeStep::Entry { path, entry } = step else {
            panic!("{step:?}");
        };
        let file = fs.file(entry.id).unwrap();
        let mut sum = crc32fast::Hasher::new();
        if file.kind == FileKind::File {
            read_content(fs, entry.id, "", &job, &mut |piece| {
                match piece {
                    ContentPiece::Bytes(bytes) => sum.update(bytes),
                    ContentPiece::Zeros(count) => {
                        sum.update(&vec![0; usize::try_from(count).unwrap()]);
                    }
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        }
        let modified = match file.modified {
            Some(GuestTime::Utc(time)) => time.as_nanosecond(),
            _ => 0,
        };
        let target = file.target.unwrap_or_default();
        lines.insert(line(
            path,
            file.kind,
            file.bytes,
            modified,
            sum.finalize(),
            &target,
        ));
        ControlFlow::Continue(())
    });
    assert!(whole);
    lines
}

fn line(path: &str, kind: FileKind, bytes: u64, modified: i128, sum: u32, target: &str) -> String {
    let kind = kind.word();
    format!("{path} {kind} {bytes} {modified} {sum:08x} {target}")
}

/// A folder as [`tree`] would show it; times are cut to so many nanoseconds.
pub fn folder_tree(root: &Path, nanoseconds: i128) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for entry in walkdir::WalkDir::new(root).min_depth(1) {
        let entry = entry.unwrap();
        let facts = entry.metadata().unwrap();
        let path = format!("/{}", entry.path().strip_prefix(root).unwrap().display());
        let modified = i128::from(facts.mtime()) * SECOND + i128::from(facts.mtime_nsec());
        let modified = modified - modified % nanoseconds;
        let (kind, bytes, sum, target) = if facts.is_dir() {
            (FileKind::Directory, 0, 0, String::new())
        } else if facts.is_symlink() {
            let target = fs::read_link(entry.path()).unwrap();
            (FileKind::Link, facts.len(), 0, target.display().to_string())
        } else {
            let sum = crc32fast::hash(&fs::read(entry.path()).unwrap());
            (FileKind::File, facts.len(), sum, String::new())
        };
        lines.insert(line(&path, kind, bytes, modified, sum, &target));
    }
    lines
}

fn is_like_the_recovered_one(name: &str, bytes: &[u8]) {
    let Some(wanted) = unpacked(&format!("{name}.tree.zst")) else {
        return;
    };
    let wanted = String::from_utf8(wanted).unwrap();
    let wanted: BTreeSet<String> = wanted.lines().map(str::to_owned).collect();
    let volume = open(bytes);
    let fs = volume.file_system().unwrap();
    assert_eq!(fs.facts().state, VolumeState::Replayed, "{name}");
    let found = tree(fs);
    is_same(name, &found, &wanted);
}

/// Every byte of `of` has an owner.
pub fn all_are_owned(name: &str, bytes: &[u8], of: &Extents) {
    let volume = open(bytes);
    let fs = volume.file_system().unwrap();
    let mut owned = Vec::new();
    fs.owners(of, &Job::default(), &mut |part| {
        assert_ne!(part.class, OwnerClass::Unreadable);
        owned.push(part.bytes);
        ControlFlow::Continue(())
    })
    .unwrap();
    let bytes: u64 = owned.iter().map(|range| range.end - range.start).sum();
    let owned = Extents::collect(owned);
    assert_eq!(bytes, owned.bytes(), "{name}: owned twice");
    assert_eq!(of.without(&owned).iter().collect::<Vec<_>>(), [], "{name}");
}

#[test]
fn a_volume_whose_machine_stopped_is_read_as_its_driver_recovers_it() {
    for name in ["ext4-live", "xfs-crashed"] {
        let Some(states) = states(name) else {
            return;
        };
        is_like_the_recovered_one(name, &states[1]);
        hold(&states, &expected(CHANGES));
        hold(
            &states.each_ref().map(|state| behind_mbr(state, LINUX)),
            &expected(CHANGES),
        );
        for state in &states {
            all_are_owned(name, state, &Extents::of(0..state.len() as u64));
        }
    }
}

/// Lines of a tree, but for the last write.
pub fn without_time(lines: BTreeSet<String>) -> BTreeSet<String> {
    let cut = |line: String| {
        let mut words: Vec<&str> = line.split(' ').collect();
        words.remove(3);
        words.join(" ")
    };
    lines.into_iter().map(cut).collect()
}

/// A folder of files of many kinds and sizes.
pub fn sample_folder(root: &Path) {
    for folder in ["docs/deep/er", "many", "empty"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for number in 0..300_usize {
        let name = format!("many/a-name-that-fills-blocks-{number:04}");
        fs::write(root.join(name), vec![b'a'; number * 7 % 200]).unwrap();
    }
    let bytes: Vec<u8> = (0..300_000_u32)
        .map(|at| (at / 251).to_le_bytes()[0])
        .collect();
    fs::write(root.join("docs/検証用.txt"), &bytes[..15_000]).unwrap();
    fs::write(root.join("docs/deep/big"), &bytes).unwrap();
    fs::write(root.join("docs/deep/er/none"), b"").unwrap();
    fs::write(root.join("docs/changes"), b"before").unwrap();
    let sparse = fs::File::create(root.join("sparse")).unwrap();
    for at in [70_000, 200_000, 5_000_000] {
        std::os::unix::fs::FileExt::write_all_at(&sparse, &bytes[..9_000], at).unwrap();
    }
    for (name, target) in [("short", 9), ("edge", 59), ("longer", 60), ("longest", 900)] {
        std::os::unix::fs::symlink("t".repeat(target), root.join(name)).unwrap();
    }
}

pub fn image(folder: &Path, mebibytes: u64) -> PathBuf {
    let path = folder.join("volume.img");
    let file = fs::File::create(&path).unwrap();
    file.set_len(mebibytes << 20).unwrap();
    path
}

#[test]
fn every_layout_of_ext_is_read() {
    if !has("mke2fs") || !has("debugfs") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    sample_folder(&root);
    let wanted = folder_tree(&root, SECOND);
    let after = folder.path().join("after");
    fs::write(&after, b"after").unwrap();
    let layouts: [&[&str]; 10] = [
        &["-text2"],
        &["-text3", "-b1024"],
        &["-text4"],
        &["-text4", "-b1024", "-Ometa_bg,^resize_inode"],
        &["-text4", "-b1024", "-Obigalloc", "-C16384"],
        &["-text4", "-Oinline_data"],
        &["-text4", "-O^metadata_csum,^64bit,uninit_bg", "-I128"],
        &["-text4", "-O^filetype,^flex_bg,^extent,^64bit"],
        &["-text4", "-Olarge_dir,sparse_super2,ea_inode", "-b2048"],
        &["-text4", "-b65536"],
    ];
    for layout in layouts {
        let image = image(folder.path(), 48);
        let (image_name, root_name) = (image.to_str().unwrap(), root.to_str().unwrap());
        tool(
            "mke2fs",
            &[layout, &["-q", "-F", "-d", root_name, image_name]].concat(),
        );
        let before = content(&image);
        let volume = open(&before);
        let mut found = tree(volume.file_system().unwrap());
        found.retain(|line| !line.starts_with("/lost+found "));
        is_same(&format!("{layout:?}"), &found, &wanted);
        all_are_owned(
            &format!("{layout:?}"),
            &before,
            &Extents::of(0..before.len() as u64),
        );

        let write = format!("write {} docs/created", after.display());
        for request in [
            "rm many/a-name-that-fills-blocks-0003",
            "mkdir made",
            &write,
        ] {
            tool("debugfs", &["-w", "-R", request, image_name]);
        }
        let states = [before, content(&image)];
        let done = "created /docs/created
            created /made
            deleted /many/a-name-that-fills-blocks-0003";
        hold(&states, &expected(done));
    }
}

/// A folder in the words of `mkfs.xfs -p`.
fn prototype(root: &Path, text: &mut String, depth: usize) {
    use std::fmt::Write as _;
    let mut entries: Vec<_> = fs::read_dir(root).unwrap().map(Result::unwrap).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let (name, indent) = (name.to_str().unwrap(), " ".repeat(depth));
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            writeln!(text, "{indent}{name} d--755 0 0").unwrap();
            prototype(&entry.path(), text, depth + 1);
            writeln!(text, "{indent}$").unwrap();
        } else if kind.is_symlink() {
            let target = fs::read_link(entry.path()).unwrap();
            writeln!(text, "{indent}{name} l--777 0 0 {}", target.display()).unwrap();
        } else {
            writeln!(text, "{indent}{name} ---644 0 0 {}", entry.path().display()).unwrap();
        }
    }
}

/// Makes a volume of XFS with the files of a folder.
pub fn make_xfs(image: &Path, root: &Path, layout: &[&str]) {
    let mut text = "/bogus\n0 0\nd--755 0 0\n".to_owned();
    prototype(root, &mut text, 1);
    text.push_str("$\n");
    let described = image.with_extension("prototype");
    fs::write(&described, text).unwrap();
    let (image, described) = (image.to_str().unwrap(), described.to_str().unwrap());
    let from = ["-q", "-f", "-p", described, image];
    tool("mkfs.xfs", &[layout, &from].concat());
}

#[test]
fn every_layout_of_xfs_is_read() {
    if !has("mkfs.xfs") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    sample_folder(&root);
    // Targets that do not fit into an inode are written without their header by some versions.
    fs::remove_file(root.join("longest")).unwrap();
    // It gives every file the time at which it makes the volume.
    let wanted = without_time(folder_tree(&root, SECOND));
    let layouts: [&[&str]; 5] = [
        &[],
        &["-mrmapbt=1", "-inrext64=1"],
        &["-mbigtime=0", "-nsize=8192", "-isparse=0"],
        &["-bsize=2048", "-isize=1024"],
        &["-ssize=4096", "-dagcount=3"],
    ];
    for layout in layouts {
        let image = image(folder.path(), 320);
        make_xfs(&image, &root, layout);
        let bytes = content(&image);
        let volume = open(&bytes);
        let state = volume.file_system().unwrap().facts().state;
        assert_eq!(state, VolumeState::Clean, "{layout:?}");
        let found = without_time(tree(volume.file_system().unwrap()));
        is_same(&format!("{layout:?}"), &found, &wanted);
        all_are_owned(
            &format!("{layout:?}"),
            &bytes,
            &Extents::of(0..bytes.len() as u64),
        );
    }
}

#[test]
fn names_that_are_no_text_are_told_apart() {
    if !has("mke2fs") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    for name in [b"bad\xff".as_slice(), b"bad\xfe"] {
        fs::write(root.join(std::ffi::OsStr::from_bytes(name)), b"").unwrap();
    }
    let image = image(folder.path(), 4);
    let (image_name, root_name) = (image.to_str().unwrap(), root.to_str().unwrap());
    tool("mke2fs", &["-q", "-F", "-d", root_name, image_name]);
    let volume = open(&content(&image));
    let mut names = Vec::new();
    let fs = volume.file_system().unwrap();
    fs.list(fs.root(), &mut |entry| {
        names.push(entry.name);
        ControlFlow::Continue(())
    })
    .unwrap();
    names.sort();
    assert_eq!(names, ["bad\\xfe", "bad\\xff", "lost+found"]);
}
