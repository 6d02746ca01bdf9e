//! vhdtree beside the other tools for the same files, and beside what the machine can do at most, in one run.
//!
//! `cargo bench --bench peers [-- QUESTION...] [-- warm]` with the questions `scan`, `waiting`, `wide`, `counts`, `diff`, `read`,
//! `guest` and `browser`, all of them if none is said; `warm` leaves out what needs the page cache dropped, which only root may do.
//! Stores are built by code below `$VHDTREE_BENCH_DIR`, or the folder for temporary files, where they take up to 6 GiB; each
//! is removed when its questions are answered. Peers are found on the `PATH`, or where `VHD_UTIL`, `VHDIINFO`, `QEMU_IMG`,
//! `SEVEN_ZIP` and `PYTHON` say; the last one is asked for the packages `pyvhdi` and `dissect.hypervisor`. One that is not there
//! is `skipped`.
//!
//! On a busy machine root gets steady figures with `chrt -r 10 cargo bench --bench peers`.
//!
//! Every entrant is a process, its start included, and their runs take turns. A *limit* is a process, too: this one, called
//! with `limit` and doing no more than the least that an answer needs, with as many threads as help. Limits, pseudo-terminals and
//! the page cache are of Unix here.

#![expect(
    clippy::unwrap_used,
    reason = "a measurement that cannot be set up has nothing to say"
)]

mod browser;
mod counts;
mod diff;
mod entrant;
mod guest;
mod limit;
mod race;
mod read;
mod scan;
mod stores;
mod table;
mod tools;
#[cfg(target_os = "linux")]
mod waiting;
mod wide;

#[path = "../shared/chains.rs"]
mod chains;
#[path = "../shared/frames.rs"]
mod frames;
#[path = "../shared/machine.rs"]
mod machine;
#[path = "../shared/session.rs"]
mod session;
#[cfg(target_os = "linux")]
#[path = "../shared/slow_storage.rs"]
mod slow_storage;

/// Asks a question of all who can answer it.
type Ask = fn(&mut race::Race);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, rest @ ..] = &arguments[..] {
        match first.as_str() {
            limit::WORD => return limit::run(rest),
            read::WORD => return read::run(rest),
            _ => (),
        }
    }
    let asked = |word: &str| arguments.iter().any(|argument| argument == word);
    let questions: &[(&str, Ask)] = &[
        ("scan", scan::ask),
        #[cfg(target_os = "linux")]
        ("waiting", waiting::ask),
        ("wide", wide::ask),
        ("counts", counts::ask),
        ("diff", diff::ask),
        ("read", read::ask),
        ("guest", guest::ask),
        ("browser", browser::ask),
    ];
    let all = !questions.iter().any(|(word, _)| asked(word));
    let mut race = race::Race::new(if asked("warm") {
        race::Caches::Warm
    } else {
        race::Caches::WarmAndCold
    });
    for (word, ask) in questions {
        if all || asked(word) {
            ask(&mut race);
        }
    }
    print!("\n{}", table::markdown(&race.rows));
}
