//! The whole content of a node: raw, with holes where nothing is held.

use std::io::Write as _;
use std::ops::Range;
use std::sync::Arc;

use anyhow::bail;

use super::Copied;
use super::place::{CopyTarget, NewFile};
use crate::chain::{Chain, OnFault};
use crate::cli::output::Output;
use crate::format::SectorNo;
use crate::job::Job;

pub(super) fn copy(
    chain: &Chain,
    target: &CopyTarget,
    job: &Job,
    out: &mut Output,
    copied: &mut Copied,
) -> anyhow::Result<()> {
    match target {
        CopyTarget::Stdout => {
            let all = 0..chain.sectors();
            read(chain, all, job, &mut |bytes| out.write_all(bytes))?;
        }
        CopyTarget::File { path, force } => {
            if path.is_dir() {
                bail!("{} is a folder; name the new file", crate::text::path(path));
            }
            let mut file = NewFile::make(path, *force)?;
            let sector_bytes = u64::from(chain.sector_size());
            for (held, sectors) in stretches(chain) {
                if held {
                    read(chain, sectors, job, &mut |bytes| file.write(bytes))?;
                } else {
                    file.skip((sectors.end - sectors.start) * sector_bytes)?;
                }
            }
            if !job.cancel.is_cancelled() {
                file.finish()?;
            }
        }
    }
    copied.files += 1;
    copied.bytes += chain.sectors() * u64::from(chain.sector_size());
    Ok(())
}

/// The disk cut into stretches in which something is held and in which nothing is.
fn stretches(chain: &Chain) -> Vec<(bool, Range<u64>)> {
    let mut all: Vec<(bool, Range<u64>)> = Vec::new();
    for window in chain.windows(SectorNo(0)..SectorNo(chain.sectors())) {
        let sectors = window.sectors.start.0..window.sectors.end.0;
        match all.last_mut() {
            Some((held, last)) if *held == window.held && last.end == sectors.start => {
                last.end = sectors.end;
            }
            _ => all.push((window.held, sectors)),
        }
    }
    all
}

fn read(
    chain: &Chain,
    sectors: Range<u64>,
    job: &Job,
    write: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let mut written = Ok(());
    // What cannot be written ends the reading, and is no interruption.
    let own = Job {
        cancel: job.cancel.child(),
        progress: Arc::clone(&job.progress),
    };
    let range = SectorNo(sectors.start)..SectorNo(sectors.end);
    let read = chain.read_range(range, &own, OnFault::Stop, &mut |bytes| {
        if written.is_ok() {
            written = write(bytes);
            if written.is_err() {
                own.cancel.cancel();
            }
        }
    });
    written?;
    read?;
    Ok(())
}
