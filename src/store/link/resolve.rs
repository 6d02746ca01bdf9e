//! One child's parent: by its stored paths in order, then by id.

use std::path::{Path, PathBuf};

use super::index::Index;
use super::places::{NoPlace, look_in_places};
use super::{Stage, WantedParent};
use crate::finding::Finding;
use crate::image::{Header, Kind, ParentRef};
use crate::store::gate::{Admission, Admit};
use crate::store::scan::Entry;
use crate::store::{DiskId, LinkState, Node, ParentLink, PathMap, ResolvedBy, Tried, codes};

/// What one child's search gives: its node with link and findings, and files to read before it is linked again.
#[derive(Debug, Default)]
pub(super) struct SearchResult {
    pub node: Node,
    pub wanted: Vec<WantedParent>,
}

/// How a candidate stands to what the child wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// The id is the one wanted.
    Right,
    /// Readable, and the id is another, or none is stored to compare.
    Wrong,
    /// No disk that could be read.
    Unreadable,
    Itself,
}

/// Candidates that did not do, kept in case nothing better comes.
#[derive(Debug, Default)]
struct SecondBest {
    by_name: Option<(DiskId, ResolvedBy, PathBuf)>,
    /// It could not be opened.
    closed: Option<(DiskId, ResolvedBy, PathBuf)>,
    unreadable: Option<(ResolvedBy, PathBuf)>,
    outside: Option<(ResolvedBy, PathBuf)>,
    itself: Option<(ResolvedBy, PathBuf)>,
}

pub(super) fn resolve(
    index: &Index<'_>,
    id: DiskId,
    entry: &Entry,
    maps: &[PathMap],
    gate: &dyn Admit,
    stage: Stage,
) -> SearchResult {
    let mut found = SearchResult::default();
    let Some(header) = &entry.disk.header else {
        return found;
    };
    let nothing_named = ParentRef::default();
    let parent = match (&header.parent, header.kind) {
        (Some(parent), _) => parent,
        (None, Kind::Differencing) => &nothing_named,
        (None, Kind::Fixed | Kind::Dynamic) => return found,
    };
    let mut search = Search {
        index,
        id,
        header,
        parent,
        gate,
        stage,
        tried: Vec::new(),
        second: SecondBest::default(),
        found: &mut found,
    };
    let link = search.run(entry, maps);
    found.node.parent = Some(link);
    found
}

struct Search<'a> {
    index: &'a Index<'a>,
    id: DiskId,
    header: &'a Header,
    parent: &'a ParentRef,
    gate: &'a dyn Admit,
    stage: Stage,
    tried: Vec<Tried>,
    second: SecondBest,
    found: &'a mut SearchResult,
}

