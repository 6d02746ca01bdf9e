//! The demo's machines: reverted ones, some that never were, and one that lost a parent.

use std::fs;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::fat::DemoVolume;
use super::guest::{installed, log_text, packed_bytes, works};
use super::store::{DemoVhd, DemoVhdx, make_vhd, make_vhdx};

/// A time of the story. The texts are constants of this program; a wrong one would be the epoch.
pub fn time(text: &str) -> Timestamp {
    text.parse().unwrap_or_default()
}

/// The guest's clock at a time of the story; the guests live in UTC.
fn clock(text: &str) -> DateTime {
    time(text).to_zoned(TimeZone::UTC).datetime()
}

/// The name of the story's machine.
pub const TESTWIN7: &str = "TestWin7";
/// The story's frozen disk.
pub const TESTWIN7_BASE: &str = "WIN7x64_Diff.vhd";
/// The story's disk in use, made by the revert.
pub const TESTWIN7_NOW: &str = "WIN7x64_Diff_7C1FA0D2-94E3-4B6A-8E0B-2F5D9A63C11E.avhd";
/// Frozen by the first snapshot of `web01`.
pub const WEB01_BASE: &str = "web01.vhd";
/// Frozen by its second snapshot.
pub const WEB01_FIRST: &str = "web01_3A55E0B1-0C6D-4D0F-A1F2-77E6B3C90A42.avhd";
/// In use by `web01`.
pub const WEB01_NOW: &str = "web01_A02E91B3-5D1B-4F7E-B8C4-1A9F60D7E355.avhd";
/// The base of `db02`.
pub const DB02_BASE: &str = "db02.vhd";
/// In use by `db02`; its parent is gone.
pub const DB02_NOW: &str = "db02_77AB01D3-E20F-4C55-9D3A-6B8E4F1207C9.avhd";
/// Frozen by the snapshot of `app03`.
pub const APP03_BASE: &str = "app03.vhdx";
/// In use by `app03`.
pub const APP03_NOW: &str = "app03_5C7E90B4-2D1A-4F63-8B0E-93A7D6C5E1F2.avhdx";
/// The name of the machine whose branch from before the revert is kept.
pub const LAB04: &str = "lab04";
/// Frozen by the first snapshot of `lab04`.
pub const LAB04_BASE: &str = "lab04.vhdx";
/// Frozen by its second snapshot, from before the revert.
pub const LAB04_KEPT: &str = "lab04_84D319FE-2B70-4DA6-A5C8-3E617F92B0C4.avhdx";
/// In use by `lab04`, made by the revert.
pub const LAB04_NOW: &str = "lab04_E9A74C02-58B1-4F3D-8D16-B2F407C3915E.avhdx";
/// The file that is only in what the second snapshot keeps.
pub const LAB04_FILE: &str = "Users/taro/Desktop/検証用.txt";

/// The story: a snapshot in May, a file on the desktop, *Revert* in June, months of work since, all of it forgotten.
///
/// # Errors
/// When a file cannot be written.
pub fn make_testwin7(root: &Path) -> io::Result<()> {
    let folder = root.join(TESTWIN7);
    fs::create_dir_all(&folder)?;
    let base = DemoVhd {
        name: TESTWIN7_BASE,
        id: 0x6f1d_33c0_51a2_4b0e_9d27_5c1e_77a9_0b01,
        created: time("2009-01-10T09:02:11Z"),
        modified: time("2009-05-02T14:10:29Z"),
        parent: None,
    };
    let mut volume = installed(
        b"TESTWIN7   ",
        0x2009_0110,
        7,
        clock("2009-01-10T09:40:00Z"),
    );
    volume.write(
        "Users/taro/Desktop/README.TXT",
        b"SP1 next week\r\n",
        clock("2009-04-28T18:00:00Z"),
    );
    make_vhd(&folder, &base, &volume.sectors())?;

    // What stood here from May to June, the desktop file among it, was in the disk that the revert threw away:
    //   Users/taro/Desktop/検証用.txt, written 2009-05-04.
    let at_snapshot = volume.clone();
    works(&mut volume, 31, 14, clock("2009-07-02T08:00:00Z"));
    volume.write(
        "Users/taro/Desktop/memo.txt",
        b"what was I testing?\r\n",
        clock("2009-08-19T11:20:00Z"),
    );
    let now = DemoVhd {
        name: TESTWIN7_NOW,
        id: 0x7c1f_a0d2_94e3_4b6a_8e0b_2f5d_9a63_c11e,
        created: time("2009-06-30T09:41:07Z"),
        modified: time("2009-11-20T17:32:50Z"),
        parent: Some((base.id, base.name)),
    };
    make_vhd(&folder, &now, &volume.changes_since(&at_snapshot))?;
    Ok(())
}

