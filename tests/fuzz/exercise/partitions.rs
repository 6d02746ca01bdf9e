//! Partition tables inside a disk, MBR and GPT, checksums renewed most of the time.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use vhdtree::build::vhd::VhdBuilder;
use vhdtree::chain::Chain;

use super::disk;
use super::patched::Patched;

const SECTOR: usize = 512;
const SECTORS: u64 = 300;
const ENTRIES: Range<usize> = 2 * SECTOR..34 * SECTOR;

/// A disk with an MBR of its own, and one with a GPT.
static SOUND: LazyLock<Vec<Arc<Vec<u8>>>> = LazyLock::new(|| {
    let mut plain = VhdBuilder::fixed(SECTORS * SECTOR as u64).build();
    let mut gpt = plain.clone();
    mbr(
        &mut plain,
        &[(0x07, 64, 100), (0x0c, 164, 50), (0x83, 220, 10)],
    );
    plain[64 * SECTOR + 3..][..8].copy_from_slice(b"NTFS    ");
    mbr(&mut gpt, &[(0xee, 1, 299)]);
    let header = &mut gpt[SECTOR..2 * SECTOR];
    header[..8].copy_from_slice(b"EFI PART");
    for (at, value) in [(24, 1), (32, 299), (40, 34), (48, 266), (72, 2)] {
        header[at..at + 8].copy_from_slice(&u64::to_le_bytes(value));
    }
    for (at, value) in [(8, 0x1_0000), (12, 92), (80, 128), (84, 128)] {
        header[at..at + 4].copy_from_slice(&u32::to_le_bytes(value));
    }
    for (number, (first, last)) in [(40_u64, 90_u64), (100, 200)].into_iter().enumerate() {
        let entry = &mut gpt[ENTRIES.start + number * 128..][..128];
        entry[..16]
            .copy_from_slice(b"\xa2\xa0\xd0\xeb\xe5\xb9\x33\x44\x87\xc0\x68\xb6\xb7\x26\x99\xc7");
        entry[16] = 9;
        entry[32..40].copy_from_slice(&first.to_le_bytes());
        entry[40..48].copy_from_slice(&last.to_le_bytes());
    }
    let mut gpt = Patched::new(Arc::new(gpt));
    renew(&mut gpt);
    let len = plain.len();
    vec![Arc::new(plain), Arc::new(gpt.get(0, len))]
});

/// Entries of kind, first sector and number of sectors.
fn mbr(disk: &mut [u8], entries: &[(u8, u32, u32)]) {
    for (number, (kind, first, count)) in entries.iter().enumerate() {
        let entry = &mut disk[446 + number * 16..][..16];
        entry[4] = *kind;
        entry[8..12].copy_from_slice(&first.to_le_bytes());
        entry[12..16].copy_from_slice(&count.to_le_bytes());
    }
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
}

/// Renews the checksums of the entries and of the header.
fn renew(disk: &mut Patched) {
    let mut header = disk.get(SECTOR, SECTOR);
    let number = |at: usize| {
        let bytes = header[at..at + 4].try_into().expect("four bytes");
        u32::from_le_bytes(bytes) as usize
    };
    let (len, count) = (number(12).clamp(20, SECTOR), number(80).min(256));
    let entries = disk.get(ENTRIES.start, count * 128);
    header[88..92].copy_from_slice(&crc32fast::hash(&entries).to_le_bytes());
    header[16..20].fill(0);
    let sum = crc32fast::hash(&header[..len]);
    header[16..20].copy_from_slice(&sum.to_le_bytes());
    disk.put(SECTOR, &header);
}

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    let change = |which: u8, at: u16, bytes: &[u8]| {
        let [low, high] = at.to_le_bytes();
        let len = u8::try_from(bytes.len()).expect("short");
        [&[which, low, high, len], bytes].concat()
    };
    vec![
        vec![0],
        vec![1],
        change(0, 454, &[0; 4]),
        change(0, 450, &[0xee]),
        change(1, 512 + 12, &[96]),
        change(1, 512 + 80, &[3]),
        change(1, 512 + 72, &[3]),
        change(1, 1024 + 32, &[34]),
        change(1, 1024 + 128, b"(s*\xc1\x1f\xf8\xd2\x11"),
        change(3, 512 + 48, &[0xff; 8]),
    ]
}

/// The disk and whether to leave checksums; then changes: a position, a length and so many bytes.
pub fn run(input: &[u8]) {
    let Some((how, mut changes)) = input.split_first() else {
        return;
    };
    let mut file = Patched::new(Arc::clone(&SOUND[usize::from(how & 1)]));
    while let Some(([low, high, len], rest)) = changes.split_first_chunk() {
        let (bytes, rest) = rest.split_at(rest.len().min(usize::from(*len)));
        let at = usize::from(u16::from_le_bytes([*low, *high])) % (40 * SECTOR);
        file.put(at, bytes);
        changes = rest;
    }
    if how & 2 == 0 {
        renew(&mut file);
    }
    let image = disk::open(file).expect("a fixed VHD, whatever it holds");
    disk::partitions(&Chain::new(vec![image]).expect("one disk"));
}
