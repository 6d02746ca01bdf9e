//! How a child's parent is found, or why not.

use super::*;

#[test]
fn a_missing_parent_tells_what_was_tried() {
    let store = ScannedFolder::new();
    let orphan = child(2, 9, r"..\gone\base.vhd").locator(Locator::absolute(r"D:\VMs\base.vhd"));
    store.put("a/b/child.vhd", &orphan);
    let seen = store.scan();
    assert_eq!(seen.link("a/b/child.vhd"), (LinkState::Missing, None, None));
    assert_eq!(seen.codes("a/b/child.vhd"), ["parent-missing"]);
    let tried: Vec<_> = seen
        .node("a/b/child.vhd")
        .parent
        .as_ref()
        .unwrap()
        .tried
        .iter()
        .map(|tried| (tried.by, tried.outcome))
        .collect();
    assert_eq!(
        tried,
        [
            (ResolvedBy::Relative, "no such file"),
            (ResolvedBy::SameFolder, "no such file"),
            (ResolvedBy::Absolute, "no map for it"),
            (ResolvedBy::Id, "no disk has it"),
        ]
    );
}

#[test]
fn a_parent_is_found_in_the_folder_through_a_map_and_by_id() {
    let store = ScannedFolder::new();
    store
        .put("vm/Base.VHD", &base(1))
        .put("vm/near.vhd", &child(2, 1, r"C:\elsewhere\base.vhd"))
        .put(
            "far/mapped.vhd",
            &child(3, 1, "x").locator(Locator::absolute(r"D:\VMs\base.vhd")),
        )
        .put("far/moved.vhd", &child(4, 1, r".\renamed.vhd"));
    let mut options = store.options();
    options.maps.push(PathMap {
        from: r"d:\vms".into(),
        to: store.root().join("far/../vm"),
    });
    let seen = store.scan_as(&options);
    assert_eq!(
        seen.link("vm/near.vhd"),
        ok("vm/Base.VHD", ResolvedBy::SameFolder)
    );
    assert_eq!(
        seen.link("far/mapped.vhd"),
        ok("vm/Base.VHD", ResolvedBy::Absolute)
    );
    assert_eq!(
        seen.link("far/moved.vhd"),
        ok("vm/Base.VHD", ResolvedBy::Id)
    );
    // Whoever follows paths alone does not find it.
    assert_eq!(seen.codes("far/moved.vhd"), ["parent-by-id-only"]);
}

#[test]
fn two_parents_with_the_wanted_id_are_a_choice_and_a_child_without_a_path_is_told() {
    let store = ScannedFolder::new();
    let no_path = VhdBuilder::differencing(SIZE).id(2).parent(1, "");
    store
        .put("a/base.vhd", &base(1))
        .put("vm/nameless.vhd", &no_path)
        .put("vm/moved.vhd", &child(3, 1, r".\gone.vhd"));
    assert_eq!(
        store.scan().codes("vm/nameless.vhd"),
        ["parent-path-not-stored"]
    );
    store.put("b/copy.vhd", &base(1));
    let seen = store.scan();
    assert_eq!(
        seen.codes("vm/moved.vhd"),
        ["parent-one-of-several", "parent-by-id-only"]
    );
    assert_eq!(seen.link("vm/moved.vhd"), ok("a/base.vhd", ResolvedBy::Id));
}

#[test]
fn a_parent_root_is_searched_by_id() {
    let store = ScannedFolder::new();
    store
        .put("golden/deep/renamed.vhd", &base(1))
        .put("golden/other.vhd", &base(9))
        .put("golden/mid.vhd", &child(2, 1, r".\lost.vhd"))
        .put("vms/child.vhd", &child(3, 2, r".\gone.vhd"));
    let mut options = store.options();
    options.roots = vec![store.root().join("vms")];
    assert_eq!(
        store.scan_as(&options).link("vms/child.vhd").0,
        LinkState::Missing
    );
    options.parent_roots = vec![store.root().join("golden")];
    let seen = store.scan_as(&options);
    assert_eq!(
        seen.link("vms/child.vhd"),
        ok("golden/mid.vhd", ResolvedBy::Id)
    );
    assert_eq!(
        seen.link("golden/mid.vhd"),
        ok("golden/deep/renamed.vhd", ResolvedBy::Id)
    );
    assert_eq!(
        seen.forest.disks.len(),
        3,
        "only what is somebody's parent: {:?}",
        seen.names()
    );
}

#[test]
fn a_replaced_parent_is_a_mismatch_and_the_id_beats_the_name() {
    let store = ScannedFolder::new();
    store
        .put("one/base.vhd", &base(8))
        .put("one/child.vhd", &child(2, 1, r".\base.vhd"));
    let seen = store.scan();
    assert_eq!(seen.link("one/child.vhd").0, LinkState::IdMismatch);
    assert_eq!(seen.codes("one/child.vhd"), ["parent-id-mismatch"]);
    assert_eq!(seen.node("one/base.vhd").children.len(), 1);
    assert_eq!(seen.forest.parent_of(seen.id("one/child.vhd")), None);
    store.put("two/original.vhd", &base(1));
    let seen = store.scan();
    assert_eq!(
        seen.link("one/child.vhd"),
        ok("two/original.vhd", ResolvedBy::Id)
    );
    assert_eq!(seen.codes("one/child.vhd"), ["locator-finds-other-file"]);
}

