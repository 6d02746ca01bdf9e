//! What a scan reads, and files that change while it does.

use super::*;

#[test]
fn a_disk_costs_few_reads() {
    let store = ScannedFolder::new();
    store.put("base.vhd", &base(1).write(0, &vec![1; 512 * 300]));
    for n in 2..22_u128 {
        let disk = child(n, 1, r".\base.vhd").write(u64::try_from(n).unwrap() * 131, &[1; 512 * 3]);
        store.put(&format!("c{n}.vhd"), &disk);
    }
    let files = Watched::default();
    let forest = scan_with(&store.options(), &files, &Job::default(), &mut |_| {}).unwrap();
    assert_eq!(forest.disks.len(), 21);
    assert_eq!(files.opened.load(Ordering::Relaxed), 21);
    let reads = files.reads.reads();
    assert!(reads <= 8 * 21, "{reads} reads for 21 disks");
}

#[test]
fn a_file_that_never_holds_still_is_live() {
    let store = ScannedFolder::new();
    store.put("base.vhd", &base(1));
    let files = Watched {
        restless: true,
        ..Watched::default()
    };
    let forest = scan_with(&store.options(), &files, &Job::default(), &mut |_| {}).unwrap();
    assert_eq!(forest.disks[0].liveness, Liveness::Live);
    assert_eq!(
        forest.disks[0].findings.last().unwrap().code.id,
        "file-changing"
    );
    assert_eq!(files.opened.load(Ordering::Relaxed), 2);
}

/// Files that end sooner than the file system said when they were opened.
#[derive(Debug, Default)]
struct Shrinking(SystemFiles);

impl Files for Shrinking {
    fn open(&self, path: &Path) -> io::Result<Opened> {
        let facts = self.0.facts(path)?;
        let bytes = std::fs::read(path)?;
        let source = Arc::new(Shrunk {
            claimed: facts.len,
            left: crate::source::MemorySource(bytes[..bytes.len() / 3].to_vec()),
        });
        Ok(Opened { source, facts })
    }

    fn facts(&self, path: &Path) -> io::Result<FileFacts> {
        let mut facts = self.0.facts(path)?;
        facts.len /= 3;
        Ok(facts)
    }
}

#[derive(Debug)]
struct Shrunk {
    claimed: u64,
    left: crate::source::MemorySource,
}

impl crate::source::Source for Shrunk {
    fn len(&self) -> u64 {
        self.claimed
    }

    fn read_exact_at(&self, buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        self.left.read_exact_at(buf, offset_bytes)
    }
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_a_live_row() {
    let store = ScannedFolder::new();
    store.put("base.vhd", &base(1).write(0, &vec![1; 512 * 300]));
    let options = store.options();
    let forest = scan_with(
        &options,
        &Shrinking::default(),
        &Job::default(),
        &mut |_| {},
    )
    .unwrap();
    let disk = &forest.disks[0];
    assert_eq!(disk.liveness, Liveness::Live);
    let codes: Vec<_> = disk
        .findings
        .iter()
        .map(|finding| finding.code.id)
        .collect();
    assert!(codes.contains(&"file-changing"), "{codes:?}");
    assert!(forest.complete);
}
