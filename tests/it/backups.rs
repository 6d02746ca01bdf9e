//! Backup repositories of Xen Orchestra: plain disks, disks that are folders behind an alias, and what goes wrong in them.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use vhdtree::build::vhd::VhdBuilder;
use vhdtree::chain::Chain;
use vhdtree::format::SectorNo;
use vhdtree::image::Image;
use vhdtree::store::containers::Containers;

use crate::runner::{codes_of, json_of, row_of};
use crate::truth::samples;

const BLOCK: usize = 2 << 20;
const SIZE: u64 = 16 << 20;
const MACHINE: &str = "xo-vm-backups/08d19d66-0d6a-562b-8c55-bd4ed98d338c";
const DISKS: &str =
    "vdis/c156d591-53c1-5231-b627-ef35fd4849c6/66ae96de-8f62-5ee1-8e2b-32fc5744b5e4";

#[derive(Clone, Copy)]
enum Kept {
    Plain,
    Folder,
    Gzip,
    Brotli,
}

/// Stored, not compressed, in blocks of at most 64 KiB: any reader of brotli takes it.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    for (at, piece) in bytes.chunks(1 << 16).enumerate() {
        // The first bit of all is the window's size; then: not the last, four nibbles of length, stored.
        let length = u32::try_from(piece.len() - 1).unwrap();
        let bits = (length << 3) | (1 << 19);
        let bits = if at == 0 { bits << 1 } else { bits };
        packed.extend(&bits.to_le_bytes()[..3]);
        packed.extend(piece);
    }
    if bytes.is_empty() {
        packed.push(0b110);
    } else {
        packed.push(0b11);
    }
    packed
}

fn pack(kept: Kept, bytes: &[u8]) -> Vec<u8> {
    match kept {
        Kept::Plain | Kept::Folder => bytes.to_vec(),
        Kept::Brotli => brotli(bytes),
        Kept::Gzip => {
            let level = flate2::Compression::fast();
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), level);
            writer.write_all(bytes).unwrap();
            writer.finish().unwrap()
        }
    }
}

fn be32(bytes: &[u8], at: usize) -> usize {
    let number = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    usize::try_from(number).unwrap()
}

/// Keeps a VHD as Xen Orchestra keeps it.
fn put(folder: &Path, name: &str, kept: Kept, vhd: &[u8]) {
    fs::create_dir_all(folder).unwrap();
    if matches!(kept, Kept::Plain) {
        fs::write(folder.join(format!("{name}.vhd")), vhd).unwrap();
        return;
    }
    fs::write(
        folder.join(format!("{name}.alias.vhd")),
        format!("data/{name}.vhd"),
    )
    .unwrap();
    let data = folder.join(format!("data/{name}.vhd"));
    fs::create_dir_all(data.join("blocks/0")).unwrap();
    let filters = match kept {
        Kept::Gzip => "[\"gzip\"]",
        Kept::Brotli => "[\"brotli\"]",
        _ => "[]",
    };
    fs::write(data.join("chunk-filters.json"), filters).unwrap();
    let write = |file: &str, bytes: &[u8]| fs::write(data.join(file), pack(kept, bytes)).unwrap();
    write("header", &vhd[512..1536]);
    write("footer", &vhd[vhd.len() - 512..]);
    let (table, entries) = (be32(vhd, 512 + 20), be32(vhd, 512 + 28));
    let mut bat = vec![0; entries];
    for block in 0..entries {
        let sector = be32(vhd, table + 4 * block);
        if sector != usize::try_from(u32::MAX).unwrap() {
            bat[block / 8] |= 0x80 >> (block % 8);
            let bytes = &vhd[sector * 512..][..512 + BLOCK];
            write(&format!("blocks/0/{block}"), bytes);
        }
    }
    write("bat", &bat);
}

fn block(mark: u8) -> Vec<u8> {
    (0..BLOCK)
        .map(|at| u8::try_from(at / 512 % 199).unwrap() ^ mark)
        .collect()
}

/// The disk of backup `n` of a chain.
fn vhd(n: u8, suffix: &str) -> Vec<u8> {
    let builder = if n == 0 {
        VhdBuilder::dynamic(SIZE)
    } else {
        VhdBuilder::differencing(SIZE).parent(u128::from(n), &format!("{}{suffix}", stamp(n - 1)))
    };
    let first = u64::from(n % 7) * (BLOCK as u64 / 512);
    builder
        .id(u128::from(n) + 1)
        .write(first, &block(n))
        .build()
}

fn stamp(n: u8) -> String {
    format!("202611{:02}T010000Z", n + 1)
}

