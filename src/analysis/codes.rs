//! Every documented code of this room, for `explain`.

use crate::analysis::{health, reasons, rules, witness};
use crate::finding::Code;

/// Every code of analysis: rules, witnesses, reasons and losses, health.
pub fn all() -> impl Iterator<Item = &'static Code> {
    [reasons::ALL, health::codes::ALL]
        .into_iter()
        .flatten()
        .copied()
        .chain(rules::codes())
        .chain(witness::codes())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn every_code_has_its_own_name_and_a_whole_document() {
        let mut seen = HashSet::new();
        for code in super::all() {
            assert!(seen.insert(code.id), "{} is there twice", code.id);
            assert!(
                code.id
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
                "{}",
                code.id
            );
            assert!(!code.title.is_empty() && !code.why.is_empty() && !code.action.is_empty());
        }
        assert!(seen.len() > 60);
    }
}
