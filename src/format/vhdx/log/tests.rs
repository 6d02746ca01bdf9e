use super::*;
use crate::build::vhdx::{LogEntry, LogWrite, VhdxBuilder, reseal};
use crate::format::vhdx::header::{self, HeaderSlot};
use crate::source::{MemorySource, OverlaySource};

const LOG: usize = 1 << 20;
const PAGE: usize = 4096;
const TARGET: u64 = 3 << 20;

fn page(offset: u64, fill: u8) -> LogWrite {
    LogWrite::Data {
        offset,
        page: vec![fill; PAGE],
    }
}

/// Three entries of two, one and three sectors: pages at the target, the last zeroing the second one.
fn three() -> VhdxBuilder {
    VhdxBuilder::dynamic(4 << 20)
        .log_entry(LogEntry(vec![page(TARGET, 1)]))
        .log_entry(LogEntry(vec![LogWrite::Zero {
            offset: TARGET,
            length: 4096,
        }]))
        .log_entry(LogEntry(vec![
            page(TARGET + 4096, 2),
            page(TARGET + 8192, 3),
            LogWrite::Zero {
                offset: TARGET + 4096,
                length: 4096,
            },
        ]))
}

fn current(bytes: &[u8]) -> VhdxHeader {
    let part = |slot: HeaderSlot| {
        let at = usize::try_from(slot.offset_bytes()).expect("small");
        &bytes[at..at + header::LENGTH_BYTES]
    };
    let mut findings = Vec::new();
    header::choose(
        part(HeaderSlot::First),
        part(HeaderSlot::Second),
        &mut findings,
    )
    .expect("a header")
    .0
}

fn run_on(bytes: &[u8], change: impl Fn(&mut VhdxHeader)) -> (LogReplay, Vec<Finding>) {
    let mut header = current(bytes);
    change(&mut header);
    let mut findings = Vec::new();
    let replay = replay(&MemorySource(bytes.to_vec()), &header, &mut findings);
    (replay, findings)
}

/// First bytes of the three target pages after the replay, and how many entries it took.
fn result(bytes: &[u8]) -> (u32, Vec<u8>) {
    let (replay, findings) = run_on(bytes, |_| ());
    let LogReplay::Done {
        overlay,
        entries,
        file_bytes,
    } = replay
    else {
        panic!("{findings:?}");
    };
    let source = OverlaySource::new(MemorySource(bytes.to_vec()), overlay, file_bytes);
    let firsts = (0..3).map(|index| {
        let mut page = [9; PAGE];
        source
            .read_exact_at(&mut page, TARGET + index * 4096)
            .expect("reads");
        assert!(page.iter().all(|byte| *byte == page[0]));
        page[0]
    });
    (entries, firsts.collect())
}

fn reason(bytes: &[u8]) -> (&'static str, String) {
    let (replay, findings) = run_on(bytes, |_| ());
    assert!(matches!(replay, LogReplay::Unusable), "{replay:?}");
    assert_eq!(findings.len(), 1);
    (findings[0].code.id, findings[0].text.clone())
}

#[test]
fn entries_are_replayed_in_order_wherever_they_start() {
    for start in [0, 4096, (1 << 20) - 4096, (1 << 20) - 3 * 4096] {
        let bytes = three().log_start(start).build();
        assert_eq!(result(&bytes), (3, vec![0, 0, 3]), "from {start}");
    }
}

#[test]
fn a_torn_last_entry_leaves_the_ones_before_it() {
    let mut bytes = three().build();
    bytes[LOG + 5 * PAGE + 700] ^= 1;
    assert_eq!(result(&bytes), (2, vec![0, 0, 0]));
    let mut bytes = three().build();
    bytes[LOG + 4 * PAGE] = b'x';
    assert_eq!(result(&bytes), (2, vec![0, 0, 0]));
}

#[test]
fn only_what_follows_the_heads_tail_is_replayed() {
    let mut bytes = three().build();
    // The last entry says that the first is in place already.
    let last = LOG + 3 * PAGE;
    bytes[last + 12..last + 16].copy_from_slice(&8192u32.to_le_bytes());
    reseal(&mut bytes, last, 3 * PAGE);
    assert_eq!(result(&bytes).0, 2);
}

#[test]
fn a_sequence_whose_tail_is_gone_is_not_replayed() {
    let mut bytes = three().build();
    bytes[LOG] = b'x';
    let (code, text) = reason(&bytes);
    assert_eq!(code, "vhdx-log-unusable");
    assert!(text.contains("2 valid entries"), "{text}");
}

