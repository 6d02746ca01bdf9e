//! The state token: names one state of the files a plan looked at, so that an answer holds for that state only.
//!
//! FNV-1a, 128 bits: it guards against files that changed in the meantime, not against somebody who forges them (who could
//! write to the store anyway), so a hash without key or cryptography will do. Paths count by file name only: the same store
//! seen from another folder is the same state.

use crate::analysis::Verdict;
use crate::store::{DiskId, Forest, Product};

/// Digits that a shortened token must have.
pub const SHORTEST: usize = 8;

const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

struct Hash(u128);

impl Hash {
    fn add(&mut self, bytes: &[u8]) {
        // The length first, so that neighbours cannot run into each other.
        for byte in (bytes.len() as u64).to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(PRIME);
        }
    }
}

/// The token of some disks, a verdict and the rules of a product: 32 hex digits.
pub fn state_token(
    forest: &Forest,
    disks: &[DiskId],
    product: Product,
    verdict: Option<&Verdict>,
) -> String {
    let mut hash = Hash(OFFSET);
    let mut disks = disks.to_vec();
    disks.sort_by_key(|id| forest.disk(*id).map(|disk| disk.path.clone()));
    disks.dedup();
    for id in disks {
        let Some(disk) = forest.disk(id) else {
            continue;
        };
        hash.add(disk.path.file_name().unwrap_or_default().as_encoded_bytes());
        hash.add(&disk.file.len.to_le_bytes());
        hash.add(
            &disk
                .file
                .modified
                .map_or(0, jiff::Timestamp::as_nanosecond)
                .to_le_bytes(),
        );
        if let Some(header) = &disk.header {
            hash.add(header.id.as_bytes());
            hash.add(header.data_write_id.unwrap_or_default().as_bytes());
        }
        let link = forest
            .node(id)
            .and_then(|node| node.parent.as_ref())
            .map(|link| link.state as u8 + 1);
        hash.add(&[link.unwrap_or(0)]);
    }
    hash.add(&[product as u8]);
    if let Some(verdict) = verdict {
        hash.add(verdict.rule.code().id.as_bytes());
        hash.add(verdict.reverted.word().as_bytes());
        hash.add(&verdict.gap_seconds().unwrap_or(i64::MIN).to_le_bytes());
    }
    format!("{:032x}", hash.0)
}

/// Whether a token given by a person, whole or shortened, is this one.
pub fn is_same(given: &str, token: &str) -> bool {
    let given = given.trim().to_ascii_lowercase();
    given.len() >= SHORTEST && token.starts_with(&given)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::plain::{at, story};

    #[test]
    fn any_change_of_a_file_or_verdict_gives_another_token() {
        let mut store = story("2009-06-30T09:41:00Z");
        let all = [DiskId(0), DiskId(1)];
        let token = |store: &crate::analysis::plain::Plain, product| {
            state_token(&store.forest, &all, product, None)
        };
        let before = token(&store, Product::HyperV);
        assert_eq!(before, token(&store, Product::HyperV));
        assert_ne!(before, token(&store, Product::XcpNg));
        assert_ne!(
            before,
            state_token(&store.forest, &all[..1], Product::HyperV, None)
        );
        store.disk_mut("/s/WIN7x64_Diff.vhd").file.len += 1;
        let longer = token(&store, Product::HyperV);
        assert_ne!(before, longer);
        store.disk_mut("/s/WIN7x64_Diff.vhd").file.modified =
            Some(at("2009-05-02T14:10:02.000000001Z"));
        assert_ne!(longer, token(&store, Product::HyperV));
    }

    #[test]
    fn a_shortened_token_needs_eight_digits() {
        let token = "9f31c2ad00000000ffffffffffffffff";
        assert!(is_same("9F31C2AD", token) && is_same(token, token));
        assert!(!is_same("9f31c2a", token) && !is_same("", token) && !is_same("9f31c2ae", token));
    }
}
