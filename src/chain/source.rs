//! The content of a chain as a [`Source`]: what everything that looks inside a disk reads through.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Chain, Content, OwnedRun, WINDOW_SECTORS};
use crate::format::SectorNo;
use crate::source::Source;

/// Memory for runs that were worked out, in bytes.
const CACHE_BYTES: usize = 8 << 20;
/// Fewest sectors worked out at once.
const LEAST_SECTORS: u64 = 4_096;

/// A node's content. Who owns which sectors is remembered, so that many small reads near each other do not ask the tables
/// and bitmaps of all links each time; the bytes themselves are not.
#[derive(Debug)]
pub struct ChainSource {
    chain: Chain,
    /// Sectors worked out at once: a block of the link with the largest ones.
    stretch: u64,
    cache: Mutex<Cache>,
}

/// The runs of stretches, the longest unused given up first.
#[derive(Debug, Default)]
struct Cache {
    stretches: HashMap<u64, (u64, Arc<[OwnedRun]>)>,
    bytes: usize,
    uses: u64,
}

impl Cache {
    fn get(&mut self, stretch: u64) -> Option<Arc<[OwnedRun]>> {
        self.uses = self.uses.saturating_add(1);
        let now = self.uses;
        let (used, runs) = self.stretches.get_mut(&stretch)?;
        *used = now;
        Some(Arc::clone(runs))
    }

    fn put(&mut self, stretch: u64, runs: &Arc<[OwnedRun]>) {
        self.bytes = self.bytes.saturating_add(cost(runs));
        self.stretches
            .insert(stretch, (self.uses, Arc::clone(runs)));
        while self.bytes > CACHE_BYTES && self.stretches.len() > 1 {
            let oldest = self.stretches.iter().min_by_key(|(_, (used, _))| *used);
            let Some(oldest) = oldest.map(|(stretch, _)| *stretch) else {
                return;
            };
            if let Some((_, runs)) = self.stretches.remove(&oldest) {
                self.bytes = self.bytes.saturating_sub(cost(&runs));
            }
        }
    }
}

fn cost(runs: &[OwnedRun]) -> usize {
    std::mem::size_of_val(runs).saturating_add(64)
}

impl ChainSource {
    pub fn new(chain: Chain) -> Self {
        let blocks = chain.links().iter().map(|image| image.sectors_per_block());
        let stretch = blocks.max().filter(|sectors| *sectors > 0);
        Self {
            stretch: stretch
                .unwrap_or(WINDOW_SECTORS)
                .clamp(LEAST_SECTORS, WINDOW_SECTORS),
            chain,
            cache: Mutex::default(),
        }
    }

    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    fn sector_bytes(&self) -> u64 {
        u64::from(self.chain.sector_size()).max(1)
    }

    fn runs(&self, stretch: u64) -> Arc<[OwnedRun]> {
        let lock = || self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runs) = lock().get(stretch) {
            return runs;
        }
        let first = stretch.saturating_mul(self.stretch);
        let mut runs = Vec::new();
        // A table that cannot be read makes runs of no known place, which the reads then tell one by one.
        let _ = self.chain.owned_runs(
            SectorNo(first)..SectorNo(first.saturating_add(self.stretch)),
            &mut runs,
        );
        let runs: Arc<[OwnedRun]> = runs.into();
        lock().put(stretch, &runs);
        runs
    }

    /// Reads what of `out` one run answers for; how many bytes that were.
    fn read_run(&self, run: &OwnedRun, at: u64, out: &mut [u8]) -> io::Result<usize> {
        let skip = at.saturating_sub(run.first.0.saturating_mul(self.sector_bytes()));
        let len = run
            .count
            .saturating_mul(self.sector_bytes())
            .saturating_sub(skip);
        let len = usize::try_from(len).unwrap_or(usize::MAX).min(out.len());
        let out = out.get_mut(..len).unwrap_or_default();
        match run.content().skip(skip) {
            Content::Bytes { link, offset_bytes } => {
                let image = self.chain.links().get(link);
                let image = image.ok_or(io::ErrorKind::NotFound)?;
                image.source().read_exact_at(out, offset_bytes)?;
            }
            Content::Zeros => out.fill(0),
            Content::Unknown(unknown) => {
                return Err(io::Error::other(self.chain.unknown(unknown, run.first)));
            }
        }
        Ok(len)
    }
}

