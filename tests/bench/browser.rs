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

#[cfg(unix)]
#[path = "browser/pty.rs"]
mod pty;

use std::time::{Duration, Instant};

use vhdtree::tui::app::App;
use vhdtree::tui::keymap::Key;
use vhdtree::tui::message::{JobNo, Message, News, Slot};
use vhdtree::tui::prepared::{Prepared, Wanted};
use vhdtree::tui::sample;
use vhdtree::tui::screen::Screen;
use vhdtree::tui::script::{Script, browser, settings};
use vhdtree::tui::update::{start, update};

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

/// The middle one of many.
fn median(times: usize, mut work: impl FnMut()) -> Duration {
    let mut all: Vec<Duration> = (0..times)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed()
        })
        .collect();
    all.sort_unstable();
    all[all.len() / 2]
}

fn frames(table: &mut Table) {
    let mut script = Script::new(sample::many(13_334), (140, 40));
    script.keys("<End>").send(Message::Rested);
    let took = median(200, || drop(script.buffer()));
    table.time("frame over 40,002 rows, 140x40", took, Some(millis(1)));
    let mut app = browser(sample::many(13_334), (140, 40));
    let mut screen = Screen::new(std::io::sink(), app.size);
    screen.draw(&app).unwrap();
    let mut keys = ["PgDn", "PgUp"].iter().cycle();
    let took = median(200, || {
        let key = keys.next().unwrap();
        update(&mut app, Message::Key(Key::parse(key).unwrap()));
        screen.draw(&app).unwrap();
    });
    table.time(
        "key, frame and its bytes over 40,002 rows",
        took,
        Some(millis(1)),
    );
}

fn steps(table: &mut Table) {
    for (what, sample) in [
        ("step over disks alike", sample::many(500)),
        ("step over the story's disks", sample::store()),
    ] {
        let mut app = browser(sample, (140, 40));
        let mut screen = Screen::new(std::io::sink(), app.size);
        screen.draw(&app).unwrap();
        let (mut most, mut most_at_once) = (0, 0);
        for key in "jjjjjjjjjjkkkkkkkkkkjjjkjkjj".chars() {
            let before = screen.bytes_sent();
            update(
                &mut app,
                Message::Key(Key::parse(&key.to_string()).unwrap()),
            );
            screen.draw(&app).unwrap();
            let at_once = screen.bytes_sent() - before;
            update(&mut app, Message::Rested);
            screen.draw(&app).unwrap();
            most = most.max(screen.bytes_sent() - before);
            most_at_once = most_at_once.max(at_once);
        }
        table.bytes(&format!("{what}, at once, most of 28"), most_at_once, 1536);
        table.bytes(&format!("{what}, with the panes, most of 28"), most, 1536);
        let before = screen.bytes_sent();
        for _ in 0..100 {
            screen.draw(&app).unwrap();
        }
        let sent = screen.bytes_sent() - before;
        table.bytes("100 frames without a change", sent, 0);
    }
}

fn forests(table: &mut Table) {
    let store = sample::many(2_000).snapshot();
    let mut app = App::new(settings(), (140, 40));
    start(&mut app);
    let wanted = Wanted::of(&app);
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
        update(&mut app, Message::Job(Slot::Scan, JobNo(1), news));
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
    frames(&mut table);
    steps(&mut table);
    forests(&mut table);
    #[cfg(unix)]
    pty::measure(&mut table);
    assert!(table.kept, "a budget was not kept");
}
