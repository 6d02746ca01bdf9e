//! Every kind of damage of a store of VHDX and AVHDX: the same demands as for VHD in [`damage`](crate::damage).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod links;
mod log;
mod tables;

use std::fs;
use std::path::Path;

use serde_json::Value;
use uuid::Uuid;
use vhdtree::build::vhdx::{LogEntry, LogWrite, Payload, VhdxBuilder, reseal};
use vhdtree::format::vhdx::metadata::{FILE_PARAMETERS, LOGICAL_SECTOR, VIRTUAL_SIZE};

use crate::runner::{Dice, codes_of, damaged, expect, json_of, row_of, vhdtree};

const MIB: usize = 1 << 20;
const SIZE: u64 = 64 << 20;
const HEADERS: [usize; 2] = [64 << 10, 128 << 10];
const REGIONS: [usize; 2] = [192 << 10, 256 << 10];
/// Where the builder puts its structures.
const LOG: usize = MIB;
const METADATA: usize = 2 * MIB;
const TABLE: usize = 3 * MIB;

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// Blocks 0 and 4 of 1 MiB are full.
fn dynamic() -> VhdxBuilder {
    VhdxBuilder::dynamic(SIZE)
        .block_size(1 << 20)
        .disk_id(id(77))
        .data_write_id(id(1))
        .write(5, &[1; 512 * 3])
        .write(9000, &[2; 512 * 7])
}

/// Blocks 0 and 4 are partly present.
fn child(own: u128, parent: u128, parent_name: &str) -> VhdxBuilder {
    VhdxBuilder::differencing(SIZE)
        .block_size(1 << 20)
        .disk_id(id(77))
        .data_write_id(id(own))
        .parent(
            id(parent),
            &[("relative_path", &format!(r".\{parent_name}"))],
        )
        .write(17, &[3; 512])
        .write(9003, &[4; 512 * 5])
}

fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

fn entry(file: &[u8], index: usize) -> u64 {
    let at = TABLE + index * 8;
    u64::from_le_bytes(file[at..at + 8].try_into().unwrap())
}

fn set_entry(file: &mut [u8], index: usize, value: u64) {
    put(file, TABLE + index * 8, &value.to_le_bytes());
}

/// Changes both region tables and seals them.
fn edit_regions(file: &mut [u8], edit: impl Fn(&mut [u8])) {
    for at in REGIONS {
        edit(&mut file[at..at + (64 << 10)]);
        reseal(file, at, 64 << 10);
    }
}

/// Changes both headers and seals them.
fn edit_headers(file: &mut [u8], edit: impl Fn(&mut [u8])) {
    for at in HEADERS {
        edit(&mut file[at..at + 4096]);
        reseal(file, at, 4096);
    }
}

/// Where the metadata table lists an item.
fn item_at(file: &[u8], item: Uuid) -> usize {
    let entries = (0..16).map(|index| METADATA + 32 + index * 32);
    let mut entries = entries.filter(|at| file[*at..*at + 16] == item.to_bytes_le());
    entries.next().unwrap()
}

/// Where an item's bytes are.
fn item_data(file: &[u8], item: Uuid) -> usize {
    let at = item_at(file, item) + 16;
    METADATA + u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize
}

fn with_log() -> VhdxBuilder {
    dynamic().log_entry(LogEntry(vec![
        LogWrite::Zero {
            offset: 5 << 20,
            length: 8192,
        },
        LogWrite::Data {
            offset: 5 << 20,
            page: vec![9; 4096],
        },
    ]))
}

fn refused(row: &Value) {
    assert_eq!(row["virtual_size"], Value::Null, "{row:#}");
    assert_eq!(row["blocks"], Value::Null, "{row:#}");
}

fn no_counts(row: &Value) {
    assert_eq!(row["virtual_size"], SIZE, "{row:#}");
    assert_eq!(row["blocks"], Value::Null, "{row:#}");
    assert_eq!(row["dirty_sectors"], Value::Null, "{row:#}");
}

