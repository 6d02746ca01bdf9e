//! The guest's own clock on disks whose files say nothing of their ages: AVHDX that were copied, with volumes written by their
//! own user-space drivers under a clock that spans months.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;
use vhdtree::build::vhdx::VhdxBuilder;
use vhdtree::store::ScanOptions;
use vhdtree::tui::Options;
use vhdtree::tui::app::App;
use vhdtree::tui::script::{Script, settings};
use vhdtree::tui::update::start;

use super::chains::{content, differing_pages, has, partitioned};
use super::cp::{code, vhdtree};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 2026-03-02 10:00 UTC, when the snapshot is taken.
const TAKEN: i64 = 1_772_445_600;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guest {
    Ext4,
    Ntfs,
}

/// A volume and the driver that writes it.
struct Driver {
    guest: Guest,
    folder: PathBuf,
    clock: PathBuf,
}

impl Driver {
    /// `None` if something it takes is missing here.
    fn new(guest: Guest, folder: &Path) -> Option<Self> {
        let tools: &[&str] = match guest {
            Guest::Ext4 => &["mke2fs", "debugfs"],
            Guest::Ntfs => &["mkntfs", "ntfscp"],
        };
        if !tools.iter().all(|tool| has(tool)) {
            return None;
        }
        let clock = folder.join("clock.so");
        let source = folder.join("clock.c");
        fs::write(&source, include_str!("clock.c")).unwrap();
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-w", "-o"])
            .args([&clock, &source])
            .status();
        if !built.is_ok_and(|built| built.success()) {
            println!("skipped: cc");
            return None;
        }
        let driver = Self {
            guest,
            folder: folder.to_path_buf(),
            clock,
        };
        let image = driver.image();
        fs::File::create(&image).unwrap().set_len(8 << 20).unwrap();
        match guest {
            Guest::Ext4 => driver.run(TAKEN - 60 * DAY, "mke2fs", &["-q", "-F", "-text4", "@"]),
            Guest::Ntfs => driver.run(TAKEN - 60 * DAY, "mkntfs", &["-F", "-Q", "-q", "@"]),
        }
        Some(driver)
    }

    fn image(&self) -> PathBuf {
        self.folder.join("volume.img")
    }

    /// Runs a tool with the clock at a time; `@` is the volume.
    fn run(&self, at: i64, tool: &str, args: &[&str]) {
        let image = self.image();
        let mut command = Command::new(tool);
        for arg in args {
            match *arg {
                "@" => command.arg(&image),
                arg => command.arg(arg),
            };
        }
        // The tools of ext have a clock that can be set.
        let output = match self.guest {
            Guest::Ext4 => command.env("E2FSPROGS_FAKE_TIME", at.to_string()),
            Guest::Ntfs => command
                .env("VHDTREE_TEST_TIME", at.to_string())
                .env("LD_PRELOAD", &self.clock),
        }
        .output()
        .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{tool} {args:?}: {said}");
    }

    /// A new file, written at a time.
    fn write(&self, at: i64, name: &str) {
        let from = self.folder.join("put");
        fs::write(&from, name).unwrap();
        let from = from.to_str().unwrap();
        match self.guest {
            Guest::Ext4 => {
                let request = format!("write {from} {name}");
                self.run(at, "debugfs", &["-w", "-R", &request, "@"]);
            }
            Guest::Ntfs => {
                let to = format!("/{name}");
                self.run(at, "ntfscp", &["-f", "-q", "@", from, &to]);
            }
        }
    }

    /// As it lies there while the machine runs; as it is left when it is shut down.
    fn leave(&self, at: i64, in_use: bool) {
        match self.guest {
            Guest::Ext4 => {
                let sign = if in_use { "" } else { "-" };
                let request = format!("feature {sign}needs_recovery");
                self.run(at, "debugfs", &["-w", "-R", &request, "@"]);
            }
            Guest::Ntfs if in_use => self.run(at, "ntfsfix", &["-n", "@"]),
            Guest::Ntfs => {}
        }
        if self.guest == Guest::Ntfs {
            self.mark(in_use);
        }
    }

    /// Sets the flag of NTFS' own record 3, in the table and its mirror, that says a volume was in use.
    fn mark(&self, in_use: bool) {
        let mut bytes = content(&self.image());
        let cluster = usize::from(bytes[13]) * 512;
        for table in [48, 56] {
            let table = u64::from_le_bytes(bytes[table..table + 8].try_into().unwrap());
            let record = usize::try_from(table).unwrap() * cluster + 3 * 1_024;
            let mut at = record + usize::from(bytes[record + 20]);
            while bytes[at] != 0x70 {
                at += usize::from(u16::from_le_bytes([bytes[at + 4], bytes[at + 5]]));
            }
            let flags = at + usize::from(bytes[at + 20]) + 10;
            bytes[flags] = u8::from(in_use);
        }
        fs::write(self.image(), bytes).unwrap();
    }

