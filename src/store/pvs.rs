//! Citrix Provisioning: versions of a disk, `NAME.vhdx`, `NAME.N.avhdx` on it, `NAME.N.vhdx` for a merged base, and the
//! manifest `NAME.xml` that lists them. A server keeps a lock (`.lok`) and properties (`.pvp`) beside them.
//!
//! Target devices stream a version and throw away what they write, so that there is no question of reverts. What the fields
//! mean: `Get-PvsDiskVersion` of the product's PowerShell SDK.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use roxmltree::{Document, Node, ParsingOptions};

use super::host::limits;
use super::names::has_extension;
use super::winpath::WinPath;
use super::{Disk, DiskId, Forest, Product};
use crate::finding::Finding;
use crate::format::encoding::decode;
use crate::image::Kind;
use crate::source::{Source, read_up_to};

crate::catalogue! {
    PVS_MANIFEST = "pvs-manifest-unreadable", Warning, "the manifest of a disk's versions cannot be read",
        why: "Which versions the disk has, and which of them target devices use, is not known.",
        action: "Export the manifest again in the Provisioning console, or take it from another server.";
    PVS_MISSING = "pvs-version-missing", Error, "a version's file is not there",
        why: "The manifest lists the version; it cannot be used, nor any later one up to the next base.",
        action: "Copy the file from another server of the store, or replicate the disk again.";
    PVS_DISAGREES = "pvs-manifest-disagrees", Warning, "the file is not as the manifest has it",
        why: "Manifest and file are of different times or servers, or the file was replaced.",
        action: "Compare with the other servers of the store and replicate the disk again.";
    PVS_UNLISTED = "pvs-version-unlisted", Warning, "the manifest lists no version with this file",
        why: "The version was deleted and its file left behind, or the manifest beside it is older than the file.",
        action: "Compare the manifest with that of another server before the file is removed.";
    PVS_MERGING = "pvs-merging", Warning, "versions are being merged",
        why: "The new file is complete only when the merge ends and the manifest says so.",
        action: "Let the merge finish, or delete the version in the console if it was broken off.";
    PVS_COPIES = "pvs-copies-differ", Warning, "another copy of the manifest lists other versions",
        why: "Servers that serve one disk must hold the same versions; a target device gets what its server has.",
        action: "Look at the disk's replication status in the console, and copy what is missing.";
}

/// The longest manifest that is read, in bytes: it has some hundred bytes a version.
const MANIFEST_MAX: usize = 1 << 20;
/// Versions that are read at most; the console warns from a few on.
const VERSIONS_MAX: usize = 4096;

/// What a manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manifest {
    path: PathBuf,
    versions: Vec<Version>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    number: u32,
    kind: Option<u32>,
    access: Option<u32>,
    description: String,
    /// Its file's name, in the manifest's folder.
    file: String,
    size: Option<u64>,
    is_deleted_when_free: bool,
}

impl Version {
    /// A disk of its own: the first base, or a merged one.
    fn is_base(&self) -> Option<bool> {
        self.kind.map(|kind| matches!(kind, 0 | 4))
    }

    fn access(&self) -> Option<&'static str> {
        match self.access? {
            0 | 3 => Some("production"),
            1 | 2 => Some("maintenance"),
            4..=6 => Some("being merged"),
            7 => Some("test"),
            _ => None,
        }
    }

    fn is_merging(&self) -> bool {
        matches!(self.access, Some(4..=6))
    }

    /// Nothing is written to it any more.
    fn is_final(&self) -> bool {
        matches!(self.access, Some(0 | 3))
    }

    fn label(&self, series: &str) -> String {
        let mut label = format!("{series}, version {}", self.number);
        if self.is_base() == Some(true) {
            label.push_str(if self.number == 0 {
                " (base)"
            } else {
                " (merged base)"
            });
        }
        if let Some(access) = self.access() {
            label = format!("{label}, {access}");
        }
        if !self.description.is_empty() {
            label = format!("{label}: {}", self.description);
        }
        if self.is_deleted_when_free {
            label.push_str(" (deleted when free)");
        }
        label
    }
}

/// Reads a candidate; `None` if it is no manifest.
pub(super) fn read(path: &Path, source: &dyn Source) -> Option<Result<Manifest, Finding>> {
    let head = read_up_to(source, 0, 4096).ok()?;
    if !has_extension(path, "xml") || !decode(&head).text.contains("<versionManifest") {
        return None;
    }
    let fault = |why: String| Err(Finding::new(&PVS_MANIFEST, format!("{why}.")));
    let bytes = match read_up_to(source, 0, MANIFEST_MAX.saturating_add(1)) {
        Ok(bytes) if bytes.len() <= MANIFEST_MAX => bytes,
        Ok(_) => return Some(fault(format!("It has more than {MANIFEST_MAX} bytes"))),
        Err(error) => return Some(fault(format!("It could not be read: {error}"))),
    };
    let text = decode(&bytes).text;
    if let Err(error) = limits::check_settings(&text) {
        return Some(fault(error.to_string()));
    }
    let options = ParsingOptions::default();
    let document = match Document::parse_with_options(text.trim_start_matches('\u{feff}'), options)
    {
        Ok(document) => document,
        Err(error) => return Some(fault(format!("The XML cannot be read to its end: {error}"))),
    };
    let root = document.root_element();
    let versions = children(root, "version")
        .chain(children(root, "versions").flat_map(|all| children(all, "version")));
    let versions = versions.take(VERSIONS_MAX).filter_map(version).collect();
    Some(Ok(Manifest {
        path: path.to_path_buf(),
        versions,
    }))
}

