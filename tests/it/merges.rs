//! The foretold growth of a merge, held against merges that are carried out: of VHDs by a merge written here and, where it
//! is installed, by `vhd-util` (blktap's libvhd); of VHDX against the merged disk as the builder lays it out.

mod vhd;

use std::path::Path;
use std::process::Command;

use vhdtree::analysis::open::open_paths;
use vhdtree::build::vhd::{Locator, VhdBuilder};
use vhdtree::build::vhdx::VhdxBuilder;
use vhdtree::chain::OnFault;
use vhdtree::job::Job;

use crate::runner::json_of;

const MIB: u64 = 1 << 20;
const BASE: &str = "0a1b2c3d-0000-4000-8000-000000000001.vhd";
const MIDDLE: &str = "0a1b2c3d-0000-4000-8000-000000000002.vhd";
const LEAF: &str = "0a1b2c3d-0000-4000-8000-000000000003.vhd";

/// Who is allowed to foretell how much too much.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Exact {
    /// One block size: at most 10 % above what the merge takes.
    TenPercent,
    /// The block sizes differ: only never below.
    AtMost,
}

/// One merge: the disk that is merged and the one that takes it in; writes in sectors.
#[derive(Clone)]
struct Shape {
    name: &'static str,
    /// MiB of the child and of the parent.
    sizes: (u64, u64),
    /// KiB of a block of the child and of the parent.
    blocks: (usize, usize),
    child: Vec<(u64, u64)>,
    parent: Vec<(u64, u64)>,
    parent_kind: ParentKind,
    /// Table entries the parent has room for, if not as many as blocks.
    entries: Option<u32>,
    exact: Exact,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ParentKind {
    Dynamic,
    Differencing,
    Fixed,
}

impl Shape {
    fn new(name: &'static str, child: &[(u64, u64)], parent: &[(u64, u64)]) -> Self {
        Self {
            name,
            sizes: (64, 64),
            blocks: (2048, 2048),
            child: child.to_vec(),
            parent: parent.to_vec(),
            parent_kind: ParentKind::Dynamic,
            entries: None,
            exact: Exact::TenPercent,
        }
    }
}

fn shapes() -> Vec<Shape> {
    let scattered: Vec<(u64, u64)> = (0..40).map(|n| (n * 3001 + 17, 1 + n % 5)).collect();
    let dense: Vec<(u64, u64)> = (0..9).map(|n| (n * 11_003, 4096)).collect();
    let of = Shape::new;
    vec![
        of("one sector", &[(5000, 1)], &[]),
        of(
            "whole blocks, some there",
            &[(0, 4 * 4096)],
            &[(4096, 1), (9000, 3)],
        ),
        of(
            "over the edges of blocks",
            &[(4095, 2), (12_287, 4098)],
            &[],
        ),
        of("nothing new", &[(100, 7), (5000, 80)], &[(0, 9000)]),
        of("scattered", &scattered, &[(3001, 9), (60_000, 4)]),
        of("dense", &dense, &scattered),
        Shape {
            parent_kind: ParentKind::Differencing,
            ..of("in the middle of a chain", &scattered, &dense)
        },
        Shape {
            parent_kind: ParentKind::Fixed,
            ..of("a fixed base", &scattered, &[(9, 9)])
        },
        Shape {
            blocks: (512, 512),
            ..of("blocks of 512 KiB", &scattered, &[(6000, 50)])
        },
        Shape {
            blocks: (64, 64),
            ..of("blocks of 64 KiB", &scattered, &[(6000, 50)])
        },
        Shape {
            blocks: (2048, 512),
            exact: Exact::AtMost,
            ..of("large blocks into small", &scattered, &[(6000, 50)])
        },
        Shape {
            blocks: (512, 2048),
            exact: Exact::AtMost,
            ..of("small blocks into large", &dense, &[(6000, 50)])
        },
        Shape {
            sizes: (96, 64),
            entries: Some(1024),
            ..of(
                "enlarged, with room in the table",
                &[(140_000, 40_000)],
                &[(0, 9)],
            )
        },
        Shape {
            sizes: (320, 64),
            ..of(
                "enlarged, without room in the table",
                &[(400_000, 90_000)],
                &dense,
            )
        },
        Shape {
            sizes: (320, 64),
            ..of("enlarged, an empty base", &[(600_000, 9)], &[])
        },
    ]
}

fn bytes(of: u8, sectors: u64) -> Vec<u8> {
    vec![of; usize::try_from(sectors * 512).unwrap()]
}

fn vhd_of(shape: &Shape, folder: &Path) {
    let build = |mut disk: VhdBuilder, writes: &[(u64, u64)], ink: u8| {
        for (n, (sector, count)) in (0..).zip(writes) {
            disk.write_more(*sector, &bytes(ink + n, *count));
        }
        disk
    };
    let parent_size = shape.sizes.1 * MIB;
    let child_of = |id: u128, parent: u128, name: &str, size: u64| {
        VhdBuilder::differencing(size)
            .by_xenserver()
            .batmap()
            .id(id)
            .parent(parent, name)
            .locator(Locator::relative(&format!(r".\{name}")))
            .locator(Locator::url(&format!("file://./{name}")))
    };
    let mut parent = match shape.parent_kind {
        ParentKind::Dynamic => VhdBuilder::dynamic(parent_size)
            .by_xenserver()
            .batmap()
            .id(2),
        ParentKind::Fixed => VhdBuilder::fixed(parent_size).by_xenserver().id(2),
        ParentKind::Differencing => {
            let base = VhdBuilder::dynamic(parent_size)
                .by_xenserver()
                .batmap()
                .id(1);
            let base = build(base, &[(77, 5000)], 200);
            base.build_to(&folder.join(BASE)).unwrap();
            child_of(2, 1, BASE, parent_size)
        }
    };
    if let Some(entries) = shape.entries {
        parent = parent.table_entries(entries);
    }
    let parent = build(parent.block_size(shape.blocks.1 << 10), &shape.parent, 1);
    parent.build_to(&folder.join(MIDDLE)).unwrap();
    let child = child_of(3, 2, MIDDLE, shape.sizes.0 * MIB).block_size(shape.blocks.0 << 10);
    let child = build(child, &shape.child, 100);
    child.build_to(&folder.join(LEAF)).unwrap();
}

/// What the plan foretells for the merge.
fn foretold(target: &Path) -> serde_json::Value {
    let plan = json_of(&["plan", "--json", "--as", "xcpng"], target);
    let merge = plan["merge"][0].clone();
    assert!(merge.is_object(), "{plan:#}");
    merge
}

fn hold(shape: &str, exact: Exact, foretold: u64, grown: u64, by: &str) {
    assert!(
        grown <= foretold,
        "{shape}: {by} takes {grown}, foretold {foretold}"
    );
    if exact == Exact::TenPercent {
        assert!(
            foretold <= grown + grown / 10,
            "{shape}: {by} takes only {grown}, foretold {foretold}"
        );
    }
}

/// The content of a disk, as its chain gives it.
fn content(paths: &[&Path]) -> Vec<u8> {
    let mut all = Vec::new();
    let paths: Vec<_> = paths.iter().map(|path| path.to_path_buf()).collect();
    let chain = open_paths(&paths).unwrap();
    chain
        .read_all(&Job::default(), OnFault::Stop, &mut |bytes| {
            all.extend_from_slice(bytes);
        })
        .unwrap();
    all
}

#[test]
fn merges_of_vhds_take_what_was_foretold() {
    for shape in shapes() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        vhd_of(&shape, folder.path());
        let merge = foretold(&path(MIDDLE));
        assert!(merge["survivor"].as_str().unwrap().ends_with(LEAF));
        let larger = shape.sizes.0 > shape.sizes.1;
        let enlarge = larger.then_some(shape.sizes.0 * MIB);
        assert_eq!(merge["enlarge_to"].as_u64(), enlarge, "{}", shape.name);
        let most = merge["grow_max"].as_u64().unwrap();

        let parent = std::fs::read(path(MIDDLE)).unwrap();
        let child = std::fs::read(path(LEAF)).unwrap();
        let merged = vhd::merge(&child, &parent);
        let grown = (merged.len() - parent.len()) as u64;
        hold(shape.name, shape.exact, most, grown, "the merge");
        // Large ones take long without telling more.
        if shape.sizes.0 <= 96 {
            let (leaf, middle, base) = (path(LEAF), path(MIDDLE), path(BASE));
            let mut chain = vec![leaf.as_path(), middle.as_path()];
            if shape.parent_kind == ParentKind::Differencing {
                chain.push(&base);
            }
            let before = content(&chain);
            std::fs::write(path("merged.vhd"), &merged).unwrap();
            let merged = path("merged.vhd");
            let mut after = vec![merged.as_path()];
            after.extend(chain.into_iter().skip(2));
            assert!(
                content(&after) == before,
                "{}: the merge is right",
                shape.name
            );
        }
        if shape.blocks == (2048, 2048) && shape.parent_kind != ParentKind::Fixed {
            by_vhd_util(&shape, folder.path(), most);
        }
    }
}

