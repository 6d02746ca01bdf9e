//! The witnesses of one frozen disk, as lines with their raw values.

use super::table::{Case, Relation};
use crate::analysis::facts::taken::tolerance;
use crate::analysis::facts::{Claim, Doubt, Generation, Guest, Made};
use crate::analysis::{Bearing, Evidence, rows, witness};
use crate::finding::Code;
use crate::store::{BornSource, TakenSource};
use crate::text::{second, span};

/// Every witness the table was shown, present or missing, the deciding ones first.
pub(super) fn gather(case: &Case<'_>) -> Vec<Evidence> {
    let mut all = Vec::with_capacity(6);
    age(case, &mut all);
    taken(
        &case.line.taken,
        case.line.ambiguous_name.as_deref(),
        &mut all,
    );
    generation(case, &mut all);
    branches(case, &mut all);
    guest(case, &mut all);
    content(case, &mut all);
    surroundings(case, &mut all);
    all
}

fn line(
    code: &'static Code,
    bearing: Bearing,
    text: String,
    source: impl Into<String>,
) -> Evidence {
    Evidence {
        code,
        bearing,
        text,
        source: source.into(),
    }
}

fn age(case: &Case<'_>, all: &mut Vec<Evidence>) {
    let above = case.above;
    let bearing = match case.relation {
        Relation::Later => Bearing::For,
        Relation::Same => Bearing::Against,
        Relation::Earlier | Relation::AfterBound | Relation::Unknown => Bearing::Silent,
    };
    let beside = match case.gap {
        Some(gap) if case.relation == Relation::Same => {
            format!(", within {} of the snapshot", span(gap))
        }
        Some(gap) if gap < 0 => format!(", {} before the snapshot", span(gap)),
        Some(gap) => format!(", {} after the snapshot", span(gap)),
        None => String::new(),
    };
    match above.made {
        Made::Footer(at) => all.push(line(
            &witness::ABOVE_FOOTER,
            if case.frozen_later {
                Bearing::Silent
            } else {
                bearing
            },
            format!("{} was made {}{beside}", above.name, second(at)),
            format!("{}: footer time stamp", above.path),
        )),
        Made::Birth(at, source) => {
            all.push(line(
                &witness::ABOVE_BIRTH,
                bearing,
                format!("{} was born {}{beside}", above.name, second(at)),
                format!("{}: birth, by {}", above.path, who(source)),
            ));
            all.push(line(
                &witness::BIRTHS_BELIEVED,
                Bearing::Silent,
                "no file of the chain is younger than its last write or its snapshot, and they were not born all at once".to_owned(),
                "births and last writes of the chain",
            ));
        }
        Made::Unknown => {
            if let Some(at) = above.footer_doubt {
                all.push(line(
                    &witness::FOOTER_IMPLAUSIBLE,
                    Bearing::Silent,
                    format!(
                        "{} claims to be made {}, which cannot be right",
                        above.name,
                        second(at)
                    ),
                    format!("{}: footer time stamp", above.path),
                ));
            }
            let doubts = above.belief.doubts.iter().map(doubt);
            let before = all.len();
            all.extend(doubts);
            if all.len() == before {
                all.push(line(
                    &witness::ABOVE_UNKNOWN,
                    Bearing::Silent,
                    format!("nothing says when {} was made", above.name),
                    above.path.clone(),
                ));
            }
        }
    }
    if case.frozen_later
        && let (Made::Footer(frozen), Some(claim)) = (case.line.frozen_made, case.claim)
    {
        all.push(line(
            &witness::FROZEN_LATER,
            Bearing::Silent,
            format!(
                "the frozen disk {} was made {}, after its snapshot ({})",
                case.line.frozen_name,
                second(frozen),
                second(claim.at)
            ),
            format!("{}: footer time stamp", case.line.frozen_name),
        ));
    }
    if let (Some(made), Some((name, write))) = (case.made().at(), &above.earliest_write)
        && *write < made
    {
        all.push(line(
            &witness::WRITE_BEFORE_MADE,
            Bearing::Silent,
            format!(
                "{name} was last written {}, before {} was made",
                second(*write),
                above.name
            ),
            format!("{name}: last write"),
        ));
    }
}

fn who(source: BornSource) -> &'static str {
    match source {
        BornSource::WindowsFileSystem => "the file system (NTFS, ReFS, SMB or exFAT)",
        BornSource::OtherFileSystem => "the file system of this copy",
        BornSource::Host => "the host's listing",
        BornSource::Lvm => "LVM's metadata",
    }
}

