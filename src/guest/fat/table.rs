//! The file allocation table, read in pages as it is needed.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::FileSystemKind;
use super::boot::FatLayout;
use crate::format::bytes::{u16_at, u32_at};
use crate::guest::filesystem::GuestError;
use crate::source::Source;

/// Bytes read at a time; a multiple of 3, so that no entry of FAT12 lies in two pages.
const PAGE_BYTES: u64 = 48 << 10;
/// Pages kept.
const PAGES_MAX: usize = 128;

/// What the table says of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TableEntry {
    Free,
    Next(u32),
    End,
    Bad,
}

/// The table in use.
#[derive(Debug)]
pub(super) struct FatTable {
    source: Arc<dyn Source>,
    kind: FileSystemKind,
    place: Range<u64>,
    clusters: u64,
    pages: Mutex<HashMap<u64, Arc<[u8]>>>,
}

impl FatTable {
    pub(super) fn new(source: Arc<dyn Source>, layout: &FatLayout) -> Self {
        Self {
            source,
            kind: layout.kind,
            place: layout.table.clone(),
            clusters: layout.clusters,
            pages: Mutex::default(),
        }
    }

    /// Whether the last writer took leave; always so for FAT12, which does not note it.
    pub(super) fn is_clean(&self) -> Result<bool, GuestError> {
        let noted = self.raw(1)?;
        Ok(match self.kind {
            FileSystemKind::Fat16 => noted & 0x8000 != 0,
            FileSystemKind::Fat32 => noted & 0x0800_0000 != 0,
            _ => true,
        })
    }

    pub(super) fn entry(&self, cluster: u32) -> Result<TableEntry, GuestError> {
        let (value, bad) = match self.kind {
            FileSystemKind::Fat12 => (self.raw(cluster)?, 0xff7),
            FileSystemKind::Fat16 => (self.raw(cluster)?, 0xfff7),
            _ => (self.raw(cluster)? & 0x0fff_ffff, 0x0fff_fff7),
        };
        Ok(match value {
            0 => TableEntry::Free,
            value if value == bad => TableEntry::Bad,
            value if value > bad => TableEntry::End,
            value => TableEntry::Next(value),
        })
    }

    /// The clusters of a chain, one after the other.
    pub(super) fn walk(&self, first: u32) -> ChainWalk<'_> {
        ChainWalk {
            table: self,
            next: Some(first),
            ended_well: false,
            mark: 0,
            steps: 0,
            until_mark: 1,
        }
    }

    fn raw(&self, cluster: u32) -> Result<u32, GuestError> {
        let cluster = u64::from(cluster);
        let at = match self.kind {
            FileSystemKind::Fat12 => cluster.saturating_mul(3) >> 1,
            FileSystemKind::Fat16 => cluster.saturating_mul(2),
            _ => cluster.saturating_mul(4),
        };
        let page = at.checked_div(PAGE_BYTES).unwrap_or(0);
        let bytes = self.page(page)?;
        let within = at.saturating_sub(page.saturating_mul(PAGE_BYTES));
        let within = usize::try_from(within).unwrap_or(usize::MAX);
        let found = match self.kind {
            FileSystemKind::Fat12 => u16_at(&bytes, within).map(|pair| {
                let odd = cluster & 1 == 1;
                u32::from(if odd { pair >> 4 } else { pair & 0xfff })
            }),
            FileSystemKind::Fat16 => u16_at(&bytes, within).map(u32::from),
            _ => u32_at(&bytes, within),
        };
        found.ok_or_else(|| {
            let at = self.place.start.saturating_add(at);
            GuestError::damaged("the file allocation table", at, "an entry", "its end")
        })
    }

    fn page(&self, page: u64) -> Result<Arc<[u8]>, GuestError> {
        let lock = || self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = lock().get(&page) {
            return Ok(Arc::clone(bytes));
        }
        let at = self
            .place
            .start
            .saturating_add(page.saturating_mul(PAGE_BYTES));
        let len = self.place.end.saturating_sub(at).min(PAGE_BYTES);
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        self.source
            .read_exact_at(&mut bytes, at)
            .map_err(GuestError::read("the file allocation table", at))?;
        let bytes: Arc<[u8]> = bytes.into();
        let mut pages = lock();
        if pages.len() >= PAGES_MAX {
            pages.clear();
        }
        pages.insert(page, Arc::clone(&bytes));
        Ok(bytes)
    }
}

/// Follows a chain and ends where it runs into itself (Brent's way: a mark that is moved on at powers of two).
#[derive(Debug)]
pub(super) struct ChainWalk<'a> {
    table: &'a FatTable,
    next: Option<u32>,
    ended_well: bool,
    mark: u32,
    steps: u64,
    until_mark: u64,
}

impl ChainWalk<'_> {
    pub(super) fn next(&mut self) -> Result<Option<u32>, GuestError> {
        let Some(cluster) = self.next.take() else {
            return Ok(None);
        };
        if cluster < 2 || u64::from(cluster).saturating_sub(2) >= self.table.clusters {
            return Ok(None);
        }
        if cluster == self.mark {
            return Ok(None);
        }
        self.steps = self.steps.saturating_add(1);
        if self.steps == self.until_mark {
            self.mark = cluster;
            self.steps = 0;
            self.until_mark = self.until_mark.saturating_mul(2);
        }
        match self.table.entry(cluster)? {
            TableEntry::Next(next) => self.next = Some(next),
            TableEntry::End => self.ended_well = true,
            TableEntry::Free | TableEntry::Bad => {}
        }
        Ok(Some(cluster))
    }

    /// True once the chain came to its mark of the end.
    pub(super) fn ended_well(&self) -> bool {
        self.ended_well
    }
}
