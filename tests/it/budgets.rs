//! What the browser may cost: rows touched, bytes sent, time to answer. Counted where it can be; where it must be
//! timed, against a limit that only a mistake of order crosses, on an unoptimised build and a busy machine.

use std::time::{Duration, Instant};

use vhdtree::tui::app::App;
use vhdtree::tui::keymap::Key;
use vhdtree::tui::message::{JobNo, Message, News, Slot};
use vhdtree::tui::sample;
use vhdtree::tui::screen::Screen;
use vhdtree::tui::script::{Script, browser, settings};
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
    let sample = sample::many(2_000).snapshot();
    let mut app = App::new(settings(), (140, 40));
    start(&mut app);
    let took = quickest(5, || {
        update(
            &mut app,
            Message::Job(Slot::Scan, JobNo(1), News::Store(sample.clone())),
        );
    });
    println!("a forest of 4,000 disks is taken in {took:?}");
    assert!(
        took < Duration::from_millis(500),
        "{took:?} on an unoptimised build"
    );
}

#[test]
fn scrolling_a_page_sends_less_than_a_screen_of_plain_text() {
    let mut app = browser(sample::many(500), (140, 40));
    let mut screen = Screen::new(Vec::new(), app.size);
    screen.draw(&app).unwrap();
    let before = screen.bytes_sent();
    update(&mut app, Message::Key(Key::parse("PgDn").unwrap()));
    screen.draw(&app).unwrap();
    let sent = screen.bytes_sent() - before;
    println!("a page at 140x40 sends {sent} bytes");
    assert!(sent < 140 * 40, "{sent} bytes");
}
