//! Logs: replayed, not to be replayed, and claiming more than there is.

use super::*;

#[test]
fn a_sound_log_is_replayed_and_said_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("dirty.vhdx"), with_log().build()).unwrap();
    let before = fs::read(folder.path().join("dirty.vhdx")).unwrap();
    let check = json_of(&["check", "--json"], folder.path());
    assert_eq!(codes_of(&check, "dirty.vhdx"), ["vhdx-log-replayed"]);
    assert_eq!(
        vhdtree(&["check"], folder.path()).status.code(),
        Some(0),
        "a notice is no fault"
    );
    let ls = json_of(&["ls", "--json"], folder.path());
    assert_eq!(row_of(&ls, "dirty.vhdx")["blocks"]["full"], 2);
    assert!(
        fs::read(folder.path().join("dirty.vhdx")).unwrap() == before,
        "nothing is written back"
    );
}

#[test]
fn a_table_that_is_in_the_log_only_is_counted_from_there() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.vhdx"), dynamic().build()).unwrap();
    let leaf = child(2, 1, "a.vhdx")
        .leave_table_in_log()
        .log_start((1 << 20) - 4096);
    fs::write(folder.path().join("b.avhdx"), leaf.build()).unwrap();
    let ls = json_of(&["ls", "--json"], folder.path());
    let row = row_of(&ls, "b.avhdx");
    assert_eq!(
        (&row["blocks"]["partial"], &row["dirty_sectors"]),
        (&2.into(), &6.into())
    );
}

#[test]
fn logs_that_cannot_be_replayed_give_no_numbers() {
    let sound = with_log().build();
    let entry_bytes = 8192;
    let unusable = |file: Vec<u8>| no_counts(&damaged("log.vhdx", file, &["vhdx-log-unusable"]));
    // Another log's id, in the entry and in the headers.
    let mut file = sound.clone();
    file[LOG + 32] ^= 1;
    reseal(&mut file, LOG, entry_bytes);
    unusable(file);
    let mut file = sound.clone();
    edit_headers(&mut file, |header| header[48] ^= 1);
    unusable(file);
    // Checksums: of the entry's header, a descriptor, the data.
    for at in [5, 20, 64 + 9, 100, 4096 + 77] {
        let mut file = sound.clone();
        file[LOG + at] ^= 1;
        unusable(file);
    }
    // Torn: the data sector is of an earlier round.
    let mut file = sound.clone();
    file[LOG + 4096 + 4092] ^= 1;
    reseal(&mut file, LOG, entry_bytes);
    unusable(file);
    // Lengths, tails, counts and targets that cannot be.
    let claims: [(usize, u64, usize); 8] = [
        (8, 0, 4),
        (8, 4095, 4),
        (8, u64::from(u32::MAX) - 4095, 4),
        (12, 1 << 20, 4),
        (16, 0, 8),
        (24, u64::from(u32::MAX), 4),
        (64 + 8, u64::MAX << 12, 8),
        (64 + 16, 1 << 62, 8),
    ];
    for (at, value, length) in claims {
        let mut file = sound.clone();
        put(&mut file, LOG + at, &value.to_le_bytes()[..length]);
        reseal(&mut file, LOG, entry_bytes);
        unusable(file);
    }
    // A log that would rewrite the headers or itself.
    for offset in [0, 64 << 10, 1 << 20] {
        let zero = LogWrite::Zero {
            offset,
            length: 4096,
        };
        unusable(dynamic().log_entry(LogEntry(vec![zero])).build());
    }
    // The headers place the log outside the file, give it no bytes, or an unknown version.
    for (at, value, length) in [
        (72, 1 << 50, 8),
        (68, 0, 4),
        (64, 1, 2),
        (68, u64::from(u32::MAX) << 20, 4),
    ] {
        let mut file = sound.clone();
        edit_headers(&mut file, |header| {
            put(header, at, &u64::to_le_bytes(value)[..length]);
        });
        unusable(file);
    }
}

#[test]
fn logs_that_claim_to_reach_past_the_file() {
    let sound = with_log().build();
    let sizes = |flushed: u64, last: u64| {
        let mut file = sound.clone();
        put(&mut file, LOG + 48, &flushed.to_le_bytes());
        put(&mut file, LOG + 56, &last.to_le_bytes());
        reseal(&mut file, LOG, 8192);
        file
    };
    let len = sound.len() as u64;
    // More than the file was flushed to: bytes that were there are gone.
    for flushed in [len + (1 << 20), 1 << 50, u64::MAX] {
        let row = damaged(
            "cut.vhdx",
            sizes(flushed, flushed),
            &["vhdx-log-cut", "vhdx-log-unusable"],
        );
        no_counts(&row);
    }
    // Growth that was under way is no fault, and a claim beyond all reason costs nothing.
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("grows.vhdx"),
        sizes(len, len + (8 << 20)),
    )
    .unwrap();
    let check = json_of(&["check", "--json"], folder.path());
    assert_eq!(
        codes_of(&check, "grows.vhdx"),
        ["vhdx-log-replayed", "vhdx-log-grows"]
    );
    for last in [1 << 60, u64::MAX] {
        no_counts(&damaged(
            "absurd.vhdx",
            sizes(len, last),
            &["vhdx-log-unusable"],
        ));
    }
    // A page written past the end of the file, and past any file.
    for offset in [1 << 47, 1 << 60] {
        let far = LogWrite::Data {
            offset,
            page: vec![1; 4096],
        };
        let file = dynamic().log_entry(LogEntry(vec![far])).build();
        no_counts(&damaged("far.vhdx", file, &["vhdx-log-unusable"]));
    }
}
