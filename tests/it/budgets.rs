//! What the browser may cost: rows touched, bytes sent, time to answer. Counted where it can be; where it must be
//! timed, against a limit that only a mistake of order crosses, on an unoptimised build and a busy machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use vhdtree::report::row::Phase;
use vhdtree::tui::app::App;
use vhdtree::tui::message::{JobKind, JobNo, Message, News};
use vhdtree::tui::paint::Painter;
use vhdtree::tui::prepared::{Prepared, ShownBy};
use vhdtree::tui::sample;
use vhdtree::tui::screens::Screens;
use vhdtree::tui::script::{Script, settings};
use vhdtree::tui::update::{start, update};

fn quickest(times: usize, mut work: impl FnMut()) -> Duration {
    (0..times)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed()
        })
        .min()
        .unwrap()
}

#[test]
fn a_frame_costs_the_same_over_60_rows_and_over_40000() {
    let frame = |machines: usize| {
        let mut script = Script::new(sample::many(machines), (140, 40));
        script.keys("<End>").send(Message::Rested);
        quickest(15, || drop(script.buffer()))
    };
    let (few, many) = (frame(20), frame(13_334));
    println!("frame over 60 rows {few:?}, over 40,002 rows {many:?}");
    assert!(
        many < few * 3 + Duration::from_millis(2),
        "{few:?} against {many:?}"
    );
}

#[test]
fn a_cursor_step_over_40000_rows_touches_no_other_rows() {
    let step = |machines: usize| {
        let mut script = Script::new(sample::many(machines), (140, 40));
        quickest(15, || {
            script.keys("jk");
        })
    };
    let (few, many) = (step(20), step(13_334));
    println!("two steps over 60 rows {few:?}, over 40,002 rows {many:?}");
    assert!(
        many < few * 5 + Duration::from_millis(2),
        "{few:?} against {many:?}"
    );
}

#[test]
fn a_new_forest_of_4000_disks_is_taken_between_two_keys() {
    let forest = sample::many(2_000).snapshot().forest;
    let mut app = App::new(settings(), (140, 40));
    let mut screens = Screens::default();
    start(&mut app);
    let prepared = || Prepared::of(Arc::clone(&forest), app.wanted(), Phase::Scanning);
    let mut ready: Vec<Prepared> = (0..5).map(|_| prepared()).collect();
    let took = quickest(5, || {
        let news = News::Prepared(Box::new(ready.pop().unwrap()));
        update(
            &mut app,
            &mut screens,
            Message::Job(JobKind::Scan, JobNo(1), news),
        );
    });
    println!("a forest of 4,000 disks is taken in {took:?}");
    assert_eq!(app.store.forest.disks.len(), 4_000);
    assert!(
        took < Duration::from_millis(50),
        "{took:?} on an unoptimised build"
    );
}

#[test]
fn rows_made_by_the_scan_are_those_the_keys_asked_for_meanwhile() {
    let forest = sample::many(20).snapshot().forest;
    let mut app = App::new(settings(), (140, 40));
    let mut screens = Screens::default();
    start(&mut app);
    let scanned = |app: &mut App, by: ShownBy, phase: Phase| {
        let prepared = Prepared::of(Arc::clone(&forest), by, phase);
        let news = News::Prepared(Box::new(prepared));
        update(
            app,
            &mut Screens::default(),
            Message::Job(JobKind::Scan, JobNo(1), news),
        );
    };
    let before = app.wanted();
    scanned(&mut app, before.clone(), Phase::Scanning);
    let all = app.rows.len();
    app.options.filter = "vm00007".to_owned();
    scanned(&mut app, before, Phase::Scanning);
    let filtered = app.rows.clone();
    assert!(
        filtered.len() < all,
        "rows made before the filter must not be shown"
    );
    let now = app.wanted();
    assert!(app.suits(&now));
    scanned(&mut app, now, Phase::Done);
    assert_eq!(app.options.phase, Phase::Done);
    update(
        &mut app,
        &mut screens,
        Message::Job(JobKind::Scan, JobNo(1), News::Ended(Ok(()))),
    );
    let (forest, assessment) = (&app.store.forest, &app.store.assessment);
    assert_eq!(
        app.rows,
        vhdtree::report::rows(forest, assessment, &app.options)
    );
}

#[test]
fn scrolling_a_page_sends_less_than_a_screen_of_plain_text() {
    let mut script = Script::new(sample::many(500), (140, 40));
    let mut painter = Painter::new(Vec::new(), script.app.size);
    painter.draw(&script.app, &script.screens).unwrap();
    let before = painter.bytes_sent();
    script.keys("<PgDn>");
    painter.draw(&script.app, &script.screens).unwrap();
    let sent = painter.bytes_sent() - before;
    println!("a page at 140x40 sends {sent} bytes");
    assert!(sent < 140 * 40, "{sent} bytes");
}
