//! What every page is made from: the store, the names its disks are given, and how values become text.

use crate::analysis::Assessment;
use crate::report::page::Page;
use crate::report::row::why;
use crate::report::words::disk_name;
use crate::report::{ColumnStyle, Row, ShortNames};
use crate::store::{DiskId, Forest};
use crate::text::{self, Overlong, Units, escape};

/// What a page is made from.
#[derive(Debug, Clone, Copy)]
pub struct PageContext<'a> {
    pub forest: &'a Forest,
    pub assessment: &'a Assessment,
    /// The names of the tree; whole names where none is known.
    pub names: &'a ShortNames,
    /// How values become text. Exact bytes mean everything in full: ids, names and sources as well.
    pub style: &'a ColumnStyle,
    pub width: usize,
    /// What becomes of words that are longer.
    pub overlong: Overlong,
}

impl PageContext<'_> {
    /// An empty page.
    pub fn page(&self) -> Page {
        Page::new(self.width, self.overlong)
    }

    /// True if everything is wanted in full.
    pub fn is_full(&self) -> bool {
        self.style.units == Units::Bytes
    }

    /// A size within a sentence or a line of several: never a bare number.
    pub fn size(&self, bytes: u64) -> String {
        match self.style.units {
            Units::Human => text::size(bytes),
            Units::Bytes => text::many(bytes, "byte"),
        }
    }

    /// The size of a disk's file.
    pub fn length(&self, id: DiskId) -> String {
        self.size(self.forest.disk(id).map_or(0, |disk| disk.file.len))
    }

    /// The name of a disk as the tree shows it.
    pub fn name(&self, id: DiskId) -> String {
        if self.is_full() {
            self.whole_name(id)
        } else {
            self.names.of(self.forest, id)
        }
    }

    /// The whole name of a disk: which file goes into which is never said in short.
    pub fn whole_name(&self, id: DiskId) -> String {
        disk_name(self.forest, id)
    }

    /// Why a row looks as it does.
    pub fn why(&self, row: &Row) -> String {
        why(self.forest, self.assessment, row, &self.style.clock)
    }

    /// A sentence of the analysis, escaped, with the names of the tree.
    pub fn sentence(&self, text: &str) -> String {
        let text = escape(text);
        if self.is_full() {
            text
        } else {
            self.names.put_into(&text)
        }
    }

    /// Where something was read: the file's name is enough unless everything is wanted in full.
    pub fn source(&self, source: &str) -> String {
        let short = source.rsplit(['/', '\\']).next().unwrap_or(source);
        escape(if self.is_full() { source } else { short })
    }
}
