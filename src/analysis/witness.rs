//! Witnesses: each is one file and one function, from the facts of one disk of a snapshot to evidence.
//!
//! ```text
//!  of t_s    undo_name, date, local_date, memory, frozen_write, lvm_ring, parent_stamp, config_file
//!  of c(X)   lvm_made, pool, made, lvm_management, above_write, frozen_made, guest_clock
//!  proofs    branch, list_order       second witnesses    generation, guest_clock       beside it    surroundings
//! ```
//!
//! Of several that say `at`, the first in this order holds. Whether a witness may be trusted often hangs on another's word;
//! what they share is in `examine` and `remade`.

pub mod above_write;
pub mod branch;
pub mod config_file;
pub mod date;
mod examine;
pub mod frozen_made;
pub mod frozen_write;
pub mod generation;
pub mod guest_clock;
pub mod list_order;
pub mod local_date;
pub mod lvm_made;
pub mod lvm_management;
pub mod lvm_ring;
pub mod made;
pub mod memory;
pub mod parent_stamp;
pub mod pool;
mod remade;
pub mod scan;
pub mod surroundings;
pub mod undo_name;

use crate::analysis::evidence::Evidence;
use crate::analysis::facts::Facts;
use crate::finding::Code;

/// A witness: its documented codes, and what it says.
type Witness = (&'static [&'static Code], fn(&Facts<'_>) -> Vec<Evidence>);

/// Every witness, the better ones of one kind first.
const ALL: [Witness; 20] = [
    (surroundings::ALL, surroundings::evidence),
    (undo_name::ALL, undo_name::evidence),
    (date::ALL, date::evidence),
    (local_date::ALL, local_date::evidence),
    (memory::ALL, memory::evidence),
    (frozen_write::ALL, frozen_write::evidence),
    (lvm_ring::ALL, lvm_ring::evidence),
    (parent_stamp::ALL, parent_stamp::evidence),
    (config_file::ALL, config_file::evidence),
    (lvm_made::ALL, lvm_made::evidence),
    (pool::ALL, pool::evidence),
    (made::ALL, made::evidence),
    (lvm_management::ALL, lvm_management::evidence),
    (above_write::ALL, above_write::evidence),
    (frozen_made::ALL, frozen_made::evidence),
    (branch::ALL, branch::evidence),
    (list_order::ALL, list_order::evidence),
    (generation::ALL, generation::evidence),
    (guest_clock::ALL, guest_clock::evidence),
    (scan::ALL, scan::evidence),
];

/// What all witnesses say.
pub fn hear(facts: &Facts<'_>) -> Vec<Evidence> {
    let heard = ALL.iter().flat_map(|(_, evidence)| evidence(facts));
    heard.collect()
}

/// Every documented code of a witness.
pub fn codes() -> impl Iterator<Item = &'static Code> {
    ALL.iter().flat_map(|(codes, _)| codes.iter().copied())
}
