//! Witnesses: each is one file and one function, from the facts of one disk of a snapshot to evidence.
//!
//! ```text
//!  of t_s    undo_name, date, local_date, memory, frozen_write, lvm_ring, parent_stamp, config_file
//!  of c(X)   lvm_made, pool, made, lvm_management, above_write, frozen_made, guest_clock
//!  proofs    branch, list_order       second witnesses    generation, guest_clock       beside it    surroundings
//! ```
//!
//! Of several that say `at`, the first in this order holds. Whether a witness may be trusted often hangs on another's word;
//! what they share is in `examine`, `remade` and `retaken`.

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
mod retaken;
pub mod scan;
pub mod surroundings;
pub mod undo_name;

use crate::analysis::evidence::Evidence;
use crate::analysis::facts::Facts;
use crate::finding::Code;

macro_rules! in_order {
    ($($witness:ident)*) => {
        /// What all witnesses say.
        pub fn hear(facts: &Facts<'_>) -> Vec<Evidence> {
            let mut all = Vec::new();
            $(all.extend($witness::evidence(facts));)*
            all
        }

        /// Every documented code of a witness.
        pub fn codes() -> impl Iterator<Item = &'static Code> {
            [$($witness::ALL),*].into_iter().flatten().copied()
        }
    };
}

// The better ones of one kind first.
in_order! {
    surroundings undo_name date local_date memory frozen_write lvm_ring parent_stamp config_file lvm_made pool made
    lvm_management above_write frozen_made branch list_order generation guest_clock scan
}
