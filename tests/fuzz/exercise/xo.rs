//! Backup repositories of Xen Orchestra: the description of a backup, an alias, a disk kept as a folder in compressed pieces,
//! and the state of a merge, each as long as the input has bytes for it.

use std::fs;
use std::path::Path;

use vhdtree::build::vhd::VhdBuilder;
use vhdtree::image::Image;
use vhdtree::image::directory::DirectorySource;
use vhdtree::job::Job;
use vhdtree::source::Source as _;
use vhdtree::store::{ScanOptions, scan};

const MACHINE: &str = "xo-vm-backups/08d19d66-0d6a-562b-8c55-bd4ed98d338c";
const STAMP: &str = "20261101T010000Z";
/// The pieces of an input, each ended by this byte.
const END: u8 = 0xff;
/// The files they become, below the machine's folder.
const FILES: [&str; 8] = [
    "20261101T010000Z.json",
    "vdis/20261101T010000Z.alias.vhd",
    "vdis/data/20261101T010000Z.vhd/chunk-filters.json",
    "vdis/data/20261101T010000Z.vhd/bat",
    "vdis/data/20261101T010000Z.vhd/blocks/0/0",
    "vdis/.20261101T010000Z.alias.vhd.merge.json",
    "vdis/data/20261101T010000Z.vhd/footer",
    "vdis/data/20261101T010000Z.vhd/header",
];

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    let described = format!(
        r#"{{"vm":{{"name_label":"web"}},"timestamp":1793494800000,"vhds":{{"a":"vdis/{STAMP}.alias.vhd"}},"vdis":{{"a":{{"name_label":"disk"}}}}}}"#
    );
    let alias = format!("data/{STAMP}.vhd");
    let stored = [0x80_u8, 0, 0, 0];
    let gzip = [
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x6b, 0x60, 0x60, 0x60, 0, 0, 0x85, 0x1d, 0x5c, 0x9b,
        4, 0, 0, 0,
    ];
    let pieces = |all: &[&[u8]]| all.join(&END);
    vec![
        pieces(&[described.as_bytes(), alias.as_bytes(), b"[]", &stored]),
        pieces(&[
            described.as_bytes(),
            alias.as_bytes(),
            br#"["gzip"]"#,
            &gzip,
        ]),
        pieces(&[
            described.as_bytes(),
            alias.as_bytes(),
            br#"["brotli"]"#,
            &[0x0b, 1, 0x80, 0x80, 0, 0, 0, 3],
            &[0x3b; 64],
            br#"{"step":"mergeBlocks","currentBlock":1}"#,
        ]),
        pieces(&[br#"{"vhds":{"a":"../../../../x.vhd"}}"#, b"../x"]),
    ]
}

/// Writes the pieces as a repository and reads it.
pub fn run(input: &[u8]) {
    let root = tempfile::tempdir().expect("a folder");
    let machine = root.path().join(MACHINE);
    let data = machine.join("vdis/data").join(format!("{STAMP}.vhd"));
    fs::create_dir_all(data.join("blocks/0")).expect("folders");
    let vhd = VhdBuilder::dynamic(8 << 20)
        .id(1)
        .write(0, &[1; 512])
        .build();
    fs::write(data.join("header"), &vhd[512..1536]).expect("a header");
    fs::write(data.join("footer"), &vhd[vhd.len() - 512..]).expect("a footer");
    fs::write(data.join("bat"), [0x80, 0, 0, 0]).expect("a table");
    for (file, piece) in FILES.iter().zip(input.split(|byte| *byte == END)) {
        if !piece.is_empty() {
            fs::write(machine.join(file), piece).expect("a piece");
        }
    }
    let options = ScanOptions {
        roots: vec![root.path().to_path_buf()],
        ..ScanOptions::default()
    };
    let forest = scan(&options, &Job::default(), &mut |_| {}).expect("a folder is read");
    // Nothing is a disk but what lies in the repository.
    assert!(
        forest
            .disks
            .iter()
            .all(|disk| disk.path.starts_with(root.path()))
    );
    assert!(forest.disks.len() <= 2, "{:?}", forest.disks);
    folder(&data);
}

fn folder(data: &Path) {
    let Ok(source) = DirectorySource::open(data) else {
        return;
    };
    let mut piece = [0; 64];
    let end = source.len();
    let _ = source.read_exact_at(&mut piece, 0);
    let _ = source.read_exact_at(&mut piece, end.saturating_sub(64));
    assert!(source.read_exact_at(&mut piece, end).is_err());
    if let Ok(image) = Image::open(std::sync::Arc::new(source)) {
        let counts = image.count(&Job::default(), None);
        let header = image.header();
        let held = counts.full.saturating_add(counts.partial);
        assert!(held <= header.blocks.max(1), "{held} of {}", header.blocks);
    }
}
