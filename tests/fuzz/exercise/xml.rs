//! Hyper-V's XML configurations, in every encoding, whole and cut short.

use std::collections::BTreeSet;
use std::path::Path;

use uuid::Uuid;
use vhdtree::build::hyperv::HypervConfig;
use vhdtree::format::hyperv::{MAX_DEPTH, MAX_KEYS, MachineConfig, xml};
use vhdtree::source::MemorySource;
use vhdtree::store::{FileFacts, hyperv};

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut config = HypervConfig::new(Uuid::from_u128(9), "web01", r"D:\VMs\web01.vhd");
    config.created = "2009-07-04T05:20:00Z".parse().ok();
    config.memory = Some((r"D:\a.bin".to_owned(), r"D:\a.vsv".to_owned()));
    config.generation_id = Some("b7ca8a6ab91ab997147185c9284d42c5".to_owned());
    let text = config.xml_text();
    let small = "<?xml version=\"1.0\"?><configuration><properties><global_id type=\"string\">A</global_id><n type=\"integer\">-7</n><b type=\"bytes\">Zm9v</b><t type=\"bool\">TRUE</t><!-- c --><![CDATA[x]]></properties></configuration>";
    let mut seeds = vec![[&[2, 0], &config.xml()[..]].concat()];
    for document in [text.as_str(), small] {
        for how in [0, 1, 2] {
            seeds.push([&[how, 100], document.as_bytes()].concat());
        }
    }
    seeds
}

/// How the text is stored, where it is cut (in 256ths), the text.
pub fn run(input: &[u8]) {
    let Some(([how, cut], bytes)) = input.split_first_chunk() else {
        return;
    };
    let mut stored = match how % 4 {
        0 => bytes.to_vec(),
        1 => utf16(bytes, u16::to_le_bytes),
        2 => [&[0xff, 0xfe], &utf16(bytes, u16::to_le_bytes)[..]].concat(),
        _ => [&[0xfe, 0xff], &utf16(bytes, u16::to_be_bytes)[..]].concat(),
    };
    let whole = xml::parse(&stored);
    if let Ok(whole) = &whole {
        check(whole);
    }
    let id = Uuid::from_u128(9).to_string();
    for name in ["a.xml", &format!("Snapshots/{id}.xml")] {
        let source = MemorySource(stored.clone());
        if let Ok(Some(record)) = hyperv::read(Path::new(name), FileFacts::default(), &source) {
            record.id();
        }
    }
    stored.truncate(stored.len() * usize::from(*cut) / 256);
    if let (Ok(whole), Ok(part)) = (whole, xml::parse(&stored)) {
        check(&part);
        if whole.findings.is_empty() {
            let paths = |config: &MachineConfig| -> BTreeSet<String> {
                let entries = config.tree.entries().iter();
                entries.map(|entry| entry.path.clone()).collect()
            };
            assert!(
                paths(&part).is_subset(&paths(&whole)),
                "a file cut short has no other keys than the whole one"
            );
        }
    }
}

fn utf16(bytes: &[u8], order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    text.encode_utf16().flat_map(order).collect()
}

/// What holds of every tree of keys, whatever its container.
pub fn check(config: &MachineConfig) {
    let entries = config.tree.entries();
    assert!(entries.len() <= MAX_KEYS);
    for entry in entries.iter().take(50) {
        assert!(entry.path.starts_with('/'), "{entry:?}");
        assert!(entry.path.matches('/').count() <= MAX_DEPTH, "{entry:?}");
        assert!(config.tree.get(&entry.path).is_some(), "{entry:?}");
    }
    assert!(config.findings.len() < 200, "findings are bounded");
}
