//! What a scan says of healthy disks that do not go together, and of products.

use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::build::vhdx::VhdxBuilder;
use crate::store::{Born, BornSource, Product};

/// Files on a disk of Windows, all written at one time.
struct Dated {
    inner: SystemFiles,
    written: Timestamp,
}

impl Dated {
    fn date(&self, mut facts: FileFacts) -> FileFacts {
        facts.modified = Some(self.written);
        facts.born = Some(Born {
            at: self.written,
            source: BornSource::WindowsFileSystem,
        });
        facts
    }
}

impl Files for Dated {
    fn open(&self, path: &Path) -> io::Result<Opened> {
        let opened = self.inner.open(path)?;
        Ok(Opened {
            facts: self.date(opened.facts),
            source: opened.source,
        })
    }

    fn facts(&self, path: &Path) -> io::Result<FileFacts> {
        Ok(self.date(self.inner.facts(path)?))
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_parent_written_after_all_its_children_were_made_was_touched() {
    let store = ScannedFolder::new();
    let made = |id: u128, time: &str| child(id, 1, r".\base.vhd").created_at(at(time));
    store
        .put("base.vhd", &base(1).created_at(at("2009-05-01T00:00:00Z")))
        .put("first.avhd", &made(2, "2009-05-02T14:00:00Z"))
        .put("last.avhd", &made(3, "2009-05-03T09:00:00Z"));
    let codes = |written: &str| {
        let files = Dated {
            inner: SystemFiles::new(),
            written: at(written),
        };
        let forest = scan_with(&store.options(), &files, &Job::default(), &mut |_| {}).unwrap();
        let root = store.root().to_path_buf();
        Seen { root, forest }.codes("base.vhd")
    };
    assert!(codes("2009-05-03T09:59:59Z").is_empty());
    assert_eq!(codes("2009-05-03T10:00:01Z"), ["parent-touched-after"]);
}

#[test]
fn thirty_disks_are_xcp_ngs_longest_chain() {
    let store = ScannedFolder::new();
    store.put("d01.vhd", &base(101).by_xenserver());
    for level in 2..=30_u128 {
        let parent = format!("./d{:02}.vhd", level - 1);
        let disk = child(100 + level, 99 + level, &parent).by_xenserver();
        store.put(&format!("d{level:02}.vhd"), &disk);
    }
    assert_eq!(store.scan().codes("d30.vhd"), ["chain-deep"]);
    store.put("d31.vhd", &child(131, 130, "./d30.vhd").by_xenserver());
    let seen = store.scan();
    assert_eq!(seen.codes("d31.vhd"), ["chain-too-deep"]);
    assert!(seen.codes("d30.vhd").is_empty());
}

#[test]
fn other_sector_sizes_are_an_error_of_the_child() {
    let store = ScannedFolder::new();
    let parent = VhdxBuilder::dynamic(SIZE).data_write_id(Uuid::from_u128(1));
    let linkage = parent.data_write_id_now();
    let child = VhdxBuilder::differencing(SIZE)
        .sector_size(4096)
        .data_write_id(Uuid::from_u128(2))
        .parent(linkage, &[("relative_path", r".\base.vhdx")]);
    store
        .put_bytes("base.vhdx", &parent.build())
        .put_bytes("child.avhdx", &child.build());
    let seen = store.scan();
    assert_eq!(seen.codes("child.avhdx"), ["parent-sector-size-differs"]);
    let finding = &seen.node("child.avhdx").findings[0];
    assert_eq!((&*finding.expected, &*finding.actual), ("512", "4096"));
}

#[test]
fn an_undo_disks_name_and_footer_agree_in_some_time_zone_or_it_was_renamed() {
    let name = "VirtualPCUndo_xp_0_0_14253006232007.vud";
    for (made, codes) in [
        ("2007-06-23T12:25:31Z", &[][..]),
        ("2007-06-23T08:55:30Z", &[]),
        ("2007-06-23T12:33:30Z", &["undo-disk-renamed"]),
        ("2007-06-25T12:25:30Z", &["undo-disk-renamed"]),
    ] {
        let store = ScannedFolder::new();
        store
            .put("xp.vhd", &base(1))
            .put(name, &child(2, 1, r".\xp.vhd").created_at(at(made)));
        assert_eq!(store.scan().codes(name), codes, "{made}");
    }
}

#[test]
fn a_machine_of_virtual_pc_beside_its_disks_tells_whose_they_are() {
    let store = ScannedFolder::new();
    let vpc = |disk: VhdBuilder| disk.creator(*b"vpc ", 0x0005_0003, *b"Wi2k");
    store
        .put("xp/base.vhd", &vpc(base(1)))
        .put("xp/work.vhd", &vpc(child(2, 1, r".\base.vhd")))
        .put("other/base.vhd", &vpc(base(3)))
        .put("xp/by-windows.vhd", &base(4));
    let product = |seen: &Seen, name: &str| seen.node(name).product;
    assert_eq!(product(&store.scan(), "xp/work.vhd"), Product::HyperV);
    store.put_bytes("xp/xp.vmc", b"<?xml version=\"1.0\"?><preferences/>");
    let seen = store.scan();
    assert_eq!(product(&seen, "xp/base.vhd"), Product::VirtualPc);
    assert_eq!(product(&seen, "xp/work.vhd"), Product::VirtualPc);
    assert_eq!(product(&seen, "other/base.vhd"), Product::HyperV);
    assert_eq!(product(&seen, "xp/by-windows.vhd"), Product::HyperV);
}

/// A disk with so many blocks that it is counted after all files are known.
fn crowded() -> VhdBuilder {
    let disk = VhdBuilder::differencing(SIZE)
        .block_size(4096)
        .id(2)
        .parent(1, r".\base.vhd")
        .locator(Locator::relative(r".\base.vhd"));
    (0..400).fold(disk, |disk, block| {
        disk.write(block * 8 + block % 3, &[4; 512 * 5])
    })
}

#[test]
fn a_crowded_disk_is_shown_first_and_counted_later() {
    let store = ScannedFolder::new();
    store
        .put("base.vhd", &base(1))
        .put("child.avhd", &crowded());
    let mut shown = Vec::new();
    let forest = scan(&store.options(), &Job::default(), &mut |event| {
        if let ScanEvent::Forest(forest) = event
            && forest.disks.len() == 2
        {
            let counts = forest.disks[1].counts.clone();
            shown.push((forest.complete, counts.map(|counts| counts.dirty_sectors)));
        }
    })
    .unwrap();
    assert_eq!(shown.last(), Some(&(true, Some(400 * 5))));
    assert!(shown.contains(&(false, None)), "{shown:?}");
    assert!(forest.disks[1].findings.is_empty());
}

#[test]
fn a_crowded_disk_that_changes_while_it_is_counted_is_live() {
    let store = ScannedFolder::new();
    store
        .put("base.vhd", &base(1))
        .put("child.avhd", &crowded());
    let files = Watched {
        restless: true,
        ..Watched::default()
    };
    let forest = scan_with(&store.options(), &files, &Job::default(), &mut |_| {}).unwrap();
    let disk = &forest.disks[1];
    assert_eq!(disk.liveness, Liveness::Live);
    assert_eq!(disk.counts.as_ref().unwrap().dirty_sectors, 400 * 5);
    let live = disk
        .findings
        .iter()
        .filter(|finding| finding.code.id == "file-changing");
    assert_eq!(live.count(), 1);
}
