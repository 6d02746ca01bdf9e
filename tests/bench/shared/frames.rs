//! What a frame of the browser costs, in time and in bytes on the line.

#![allow(dead_code, reason = "each bench uses what it needs")]

use std::hint::black_box;
use std::time::Duration;

use vhdtree::tui::message::Message;
use vhdtree::tui::paint::Painter;
use vhdtree::tui::sample::{self, Sample};
use vhdtree::tui::script::Script;

use super::machine::median;

const SIZE: (u16, u16) = (140, 40);
const TIMES: usize = 200;

/// Times over a store on a screen of 140x40.
pub struct Times {
    /// Painting a frame.
    pub frame: Duration,
    /// A page up or down: the key, its frame, and the bytes for it.
    pub key: Duration,
    /// What any program of cells does for a frame: copy its cells, and find those that changed since the last one.
    pub least: Duration,
}

/// Of 40,002 rows in as many groups as there are machines.
pub fn times() -> Times {
    times_of(&sample::many(13_334))
}

pub fn times_of(store: &Sample) -> Times {
    let mut script = Script::new(store.clone(), SIZE);
    let before = script.buffer();
    script.keys("<End>").send(Message::Rested);
    let frame = median(TIMES, || drop(script.buffer()));
    let after = script.buffer();
    let mut cells = before.clone();
    let least = median(TIMES, || {
        cells.clone_from(&after);
        black_box(before.diff(&cells));
    });
    let mut script = Script::new(store.clone(), SIZE);
    let mut painter = Painter::new(std::io::sink(), SIZE);
    painter.draw(&script.app, &script.screens).unwrap();
    let mut keys = ["<PgDn>", "<PgUp>"].iter().cycle();
    let key = median(TIMES, || {
        script.keys(keys.next().unwrap());
        painter.draw(&script.app, &script.screens).unwrap();
    });
    Times { frame, key, least }
}

/// Bytes sent for the dearest of 28 steps of a row up or down.
pub struct Steps {
    /// At once.
    pub at_once: u64,
    /// With the panes that follow when the keys rest.
    pub with_panes: u64,
    /// Of that, the letters that changed and nothing else: no colours, no moves.
    pub letters: u64,
    /// For 100 frames without a change.
    pub idle: u64,
}

pub fn steps(sample: Sample) -> Steps {
    let mut script = Script::new(sample, SIZE);
    let mut painter = Painter::new(std::io::sink(), SIZE);
    painter.draw(&script.app, &script.screens).unwrap();
    let (mut at_once, mut with_panes, mut letters) = (0, 0, 0);
    for key in "jjjjjjjjjjkkkkkkkkkkjjjkjkjj".chars() {
        let before = painter.bytes_sent();
        let shown = script.buffer();
        script.keys(&key.to_string());
        painter.draw(&script.app, &script.screens).unwrap();
        at_once = at_once.max(painter.bytes_sent() - before);
        script.send(Message::Rested);
        painter.draw(&script.app, &script.screens).unwrap();
        let sent = painter.bytes_sent() - before;
        if sent >= with_panes {
            with_panes = sent;
            let next = script.buffer();
            let changed = shown.diff(&next);
            letters = changed
                .iter()
                .map(|(_, _, cell)| cell.symbol().len() as u64)
                .sum();
        }
    }
    let before = painter.bytes_sent();
    for _ in 0..100 {
        painter.draw(&script.app, &script.screens).unwrap();
    }
    Steps {
        at_once,
        with_panes,
        letters,
        idle: painter.bytes_sent() - before,
    }
}
