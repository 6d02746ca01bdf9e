//! The scripts that ask a host: what they print is read here by example, and they themselves by parsers.

use std::process::Command;

use vhdtree::image::Kind;
use vhdtree::store::host::{VdiRole, read};

use crate::cli::{run, text};

/// As `hyperv.ps1` writes it on Windows PowerShell 5.1, of one machine: two disks, one with a snapshot.
const HYPERV: &str = r#"{
    "schema":  "vhdtree-host/1",
    "host":  "HV01",
    "at":  "2026-11-27T10:00:00.1234567Z",
    "product":  "hyperv",
    "machines":  [
                     {
                         "id":  "11111111-2222-4333-8444-555555555555",
                         "name":  "検証 \u0026 Co",
                         "state":  "running",
                         "version":  "9.0",
                         "parent_snapshot":  "aaaaaaaa-2222-4333-8444-555555555555",
                         "last_applied":  "AAAAAAAA-2222-4333-8444-555555555555",
                         "disks":  [
                                       "D:\\VMs\\a_0A1B.avhdx",
                                       "D:\\VMs\\data.vhdx"
                                   ]
                     }
                 ],
    "snapshots":  [
                      {
                          "id":  "aaaaaaaa-2222-4333-8444-555555555555",
                          "name":  "before",
                          "machine":  "11111111-2222-4333-8444-555555555555",
                          "parent":  null,
                          "taken":  "2026-01-05T00:00:00.0000000Z",
                          "kind":  "standard",
                          "disks":  [
                                        "D:\\VMs\\a.vhdx"
                                    ]
                      }
                  ],
    "disks":  [
                  {
                      "path":  "D:\\VMs\\a_0A1B.avhdx",
                      "format":  "VHDX",
                      "type":  "Differencing",
                      "parent":  "D:\\VMs\\a.vhdx",
                      "id":  "BBBBBBBB-2222-4333-8444-555555555555",
                      "size":  136365211648,
                      "file_size":  4194304,
                      "block_size":  2097152,
                      "sector_size":  512,
                      "attached":  true
                  }
              ],
    "files":  [
                  {
                      "path":  "D:\\VMs\\a_0A1B.avhdx",
                      "length":  4194304,
                      "created":  "2026-01-05T00:00:01.5000000Z",
                      "written":  "2026-11-27T09:59:59.0000000Z"
                  }
              ],
    "free":  [
                 {
                     "path":  "D:\\VMs",
                     "bytes":  5368709120
                 }
             ]
}"#;

/// As `hyperv-2008.ps1` puts it together by itself.
const HYPERV_2008: &str = "{\"schema\":\"vhdtree-host/1\",\"host\":\"HV08\",\"at\":\"2026-11-27T10:00:00.0000000Z\",\"product\":\"hyperv-2008\",\r\n\"machines\":[{\"id\":\"11111111-2222-4333-8444-555555555555\",\"name\":\"a \\\"b\\\"\",\"state\":\"off\",\"parent_snapshot\":null,\"last_applied\":null,\"disks\":[]}],\r\n\"snapshots\":[],\r\n\"disks\":[{\"path\":\"D:\\\\a.vhd\",\"format\":\"VHD\",\"type\":null,\"parent\":null,\"size\":null,\"file_size\":10,\"attached\":false}],\r\n\"files\":[],\r\n\"free\":[{\"path\":\"D:\\\\\",\"bytes\":1}]}\r\n";

/// As `xe` prints what `xcpng.sh` asks for: two blank lines behind each record, lists one behind the other.
const XE: &str = "uuid ( RO)             : 22222222-0000-4000-8000-000000000002\n       name-label ( RW): web: disk 0\n    is-a-snapshot ( RO): true\n      snapshot-of ( RO): 44444444-0000-4000-8000-000000000004\n    snapshot-time ( RO): 20260210T20:00:00Z\n          managed ( RO): true\n          sr-uuid ( RO): 6f2c1c1e-1111-4222-8333-444455556666\n\n\nvdi-uuid ( RO)         : 22222222-0000-4000-8000-000000000002\n          vm-uuid ( RO): 33333333-0000-4000-8000-000000000003\n    vm-name-label ( RO): before\n\n\nuuid ( RO)             : 33333333-0000-4000-8000-000000000003\n       name-label ( RW): before\n      snapshot-of ( RO): 55555555-0000-4000-8000-000000000005\n    snapshot-time ( RO): 20260210T20:00:00Z\n\n\n";