    /// The machine starts.
    fn boot(&self, at: i64) {
        match self.guest {
            Guest::Ext4 => {
                self.leave(at, true);
                let time = format!("ssv mtime @{at}");
                self.run(at, "debugfs", &["-w", "-R", &time, "@"]);
                self.run(at, "debugfs", &["-w", "-R", "ssv mnt_count 7", "@"]);
            }
            Guest::Ntfs => self.write(at, "pagefile.sys"),
        }
    }

    /// Work at each of the hours of each day.
    fn work(&self, days: std::ops::Range<i64>, hours: &[i64]) {
        for day in days {
            for hour in hours {
                let at = TAKEN + day * DAY + hour * HOUR + 7 * MINUTE;
                self.write(at, &format!("day{day}-{hour}"));
            }
        }
    }

    fn state(&self) -> Vec<u8> {
        partitioned(&[(&content(&self.image()), 0x83)])
    }
}

/// What happened, and how the disk above it looked at its end.
struct History<'h> {
    /// Up to the snapshot.
    before: &'h dyn Fn(&Driver),
    after: &'h dyn Fn(&Driver),
    kind: &'h str,
    /// The last write of the disk above.
    until: i64,
}

/// A folder with the store that a history leaves.
fn left_by(guest: Guest, history: &History<'_>) -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().unwrap();
    let driver = Driver::new(guest, folder.path())?;
    driver.write(TAKEN - 50 * DAY, "first");
    (history.before)(&driver);
    let frozen = driver.state();
    (history.after)(&driver);
    let above = driver.state();
    let store = folder.path().join("store");
    fs::create_dir(&store).unwrap();
    let write = |name: &str, disk: &VhdxBuilder, at: i64| {
        let path = store.join(name);
        disk.clone().build_to(&path).unwrap();
        let at = UNIX_EPOCH + Duration::from_secs(at.unsigned_abs());
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(at).unwrap();
    };
    let size = frozen.len() as u64;
    let base = VhdxBuilder::dynamic(size).block_size(1 << 20);
    let id = |n| uuid::Uuid::from_u128(n);
    write(
        "web.vhdx",
        &base.data_write_id(id(1)).write(0, &frozen),
        TAKEN,
    );
    let child = VhdxBuilder::differencing(size)
        .block_size(1 << 20)
        .parent(id(1), &[("relative_path", ".\\web.vhdx")])
        .data_write_id(id(2));
    let pages = differing_pages(&frozen, &above);
    let child = pages.into_iter().fold(child, |child, page| {
        child.write((page.start / 512) as u64, &above[page])
    });
    write("web_1.avhdx", &child, history.until);
    let machine = "11111111-2222-3333-4444-555555555555";
    let time = |at| jiff::Timestamp::from_second(at).unwrap().to_string();
    let facts = serde_json::json!({
        "schema": "vhdtree-host/1", "host": "HV01", "at": time(history.until + HOUR), "product": "hyperv",
        "machines": [{"id": machine, "name": "web", "state": "off", "disks": ["D:\\vm\\web_1.avhdx"]}],
        "snapshots": [{"id": "99999999-2222-3333-4444-555555555555", "name": "before", "machine": machine,
            "taken": time(TAKEN), "kind": history.kind, "disks": ["D:\\vm\\web.vhdx"]}],
    });
    fs::write(store.join("vhdtree-host.json"), facts.to_string()).unwrap();
    Some(folder)
}