fn doubt(doubt: &Doubt) -> Evidence {
    let silent = |code, text, source: String| line(code, Bearing::Silent, text, source);
    match doubt {
        Doubt::FrozenLater(file, born, taken) => silent(
            &witness::FROZEN_LATER,
            format!(
                "{file} was born {}, after its snapshot was taken ({}): the store was copied or moved",
                second(*born),
                second(*taken)
            ),
            format!("{file}: birth"),
        ),
        Doubt::AfterWrite(file, born, write) => silent(
            &witness::BIRTH_AFTER_WRITE,
            format!(
                "{file} was born {}, after its last write ({}): it is a copy, and its age says nothing",
                second(*born),
                second(*write)
            ),
            format!("{file}: birth and last write"),
        ),
        Doubt::Together(first, last) => silent(
            &witness::BIRTHS_TOGETHER,
            format!(
                "all files of the chain were born between {} and {}: that looks like one copy",
                second(*first),
                second(*last)
            ),
            "births of the chain".to_owned(),
        ),
        Doubt::ConfigDiffers(file, born, dated) => silent(
            &witness::CONFIG_BIRTH_DIFFERS,
            format!(
                "{file} was born {}, its date is {}",
                second(*born),
                second(*dated)
            ),
            format!("{file}: birth"),
        ),
        Doubt::OfCopy(file, born) => silent(
            &witness::BIRTH_OF_COPY,
            format!(
                "{file} was born {} here: the file system knows only the birth of this copy",
                second(*born)
            ),
            format!("{file}: birth"),
        ),
        Doubt::Missing(file) => silent(
            &witness::BIRTH_MISSING,
            format!("no birth time for {file}"),
            format!("{file}: birth"),
        ),
    }
}

/// When the snapshot was taken: the claim in use, and the others that contradict it.
pub(super) fn taken(claims: &[Claim], ambiguous: Option<&str>, all: &mut Vec<Evidence>) {
    if let Some(name) = ambiguous {
        all.push(line(
            &witness::TAKEN_NAME_AMBIGUOUS,
            Bearing::Silent,
            format!("the date in \"{name}\" can be read with day and month in either order"),
            "the snapshot's name",
        ));
    }
    let Some(best) = claims.first() else {
        all.push(line(
            &witness::TAKEN_UNKNOWN,
            Bearing::Silent,
            "nothing says when the snapshot was taken".to_owned(),
            "",
        ));
        return;
    };
    let (code, text) = match best.source {
        TakenSource::Config => (&witness::TAKEN_CONFIG, format!("taken {}", second(best.at))),
        TakenSource::Label => (&witness::TAKEN_LABEL, format!("taken {}", second(best.at))),
        TakenSource::LabelLocal => (
            &witness::TAKEN_LABEL,
            format!(
                "taken {} in the host's local time, zone unknown",
                second(best.at).trim_end_matches('Z')
            ),
        ),
        TakenSource::Name => (
            &witness::TAKEN_NAME,
            format!(
                "taken {} by its name, in the host's local time, zone unknown",
                second(best.at).trim_end_matches('Z')
            ),
        ),
        TakenSource::MemoryFile => (
            &witness::TAKEN_MEMORY,
            format!("memory written {}", second(best.at)),
        ),
        TakenSource::ConfigBirth => (
            &witness::TAKEN_CONFIG_FILE,
            format!("configuration file born {}", second(best.at)),
        ),
        TakenSource::ConfigWrite => (
            &witness::TAKEN_CONFIG_FILE,
            format!("configuration file last written {}", second(best.at)),
        ),
        TakenSource::FrozenWriteRunning => (
            &witness::TAKEN_FROZEN_RUNNING,
            format!(
                "frozen disk last written {}, the VM running",
                second(best.at)
            ),
        ),
        TakenSource::FrozenWrite => (
            &witness::TAKEN_NOT_BEFORE,
            format!(
                "not taken before {}, the frozen disk's last write",
                second(best.at)
            ),
        ),
    };
    all.push(line(code, Bearing::Silent, text, best.from.clone()));
    let Some(close) = tolerance(best.source) else {
        return;
    };
    for other in claims.iter().skip(1) {
        let Some(other_close) = tolerance(other.source) else {
            continue;
        };
        // A configuration is written again whenever somebody renames the snapshot, a frozen disk by each merge into it.
        let later_is_fine = matches!(
            other.source,
            TakenSource::ConfigWrite | TakenSource::FrozenWriteRunning
        ) && other.at > best.at;
        let apart = crate::analysis::facts::belief::seconds_between(best.at, other.at).abs();
        if apart > close.max(other_close) && !later_is_fine {
            all.push(line(
                &witness::TAKEN_DISAGREE,
                Bearing::Silent,
                format!(
                    "another date says {}, {} away",
                    second(other.at),
                    span(apart)
                ),
                other.from.clone(),
            ));
        }
    }
}

