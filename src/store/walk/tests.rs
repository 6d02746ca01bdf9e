use super::*;

#[derive(Debug, Default)]
struct Walked {
    candidates: Vec<(String, Option<&'static str>, Way)>,
    companions: Vec<String>,
    configs: usize,
    errors: Vec<String>,
    loops: Vec<String>,
}

fn run(root: &Path, roots: &[PathBuf]) -> Walked {
    let mut seen = Walked::default();
    let show = |path: &Path| {
        path.strip_prefix(root)
            .unwrap_or(path)
            .to_string_lossy()
            .replace('\\', "/")
    };
    walk(
        roots,
        0,
        &CancelToken::default(),
        &Containers::default(),
        &mut |step| match step {
            Step::Candidate(found) => seen.candidates.push((
                show(&found.path),
                found.fault.map(|fault| fault.code.id),
                found.way,
            )),
            Step::Companion(path, _) => seen.companions.push(show(&path)),
            Step::Config(_) => seen.configs += 1,
            Step::Container(_) | Step::Facts(_) | Step::Backup(_) => {}
            Step::Error(error) => seen.errors.push(show(&error.path)),
            Step::NotWalked(path, _) => seen.loops.push(show(&path)),
        },
    )
    .unwrap();
    seen.candidates.sort();
    seen.loops.sort();
    seen
}

fn names(seen: &Walked) -> Vec<&str> {
    seen.candidates.iter().map(|found| &*found.0).collect()
}

#[test]
fn hidden_files_companions_and_configurations_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir_all(root.join(".hidden/sub")).unwrap();
    for name in [
        ".hidden/sub/a.vhd",
        "b.bak",
        "c.vhdx",
        "c.vhdx.rct",
        "c.vhdx.mrt",
        "d.vhds",
        "vm.xml",
    ] {
        std::fs::write(root.join(name), b"x").unwrap();
    }
    let seen = run(root, &[root.to_path_buf()]);
    assert_eq!(names(&seen), [".hidden/sub/a.vhd", "b.bak", "c.vhdx"]);
    assert_eq!(seen.companions.len(), 3);
    assert_eq!(seen.configs, 1);
}

#[test]
fn overlapping_roots_list_a_folder_once() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir(root.join("sub")).unwrap();
    std::fs::write(root.join("sub/a.vhd"), b"x").unwrap();
    let seen = run(
        root,
        &[root.join("sub"), root.to_path_buf(), root.join("sub")],
    );
    assert_eq!(names(&seen), ["sub/a.vhd"]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_once_and_loops_are_named() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir_all(root.join("z/deep")).unwrap();
    std::fs::write(root.join("z/a.vhd"), b"x").unwrap();
    std::fs::write(elsewhere.path().join("b.vhd"), b"x").unwrap();
    symlink(root, root.join("z/deep/up")).unwrap();
    symlink(root.join("z"), root.join("first")).unwrap();
    symlink(elsewhere.path(), root.join("out1")).unwrap();
    symlink(elsewhere.path(), root.join("out2")).unwrap();
    symlink(root.join("nowhere"), root.join("gone.vhd")).unwrap();
    symlink(root.join("nowhere"), root.join("gone.txt")).unwrap();
    symlink("self.vhdx", root.join("self.vhdx")).unwrap();
    symlink(root.join("z/a.vhd"), root.join("again.vhd")).unwrap();
    let seen = run(root, &[root.to_path_buf()]);
    assert_eq!(seen.loops, ["z/deep/up"]);
    let found: Vec<_> = seen
        .candidates
        .iter()
        .map(|(path, fault, way)| (&**path, *fault, *way))
        .collect();
    let out = if names(&seen).contains(&"out1/b.vhd") {
        "out1/b.vhd"
    } else {
        "out2/b.vhd"
    };
    assert_eq!(
        found,
        [
            ("again.vhd", None, Way::Link),
            ("gone.vhd", Some("dangling-symlink"), Way::Link),
            (out, None, Way::Link),
            ("self.vhdx", Some("dangling-symlink"), Way::Link),
            ("z/a.vhd", None, Way::Direct),
        ]
    );
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernels_own_file_systems_are_not_gone_into_unless_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (name, place) in [("all", "/proc"), ("part", "/proc/self/task")] {
        std::os::unix::fs::symlink(place, root.join(name)).unwrap();
    }
    let seen = run(root, &[root.to_path_buf()]);
    assert_eq!(seen.loops, ["all", "part"]);
    assert!(seen.candidates.is_empty());
    let part = PathBuf::from("/proc/self/net");
    if part.exists() {
        assert!(
            !run(root, &[part]).candidates.is_empty(),
            "it was asked for"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_crowd_of_links_among_folders_ends() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for from in 0..12 {
        std::fs::create_dir(root.join(format!("d{from}"))).unwrap();
        for to in 0..12 {
            symlink(
                root.join(format!("d{to}")),
                root.join(format!("d{from}/l{to}")),
            )
            .unwrap();
        }
    }
    let seen = run(root, &[root.to_path_buf()]);
    assert_eq!(seen.loops.len(), 12);
    assert!(seen.candidates.is_empty());
}

#[cfg(unix)]
#[test]
fn a_fifo_and_a_folder_named_like_disks_are_rows_and_the_folder_is_still_walked() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir(root.join("dir.vhdx")).unwrap();
    std::fs::write(root.join("dir.vhdx/in.vhd"), b"x").unwrap();
    assert!(
        std::process::Command::new("mkfifo")
            .arg(root.join("pipe.avhd"))
            .status()
            .unwrap()
            .success()
    );
    assert!(
        std::process::Command::new("mkfifo")
            .arg(root.join("pipe.txt"))
            .status()
            .unwrap()
            .success()
    );
    let seen = run(root, &[root.to_path_buf()]);
    let found: Vec<_> = seen
        .candidates
        .iter()
        .map(|found| (&*found.0, found.1))
        .collect();
    assert_eq!(
        found,
        [
            ("dir.vhdx", Some("not-a-regular-file")),
            ("dir.vhdx/in.vhd", None),
            ("pipe.avhd", Some("not-a-regular-file")),
        ]
    );
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_survive() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let name = std::ffi::OsStr::from_bytes(b"bad\xff\x1b[31m.vhd");
    std::fs::write(folder.path().join(name), b"x").unwrap();
    let mut found = Vec::new();
    walk(
        &[folder.path().to_path_buf()],
        0,
        &CancelToken::default(),
        &Containers::default(),
        &mut |step| {
            if let Step::Candidate(candidate) = step {
                found.push(candidate.path);
            }
        },
    )
    .unwrap();
    assert_eq!(found, [folder.path().join(name)]);
}

#[test]
fn a_root_that_is_not_there_stops_the_scan() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none");
    let error = walk(
        std::slice::from_ref(&missing),
        0,
        &CancelToken::default(),
        &Containers::default(),
        &mut |_| {},
    )
    .unwrap_err();
    assert_eq!(error.0, missing);
}