/// The gate's answer about the snapshot: exit code, verdict, rule.
fn ask(guest: Guest, history: &History<'_>, args: &[&str]) -> Option<(i32, String, String)> {
    let folder = left_by(guest, history)?;
    let mut all = vec!["gate", "store", "--snapshot", "before", "--json"];
    all.extend(args);
    let output = vhdtree(folder.path(), &all);
    let answer: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let reverted = &answer["snapshot"]["verdict"];
    println!("{guest:?}: {}", answer["summary"]);
    for witness in reverted["evidence"].as_array().into_iter().flatten() {
        println!(
            "  {} {} {} {}",
            witness["code"], witness["state"], witness["text"], witness["why"]
        );
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Some((
        code(&output),
        text(&reverted["reverted"]),
        text(&reverted["rule"]),
    ))
}

fn running(driver: &Driver) {
    driver.work(-3..0, &[0, 4]);
    driver.write(TAKEN - 2 * MINUTE, "last");
    driver.leave(TAKEN - MINUTE, true);
}

/// 60 days of work, some every few hours.
const WORK_END: i64 = TAKEN + 59 * DAY + 20 * HOUR + 7 * MINUTE;
const HOURS: [i64; 2] = [0, 20];

fn expect(history: &History<'_>, args: &[&str], wanted: (i32, &str, &str)) {
    for guest in [Guest::Ext4, Guest::Ntfs] {
        let Some(answer) = ask(guest, history, args) else {
            continue;
        };
        let found = (answer.0, &*answer.1, &*answer.2);
        assert_eq!(found, wanted, "{guest:?}");
    }
}

#[test]
fn a_machine_that_worked_every_day_for_months_passes() {
    let history = History {
        before: &running,
        after: &|driver| driver.work(0..60, &HOURS),
        kind: "standard",
        until: WORK_END + MINUTE,
    };
    expect(&history, &[], (0, "no-sign", "guest-worked-on"));
    expect(&history, &["--no-guest"], (3, "cannot-tell", "no-age"));
}

/// What it did for three weeks went with the disk that was thrown away.
const REVERTED: History<'static> = History {
    before: &running,
    after: &|driver| {
        driver.boot(TAKEN + 21 * DAY);
        driver.work(21..60, &HOURS);
    },
    kind: "production",
    until: WORK_END + MINUTE,
};

#[test]
fn a_machine_reverted_after_weeks_is_refused() {
    expect(&REVERTED, &[], (1, "likely", "guest-stopped"));
}

#[test]
fn the_browser_shows_on_the_time_line_what_the_guest_says() {
    let Some(folder) = left_by(Guest::Ext4, &REVERTED) else {
        return;
    };
    let options = Options {
        scan: ScanOptions {
            roots: vec![folder.path().join("store")],
            ..ScanOptions::default()
        },
        ..Options::default()
    };
    for size in [(80, 24), (140, 40)] {
        let mut script = Script::of(App::new(settings(), size));
        script.effects = start(&mut script.app);
        script.work(&options).keys("<Enter>").work(&options);
        let screen = script.screen();
        let words: Vec<&str> = screen.split_whitespace().collect();
        let mut rest = words.join(" ");
        for line in [
            "web was set back to \"before\" (likely).",
            "TIME LINE 2026-03-02 10:00:00Z ■ snapshot \"before\"",
            "↩ set back to \"before\" likely",
            "2026-03-23 10:00:00Z - the guest wrote on web_1.avhdx by 2026-03-23 10:00Z",
            "2026-03-23 10:00:00Z - the guest was in use until the snapshot, and nothing it wrote is from then until it was started",
            "2026-05-01 06:08:00Z ● NOW",
        ] {
            let found = rest.find(line);
            let at = found
                .unwrap_or_else(|| panic!("{line:?} is not there, or not in order:\n{screen}"));
            rest.drain(..at + line.len());
        }
    }
}

#[test]
fn a_machine_that_was_off_before_the_snapshot_is_not_called_reverted() {
    let history = History {
        before: &|driver| {
            driver.work(-3..0, &[0, 4]);
            driver.write(TAKEN - 5 * MINUTE, "last");
            driver.leave(TAKEN - 4 * MINUTE, false);
        },
        after: &|driver| {
            driver.boot(TAKEN + 21 * DAY);
            driver.work(21..60, &HOURS);
        },
        kind: "standard",
        until: WORK_END + MINUTE,
    };
    expect(&history, &[], (3, "cannot-tell", "no-age"));
}

#[test]
fn a_wrong_clock_an_idle_guest_and_a_revert_with_memory_settle_nothing() {
    let wrong = History {
        before: &running,
        after: &|driver| driver.work(0..60, &HOURS),
        kind: "standard",
        until: WORK_END + 10 * DAY,
    };
    let idle = History {
        before: &running,
        after: &|driver| driver.work(21..60, &HOURS),
        kind: "standard",
        until: WORK_END + MINUTE,
    };
    // It goes on with the snapshot's time until the host sets its clock.
    let resumed = History {
        before: &running,
        after: &|driver| {
            driver.write(TAKEN + 20, "in-memory");
            driver.write(TAKEN + 2 * MINUTE, "resumed");
            driver.work(21..60, &HOURS);
        },
        kind: "standard",
        until: WORK_END + MINUTE,
    };
    for history in [wrong, idle, resumed] {
        expect(&history, &[], (3, "cannot-tell", "no-age"));
    }
}

#[test]
fn a_volume_that_was_not_mounted_again_was_not_reverted_to_a_snapshot_without_memory() {
    let history = |kind| History {
        before: &running,
        after: &|driver| driver.work(21..60, &HOURS),
        kind,
        until: WORK_END + MINUTE,
    };
    if let Some(answer) = ask(Guest::Ext4, &history("production"), &[]) {
        assert_eq!((answer.0, &*answer.1), (0, "no-sign"));
    }
}
