//! From a VHDX to an [`Image`](super::Image).

use std::sync::Arc;

use super::{Image, codes};
use crate::finding::Finding;
use crate::format::FormatError;
use crate::source::Source;

/// Opens a VHDX.
///
/// # Errors
/// Always: the format's structures are not read yet.
pub(super) fn open(source: Arc<dyn Source>) -> Result<Image, FormatError> {
    drop(source);
    Err(Finding::new(&codes::NOT_A_DISK, "VHDX is not read yet").into())
}
