//! The snapshot's memory file: written while the snapshot is taken, and rarely touched again but by a copy.

use jiff::Timestamp;

use crate::analysis::evidence::{Evidence, Of, Says};
use crate::analysis::facts::Facts;
use crate::analysis::interval::{DAY_SECONDS, seconds_between};
use crate::analysis::witness::examine;
use crate::store::TakenSource;
use crate::text::second;

crate::catalogue! {
    TAKEN_MEMORY = "taken-memory", Info, "the last write of the snapshot's memory file",
        why: "Memory is written while the snapshot is taken and rarely touched again. A copy may give it a later time, so alone it only says that the snapshot is not younger.", action: "Nothing.";
}

pub fn evidence(facts: &Facts<'_>) -> Option<Evidence> {
    let write = facts.claim(TakenSource::MemoryFile)?;
    let text = format!("its memory file was last written {}", second(write));
    let source = facts.snapshot_source("memory file, last write");
    let says = at(facts).map_or(Says::NotAfter(write), Says::At);
    Some(Of::Snapshot.says(&TAKEN_MEMORY, says, text, source))
}

/// The moment by the memory file: where the frozen disk was written until then, or its last write is
/// spoilt and so much earlier that no copy gave it to both.
pub fn at(facts: &Facts<'_>) -> Option<Timestamp> {
    let write = facts.claim(TakenSource::MemoryFile)?;
    let is_hosts = match examine::frozen_write(facts) {
        // With memory the machine ran, and a machine that runs writes.
        Ok(frozen) => seconds_between(frozen, write) <= DAY_SECONDS,
        Err(Some((frozen, _))) => seconds_between(write, frozen) > DAY_SECONDS,
        Err(None) => false,
    };
    is_hosts.then_some(write)
}
