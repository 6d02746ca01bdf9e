//! Numbers and judgements about a forest: usage, diff, evidence, verdict, plan, health.
//!
//! ```text
//!  Forest ─► facts (per snapshot: t_s claims, c(X), belief, shape) ─► judge (pure: table, xcpng or virtualpc) ─► Verdict ─► Assessment
//!  Forest + Assessment + target ─► plan ─► gate
//!  Chain, Chain ─► diff ─► totals, runs, blocks
//!  Chain, Chain ─► written ─► files: the guest's files that differ
//! ```

pub mod assessment;
pub mod codes;
pub mod diff;
pub mod evidence;
pub mod facts;
pub mod files;
pub mod health;
pub mod judge;
pub mod moment;
pub mod open;
pub mod owner;
pub mod plan;
pub mod reasons;
pub mod rows;
pub mod usage;
pub mod verdict;
pub mod witness;
pub mod written;

#[cfg(test)]
pub(crate) mod plain;

pub use assessment::{AssessedSnapshot, Assessment, Compared, DiskAssessment, assess};
pub use evidence::{Bearing, Evidence};
pub use judge::judge;
pub use plan::plan;
pub use verdict::{Reverted, Verdict};
