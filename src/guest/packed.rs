//! Changes that wait, in as little memory as they take: a volume may have half a million of them.

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::filesystem::{Change, ChangeKind, FileId, FileKind, FileVersion, GuestTime};

/// Bytes that are taken, and given back, at a time.
const CHUNK_BYTES: usize = 256 << 10;

/// Where a packed change lies. Those packed later lie behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackedAt {
    chunk: u32,
    at: u32,
}

/// Changes as bytes, some hundred KiB in each chunk.
#[derive(Debug, Default)]
pub struct PackedChanges {
    chunks: Vec<Vec<u8>>,
}

impl PackedChanges {
    pub fn push(&mut self, change: &Change) -> PackedAt {
        let full = self.chunks.last();
        if full.is_none_or(|chunk| chunk.len() >= CHUNK_BYTES) {
            self.chunks.push(Vec::with_capacity(CHUNK_BYTES));
        }
        let place = self.chunks.len().saturating_sub(1);
        let Some(chunk) = self.chunks.last_mut() else {
            return PackedAt { chunk: 0, at: 0 };
        };
        let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        let at = PackedAt {
            chunk: number(place),
            at: number(chunk.len()),
        };
        Packer(chunk).change(change);
        at
    }

    /// The change at a place that [`PackedChanges::push`] gave.
    pub fn get(&self, at: PackedAt) -> Change {
        self.unpacker(at).change()
    }

    /// The path of the change at a place; empty if it has none.
    pub fn path(&self, at: PackedAt) -> &str {
        self.unpacker(at).text()
    }

    /// Gives back the memory of changes that lie before a place; some of them may stay.
    pub fn forget_before(&mut self, at: PackedAt) {
        let gone = self.chunks.iter_mut().take(index(at.chunk));
        // Those forgotten earlier are empty.
        let gone = gone.rev().take_while(|chunk| chunk.capacity() > 0);
        gone.for_each(|chunk| *chunk = Vec::new());
    }

    fn unpacker(&self, at: PackedAt) -> Unpacker<'_> {
        let chunk = self.chunks.get(index(at.chunk));
        Unpacker(
            chunk
                .and_then(|chunk| chunk.get(index(at.at)..))
                .unwrap_or_default(),
        )
    }
}

fn index(of: u32) -> usize {
    usize::try_from(of).unwrap_or(usize::MAX)
}

/// What each number of a version's mark tells; the mark of the earlier version stands above that of the later one.
const HAS_VERSION: u64 = 1;
const HAS_BYTES: u64 = 2;
const IS_UTC: u64 = 4;
const IS_LOCAL: u64 = 8;
const MARK_BITS: u32 = 4;
const HAS_PATH: u64 = 1 << 8;
const HAS_OLD_PATH: u64 = 1 << 9;

struct Packer<'a>(&'a mut Vec<u8>);

impl Packer<'_> {
    fn change(mut self, change: &Change) {
        let mark = |version: Option<FileVersion>| {
            version.map_or(0, |version| {
                let bytes = version.bytes.map_or(0, |_| HAS_BYTES);
                let time = version.modified.map_or(0, |time| match time {
                    GuestTime::Utc(_) => IS_UTC,
                    GuestTime::Local(_) => IS_LOCAL,
                });
                HAS_VERSION | bytes | time
            })
        };
        let path = change.path.as_ref().map_or(0, |_| HAS_PATH);
        let old_path = change.old_path.as_ref().map_or(0, |_| HAS_OLD_PATH);
        let marks = mark(change.before) << MARK_BITS | mark(change.after);
        self.text(change.path.as_deref().unwrap_or_default());
        self.number(marks | path | old_path);
        self.0.push(change.kind as u8);
        self.0.push(change.file as u8);
        self.number(change.number.into());
        self.number(change.id.number);
        self.number(change.id.generation);
        self.number(change.written_bytes);
        for version in [change.before, change.after].into_iter().flatten() {
            self.version(&version);
        }
        if let Some(old) = &change.old_path {
            self.text(old);
        }
        for texts in [&change.links, &change.streams] {
            self.number(texts.len() as u64);
            for text in texts {
                self.text(text);
            }
        }
    }

    fn version(&mut self, version: &FileVersion) {
        if let Some(bytes) = version.bytes {
            self.number(bytes);
        }
        match version.modified {
            Some(GuestTime::Utc(at)) => {
                self.number(folded(at.as_second()));
                self.number(folded(at.subsec_nanosecond().into()));
            }
            Some(GuestTime::Local(at)) => {
                self.number(folded(at.year().into()));
                let small = [at.month(), at.day(), at.hour(), at.minute(), at.second()];
                for part in small {
                    self.number(folded(part.into()));
                }
                self.number(folded(at.subsec_nanosecond().into()));
            }
            None => {}
        }
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Seven bits in a byte, the lowest first; the highest bit says that more follow.
    fn number(&mut self, mut number: u64) {
        loop {
            let [low, ..] = number.to_le_bytes();
            number >>= 7;
            if number == 0 {
                self.0.push(low);
                return;
            }
            self.0.push(low | 0x80);
        }
    }
}

/// What [`Packer`] made, in its order.
struct Unpacker<'a>(&'a [u8]);