#[test]
fn a_gap_in_the_sequence_numbers_ends_the_sequence() {
    let mut bytes = three().build();
    let last = LOG + 3 * PAGE;
    for (at, sector) in [
        (16, 0),
        (64 + 24, 0),
        (96 + 24, 0),
        (128 + 24, 0),
        (4092, 1),
        (4092, 2),
    ] {
        bytes[last + sector * PAGE + at] += 1;
    }
    reseal(&mut bytes, last, 3 * PAGE);
    // The later entry is valid but names a tail that no unbroken sequence leads from.
    assert_eq!(result(&bytes), (2, vec![0, 0, 0]));
}

#[test]
fn another_logs_entries_do_not_count() {
    let mut bytes = three().build();
    for at in [0, 2 * PAGE, 3 * PAGE] {
        bytes[LOG + at + 32] ^= 1;
    }
    let (code, text) = reason(&bytes);
    assert_eq!(code, "vhdx-log-unusable");
    assert!(text.contains("3 of other logs"), "{text}");
}

#[test]
fn each_damage_of_a_lone_entry_is_named() {
    let bytes = VhdxBuilder::dynamic(4 << 20)
        .log_entry(LogEntry(vec![page(TARGET, 1)]))
        .build();
    let cases: [(usize, &[u8], &str); 12] = [
        (4, &[0], "checksum"),
        (8, &[1], "whole number of sectors"),
        (8, &[0, 0, 0x20, 0], "longer than the log"),
        (12, &[0, 0, 0x10, 0], "tail outside"),
        (16, &[0; 8], "sequence number 0"),
        (24, &[255], "more descriptors"),
        (24, &[0], "another number of data sectors"),
        (64, b"soup", "unknown kind"),
        (64 + 16, &[1], "no whole sector"),
        (64 + 16, &[0; 8], "over the headers"),
        (
            64 + 16,
            &[0, 0, 0, 0, 0, 0xff, 0, 0],
            "past the end of any file",
        ),
        (64 + 24, &[1], "was torn"),
    ];
    for (at, value, expected) in cases {
        let mut bytes = bytes.clone();
        bytes[LOG + at..LOG + at + value.len()].copy_from_slice(value);
        if at != 4 {
            reseal(&mut bytes, LOG, 2 * PAGE);
        }
        let (code, text) = reason(&bytes);
        assert_eq!(code, "vhdx-log-unusable");
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn a_file_shorter_than_it_was_is_not_replayed() {
    let mut bytes = three().build();
    for at in [0, 2 * PAGE, 3 * PAGE] {
        bytes[LOG + at + 51] = 1;
    }
    for (at, sectors) in [(0, 2), (2, 1), (3, 3)] {
        reseal(&mut bytes, LOG + at * PAGE, sectors * PAGE);
    }
    assert_eq!(reason(&bytes).0, "vhdx-log-cut");
}

#[test]
fn a_log_may_let_the_file_grow_but_not_beyond_belief() {
    let mut bytes = three().build();
    let last = LOG + 3 * PAGE;
    bytes[last + 56..last + 64].copy_from_slice(&(40u64 << 20).to_le_bytes());
    reseal(&mut bytes, last, 3 * PAGE);
    let (replay, findings) = run_on(&bytes, |_| ());
    assert!(matches!(replay, LogReplay::Done { file_bytes, .. } if file_bytes == 40 << 20));
    assert_eq!(findings[1].code.id, "vhdx-log-grows");
    bytes[last + 63] = 1;
    reseal(&mut bytes, last, 3 * PAGE);
    assert!(reason(&bytes).1.contains("claims a file"));
}

#[test]
fn a_bad_place_or_version_makes_a_full_log_unusable_and_an_empty_one_odd() {
    let bytes = three().build();
    let changes: [fn(&mut VhdxHeader); 6] = [
        |header| header.log_version = 1,
        |header| header.log_length = 0,
        |header| header.log_length = 3 << 30,
        |header| header.log_offset += 512,
        |header| header.log_offset = 0,
        |header| header.log_offset = 900 << 20,
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let (replay, findings) = run_on(&bytes, change);
        assert!(matches!(replay, LogReplay::Unusable), "{index}");
        assert_eq!(findings[0].code.id, "vhdx-log-unusable", "{index}");
        let (replay, findings) = run_on(&bytes, |header| {
            change(header);
            header.log_id = uuid::Uuid::nil();
        });
        assert!(matches!(replay, LogReplay::Nothing), "{index}");
        let odd = findings
            .iter()
            .all(|finding| finding.code.id == "vhdx-log-place");
        assert_eq!((findings.is_empty(), odd), (index < 2, true), "{index}");
    }
}
