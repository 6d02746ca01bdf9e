//! What changed between two scans of one store.
//!
//! Disks are told again by their ids, so a store that was moved or copied in between is the same store. A snapshot's disk with
//! another disk on it than before shows a revert, whatever the dates of the files say.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::analysis::assessment::{AssessedSnapshot, Assessment};
use crate::analysis::rules::Reverted;
use crate::analysis::then::in_place_of;
use crate::finding::{Code, Severity};
use crate::store::earlier::{DiskMarks, EarlierMatch, EarlierScan};
use crate::store::{Disk, DiskId, DiskUse, Forest, LinkState};
use crate::text::{file_name, size};

/// What kind of change, the weightiest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum ChangedWhat {
    /// Another disk stands on a snapshot's disk.
    MadeAgain,
    /// Another verdict on a snapshot.
    Verdict,
    /// A finding came or went.
    Finding,
    /// Another parent, or another state of the link to it.
    Parent,
    /// A disk is not there any more.
    Gone,
    /// A disk was not there before.
    Appeared,
    /// A snapshot came or went.
    Snapshot,
    /// A disk lies elsewhere.
    Moved,
    /// The size the guest sees.
    VirtualSize,
    /// The size of the file.
    Size,
}

crate::worded!(ChangedWhat);

/// What was there, or is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub enum ChangedValue {
    /// A path, name, word or code.
    Text(String),
    Bytes(u64),
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreChange {
    pub what: ChangedWhat,
    /// The disk; where it is gone, where it was.
    pub path: PathBuf,
    pub before: Option<ChangedValue>,
    pub after: Option<ChangedValue>,
    /// Somebody should look at it.
    pub worse: bool,
    /// One sentence; may hold text from disks, not escaped.
    pub text: String,
}

/// A store as it was read, with its verdicts.
#[derive(Debug, Clone, Copy)]
pub struct JudgedForest<'a> {
    pub forest: &'a Forest,
    pub assessment: &'a Assessment,
}

/// What changed, the weightiest first, then by path.
pub fn changes(old: JudgedForest<'_>, new: JudgedForest<'_>) -> Vec<StoreChange> {
    let scan = Arc::new(EarlierScan::of(old.forest));
    let mut comparison = ScanComparison {
        old,
        new,
        earlier: EarlierMatch::of(scan, new.forest),
        replaced: BTreeSet::new(),
        changes: Vec::new(),
    };
    comparison.made_again();
    for id in new.forest.ids() {
        match comparison.then(id) {
            Some(then) => comparison.pair(then, id),
            None => comparison.appeared(id),
        }
    }
    comparison.gone();
    let mut changes = comparison.changes;
    changes.sort_by(|a, b| (a.what, &a.path).cmp(&(b.what, &b.path)));
    changes
}

struct ScanComparison<'a> {
    old: JudgedForest<'a>,
    new: JudgedForest<'a>,
    earlier: EarlierMatch,
    /// Disks, by path then and now, that `made-again` tells of.
    replaced: BTreeSet<PathBuf>,
    changes: Vec<StoreChange>,
}

fn word(text: impl Into<String>) -> ChangedValue {
    ChangedValue::Text(text.into())
}

fn bytes(before: u64, after: u64) -> (Option<ChangedValue>, Option<ChangedValue>) {
    let [before, after] = [before, after].map(|bytes| Some(ChangedValue::Bytes(bytes)));
    (before, after)
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "one side of a change, which may lack it"
)]
fn shown(path: &Path) -> Option<ChangedValue> {
    Some(word(path.display().to_string()))
}

