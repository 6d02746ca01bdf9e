//! What the browser costs, against its budgets: drawing, bytes on the line, and the program itself in a pseudo-terminal
//! while it reads a store of 4,000 disks and compares two.
//!
//! `cargo bench --bench browser`. A key cannot be answered faster than the machine lets two processes take turns, so
//! beside each key's time stands that of an echo: `cat` in the same pseudo-terminal, under the same load.

#![cfg_attr(
    not(unix),
    expect(unused, reason = "pseudo-terminals are of Unix here")
)]
#![expect(
    clippy::unwrap_used,
    reason = "a measurement that cannot be set up has nothing to say"
)]

#[path = "shared/frames.rs"]
mod frames;
#[path = "shared/machine.rs"]
mod machine;
#[cfg(unix)]
#[path = "browser/pty.rs"]
mod pty;
#[cfg(unix)]
#[path = "shared/session.rs"]
mod session;

use std::sync::Arc;
use std::time::Duration;

use vhdtree::analysis::{Compared, assess};
use vhdtree::build::vhd::{Locator, VhdBuilder};
use vhdtree::job::Job;
use vhdtree::store::{ScanOptions, scan};
use vhdtree::tui::app::App;
use vhdtree::tui::message::{JobKind, JobNo, Message, News};
use vhdtree::tui::prepared::Prepared;
use vhdtree::tui::sample::{self, Sample};
use vhdtree::tui::screens::Screens;
use vhdtree::tui::script::settings;
use vhdtree::tui::update::{start, update};

use machine::median;

/// Rows, and whether each budget was kept.
struct Table {
    kept: bool,
}

impl Table {
    fn head() -> Self {
        println!("{:<58} {:>12} {:>12}", "", "measured", "budget");
        Self { kept: true }
    }

    fn time(&mut self, what: &str, took: Duration, budget: Option<Duration>) {
        let text = |time: Duration| format!("{:.3} ms", time.as_secs_f64() * 1000.0);
        let budget_text = budget.map_or_else(String::new, text);
        println!("{what:<58} {:>12} {budget_text:>12}", text(took));
        self.kept &= budget.is_none_or(|budget| took <= budget);
    }

    fn bytes(&mut self, what: &str, bytes: u64, budget: u64) {
        println!(
            "{what:<58} {:>12} {:>12}",
            format!("{bytes} B"),
            format!("{budget} B")
        );
        self.kept &= bytes <= budget;
    }
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A base on which `children` disks stand.
fn one_group(children: u32) -> Sample {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let base = VhdBuilder::dynamic(1 << 20).id(1);
    base.build_to(&place("base.vhd")).unwrap();
    for child in 0..children {
        VhdBuilder::differencing(1 << 20)
            .id(u128::from(child) + 2)
            .parent(1, "base.vhd")
            .locator(Locator::relative(r".\base.vhd"))
            .build_to(&place(&format!("{child:05}.avhd")))
            .unwrap();
    }
    let options = ScanOptions {
        roots: vec![folder.path().to_owned()],
        ..ScanOptions::default()
    };
    let forest = scan(&options, &Job::default(), &mut |_| {}).unwrap();
    Sample {
        assessment: assess(&forest, &Compared::default()),
        forest: Arc::unwrap_or_clone(forest),
    }
}

fn drawing(table: &mut Table) {
    let times = frames::times();
    table.time(
        "frame over 40,002 rows, 140x40",
        times.frame,
        Some(millis(1)),
    );
    table.time(
        "key, frame and its bytes over 40,002 rows",
        times.key,
        Some(millis(1)),
    );
    let times = frames::times_of(&one_group(40_000));
    table.time(
        "frame over one group of 40,000 rows",
        times.frame,
        Some(millis(1)),
    );
    table.time(
        "key, frame and its bytes over one group of 40,000 rows",
        times.key,
        Some(millis(1)),
    );
    for (what, sample) in [
        ("step over disks alike", sample::many(500)),
        ("step over the story's disks", sample::store()),
    ] {
        let steps = frames::steps(sample);
        table.bytes(&format!("{what}, at once, most of 28"), steps.at_once, 1536);
        let panes = format!("{what}, with the panes, most of 28");
        table.bytes(&panes, steps.with_panes, 1536);
        table.bytes("100 frames without a change", steps.idle, 0);
    }
}

fn forests(table: &mut Table) {
    let store = sample::many(2_000).snapshot();
    let mut app = App::new(settings(), (140, 40));
    let mut screens = Screens::default();
    start(&mut app);
    let wanted = app.wanted();
    let phase = wanted.options.phase;
    let took = median(20, || {
        drop(Prepared::of(store.forest.clone(), wanted.clone(), phase));
    });
    table.time(
        "4,000 disks judged and made rows of, by the scan",
        took,
        None,
    );
    let mut ready: Vec<Prepared> = (0..20)
        .map(|_| Prepared::of(store.forest.clone(), wanted.clone(), phase))
        .collect();
    let took = median(20, || {
        let news = News::Prepared(Box::new(ready.pop().unwrap()));
        update(
            &mut app,
            &mut screens,
            Message::Job(JobKind::Scan, JobNo(1), news),
        );
    });
    table.time(
        "4,000 disks taken by the browser between two keys",
        took,
        Some(millis(50)),
    );
    let took = median(20, || app.rebuild());
    table.time(
        "4,000 rows made anew at a key (sort, filter)",
        took,
        Some(millis(50)),
    );
}

fn main() {
    let mut table = Table::head();
    drawing(&mut table);
    forests(&mut table);
    #[cfg(unix)]
    pty::measure(&mut table);
    assert!(table.kept, "a budget was not kept");
}
