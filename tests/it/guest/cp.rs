//! `cp` and `files` as programs: what they bring back, and where they refuse to write.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::chains::{content, has, tool};
use vhdtree::build::vhd::VhdBuilder;

pub fn vhdtree(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vhdtree"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// A store of a base and a child in which a file was changed and another deleted, beside an empty folder.
fn store(folder: &Path) -> Vec<u8> {
    let image = folder.join("volume.img");
    let name = image.to_str().unwrap();
    fs::File::create(&image).unwrap().set_len(8 << 20).unwrap();
    tool("mkfs.fat", &["-F", "12", name]);
    tool("mmd", &["-i", name, "::/docs"]);
    let put = |path: &str, bytes: &[u8]| {
        let from = folder.join("put");
        fs::write(&from, bytes).unwrap();
        let to = format!("::{path}");
        tool("mcopy", &["-o", "-i", name, from.to_str().unwrap(), &to]);
    };
    let long: Vec<u8> = (0..100_000_u32).map(|at| at.to_le_bytes()[1]).collect();
    put("/docs/検証用.txt", &long);
    put("/docs/gone.txt", b"gone");
    put("/NUL.txt", b"a device elsewhere");
    let before = content(&image);
    put("/docs/検証用.txt", b"shorter");
    tool("mdel", &["-i", name, "::/docs/gone.txt"]);
    let after = content(&image);
    fs::create_dir(folder.join("store")).unwrap();
    fs::create_dir(folder.join("out")).unwrap();
    let base = VhdBuilder::dynamic(8 << 20).id(1).write(0, &before);
    base.build_to(&folder.join("store/base.vhd")).unwrap();
    let mut child = VhdBuilder::differencing(8 << 20)
        .id(2)
        .parent(1, "base.vhd");
    for (sector, (old, new)) in (0..).zip(before.chunks(512).zip(after.chunks(512))) {
        if old != new {
            child.write_more(sector, new);
        }
    }
    child.build_to(&folder.join("store/child.avhd")).unwrap();
    after
}

#[test]
fn files_come_back_as_they_were_and_nothing_is_written_into_a_store() {
    if !has("mcopy") || !has("mkfs.fat") {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let raw = store(folder);
    let told = vhdtree(folder, &["files", "store/child.avhd"]);
    let text = String::from_utf8(told.stdout.clone()).unwrap();
    assert_eq!(code(&told), 1, "{text}");
    assert!(
        text.contains("1 modified, 1 deleted") && text.contains("検証用.txt"),
        "{text}"
    );
    let long: Vec<u8> = (0..100_000_u32).map(|at| at.to_le_bytes()[1]).collect();
    let copy = |args: &[&str]| vhdtree(folder, &[&["cp"], args].concat());

    assert_eq!(
        code(&copy(&["store/base.vhd", "/docs/検証用.txt", "out"])),
        0
    );
    assert!(content(&folder.join("out/検証用.txt")) == long);
    let again = copy(&["store/base.vhd", "/docs/検証用.txt", "out"]);
    assert_eq!(code(&again), 2, "a file that is there stays");
    let forced = [
        "store/child.avhd",
        "/DOCS/検証用.txt",
        "out/検証用.txt",
        "--force",
    ];
    assert_eq!(code(&copy(&forced)), 0);
    assert_eq!(content(&folder.join("out/検証用.txt")), b"shorter");
    let piped = copy(&["store/base.vhd", "disk:\\docs\\gone.txt", "-"]);
    assert_eq!(piped.stdout, b"gone");
    assert_eq!(code(&copy(&["store/base.vhd", "/", "out/all"])), 0);
    assert_eq!(
        content(&folder.join("out/all/_NUL.txt")),
        b"a device elsewhere"
    );
    assert!(content(&folder.join("out/all/docs/検証用.txt")) == long);
    let tar = copy(&["store/base.vhd", "/docs", "-"]);
    fs::write(folder.join("out/docs.tar"), &tar.stdout).unwrap();
    let listed = Command::new("tar")
        .arg("-xf")
        .arg("out/docs.tar")
        .current_dir(folder)
        .output();
    assert!(listed.unwrap().status.success());
    assert!(content(&folder.join("docs/検証用.txt")) == long);

    assert_eq!(code(&copy(&["store/child.avhd", "out/whole.raw"])), 0);
    assert!(content(&folder.join("out/whole.raw")) == raw);
    let other = folder.join("other/Virtual Hard Disks");
    fs::create_dir_all(folder.join("other/notes")).unwrap();
    fs::create_dir(&other).unwrap();
    fs::write(other.join("x.vhdx"), "").unwrap();
    std::os::unix::fs::symlink(folder.join("other/notes"), folder.join("out/notes")).unwrap();
    let absolute = folder.join("other/new.raw");
    for (inside, why) in [
        ("store/new.raw", "lies in the store"),
        ("out/../store/new.raw", "lies in the store"),
        ("other/new.raw", "holds Virtual Hard Disks/x.vhdx"),
        (
            absolute.to_str().unwrap(),
            "holds Virtual Hard Disks/x.vhdx",
        ),
        (
            "out/../other/notes/new.raw",
            "holds Virtual Hard Disks/x.vhdx",
        ),
        ("out/notes/new.raw", "holds Virtual Hard Disks/x.vhdx"),
        ("other/Virtual Hard Disks/new.raw", "holds x.vhdx"),
    ] {
        for what in [
            &["store/child.avhd"][..],
            &["store/base.vhd", "/docs/gone.txt"],
        ] {
            let refused = copy(&[what, &[inside]].concat());
            let said = String::from_utf8(refused.stderr.clone()).unwrap();
            assert!(
                code(&refused) == 2 && said.contains(why),
                "{inside}: {said}"
            );
            let place = folder.join(inside);
            assert!(!place.exists(), "{inside}");
        }
    }
    let of_store = ["store/child.avhd", "out/new.raw", "--store", "."];
    assert_eq!(code(&copy(&of_store)), 2, "below the store that is named");
    assert_eq!(code(&copy(&["store/child.avhd", "beside.raw"])), 0);
    assert_eq!(
        code(&copy(&["store/child.avhd", "/docs/gone.txt", "out/no"])),
        2
    );
    std::os::unix::fs::symlink(folder.join("elsewhere"), folder.join("out/link")).unwrap();
    let through = ["store/base.vhd", "/docs/gone.txt", "out/link", "--force"];
    assert_eq!(code(&copy(&through)), 2, "a link is not written through");
    assert!(!folder.join("elsewhere").exists());
}
