//! How two disks are related.

use std::sync::Arc;

use crate::chain::Chain;

/// How many links lie between each of two disks and their nearest common ancestor, the disk itself counted, the ancestor not.
///
/// A child and its parent: 1 and 0. Siblings: 1 and 1. A disk and itself: 0 and 0. Without a common ancestor: all links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Relation {
    /// Links of the first disk that are its own.
    pub left: usize,
    /// Links of the second disk that are its own.
    pub right: usize,
    /// True if there is a common ancestor.
    pub related: bool,
}

impl Relation {
    /// Finds the nearest common ancestor: the same open image, or the same path where both chains know theirs. Ids are not
    /// asked: two files may bear one id.
    pub fn of(left: &Chain, right: &Chain) -> Self {
        for (own_left, image) in left.links().iter().enumerate() {
            let path = left.path(own_left);
            let found = right.links().iter().enumerate().position(|(link, other)| {
                Arc::ptr_eq(image, other) || (path.is_some() && path == right.path(link))
            });
            if let Some(own_right) = found {
                return Self {
                    left: own_left,
                    right: own_right,
                    related: true,
                };
            }
        }
        Self {
            left: left.links().len(),
            right: right.links().len(),
            related: false,
        }
    }
}
