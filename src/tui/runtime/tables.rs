//! What a map shows beside the blocks: where the partitions are, which disk of the chain answers, whose what is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::analysis::files::owned::SectorOwners;
use crate::analysis::open::open_chain;
use crate::analysis::written::held;
use crate::chain::ChainSource;
use crate::format::BlockNo;
use crate::guest::Partitions;
use crate::image::{Image, StateRun};
use crate::store::{DiskId, Forest};
use crate::tui::effect::ChainPart;
use crate::tui::message::{BlockTable, ChainTables, News};

use super::reporter::{JobError, Reporter};

/// The partitions of a disk's content, and what else is wanted of its chain.
pub(super) fn chain_tables(
    forest: &Forest,
    disk: DiskId,
    part: ChainPart,
    reporter: &Reporter,
) -> Result<(), JobError> {
    let chain = open_chain(forest, disk)?;
    let sector_size = chain.sector_size();
    let mut found = ChainTables {
        path: forest
            .disk(disk)
            .map(|disk| disk.path.clone())
            .unwrap_or_default(),
        sector_bytes: sector_size.into(),
        partitions: Partitions::read(&ChainSource::new(chain.clone()), sector_size),
        tables: Vec::new(),
        owners: None,
    };
    if part == ChainPart::Owners {
        let job = &reporter.job;
        let held = held(&chain, job)?;
        found.owners = Some(Arc::new(SectorOwners::read(&chain, &held, job)));
        if job.cancel.is_cancelled() {
            return Ok(());
        }
    }
    if part == ChainPart::Tables {
        for (at, image) in chain.links().iter().enumerate() {
            if reporter.job.cancel.is_cancelled() {
                return Ok(());
            }
            let path = chain.path(at).map(Path::to_path_buf).unwrap_or_default();
            found.tables.push(table_alone(image, path)?);
        }
    }
    reporter.tell(News::Chain(Arc::new(found)));
    Ok(())
}

/// The states of a disk's blocks by its table alone: no bitmap is read.
fn table_alone(image: &Image, path: PathBuf) -> Result<BlockTable, JobError> {
    const WINDOW: usize = 1 << 16;
    let header = image.header();
    let mut table = BlockTable {
        path,
        block_bytes: header.block_size.map_or(0, u64::from),
        sector_bytes: header.sector_size.into(),
        ..BlockTable::default()
    };
    let mut entries = Vec::new();
    let mut first = 0_u64;
    loop {
        image.read_table(BlockNo(first), WINDOW, &mut entries, None)?;
        if entries.is_empty() {
            return Ok(table);
        }
        for entry in &entries {
            match table.runs.last_mut() {
                Some(last) if last.state == entry.state => last.count += 1,
                _ => table.runs.push(StateRun {
                    first: BlockNo(first),
                    count: 1,
                    state: entry.state,
                }),
            }
            first += 1;
        }
    }
}
