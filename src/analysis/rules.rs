//! The rules of the verdict: one table with everything there is to say of each. A rule has one place on the scale, a documented
//! code, a sentence that says why, and what would settle it where it cannot tell. What stands in braces in a sentence is put in
//! by [`Told`].

mod told;

use crate::finding::{Code, Severity};
use crate::store::Product;
use crate::store::product::POOL_DATES;
use told::NOW;

pub use told::Told;

/// The scale of a verdict.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Reverted {
    /// A proof of shape or list: a state was applied since.
    Certain,
    /// The two times say so.
    Likely,
    /// The times are open, or facts contradict.
    CannotTell,
    /// The times say that the disk above is the snapshot's own.
    NoSign,
    /// And a second, independent witness says so too.
    NotReverted,
}

crate::worded!(Reverted);

/// What a person brings to settle a verdict.
#[derive(Debug, Clone, Copy)]
enum Bring {
    Nothing,
    Dates,
    /// Times of files, and dates where there are none.
    Both,
    Text(&'static str),
}

struct RuleRow {
    reverted: Reverted,
    code: &'static Code,
    because: &'static str,
    bring: Bring,
}

macro_rules! rules {
    ($($name:ident = $reverted:ident, $id:literal, $title:literal, why: $why:literal, action: $action:literal,
        because: $because:literal, bring: $kind:ident $(($text:expr))?;)*) => {
        /// A rule; the table says of each what it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Rule {
            $($name,)*
            /// Of a saved scan of another version: with its place on the scale.
            OtherVersion(Reverted),
        }

        impl Rule {
            /// Every rule of this version.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            fn row(self) -> RuleRow {
                match self {
                    $(Self::$name => {
                        static CODE: Code = Code {
                            id: $id,
                            severity: severity(Reverted::$reverted),
                            title: $title,
                            why: $why,
                            action: $action,
                        };
                        RuleRow {
                            reverted: Reverted::$reverted,
                            code: &CODE,
                            because: $because,
                            bring: Bring::$kind $(($text))?,
                        }
                    })*
                    Self::OtherVersion(reverted) => RuleRow {
                        reverted,
                        code: &OTHER_VERSION,
                        because: "",
                        bring: Bring::Nothing,
                    },
                }
            }
        }
    };
}

const fn severity(reverted: Reverted) -> Severity {
    match reverted {
        Reverted::Certain | Reverted::Likely => Severity::Error,
        Reverted::CannotTell => Severity::Warning,
        Reverted::NoSign | Reverted::NotReverted => Severity::Info,
    }
}

crate::catalogue! {
    OTHER_VERSION = "other-version", Info, "a verdict of another version of the program",
        why: "The scan was saved by a version whose rules this one does not know.",
        action: "Look at the store with this version.";
}