fn children<'a, 'input>(
    of: Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    of.children()
        .filter(move |node| node.tag_name().name().eq_ignore_ascii_case(name))
}

fn version(of: Node<'_, '_>) -> Option<Version> {
    let text = |name| children(of, name).next().and_then(|node| node.text());
    let text = |name| text(name).map(str::trim).filter(|text| !text.is_empty());
    let number = |name| text(name).and_then(|text| text.parse::<u32>().ok());
    let file = WinPath::parse(text("diskFileName")?)
        .file_name()?
        .to_owned();
    Some(Version {
        number: number("versionNumber")?,
        kind: number("type"),
        access: number("access"),
        description: text("description").unwrap_or_default().to_owned(),
        file,
        size: text("size").and_then(|text| text.parse().ok()),
        is_deleted_when_free: matches!(text("deleteWhenFree"), Some("1" | "true" | "True")),
    })
}

/// The name of a series and the number of the version, of `NAME.N.avhdx` and the like.
fn numbered(path: &Path) -> Option<(String, u32)> {
    let stem = path.file_stem()?.to_str()?;
    let (series, number) = stem.rsplit_once('.')?;
    let is_number =
        !number.is_empty() && number.len() <= 5 && number.bytes().all(|of| of.is_ascii_digit());
    (is_number && !series.is_empty())
        .then(|| Some((series.to_lowercase(), number.parse().ok()?)))?
}

/// Whether a disk is a version that stands on another, by its name: nobody else numbers such disks.
pub(super) fn is_version(path: &Path) -> bool {
    let is_above = has_extension(path, "avhd") || has_extension(path, "avhdx");
    is_above && numbered(path).is_some()
}

type BesideName = (PathBuf, String);

fn place(path: &Path) -> Option<BesideName> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    Some((path.parent()?.to_path_buf(), name))
}

/// The name of the series that a manifest or a disk is of, beside its folder.
fn series(path: &Path) -> Option<BesideName> {
    let stem = || Some(path.file_stem()?.to_string_lossy().to_lowercase());
    let series = numbered(path).map(|(series, _)| series).or_else(stem)?;
    Some((path.parent()?.to_path_buf(), series))
}

/// Gives disks their product and the names of their versions, and holds manifests against files and each other.
pub(super) fn join(forest: &mut Forest, manifests: &[Manifest]) {
    let beside = forest.companions.iter().map(|(path, _)| path);
    let beside = beside.filter(|path| has_extension(path, "pvp") || has_extension(path, "lok"));
    // `NAME.vhdx.lok` as well as `NAME.lok`.
    let stems = |path: &PathBuf| {
        let bare = path.with_extension("");
        [place(&bare), place(&bare.with_extension(""))]
    };
    let locked: HashSet<BesideName> = beside.flat_map(stems).flatten().collect();
    if manifests.is_empty() && locked.is_empty() {
        return;
    }
    let mut disks: HashMap<BesideName, DiskId> = HashMap::new();
    let mut all: Vec<DiskId> = Vec::new();
    for (id, disk) in forest.ids().zip(&forest.disks) {
        let Some(own) = place(&disk.path) else {
            continue;
        };
        if place(&disk.path.with_extension("")).is_some_and(|bare| locked.contains(&bare)) {
            all.push(id);
        }
        disks.insert(own, id);
    }
    let mut listed: HashSet<DiskId> = HashSet::new();
    for manifest in manifests {
        let own = manifest.join(forest, &disks);
        listed.extend(&own);
        all.extend(own);
    }
    unlisted(forest, manifests, &listed);
    copies(forest, manifests);
    take(forest, &all);
}

