//! A store as JSON: for the export and for the clipboard. The form is the contract's; `--from` reads it back.

use crate::analysis::Assessment;
use crate::report::json::brief::Prose;
use crate::report::json::{self, JsonLayout, ls, stream};
use crate::store::{DiskId, Forest};
use crate::tui::prepared::PreparedStore;

/// One disk as `ls --json` writes it, on one line; `None` if there is no such disk.
pub fn disk_json(store: &PreparedStore, id: DiskId) -> Option<String> {
    let disk = ls::disk(&store.forest, &store.assessment, id)?;
    let mut bytes = Vec::new();
    json::write(&mut bytes, &disk, JsonLayout::Line).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Some(text.trim_end().to_owned())
}

/// The whole store as `ls --json` writes it.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn store_json(forest: &Forest, assessment: &Assessment) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    stream::document(&mut bytes, forest, assessment, Prose::Kept)
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}