rules! {
    BranchYounger = Certain, "branch-younger", "certain: another branch stands on the snapshot's disk, and the VM's own is the younger one",
        why: "Only applying the snapshot starts a second branch. The VM's own branch began later, so the VM goes on from an applied state.",
        action: "Decide what of the older branch still matters before deleting anything on either.",
        because: "an older branch stands on the same disk",
        bring: Nothing;
    BranchKept = Certain, "branch-kept", "certain: the snapshot was applied, and the state before that was kept as another snapshot",
        why: "The disk of a snapshot on a second branch was written until the disk above was made: create checkpoint and apply.",
        action: "Deleting that other snapshot loses the state before the revert.",
        because: "the state before that was kept as snapshot \"{what}\"",
        bring: Nothing;
    BranchAgesUnknown = Certain, "branch-ages-unknown", "certain: another branch shows that the snapshot was applied at some time; which branch came first cannot be told",
        why: "Only applying the snapshot starts a second branch. Nothing believable tells the age of the two.",
        action: "Bring a listing of times made on the host, or its list of snapshots.",
        because: "another branch stands on {frozen}; which came first cannot be told",
        bring: Nothing;
    AnotherThen = Certain, "another-disk-then", "certain: a saved scan shows another disk on the snapshot's than today",
        why: "A snapshot's disk gets a second disk above it only when the snapshot is applied, and nothing was merged into it in between: it is the same snapshot's, or it was not written. A VHDX has nothing by which it can be told again once somebody has copied, renamed and written it; nothing in Hyper-V does all three.",
        action: "What was done between the snapshot and that scan was in the disk that is gone. Ask who reverted.",
        because: "{what}",
        bring: Nothing;
    ListOrder = Certain, "applied-after-another", "certain: another branch holds a snapshot that is younger than this one, on which the VM stands now",
        why: "The VM was on the other branch when that snapshot was taken. It stands on this one now, so this one was applied after that, whatever the ages of the files.",
        action: "Decide what of the other branch still matters before deleting anything on either.",
        because: "snapshot \"{what}\" is younger and lies on another branch",
        bring: Nothing;
    AboveYounger = Likely, "disk-above-younger", "likely: the disk above is younger than the snapshot",
        why: "A snapshot makes the disk above at its own moment; a revert throws that disk away and makes a new one. Innocent explanations: somebody made that disk again by hand, converted, copied or restored it.",
        action: "Ask who reverted or converted. Until then take it as a revert: what was done in between is in no file.",
        because: "{later}. Innocent explanations left: {innocent}",
        bring: Nothing;
    GuestStopped = Likely, "guest-stopped", "likely: the guest was in use until the snapshot, and nothing it wrote is from then until it was started again",
        why: "A revert throws away what was done from the snapshot on, and the machine starts from the snapshot's state. Innocent: it was switched off hard or paused at that very moment, or stood idle until it was started again.",
        action: "Ask whether the machine was off all that time. Until then take it as a revert: what was done in between is in no file.",
        because: "{what}. Innocent explanations left: it was switched off hard or paused at that very moment, or stood idle until then",
        bring: Nothing;
    RecordYounger = Likely, "record-younger", "likely: the pool's record of the disk in use is younger than that of its snapshot",
        why: "A disk is there before its snapshots, and so is its record, unless a revert made it. Innocent explanations: the disks were moved to another repository, imported, or their repository was forgotten and introduced again.",
        action: "Ask whether the VM was moved, imported or reverted. Until then take it as a revert.",
        because: "the pool made its record of the disk in use after that of the snapshot. Innocent explanations left: the VM was moved to another repository or imported",
        bring: Nothing;
    RecordYoungerDiskAsOld = CannotTell, "record-younger-disk-as-old", "cannot tell: the pool's record of the disk in use is younger than that of its snapshot, yet the disk is as old",
        why: "The order of the records says that a revert made the disk, its age says that the snapshot did. A repository that was forgotten and introduced again has new records.",
        action: "Ask whether the repository was introduced again, or the VM moved.",
        because: "{above} was made {made}, with the snapshot, yet by the pool's records the disk in use is younger",
        bring: Text("Ask whether the VM was reverted to a later snapshot that is deleted by now, or moved, or its repository introduced again; or bring the pool's database of before.");
    YoungerGenerationSame = CannotTell, "younger-but-generation-same", "cannot tell: the disk above is younger than the snapshot, yet the machine ran on it with the snapshot's generation id",
        why: "The disk was made again, but nothing was applied: an offline tool may have done it.",
        action: "Find out which tool made the disk again.",
        because: "{later}, yet the machine ran on it with the snapshot's generation id",
        bring: Text("Find out which tool made that disk again (a conversion, a storage migration, a copy).");
    AsOldGenerationDiffers = CannotTell, "as-old-but-generation-differs", "cannot tell: the disk above is as old as the snapshot, yet the generation id changed",
        why: "The VM was restored, imported or failed over, or reverted within minutes of the snapshot.",
        action: "Ask whether the VM was imported or restored since.",
        because: "{above} was made with the snapshot, yet the generation id changed: imported, restored, failed over, or reverted within minutes",
        bring: Text("Ask whether the VM was imported, restored or failed over since.");
    ImpossibleOrder = CannotTell, "impossible-order", "cannot tell: the disk above is older than the snapshot",
        why: "No snapshot is younger than the disk it makes. A clock was wrong, or a date comes from elsewhere.",
        action: "Check the host's clock and where the configuration or list comes from.",
        because: "{above} was made {made}, but the snapshot was taken {taken}, which cannot be; a clock was wrong, or one of the two is from elsewhere",
        bring: Dates;
    DateContradicts = CannotTell, "date-contradicts", "cannot tell: the snapshot's disk was written long after the date, until the disk above was made",
        why: "The list may be older than the snapshot, or a merge may have come before a revert. Both look the same.",
        action: "Bring a list of snapshots made today.",
        because: "it is dated {taken}, yet {frozen} was written until {above} was made ({made}): the list is older than the snapshot, or a merge came before a revert",
        bring: Dates;
    DatesDisagree = CannotTell, "dates-disagree", "cannot tell: the snapshot has two dates that are not one, and they decide",
        why: "By one of the dates the disk above is as old as the snapshot, by the other it is not. One of the two is of another snapshot, of another copy, or wrong.",
        action: "Find out which date is right, and leave the other list out.",
        because: "its two dates are not one, and {above}, made {made}, is as old as it by one of them and not by the other",
        bring: Text("Find out which of the dates is right, and leave the other list out.");
    NoZoneFits = CannotTell, "no-zone-fits", "cannot tell: the snapshot's date has no time zone, and none fits the files",
        why: "In no zone does the date lie between the last write of the snapshot's disk and the making of the disk above, or the store's dates need different zones.",
        action: "Bring a list of snapshots that says the zone.",
        because: "its date has no time zone, and in none does it lie between the last write of {frozen} and the making of {above} ({made})",
        bring: Dates;
    ZoneOpen = CannotTell, "zone-open", "cannot tell: the snapshot's date has no time zone, and it decides",
        why: "In one zone that fits the files the disk above is as old as the snapshot, in another it is younger.",
        action: "Bring a list of snapshots that says the zone.",
        because: "its date has no time zone; it was taken {taken}, and {above} was made {made}",
        bring: Dates;
    ClockUnknown = CannotTell, "clock-unknown", "cannot tell: the disk above seems younger, by less than two clocks may differ",
        why: "Stamps come from the host's clock, last writes from the file server's, and no untouched disk of a snapshot is here to compare them by.",
        action: "Compare the clocks of host and file server.",
        because: "{later}, but no untouched disk of a snapshot is here to compare the clocks of host and file server by",
        bring: Text(POOL_DATES);
    BoundsOpen = CannotTell, "bounds-open", "cannot tell: when the snapshot was taken is known only between bounds",
        why: "A VM that is off leaves its disk unwritten for any time before a snapshot, so the last write is no date of the snapshot.",
        action: "Bring the host's list of snapshots.",
        because: "{above} was made {made}, and the snapshot was taken {between}",
        bring: Dates;
    NoDate = CannotTell, "no-date", "cannot tell: nothing says when the snapshot was taken",
        why: "No configuration, list, name, memory file or last write that can be trusted dates it.",
        action: "Bring the host's list of snapshots.",
        because: "{above} was made {made}, but nothing says when the snapshot was taken{dropped}",
        bring: Dates;
    NoAge = CannotTell, "no-age", "cannot tell: nothing says when the disk above was made",
        why: "A VHDX holds no date, and a copy, a restore or a conversion renews the ages of files.",
        action: "Bring a listing of times made on the host before it was copied.",
        because: "the age of {above} is unknown{dropped}",
        bring: Both;
    DisksDisagree = CannotTell, "disks-disagree", "cannot tell: the disks of this snapshot disagree",
        why: "A snapshot and a revert make the disks above all disks of the machine within seconds. A single odd one was made again on its own.",
        action: "Look at the evidence of each disk; the odd one may have been converted or moved.",
        because: "its disks disagree: {what}",
        bring: Text("Find out why the disks differ in age.");
    NowUnknown = CannotTell, "now-unknown", "cannot tell: nothing says what the VM uses now",
        why: "Which disk lies above the snapshot's on the way to Now depends on it.",
        action: "Bring the VM's configuration, or its disks in the host's list.",
        because: "{what}",
        bring: Text(NOW);
    SeveralChildren = CannotTell, "several-children", "cannot tell: more than two disks stand on the base, and any may be the active one",
        why: "XCP-ng puts a disk of its own beside the active one for each snapshot of an unchanged disk.",
        action: "Bring the pool's list of disks.",
        because: "more than two disks stand on {frozen}, and nothing says which is the active one",
        bring: Text(POOL_DATES);
    OnSnapshotDisk = CannotTell, "on-snapshot-disk", "cannot tell: the VM uses the snapshot's disk itself",
        why: "No disk was made above it, or it has been merged already, or the configuration is an old one.",
        action: "Bring the present configuration of the VM.",
        because: "the VM uses {frozen} itself: no disk was made above it, or it has been merged already",
        bring: Text("Bring the present configuration of the VM.");
    ChainBroken = CannotTell, "chain-broken", "cannot tell: the VM's chain breaks before it reaches the snapshot's disk",
        why: "The disk directly above cannot be found. What the machine uses may not be here, or may not be readable.",
        action: "Bring the missing parent, or name its folder.",
        because: "the VM's chain breaks before it reaches {frozen}, so the disk directly above it is unknown",
        bring: Text("Bring the missing disk, or name its folder with --parent-root.");
    NowClosed = CannotTell, "now-closed", "cannot tell: the disk that the VM uses could not be opened",
        why: "A running machine keeps its disk to itself. When that disk was made, and what it stands on, is known only to the host.",
        action: "Bring the host's facts about it (vhdtree collect, --facts), or read a shadow copy of the volume.",
        because: "{what} could not be opened, so when it was made and what it stands on are not known",
        bring: Text("If this user may not read it, ask as one who may. Else bring what its host says of it (vhdtree collect prints a script that asks; give its output with --facts), or read a shadow copy of the volume.");
    NothingAbove = CannotTell, "nothing-above", "cannot tell: no disk stands on the snapshot's",
        why: "The rest of the chain is not here, and nothing says what the VM uses now.",
        action: "Bring the rest of the store, or the VM's disks in the host's list.",
        because: "no disk stands on {frozen}, and nothing says what the VM uses now",
        bring: Text(NOW);
    SharedParent = CannotTell, "shared-parent", "no verdict: several disks stand on one that no snapshot names",
        why: "It may be a shared parent, which has nothing to be reverted to.",
        action: "If it is a snapshot, bring the host's list of snapshots.",
        because: "several disks stand on {frozen} and no snapshot is known here: it may be a shared parent, which has nothing to be reverted to",
        bring: Text("If it is a snapshot, bring the list of snapshots (--facts).");
    DiskNotHere = CannotTell, "disk-not-here", "cannot tell: no disk of the snapshot is in the store",
        why: "The verdict is read from the disks.",
        action: "Bring the snapshot's disks, or name their folder.",
        because: "no disk of it is in the store",
        bring: Text("Bring the snapshot's disks, or name their folder with --parent-root.");
    AsOld = NoSign, "as-old", "no sign: the disk above is as old as the snapshot",
        why: "The disk above was made at the moment of the snapshot, so it is the snapshot's own.",
        action: "Nothing. A revert in the first moments would look the same.",
        because: "{above} was made {made}, with the snapshot. {blind}",
        bring: Nothing;
    GenerationSame = NoSign, "generation-id-kept", "no sign: the machine ran on the disk above with the snapshot's generation id; the times say nothing",
        why: "An applied state gets a new generation id when it is started.",
        action: "Bring a listing of times made on the host for a second witness.",
        because: "the machine ran on the disk above, and the generation id is still the snapshot's. The times say nothing",
        bring: Nothing;
    GuestWorked = NoSign, "guest-worked-on", "no sign: the guest worked on the disk above from the snapshot on; the times of the files say nothing",
        why: "What a guest did is dated by its own kernel, and a revert throws it away.",
        action: "Bring a listing of times made on the host for a second witness. A revert in the first hour would look the same.",
        because: "{above} was there from the snapshot on: {what}. The times of the files say nothing; a revert in the first hour would look the same",
        bring: Nothing;
    OffLine = NoSign, "off-line", "no sign: what the VM uses now does not come from this snapshot",
        why: "The snapshot's disk lies on a branch the VM does not use, so the VM's present state was not reverted to it.",
        action: "Look at the plan before deleting: changes on such a branch are part of no running VM.",
        because: "what the VM uses now does not come from {frozen}",
        bring: Nothing;
    AsOldGenerationSame = NotReverted, "as-old-and-generation-same", "not reverted: the disk above is as old as the snapshot, and the machine ran on it with the snapshot's generation id",
        why: "Two independent witnesses say that the disk above is the one the snapshot made.",
        action: "Nothing. A revert in the first moments would look the same to the disk.",
        because: "{above} was made {made}, with the snapshot, and the machine ran on it with the snapshot's generation id. {blind}",
        bring: Nothing;
}

