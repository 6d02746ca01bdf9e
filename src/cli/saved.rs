//! Saved scans among the files that are named on the command line.

use std::fs::File;
use std::io::{self, Read as _};
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

/// Bytes in which a saved scan says that it is one.
const HEAD_BYTES: u64 = 4 << 10;

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
    let mut head = Vec::new();
    let read = File::open(file).and_then(|file| {
        // A pipe would lose what is only looked at.
        if file.metadata()?.is_file() {
            file.take(HEAD_BYTES).read_to_end(&mut head)
        } else {
            Ok(0)
        }
    });
    let text = encoding::decode(&head).text;
    read.is_ok() && text.trim_start().starts_with('{') && text.contains(&format!("\"{SCHEMA}\""))
}

fn scans_of(file: &Path) -> anyhow::Result<Vec<SavedScan>> {
    if file == Path::new("-") {
        return Ok(read::scans(&mut io::stdin(), "-")?);
    }
    let mut input = File::open(file).context("cannot open it")?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    Ok(read::scans(&mut input, &name)?)
}
