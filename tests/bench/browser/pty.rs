//! The program in a pseudo-terminal, timed from outside.

use std::ffi::OsStr;
use std::path::Path;
use std::time::{Duration, Instant};

use vhdtree::build::vhd::{Locator, VhdBuilder};

use super::session::{PATIENCE, Session};
use super::{Table, millis};

const MACHINES: u32 = 2_000;
/// So many that a scan takes longer than a key even on a quick machine.
const MANY_MACHINES: u32 = 15_000;
/// Keys timed in each state.
const KEYS: usize = 100;

/// Folders with a base and a child, and a pair large enough that comparing it takes a while.
fn build(folder: &Path, machines: u32) {
    for machine in 0..machines {
        let place = folder.join(format!("vm{machine:05}"));
        std::fs::create_dir(&place).unwrap();
        pair(&place, u128::from(machine) * 2 + 1, 1 << 20, 3);
    }
    let large = folder.join("aaa");
    std::fs::create_dir(&large).unwrap();
    pair(&large, 1 << 40, 1 << 30, 1 << 20);
}

fn pair(place: &Path, id: u128, size: u64, sectors: usize) {
    let base = VhdBuilder::dynamic(size)
        .block_size(64 << 10)
        .id(id)
        .build();
    let child = VhdBuilder::differencing(size)
        .block_size(64 << 10)
        .id(id + 1)
        .parent(id, "base.vhd")
        .locator(Locator::relative(r".\base.vhd"))
        .write(1027, &vec![0xab; sectors * 512])
        .build();
    std::fs::write(place.join("base.vhd"), base).unwrap();
    std::fs::write(place.join("child.avhd"), child).unwrap();
}

/// Times of keys answered: help opened and closed. `busy` is on the status line as long as the jobs run that the keys are
/// to be measured against; `again` starts them anew. A key counts only if they ran when it was pressed and still ran
/// when its answer was on the screen.
fn answers(
    session: &mut Session,
    echo: &mut Session,
    busy: &str,
    again: &str,
) -> (Vec<Duration>, Vec<Duration>) {
    let (mut keys, mut echoes) = (Vec::new(), Vec::new());
    let mut letters = ('a'..='z').cycle();
    let began = Instant::now();
    while keys.len() < KEYS {
        // A quick machine is busy so shortly that few keys fall into it: those are what there is to tell.
        if began.elapsed() > PATIENCE {
            break;
        }
        if !session.shows(busy) {
            session.press(again);
            // On a quick machine one job may be over before the other is on the screen.
            let soon = Instant::now() + millis(100);
            while !session.shows(busy) && Instant::now() < soon {
                std::thread::sleep(millis(1));
            }
            if !session.shows(busy) {
                continue;
            }
        }
        for (key, shown) in [("?", true), ("q", false)] {
            let began = Instant::now();
            session.press(key);
            session.wait("─ Help: ", shown);
            let took = began.elapsed();
            if session.shows(busy) {
                keys.push(took);
            }
        }
        let began = Instant::now();
        let text = format!("{}{}", letters.next().unwrap_or('a'), echoes.len());
        echo.press(&text);
        echo.wait(&text, true);
        echoes.push(began.elapsed());
    }
    assert!(!keys.is_empty(), "the jobs never ran together: {busy}");
    keys.sort_unstable();
    echoes.sort_unstable();
    (keys, echoes)
}

pub fn measure(table: &mut Table) {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), MACHINES);
    let browse = |folder: &Path| {
        let program = env!("CARGO_BIN_EXE_vhdtree");
        Session::start(program, &[OsStr::new("--no-config"), folder.as_os_str()])
    };
    let mut echo = Session::start("cat", &[]);
    let began = Instant::now();
    let mut session = browse(folder.path());
    session.wait("vm0", true);
    table.time(
        "first rows of 4,002 disks, from the start",
        began.elapsed(),
        Some(millis(300)),
    );
    let mut report = |what: &str, (keys, echoes): (Vec<Duration>, Vec<Duration>)| {
        if let (Some(last), Some(limit)) = (keys.last(), echoes.last()) {
            let middle = keys[keys.len() / 2];
            table.time(
                &format!("{what}: middle of {} keys", keys.len()),
                middle,
                Some(millis(50)),
            );
            table.time(&format!("{what}: slowest"), *last, Some(millis(50)));
            table.time(
                &format!("{what}: slowest echo of {} by cat", echoes.len()),
                *limit,
                None,
            );
        }
    };
    let answered = answers(&mut session, &mut echo, "scanning: ", "R");
    report("a key during the scan", answered);
    session.press("q");
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), MANY_MACHINES);
    let mut session = browse(folder.path());
    session.wait("scan done", true);
    // The large pair's child, compared with its parent, while the store is read again.
    session.press("g\x1b[Cjj=R");
    let both = "comparing (also scanning): ";
    let answered = answers(&mut session, &mut echo, both, "R=");
    report("a key during a scan of 30,002 disks and a diff", answered);
    session.press("1");
    std::thread::sleep(Duration::from_secs(2));
    let before = session.cpu_ticks();
    std::thread::sleep(Duration::from_secs(3));
    let ticks = session.cpu_ticks() - before;
    table.time(
        "processor time of 3 s idle",
        millis(ticks * 10),
        Some(millis(0)),
    );
    session.press("q");
}