fn generation(case: &Case<'_>, all: &mut Vec<Evidence>) {
    all.push(match &case.facts.generation {
        Generation::Same { id, later } => line(
            &witness::GENERATION_SAME,
            Bearing::Against,
            format!("the generation id is still {id}"),
            format!("{later}: generation_id"),
        ),
        Generation::Different {
            then,
            later_id,
            later,
        } => line(
            &witness::GENERATION_DIFFERS,
            Bearing::For,
            format!("the generation id was {then} and is {later_id}"),
            format!("{later}: generation_id"),
        ),
        Generation::Unknown => line(
            &witness::GENERATION_UNKNOWN,
            Bearing::Silent,
            "no generation id to compare".to_owned(),
            "",
        ),
    });
}

fn branches(case: &Case<'_>, all: &mut Vec<Evidence>) {
    for branch in &case.above.branches {
        let (bearing, beside) = match case.above.made.comparable(branch.made) {
            Some((above, other)) if above > other => (
                Bearing::For,
                format!(", made {}: the older one", second(other)),
            ),
            Some((_, other)) => (
                Bearing::Against,
                format!(", made {}: the younger one", second(other)),
            ),
            None => (Bearing::For, ", of unknown age".to_owned()),
        };
        all.push(line(
            &witness::BRANCH,
            bearing,
            format!(
                "another branch of this VM begins with {}{beside}",
                branch.name
            ),
            format!("links of {}", case.line.frozen_name),
        ));
    }
    if let Some(name) = super::table::kept_sibling(case) {
        all.push(line(
            &witness::KEPT_BRANCH,
            Bearing::For,
            format!(
                "\"{name}\" was taken on another branch when {} was made",
                case.above.name
            ),
            format!("links of {}", case.line.frozen_name),
        ));
    }
    if case.above.unrelated > 0 {
        all.push(line(
            &witness::UNRELATED_CHILDREN,
            Bearing::Silent,
            format!(
                "disks of no known snapshot that hang on {} too: {}",
                case.line.frozen_name, case.above.unrelated
            ),
            format!("links of {}", case.line.frozen_name),
        ));
    }
}

fn guest(case: &Case<'_>, all: &mut Vec<Evidence>) {
    match case.facts.guest {
        Some(Guest::Gap) => all.push(line(
            &witness::GUEST_GAP,
            Bearing::For,
            "the guest shows no activity in between, and the gap matches at both ends".to_owned(),
            "file systems inside the disks",
        )),
        Some(Guest::ActiveInside) => all.push(line(
            &witness::GUEST_ACTIVE,
            Bearing::Against,
            "the guest was active in between".to_owned(),
            "file systems inside the disks",
        )),
        None => {}
    }
}

fn content(case: &Case<'_>, all: &mut Vec<Evidence>) {
    let above = case.above;
    match above.equals_parent {
        Some(true) => all.push(line(
            &witness::STANDS,
            Bearing::Silent,
            format!(
                "{} holds nothing that differs from {}",
                above.name, case.line.frozen_name
            ),
            format!("{}: content", above.path),
        )),
        Some(false) => all.push(line(
            &witness::MOVED_ON,
            Bearing::Silent,
            format!("{} holds changes", above.name),
            format!("{}: content", above.path),
        )),
        None => {}
    }
}

fn surroundings(case: &Case<'_>, all: &mut Vec<Evidence>) {
    let above = case.above;
    if !above.lingering.is_empty() {
        all.push(line(
            &rows::ROW_22,
            Bearing::Silent,
            format!(
                "owned by no snapshot, with others on top: {}",
                above.lingering.join(", ")
            ),
            "links, snapshot configurations and labels",
        ));
    }
    if let Some(builds) = &above.builds {
        let (bearing, text) = match &builds.older_later {
            Some((name, by)) => (
                Bearing::For,
                format!(
                    "{} was made by {}, yet {name}, made after the snapshot, by the older {by}",
                    above.name, builds.above
                ),
            ),
            None => (
                Bearing::Silent,
                format!(
                    "{} was made by {}, the frozen disk by {}",
                    above.name, builds.above, builds.frozen
                ),
            ),
        };
        all.push(line(
            &witness::CREATOR_BUILD,
            bearing,
            text,
            format!("{}: creator", above.path),
        ));
    }
}
