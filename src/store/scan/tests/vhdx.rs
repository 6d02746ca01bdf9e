//! Links between VHDX disks, and roles of names.

use uuid::Uuid;

use super::*;
use crate::build::vhdx::VhdxBuilder;

const DISK: Uuid = Uuid::from_u128(0xd15c);

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn dynamic(data: u128) -> Vec<u8> {
    let disk = VhdxBuilder::dynamic(64 << 20).disk_id(DISK);
    disk.data_write_id(id(data)).build()
}

fn on(data: u128, linkage: u128, path: &str) -> VhdxBuilder {
    VhdxBuilder::differencing(64 << 20)
        .disk_id(DISK)
        .data_write_id(id(data))
        .parent(id(linkage), &[("relative_path", path)])
}

#[test]
fn a_parent_written_later_is_named_as_such_and_either_linkage_will_do() {
    let store = ScannedFolder::new();
    store
        .put_bytes("base.vhdx", &dynamic(1))
        .put_bytes("good.avhdx", &on(2, 1, r".\base.vhdx").build())
        .put_bytes(
            "second.avhdx",
            &on(3, 9, r".\base.vhdx").linkage2(id(1)).build(),
        )
        .put_bytes("stale.avhdx", &on(4, 8, r".\base.vhdx").build());
    let seen = store.scan();
    assert_eq!(
        seen.link("good.avhdx"),
        ok("base.vhdx", ResolvedBy::Relative)
    );
    assert_eq!(
        seen.link("second.avhdx"),
        ok("base.vhdx", ResolvedBy::Relative)
    );
    assert_eq!(seen.link("stale.avhdx").0, LinkState::IdMismatch);
    assert_eq!(seen.codes("stale.avhdx"), ["parent-written-after"]);
    assert_eq!(seen.codes("second.avhdx"), ["parent-by-second-id"]);
    for name in ["base.vhdx", "good.avhdx"] {
        assert_eq!(
            seen.codes(name),
            [""; 0],
            "{name}: one disk id along a chain is normal"
        );
    }
}

#[test]
fn an_orphan_knows_its_family() {
    let store = ScannedFolder::new();
    store
        .put_bytes("base.vhdx", &dynamic(1))
        .put_bytes("lost.avhdx", &on(4, 8, r".\gone.avhdx").build());
    let seen = store.scan();
    assert_eq!(seen.link("lost.avhdx").0, LinkState::Missing);
    assert_eq!(
        seen.codes("lost.avhdx"),
        ["parent-missing", "orphan-of-family"]
    );
    assert!(
        seen.node("lost.avhdx").findings[1]
            .text
            .contains("base.vhdx")
    );
}

#[test]
fn roles_are_told_by_name_and_kind() {
    let store = ScannedFolder::new();
    store
        .put_bytes("set.avhdx", &dynamic(1))
        .put_bytes("set.vhds", &[0; 600])
        .put_bytes("x-AutoRecovery.avhdx", &on(2, 1, r".\set.avhdx").build())
        .put("hidden.vhd", &base(7).by_xenserver().hidden());
    let seen = store.scan();
    assert_eq!(seen.node("set.avhdx").role, Some("data disk of a VHD set"));
    assert_eq!(
        seen.node("x-AutoRecovery.avhdx").role,
        Some("backup's recovery checkpoint")
    );
    assert_eq!(seen.node("hidden.vhd").role, Some("hidden base copy"));
    assert_eq!(seen.forest.companions.len(), 1);
}
