//! What a container claims of itself is bounded: metadata, records and packed pieces made to cost time and memory.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use vhdtree::build::lvm::GroupBuilder;
use vhdtree::build::vhd::VhdBuilder;

/// The memory a command may use at most, in KiB.
const MEMORY_KIB: u64 = 200 << 10;
/// A program that is not optimised is slower by more than ten times.
const SECONDS: u64 = if cfg!(debug_assertions) { 60 } else { 2 };

/// Peak memory of a command in KiB, its exit code and what it said, within the time.
fn measured(arguments: &[&str], last: &Path) -> (u64, Option<i32>, String) {
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_vhdtree"))
        .args(arguments)
        .arg(last)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let mut out = child.stdout.take().unwrap();
    let mut faults = child.stderr.take().unwrap();
    let said = std::thread::spawn(move || {
        let mut said = Vec::new();
        std::io::Read::read_to_end(&mut out, &mut said)?;
        std::io::Read::read_to_end(&mut faults, &mut said).map(|_| said)
    });
    let code = loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        assert!(
            start.elapsed() < Duration::from_secs(SECONDS),
            "{arguments:?}"
        );
        std::thread::yield_now();
    };
    let said = said.join().unwrap().unwrap();
    (peak, code, String::from_utf8_lossy(&said).into_owned())
}

/// Its exit code and what it said, of a command that stays within time and memory.
pub fn assert_bounded(what: &str, arguments: &[&str], last: &Path) -> (Option<i32>, String) {
    let start = Instant::now();
    let (peak, code, said) = measured(arguments, last);
    println!("{what}: {arguments:?} {peak} KiB, {:?}", start.elapsed());
    assert!(peak <= MEMORY_KIB, "{what}: {peak} KiB");
    assert!(matches!(code, Some(0..=3)), "{what}: {code:?}");
    (code, said)
}

fn joined(count: u32, one: impl Fn(u32) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().concat()
}

/// An image whose area is `mib` MiB large, with this text in use.
fn image(mib: u64, text: &[u8]) -> Vec<u8> {
    let group = GroupBuilder::new("vg", 64 << 10, mib << 20, &[4], 1);
    group.with_text(text).devices().swap_remove(0)
}

/// An image whose ring of `mib` MiB is full of texts, each with one volume, and each another one.
fn ring(mib: u64) -> Vec<u8> {
    let name = |n: u32| format!("VHD-{n:08}-0000-4000-8000-000000000001");
    let mut group = GroupBuilder::new("VG_XenStorage-1", 64 << 10, mib << 20, &[4], 1);
    // A text has at least 512 bytes of the ring, and such a short one less than three times that.
    let texts = u32::try_from(mib << 20).unwrap() / 1024;
    for n in (0..texts).step_by(2) {
        let at = i64::from(n) + 1_770_000_000;
        group = group
            .create(&name(n), 64 << 10, at)
            .remove(&name(n), at + 1);
    }
    let last = name(texts);
    group
        .create(&last, 64 << 10, 1_780_000_000)
        .devices()
        .swap_remove(0)
}

#[test]
fn a_ring_full_of_texts_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pv.img");
    // The usual area is 10 MiB large; no more of a larger one is read.
    for mib in [10, 24] {
        fs::write(&path, ring(mib)).unwrap();
        for command in ["ls", "info", "check"] {
            assert_bounded(&format!("ring of {mib} MiB"), &[command], &path);
        }
        let (_, said) = assert_bounded("history", &["info", "--json"], &path);
        let changes = said.matches("\"change\"").count();
        assert!(changes > 1000, "{mib} MiB: {changes} changes");
    }
}

const HEAD: &str = "VG_XenStorage-1 {\nid = \"a\"\nseqno = 900000\nextent_size = 128\nphysical_volumes {\npv0 {\nid = \"pv0000-0000-0000-0000-0000-0000-000000\"\npe_start = 1024\npe_count = 4\n}\n}\nlogical_volumes {\n";

#[test]
fn hostile_metadata_of_lvm_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pv.img");
    let volume = |n: u32, segments: &str| {
        format!("VHD-{n:08}-0000-4000-8000-000000000001 {{\nid=\"{n}\"\n{segments}}}\n")
    };
    let one = "s1 {\nstart_extent=0\nextent_count=1\ntype=\"striped\"\nstripes=[\"pv0\",0]\n}\n";
    let many_volumes = joined(4000, |n| volume(n, one));
    let segments = joined(65_000, |n| {
        format!(
            "s{n} {{\nstart_extent={n}\nextent_count=1\ntype=\"striped\"\nstripes=[\"pv0\",0]\n}}\n"
        )
    });
    let huge = "s1 {\nstart_extent=0\nextent_count=9223372036854775807\ntype=\"striped\"\nstripes=[\"pv0\",0]\n}\n";
    for (what, text) in [
        ("nested", "a{".repeat(2 << 20)),
        ("values", "a=1\n".repeat(1 << 20)),
        ("list", format!("a = [{}", "1,".repeat(2 << 20))),
        ("text", format!("a = \"{}", "x".repeat(7 << 20))),
        ("volumes", format!("{HEAD}{many_volumes}}}\n}}\n")),
        (
            "segments",
            format!("{HEAD}{}}}\n}}\n", volume(1, &segments)),
        ),
        ("huge", format!("{HEAD}{}}}\n}}\n", volume(1, huge))),
    ] {
        fs::write(&path, image(17, text.as_bytes())).unwrap();
        assert_bounded(what, &["ls"], &path);
        assert_bounded(what, &["info"], &path);
    }
}