impl Search<'_> {
    fn run(&mut self, entry: &Entry, maps: &[PathMap]) -> ParentLink {
        let found = look_in_places(self.parent, &entry.folder, maps, |place| {
            let (stored, why) = match &place.path {
                Ok(path) => {
                    let parent = self.at(path, place.by)?;
                    return Some((parent, path.clone(), place.by));
                }
                Err((stored, why)) => (stored, why),
            };
            let why = match why {
                NoPlace::NoMap => "no map for it",
                NoPlace::AboveRoot => "above the root",
                NoPlace::Refused(refusal) => {
                    let why = refusal.word();
                    let text = format!("The stored path {stored} is not followed: {why}.");
                    let finding = Finding::new(&codes::LOCATOR_REFUSED, text);
                    self.found.node.findings.push(finding);
                    why
                }
            };
            self.tried(place.by, stored.clone(), why);
            None
        });
        if let Some((parent, path, by)) = found {
            return self.linked(LinkState::Ok, Some(parent), Some(path), Some(by));
        }
        if let Some(parent) = self.by_id(entry) {
            let path = self
                .index
                .entry(parent)
                .map(|entry| entry.disk.path.clone());
            let finding = match &self.second.by_name {
                Some((other, _, _)) => self.stale(parent, *other),
                None => self.by_id_only(parent),
            };
            self.tell(finding);
            return self.linked(LinkState::Ok, Some(parent), path, Some(ResolvedBy::Id));
        }
        self.settle()
    }

    /// Looks at one path; the disk there if it is the right one.
    fn at(&mut self, path: &Path, by: ResolvedBy) -> Option<DiskId> {
        let shown = || path.to_string_lossy().into_owned();
        let mut candidates = self.index.at(path, Some(self.id));
        if candidates.is_empty() {
            if self.stage == Stage::Growing {
                self.tried(by, shown(), "not read yet");
                return None;
            }
            match self.gate.admit(path) {
                Admission::Open(real) => {
                    candidates = self.index.at(&real, None);
                    if candidates.is_empty() {
                        self.tried(by, shown(), "no disk");
                        self.want(real.clone());
                        self.second.unreadable.get_or_insert((by, real));
                        return None;
                    }
                }
                Admission::Missing => {
                    self.tried(by, shown(), "no such file");
                    return None;
                }
                Admission::Outside => {
                    self.tried(by, shown(), "outside the roots");
                    self.second.outside.get_or_insert((by, path.to_path_buf()));
                    return None;
                }
                Admission::Refused(_) => {
                    self.tried(by, shown(), "not to be opened");
                    self.second
                        .unreadable
                        .get_or_insert((by, path.to_path_buf()));
                    return None;
                }
            }
        }
        for candidate in candidates {
            let outcome = match self.fit(candidate) {
                Fit::Right => {
                    self.tried(by, shown(), "found");
                    return Some(candidate);
                }
                Fit::Wrong => {
                    self.second
                        .by_name
                        .get_or_insert((candidate, by, path.to_path_buf()));
                    "id differs"
                }
                Fit::Unreadable => {
                    if self.parent.raw {
                        self.want(path.to_path_buf());
                    }
                    let found = self.index.entry(candidate);
                    if found.is_some_and(|found| found.disk.is_locked()) {
                        self.second
                            .closed
                            .get_or_insert((candidate, by, path.to_path_buf()));
                    }
                    self.second
                        .unreadable
                        .get_or_insert((by, path.to_path_buf()));
                    "not readable"
                }
                Fit::Itself => {
                    if self.wants_own_id() {
                        self.second.itself.get_or_insert((by, path.to_path_buf()));
                    }
                    "the disk itself"
                }
            };
            self.tried(by, shown(), outcome);
        }
        None
    }

    fn want(&mut self, path: PathBuf) {
        self.found.wanted.push(WantedParent {
            path,
            raw: self.parent.raw.then_some(self.header.sector_size),
        });
    }

    fn wanted_ids(&self) -> impl Iterator<Item = uuid::Uuid> + use<> {
        [self.parent.id_wanted, self.parent.second_id_wanted]
            .into_iter()
            .flatten()
            .filter(|id| !id.is_nil())
    }

    fn wants_own_id(&self) -> bool {
        self.header
            .link_id()
            .is_some_and(|own| self.wanted_ids().any(|wanted| wanted == own))
    }

    fn fit(&self, candidate: DiskId) -> Fit {
        if candidate == self.id {
            return Fit::Itself;
        }
        let Some(header) = self.index.header(candidate) else {
            return Fit::Unreadable;
        };
        if self.parent.raw {
            // Raw content has no id; anything else of this name is not what the child was made on.
            return if header.is_raw() {
                Fit::Right
            } else {
                Fit::Wrong
            };
        }
        let is_right = header.is_same_format(self.header)
            && header
                .link_id()
                .is_some_and(|id| self.wanted_ids().any(|wanted| wanted == id));
        if is_right { Fit::Right } else { Fit::Wrong }
    }

    /// Of several disks with the id, one in the child's folder is nearest, else the first by path.
    fn by_id(&mut self, entry: &Entry) -> Option<DiskId> {
        for wanted in self.wanted_ids() {
            let shown = wanted.hyphenated().to_string();
            let others = || {
                self.index
                    .with_link_id(self.header.format, wanted)
                    .filter(|id| *id != self.id)
            };
            let near = others().find(|id| {
                self.index
                    .entry(*id)
                    .is_some_and(|other| other.folder == entry.folder)
            });
            if let Some(parent) = near.or_else(|| others().next()) {
                let several = others().count();
                if several > 1 {
                    let taken = self.name(parent);
                    let text =
                        format!("{several} disks have the id of its parent; {taken} was taken.");
                    let finding = Finding::new(&codes::PARENT_ONE_OF_SEVERAL, text);
                    self.tell(finding.values("one disk", format!("{several} disks")));
                }
                self.tried(ResolvedBy::Id, shown, "found");
                return Some(parent);
            }
            let outcome = if self.wants_own_id() {
                "the disk itself"
            } else {
                "no disk has it"
            };
            self.tried(ResolvedBy::Id, shown, outcome);
        }
        None
    }

    /// Nothing fits: the nearest miss is told.
    fn settle(&mut self) -> ParentLink {
        if self.wants_own_id() {
            let (by, path) = self
                .second
                .itself
                .take()
                .map_or((ResolvedBy::Id, None), |(by, path)| (by, Some(path)));
            return self.linked(LinkState::Cycle, Some(self.id), path, Some(by));
        }
        if let Some((closed, by, path)) = self.second.closed.take() {
            let text = format!("The parent {} could not be opened.", path.display());
            self.tell(Finding::new(&codes::PARENT_CLOSED, text));
            return self.linked(LinkState::Closed, Some(closed), Some(path), Some(by));
        }
        if let Some((other, by, path)) = self.second.by_name.take() {
            let finding = self.mismatch(other);
            self.tell(finding);
            return self.linked(LinkState::IdMismatch, Some(other), Some(path), Some(by));
        }
        if let Some((by, path)) = self.second.unreadable.take() {
            let text = format!("The parent {} cannot be read as a disk.", path.display());
            self.tell(Finding::new(&codes::PARENT_UNREADABLE, text));
            return self.linked(LinkState::Unreadable, None, Some(path), Some(by));
        }
        if let Some((by, path)) = self.second.outside.take() {
            let text = format!(
                "The parent's path {} lies outside the roots.",
                path.display()
            );
            self.tell(Finding::new(&codes::PARENT_OUTSIDE, text));
            return self.linked(LinkState::OutsideRoots, None, Some(path), Some(by));
        }
        let finding = self.missing();
        self.tell(finding);
        self.linked(LinkState::Missing, None, None, None)
    }

    fn missing(&self) -> Finding {
        let name = self.parent.paths.first().map(|path| path.text.as_str());
        let id = self.wanted_ids().next();
        let text = match (name, id) {
            (None, None) => {
                return Finding::new(
                    &codes::PARENT_NOT_NAMED,
                    "It is a differencing disk, and stores neither a path nor an id of its parent.",
                );
            }
            (Some(name), _) => format!("Its parent {name} is nowhere in the store."),
            (None, Some(id)) => {
                format!("Its parent, known only by the id {id}, is nowhere in the store.")
            }
        };
        let wanted = id.map(|id| id.to_string()).unwrap_or_default();
        Finding::new(&codes::PARENT_MISSING, text).values(wanted, "")
    }

    fn mismatch(&self, other: DiskId) -> Finding {
        let name = self.name(other);
        let actual = self.index.header(other).and_then(Header::link_id);
        let actual = actual.map(|id| id.to_string()).unwrap_or_default();
        let Some(wanted) = self.wanted_ids().next() else {
            let text =
                format!("The parent {name} was found by name; no id is stored to know it by.");
            return Finding::new(&codes::PARENT_ID_NOT_STORED, text).values("", actual);
        };
        let family = self.header.family_id();
        let is_family =
            family.is_some() && self.index.header(other).and_then(Header::family_id) == family;
        let finding = if is_family {
            let text = format!("The parent {name} was written after this disk was made.");
            Finding::new(&codes::PARENT_WRITTEN, text)
        } else {
            let text = format!("The file {name} has the parent's name, but not its id.");
            Finding::new(&codes::PARENT_ID_MISMATCH, text)
        };
        finding.values(wanted.to_string(), actual)
    }

    fn stale(&self, parent: DiskId, other: DiskId) -> Finding {
        let (parent, other) = (self.name(parent), self.name(other));
        let text = format!("The stored path leads to {other}; by its id the parent is {parent}.");
        Finding::new(&codes::LOCATOR_STALE, text).values(parent, other)
    }

    /// The parent's place is no stored path's.
    fn by_id_only(&self, parent: DiskId) -> Finding {
        let name = self.name(parent);
        let stored: Vec<&str> = self.parent.paths.iter().map(|path| &*path.text).collect();
        if stored.is_empty() {
            let text =
                format!("Its parent {name} was found by its id; the disk stores no path of it.");
            return Finding::new(&codes::PARENT_NO_PATH, text).values("", name);
        }
        let text =
            format!("Its parent {name} was found by its id only; no stored path leads to it.");
        Finding::new(&codes::PARENT_BY_ID, text).values(stored.join(", "), name)
    }

    /// A VHDX that knows its parent only by the id of a merge under way.
    fn by_second_id(&self, parent: DiskId) -> Option<Finding> {
        let id = self.index.header(parent).and_then(Header::link_id)?;
        let is_second =
            Some(id) == self.parent.second_id_wanted && Some(id) != self.parent.id_wanted;
        let wanted = self
            .parent
            .id_wanted
            .map_or_else(String::new, |id| id.to_string());
        let name = self.name(parent);
        is_second.then(|| {
            let text = format!("Its parent {name} has the id stored as parent_linkage2.");
            Finding::new(&codes::PARENT_SECOND_ID, text).values(wanted, id.to_string())
        })
    }

    fn name(&self, id: DiskId) -> String {
        self.index
            .entry(id)
            .map(|entry| entry.disk.path.to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    /// A finding that later files may make untrue is told only once all are in.
    fn tell(&mut self, finding: Finding) {
        if self.stage == Stage::Whole {
            self.found.node.findings.push(finding);
        }
    }

    fn tried(&mut self, by: ResolvedBy, what: String, outcome: &'static str) {
        // Most links are found in the first place tried, and all of them are kept.
        self.tried.reserve_exact(1);
        self.tried.push(Tried { by, what, outcome });
    }

    fn linked(
        &mut self,
        state: LinkState,
        disk: Option<DiskId>,
        resolved: Option<PathBuf>,
        by: Option<ResolvedBy>,
    ) -> ParentLink {
        if state == LinkState::Ok
            && let Some(finding) = disk.and_then(|parent| self.by_second_id(parent))
        {
            self.tell(finding);
        }
        ParentLink {
            state,
            disk,
            resolved,
            by,
            tried: std::mem::take(&mut self.tried),
        }
    }
}
