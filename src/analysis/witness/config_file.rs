//! The times of the snapshot's configuration file: it was there by then. A rename, notes or a merge below write it again, and a
//! copy is born again, so they are no moment of the snapshot.

use crate::analysis::evidence::{Evidence, Of, Says};
use crate::analysis::facts::Facts;
use crate::store::{BornSource, TakenSource};
use crate::text::second;

crate::catalogue! {
    TAKEN_CONFIG_FILE = "taken-config-file", Info, "the snapshot's configuration was there by then: the snapshot is not younger",
        why: "It is written when the snapshot is taken, and again by a rename, by notes, and by merges below.", action: "Nothing.";
}

pub fn evidence(facts: &Facts<'_>) -> Option<Evidence> {
    let born = facts.snapshot.and_then(|snapshot| snapshot.config_born);
    let born = born.filter(|born| born.source != BornSource::OtherFileSystem);
    let born = born.map(|born| (born.at, "was made", "birth"));
    let write = facts.claim(TakenSource::ConfigWrite);
    let write = write.map(|at| (at, "was last written", "last write"));
    let (at, what, field) = born.into_iter().chain(write).min()?;
    let text = format!("its configuration {what} {}", second(at));
    let source = facts.snapshot_source(field);
    Some(Of::Snapshot.says(&TAKEN_CONFIG_FILE, Says::NotAfter(at), text, source))
}