/// A machine with two snapshots that was never reverted.
///
/// # Errors
/// When a file cannot be written.
pub fn make_web01(root: &Path) -> io::Result<()> {
    let folder = root.join("web01");
    fs::create_dir_all(&folder)?;
    let base = DemoVhd {
        name: WEB01_BASE,
        id: 0x3b2a_9910_7c44_4e19_a3b5_0d11_42e7_5501,
        created: time("2009-03-02T10:02:44Z"),
        modified: time("2009-09-12T07:29:58Z"),
        parent: None,
    };
    let installed = installed(
        b"WEB01      ",
        0x2009_0302,
        91,
        clock("2009-03-02T11:00:00Z"),
    );
    make_vhd(&folder, &base, &installed.sectors())?;

    let mut patched = installed.clone();
    works(&mut patched, 55, 22, clock("2009-09-20T03:00:00Z"));
    let first = DemoVhd {
        name: WEB01_FIRST,
        id: 0x3a55_e0b1_0c6d_4d0f_a1f2_77e6_b3c9_0a42,
        created: time("2009-09-12T07:30:02Z"),
        modified: time("2009-10-01T21:04:11Z"),
        parent: Some((base.id, base.name)),
    };
    make_vhd(&folder, &first, &patched.changes_since(&installed))?;

    let mut today = patched.clone();
    rewrite_in_place(&mut today);
    let now = DemoVhd {
        name: WEB01_NOW,
        id: 0xa02e_91b3_5d1b_4f7e_b8c4_1a9f_60d7_e355,
        created: time("2009-10-01T21:04:16Z"),
        modified: time("2009-11-20T17:30:12Z"),
        parent: Some((first.id, first.name)),
    };
    make_vhd(&folder, &now, &today.changes_since(&patched))?;
    Ok(())
}

/// A machine whose middle disk is gone: what the leaf holds cannot be put together any more.
///
/// # Errors
/// When a file cannot be written.
pub fn make_db02(root: &Path) -> io::Result<()> {
    let folder = root.join("db02");
    fs::create_dir_all(&folder)?;
    let base = DemoVhd {
        name: DB02_BASE,
        id: 0xd802_0000_11ac_4f00_9b6e_33d1_0c5e_7701,
        created: time("2009-02-11T13:20:09Z"),
        modified: time("2009-08-30T04:11:31Z"),
        parent: None,
    };
    let installed = installed(
        b"DB02       ",
        0x2009_0211,
        17,
        clock("2009-02-11T14:00:00Z"),
    );
    make_vhd(&folder, &base, &installed.sectors())?;

    let mut today = installed.clone();
    works(&mut today, 73, 9, clock("2009-11-01T05:00:00Z"));
    let now = DemoVhd {
        name: DB02_NOW,
        id: 0x77ab_01d3_e20f_4c55_9d3a_6b8e_4f12_07c9,
        created: time("2009-09-30T22:15:40Z"),
        modified: time("2009-11-20T17:31:47Z"),
        parent: Some((
            0x1c9e_0a44_b733_4a21_8f60_91d2_c5b0_e6f8,
            "db02_1C9E0A44-B733-4A21-8F60-91D2C5B0E6F8.avhd",
        )),
    };
    make_vhd(&folder, &now, &today.changes_since(&installed))?;
    Ok(())
}