#[test]
fn a_healthy_store_passes() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.vhdx"), dynamic().build()).unwrap();
    fs::write(folder.path().join("b.avhdx"), child(2, 1, "a.vhdx").build()).unwrap();
    let output = vhdtree(&["check"], folder.path());
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let ls = json_of(&["ls", "--json"], folder.path());
    let row = row_of(&ls, "b.avhdx");
    assert_eq!(
        (&row["findings"], &row["dirty_sectors"]),
        (&Value::Array(Vec::new()), &6.into())
    );
    assert_eq!(row["parent"]["state"], "ok");
}

#[test]
fn truncated_at_each_structure() {
    let whole = dynamic().build();
    let codes = [
        "file-too-short",
        "not-a-disk",
        "vhdx-headers",
        "vhdx-header-copy",
        "vhdx-regions",
        "vhdx-regions-copy",
        "vhdx-region-place",
        "vhdx-log-place",
        "vhdx-metadata",
        "vhdx-table-short",
        "vhdx-table-end",
        "vhdx-table-cut",
    ];
    let starts = [HEADERS, REGIONS].concat();
    let inside = starts
        .iter()
        .flat_map(|at| [*at, at + 1, at + 100, at + 5000]);
    let outside = [LOG, METADATA, TABLE]
        .into_iter()
        .flat_map(|at| [at, at + 20, at + 70_000]);
    let data = [whole.len() - MIB - 1, whole.len() - MIB, whole.len() - 1];
    let small = [0, 8, 300, 511, 512, 4096];
    for len in small.into_iter().chain(inside).chain(outside).chain(data) {
        damaged("cut.vhdx", &whole[..len], &codes);
    }
}

#[test]
fn the_identifier_is_lost() {
    let mut file = dynamic().build();
    file[..8].fill(0);
    let row = damaged("lost.vhdx", file, &["vhdx-identifier"]);
    assert_eq!(row["blocks"]["full"], 2);
}

#[test]
fn one_header_bad_and_both_bad() {
    // The second header has the higher sequence number.
    for (at, current) in HEADERS.into_iter().zip([false, true]) {
        for into in [0, 9, 70, 4000] {
            let mut file = dynamic().build();
            file[at + into] ^= 1;
            let row = damaged("one.vhdx", file, &["vhdx-header-copy"]);
            assert_eq!(row["blocks"]["full"], 2, "current: {current}");
        }
    }
    let mut file = dynamic().build();
    for at in HEADERS {
        file[at + 9] ^= 1;
    }
    refused(&damaged("both.vhdx", file, &["vhdx-headers"]));
    let mut file = dynamic().build();
    edit_headers(&mut file, |header| header[66] = 2);
    refused(&damaged(
        "version.vhdx",
        file,
        &["vhdx-version", "vhdx-headers"],
    ));
    let mut file = dynamic().build();
    edit_headers(&mut file, |header| header[8] = 7);
    put(&mut file, HEADERS[1] + 32, &[0xee; 16]);
    reseal(&mut file, HEADERS[1], 4096);
    damaged("twins.vhdx", file, &["vhdx-header-twins"]);
}

#[test]
fn region_tables_bad_and_different() {
    for at in REGIONS {
        let mut file = dynamic().build();
        file[at + 20] ^= 1;
        let row = damaged("one.vhdx", file, &["vhdx-regions-copy"]);
        assert_eq!(row["blocks"]["full"], 2);
    }
    let mut file = dynamic().build();
    for at in REGIONS {
        file[at + 20] ^= 1;
    }
    refused(&damaged("both.vhdx", file, &["vhdx-regions"]));
    let mut file = dynamic().build();
    file[REGIONS[1] + 16 + 24 + 2] += 0x10;
    reseal(&mut file, REGIONS[1], 64 << 10);
    damaged("differ.vhdx", file, &["vhdx-regions-twins"]);
}

