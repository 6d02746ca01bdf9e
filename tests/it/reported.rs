//! Stores made after situations that people reported in public, and what each note beside them asks for.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::runner::{codes_of, json_of, row_of, vhdtree};
use crate::truth::samples;

/// The cases, unpacked; `None` after saying why not.
struct Cases {
    _folder: tempfile::TempDir,
    reported: PathBuf,
}

impl Cases {
    fn unpack(case: &str) -> Option<Self> {
        let packed = samples().map(|samples| samples.join("cases.tar.zst"));
        let Some(packed) = packed.filter(|packed| packed.is_file()) else {
            println!("skipped: samples");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let done = Command::new("tar")
            .args(["--zstd", "-xpSf"])
            .arg(&packed)
            .arg("-C")
            .arg(folder.path())
            .arg(format!("cases/reported/{case}"))
            .status();
        if !done.is_ok_and(|status| status.success()) {
            println!("skipped: tar with zstd");
            return None;
        }
        Some(Self {
            reported: folder.path().join("cases/reported").join(case),
            _folder: folder,
        })
    }

    fn store(&self, name: &str) -> PathBuf {
        self.reported.join(name)
    }
}

/// The one file of a store whose name begins so.
fn file(store: &Path, begins: &str) -> PathBuf {
    let found = std::fs::read_dir(store)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with(begins)
        });
    found.unwrap_or_else(|| panic!("{begins}... in {}", store.display()))
}

fn check(store: &Path) -> Value {
    json_of(&["check", "--json"], store)
}

fn says(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_base_that_was_enlarged_below_a_checkpoint_is_an_error_with_the_way_back() {
    let Some(cases) = Cases::unpack("01-parent-expanded") else {
        return;
    };
    for (store, base) in [("s_vhd", "FOO.vhd"), ("s_vhdx", "FOO.vhdx")] {
        let store = cases.store(store);
        let leaf = file(&store, "FOO_");
        let name = leaf.file_name().unwrap().to_str().unwrap();
        assert_eq!(codes_of(&check(&store), name), ["parent-enlarged"]);
        let tree = says(&vhdtree(&["ls"], &store));
        assert!(tree.contains("BROKEN"), "{tree}");
        let gate = vhdtree(&["gate"], &store.join(base));
        assert_eq!(gate.status.code(), Some(1));
        let plan = says(&vhdtree(&["plan"], &store.join(base)));
        let flat = plan.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            flat.contains("old size back") && flat.contains("Do not merge"),
            "{plan}"
        );
        assert!(!flat.contains("does not grow"), "{plan}");
    }
}

#[test]
fn a_raw_base_is_shown_as_raw_and_lies_where_its_child_lies() {
    let Some(cases) = Cases::unpack("09-raw-parent") else {
        return;
    };
    let run = |arguments: &[&str]| {
        let output = crate::cli::run(&cases.reported, arguments.iter().copied());
        String::from_utf8(output.stdout).unwrap()
    };
    let ls: Value = serde_json::from_str(&run(&["ls", "--json", "s_raw"])).unwrap();
    let row = row_of(&ls, ".raw");
    assert_eq!(row["format"], "raw");
    assert_eq!(row["id"], Value::Null);
    let child = row_of(&ls, "71039e6c-de90-565a-8cd7-89b263271615.vhd");
    let folder = |row: &Value| {
        let path = Path::new(row["path"].as_str().unwrap());
        path.parent().unwrap().to_path_buf()
    };
    assert_eq!(folder(row), Path::new("s_raw"));
    assert_eq!(child["parent"]["resolved"], row["path"]);
    let name = file(&cases.store("s_raw"), "66901c70");
    let name = Path::new("s_raw").join(name.file_name().unwrap());
    let info = run(&["info", name.to_str().unwrap()]);
    assert!(info.contains("raw"), "{info}");
    assert!(
        !info.contains("geometry") && !info.contains("  id "),
        "{info}"
    );
}

#[test]
fn a_base_whose_geometry_is_smaller_than_its_stored_size_is_sound() {
    let Some(cases) = Cases::unpack("16-vpc-base-hyperv-child") else {
        return;
    };
    for store in ["s_vpc", "s_qemu"] {
        let store = cases.store(store);
        assert_eq!(check(&store)["findings"].as_array().unwrap().len(), 0);
        let plan = json_of(&["plan", "--json"], &store.join("XP.vhd"));
        let reasons = plan["reasons"].to_string();
        assert!(!reasons.contains("broken-chain"), "{reasons}");
        let info = says(&vhdtree(&["info"], &store.join("XP.vhd")));
        assert!(
            info.contains("2,130,444,288") && info.contains("2,130,706,432"),
            "{info}"
        );
    }
}