/// A machine of a newer host, on AVHDX, that was never reverted.
///
/// # Errors
/// When a file cannot be written.
pub fn make_app03(root: &Path) -> io::Result<()> {
    let folder = root.join("app03");
    fs::create_dir_all(&folder)?;
    let mut volume = installed(
        b"APP03      ",
        0x2026_0203,
        29,
        clock("2026-02-03T09:00:00Z"),
    );
    let base = DemoVhdx {
        name: APP03_BASE,
        disk_id: 0xa990_0300_5b6c_4d7e_8f90_a1b2_c3d4_e5f6,
        data_write_id: 0x6d0e_1f20_3142_4354_8566_7788_99aa_bbcc,
        modified: time("2026-09-14T19:30:04Z"),
        parent: None,
    };
    make_vhdx(&folder, &base, &volume.sectors())?;

    let at_snapshot = volume.clone();
    works(&mut volume, 83, 17, clock("2026-10-11T06:00:00Z"));
    let now = DemoVhdx {
        name: APP03_NOW,
        data_write_id: 0x1b2c_3d4e_5f60_4718_8293_a4b5_c6d7_e8f9,
        modified: time("2026-11-20T17:33:00Z"),
        parent: Some((base.data_write_id, base.name)),
        ..base
    };
    make_vhdx(&folder, &now, &volume.changes_since(&at_snapshot))?;
    Ok(())
}

/// A machine that was set back while a snapshot keeps what stood there before: a file can be named and brought back.
///
/// # Errors
/// When a file cannot be written.
pub fn make_lab04(root: &Path) -> io::Result<()> {
    let folder = root.join(LAB04);
    fs::create_dir_all(&folder)?;
    let mut clean = installed(
        b"LAB04      ",
        0x2026_0407,
        43,
        clock("2026-04-07T10:00:00Z"),
    );
    clean.write(
        "WINDOWS/LOGS/SETUP.LOG",
        &log_text(3, 90_000),
        clock("2026-04-07T10:40:00Z"),
    );
    let base = DemoVhdx {
        name: LAB04_BASE,
        disk_id: 0xb044_0400_17d2_4c3a_9e51_66f0_a8b7_c9d1,
        data_write_id: 0x2c51_7d90_6a4b_4f18_b3e2_90c7_d1f5_0a36,
        modified: time("2026-04-20T09:15:01Z"),
        parent: None,
    };
    make_vhdx(&folder, &base, &clean.sectors())?;

    let mut tested = clean.clone();
    tested.go_to(310);
    tested.write(
        LAB04_FILE,
        &log_text(11, 15_000),
        clock("2026-05-12T18:21:30Z"),
    );
    works(&mut tested, 37, 5, clock("2026-05-15T07:00:00Z"));
    rewrite_by_itself(&mut tested, 101, clock("2026-05-18T16:40:00Z"));
    let kept = DemoVhdx {
        name: LAB04_KEPT,
        data_write_id: 0x84d3_19fe_2b70_4da6_a5c8_3e61_7f92_b0c4,
        modified: time("2026-05-18T16:40:20Z"),
        parent: Some((base.data_write_id, base.name)),
        ..base
    };
    make_vhdx(&folder, &kept, &tested.changes_since(&clean))?;

    let mut today = clean.clone();
    works(&mut today, 61, 8, clock("2026-08-02T08:00:00Z"));
    today.write(
        "Users/taro/Desktop/memo.txt",
        b"where are my test notes?\r\n",
        clock("2026-10-30T13:05:00Z"),
    );
    rewrite_by_itself(&mut today, 103, clock("2026-11-20T17:30:00Z"));
    let now = DemoVhdx {
        name: LAB04_NOW,
        data_write_id: 0xe9a7_4c02_58b1_4f3d_8d16_b2f4_07c3_915e,
        modified: time("2026-11-20T17:33:20Z"),
        ..kept
    };
    make_vhdx(&folder, &now, &today.changes_since(&clean))?;
    Ok(())
}

/// What a system writes while nobody works: into its page file and its logs.
fn rewrite_by_itself(volume: &mut DemoVolume, seed: u64, time: DateTime) {
    volume.rewrite("PAGEFILE.SYS", &packed_bytes(seed, 400_000), time);
    volume.rewrite("WINDOWS/LOGS/SETUP.LOG", &log_text(seed, 30_000), time);
}

/// Logs that go on growing, and one that is written again as it was.
fn rewrite_in_place(volume: &mut DemoVolume) {
    works(volume, 58, 6, clock("2009-10-20T04:00:00Z"));
    volume.go_to(700);
    volume.write(
        "BACKUP/WEB01.TGZ",
        &log_text(5, 900_000),
        clock("2009-11-02T02:00:00Z"),
    );
}
