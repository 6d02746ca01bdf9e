//! Lets entrants take turns, warm and cold, and keeps the figures.

use std::ffi::OsString;
use std::time::Duration;

use tempfile::TempDir;

use crate::entrant::{Entrant, Role};
use crate::machine::drop_caches;

/// Runs of each entrant, if they are quick.
const ROUNDS: usize = 11;
/// Runs of each, however slow they are.
const FEWEST: usize = 3;
/// One that took this long over its runs has had enough of them.
const ENOUGH: Duration = Duration::from_secs(4);
const COLD_ROUNDS: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caches {
    Warm,
    WarmAndCold,
}

/// What is measured in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    Seconds(f64),
    Bytes(u64),
}

impl Amount {
    #[expect(clippy::cast_precision_loss, reason = "for a ratio people read")]
    pub fn value(self) -> f64 {
        match self {
            Self::Seconds(seconds) => seconds,
            Self::Bytes(bytes) => bytes as f64,
        }
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Seconds(seconds) => write!(f, "{seconds:>10.5} s"),
            Self::Bytes(bytes) => write!(f, "{bytes:>10} B"),
        }
    }
}

/// What came of one entrant.
#[derive(Debug)]
pub struct Figure {
    pub name: String,
    pub role: Role,
    /// The middle one.
    pub amount: Amount,
    /// The least, the most, and how many.
    pub spread: Option<(Duration, Duration, usize)>,
}

/// What came of one question.
#[derive(Debug)]
pub struct Row {
    pub question: String,
    pub figures: Vec<Figure>,
}

impl Row {
    /// vhdtree's figure: the slower one, if there are two ways to the answer.
    pub fn ours(&self) -> Option<&Figure> {
        let all = self
            .figures
            .iter()
            .filter(|figure| figure.role == Role::Ours);
        all.max_by(|a, b| a.amount.value().total_cmp(&b.amount.value()))
    }

    /// The least amount of a role.
    pub fn best(&self, role: Role) -> Option<&Figure> {
        let all = self.figures.iter().filter(|figure| figure.role == role);
        all.min_by(|a, b| a.amount.value().total_cmp(&b.amount.value()))
    }
}

pub struct Race {
    caches: Caches,
    folder: OsString,
    pub rows: Vec<Row>,
}

impl Race {
    pub fn new(caches: Caches) -> Self {
        let can_drop = caches == Caches::WarmAndCold && drop_caches();
        if caches == Caches::WarmAndCold && !can_drop {
            println!("skipped: cold caches");
        }
        Self {
            caches: if can_drop {
                Caches::WarmAndCold
            } else {
                Caches::Warm
            },
            folder: std::env::var_os("VHDTREE_BENCH_DIR")
                .unwrap_or_else(|| std::env::temp_dir().into_os_string()),
            rows: Vec::new(),
        }
    }

    /// A folder for stores, removed at the end.
    pub fn folder(&self) -> TempDir {
        TempDir::with_prefix_in("vhdtree-bench-", &self.folder).expect("a folder for stores")
    }

    /// Everything in the page cache.
    pub fn warm(&mut self, question: &str, entrants: &[Entrant]) {
        // Nothing waits to be written while others read.
        let _ = std::process::Command::new("sync").status();
        entrants.iter().for_each(Entrant::rehearse);
        let mut times: Vec<Vec<Duration>> = entrants.iter().map(|_| Vec::new()).collect();
        for round in 0..ROUNDS {
            for turn in 0..entrants.len() {
                // Nobody runs behind the same one every time.
                let which = (turn + round) % entrants.len();
                let times = &mut times[which];
                if times.len() < FEWEST || times.iter().sum::<Duration>() < ENOUGH {
                    times.push(entrants[which].run());
                }
            }
        }
        self.keep(question, entrants, times);
    }

    /// Nothing of the store in the page cache, where that can be had.
    pub fn cold(&mut self, question: &str, entrants: &[Entrant]) {
        if self.caches == Caches::Warm {
            return;
        }
        let mut times: Vec<Vec<Duration>> = entrants.iter().map(|_| Vec::new()).collect();
        for _ in 0..COLD_ROUNDS {
            for (entrant, times) in entrants.iter().zip(&mut times) {
                if entrant.is_one_process() {
                    drop_caches();
                    entrant.wake();
                    times.push(entrant.run());
                }
            }
        }
        self.keep(&format!("{question}, cold"), entrants, times);
    }

    pub fn warm_and_cold(&mut self, question: &str, entrants: &[Entrant]) {
        self.warm(question, entrants);
        self.cold(question, entrants);
    }

    fn keep(&mut self, question: &str, entrants: &[Entrant], times: Vec<Vec<Duration>>) {
        let with_times = entrants.iter().zip(times);
        let figures = with_times.filter_map(|(entrant, mut times)| {
            times.sort_unstable();
            let spread = (*times.first()?, *times.last()?, times.len());
            Some(Figure {
                name: entrant.name.clone(),
                role: entrant.role,
                amount: Amount::Seconds(times[times.len() / 2].as_secs_f64()),
                spread: Some(spread),
            })
        });
        self.add(Row {
            question: question.to_owned(),
            figures: figures.collect(),
        });
    }

    /// Prints a row and keeps it for the table.
    pub fn add(&mut self, row: Row) {
        println!("\n{}", row.question);
        let limit = row.best(Role::Limit).map(|limit| limit.amount.value());
        for figure in &row.figures {
            let role = match figure.role {
                Role::Ours => "*",
                Role::Peer => " ",
                Role::Limit => "-",
            };
            let spread = figure
                .spread
                .map_or_else(String::new, |(least, most, runs)| {
                    format!(
                        "{:.5} to {:.5}, {runs} runs",
                        least.as_secs_f64(),
                        most.as_secs_f64()
                    )
                });
            let ratio = limit.map_or_else(String::new, |limit| {
                format!("{:.2}", figure.amount.value() / limit)
            });
            println!(
                "{role} {:<44} {} {ratio:>9}  {spread}",
                figure.name, figure.amount
            );
        }
        self.rows.push(row);
    }
}

/// Says that a peer is not there.
pub fn skipped(name: &str) {
    println!("skipped: {name}");
}
