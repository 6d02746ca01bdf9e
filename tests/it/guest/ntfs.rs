//! NTFS volumes made by ntfs-3g's tools, and by Windows.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::chains::{
    Table, all_behind, behind_mbr, content, expected, has, hold, hold_branches, mirrored, tool,
};

/// Changes a volume without mounting it, by ntfs-3g's own library: built once from a few lines of C.
pub fn changer() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let build = || {
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ntfs-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let source = folder.join("change.c");
        fs::write(&source, include_str!("change.c")).unwrap();
        let program = folder.join("change");
        let output = Command::new("cc")
            .args(["-DHAVE_TIME_H", "-DHAVE_SYS_STAT_H", "-w", "-o"])
            .arg(&program)
            .arg(&source)
            .arg("-lntfs-3g")
            .output();
        let built = output.is_ok_and(|output| output.status.success());
        if !built {
            println!("skipped: libntfs-3g");
        }
        built.then_some(program)
    };
    BUILT.get_or_init(build).as_deref()
}

pub struct Volume {
    pub image: PathBuf,
}

impl Volume {
    pub fn new(folder: &Path, name: &str, mebibytes: u64, options: &[&str]) -> Self {
        let image = folder.join(name);
        let file = fs::File::create(&image).unwrap();
        file.set_len(mebibytes << 20).unwrap();
        let mut args = vec!["-F", "-Q", "-q", "-L", "SYSTEM"];
        args.extend(options);
        args.push(image.to_str().unwrap());
        tool("mkntfs", &args);
        Self { image }
    }

    pub fn put(&self, path: &str, bytes: &[u8]) {
        self.put_stream("", path, bytes);
    }

    pub fn put_stream(&self, stream: &str, path: &str, bytes: &[u8]) {
        let from = self.image.with_extension("put");
        fs::write(&from, bytes).unwrap();
        let (image, from) = (self.image.to_str().unwrap(), from.to_str().unwrap());
        let mut args = vec!["-f", "-q"];
        if !stream.is_empty() {
            args.extend(["-N", stream]);
        }
        args.extend([image, from, path]);
        tool("ntfscp", &args);
    }

    /// Lines of what the program is to do, words parted by `|`.
    pub fn change(&self, script: &str) {
        let program = changer().unwrap();
        for line in script
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
        {
            let mut args = vec![self.image.to_str().unwrap()];
            args.extend(line.split('|'));
            tool(program.to_str().unwrap(), &args);
        }
    }
}

fn filler(seed: u32, len: u32) -> Vec<u8> {
    (0..len)
        .map(|at| (at.wrapping_mul(seed * 2 + 1) >> 3).to_le_bytes()[0])
        .collect()
}

/// A volume with a few hundred files; two further states of it, one after the other; and the first, in which only the second
/// half of the work was done.
pub fn states(folder: &Path, name: &str, options: &[&str]) -> [Vec<u8>; 4] {
    let volume = Volume::new(folder, name, 24, options);
    volume.change(
        "mkdir|/docs
        mkdir|/docs/deep
        mkdir|/old
        mkdir|/old/inner
        mkdir|/other
        mkdir|/packed
        compress|/packed",
    );
    for number in 0..60 {
        volume.put(&format!("/docs/file{number}.txt"), &filler(number, 9_000));
    }
    for number in 0..60 {
        volume.put(
            &format!("/docs/deep/small{number}.txt"),
            &filler(number, 300),
        );
    }
    volume.put("/old/inner/kept.txt", b"kept");
    volume.put("/docs/deep/検証用.txt", b"before");
    volume.put("/docs/in place.bin", &filler(7, 40_000));
    volume.put("/docs/grows.bin", &filler(8, 10));
    volume.put("/packed/log.txt", &log_text(200_000));
    volume.put("/packed/noise.bin", &noise(150_000));
    volume.put(
        "/packed/both.bin",
        &[log_text(90_000), noise(90_000), vec![0; 90_000]].concat(),
    );
    volume.put("/packed/grows.txt", &log_text(70_000));
    volume.change("sparse|/docs/hole.bin|5000000");
    let first = content(&volume.image);
    work(&volume);
    let second = content(&volume.image);
    work_more(&volume);
    let third = content(&volume.image);
    fs::write(&volume.image, &first).unwrap();
    work_more(&volume);
    [first, second, third, content(&volume.image)]
}

/// Text that repeats itself.
fn log_text(len: usize) -> Vec<u8> {
    let lines = (0..).flat_map(|number: u32| format!("{number} a line of a log\n").into_bytes());
    lines.take(len).collect()
}

/// Bytes that nothing can pack.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    });
    next.take(len).collect()
}

fn work(volume: &Volume) {
    volume.put("/docs/new file.txt", &filler(99, 15_000));
    volume.put_stream("Zone.Identifier", "/docs/file9.txt", b"[ZoneTransfer]");
    volume.change(
        "rm|/docs/file3.txt
        mv|/docs/file4.txt|/docs/renamed.txt
        mv|/docs/file5.txt|/other/file5.txt
        ln|/docs/file6.txt|/other/second name.txt
        write|/docs/in place.bin|20000|HAYHAY",
    );
}

fn work_more(volume: &Volume) {
    volume.put("/docs/grows.bin", &filler(8, 70_000));
    volume.put("/packed/grows.txt", &log_text(140_000));
    volume.change(
        "mkdir|/made
        mv|/old|/made/old
        rm|/docs/deep/small7.txt
        rm|/docs/deep/small8.txt
        write|/docs/deep/検証用.txt|0|after!",
    );
    volume.put("/docs/deep/small8.txt", b"another one of the same name");
    volume.put("/docs/new file.txt", b"of the same name elsewhere");
}

/// What [`work`] does.
const DONE: &str = "created /docs/new file.txt
    modified /docs/file9.txt
    deleted /docs/file3.txt
    renamed /docs/renamed.txt (was /docs/file4.txt)
    renamed /other/file5.txt (was /docs/file5.txt)
    linked /other/second name.txt
    modified /docs/in place.bin";

/// What [`work_more`] does, but for the file that both make.
const DONE_MORE: &str = "modified /docs/grows.bin
    modified /packed/grows.txt
    created /made
    renamed /made/old (was /old)
    deleted /docs/deep/small7.txt
    replaced /docs/deep/small8.txt
    modified /docs/deep/検証用.txt";

#[test]
fn known_changes_are_told_whatever_the_sizes_of_sectors_and_clusters() {
    if !has("mkntfs") || !has("ntfscp") || changer().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let forms: [(&str, &[&str]); 4] = [
        ("plain", &[]),
        ("small-clusters", &["-c", "512"]),
        ("large-clusters", &["-c", "65536"]),
        ("large-sectors", &["-s", "4096"]),
    ];
    for (name, options) in forms {
        println!("{name}");
        let [first, second, third, branch] = states(folder.path(), name, options);
        let (done, more) = (expected(DONE), expected(DONE_MORE));
        let wanted = &done | &more;
        let line = [first, second, third];
        hold(&line, &wanted);
        hold(&line.each_ref().map(|state| behind_mbr(state, 7)), &wanted);
        for table in Table::ALL {
            if let Some(states) = all_behind(table, &line) {
                hold(&states, &wanted);
            }
        }
        let mut between = &mirrored(&done) | &more;
        assert!(between.remove("deleted /docs/new file.txt"));
        between.insert("replaced /docs/new file.txt".to_owned());
        let [first, second, _] = &line;
        hold_branches([first, second, &branch], &between);
    }
}
