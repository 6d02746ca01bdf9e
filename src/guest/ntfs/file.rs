//! A file: its record, and the records that carry it on, put together.

use std::collections::BTreeSet;

use super::NtfsVolume;
use super::list;
use super::record::{
    ATTRIBUTE_LIST, Attribute, AttributeForm, COMPRESSED, DATA, ENCRYPTED, FILE_NAME,
    INDEX_ALLOCATION, INDEX_ROOT, MftRecord, REPARSE_POINT, STANDARD_INFORMATION, reference, utf16,
};
use super::reparse::ReparsePoint;
use super::runs;
use super::stream::{AttributeValue, Stream};
use super::time;
use crate::format::bytes::{u32_at, u64_at};
use crate::guest::filesystem::{
    ClosedContent, FileId, FileKind, FileName, GuestError, GuestTime, RUNS_MAX,
};

/// Records that carry a file on, at most.
const PARTS_MAX: usize = 4_096;
/// The namespace of names that only DOS sees.
const DOS: u8 = 2;
/// The name of a directory's index.
const INDEX_NAME: &str = "$I30";

/// Times and flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standard {
    pub(super) created: Option<GuestTime>,
    pub(super) modified: Option<GuestTime>,
    pub(super) changed: Option<GuestTime>,
    pub(super) flags: u32,
    pub(super) security: u32,
}

/// A file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NtfsFile {
    pub(super) id: FileId,
    pub(super) is_directory: bool,
    pub(super) standard: Option<Standard>,
    /// Those that Windows shows.
    pub(super) names: Vec<FileName>,
    pub(super) streams: Vec<Stream>,
    pub(super) index_root: Vec<u8>,
    /// The directory's index beside its root, if it has one.
    pub(super) index: Vec<Stream>,
    reparse: Option<ReparsePoint>,
}

impl NtfsFile {
    /// Puts a file together; `None` if the number is no file in use.
    pub(super) fn load(volume: &NtfsVolume, number: u64) -> Result<Option<Self>, GuestError> {
        match volume.table.record(number)? {
            Some(bytes) => Self::of_record(volume, number, &bytes),
            None => Ok(None),
        }
    }

    /// Likewise, of a record that was read already.
    pub(super) fn of_record(
        volume: &NtfsVolume,
        number: u64,
        bytes: &[u8],
    ) -> Result<Option<Self>, GuestError> {
        let Some(record) = MftRecord::new(bytes).filter(|of| of.is_in_use() && of.base().is_none())
        else {
            return Ok(None);
        };
        let id = FileId {
            number,
            generation: record.sequence(),
        };
        let mut parts = Parts::new(Self {
            id,
            is_directory: record.is_directory(),
            standard: None,
            names: Vec::new(),
            streams: Vec::new(),
            index_root: Vec::new(),
            index: Vec::new(),
            reparse: None,
        });
        parts.add(record, volume)?;
        let of_list = record.attributes().find(|of| of.kind == ATTRIBUTE_LIST);
        if let Some(of_list) = of_list {
            let entries = list::read(&*volume.source, &of_list, &volume.boot)?;
            let others: BTreeSet<FileId> = list::parse(&entries)
                .map(|entry| entry.id)
                .filter(|part| part.number != number)
                .take(PARTS_MAX)
                .collect();
            for part in others {
                let Some(bytes) = volume.table.record(part.number)? else {
                    continue;
                };
                // A record that was given to another file since is not this one's.
                let carries = |of: &MftRecord<'_>| {
                    of.is_in_use() && of.sequence() == part.generation && of.base() == Some(id)
                };
                if let Some(record) = MftRecord::new(&bytes).filter(carries) {
                    parts.add(record, volume)?;
                }
            }
        }
        Ok(Some(parts.finish(volume)))
    }

    pub(super) fn stream(&self, name: &str) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.name == name)
    }

    pub(super) fn kind(&self) -> FileKind {
        let by_tag = self.reparse.as_ref().and_then(ReparsePoint::kind);
        by_tag.unwrap_or(if self.is_directory {
            FileKind::Directory
        } else {
            FileKind::File
        })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.stream("").map_or(0, |stream| stream.bytes)
    }

    /// Why the content is not to be had.
    pub(super) fn closed(&self) -> Option<ClosedContent> {
        const OFFLINE: u32 = 0x1000;
        const RECALL: u32 = 0x40_0000;
        const ENCRYPTED_FILE: u32 = 0x4000;
        let flags = self.standard.map_or(0, |standard| standard.flags);
        let is_encrypted = self.streams.iter().any(|of| of.flags & ENCRYPTED != 0);
        match &self.reparse {
            _ if self.is_directory => None,
            _ if is_encrypted || flags & ENCRYPTED_FILE != 0 => Some(ClosedContent::Encrypted),
            Some(_) if flags & (OFFLINE | RECALL) != 0 => Some(ClosedContent::Offline),
            Some(point) => point.closed(),
            None => None,
        }
    }

    /// Where a link leads, as Windows shows it.
    pub(super) fn target(&self) -> Option<String> {
        self.reparse.as_ref()?.target()
    }

    pub(super) fn has_other_reparse(&self, other: &Self) -> bool {
        self.reparse != other.reparse
    }
}