#[test]
fn hostile_records_of_the_storage_manager_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pv.img");
    let vhd = VhdBuilder::dynamic(8 << 20).by_xenserver().id(7).build();
    let name = "VHD-00000001-0000-4000-8000-000000000001";
    let record = |n: usize| {
        let mut record = format!(
            "<vdi><name_label>{}</name_label><uuid>{:08x}-0000-4000-8000-000000000001</uuid><is_a_snapshot>1</is_a_snapshot><snapshot_of>x</snapshot_of><snapshot_time>99999999T99:99:99Z</snapshot_time></vdi>",
            "&amp;".repeat(100),
            n
        );
        record.extend(std::iter::repeat_n(' ', 1024 - record.len()));
        record
    };
    let mut management = format!("XSSM:{:<10}:1:2", u32::MAX);
    management.extend(std::iter::repeat_n(' ', 2048 - management.len()));
    management.extend((0..4094).map(record));
    let len = (vhd.len() as u64).next_multiple_of(64 << 10);
    let devices = GroupBuilder::new("VG_XenStorage-1", 64 << 10, 64 << 10, &[200], 1)
        .create(name, len, 1)
        .write(name, 0, &vhd[..vhd.len() - 512])
        .write(name, len - 512, &vhd[vhd.len() - 512..])
        .create("MGT", 5 << 20, 1)
        .write("MGT", 0, management.as_bytes())
        .devices();
    fs::write(&path, &devices[0]).unwrap();
    let (_, said) = assert_bounded("records", &["ls", "--json"], &path);
    assert!(said.contains(name), "{said}");
}

#[test]
fn hostile_repositories_of_backups_are_bounded() {
    let root = tempfile::tempdir().unwrap();
    let machine = root
        .path()
        .join("xo-vm-backups/08d19d66-0d6a-562b-8c55-bd4ed98d338c");
    let data = machine.join("vdis/data/a.vhd");
    fs::create_dir_all(data.join("blocks/0")).unwrap();
    fs::write(machine.join("vdis/a.alias.vhd"), "data/a.vhd").unwrap();
    let vhd = VhdBuilder::dynamic(64 << 20)
        .id(1)
        .write(0, &[1; 512])
        .build();
    let gzip = |write: &dyn Fn(&mut dyn std::io::Write)| {
        let level = flate2::Compression::fast();
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), level);
        write(&mut writer);
        writer.finish().unwrap()
    };
    let zeros = gzip(&|writer| {
        let mib = vec![0; 1 << 20];
        (0..1024).for_each(|_| writer.write_all(&mib).unwrap());
    });
    let plain = |bytes: &[u8]| gzip(&|writer| writer.write_all(bytes).unwrap());
    fs::write(data.join("chunk-filters.json"), "[\"gzip\"]").unwrap();
    let sound = || {
        fs::write(data.join("header"), plain(&vhd[512..1536])).unwrap();
        fs::write(data.join("footer"), plain(&vhd[vhd.len() - 512..])).unwrap();
        fs::write(data.join("bat"), plain(&[0x80; 32])).unwrap();
        fs::write(data.join("blocks/0/0"), plain(&vhd[..1024])).unwrap();
    };
    for file in ["header", "footer", "bat", "blocks/0/0"] {
        sound();
        fs::write(data.join(file), &zeros).unwrap();
        assert_bounded(file, &["check"], root.path());
        assert_bounded(file, &["map"], &machine.join("vdis/a.alias.vhd"));
        assert_bounded(file, &["diff"], &machine.join("vdis/a.alias.vhd"));
    }
    sound();
    let described = machine.join("20261101T000000Z.json");
    let vhds = joined(60_000, |n| format!("\"{n}\":\"vdis/{n}.vhd\","));
    for (what, json) in [
        ("nested", "[".repeat(3 << 20)),
        ("objects", "{\"vm\":".repeat(500 << 10)),
        ("disks", format!("{{\"vhds\":{{{vhds}\"x\":\"y\"}}}}")),
        (
            "text",
            format!(
                "{{\"vm\":{{\"name_label\":\"{}\"}}}}",
                "\\u0000".repeat(600 << 10)
            ),
        ),
    ] {
        fs::write(&described, json).unwrap();
        assert_bounded(what, &["check"], root.path());
    }
}
