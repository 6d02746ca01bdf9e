//! From a file without any format to an [`Image`](super::Image).

use std::sync::Arc;

use uuid::Uuid;

use super::{
    BitOrder, Format, FormatRules, FormatUsers, Header, Image, Kind, LastingId, Layout, Specific,
    codes,
};
use crate::finding::Finding;
use crate::source::Source;

/// Only a child says of a file that it is raw: nothing in it does.
pub(super) const RULES: FormatRules = FormatRules {
    extensions: &[],
    begins: |_| false,
    encloses: |_, _| false,
    remains: |_| false,
    open: |_| {
        Err(Finding::new(
            &codes::NOT_A_DISK,
            "only a child can say of a file that it is raw",
        )
        .into())
    },
    bit_order: BitOrder::MsbFirst,
    copies: |_| None,
    write_counter: None,
    link_id: |_| None,
    family_id: |_| None,
    lasting_id: LastingId::None,
    users: FormatUsers::Many,
    unknown: || Specific::Raw,
    growth: |needed| needed.larger,
};

impl Image {
    /// A file without any format, taken as the content of a disk: the raw parent of a VHD by blktap whose parent id is nil.
    /// `sector_size` is the child's, in bytes. The header has a nil id and no creator.
    pub fn raw(source: Arc<dyn Source>, sector_size: u32) -> Self {
        let len = source.len();
        Self {
            header: Header {
                format: Format::Raw,
                kind: Kind::Fixed,
                virtual_size: len,
                stored_size: len,
                file_size: len,
                block_size: None,
                sector_size,
                blocks: 0,
                id: Uuid::nil(),
                data_write_id: None,
                creator: String::new(),
                created: None,
                parent: None,
                specific: Specific::Raw,
            },
            findings: Vec::new(),
            layout: Layout::Flat,
            source,
        }
    }
}
