//! Changes that wait for their order, in as little memory as they take: a volume may have half a million.

use std::cmp::Reverse;

use crate::analysis::files::noise::Interest;
use crate::cli::args::FilesSort;
use crate::guest::filesystem::{Change, ChangeKind, FileId, FileKind, FileVersion, GuestTime};

/// A change, without what most have none of.
#[derive(Debug)]
pub(super) struct KeptChange {
    interest: Interest,
    number: u32,
    kind: ChangeKind,
    file: FileKind,
    id: FileId,
    path: Box<str>,
    before: Option<FileVersion>,
    after: Option<FileVersion>,
    written_bytes: u64,
    more: Option<Box<More>>,
}

#[derive(Debug)]
struct More {
    old_path: Option<String>,
    links: Vec<String>,
    streams: Vec<String>,
}

impl KeptChange {
    pub(super) fn new(change: Change) -> Self {
        let has_more =
            change.old_path.is_some() || !change.links.is_empty() || !change.streams.is_empty();
        Self {
            interest: Interest::of(&change),
            number: change.number,
            kind: change.kind,
            file: change.file,
            id: change.id,
            path: change.path.unwrap_or_default().into_boxed_str(),
            before: change.before,
            after: change.after,
            written_bytes: change.written_bytes,
            more: has_more.then(|| {
                Box::new(More {
                    old_path: change.old_path,
                    links: change.links,
                    streams: change.streams,
                })
            }),
        }
    }

    pub(super) fn change(&self) -> Change {
        let more = self.more.as_ref();
        Change {
            number: self.number,
            kind: self.kind,
            file: self.file,
            id: self.id,
            path: Some(self.path.to_string()),
            old_path: more.and_then(|more| more.old_path.clone()),
            before: self.before,
            after: self.after,
            written_bytes: self.written_bytes,
            links: more.map_or_else(Vec::new, |more| more.links.clone()),
            streams: more.map_or_else(Vec::new, |more| more.streams.clone()),
        }
    }

    fn version(&self) -> Option<FileVersion> {
        self.after.or(self.before)
    }

    fn bytes(&self) -> u64 {
        self.version()
            .and_then(|version| version.bytes)
            .unwrap_or(0)
    }

    /// Nanoseconds; a guest's local time is taken as if it were universal, for an order needs no more.
    fn modified(&self) -> Option<i128> {
        match self.version()?.modified? {
            GuestTime::Utc(at) => Some(at.as_nanosecond()),
            GuestTime::Local(at) => {
                let at = at.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
                Some(at.timestamp().as_nanosecond())
            }
        }
    }
}

fn folded(path: &str) -> impl Iterator<Item = char> + '_ {
    path.chars().flat_map(char::to_lowercase)
}

/// Puts changes in order; what is alike, by path.
pub(super) fn order(changes: &mut [KeptChange], by: Option<FilesSort>) {
    changes.sort_unstable_by(|one, other| {
        let first = match by {
            None => one.interest.cmp(&other.interest),
            Some(FilesSort::Path) => one.path.cmp(&other.path),
            Some(FilesSort::Size) => Reverse(one.bytes()).cmp(&Reverse(other.bytes())),
            Some(FilesSort::Written) => {
                Reverse(one.written_bytes).cmp(&Reverse(other.written_bytes))
            }
            Some(FilesSort::Modified) => Reverse(one.modified()).cmp(&Reverse(other.modified())),
        };
        let by_path = || folded(&one.path).cmp(folded(&other.path));
        first.then_with(by_path).then(one.number.cmp(&other.number))
    });
}
