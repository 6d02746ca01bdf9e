//! Everything that is text or keys: configurations (XML, VMCX), labels, times, Windows paths, saved scans.
#![no_main]

#[path = "seeds.rs"]
mod seeds;

use libfuzzer_sys::fuzz_target;
use uuid::Uuid;
use vhdtree::format::{hyperv, text};
use vhdtree::source::MemorySource;
use vhdtree::store::{labels, times};
use vhdtree::testing::hyperv::HypervConfig;

fn config() -> HypervConfig {
    HypervConfig::new(Uuid::from_u128(9), "web01", r"D:\VMs\web01.vhd")
}

fuzz_target!(init: seeds::write(&[
    [&[0], &config().xml()[..]].concat(),
    [&[0], config().xml_text().as_bytes()].concat(),
    [&[0], &config().vmcx()[..]].concat(),
    b"\x01[{\"VMName\":\"a\",\"Name\":\"s\",\"CreationTime\":\"/Date(1300000000000)/\",\"Disks\":[\"C:\\\\a.vhd\"]}]".to_vec(),
    b"\x02\"FullName\",\"Length\",\"CreationTimeUtc\"\r\n\"C:\\a.vhd\",\"5\",\"2020-01-02T03:04:05Z\"\r\n".to_vec(),
]), |input: &[u8]| {
    let Some((&kind, bytes)) = input.split_first() else { return };
    match kind % 4 {
        0 => {
            let _ = hyperv::read(&MemorySource(bytes.to_vec()));
        }
        1 => {
            let _ = labels::read(bytes);
        }
        2 => {
            let _ = times::read(bytes);
        }
        _ => {
            let read = text::utf16le(bytes);
            let shown = text::escape(&read.text);
            assert!(!shown.chars().any(char::is_control), "nothing shown is a control");
        }
    }
});
