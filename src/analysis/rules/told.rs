//! What the sentences of rules tell: names and times, and how they are put in.

use jiff::Timestamp;

use crate::analysis::interval::{Interval, seconds_between};
use crate::store::Product;
use crate::text::{minute, span};

const TIMES: &str = "Bring a listing of times made on the host: Get-ChildItem -Recurse | Select FullName,Length,CreationTimeUtc,LastWriteTimeUtc | ConvertTo-Csv, given with --facts.";
/// For what the machine uses.
pub(super) const NOW: &str = "Bring the VM's configuration, or its disks in the facts (Get-VM | Select Name,@{n='Disks';e={$_.HardDrives.Path}}).";

#[derive(Debug, Clone, Default)]
pub struct Told {
    pub product: Product,
    pub vm: Option<String>,
    pub snapshot: Option<String>,
    /// The file name of D(s).
    pub frozen: String,
    /// XCP-ng: the file name of the snapshot's own VDI, where no name is known.
    pub vdi: Option<String>,
    /// The file name of X(s).
    pub above: String,
    pub taken: Interval,
    pub made: Interval,
    /// When it was applied last.
    pub applied_at: Option<Timestamp>,
    /// Names what the rule is about beside the disks: the snapshot that kept the state, the odd disk, how many leaves.
    pub what: String,
    /// Why the age of X(s), or D's last write, says nothing.
    pub dropped: Option<String>,
    /// The generation id differs.
    pub generation_differs: bool,
    /// A file of the host's facts that nobody named.
    pub facts_above: Option<String>,
}

impl Told {
    /// Puts names and times in the places of a sentence; what is put in is not looked into again.
    pub(super) fn fill(&self, sentence: &str) -> String {
        let mut text = String::with_capacity(sentence.len() + 64);
        let mut rest = sentence;
        while let Some((before, after)) = rest.split_once('{') {
            let (place, after) = after.split_once('}').unwrap_or((after, ""));
            text += before;
            text += &self.place(place);
            rest = after;
        }
        text + rest
    }

    fn place(&self, place: &str) -> String {
        match place {
            "frozen" => self.frozen.clone(),
            "above" => self.above.clone(),
            "what" => self.what.clone(),
            "taken" => span_of(self.taken),
            "made" => span_of(self.made),
            "between" => self.between(),
            "later" => self.later(),
            "blind" => self.blind(),
            "innocent" => self.innocent().to_owned(),
            "dropped" => self
                .dropped
                .as_ref()
                .map_or_else(String::new, |why| format!(": {why}")),
            _ => String::new(),
        }
    }

    /// `"Before SP1" (taken 2009-05-02 14:10Z)`, as far as known.
    pub(super) fn snapshot(&self) -> String {
        let name = match (&self.snapshot, &self.vdi) {
            (Some(name), _) => format!("\"{name}\""),
            (None, Some(vdi)) => format!("the snapshot {vdi}"),
            (None, None) => format!("the unnamed snapshot on {}", self.frozen),
        };
        match (self.taken.not_before, self.taken.not_after) {
            (None, None) => format!("{name} (taken at an unknown time)"),
            (Some(at), None) => format!("{name} (not taken before {})", minute(at)),
            (None, Some(at)) => format!("{name} (not taken after {})", minute(at)),
            _ => format!("{name} (taken {})", span_of(self.taken)),
        }
    }

    /// `, last on 2009-06-30 09:41Z`, where that is known.
    pub(super) fn last(&self) -> String {
        let last = self
            .applied_at
            .map(|at| format!(", last on {}", minute(at)));
        last.unwrap_or_default()
    }

    /// What to bring, after what is at hand and was not read.
    pub(super) fn bring(&self, what: impl Into<String>) -> String {
        let what = what.into();
        match &self.facts_above {
            Some(path) => {
                format!("{path} lies above and was not read: give it with --facts. {what}")
            }
            None => what,
        }
    }

    /// Dates of snapshots, as the product keeps them.
    pub(super) fn dates(&self) -> &'static str {
        self.product.rules().dates
    }

    /// Times of files, and dates where there are none.
    pub(super) fn dates_and_times(&self) -> String {
        match self.taken.not_after {
            Some(_) if self.product == Product::XcpNg => {
                "Ask whoever used the VM: no file can tell more.".to_owned()
            }
            Some(_) => TIMES.to_owned(),
            None => format!("{} {TIMES}", self.dates()),
        }
    }

    /// When it was taken, by bounds: the making of X is a last one.
    fn between(&self) -> String {
        match (self.taken.not_before, self.taken.not_after) {
            (Some(first), None) => format!("some time between {} and then", minute(first)),
            _ => span_of(self.taken),
        }
    }

    fn later(&self) -> String {
        let times = self.taken.not_after.zip(self.made.not_before);
        let gap = times.map(|(taken, made)| span(seconds_between(taken, made)));
        let gap = gap.unwrap_or_default();
        let least = self.made.exact().map_or("at least ", |_| "");
        let above = &self.above;
        format!("the disk above, {above}, was made {least}{gap} after the snapshot")
    }

    fn innocent(&self) -> &'static str {
        match self.product {
            Product::XcpNg => "the VM was cloned or copied",
            Product::VirtualPc => "the undo disk was renamed",
            _ if self.generation_differs => {
                "the VM was imported, restored or failed over and that disk made again then"
            }
            _ => "that disk was made again or converted by hand, copied or restored",
        }
    }

    /// How long after the snapshot a revert would go unseen.
    fn blind(&self) -> String {
        let what = match self.product {
            Product::VirtualPc => "A discard",
            _ => "A revert",
        };
        let when = match self.taken.exact() {
            Some(_) => "first 5 minutes",
            None => "same moment",
        };
        format!("{what} in the {when} would look the same")
    }
}

/// `2009-05-02 14:10Z`, `between ... and ...`, `not before ...`.
fn span_of(of: Interval) -> String {
    match (of.not_before, of.not_after) {
        (Some(first), Some(last)) if minute(first) == minute(last) => minute(first),
        (Some(first), Some(last)) => format!("between {} and {}", minute(first), minute(last)),
        (Some(first), None) => format!("not before {}", minute(first)),
        (None, Some(last)) => format!("not after {}", minute(last)),
        (None, None) => "at an unknown time".to_owned(),
    }
}
