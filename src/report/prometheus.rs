//! `ls --prometheus`: a scan in the text form that Prometheus reads, for the textfile collector of its node exporter.
//!
//! Gauges only, each with a help line; labels: `host` where it is known, and what is counted apart.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use jiff::Timestamp;

use crate::analysis::{Assessment, Reverted};
use crate::report::findings;
use crate::report::words::disk_state;
use crate::store::{DiskId, Forest};

/// What the scan itself was like.
#[derive(Debug, Clone, Copy)]
pub struct ScanRun {
    /// When it began; `None` of several saved scans, each of which has its own.
    pub at: Option<Timestamp>,
    /// How long it took, in seconds; `None` of a saved scan.
    pub seconds: Option<f64>,
}

/// Every state of a disk, so that none is missing when its count is 0.
const STATES: [&str; 5] = ["ok", "locked", "live", "partial", "unreadable"];
const VERDICTS: [Reverted; 5] = [
    Reverted::Certain,
    Reverted::Likely,
    Reverted::CannotTell,
    Reverted::NoSign,
    Reverted::NotReverted,
];

/// One metric under way: its help line, then its samples.
#[derive(Default)]
struct Metrics {
    text: String,
}

impl Metrics {
    /// Everything of one name: what it is, and its samples with their labels.
    fn gauge<'l, const N: usize, V: Display>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = ([(&'l str, &'l str); N], V)>,
    ) {
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} gauge\n");
        for (labels, value) in samples {
            self.text += name;
            let known = labels.iter().filter(|(_, value)| !value.is_empty());
            let known: Vec<String> = known
                .map(|(label, value)| format!("{label}=\"{}\"", quoted(value)))
                .collect();
            if !known.is_empty() {
                let _ = write!(self.text, "{{{}}}", known.join(","));
            }
            let _ = writeln!(self.text, " {value}");
        }
    }
}

/// A scan that could not be done at all.
pub fn failed(run: ScanRun) -> String {
    let mut metrics = Metrics::default();
    let moments = run.at.map(|at| ("", at));
    of_run(&mut metrics, moments.as_slice(), run.seconds, ("", false));
    metrics.text
}

/// A scan.
pub fn text(forest: &Forest, assessment: &Assessment, run: ScanRun) -> String {
    let mut metrics = Metrics::default();
    let complete = forest.complete && forest.errors.is_empty();
    let own = forest.host().unwrap_or("");
    let scans = forest.scanned_on.iter();
    let of_scans = scans.filter_map(|of| Some((&*of.host, of.at?)));
    let own_moment = run.at.map(|at| vec![(own, at)]);
    let moments = own_moment.unwrap_or_else(|| of_scans.collect());
    of_run(&mut metrics, &moments, run.seconds, (own, complete));
    let hosts: Vec<&str> = match forest.scanned_on.as_slice() {
        [] => vec![""],
        hosts => hosts.iter().map(|of| of.host.as_str()).collect(),
    };
    let host_of = |id: DiskId| forest.host_of(id).unwrap_or("");
    let zeros = |words: &[&'static str]| -> BTreeMap<(String, &'static str), u64> {
        let of_host = |host: &&str| {
            words
                .iter()
                .map(|word| (((*host).to_owned(), *word), 0))
                .collect::<Vec<_>>()
        };
        hosts.iter().flat_map(of_host).collect()
    };

    let mut states = zeros(&STATES);
    let mut bytes: BTreeMap<&str, u64> = hosts.iter().map(|host| (*host, 0)).collect();
    for id in forest.ids() {
        let Some(disk) = forest.disk(id) else {
            continue;
        };
        let host = host_of(id);
        *states
            .entry((host.to_owned(), disk_state(disk)))
            .or_default() += 1;
        let sum = bytes.entry(host).or_default();
        *sum = sum.saturating_add(disk.file.len);
    }
    let states = states
        .iter()
        .map(|((host, state), count)| ([("host", &**host), ("state", state)], count));
    metrics.gauge("vhdtree_disks", "Virtual disks found, by state.", states);
    let bytes = bytes.iter().map(|(host, bytes)| ([("host", *host)], bytes));
    metrics.gauge("vhdtree_disk_bytes", "Bytes of all their files.", bytes);

    let mut verdicts = zeros(&VERDICTS.map(Reverted::word));
    for snapshot in &assessment.snapshots {
        let host = snapshot.frozen.first().map_or("", |id| host_of(*id));
        let verdict = snapshot.verdict.reverted.word();
        *verdicts.entry((host.to_owned(), verdict)).or_default() += 1;
    }
    let help = "Snapshots, by whether their machine was reverted since.";
    let verdicts = verdicts
        .iter()
        .map(|((host, verdict), count)| ([("host", &**host), ("reverted", verdict)], count));
    metrics.gauge("vhdtree_snapshots", help, verdicts);

    let mut found: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for placed in findings::of(forest, assessment) {
        let code = placed.finding.code;
        let host = placed.disk.map_or(forest.host().unwrap_or(""), host_of);
        *found
            .entry((host, code.id, code.severity.word()))
            .or_default() += 1;
    }
    let help = "Findings, by code; `vhdtree explain CODE` explains one.";
    let found = found.iter().map(|((host, code, severity), count)| {
        let labels = [("host", *host), ("code", *code), ("severity", *severity)];
        (labels, count)
    });
    metrics.gauge("vhdtree_findings", help, found);
    metrics.text
}

fn of_run(
    metrics: &mut Metrics,
    moments: &[(&str, Timestamp)],
    seconds: Option<f64>,
    (host, complete): (&str, bool),
) {
    if !moments.is_empty() {
        let help = "When the scan began, in seconds since 1970.";
        let moments = moments
            .iter()
            .map(|(host, at)| ([("host", *host)], at.as_second()));
        metrics.gauge("vhdtree_scan_timestamp_seconds", help, moments);
    }
    let host = [("host", host)];
    if let Some(seconds) = seconds {
        let (help, seconds) = ("How long the scan took.", format!("{seconds:.3}"));
        metrics.gauge("vhdtree_scan_duration_seconds", help, [(host, seconds)]);
    }
    let help = "1 if everything was read that should be, else 0.";
    metrics.gauge("vhdtree_scan_success", help, [(host, u8::from(complete))]);
}

/// A label's value: what would end it is escaped, and so is what could steer a terminal.
fn quoted(value: &str) -> String {
    crate::text::escape(value)
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
}
