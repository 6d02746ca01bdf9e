//! Numbers and judgements about a forest: diff, evidence, verdict, plan, health.
//!
//! ```text
//!  Forest ─► survey (ages, last writes, shape; zones) ─► facts of one disk of a snapshot ─► witness/* (facts → bounds)
//!                                                        ─► verdict (two intervals → rule; pure) ─► Assessment
//!  Forest + Assessment + target ─► plan ─► gate
//!  Chain, Chain ─► diff ─► totals, runs, blocks
//!  Chain, Chain ─► written ─► files: the guest's files that differ
//! ```

pub mod assess;
pub mod assessment;
pub mod changes;
pub mod codes;
pub mod diff;
pub mod evidence;
pub mod facts;
pub mod files;
pub mod guest_clock;
pub mod health;
pub mod interval;
pub mod judge;
pub mod moment;
pub mod open;
pub mod owner;
pub mod plan;
pub mod reasons;
pub mod rules;
pub mod saved;
pub mod settle;
pub mod since;
pub mod snapshot_vdi;
pub mod survey;
pub mod then;
pub mod topology;
pub mod verdict;
pub mod witness;
pub mod written;
pub mod zone;

#[cfg(test)]
pub(crate) mod plain;

pub use assess::assess;
pub use assessment::{AssessedSnapshot, Assessment, DiskAssessment};
pub use evidence::Evidence;
pub use interval::Interval;
pub use plan::plan;
pub use rules::{Reverted, Rule};
pub use survey::Compared;
pub use verdict::Verdict;