#[test]
fn what_the_scripts_print_is_read() {
    let facts = read(HYPERV.as_bytes()).unwrap();
    let machine = &facts.machines[0];
    assert_eq!((&*machine.name, machine.running), ("検証 & Co", Some(true)));
    assert_eq!(machine.disks.as_ref().unwrap().len(), 2);
    assert_eq!(machine.last_applied, facts.snapshots[0].id);
    let taken = facts.snapshots[0].taken.unwrap().at.to_string();
    assert_eq!(taken, "2026-01-05T00:00:00Z");
    let file = &facts.files[0];
    let disk = file.disk.as_ref().unwrap();
    assert_eq!(
        (disk.kind, disk.attached),
        (Some(Kind::Differencing), Some(true))
    );
    assert_eq!(file.born.unwrap().to_string(), "2026-01-05T00:00:01.5Z");
    assert_eq!(facts.free, [(r"D:\VMs".to_owned(), 5_368_709_120)]);
    // A list may come wrapped, or as `null`.
    let wrapped = HYPERV.replacen("[\n                     {", "{\"value\":[{", 1);
    let wrapped = wrapped.replacen("}\n                 ],", "}],\"Count\":1},", 1);
    assert_eq!(read(wrapped.as_bytes()).unwrap(), facts);
    let old = read(HYPERV_2008.as_bytes()).unwrap();
    assert_eq!(old.machines[0].name, "a \"b\"");
    assert_eq!(old.machines[0].disks, Some(Vec::new()));
    assert_eq!(old.files[0].disk.as_ref().unwrap().size, None);
    let pool = read(XE.as_bytes()).unwrap();
    assert_eq!(pool.vdis[0].name, "web: disk 0");
    assert!(matches!(pool.vdis[0].role, VdiRole::SnapshotOfNothing));
    assert_eq!(pool.snapshots[0].name, "before");
}

#[test]
fn scripts_that_ask_a_host_are_printed_and_parse() {
    const PARSE: &str = "import sys, tree_sitter_powershell as p\nfrom tree_sitter import Language, Parser\nt = Parser(Language(p.language())).parse(open(sys.argv[1], 'rb').read())\nsys.exit(1 if t.root_node.has_error else 0)\n";
    let folder = tempfile::tempdir().unwrap();
    let python = |code: &str| {
        let mut python = Command::new("python3");
        python
            .args(["-c", code])
            .arg("script")
            .current_dir(folder.path());
        python.output().is_ok_and(|done| done.status.success())
    };
    for kind in ["hyperv", "hyperv-2008", "xcpng"] {
        let script = text(&run(folder.path(), ["collect", kind]));
        assert!(script.contains("--facts"), "{kind}");
        assert!(script.is_ascii(), "{kind}: any console reads it");
        std::fs::write(folder.path().join("script"), script).unwrap();
        if kind != "xcpng" {
            if python("import tree_sitter_powershell") {
                assert!(python(PARSE), "{kind}");
            } else {
                println!("skipped: tree-sitter-powershell");
            }
            continue;
        }
        for (tool, arguments) in [("sh", &["-n", "script"][..]), ("shellcheck", &["script"])] {
            let checked = Command::new(tool)
                .args(arguments)
                .current_dir(folder.path())
                .output();
            match checked {
                Ok(checked) => assert!(
                    checked.status.success(),
                    "{}",
                    String::from_utf8_lossy(&checked.stdout)
                ),
                Err(_) => println!("skipped: {tool}"),
            }
        }
    }
}