#[test]
fn regions_overlapping_missing_twice_and_outside() {
    // The first entry is the table's, the second the metadata's; a position is at 16 of an entry, a length at 24.
    let with = |edit: &dyn Fn(&mut [u8])| {
        let mut file = dynamic().build();
        edit_regions(&mut file, edit);
        file
    };
    let table_to = |at: u64| with(&|regions| put(regions, 16 + 16, &at.to_le_bytes()));
    for at in [METADATA, LOG] {
        damaged("over.vhdx", table_to(at as u64), &["vhdx-region-overlap"]);
    }
    for at in [0, 4096, (3 << 20) + 512, 1 << 50, u64::MAX, u64::MAX << 20] {
        damaged("place.vhdx", table_to(at), &["vhdx-region-place"]);
        let metadata = with(&|regions| put(regions, 48 + 16, &at.to_le_bytes()));
        damaged(
            "place.vhdx",
            metadata,
            &["vhdx-region-place", "vhdx-metadata"],
        );
    }
    for length in [0, 4096, u32::MAX] {
        let file = with(&|regions| put(regions, 16 + 24, &length.to_le_bytes()));
        damaged(
            "length.vhdx",
            file,
            &["vhdx-region-place", "vhdx-table-short"],
        );
    }
    let required = with(&|regions| regions[16] ^= 1);
    refused(&damaged("unknown.vhdx", required, &["vhdx-region-unknown"]));
    for entry in [16, 48] {
        let file = with(&|regions| {
            regions[entry] ^= 1;
            regions[entry + 28] = 0;
        });
        refused(&damaged("missing.vhdx", file, &["vhdx-region-missing"]));
    }
    let twice = with(&|regions| {
        regions[8] = 3;
        regions.copy_within(16..48, 80);
    });
    damaged("twice.vhdx", twice, &["vhdx-region-twice"]);
    for claimed in [2048_u32, u32::MAX] {
        let file = with(&|regions| put(regions, 8, &claimed.to_le_bytes()));
        refused(&damaged("count.vhdx", file, &["vhdx-regions"]));
    }
}

#[test]
fn metadata_items_that_share_bytes_or_lead_back_into_their_table() {
    let file = dynamic().build();
    let to = |item: Uuid, offset: u32, length: u32| {
        let mut file = file.clone();
        let at = item_at(&file, item);
        put(&mut file, at + 16, &offset.to_le_bytes());
        put(&mut file, at + 20, &length.to_le_bytes());
        file
    };
    // Into its own entry, the table's head, another item, past the region, and around the end of the numbers.
    for offset in [32, 0, 4096] {
        let looped = to(VIRTUAL_SIZE, offset, 8);
        refused(&damaged("loop.vhdx", looped, &["vhdx-metadata-place"]));
    }
    for (offset, length) in [
        (1 << 20, 8),
        (u32::MAX, 8),
        (64 << 10, u32::MAX),
        (u32::MAX, u32::MAX),
    ] {
        let outside = to(VIRTUAL_SIZE, offset, length);
        refused(&damaged("outside.vhdx", outside, &["vhdx-metadata-place"]));
    }
    let sizes = item_data(&file, FILE_PARAMETERS) - METADATA;
    let shared = to(VIRTUAL_SIZE, u32::try_from(sizes).unwrap() + 4, 8);
    damaged(
        "over.vhdx",
        shared,
        &["vhdx-metadata-overlap", "vhdx-metadata-value"],
    );
    let shared = to(LOGICAL_SECTOR, u32::try_from(sizes).unwrap(), 4);
    refused(&damaged(
        "over.vhdx",
        shared,
        &["vhdx-metadata-overlap", "vhdx-metadata-value"],
    ));
    let short = to(VIRTUAL_SIZE, u32::try_from(sizes).unwrap() + 8, 3);
    refused(&damaged(
        "short.vhdx",
        short,
        &["vhdx-metadata-missing", "vhdx-metadata-place"],
    ));
}

