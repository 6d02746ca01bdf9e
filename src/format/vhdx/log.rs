//! Log: finding the active sequence and laying it over the file, in memory only ([MS-VHDX] 2.3).
//!
//! ```text
//!  ring of 4 KiB sectors     ┌ tail                 ┌ head
//!   ... old entries ...      E5 ──► E6 ──► E7 ──► E8 ──► (other or torn)
//!                            ▲                     │
//!                            └──── E8's tail ◄─────┘   active: the unbroken sequence that ends highest and holds its tail
//! ```

mod entry;
mod ring;

use std::io;
use std::ops::Range;

use crate::finding::Finding;
use crate::format::vhdx::header::VhdxHeader;
use crate::format::vhdx::{MAX_FILE_SIZE, MIB, codes};
use crate::source::{Overlay, Source};

use entry::{Rejected, ValidLogEntry};
use ring::LogRing;

/// Longest log that is replayed, in bytes. The format gives no limit, writers make 1 MiB logs; `OpenVMM` stops here too.
const MAX_LOG_BYTES: u64 = 1 << 30;

/// What became of a log.
#[derive(Debug)]
pub enum LogReplay {
    /// The header says that there is nothing to replay.
    Nothing,
    /// There is something to replay and it cannot be; findings say why.
    Unusable,
    /// What to lay over the file.
    Done {
        /// Pages and zeros, as the log's entries wrote them.
        overlay: Overlay,
        /// Entries replayed.
        entries: u32,
        /// Length the file must have afterwards, in bytes; at least its own.
        file_bytes: u64,
    },
}

/// The bytes a header claims for its log; the end saturates.
pub fn range(header: &VhdxHeader) -> Range<u64> {
    header.log_offset
        ..header
            .log_offset
            .saturating_add(u64::from(header.log_length))
}

/// Finds what the log holds for the file and prepares it to be laid over. Reads nothing if the header's log id is nil.
/// Memory: under 100 bytes for each 4 KiB of log.
pub fn replay(source: &dyn Source, header: &VhdxHeader, findings: &mut Vec<Finding>) -> LogReplay {
    let place = place_fault(header, source.len());
    if header.log_id.is_nil() {
        findings.extend(place.map(|why| {
            Finding::new(&codes::LOG_PLACE, format!("the log {why}"))
                .at(header.log_offset)
                .values(
                    format!("whole mebibytes from {MIB} to {}", source.len()),
                    format!("{} bytes from {} on", header.log_length, header.log_offset),
                )
        }));
        return LogReplay::Nothing;
    }
    let unusable = |why: String| Finding::new(&codes::LOG_UNUSABLE, why).at(header.log_offset);
    let why = if header.log_version != 0 {
        Some(format!(
            "the log has the unknown version {}",
            header.log_version
        ))
    } else if header.log_length == 0 {
        Some("the log has an id and no bytes".to_owned())
    } else if u64::from(header.log_length) > MAX_LOG_BYTES {
        Some(format!("the log claims {} bytes", header.log_length))
    } else {
        place.map(|why| format!("the log {why}"))
    };
    let outcome = match why {
        Some(why) => Err(unusable(why)),
        None => run(source, header)
            .unwrap_or_else(|error| Err(unusable(format!("the log cannot be read: {error}")))),
    };
    match outcome {
        Err(finding) => {
            findings.push(finding);
            LogReplay::Unusable
        }
        Ok((overlay, entries, file_bytes)) => {
            findings.push(
                Finding::new(
                    &codes::LOG_REPLAYED,
                    if entries == 1 {
                        "1 log entry was replayed in memory".to_owned()
                    } else {
                        format!("{entries} log entries were replayed in memory")
                    },
                )
                .at(header.log_offset),
            );
            if file_bytes > source.len() {
                findings.push(
                    Finding::new(
                        &codes::LOG_GROWS,
                        format!(
                            "the log lets the file grow from {} to {file_bytes} bytes",
                            source.len()
                        ),
                    )
                    .at(source.len())
                    .values(file_bytes.to_string(), source.len().to_string()),
                );
            }
            LogReplay::Done {
                overlay,
                entries,
                file_bytes,
            }
        }
    }
}

fn place_fault(header: &VhdxHeader, file_bytes: u64) -> Option<&'static str> {
    let Range { start, end } = range(header);
    if header.log_length == 0 {
        None
    } else if !start.is_multiple_of(MIB) || !end.is_multiple_of(MIB) {
        Some("is not aligned to whole mebibytes")
    } else if start < MIB {
        Some("starts inside the headers")
    } else if end > file_bytes {
        Some("reaches past the end of the file")
    } else {
        None
    }
}

type ReplayResult = Result<(Overlay, u32, u64), Finding>;

