//! The browser. No peer has one for disks, so it has only limits beside it.

use std::ffi::{OsStr, OsString};
use std::time::{Duration, Instant};

use vhdtree::build::vhd::VhdBuilder;
use vhdtree::tui::sample;

use crate::entrant::Role;
use crate::race::{Amount, Figure, Race, Row};
use crate::session::Session;
use crate::{frames, limit, tools};

const DISKS: u32 = 5_000;
const TIMES: usize = 9;

pub fn ask(race: &mut Race) {
    start(race);
    let times = frames::times();
    let seconds = |time: Duration| Amount::Seconds(time.as_secs_f64());
    let least = "cells copied and compared";
    race.add(row(
        "frame over 40,002 rows",
        &[
            (Role::Ours, "painted", seconds(times.frame)),
            (Role::Limit, least, seconds(times.least)),
        ],
    ));
    race.add(row(
        "key, frame and its bytes over 40,002 rows",
        &[
            (Role::Ours, "a page up or down", seconds(times.key)),
            (Role::Limit, least, seconds(times.least)),
        ],
    ));
    let steps = frames::steps(sample::store());
    race.add(row(
        "bytes for a step to the next row, panes included",
        &[
            (Role::Ours, "sent", Amount::Bytes(steps.with_panes)),
            (
                Role::Limit,
                "letters that changed",
                Amount::Bytes(steps.letters),
            ),
        ],
    ));
}

fn row(question: &str, figures: &[(Role, &str, Amount)]) -> Row {
    let figure = |(role, name, amount): &(Role, &str, Amount)| Figure {
        name: (*name).to_owned(),
        role: *role,
        amount: *amount,
        spread: None,
    };
    Row {
        question: question.to_owned(),
        figures: figures.iter().map(figure).collect(),
    }
}

/// From the start of the program to its first frame and its first rows, beside a program that prints one line.
fn start(race: &mut Race) {
    let folder = race.folder();
    for disk in 0..DISKS {
        VhdBuilder::dynamic(256 << 20)
            .id(u128::from(disk) + 1)
            .build_to(&folder.path().join(format!("vm{disk:05}.vhd")))
            .expect("room for a disk");
    }
    let program = [tools::vhdtree(), "--no-config".into(), "--no-state".into()];
    let ours = [&program[..], &[folder.path().into()]].concat();
    let limit = limit::call("hello", &[]);
    let (mut frames, mut rows, mut hellos) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TIMES {
        frames.push(until(&ours, "READ-ONLY"));
        rows.push(until(&ours, "vm0"));
        hellos.push(until(&limit, "hello"));
    }
    let middle = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        Amount::Seconds(times[times.len() / 2].as_secs_f64())
    };
    let hello = middle(&mut hellos);
    for (question, mut times) in [
        ("first frame on the screen", frames),
        ("first rows of 5,000 disks on the screen", rows),
    ] {
        race.add(row(
            question,
            &[
                (Role::Ours, "vhdtree", middle(&mut times)),
                (Role::Limit, "a program that prints a line", hello),
            ],
        ));
    }
}

fn until(line: &[OsString], text: &str) -> Duration {
    let (program, arguments) = line.split_first().expect("a program");
    let arguments: Vec<&OsStr> = arguments.iter().map(OsString::as_os_str).collect();
    let began = Instant::now();
    let session = Session::start(program, &arguments);
    session.wait(text, true);
    began.elapsed()
}