/// A file while its records are gone through.
struct Parts {
    file: NtfsFile,
    reparse_place: Vec<Stream>,
}

impl Parts {
    fn new(file: NtfsFile) -> Self {
        Self {
            file,
            reparse_place: Vec::new(),
        }
    }

    fn add(&mut self, record: MftRecord<'_>, volume: &NtfsVolume) -> Result<(), GuestError> {
        for attribute in record.attributes() {
            match attribute.kind {
                STANDARD_INFORMATION => {
                    self.file.standard = attribute.resident().and_then(standard);
                }
                FILE_NAME => self.file.names.extend(attribute.resident().and_then(name)),
                DATA => put(&mut self.file.streams, &attribute, volume)?,
                INDEX_ROOT if attribute.has_name(INDEX_NAME) => {
                    let value = attribute.resident().unwrap_or_default();
                    self.file.index_root = value.to_vec();
                }
                INDEX_ALLOCATION if attribute.has_name(INDEX_NAME) => {
                    put(&mut self.file.index, &attribute, volume)?;
                }
                REPARSE_POINT => put(&mut self.reparse_place, &attribute, volume)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn finish(mut self, volume: &NtfsVolume) -> NtfsFile {
        if let Some(place) = self.reparse_place.pop() {
            self.file.reparse = Some(ReparsePoint::read(volume, &place));
        }
        let all = self.file.streams.iter_mut().chain(&mut self.file.index);
        for stream in all {
            if let AttributeValue::Runs { runs, .. } = &mut stream.value {
                runs.sort_by_key(|run| run.vcn);
            }
        }
        self.file
            .streams
            .sort_by(|one, other| one.name.cmp(&other.name));
        self.file
    }
}

/// Adds an attribute, or a further part of one, to those of its kind.
fn put(
    streams: &mut Vec<Stream>,
    attribute: &Attribute<'_>,
    volume: &NtfsVolume,
) -> Result<(), GuestError> {
    let name = attribute.name();
    match attribute.form {
        AttributeForm::Resident(value) => streams.push(Stream {
            name,
            bytes: value.len() as u64,
            flags: attribute.flags,
            value: AttributeValue::Resident(value.to_vec()),
        }),
        AttributeForm::Extern {
            first_vcn,
            bytes,
            valid_bytes,
            unit_power,
            pairs,
        } => {
            let more = runs::parse(pairs, first_vcn, volume.boot.clusters);
            let more = more.ok_or_else(|| {
                GuestError::damaged("a list of runs", 0, "places in the volume", "others")
            })?;
            let known = streams.iter().position(|stream| stream.name == name);
            let at = known.unwrap_or(streams.len());
            if known.is_none() {
                let is_packed = attribute.flags & COMPRESSED != 0;
                streams.push(Stream {
                    name,
                    bytes: 0,
                    flags: attribute.flags,
                    value: AttributeValue::Runs {
                        runs: Vec::new(),
                        valid_bytes: 0,
                        unit_power: if is_packed { unit_power } else { 0 },
                    },
                });
            }
            let Some(stream) = streams.get_mut(at) else {
                return Ok(());
            };
            if first_vcn == 0 {
                stream.bytes = bytes;
            }
            if let AttributeValue::Runs {
                runs,
                valid_bytes: valid,
                ..
            } = &mut stream.value
            {
                if first_vcn == 0 {
                    *valid = valid_bytes;
                }
                runs.extend(more);
                if runs.len() > RUNS_MAX {
                    return Err(GuestError::TooLarge {
                        what: "the list of a file's runs",
                        limit: RUNS_MAX as u64,
                    });
                }
            }
        }
    }
    Ok(())
}

pub(super) fn standard(value: &[u8]) -> Option<Standard> {
    Some(Standard {
        created: time(u64_at(value, 0)?),
        modified: time(u64_at(value, 8)?),
        changed: time(u64_at(value, 16)?),
        flags: u32_at(value, 32)?,
        security: u32_at(value, 52).unwrap_or(0),
    })
}

/// A name that Windows shows; those that only DOS sees are second names of the same entry.
fn name(value: &[u8]) -> Option<FileName> {
    if *value.get(65)? == DOS {
        return None;
    }
    Some(FileName {
        parent: reference(value, 0)?,
        name: file_name(value)?,
    })
}

/// The name in a `$FILE_NAME` value, which is the key of a directory's index too.
pub(super) fn file_name(value: &[u8]) -> Option<String> {
    let bytes = usize::from(*value.get(64)?).checked_mul(2)?;
    let name = value.get(66..bytes.checked_add(66)?)?;
    Some(utf16(name))
}