#[test]
fn metadata_unknown_missing_twice_and_absurd() {
    let sound = dynamic().build();
    let mut file = sound.clone();
    let at = item_at(&file, VIRTUAL_SIZE);
    file[at] ^= 1;
    refused(&damaged(
        "unknown.vhdx",
        file.clone(),
        &["vhdx-metadata-unknown"],
    ));
    file[at + 24] = 0;
    refused(&damaged("missing.vhdx", file, &["vhdx-metadata-missing"]));
    let mut file = sound.clone();
    let from = item_at(&file, LOGICAL_SECTOR);
    file.copy_within(from..from + 32, METADATA + 32 + 5 * 32);
    file[METADATA + 10] = 6;
    damaged("twice.vhdx", file, &["vhdx-metadata-twice"]);
    for count in [2048_u16, u16::MAX] {
        let mut file = sound.clone();
        put(&mut file, METADATA + 10, &count.to_le_bytes());
        refused(&damaged("count.vhdx", file, &["vhdx-metadata"]));
    }
    let mut file = sound.clone();
    file[METADATA] ^= 1;
    refused(&damaged("head.vhdx", file, &["vhdx-metadata"]));
    for size in [
        0_u32,
        1,
        513,
        512 << 10,
        3 << 20,
        512 << 20,
        1 << 31,
        u32::MAX,
    ] {
        let mut file = sound.clone();
        let at = item_data(&file, FILE_PARAMETERS);
        put(&mut file, at, &size.to_le_bytes());
        refused(&damaged("blocks.vhdx", file, &["vhdx-metadata-value"]));
    }
    for size in [0_u32, 513, 2048, u32::MAX] {
        let mut file = sound.clone();
        let at = item_data(&file, LOGICAL_SECTOR);
        put(&mut file, at, &size.to_le_bytes());
        refused(&damaged("sector.vhdx", file, &["vhdx-metadata-value"]));
    }
    for size in [0, SIZE + 1, (64 << 40) + 512, 1 << 62, u64::MAX] {
        let mut file = sound.clone();
        let at = item_data(&file, VIRTUAL_SIZE);
        put(&mut file, at, &size.to_le_bytes());
        damaged("size.vhdx", file, &["vhdx-metadata-value"]);
    }
    // A size that is allowed, and that the table has no room for.
    let mut file = sound;
    let at = item_data(&file, VIRTUAL_SIZE);
    put(&mut file, at, &(64_u64 << 40).to_le_bytes());
    damaged("grown.vhdx", file, &["vhdx-table-short"]);
}

#[test]
fn random_bytes_in_every_structure() {
    let sound = child(2, 1, "base.vhdx").leave_table_in_log().build();
    let mut dice = Dice(0x1234_5678_9abc_def1);
    for (at, length) in [
        (HEADERS[0], 128 << 10),
        (REGIONS[0], 128 << 10),
        (LOG, MIB),
        (METADATA, MIB),
        (MIB, 3 * MIB),
    ] {
        let mut file = sound.clone();
        for byte in &mut file[at..at + length] {
            *byte = dice.roll(1 << 32).to_le_bytes()[0];
        }
        let codes = [
            "vhdx-headers",
            "vhdx-regions",
            "vhdx-log-unusable",
            "vhdx-metadata",
        ];
        damaged("noise.avhdx", file, &codes);
    }
    // In the table of a clean file: every entry is something, most of it wrong.
    let mut file = child(2, 1, "base.vhdx").build();
    for byte in &mut file[TABLE..TABLE + MIB] {
        *byte = dice.roll(1 << 32).to_le_bytes()[0];
    }
    damaged("table.avhdx", file, &["vhdx-table-end", "vhdx-table-state"]);
    let noise: Vec<u8> = (0..2 * MIB)
        .map(|_| dice.roll(1 << 32).to_le_bytes()[0])
        .collect();
    damaged("all.vhdx", noise, &["not-a-disk", "vhdx-headers"]);
}

#[test]
fn a_renamed_disk_is_found_by_its_content() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("old.bak"), dynamic().build()).unwrap();
    let json = json_of(&["ls", "--json"], folder.path());
    assert_eq!(json["disks"][0]["format"], "vhdx");
}
