//! The two chains of a comparison, opened.

use crate::analysis::open::{open_chain, open_pair};
use crate::chain::Chain;
use crate::store::{DiskId, Forest};

use super::reporter::JobError;

/// The child's chain and the other's: the parent's if none is named.
pub(super) fn chains(
    forest: &Forest,
    child: DiskId,
    other: Option<DiskId>,
) -> Result<(Chain, Chain), JobError> {
    if let Some(other) = other {
        return Ok(open_pair(forest, child, other)?);
    }
    let chain = open_chain(forest, child)?;
    let Some(parent) = chain.parent() else {
        let link = forest.node(child).and_then(|node| node.parent.as_ref());
        let state = link.map_or("missing", |link| link.state.word());
        return Err(format!("Its parent is {state}: there is nothing to compare with.").into());
    };
    Ok((chain, parent))
}
