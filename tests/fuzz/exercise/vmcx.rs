//! Hyper-V's binary configurations: a sound one with changes laid over it, checksums renewed most of the time.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use uuid::Uuid;
use vhdtree::build::hyperv::HypervConfig;
use vhdtree::build::vmcx::{LogOrder, VmcxBuilder};
use vhdtree::format::hyperv::{ConfigValue, vmcx};
use vhdtree::source::{MemorySource, Source as _};
use vhdtree::store::{FileFacts, hyperv};

use super::patched::Patched;
use super::xml::check;

const PAGE: usize = 4096;

/// The sound files: as a machine has it, with both kinds of log, with several tables and a file object.
static SOUND: LazyLock<Vec<Arc<Vec<u8>>>> = LazyLock::new(|| {
    let config = HypervConfig::new(Uuid::from_u128(9), "web01", r"D:\VMs\web01.vhdx");
    let small = VmcxBuilder::default()
        .key(
            "/configuration/properties/global_id",
            ConfigValue::String("A".to_owned()),
        )
        .key("/configuration/a", ConfigValue::Integer(-1))
        .key("/configuration/b", ConfigValue::Bool(true))
        .key("/configuration/c/d", ConfigValue::Double(0.5))
        .key("/configuration/c/e", ConfigValue::Bytes(vec![7; 3000]));
    [
        config.vmcx(),
        small
            .clone()
            .last_table_in_log(LogOrder::ChecksumFirst)
            .build(),
        small
            .clone()
            .last_table_in_log(LogOrder::ChecksumLate)
            .build(),
        small.build(),
    ]
    .map(Arc::new)
    .to_vec()
});

/// Inputs to start from: a change of each kind of structure.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for file in 0..4 {
        seeds.push(vec![file, 0]);
        for (page, at, bytes) in [
            (0, 8, &[9, 9][..]),
            (1, 10, &[0, 5]),
            (0, 26, &[0, 0x40]),
            (2, 4, &[200]),
            (2, 8, &[1, 0, 0, 0, 0, 0, 0x20]),
            (3, 2, &[3]),
            (3, 12, &[30]),
            (3, 16, &[1, 0, 11, 0]),
            (4, 0, &[3, 0, 0x11, 1]),
            (4, 8, &[2]),
            (5, 34, &[1; 28]),
        ] {
            let [low, high] = u16::to_le_bytes(at);
            let len = u8::try_from(bytes.len()).expect("short");
            seeds.push([&[file, 0, page, low, high, len], bytes].concat());
        }
    }
    seeds
}

/// The sound file, what to renew, then changes: a page, a position in it, a length and so many bytes.
pub fn run(input: &[u8]) {
    let Some(([which, how], mut changes)) = input.split_first_chunk() else {
        return;
    };
    let mut file = Patched::new(Arc::clone(&SOUND[usize::from(*which) % SOUND.len()]));
    while let Some(([page, low, high, len], rest)) = changes.split_first_chunk() {
        let (bytes, rest) = rest.split_at(rest.len().min(usize::from(*len)));
        let at = usize::from(u16::from_le_bytes([*low, *high])) % PAGE;
        file.put(usize::from(*page) * PAGE + at, bytes);
        changes = rest;
    }
    if how & 0x80 != 0 {
        file.truncate(usize::from(how & 0x7f) * 512);
    }
    if how & 1 == 0 {
        renew(&mut file);
    }
    let len = usize::try_from(file.len()).expect("in memory");
    let bytes = file.get(0, len);
    if let Ok(config) = vmcx::parse(bytes.clone()) {
        check(&config);
    }
    let path = Path::new("Snapshots/a.vmcx");
    let _ = hyperv::read(path, FileFacts::default(), &MemorySource(bytes));
}

/// Renews the checksums of both headers, and of the log with its entries: what has a wrong one of the others is used as
/// it is.
fn renew(file: &mut Patched) {
    for at in [0, PAGE] {
        seal(file, at, 46, 4);
    }
    let number = |file: &Patched, at: usize| {
        let bytes: [u8; 8] = file.get(at, 8).try_into().ok()?;
        usize::try_from(u64::from_le_bytes(bytes)).ok()
    };
    let logs: Vec<usize> = [26, PAGE + 26]
        .iter()
        .filter_map(|at| number(file, *at))
        .collect();
    for log in logs {
        seal(file, log, 34, 4);
        for entry in (0..4).filter_map(|entry| log.checked_add(34 + entry * 28)) {
            // Of the data: where the entry of the first kind says, from the end of the log's head on.
            let inside = number(file, entry.saturating_add(16)).unwrap_or(0);
            let size = file.get(entry.saturating_add(12), 4);
            let size = size.try_into().map_or(0, u32::from_le_bytes) as usize;
            let data = file.get(
                log.saturating_add(inside).saturating_add(PAGE),
                size.min(3 * PAGE),
            );
            if file.is_changed(entry, 28) {
                file.put(entry + 24, &crc32fast::hash(&data).to_le_bytes());
                seal(file, entry, 28, 0);
            }
        }
    }
}

fn seal(file: &mut Patched, at: usize, len: usize, field: usize) {
    let mut bytes = file.get(at, len);
    if bytes.len() == len && file.is_changed(at, len) {
        bytes[field..field + 4].fill(0);
        let sum = crc32fast::hash(&bytes);
        file.put(at + field, &sum.to_le_bytes());
    }
}