/// The same by blktap's own tool, on the files themselves.
fn by_vhd_util(shape: &Shape, folder: &Path, most: u64) {
    let run = |arguments: &[&str]| {
        let done = Command::new("vhd-util")
            .args(arguments)
            .current_dir(folder)
            .output();
        done.ok().map(|output| {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{}: {said}", shape.name);
        })
    };
    let length = || std::fs::metadata(folder.join(MIDDLE)).unwrap().len();
    let before = length();
    if shape.sizes.0 > shape.sizes.1 {
        let size = shape.sizes.0.to_string();
        let resize = ["resize", "-n", MIDDLE, "-s", &size];
        let how: &[&str] = if shape.entries.is_some() {
            &["-f"]
        } else {
            &["-j", "journal"]
        };
        let _ = run(&[&resize, how].concat());
    }
    if run(&["coalesce", "-n", LEAF]).is_none() {
        println!("skipped: vhd-util");
        return;
    }
    hold(shape.name, shape.exact, most, length() - before, "vhd-util");
}

/// A VHDX merge: blocks in MiB, writes in sectors.
struct VhdxShape {
    name: &'static str,
    blocks: (u32, u32),
    has_grandparent: bool,
    child: Vec<(u64, u64)>,
    parent: Vec<(u64, u64)>,
    exact: Exact,
}

