//! LVM2 metadata, their checksum right, and the volumes they describe; and the records of a storage repository.

use std::sync::Arc;

use vhdtree::build::lvm::GroupBuilder;
use vhdtree::guest::lvm::PhysicalVolume;
use vhdtree::source::{MemorySource, Source};
use vhdtree::store::containers::mgt::Management;

const AREA: u64 = 256 << 10;

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    let head = "1vg {\nid = \"a\"\nseqno = 7\nextent_size = 8\n";
    let members = "physical_volumes {\npv0 {\nid = \"pv0000-0000-0000-0000-0000-0000-000000\"\npe_start = 1024\npe_count = 4\n}\n}\n";
    let volume = |kind: &str| {
        format!(
            "logical_volumes {{\nVHD-33333333-0000-4000-8000-000000000003 {{\nid = \"b\"\nstatus = [\"VISIBLE\"]\ncreation_time = 1\nsegment1 {{\nstart_extent = 0\nextent_count = 2\ntype = \"{kind}\"\nstripe_count = 1\nstripes = [\n\"pv0\", 1\n]\n}}\n}}\n}}\n"
        )
    };
    let group = |kind: &str| format!("{head}{members}{}}}\ncreation_time = 2\n", volume(kind));
    let record = format!(
        "0XSSM:4096      :1:2{}<vdi><name_label>a &lt;b</name_label><uuid>22222222-0000-4000-8000-000000000002</uuid><is_a_snapshot>1</is_a_snapshot><snapshot_time>20260210T20:00:00Z</snapshot_time></vdi>",
        " ".repeat(2029)
    );
    [
        group("striped"),
        group("raid1"),
        group("thin"),
        format!("{head}}}"),
        record,
    ]
    .into_iter()
    .map(String::into_bytes)
    .collect()
}

/// The first byte says which of the two the rest is.
pub fn run(input: &[u8]) {
    let Some((which, rest)) = input.split_first() else {
        return;
    };
    if which & 1 == 0 {
        let read = Management::read(&MemorySource(rest.to_vec()));
        assert!(read.is_none_or(|read| read.disks.len() <= rest.len() / 1024 + 1));
        return;
    }
    let text = &rest[..rest.len().min(100 << 10)];
    let device = GroupBuilder::new("vg", 4096, AREA, &[4], 1)
        .with_text(text)
        .devices()
        .swap_remove(0);
    let found = PhysicalVolume::find(Arc::new(MemorySource(device))).expect("a sound label");
    let given = [found.expect("a label")];
    let _ = given[0].history();
    let Ok(metadata) = given[0].metadata() else {
        return;
    };
    for volume in &metadata.group.volumes {
        let Ok(source) = metadata.group.source(volume, &given) else {
            continue;
        };
        assert_eq!(source.len(), volume.size_bytes);
        let mut piece = [0; 16];
        let _ = source.read_exact_at(&mut piece, 0);
        let _ = source.read_exact_at(&mut piece, source.len().saturating_sub(16));
        assert!(source.read_exact_at(&mut piece, source.len()).is_err());
    }
}
