//! `files --versions`: one path in every disk of a tree.

use serde::Serialize;

use super::files::time_text;
use crate::analysis::files::versions::{PathFound, PathVersion};

/// The keys of `files --versions` beside the head.
#[derive(Debug, Serialize)]
pub struct VersionsBody {
    pub path: String,
    pub versions: Vec<VersionJson>,
}

/// The path in one disk.
#[derive(Debug, Clone, Serialize)]
pub struct VersionJson {
    record: &'static str,
    disk: String,
    /// `null` if it could not be looked up.
    found: Option<bool>,
    why: Option<String>,
    volume: Option<String>,
    #[serde(rename = "type")]
    kind: Option<&'static str>,
    size: Option<u64>,
    modified: Option<String>,
    /// Its bytes and time are those of the parent disk.
    same_as_parent: Option<bool>,
}

impl VersionJson {
    pub fn new(disk: String, of: &PathVersion) -> Self {
        let mut json = Self {
            record: "version",
            disk,
            found: Some(false),
            why: None,
            volume: None,
            kind: None,
            size: None,
            modified: None,
            same_as_parent: None,
        };
        match &of.found {
            PathFound::Absent => {}
            PathFound::Unknown(why) => {
                json.found = None;
                json.why = Some(why.clone());
            }
            PathFound::Here {
                volume,
                kind,
                version,
                same_as_parent,
            } => {
                json.found = Some(true);
                json.volume = Some(volume.clone());
                json.kind = Some(kind.word());
                json.size = version.bytes;
                json.modified = version.modified.map(time_text);
                json.same_as_parent = Some(*same_as_parent);
            }
        }
        json
    }
}
