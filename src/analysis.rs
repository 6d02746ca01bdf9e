//! Numbers and judgements about a forest: usage, diff, evidence, verdict, plan, health.
//!
//! ```text
//!  Forest ─► facts (per snapshot: t_s claims, c(X), belief, shape) ─► verdict (one pure function) ─► Assessment
//!  Forest + Assessment + target ─► plan ─► gate
//!  Chain, Chain ─► diff ─► totals, runs, blocks
//! ```

pub mod assessment;
pub mod diff;
pub mod evidence;
pub mod open;
pub mod plan;
pub mod usage;
pub mod verdict;

pub use assessment::{AssessedSnapshot, Assessment, DiskAssessment, assess};
pub use evidence::{Bearing, Evidence};
pub use verdict::{Reverted, Verdict};
