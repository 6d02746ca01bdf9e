//! Whether one act made D and X after the snapshot: a conversion, a migration, a copy. Then X's age says nothing of a revert.

use jiff::Timestamp;

use crate::analysis::facts::Facts;
use crate::analysis::interval::{DAY_SECONDS, seconds_between};
use crate::text::second;

/// A disk made this close to the snapshot's date is the snapshot's, whatever happened to others.
const AT_ONCE_SECONDS: i64 = 10;

/// Why X, made `at`, was made along with D after the snapshot; `None` if it was not.
pub fn with(facts: &Facts<'_>, at: Timestamp) -> Option<String> {
    let frozen = facts.may_be_remade()?;
    let at_once = facts
        .dated()
        .is_some_and(|date| seconds_between(date, at).abs() <= AT_ONCE_SECONDS);
    (seconds_between(frozen, at).abs() <= DAY_SECONDS && !at_once).then(|| {
        format!(
            "{} itself was made {}, {}after the snapshot: the files were converted, moved or copied then",
            facts.frozen_name(),
            second(frozen),
            if facts.remade().is_some() { "" } else { "perhaps " }
        )
    })
}