impl Manifest {
    /// The disks it lists.
    fn join(&self, forest: &mut Forest, disks: &HashMap<BesideName, DiskId>) -> Vec<DiskId> {
        let series = self.path.file_stem().unwrap_or_default().to_string_lossy();
        let mut found = Vec::new();
        for version in &self.versions {
            let of = disks.get(&(
                self.path
                    .parent()
                    .map(Path::to_path_buf)
                    .unwrap_or_default(),
                version.file.to_lowercase(),
            ));
            let Some(id) = of.copied() else {
                let text = format!(
                    "Version {}, {}, is not in the store.",
                    version.number, version.file
                );
                let finding = Finding::new(&PVS_MISSING, text);
                forest.side_findings.push((self.path.clone(), finding));
                continue;
            };
            found.push(id);
            let mut findings: Vec<Finding> = Vec::new();
            if let Some(text) = forest.disk(id).and_then(|disk| differences(version, disk)) {
                findings.push(Finding::new(&PVS_DISAGREES, text));
            }
            if version.is_merging() {
                let text = format!("The manifest says so of version {}.", version.number);
                findings.push(Finding::new(&PVS_MERGING, text));
            }
            if let Some(node) = forest.nodes.get_mut(id.0 as usize) {
                node.label = Some(version.label(&series).into());
                node.findings.extend(findings);
            }
        }
        found
    }
}

fn differences(version: &Version, disk: &Disk) -> Option<String> {
    let mut all = Vec::new();
    let is_own = disk
        .header
        .as_ref()
        .map(|header| header.kind != Kind::Differencing);
    if let (Some(listed), Some(here)) = (version.is_base(), is_own)
        && listed != here
    {
        let word = |is_base| {
            if is_base {
                "a base"
            } else {
                "a disk on another"
            }
        };
        all.push(format!("listed as {}, here {}", word(listed), word(here)));
    }
    if let Some(size) = version.size
        && version.is_final()
        && size != disk.file.len
    {
        all.push(format!("listed with {size} bytes, here {}", disk.file.len));
    }
    let number = version.number;
    (!all.is_empty()).then(|| format!("Version {number}: {}.", all.join("; ")))
}

/// Disks named as versions of a series whose manifest lists them not.
fn unlisted(forest: &mut Forest, manifests: &[Manifest], listed: &HashSet<DiskId>) {
    let known: HashMap<BesideName, &Manifest> = manifests
        .iter()
        .filter_map(|of| Some((place(&of.path.with_extension(""))?, of)))
        .collect();
    let ids: Vec<DiskId> = forest.ids().filter(|id| !listed.contains(id)).collect();
    for id in ids {
        let path = forest.disk(id).map(|disk| disk.path.clone());
        let Some(of) = path.and_then(|path| known.get(&series(&path)?)) else {
            continue;
        };
        let name = of.path.file_name().unwrap_or_default().to_string_lossy();
        let text = format!("It is in no version of {name}.");
        if let Some(node) = forest.nodes.get_mut(id.0 as usize) {
            node.findings.push(Finding::new(&PVS_UNLISTED, text));
        }
    }
}

/// Manifests of one name in several folders: copies of one disk on several servers.
fn copies(forest: &mut Forest, manifests: &[Manifest]) {
    let mut by_name: HashMap<String, Vec<&Manifest>> = HashMap::new();
    for of in manifests {
        if let Some((_, name)) = place(&of.path) {
            by_name.entry(name).or_default().push(of);
        }
    }
    let mut all = Vec::new();
    for alike in by_name.values() {
        let Some(newest) = alike.iter().max_by_key(|of| (of.last(), of.versions.len())) else {
            continue;
        };
        for of in alike {
            let (more, fewer) = (of.beyond(newest), newest.beyond(of));
            if more.is_empty() && fewer.is_empty() {
                continue;
            }
            let side = |numbers: Vec<String>, where_from: &str| {
                let numbers = numbers.join(", ");
                (!numbers.is_empty()).then(|| format!("only {where_from}: {numbers}"))
            };
            let there = newest.path.display().to_string();
            let sides = [side(more, "here"), side(fewer, &format!("in {there}"))];
            let sides: Vec<String> = sides.into_iter().flatten().collect();
            let text = format!("Versions {}.", sides.join("; "));
            all.push((of.path.clone(), Finding::new(&PVS_COPIES, text)));
        }
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    forest.side_findings.extend(all);
}

impl Manifest {
    /// Numbers of the versions that another one has not, or under another file.
    fn beyond(&self, other: &Self) -> Vec<String> {
        let key = |of: &Version| (of.number, of.file.to_lowercase());
        let known: HashSet<_> = other.versions.iter().map(key).collect();
        let own = self.versions.iter().filter(|of| !known.contains(&key(of)));
        own.map(|of| of.number.to_string()).collect()
    }

    fn last(&self) -> u32 {
        self.versions.iter().map(|of| of.number).max().unwrap_or(0)
    }
}

/// Marks these disks, and all that hang together with them, as the product's.
fn take(forest: &mut Forest, of: &[DiskId]) {
    let bases = of.iter().filter_map(|id| forest.line(*id).last());
    let mut open: Vec<DiskId> = bases.collect();
    while let Some(id) = open.pop() {
        if let Some(node) = forest.nodes.get_mut(id.0 as usize)
            && node.product != Product::CitrixPvs
        {
            node.product = Product::CitrixPvs;
            open.extend(&node.children);
        }
    }
}