fn run(source: &dyn Source, header: &VhdxHeader) -> io::Result<ReplayResult> {
    let mut ring = LogRing::new(source, header.log_offset, u64::from(header.log_length));
    let mut survey = RingSurvey::default();
    survey.fill(&mut ring, header)?;
    let Some(active) = survey.active(ring.length_bytes()) else {
        return Ok(Err(survey.nothing_valid(header)));
    };
    let Some(head) = active.last() else {
        return Ok(Err(survey.nothing_valid(header)));
    };
    if head.flushed_file_bytes > source.len() {
        return Ok(Err(Finding::new(
            &codes::LOG_CUT,
            format!(
                "the file has {} bytes and had {} when its log was last written",
                source.len(),
                head.flushed_file_bytes
            ),
        )
        .at(header.log_offset.saturating_add(head.at))
        .values(
            head.flushed_file_bytes.to_string(),
            source.len().to_string(),
        )));
    }
    let mut overlay = Overlay::default();
    for entry in &active {
        if let Err(why) = entry.lay(&mut ring, &mut overlay, header)? {
            return Ok(Err(Finding::new(
                &codes::LOG_UNUSABLE,
                format!("log entry {} cannot be replayed: {why}", entry.sequence),
            )
            .at(header.log_offset.saturating_add(entry.at))));
        }
    }
    let file_bytes = source.len().max(head.last_file_bytes).max(overlay.end());
    if file_bytes > MAX_FILE_SIZE.max(source.len()) {
        return Ok(Err(Finding::new(
            &codes::LOG_UNUSABLE,
            format!("the log claims a file of {file_bytes} bytes"),
        )
        .at(header.log_offset.saturating_add(head.at))
        .values(format!("at most {MAX_FILE_SIZE}"), file_bytes.to_string())));
    }
    let entries = u32::try_from(active.len()).unwrap_or(u32::MAX);
    Ok(Ok((overlay, entries, file_bytes)))
}

/// All valid entries of a ring, and what the others were.
#[derive(Debug, Default)]
struct RingSurvey {
    /// By position. Entries cannot share sectors: their first sectors and all others differ in signature.
    entries: Vec<ValidLogEntry>,
    of_other_logs: u64,
    damaged: u64,
    first_damage: Option<(u64, &'static str)>,
}

impl RingSurvey {
    fn fill(&mut self, ring: &mut LogRing<'_>, header: &VhdxHeader) -> io::Result<()> {
        let mut at = 0;
        while at < ring.length_bytes() {
            let step = match ValidLogEntry::read(ring, at, header)? {
                Ok(entry) => {
                    let length = entry.length_bytes;
                    self.entries.push(entry);
                    length
                }
                Err(rejected) => {
                    match rejected {
                        Rejected::NoEntry => {}
                        Rejected::OtherLog => {
                            self.of_other_logs = self.of_other_logs.saturating_add(1);
                        }
                        Rejected::Damaged(why) => {
                            self.damaged = self.damaged.saturating_add(1);
                            self.first_damage.get_or_insert((at, why));
                        }
                    }
                    ring::SECTOR_BYTES
                }
            };
            at = at.saturating_add(step);
        }
        Ok(())
    }

    fn at(&self, position: u64) -> Option<&ValidLogEntry> {
        let index = self
            .entries
            .binary_search_by_key(&position, |entry| entry.at);
        self.entries.get(index.ok()?)
    }

    fn follower(&self, entry: &ValidLogEntry, ring_bytes: u64) -> Option<&ValidLogEntry> {
        let position = entry
            .at
            .checked_add(entry.length_bytes)?
            .checked_rem(ring_bytes)?;
        let next = self.at(position)?;
        (Some(next.sequence) == entry.sequence.checked_add(1)).then_some(next)
    }

    /// The entries to replay, in order: from the tail named by the head of the newest complete sequence to that head.
    ///
    /// Each entry has at most one follower and is the follower of at most one, so all sequences are found by walking once
    /// from each entry that follows none. Where such a walk does not meet its head's tail, none that starts later does.
    fn active(&self, ring_bytes: u64) -> Option<Vec<ValidLogEntry>> {
        let mut follows: Vec<u64> = self
            .entries
            .iter()
            .filter_map(|entry| Some(self.follower(entry, ring_bytes)?.at))
            .collect();
        follows.sort_unstable();
        let starts = self
            .entries
            .iter()
            .filter(|entry| follows.binary_search(&entry.at).is_err());
        let mut best: Option<Vec<ValidLogEntry>> = None;
        for start in starts {
            let mut walk = vec![*start];
            let mut head = start;
            while let Some(next) = self.follower(head, ring_bytes) {
                walk.push(*next);
                head = next;
            }
            let best_so_far = best.as_ref().and_then(|best| best.last());
            if best_so_far.is_some_and(|best| best.sequence >= head.sequence) {
                continue;
            }
            if let Some(tail) = walk.iter().position(|entry| entry.at == head.tail) {
                best = Some(walk.split_off(tail));
            }
        }
        best
    }

    fn nothing_valid(&self, header: &VhdxHeader) -> Finding {
        let mut text = format!(
            "the log has to be replayed and holds no complete sequence: {} valid entries, {} damaged, {} of other logs",
            self.entries.len(),
            self.damaged,
            self.of_other_logs
        );
        let mut at = 0;
        if let Some((position, why)) = self.first_damage {
            text = format!("{text}; the first damaged one {why}");
            at = position;
        }
        Finding::new(&codes::LOG_UNUSABLE, text)
            .at(header.log_offset.saturating_add(at))
            .values(format!("entries of log {}", header.log_id), "")
    }
}

#[cfg(test)]
mod tests;