#[test]
fn a_base_that_a_merge_enlarges_needs_room_for_all_the_child_holds() {
    let Some(cases) = Cases::unpack("54-grown-child-growth") else {
        return;
    };
    for (store, enlarge) in [("s_grown", Some(256_u64 << 20)), ("s_control", None)] {
        let base = file(&cases.store(store), "a018451c");
        let plan = json_of(&["plan", "--json"], &base);
        let merge = &plan["merge"][0];
        let grown = merge["grow_max"].as_u64().unwrap();
        assert!((180 << 20..=183 << 20).contains(&grown), "{store}: {grown}");
        assert_eq!(merge["enlarge_to"].as_u64(), enlarge);
        assert!(merge["survivor"].as_str().unwrap().contains("c5f4bcc4"));
        assert_eq!(merge["free_source"], "here");
        assert_eq!(
            codes_of(&check(&cases.store(store)), ".vhd"),
            Vec::<String>::new()
        );
    }
}

#[test]
fn what_a_backup_left_is_told_and_does_not_break_its_machine() {
    let Some(cases) = Cases::unpack("05-autorecovery-left") else {
        return;
    };
    let store = cases.store("s_myvm");
    let codes = codes_of(&check(&store), "MyVM-AutoRecovery.avhdx");
    assert!(codes.contains(&"backup-leftover".to_owned()), "{codes:?}");
    assert!(
        !codes.contains(&"parent-written-after".to_owned()),
        "{codes:?}"
    );
    assert_eq!(codes_of(&check(&store), "MyVM.vhdx"), Vec::<String>::new());
    let tree = says(&vhdtree(&["ls"], &store));
    assert!(!tree.contains("BROKEN"), "{tree}");
    let info = says(&vhdtree(&["info"], &store.join("MyVM-AutoRecovery.avhdx")));
    assert!(!info.contains("Restore the parent"), "{info}");
}

#[test]
fn the_drafts_state_for_unmapped_blocks_is_read_as_such() {
    let Some(cases) = Cases::unpack("24-vhdx-v095-unmapped") else {
        return;
    };
    let rows = |store: &str| json_of(&["ls", "--json"], &cases.store(store));
    let found = check(&cases.store("s_5"));
    assert_eq!(codes_of(&found, "a.vhdx"), ["vhdx-table-draft-state"]);
    assert_eq!(found["findings"][0]["severity"], "info");
    let rows = rows("s_5");
    let blocks = &row_of(&rows, "a.vhdx")["blocks"];
    assert_eq!(
        (&blocks["unmapped"], &blocks["error"]),
        (&1.into(), &0.into())
    );
    assert_eq!(
        codes_of(&check(&cases.store("s_4")), "a.vhdx"),
        ["vhdx-table-state"]
    );
    let sound = codes_of(&check(&cases.store("s_123")), "a.vhdx");
    assert_eq!(sound, Vec::<String>::new());
}

#[test]
fn disks_that_no_snapshot_owns_any_more_are_lingering() {
    let Some(cases) = Cases::unpack("41-lingering-with-config") else {
        return;
    };
    let found = check(&cases.store("s_vm"));
    let all = found["findings"].as_array().unwrap();
    let lingering = all.iter().filter(|one| one["code"] == "lingering-disk");
    assert_eq!(lingering.count(), 3, "{found:#}");
    assert_eq!(codes_of(&found, "srv.vhdx"), Vec::<String>::new());
}

#[test]
fn a_parent_that_only_its_id_finds_is_a_warning_with_the_command_that_reconnects() {
    let Some(cases) = Cases::unpack("46-renamed-parent-vhd") else {
        return;
    };
    for store in ["s_vhd", "s_moved", "s_vhd_labels", "s_moved_labels"] {
        let folder = cases.store(store);
        let found = check(&folder);
        let mut all = found["findings"].as_array().unwrap().iter();
        let one = all.find(|one| one["code"] == "parent-by-id-only");
        let one = one.unwrap_or_else(|| panic!("{store}: {found:#}"));
        assert_eq!(one["severity"], "warning");
        // The engine follows paths, so where a machine is known its delete does not pass.
        let asked = match store {
            "s_vhd_labels" => Some(vhdtree(&["gate"], &folder.join("web-old.vhd"))),
            "s_moved_labels" => Some(vhdtree(&["gate", "--snapshot", "s1"], &folder)),
            _ => None,
        };
        if let Some(gate) = asked {
            assert_eq!(gate.status.code(), Some(3), "{store}");
            assert!(says(&gate).contains("linked-by-id-only"), "{}", says(&gate));
        }
        let told = says(&vhdtree(&["explain"], Path::new("parent-by-id-only")));
        assert!(told.contains("Set-VHD"), "{told}");
    }
}