impl Source for ChainSource {
    fn len(&self) -> u64 {
        self.chain.sectors().saturating_mul(self.sector_bytes())
    }

    fn read_exact_at(&self, buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        let end = offset_bytes.checked_add(buf.len() as u64);
        if end.is_none_or(|end| end > self.len()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut at = offset_bytes;
        let mut rest = buf;
        while !rest.is_empty() {
            let sector = at.checked_div(self.sector_bytes()).unwrap_or(0);
            let runs = self.runs(sector.checked_div(self.stretch).unwrap_or(0));
            let from = runs.partition_point(|run| run.end() <= sector);
            for run in runs.get(from..).unwrap_or_default() {
                if rest.is_empty() {
                    break;
                }
                let len = self.read_run(run, at, rest)?;
                at = at.saturating_add(len as u64);
                rest = rest.get_mut(len..).unwrap_or_default();
            }
            let reached = at.checked_div(self.sector_bytes()).unwrap_or(0);
            if reached <= sector && !rest.is_empty() && runs.get(from).is_none() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    fn will_read(&self, offset_bytes: u64, len: u64) {
        let sector_bytes = self.sector_bytes();
        let end = offset_bytes.saturating_add(len).min(self.len());
        let mut at = offset_bytes;
        while at < end {
            let sector = at.checked_div(sector_bytes).unwrap_or(0);
            let runs = self.runs(sector.checked_div(self.stretch).unwrap_or(0));
            let from = runs.partition_point(|run| run.end() <= sector);
            let mut reached = at;
            for run in runs.get(from..).unwrap_or_default() {
                let skip = reached.saturating_sub(run.first.0.saturating_mul(sector_bytes));
                let until = run.end().saturating_mul(sector_bytes).min(end);
                if until <= reached {
                    break;
                }
                if let Content::Bytes { link, offset_bytes } = run.content().skip(skip)
                    && let Some(image) = self.chain.links().get(link)
                {
                    let len = until.saturating_sub(reached);
                    image.source().will_read(offset_bytes, len);
                }
                reached = until;
            }
            if reached <= at {
                return;
            }
            at = reached;
        }
    }

    fn has_changed(&self) -> Option<bool> {
        let links = self.chain.links().iter();
        let mut said = links.map(|image| image.source().has_changed());
        said.try_fold(false, |changed, link| Some(changed || link?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::vhd::VhdBuilder;
    use crate::image::Image;
    use crate::source::{CountedSource, MemorySource, ReadCounts};

    #[test]
    fn any_bytes_read_as_the_chain_has_them_and_tables_are_asked_once() {
        let content: Vec<u8> = (0..6_u32 << 20)
            .map(|at| (at / 7).to_le_bytes()[0])
            .collect();
        let base = VhdBuilder::dynamic(6 << 20).id(1).write(0, &content);
        let child = VhdBuilder::differencing(6 << 20)
            .parent(1, "base.vhd")
            .write(4_094, &[0xee; 4_096]);
        let counts = Arc::new(ReadCounts::default());
        let open = |bytes: Vec<u8>| {
            let source = CountedSource::new(MemorySource(bytes), Arc::clone(&counts));
            Arc::new(Image::open(Arc::new(source)).unwrap())
        };
        let mut flat = content;
        flat[(2 << 20) - 1_024..][..4_096].fill(0xee);
        let chain = Chain::new(vec![open(child.build()), open(base.build())]).unwrap();
        let source = ChainSource::new(chain);
        for (at, len) in [
            (0, 1),
            ((2 << 20) - 1_030, 5_000),
            (511, 2),
            (0, 6 << 20),
            ((6 << 20) - 1, 1),
        ] {
            let mut read = vec![0; len];
            source.read_exact_at(&mut read, at as u64).unwrap();
            assert!(read == flat[at..at + len], "{at}+{len}");
        }
        let before = counts.reads();
        for at in 0..100 {
            source
                .read_exact_at(&mut [0; 40], (1 << 20) + at * 50)
                .unwrap();
        }
        assert_eq!(counts.reads() - before, 100);
        assert!(source.read_exact_at(&mut [0; 2], (6 << 20) - 1).is_err());
    }
}
