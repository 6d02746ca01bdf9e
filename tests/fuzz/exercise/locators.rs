//! How a child names its parent: VHD's locators, VHDX's parent locator, and the Windows paths in both.

use std::path::{Path, PathBuf};

use vhdtree::format::parent::{PathKind, StoredPath};
use vhdtree::format::vhd::locator::{self, LOCATOR_BYTES, LocatorEntry, UrlStyle};
use vhdtree::format::vhdx;
use vhdtree::source::MemorySource;
use vhdtree::store::pathmatch::{Match, PathIndex};
use vhdtree::store::winpath::WinPath;

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    let utf16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let mut seeds = Vec::new();
    let paths = [
        r".\base.vhd",
        r"..\..\D:\a.vhd",
        r"\\?\Volume{11111111-2222-4333-8444-555555555555}\a\b.vhd",
        r"\\?\UNC\server\share\x.vhdx",
        r"\\.\PhysicalDrive0",
        r"D:\VMs\con.vhd",
        "file://localhost/Users/a%20b/c.vhd",
        "/mnt/a.vhd",
    ];
    for path in paths {
        for (code, data) in [
            (b"W2ru", utf16(path)),
            (b"Wi2k", path.as_bytes().to_vec()),
            (b"MacX", path.as_bytes().to_vec()),
        ] {
            let length = u32::try_from(data.len()).expect("short");
            let entry = [&code[..], &[0; 4], &length.to_be_bytes(), &[0; 12]].concat();
            seeds.push([&[0], &entry[..], &data].concat());
        }
        seeds.push([&[2], path.as_bytes()].concat());
    }
    let pairs = [
        ("parent_linkage", "{11111111-2222-4333-8444-555555555555}"),
        ("relative_path", r".\p.vhdx"),
        ("absolute_win32_path", r"D:\p.vhdx"),
    ];
    let mut item = [&vhdx::locator::TYPE_ID.to_bytes_le()[..], &[0, 0, 3, 0]].concat();
    let mut data = Vec::new();
    for (key, value) in pairs {
        let (key, value) = (utf16(key), utf16(value));
        let at = |more: usize| u32::try_from(20 + 36 + more).expect("short").to_le_bytes();
        item.extend(at(data.len()));
        item.extend(at(data.len() + key.len()));
        for part in [&key, &value] {
            item.extend(u16::try_from(part.len()).expect("short").to_le_bytes());
        }
        data.extend(key);
        data.extend(value);
    }
    seeds.push([&[1], &item[..], &data].concat());
    seeds
}

/// The first byte says what the others are: a VHD's entry and file, a VHDX's item, a path.
pub fn run(input: &[u8]) {
    let Some((what, bytes)) = input.split_first() else {
        return;
    };
    match what % 3 {
        0 => of_vhd(bytes),
        1 => of_vhdx(bytes),
        _ => path(&String::from_utf8_lossy(bytes)),
    }
}

fn of_vhd(bytes: &[u8]) {
    let Some((entry, file)) = bytes.split_at_checked(LOCATOR_BYTES) else {
        return;
    };
    let source = MemorySource(file.to_vec());
    let entry = LocatorEntry::parse(entry);
    for urls in [UrlStyle::Encoded, UrlStyle::Bare] {
        let mut findings = Vec::new();
        let read = locator::read(&source, &entry, 3, 512, urls, &mut findings)
            .expect("what lies inside the file can be read");
        if let Some(stored) = read {
            assert_eq!(stored.kind, locator::kind_of_path(&stored.text));
            check(&stored);
        }
    }
}

fn of_vhdx(item: &[u8]) {
    let mut findings = Vec::new();
    let parent = vhdx::locator::parse(item, 0, &mut findings);
    assert!(parent.id_wanted.is_none_or(|id| !id.is_nil()));
    let is_silent = findings.is_empty();
    assert!(
        !is_silent || parent.id_wanted.is_some() || parent.second_id_wanted.is_some(),
        "a locator without an id is told of"
    );
    for stored in &parent.paths {
        check(stored);
    }
}

fn check(stored: &StoredPath) {
    assert!(!stored.text.is_empty() && !stored.text.contains('\0'));
    locator::rank(stored);
    if stored.kind == PathKind::Relative && stored.text.starts_with('/') {
        assert!(!stored.field.starts_with('W'), "{stored:?}");
    }
    path(&stored.text);
}

/// A path never leads out of what it is put below.
fn path(text: &str) {
    let parsed = WinPath::parse(text);
    for name in &parsed.components {
        assert!(!name.is_empty() && name != ".", "{parsed:?}");
        assert!(!name.contains(['/', '\\']), "{parsed:?}");
    }
    let ups = parsed.components.iter().take_while(|name| *name == "..");
    let ups = ups.count();
    let is_up = |name: &String| name == "..";
    assert!(!parsed.components[ups..].iter().any(is_up), "{parsed:?}");
    if parsed.refusal().is_none() {
        let name = parsed.file_name().expect("what may be opened is a file");
        assert!(!name.contains(['\0', ':']), "{parsed:?}");
    }
    let folder = Path::new("/a/b/c");
    if let Some(joined) = parsed.joined(folder) {
        let kept: PathBuf = folder.iter().take(4 - ups.min(3)).collect();
        assert!(joined.starts_with(kept), "{text}");
    }
    for from in ["D:", r"D:\VMs", r"\\server\share", text] {
        if let Some(mapped) = parsed.mapped(&WinPath::parse(from), folder) {
            assert!(mapped.starts_with(folder), "{text}");
            assert!(mapped.iter().all(|name| name != ".."), "{text}");
        }
    }
    let files = ["/s/a/base.vhd", "/s/b/BASE.VHD", text];
    if let Match::Several(found) = PathIndex::new(files).find(&parsed) {
        let numbers = found.numbers();
        assert!(numbers.len() > 1 && numbers.iter().all(|at| (*at as usize) < files.len()));
    }
}
