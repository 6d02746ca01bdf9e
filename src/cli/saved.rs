//! Saved scans among the files that are named on the command line.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use crate::analysis::saved::judge_again;
use crate::format::encoding;
use crate::report::json::SCHEMA;
use crate::report::json::read::{self, Saved, SavedScan};
use crate::store::ScanOptions;
use crate::store::earlier::EarlierScan;
use crate::store::saved::{add_facts, forget_facts_above};
use crate::text;

/// Bytes at the start, or at the end, in which a saved scan says that it is one: a tool that sorts keys puts `schema` last.
const TOLD_BYTES: u64 = 4 << 10;

/// The forest and the verdicts of saved scans.
pub(super) fn saved(files: &[PathBuf]) -> anyhow::Result<Saved> {
    let mut scans = Vec::new();
    for file in files {
        scans.extend(scans_of(file).with_context(|| text::path(file))?);
    }
    Ok(read::together(scans)?)
}

/// The same with facts that come to them.
pub(super) fn with_facts(mut saved: Saved, options: &ScanOptions) -> anyhow::Result<Saved> {
    forget_facts_above(&mut saved.forest);
    let mut forest = saved.forest.clone();
    add_facts(&mut forest, options)?;
    let assessment = judge_again(&saved.forest, &saved.assessment, &forest);
    Ok(Saved { forest, assessment })
}

/// An earlier scan, to be compared with a store.
pub(super) fn earlier(file: &Path) -> anyhow::Result<Arc<EarlierScan>> {
    let saved = saved(&[file.to_path_buf()])?;
    Ok(Arc::new(EarlierScan::of(&saved.forest)))
}

/// Whether a file begins as a saved scan does; standard input, a single `-`, can be nothing else.
pub(super) fn is_saved(file: &Path) -> bool {
    if file == Path::new("-") {
        return true;
    }
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    let read = File::open(file).and_then(|mut file| {
        let known = file.metadata()?;
        // A pipe would lose what is only looked at.
        if known.is_file() {
            (&mut file).take(TOLD_BYTES).read_to_end(&mut head)?;
            file.seek(SeekFrom::Start(known.len().saturating_sub(TOLD_BYTES)))?;
            file.take(TOLD_BYTES).read_to_end(&mut tail)?;
        }
        Ok(())
    });
    let schema = format!("\"{SCHEMA}\"");
    let head = encoding::decode(&head).text;
    let tells = |text: &str| text.contains(&schema);
    read.is_ok()
        && head.trim_start().starts_with('{')
        && (tells(&head) || tells(&String::from_utf8_lossy(&tail)))
}

fn scans_of(file: &Path) -> anyhow::Result<Vec<SavedScan>> {
    if file == Path::new("-") {
        return Ok(read::scans(&mut io::stdin(), "-")?);
    }
    let mut input = File::open(file).context("cannot open it")?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    Ok(read::scans(&mut input, &name)?)
}