#[test]
fn merges_of_vhdx_take_what_was_foretold() {
    let scattered: Vec<(u64, u64)> = (0..40).map(|n| (n * 3001 + 17, 1 + n % 5)).collect();
    let dense: Vec<(u64, u64)> = (0..9).map(|n| (n * 12_288, 4096)).collect();
    let of = |name, child: &[(u64, u64)], parent: &[(u64, u64)]| VhdxShape {
        name,
        blocks: (2, 2),
        has_grandparent: false,
        child: child.to_vec(),
        parent: parent.to_vec(),
        exact: Exact::TenPercent,
    };
    let above = |shape| VhdxShape {
        has_grandparent: true,
        ..shape
    };
    let shapes = [
        of("one sector", &[(5000, 1)], &[]),
        of("scattered", &scattered, &[(3001, 9), (60_000, 4)]),
        of("dense", &dense, &scattered),
        of("nothing new", &[(100, 7)], &[(0, 9000)]),
        above(of("one sector above a grandparent", &[(5000, 1)], &[])),
        above(of(
            "scattered above a grandparent",
            &scattered,
            &[(3001, 9)],
        )),
        above(of("whole blocks above a grandparent", &dense, &[(0, 4096)])),
        above(of("whole blocks, no bitmap there", &dense, &[])),
        VhdxShape {
            blocks: (4, 1),
            exact: Exact::AtMost,
            ..of("large blocks into small", &scattered, &dense)
        },
        VhdxShape {
            blocks: (1, 4),
            exact: Exact::AtMost,
            ..above(of("small blocks into large", &scattered, &dense))
        },
        VhdxShape {
            blocks: (32, 32),
            ..of("blocks of 32 MiB", &[(5, 1), (70_000, 3)], &[(5, 9)])
        },
    ];
    for shape in shapes {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let size = 64 * MIB;
        let write = |mut disk: VhdxBuilder, writes: &[(u64, u64)]| {
            for (sector, count) in writes {
                disk = disk.write(*sector, &bytes(7, *count));
            }
            disk
        };
        let base = write(VhdxBuilder::dynamic(size), &[(9, 9)]);
        base.build_to(&path("base.vhdx")).unwrap();
        let parent = if shape.has_grandparent {
            VhdxBuilder::differencing(size)
                .data_write_id(uuid::Uuid::from_u128(2))
                .parent(
                    base.data_write_id_now(),
                    &[("relative_path", r".\base.vhdx")],
                )
        } else {
            VhdxBuilder::dynamic(size).data_write_id(uuid::Uuid::from_u128(2))
        };
        let parent = write(parent.block_size(shape.blocks.1 << 20), &shape.parent);
        parent.build_to(&path("parent.vhdx")).unwrap();
        let child = VhdxBuilder::differencing(size)
            .data_write_id(uuid::Uuid::from_u128(3))
            .block_size(shape.blocks.0 << 20)
            .parent(
                parent.data_write_id_now(),
                &[("relative_path", r".\parent.vhdx")],
            );
        write(child, &shape.child)
            .build_to(&path("child.avhdx"))
            .unwrap();
        let plan = json_of(&["plan", "--json"], &path("parent.vhdx"));
        let merge = &plan["merge"][0];
        assert!(merge["survivor"].as_str().unwrap().ends_with("parent.vhdx"));
        assert_eq!(merge["enlarge_to"], serde_json::Value::Null);
        let most = merge["grow_max"].as_u64().unwrap();
        write(parent, &shape.child)
            .build_to(&path("merged.vhdx"))
            .unwrap();
        let length = |name: &str| std::fs::metadata(path(name)).unwrap().len();
        let grown = length("merged.vhdx") - length("parent.vhdx");
        hold(shape.name, shape.exact, most, grown, "the merge");
    }
}