impl Rule {
    /// It cannot tell because the times of snapshot and disk are known too loosely: another witness may settle it.
    pub fn is_open(self) -> bool {
        matches!(
            self,
            Self::NoAge | Self::BoundsOpen | Self::NoDate | Self::ZoneOpen | Self::ClockUnknown
        )
    }

    /// Its place on the scale.
    pub fn reverted(self) -> Reverted {
        self.row().reverted
    }

    pub fn code(self) -> &'static Code {
        self.row().code
    }

    /// It cannot tell because facts contradict, not because one is missing: another disk of the snapshot does not mend it.
    pub fn contradicts(self) -> bool {
        matches!(
            self,
            Self::YoungerGenerationSame
                | Self::AsOldGenerationDiffers
                | Self::RecordYoungerDiskAsOld
                | Self::ImpossibleOrder
                | Self::DateContradicts
                | Self::DatesDisagree
                | Self::NoZoneFits
        )
    }

    /// The rule of a saved scan.
    pub fn from_code(code: &str, reverted: Reverted) -> Self {
        let known = Self::ALL.iter().find(|rule| rule.code().id == code);
        known.copied().unwrap_or(Self::OtherVersion(reverted))
    }

    /// The verdict in a sentence or two.
    pub fn summary(self, told: &Told) -> String {
        let why = told.fill(self.row().because);
        let snapshot = told.snapshot();
        let vm = told.vm.as_deref().unwrap_or("The VM");
        let within = told.vm.as_deref().unwrap_or("the VM");
        let last = told.last();
        match (self.reverted(), told.product) {
            _ if self == Self::SharedParent => format!("Cannot tell: {why}."),
            (Reverted::Certain, _) => {
                format!("{vm} was reverted to {snapshot} at least once{last}: {why}.")
            }
            (Reverted::Likely, Product::VirtualPc) => format!(
                "The changes of {within} were very likely discarded at least once{last}: {why}."
            ),
            (Reverted::Likely, _) => {
                format!("{vm} was very likely reverted to {snapshot} at least once{last}: {why}.")
            }
            (Reverted::NoSign, Product::VirtualPc) => {
                format!("Nothing shows that changes were discarded: {why}.")
            }
            (Reverted::NoSign, _) => format!("Nothing shows a revert to {snapshot}: {why}."),
            (Reverted::NotReverted, _) => format!("Not reverted to {snapshot}: {why}."),
            (Reverted::CannotTell, Product::VirtualPc) => {
                format!("Cannot tell whether changes of {within} were discarded: {why}.")
            }
            (Reverted::CannotTell, _) => {
                format!("Cannot tell whether {within} was reverted to {snapshot}: {why}.")
            }
        }
    }

    /// What would settle it, where it cannot tell.
    pub fn settle(self, told: &Told) -> Option<String> {
        match self.row().bring {
            Bring::Nothing => None,
            Bring::Dates => Some(told.bring(told.dates())),
            Bring::Both => Some(told.bring(told.dates_and_times())),
            Bring::Text(text) => Some(told.bring(text)),
        }
    }
}

pub fn codes() -> impl Iterator<Item = &'static Code> {
    let known = Rule::ALL.iter().map(|rule| rule.code());
    known.chain(ALL.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_words_of_its_own_and_comes_back_from_its_code() {
        for rule in Rule::ALL.iter().copied() {
            assert_eq!(Rule::from_code(rule.code().id, Reverted::CannotTell), rule);
            let told = Told {
                what: "what".to_owned(),
                ..Told::default()
            };
            let summary = rule.summary(&told);
            assert!(
                summary.ends_with('.') && !summary.contains("..") && !summary.contains('{'),
                "{summary}"
            );
            let cannot = rule.reverted() == Reverted::CannotTell;
            assert_eq!(rule.settle(&told).is_some(), cannot, "{rule:?}");
        }
        let saved = Rule::from_code("row-4", Reverted::Likely);
        assert_eq!(saved.reverted(), Reverted::Likely);
    }

    #[test]
    fn a_name_from_a_disk_is_no_place_in_a_sentence() {
        let told = Told {
            frozen: "{above}{".to_owned(),
            above: "x.avhd".to_owned(),
            ..Told::default()
        };
        assert!(Rule::OffLine.summary(&told).contains("come from {above}{."));
    }
}