impl ScanComparison<'_> {
    fn then(&self, now: DiskId) -> Option<DiskId> {
        let then = self.earlier.then(now.0 as usize)?;
        u32::try_from(then).ok().map(DiskId)
    }

    fn now(&self, then: DiskId) -> Option<DiskId> {
        let now = self.earlier.now(then.0 as usize)?;
        u32::try_from(now).ok().map(DiskId)
    }

    fn add(
        &mut self,
        (what, worse): (ChangedWhat, bool),
        path: &Path,
        (before, after): (Option<ChangedValue>, Option<ChangedValue>),
        text: impl Into<String>,
    ) {
        let path = path.to_path_buf();
        let text = text.into();
        self.changes.push(StoreChange {
            what,
            path,
            before,
            after,
            worse,
            text,
        });
    }

    /// Disks that took the place of others on a snapshot's disk.
    fn made_again(&mut self) {
        let forest = self.new.forest;
        for frozen in forest.ids() {
            let Some(above) = self.new_child(frozen) else {
                continue;
            };
            let Some(found) = in_place_of(forest, &self.earlier, (frozen, above)) else {
                continue;
            };
            let gone = self.earlier.scan.disks.get(found.then);
            let Some((gone, now)) = gone.zip(forest.disk(above)) else {
                continue;
            };
            let gone = gone.path.clone();
            let below = forest.disk(frozen).map(|disk| file_name(&disk.path));
            let below = below.unwrap_or_default();
            let was = file_name(&gone);
            let text = if found.proves {
                format!(
                    "It stands on {below} now, and {was} is gone: the machine was reverted to the snapshot in between."
                )
            } else {
                format!(
                    "It stands on {below} now, and {was} is gone: the machine was reverted in between, or {was} was merged and another snapshot taken."
                )
            };
            let path = now.path.clone();
            self.replaced.extend([gone.clone(), path.clone()]);
            let change = (ChangedWhat::MadeAgain, true);
            self.add(change, &path, (shown(&gone), shown(&path)), text);
        }
    }

    /// The disk on this one that was not there before; of several the one in use, else the one that holds most.
    fn new_child(&self, frozen: DiskId) -> Option<DiskId> {
        let forest = self.new.forest;
        let children = forest.node(frozen)?.children.iter().copied();
        let new = children.filter(|child| {
            forest.parent_of(*child) == Some(frozen) && self.then(*child).is_none()
        });
        new.max_by_key(|child| {
            let is_used = forest
                .node(*child)
                .is_some_and(|node| !node.in_use_by.is_empty());
            (is_used, forest.disk(*child).and_then(Disk::dirty_bytes))
        })
    }

    fn appeared(&mut self, id: DiskId) {
        let forest = self.new.forest;
        let Some(disk) = forest.disk(id) else { return };
        if !self.replaced.contains(&disk.path) {
            let on = forest.parent_of(id).and_then(|parent| forest.disk(parent));
            let words = match on {
                Some(on) => format!("It is new, on {}.", file_name(&on.path)),
                None => "It is new.".to_owned(),
            };
            self.add(
                (ChangedWhat::Appeared, false),
                &disk.path,
                (None, shown(&disk.path)),
                words,
            );
        }
        for code in codes(self.new.forest, id) {
            self.finding(&disk.path, code, true);
        }
    }

    fn gone(&mut self) {
        let forest = self.old.forest;
        let gone: Vec<DiskId> = forest.ids().filter(|id| self.now(*id).is_none()).collect();
        for id in gone {
            let Some(disk) = forest
                .disk(id)
                .filter(|disk| !self.replaced.contains(&disk.path))
            else {
                continue;
            };
            let user = self.still_used_by(id);
            let text = match &user {
                Some(machine) => format!("It is not there any more, and {machine} uses it."),
                None => "It is not there any more.".to_owned(),
            };
            let change = (ChangedWhat::Gone, user.is_some());
            self.add(change, &disk.path, (shown(&disk.path), None), text);
        }
    }

    /// The machine that used a disk of then and still names one of its file name, which is not there.
    fn still_used_by(&self, then: DiskId) -> Option<String> {
        let (old, new) = (self.old.forest, self.new.forest);
        let name = file_name(&old.disk(then)?.path);
        let users = old.node(then)?.in_use_by.iter();
        let mut users = users.filter_map(|id| old.machine(*id));
        users.find_map(|user| {
            let mut now = new
                .machines
                .iter()
                .filter(|machine| machine.name == user.name);
            let names = |used: &DiskUse| {
                let last = used.path.rsplit(['\\', '/']).next();
                used.disk.is_none() && last == Some(name.as_str())
            };
            let is_missing = now.any(|machine| machine.disks.iter().flatten().any(names));
            is_missing.then(|| user.name.clone())
        })
    }

    /// One disk, then and now.
    fn pair(&mut self, then: DiskId, now: DiskId) {
        let (old, new) = (self.old.forest, self.new.forest);
        let (Some(was), Some(is)) = (old.disk(then), new.disk(now)) else {
            return;
        };
        let marks = |forest, disk| DiskMarks::of(forest, disk).below_root;
        // A scan that does not say where it began can only be compared by whole paths.
        if marks(old, was) != marks(new, is) && was.path != is.path {
            let text = format!("It was {} before.", was.path.display());
            let values = (shown(&was.path), shown(&is.path));
            self.add((ChangedWhat::Moved, false), &is.path, values, text);
        }
        let sizes = |disk: &Disk| disk.header.as_ref().map(|header| header.virtual_size);
        if let (Some(before), Some(after)) = (sizes(was), sizes(is))
            && before != after
        {
            let text = format!(
                "The guest sees {} now, and saw {}.",
                size(after),
                size(before)
            );
            let values = bytes(before, after);
            self.add((ChangedWhat::VirtualSize, false), &is.path, values, text);
        }
        if was.file.len != is.file.len {
            let (before, after) = (was.file.len, is.file.len);
            let way = if after > before { "grew" } else { "shrank" };
            let text = format!("It {way} from {} to {}.", size(before), size(after));
            let values = bytes(before, after);
            self.add((ChangedWhat::Size, false), &is.path, values, text);
        }
        self.parent(then, now, &is.path);
        let (before, after) = (codes(old, then), codes(new, now));
        for code in after.iter().filter(|code| !before.contains(*code)) {
            self.finding(&is.path, code, true);
        }
        for code in before.iter().filter(|code| !after.contains(*code)) {
            self.finding(&is.path, code, false);
        }
        self.snapshots(then, now, &is.path);
    }

    fn finding(&mut self, path: &Path, code: &'static Code, came: bool) {
        let change = (
            ChangedWhat::Finding,
            came && code.severity >= Severity::Warning,
        );
        let value = Some(word(code.id));
        let (values, word) = if came {
            ((None, value), "New")
        } else {
            ((value, None), "No more")
        };
        self.add(change, path, values, format!("{word}: {}.", code.title));
    }

    fn parent(&mut self, then: DiskId, now: DiskId, path: &Path) {
        let (old, new) = (self.old.forest, self.new.forest);
        let link = |forest: &Forest, id| {
            let link = forest.node(id)?.parent.as_ref()?;
            Some((link.state, link.disk))
        };
        let (before, after) = (link(old, then), link(new, now));
        let same = match (before, after) {
            (None, None) => true,
            (Some((was, Some(old))), Some((is, Some(new)))) => {
                was == is && self.then(new) == Some(old)
            }
            (Some((was, None)), Some((is, None))) => was == is,
            _ => false,
        };
        if same {
            return;
        }
        let value = |forest: &Forest, link: Option<(LinkState, Option<DiskId>)>| {
            let (state, disk) = link?;
            match disk.and_then(|id| forest.disk(id)) {
                Some(disk) if state == LinkState::Ok => shown(&disk.path),
                _ => Some(word(state.word())),
            }
        };
        let is_sound = |link: Option<(LinkState, Option<DiskId>)>| {
            link.is_none_or(|(state, _)| !state.is_fault())
        };
        let values = (value(old, before), value(new, after));
        let shown = |value: &Option<ChangedValue>| match value {
            Some(ChangedValue::Text(text)) => text.clone(),
            _ => "none".to_owned(),
        };
        let text = format!(
            "Its parent is {} now, and was {}.",
            shown(&values.1),
            shown(&values.0)
        );
        let worse = is_sound(before) && !is_sound(after);
        self.add((ChangedWhat::Parent, worse), path, values, text);
    }

    /// Snapshots of one disk, and their verdicts.
    fn snapshots(&mut self, then: DiskId, now: DiskId, path: &Path) {
        let (old, new) = (self.old, self.new);
        let mut before: HashMap<SnapshotName, &AssessedSnapshot> = on_disk(old, then)
            .map(|of| (name(old.forest, of), of))
            .collect();
        for of in on_disk(new, now) {
            let name = name(new.forest, of);
            let (is, label) = (of.verdict.reverted, name.label());
            match before.remove(&name) {
                Some(was) if was.verdict.reverted != is => {
                    let was = was.verdict.reverted;
                    let text = format!(
                        "Reverted to {label}: {} now, and {} before. {}",
                        is.word(),
                        was.word(),
                        of.verdict.summary
                    );
                    let values = (Some(word(was.word())), Some(word(is.word())));
                    self.add(
                        (ChangedWhat::Verdict, is_worse(was, is)),
                        path,
                        values,
                        text,
                    );
                }
                Some(_) => {}
                None if name == SnapshotName::None => {}
                None => {
                    let text = format!("Snapshot {label} is new. {}", of.verdict.summary);
                    let values = (None, Some(word(label)));
                    let worse = is <= Reverted::Likely;
                    self.add((ChangedWhat::Snapshot, worse), path, values, text);
                }
            }
        }
        let gone = before
            .into_keys()
            .filter(|name| *name != SnapshotName::None);
        for label in gone.map(|name| name.label()).collect::<BTreeSet<_>>() {
            let text = format!("Snapshot {label} is gone.");
            self.add(
                (ChangedWhat::Snapshot, false),
                path,
                (Some(word(label)), None),
                text,
            );
        }
    }
}