impl<'a> Unpacker<'a> {
    fn change(mut self) -> Change {
        const FILES: [FileKind; 4] = [
            FileKind::File,
            FileKind::Directory,
            FileKind::Link,
            FileKind::Special,
        ];
        let path = self.text();
        let marks = self.number();
        let has = |mark: u64| marks & mark != 0;
        let kind = ChangeKind::ALL.get(usize::from(self.byte()));
        let file = FILES.get(usize::from(self.byte()));
        Change {
            path: has(HAS_PATH).then(|| path.to_owned()),
            kind: kind.copied().unwrap_or(ChangeKind::Written),
            file: file.copied().unwrap_or(FileKind::Special),
            number: u32::try_from(self.number()).unwrap_or(u32::MAX),
            id: FileId {
                number: self.number(),
                generation: self.number(),
            },
            written_bytes: self.number(),
            before: self.version(marks >> MARK_BITS),
            after: self.version(marks),
            old_path: has(HAS_OLD_PATH).then(|| self.text().to_owned()),
            links: self.texts(),
            streams: self.texts(),
        }
    }

    fn version(&mut self, mark: u64) -> Option<FileVersion> {
        let has = |of: u64| mark & of != 0;
        has(HAS_VERSION).then(|| FileVersion {
            bytes: has(HAS_BYTES).then(|| self.number()),
            modified: if has(IS_UTC) {
                self.utc()
            } else if has(IS_LOCAL) {
                self.local()
            } else {
                None
            },
        })
    }

    fn utc(&mut self) -> Option<GuestTime> {
        let (second, nanosecond) = (unfolded(self.number()), self.small()?);
        Timestamp::new(second, nanosecond).ok().map(GuestTime::Utc)
    }

    fn local(&mut self) -> Option<GuestTime> {
        let year = self.small()?;
        let [month, day, hour, minute, second] = [(); 5].map(|()| self.small());
        let at = DateTime::new(year, month?, day?, hour?, minute?, second?, self.small()?);
        at.ok().map(GuestTime::Local)
    }

    fn small<T: TryFrom<i64>>(&mut self) -> Option<T> {
        T::try_from(unfolded(self.number())).ok()
    }

    fn texts(&mut self) -> Vec<String> {
        (0..self.number()).map(|_| self.text().to_owned()).collect()
    }

    fn text(&mut self) -> &'a str {
        let len = usize::try_from(self.number()).unwrap_or(usize::MAX);
        let (text, rest) = self.0.split_at_checked(len).unwrap_or_default();
        self.0 = rest;
        std::str::from_utf8(text).unwrap_or_default()
    }

    fn number(&mut self) -> u64 {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte();
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        number
    }

    fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *byte
    }
}

/// A number whose sign is its lowest bit: what is near zero is short.
fn folded(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

fn unfolded(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ (number & 1).cast_signed().wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes() -> Vec<Change> {
        let utc = |text: &str| Some(GuestTime::Utc(text.parse().unwrap()));
        let version = |bytes, modified| Some(FileVersion { bytes, modified });
        let plain = Change {
            number: 0,
            kind: ChangeKind::Created,
            file: FileKind::File,
            id: FileId {
                number: u64::MAX,
                generation: 0,
            },
            path: Some("/検証用.txt".to_owned()),
            old_path: None,
            before: None,
            after: version(Some(u64::MAX), utc("1601-01-01T00:00:00.0000001Z")),
            written_bytes: 127,
            links: Vec::new(),
            streams: Vec::new(),
        };
        let local = "2107-12-31T23:59:58".parse().unwrap();
        vec![
            plain.clone(),
            Change {
                number: u32::MAX,
                kind: ChangeKind::Written,
                file: FileKind::Special,
                path: None,
                before: version(None, Some(GuestTime::Local(local))),
                after: version(None, None),
                written_bytes: 128,
                ..plain.clone()
            },
            Change {
                kind: ChangeKind::Renamed,
                file: FileKind::Directory,
                path: Some(String::new()),
                old_path: Some("/".repeat(70_000)),
                before: version(Some(0), utc("9999-12-30T22:00:00.999999999Z")),
                links: vec!["/a".to_owned(), String::new()],
                streams: vec!["s".to_owned()],
                ..plain
            },
        ]
    }

    #[test]
    fn changes_come_back_as_they_were() {
        let mut packed = PackedChanges::default();
        let changes = changes();
        let places: Vec<_> = (0..30)
            .flat_map(|_| &changes)
            .map(|change| packed.push(change))
            .collect();
        assert!(packed.chunks.len() > 3 && places.is_sorted());
        for (place, change) in places.iter().zip(changes.iter().cycle()) {
            assert_eq!(packed.get(*place), *change);
            assert_eq!(packed.path(*place), change.path.as_deref().unwrap_or(""));
        }
        let last = *places.last().unwrap();
        packed.forget_before(places[40]);
        packed.forget_before(last);
        let kept = packed.chunks.iter().filter(|chunk| chunk.capacity() > 0);
        assert_eq!((kept.count(), packed.get(last)), (1, changes[2].clone()));
    }

    #[test]
    fn every_kind_has_its_number() {
        let numbers = ChangeKind::ALL.map(|kind| kind as usize);
        assert!(numbers.into_iter().eq(0..numbers.len()));
    }
}
