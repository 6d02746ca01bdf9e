//! The two chains of a comparison, opened.

use crate::analysis::open::{open_chain, open_pair};
use crate::chain::Chain;
use crate::store::{DiskId, Forest};

/// The child's chain and the other's: the parent's if none is named.
pub(super) fn chains(
    forest: &Forest,
    child: DiskId,
    other: Option<DiskId>,
) -> Result<(Chain, Chain), String> {
    if let Some(other) = other {
        open_pair(forest, child, other).map_err(|error| error.to_string())
    } else {
        let chain = open_chain(forest, child).map_err(|error| error.to_string())?;
        let Some(parent) = chain.parent() else {
            let link = forest.node(child).and_then(|node| node.parent.as_ref());
            let state = link.map_or("missing", |link| link.state.word());
            return Err(format!(
                "Its parent is {state}: there is nothing to compare with."
            ));
        };
        Ok((chain, parent))
    }
}