fn is_worse(was: Reverted, is: Reverted) -> bool {
    is < was && is <= Reverted::CannotTell
}

/// By what a snapshot of a disk is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum SnapshotName {
    Id(String),
    Name(String),
    None,
}

impl SnapshotName {
    fn label(&self) -> String {
        match self {
            Self::Id(text) | Self::Name(text) => format!("\"{text}\""),
            Self::None => "the snapshot of this disk".to_owned(),
        }
    }
}

fn name(forest: &Forest, of: &AssessedSnapshot) -> SnapshotName {
    let Some(known) = of.snapshot.and_then(|id| forest.snapshot(id)) else {
        return SnapshotName::None;
    };
    match (&known.name, &known.id) {
        (Some(name), _) => SnapshotName::Name(name.clone()),
        (None, Some(id)) => SnapshotName::Id(id.clone()),
        (None, None) => SnapshotName::None,
    }
}

fn on_disk(of: JudgedForest<'_>, id: DiskId) -> impl Iterator<Item = &AssessedSnapshot> {
    let disk = of.assessment.disk(id).into_iter();
    let at = disk.flat_map(|disk| disk.snapshots.iter());
    at.filter_map(|at| of.assessment.snapshots.get(*at))
}

/// Codes of what was found in a disk and its links: those are saved with a scan.
fn codes(forest: &Forest, id: DiskId) -> Vec<&'static Code> {
    let own = forest.disk(id).map_or(&[][..], |disk| &disk.findings);
    let links = forest.node(id).map_or(&[][..], |node| &node.findings);
    let mut codes: Vec<&'static Code> = Vec::new();
    for finding in own.iter().chain(links) {
        if !codes.contains(&finding.code) {
            codes.push(finding.code);
        }
    }
    codes
}