#[test]
fn cycles_of_one_two_and_three_end_and_are_named() {
    let store = ScannedFolder::new();
    store
        .put("self.vhd", &child(1, 1, r".\self.vhd"))
        .put("a.vhd", &child(2, 3, r".\b.vhd"))
        .put("b.vhd", &child(3, 2, r".\a.vhd"))
        .put("x.vhd", &child(4, 5, r".\y.vhd"))
        .put("y.vhd", &child(5, 6, r".\z.vhd"))
        .put("z.vhd", &child(6, 4, r".\x.vhd"))
        .put("tail.vhd", &child(7, 4, r".\x.vhd"));
    let seen = store.scan();
    for (name, next) in [
        ("self.vhd", "self.vhd"),
        ("a.vhd", "b.vhd"),
        ("b.vhd", "a.vhd"),
        ("z.vhd", "x.vhd"),
    ] {
        let (state, parent, _) = seen.link(name);
        assert_eq!((state, parent.as_deref()), (LinkState::Cycle, Some(next)));
        assert_eq!(seen.codes(name), ["parent-cycle"], "{name}");
    }
    assert_eq!(seen.link("tail.vhd"), ok("x.vhd", ResolvedBy::Relative));
    assert_eq!(seen.node("tail.vhd").depth, 1);
    assert_eq!(seen.forest.tops.len(), 6);
}

#[test]
fn two_disks_with_one_id_name_each_other() {
    let store = ScannedFolder::new();
    store
        .put("base.vhd", &base(1))
        .put("backup/base.vhd", &base(1))
        .put("child.vhd", &child(2, 1, r".\base.vhd"));
    let seen = store.scan();
    assert_eq!(seen.codes("base.vhd"), ["duplicate-id"]);
    assert_eq!(seen.codes("backup/base.vhd"), ["duplicate-id"]);
    assert_eq!(seen.link("child.vhd"), ok("base.vhd", ResolvedBy::Relative));
    assert!(seen.node("base.vhd").findings[0].text.contains("backup"));
}

#[test]
fn sixty_disks_deep_is_one_remark_at_the_end() {
    let store = ScannedFolder::new();
    store.put("d000.vhd", &base(100));
    for level in 1..60_u128 {
        let parent = format!(r".\d{:03}.vhd", level - 1);
        store.put(
            &format!("d{level:03}.vhd"),
            &child(100 + level, 99 + level, &parent),
        );
    }
    let seen = store.scan();
    assert_eq!(seen.node("d059.vhd").depth, 59);
    assert_eq!(seen.codes("d059.vhd"), ["chain-deep"]);
    assert!(seen.codes("d030.vhd").is_empty());
    assert_eq!(seen.forest.line(seen.id("d059.vhd")).count(), 60);
}

#[test]
fn other_sizes_are_remarked() {
    let store = ScannedFolder::new();
    store
        .put("base.vhd", &VhdBuilder::dynamic(2 * SIZE).id(1))
        .put("child.vhd", &child(2, 1, r".\base.vhd"));
    assert_eq!(store.scan().codes("child.vhd"), ["parent-enlarged"]);
    store.put("base.vhd", &VhdBuilder::dynamic(SIZE / 2).id(1));
    assert_eq!(store.scan().codes("child.vhd"), ["child-enlarged"]);
    // XCP-ng enlarges a disk above its snapshots.
    store.put(
        "base.vhd",
        &VhdBuilder::dynamic(SIZE / 2).by_xenserver().id(1),
    );
    assert!(store.scan().codes("child.vhd").is_empty());
    store.put(
        "base.vhd",
        &VhdBuilder::dynamic(2 * SIZE).by_xenserver().id(1),
    );
    assert_eq!(store.scan().codes("child.vhd"), ["parent-size-differs"]);
}

#[test]
fn parents_outside_the_roots_stay_shut_unless_allowed() {
    let store = ScannedFolder::new();
    store
        .put("golden/base.vhd", &base(1))
        .put("golden/mid.vhd", &child(2, 1, r".\base.vhd"))
        .put("vms/child.vhd", &child(3, 2, r"..\golden\mid.vhd"));
    let mut options = store.options();
    options.roots = vec![store.root().join("vms")];
    let seen = store.scan_as(&options);
    assert_eq!(seen.link("vms/child.vhd").0, LinkState::OutsideRoots);
    assert_eq!(seen.codes("vms/child.vhd"), ["parent-outside-roots"]);
    assert_eq!(seen.names().len(), 1);
    options.parent_roots = vec![store.root().join("golden")];
    let forest = scan(&options, &Job::default(), &mut |_| {}).unwrap();
    let leaf = forest
        .ids()
        .find(|id| forest.disk(*id).unwrap().path.ends_with("child.vhd"))
        .unwrap();
    assert_eq!(forest.line(leaf).count(), 3);
}

#[test]
fn a_raw_parent_is_taken_as_raw() {
    let store = ScannedFolder::new();
    let raw = VhdBuilder::differencing(1 << 20)
        .id(2)
        .by_xenserver()
        .parent(0, "raw.img")
        .locator(Locator::url("file://./raw.img"));
    store
        .put("child.vhd", &raw)
        .put_bytes("raw.img", &vec![7; 1 << 20]);
    let seen = store.scan();
    assert_eq!(seen.forest.disks.len(), 2, "{:?}", seen.names());
    let link = seen.node("child.vhd").parent.as_ref().unwrap();
    assert_eq!(
        (link.state, link.by),
        (LinkState::Ok, Some(ResolvedBy::Relative))
    );
    let parent = seen.forest.disk(link.disk.unwrap()).unwrap();
    assert_eq!(parent.header.as_ref().unwrap().virtual_size, 1 << 20);
}
