//! A number of an inode that is used again names another file, even where the generation is the same: it was made later.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::chains::{content, expected, has, hold, tool};

fn image(path: &Path, mebibytes: u64) -> String {
    fs::File::create(path)
        .unwrap()
        .set_len(mebibytes << 20)
        .unwrap();
    path.to_str().unwrap().to_owned()
}

/// Runs `debugfs` at a time; what it says.
fn debugfs(at: u32, image: &str, request: &str) -> String {
    let output = Command::new("debugfs")
        .env("E2FSPROGS_FAKE_TIME", at.to_string())
        .args(["-w", "-R", request, image])
        .output()
        .unwrap();
    assert!(output.status.success(), "{request}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_inode_of_ext_that_is_used_again_is_another_file() {
    if !has("mke2fs") || !has("debugfs") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let image = image(&folder.path().join("volume"), 16);
    let put = folder.path().join("put");
    fs::write(&put, b"the same bytes").unwrap();
    let write =
        |at: u32, name: &str| debugfs(at, &image, &format!("write {} {name}", put.display()));
    let which = |name: &str| {
        let said = debugfs(1_700_000_000, &image, &format!("stat {name}"));
        let said = said.replace(':', " ");
        let word = |after: &str| {
            let mut words = said.split_whitespace().skip_while(|word| *word != after);
            words.nth(1).unwrap().to_owned()
        };
        (word("Inode"), word("Generation"))
    };
    // The kernel changes the directory's own inode too; debugfs does not.
    for (again, wanted) in [
        ("other", "deleted /file\ncreated /other"),
        ("file", "deleted /file\ncreated /file"),
    ] {
        tool("mke2fs", &["-q", "-F", "-text4", &image]);
        write(1_700_000_000, "file");
        let (before, was) = (content(Path::new(&image)), which("file"));
        debugfs(1_700_000_100, &image, "rm file");
        write(1_700_000_200, again);
        assert_eq!(which(again), was);
        hold(&[before, content(Path::new(&image))], &expected(wanted));
    }
}

#[test]
fn an_inode_of_xfs_that_is_used_again_is_another_file() {
    if !has("mkfs.xfs") || Command::new("xfs_db").arg("-V").output().is_err() {
        println!("skipped: xfs_db");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let image = image(&folder.path().join("volume"), 24);
    let described = folder.path().join("prototype");
    let put = folder.path().join("put");
    fs::write(&put, b"the same bytes").unwrap();
    let text = format!(
        "/bogus\n0 0\nd--755 0 0\n file ---644 0 0 {}\n$\n",
        put.display()
    );
    fs::write(&described, text).unwrap();
    let change = |fields: &[&str]| {
        let mut args = vec!["-x"];
        let inode = Command::new("xfs_db")
            .args(["-r", "-c", "sb 0", "-c", "p rootino", &image])
            .output()
            .unwrap();
        let inode = String::from_utf8(inode.stdout).unwrap();
        // The first file after the root and the two of the realtime section.
        let root: u64 = inode.trim().rsplit(' ').next().unwrap().parse().unwrap();
        let at = format!("inode {}", root + 3);
        args.extend(["-c", &at]);
        let writes: Vec<_> = fields
            .iter()
            .map(|field| format!("write {field}"))
            .collect();
        args.extend(writes.iter().flat_map(|write| ["-c", write]));
        args.push(&image);
        tool("xfs_db", &args);
    };
    for (fields, wanted) in [
        (
            &["v3.crtime.sec 1700000200"][..],
            "deleted /file\ncreated /file",
        ),
        (&["core.gen 77"], "deleted /file\ncreated /file"),
        (&["core.mtime.sec 1700000200"], "metadata /file"),
    ] {
        let options = ["-q", "-f", "--unsupported", "-mbigtime=0", "-p"];
        tool(
            "mkfs.xfs",
            &[&options[..], &[described.to_str().unwrap(), &image]].concat(),
        );
        let before = content(Path::new(&image));
        change(fields);
        hold(&[before, content(Path::new(&image))], &expected(wanted));
    }
}
