//! `xo-cli list-objects`: the objects Xen Orchestra knows, as JSON. It has no time for disks that are no snapshots.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer as _};

use super::limits::RECORDS;
use super::pool::{Object, Pool, seconds};
use super::{HostError, HostFacts};

/// So far into the text the kinds of objects are looked for.
const HEAD_BYTES: usize = 256 << 10;

/// Whether a text is one: an array of objects that say a type of Xen Orchestra's.
pub(super) fn is_one(text: &str) -> bool {
    let mut end = text.len().min(HEAD_BYTES);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let head = text.get(..end).unwrap_or_default();
    head.trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('[')
        && head.contains("\"type\"")
        && ["\"name_label\"", "\"$pool\"", "\"$poolId\"", "\"VBD\""]
            .iter()
            .any(|key| head.contains(key))
}

/// Reads the objects.
///
/// # Errors
/// Wrong JSON.
pub(super) fn read(text: &str) -> Result<HostFacts, HostError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = serde_json::Deserializer::from_str(text);
    let pool = reader.deserialize_seq(OrchestraObjects);
    let pool = pool.and_then(|pool| reader.end().map(|()| pool));
    Ok(pool
        .map_err(|error| HostError::Json(error.to_string()))?
        .facts())
}

/// Takes objects one by one: of most kinds nothing is kept.
struct OrchestraObjects;

impl<'de> Visitor<'de> for OrchestraObjects {
    type Value = Pool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut objects: A) -> Result<Pool, A::Error> {
        let mut pool = Pool::default();
        while let Some(object) = objects.next_element::<XoObjectJson>()? {
            let kind = object.kind.clone().unwrap_or_default();
            match kind.as_str() {
                "VBD" if object.is_cd_drive != Some(true) => {
                    pool.vbds.extend(object.vm.zip(object.vdi));
                }
                "VM" | "VM-snapshot" => pool.vms.push(object.read(kind == "VM-snapshot")),
                "VDI" | "VDI-snapshot" => pool.vdis.push(object.read(kind == "VDI-snapshot")),
                _ => {}
            }
            let kept = [pool.vms.len(), pool.vdis.len(), pool.vbds.len()];
            if kept.iter().sum::<usize>() > RECORDS {
                return Err(Error::custom(HostError::TooMany(RECORDS, "objects")));
            }
        }
        Ok(pool)
    }
}

#[derive(Deserialize)]
struct XoObjectJson {
    #[serde(rename = "type")]
    kind: Option<String>,
    id: Option<String>,
    uuid: Option<String>,
    name_label: Option<String>,
    #[serde(rename = "$snapshot_of")]
    snapshot_of: Option<String>,
    snapshot_time: Option<f64>,
    #[serde(rename = "VM")]
    vm: Option<String>,
    #[serde(rename = "VDI")]
    vdi: Option<String>,
    is_cd_drive: Option<bool>,
}

impl XoObjectJson {
    fn read(self, is_snapshot: bool) -> Object {
        let id = self.id.or_else(|| self.uuid.clone()).unwrap_or_default();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole seconds are meant; a float saturates"
        )]
        let taken = self.snapshot_time.and_then(|at| seconds(at as i64));
        Object {
            uuid: self.uuid.unwrap_or_else(|| id.clone()),
            key: id,
            name: self.name_label.unwrap_or_default(),
            snapshot_of: is_snapshot.then(|| self.snapshot_of.unwrap_or_default()),
            taken,
            made_in: None,
        }
    }
}