/// A machine's backups, with a description each.
fn repository(root: &Path, kept: Kept, backups: u8) {
    let machine = root.join(MACHINE);
    let suffix = if matches!(kept, Kept::Plain) {
        ".vhd"
    } else {
        ".alias.vhd"
    };
    for n in 0..backups {
        put(&machine.join(DISKS), &stamp(n), kept, &vhd(n, suffix));
        let described = json!({
            "vm": {"name_label": "web01", "uuid": "08d19d66-0d6a-562b-8c55-bd4ed98d338c"},
            "timestamp": 1_793_494_800_000_i64 + i64::from(n) * 86_400_000,
            "vhds": {"OpaqueRef:1": format!("{DISKS}/{}{suffix}", stamp(n))},
            "vdis": {"OpaqueRef:1": {"name_label": "disk 0"}},
        });
        fs::write(
            machine.join(format!("{}.json", stamp(n))),
            described.to_string(),
        )
        .unwrap();
    }
}

fn errors(root: &Path) -> Vec<Value> {
    let check = json_of(&["check", "--json"], root);
    let findings = check["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["severity"] != "info")
        .cloned()
        .collect()
}

#[test]
fn healthy_chains_of_every_kind_have_no_fault_and_the_content_of_plain_disks() {
    let plain = tempfile::tempdir().unwrap();
    repository(plain.path(), Kept::Plain, 5);
    for kept in [Kept::Plain, Kept::Folder, Kept::Gzip, Kept::Brotli] {
        let root = tempfile::tempdir().unwrap();
        repository(root.path(), kept, 5);
        assert_eq!(errors(root.path()), Vec::<Value>::new());
        let ls = json_of(&["ls", "--json"], root.path());
        assert_eq!(ls["disks"].as_array().unwrap().len(), 5, "{ls:#}");
        assert_eq!(ls["errors"].as_array().unwrap().len(), 0, "{ls:#}");
        let suffix = if matches!(kept, Kept::Plain) {
            ".vhd"
        } else {
            ".alias.vhd"
        };
        for n in 0..5 {
            let row = row_of(&ls, &format!("{}{suffix}", stamp(n)));
            assert_eq!(row["blocks"]["full"], 1, "{row:#}");
            assert_eq!(row["product"], "xo");
            assert_eq!(row["snapshots"].as_array().unwrap().len(), 0, "{row:#}");
            let label = row["label"].as_str().unwrap();
            assert!(
                label.starts_with("web01: disk 0, backup of 2026-"),
                "{label}"
            );
            if n > 0 {
                assert_eq!(row["parent"]["state"], "ok");
                assert_ne!(row["parent"]["resolved_by"], "id", "{row:#}");
            }
        }
        let chain = |root: &Path, suffix: &str| {
            let open = |n| {
                let path = root
                    .join(MACHINE)
                    .join(DISKS)
                    .join(format!("{}{suffix}", stamp(n)));
                std::sync::Arc::new(
                    Image::open(Containers::default().open(&path).unwrap()).unwrap(),
                )
            };
            let chain = Chain::new((0..5).rev().map(open).collect()).unwrap();
            let mut bytes = vec![0; usize::try_from(SIZE).unwrap()];
            chain.read_at(SectorNo(0), &mut bytes).unwrap();
            bytes
        };
        assert!(chain(plain.path(), ".vhd") == chain(root.path(), suffix));
    }
}

#[test]
fn a_chain_of_thirty_folders_is_whole() {
    let root = tempfile::tempdir().unwrap();
    repository(root.path(), Kept::Brotli, 30);
    assert_eq!(errors(root.path()), Vec::<Value>::new());
    let ls = json_of(&["ls", "--json"], root.path());
    let row = row_of(&ls, &format!("{}.alias.vhd", stamp(29)));
    assert_eq!(row["depth"], 29, "{row:#}");
}

#[test]
fn each_fault_of_a_repository_is_named_and_no_other() {
    let root = tempfile::tempdir().unwrap();
    repository(root.path(), Kept::Plain, 30);
    let disks = root.path().join(MACHINE).join(DISKS);
    assert_eq!(errors(root.path()), Vec::<Value>::new());
    let name = format!("{}.vhd", stamp(29));
    fs::remove_file(disks.join(&name)).unwrap();
    fs::remove_file(root.path().join(MACHINE).join(format!("{}.json", stamp(3)))).unwrap();
    let state = json!({"chain": [], "currentBlock": 3, "step": "mergeBlocks"}).to_string();
    fs::write(disks.join(format!(".{}.vhd.merge.json", stamp(3))), state).unwrap();
    let codes: Vec<String> = errors(root.path())
        .iter()
        .map(|finding| finding["code"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(codes.len(), 2, "{codes:?}");
    let check = json_of(&["check", "--json"], root.path());
    let merged = format!("{DISKS}/{}.vhd", stamp(3));
    let mut told = codes_of(&check, &merged);
    told.sort();
    assert_eq!(told, ["xo-disk-unused", "xo-merge-unfinished"]);
    assert_eq!(
        codes_of(&check, &format!("{}.json", stamp(29))),
        ["xo-disk-missing"]
    );
}

#[test]
fn a_delete_follows_the_rules_of_xen_orchestra() {
    for kept in [Kept::Plain, Kept::Brotli] {
        let root = tempfile::tempdir().unwrap();
        repository(root.path(), kept, 4);
        let disks = root.path().join(MACHINE).join(DISKS);
        let name = |n: u8| match kept {
            Kept::Plain => format!("{}.vhd", stamp(n)),
            _ => format!("{}.alias.vhd", stamp(n)),
        };
        let store = root.path().to_str().unwrap();
        let plan = |n| json_of(&["plan", "--json", "--store", store], &disks.join(name(n)));
        // The disk of the backup takes in its child, and its name.
        for n in 0..3 {
            let told = plan(n);
            assert_eq!(told["verdict"], "pass", "{told:#}");
            assert_eq!(told["as"], "xo");
            let merge = &told["merge"][0];
            let ends = |key: &str, n| merge[key].as_str().unwrap().ends_with(&name(n));
            assert!(ends("from", n + 1) && ends("into", n), "{merge:#}");
            assert!(ends("survivor", n + 1), "{merge:#}");
            assert_eq!(told["merge"].as_array().unwrap().len(), 1);
            let lost = told["lost"].to_string();
            assert!(lost.contains("can no longer be restored"), "{lost}");
            assert!(lost.contains("web01: disk 0, backup of"), "{lost}");
        }
        // The newest one just goes.
        let told = plan(3);
        assert_eq!(told["verdict"], "pass", "{told:#}");
        assert_eq!(told["merge"].as_array().unwrap().len(), 0);
        // While a merge is not finished nothing may be deleted in its chain.
        let state = disks.join(format!(".{}.merge.json", name(0)));
        fs::write(state, "{\"step\":\"mergeBlocks\"}").unwrap();
        for n in [0, 1, 3] {
            let told = plan(n);
            assert_eq!(told["verdict"], "refuse", "{told:#}");
        }
    }
}

#[test]
fn an_encrypted_repository_says_so() {
    let root = tempfile::tempdir().unwrap();
    repository(root.path(), Kept::Plain, 1);
    fs::write(
        root.path().join("encryption.json"),
        "{\"algorithm\":\"aes-256-gcm\"}",
    )
    .unwrap();
    let check = json_of(&["check", "--json"], root.path());
    assert_eq!(codes_of(&check, "xo-vm-backups"), ["xo-encrypted"]);
    fs::write(
        root.path().join("encryption.json"),
        "{\"algorithm\":\"none\"}",
    )
    .unwrap();
    assert_eq!(errors(root.path()), Vec::<Value>::new());
}

#[test]
fn a_chunk_that_unpacks_to_more_than_a_block_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    repository(root.path(), Kept::Gzip, 1);
    let data = root
        .path()
        .join(MACHINE)
        .join(DISKS)
        .join(format!("data/{}.vhd", stamp(0)));
    let bomb = pack(Kept::Gzip, &vec![0; 64 << 20]);
    fs::write(data.join("blocks/0/0"), &bomb).unwrap();
    let alias: PathBuf = data
        .parent()
        .unwrap()
        .with_file_name(format!("{}.alias.vhd", stamp(0)));
    let image = Image::open(Containers::default().open(&alias).unwrap()).unwrap();
    let chain = Chain::new(vec![std::sync::Arc::new(image)]).unwrap();
    let error = chain.read_at(SectorNo(0), &mut [0; 512]).unwrap_err();
    assert!(error.to_string().contains("unpacks to more"), "{error}");
    fs::write(data.join("bat"), &bomb).unwrap();
    assert!(Containers::default().open(&alias).is_err());
}

#[test]
fn the_samples_folders_are_one_disk_each() {
    let Some(folder) = samples().map(|folder| folder.join("writers/xo-directories.tar.zst")) else {
        println!("skipped: samples");
        return;
    };
    let root = tempfile::tempdir().unwrap();
    let done = std::process::Command::new("tar")
        .args(["--zstd", "-xf"])
        .arg(&folder)
        .arg("-C")
        .arg(root.path())
        .status();
    if !done.is_ok_and(|done| done.success()) {
        println!("skipped: zstd");
        return;
    }
    let ls = json_of(&["ls", "--json"], root.path());
    assert_eq!(ls["disks"].as_array().unwrap().len(), 2, "{ls:#}");
    let child = row_of(&ls, "20261102T000000Z.alias.vhd");
    assert_eq!(child["kind"], "differencing");
}

/// The system calls on files whose path holds `part`, of a program that is run with these arguments: how often one was
/// opened, and how often one was read. `None` where that cannot be traced.
fn traced(arguments: &[&str], last: &Path, part: &str) -> Option<(usize, usize)> {
    let log = tempfile::NamedTempFile::new().unwrap();
    let said = std::process::Command::new("strace")
        .args(["-f", "-qq", "-y", "-s", "0", "-o"])
        .arg(log.path())
        .args(["-e", "trace=openat,open,read,pread64"])
        .arg(env!("CARGO_BIN_EXE_vhdtree"))
        .args(arguments)
        .arg(last)
        .output();
    let said = said.map(|told| String::from_utf8_lossy(&told.stderr).into_owned());
    if !said.is_ok_and(|said| !said.contains("PTRACE") && !said.contains("not permitted")) {
        println!("skipped: strace");
        return None;
    }
    let trace = fs::read_to_string(log.path()).unwrap();
    let lines = || trace.lines().filter(|line| line.contains(part));
    let reads = lines().filter(|line| line.contains("read(") || line.contains("pread64("));
    Some((
        lines().filter(|line| line.contains("open")).count(),
        reads.count(),
    ))
}

#[test]
fn a_folder_of_twenty_thousand_blocks_is_counted_by_its_table() {
    for kept in [Kept::Folder, Kept::Gzip, Kept::Brotli] {
        let root = tempfile::tempdir().unwrap();
        let vhd = VhdBuilder::dynamic(20_000 * BLOCK as u64).id(1).build();
        put(root.path(), "a", kept, &vhd);
        let data = root.path().join("data/a.vhd");
        let bits = [vec![0xff; 2_500], vec![0; 17_500]].concat();
        fs::write(data.join("bat"), pack(kept, &bits)).unwrap();
        for block in 0..20 {
            let folder = data.join(format!("blocks/{block}"));
            fs::create_dir_all(&folder).unwrap();
            for n in 0..1000 {
                fs::File::create(folder.join(n.to_string())).unwrap();
            }
        }
        let ls = json_of(&["ls", "--json"], root.path());
        let row = row_of(&ls, "a.alias.vhd");
        assert_eq!(row["blocks"]["full"], 20_000, "{row:#}");
        assert_eq!(row["findings"].as_array().unwrap().len(), 0, "{row:#}");
        for command in ["ls", "check", "info"] {
            let last = match command {
                "info" => root.path().join("a.alias.vhd"),
                _ => root.path().to_path_buf(),
            };
            let blocks = traced(&[command], &last, "/blocks/");
            let all = traced(&[command], &last, "/a.");
            let Some(((opened, _), (_, reads))) = blocks.zip(all) else {
                return;
            };
            println!("{command}: {reads} reads");
            // `info` looks where a partition table and its copy would be.
            let most = if command == "info" { 4 } else { 0 };
            assert!(opened <= most, "{command} opened {opened} blocks");
            assert!(0 < reads && reads < 50, "{command}: {reads} reads");
        }
    }
}

#[test]
fn folders_differ_and_map_as_the_plain_disks_of_the_same_backups() {
    let told = |root: &Path, suffix: &str| {
        let disks = root.join(MACHINE).join(DISKS);
        let of = |command: &str, n: u8| {
            let store = root.to_str().unwrap();
            let name = disks.join(format!("{}{suffix}", stamp(n)));
            let arguments = match command {
                "diff" => &[command, "--json", "--store", store][..],
                _ => &[command, "--json"],
            };
            let mut told = json_of(arguments, &name);
            let keys = told.as_object_mut().unwrap();
            keys.retain(|key, _| ["sectors", "runs", "blocks", "equal"].contains(&&**key));
            told
        };
        (1..5)
            .map(|n| [of("diff", n), of("map", n)])
            .collect::<Vec<_>>()
    };
    let plain = tempfile::tempdir().unwrap();
    repository(plain.path(), Kept::Plain, 5);
    let wanted = told(plain.path(), ".vhd");
    assert!(
        wanted[0][0]["sectors"]["compared"].as_u64().unwrap() > 0,
        "{wanted:#?}"
    );
    for kept in [Kept::Folder, Kept::Gzip, Kept::Brotli] {
        let root = tempfile::tempdir().unwrap();
        repository(root.path(), kept, 5);
        assert_eq!(told(root.path(), ".alias.vhd"), wanted);
    }
}
