//! Every JSON answer against the schema that is shipped.
//!
//! The validator knows the keywords the schema uses and fails on any other, so that nothing in it goes unchecked.

use std::fs;
use std::path::Path;

use serde_json::Value;
use vhdtree::analysis::Assessment;
use vhdtree::analysis::plan::{Answer, Loss, LostFiles, Merge, Plan, Reason};
use vhdtree::report::json::{ls as ls_json, plan as plan_json};
use vhdtree::store::{DiskId, Forest, Product};

use super::{json, run, store};

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../assets/schema/vhdtree-1.json")).unwrap()
}

/// Checks a value; the errors name where.
fn validate(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut errors = Vec::new();
    for (keyword, wanted) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$ref" => {
                let name = wanted.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                errors.extend(validate(root, &root["$defs"][name], value, at));
            }
            "anyOf" => {
                let tries: Vec<_> = wanted
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|one| validate(root, one, value, at))
                    .collect();
                if !tries.iter().any(Vec::is_empty) {
                    errors.extend(tries.into_iter().min_by_key(Vec::len).unwrap());
                }
            }
            "type" => {
                let fits = |word: &str| match word {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "boolean" => value.is_boolean(),
                    "null" => value.is_null(),
                    other => panic!("type {other}"),
                };
                let ok = match wanted {
                    Value::String(word) => fits(word),
                    Value::Array(words) => words.iter().any(|word| fits(word.as_str().unwrap())),
                    other => panic!("type {other}"),
                };
                if !ok {
                    errors.push(format!("{at}: {value} is no {wanted}"));
                }
            }
            "const" if value != wanted => errors.push(format!("{at}: {value} is not {wanted}")),
            "enum" if !wanted.as_array().unwrap().contains(value) => {
                errors.push(format!("{at}: {value} is none of {wanted}"));
            }
            "$schema" | "title" | "description" | "$defs" | "const" | "enum" => {}
            "minimum" => {
                if value
                    .as_i64()
                    .is_some_and(|value| value < wanted.as_i64().unwrap())
                {
                    errors.push(format!("{at}: {value} is below {wanted}"));
                }
            }
            "format" => {
                assert_eq!(wanted, "date-time");
                if let Some(text) = value.as_str()
                    && (text.parse::<jiff::Timestamp>().is_err() || !text.ends_with('Z'))
                {
                    errors.push(format!("{at}: {text} is no time in UTC"));
                }
            }
            "required" => {
                for key in wanted.as_array().unwrap() {
                    if value.is_object() && value.get(key.as_str().unwrap()).is_none() {
                        errors.push(format!("{at}: {key} is missing"));
                    }
                }
            }
            "properties" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    match wanted.get(key) {
                        Some(schema) => {
                            errors.extend(validate(root, schema, value, &format!("{at}/{key}")));
                        }
                        None => errors.push(format!("{at}: {key} is not in the schema")),
                    }
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    errors.extend(validate(root, wanted, item, &format!("{at}/{index}")));
                }
            }
            other => panic!("the validator does not know {other}"),
        }
    }
    errors
}

#[test]
fn every_answer_follows_the_schema() {
    let schema = schema();
    let folder = tempfile::tempdir().unwrap();
    store::healthy(folder.path());
    let odd = folder.path().join("odd");
    std::fs::create_dir(&odd).unwrap();
    store::broken(&odd);
    let middle = "vm_0A1B2C3D-0000-4000-8000-000000000001.avhd";
    for args in [
        &["ls", "."][..],
        &["check", "."],
        &["changes", "odd", "."],
        &["info", middle],
        &["map", middle],
        &["diff", middle],
        &["plan", middle],
        &["gate", middle],
        &["explain"],
        &["explain", "parent-missing"],
    ] {
        let value = json(folder.path(), args);
        assert_eq!(value["command"], args[0]);
        let named = args[0].replace("gate", "plan");
        let errors = validate(&schema, &schema["$defs"][named], &value, args[0]);
        assert!(errors.is_empty(), "{}", errors.join("\n"));
        assert!(validate(&schema, &schema, &value, "any").is_empty());
    }
    let lines = run(folder.path(), ["ls", ".", "--ndjson"]);
    let mut count = 0;
    for line in lines
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let value: Value = serde_json::from_slice(line).unwrap();
        let kind = if count == 0 { "scan" } else { "disk" };
        let errors = validate(&schema, &schema["$defs"][kind], &value, "line");
        assert!(errors.is_empty(), "{}", errors.join("\n"));
        count += 1;
    }
    assert_eq!(count, 1 + 8);
    for args in [["ls", "."], ["check", "."]] {
        let brief = json(folder.path(), &[&args[..], &["--brief"]].concat());
        let errors = validate(&schema, &schema["$defs"][args[0]], &brief, args[0]);
        let is_prose = |of: &String| of.contains("\"text\" is") || of.contains("\"summary\" is");
        assert!(errors.iter().all(is_prose), "{}", errors.join("\n"));
        let text = brief.to_string();
        for prose in ["\"text\"", "\"summary\"", "\"why\":\""] {
            assert!(!text.contains(prose), "{args:?} holds {prose}");
        }
    }
}

/// Fails if a value is not as the schema's definition `named` wants it.
fn follows(schema: &Value, named: &str, value: &Value, what: &str) {
    let errors = validate(schema, &schema["$defs"][named], value, named);
    assert!(errors.is_empty(), "{what}:\n{}", errors.join("\n"));
}

/// Runs a command for JSON and for JSON lines; both must follow the schema if there is an answer, and there must be no
/// word on standard output if there is none. `line` is the definition of a line. True if there was an answer.
fn answers(schema: &Value, folder: &Path, args: &[&str], line: &str) -> bool {
    let what = args.join(" ");
    let named = match args {
        ["map", "--owners", ..] => "mapOwners".to_owned(),
        ["files", "--versions", ..] => "fileVersions".to_owned(),
        _ => args[0].replace("gate", "plan"),
    };
    let output = run(folder, args.iter().copied().chain(["--json"]));
    let lines = run(folder, args.iter().copied().chain(["--ndjson"]));
    assert_eq!(output.status, lines.status, "{what}");
    if output.status.code() == Some(2) {
        assert!(
            output.stdout.is_empty() && lines.stdout.is_empty(),
            "{what}"
        );
        return false;
    }
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["command"], args[0], "{what}");
    follows(schema, &named, &value, &what);
    let texts = lines.stdout.split(|byte| *byte == b'\n');
    let values = texts.filter(|text| !text.is_empty());
    let mut values = values.map(|text| serde_json::from_slice::<Value>(text).unwrap());
    if matches!(args[0], "ls" | "check") {
        follows(schema, "scan", &values.next().unwrap(), &what);
    }
    for value in values {
        follows(schema, line, &value, &what);
    }
    true
}

/// Disks of the demo cut off behind their headers, in the middle of them, and with their first sectors lost.
fn torn(demo: &Path, folder: &Path) {
    fs::create_dir(folder).unwrap();
    for name in [
        "web01/web01_A02E91B3-5D1B-4F7E-B8C4-1A9F60D7E355.avhd",
        "app03/app03.vhdx",
        "app03/app03_5C7E90B4-2D1A-4F63-8B0E-93A7D6C5E1F2.avhdx",
    ] {
        let whole = fs::read(demo.join(name)).unwrap();
        let (stem, ending) = name.rsplit('/').next().unwrap().rsplit_once('.').unwrap();
        for keep in [700, 0x3_0400, 0x20_0200] {
            let path = folder.join(format!("{stem}-{keep}.{ending}"));
            fs::write(path, &whole[..keep]).unwrap();
        }
        let mut headless = whole[..0x60_0000].to_vec();
        headless[..0x1_0000].fill(0);
        fs::write(folder.join(format!("{stem}-headless.{ending}")), headless).unwrap();
    }
}

#[test]
fn every_command_follows_the_schema_for_every_disk_of_the_demo_and_of_torn_disks() {
    let schema = schema();
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("demo");
    vhdtree::demo::build(&demo).unwrap();
    torn(&demo, &folder.path().join("torn"));
    let mut answered = 0;
    for store in ["demo", "torn"] {
        let times = format!("--facts={}", demo.join("times.csv").display());
        for (args, line) in [
            (["ls", store], "disk"),
            (["check", store], "pathFinding"),
            (["ls", &format!("{store}/nothing")], "disk"),
        ] {
            answered += usize::from(answers(
                &schema,
                folder.path(),
                &[&args[..], &[&times]].concat(),
                line,
            ));
        }
        let ls = json(folder.path(), &["ls", store]);
        for disk in ls["disks"].as_array().unwrap() {
            let path = disk["path"].as_str().unwrap();
            for (command, line) in [
                ("info", "info"),
                ("map", "stateRun"),
                ("map --owners", "ownerRun"),
                ("diff", "diffRun"),
                ("diff --owners", "diffRun"),
                ("plan", "plan"),
                ("gate", "plan"),
                ("files", "filesLine"),
                ("files --noise --sort size", "filesLine"),
                ("files --all", "filesLine"),
                ("files --versions --in /WINDOWS", "pathVersion"),
            ] {
                let args: Vec<&str> = command.split(' ').chain([path]).collect();
                answered += usize::from(answers(&schema, folder.path(), &args, line));
            }
        }
    }
    for (snapshot, store) in [("SP1適用前", "demo/TestWin7"), ("pre-patch", "demo/web01")] {
        for command in ["plan", "gate"] {
            let args = [command, store, "--snapshot", snapshot];
            assert!(answers(&schema, folder.path(), &args, "plan"));
            answered += 1;
        }
    }
    assert!(answers(&schema, folder.path(), &["explain"], "code"));
    assert!(
        answered > 50,
        "{answered} answers are too few to mean anything"
    );
}

#[test]
fn the_golden_json_follows_the_schema() {
    let mut golden: Value = serde_json::from_str(include_str!("golden/ls-json.txt")).unwrap();
    // Left out there because it differs from machine to machine.
    for disk in golden["disks"].as_array_mut().unwrap() {
        disk["free"] = Value::Null;
    }
    follows(&schema(), "ls", &golden, "golden/ls-json.txt");
}

/// What scripts may count on: each key is in every answer, known or `null`.
#[test]
fn the_keys_of_the_contract_are_required() {
    let schema = schema();
    let head = "schema command complete errors";
    for (named, keys) in [
        ("ls", "disks"),
        ("check", "findings"),
        ("diff", "child parent sectors equal runs"),
        ("map", "blocks runs"),
        (
            "plan",
            "verdict summary reasons merge lost not_checked snapshot vm as reverted",
        ),
        (
            "disk",
            "path format kind virtual_size file_size block_size sector_size blocks dirty_blocks dirty_sectors dirty_bytes \
             id data_write_id creator created created_source modified parent children depth leaf in_use_by snapshots \
             made_by_revert findings",
        ),
        ("blocks", "total full partial zero unmapped absent"),
        (
            "parent",
            "id_wanted stored_paths resolved resolved_by state",
        ),
        ("snapshot", "name id vm taken taken_source parent verdict"),
        (
            "verdict",
            "reverted rule applied_at snapshot disk_above above stands_at_snapshot evidence summary would_settle",
        ),
        ("interval", "not_before not_after"),
        (
            "evidence",
            "code of says time slack_seconds state why text source",
        ),
        ("finding", "code severity at expected actual text"),
        ("pathFinding", "path code severity at expected actual text"),
        ("sectors", "compared same changed zeroed"),
        ("diffRun", "sector count kind"),
        ("stateRun", "block count state"),
        ("files", "volumes files totals read"),
        (
            "guestVolume",
            "record volume fs label id readable why clean",
        ),
        (
            "guestFile",
            "record volume change type path old_path size old_size modified old_modified written noise id links streams",
        ),
        ("filesEnd", "record complete totals read"),
        ("filesRead", "bytes reads"),
        (
            "merge",
            "from into survivor blocks bytes bytes_max grow_max enlarge_to free free_source",
        ),
        ("pathError", "path error"),
    ] {
        let required = schema["$defs"][named]["required"].as_array().unwrap();
        let is_answer = ["ls", "check", "diff", "map", "plan", "files"].contains(&named);
        let head = head.split(' ').filter(|_| is_answer);
        for key in keys.split_whitespace().chain(head) {
            assert!(
                required.iter().any(|has| has == key),
                "{named} may lack {key}"
            );
        }
    }
}

#[test]
fn a_plan_with_everything_in_it_follows_the_schema() {
    let schema = schema();
    let code = vhdtree::report::codes::find("parent-missing").unwrap();
    let plan = Plan {
        snapshot: None,
        machine: None,
        frozen: vec![DiskId(0)],
        product: Product::XcpNg,
        answer: Answer::Refuse,
        summary: "no".to_owned(),
        reasons: vec![Reason {
            code,
            answer: Answer::Refuse,
            text: "why".to_owned(),
            accepted: false,
        }],
        merges: vec![Merge {
            from: DiskId(0),
            into: DiskId(1),
            survivor: DiskId(1),
            blocks: Some(1),
            bytes: Some(2),
            bytes_max: 3,
            grow_max: 4,
            enlarge_to: None,
            is_possible: true,
            free: None,
            free_source: None,
        }],
        deleted: vec![DiskId(0)],
        freed: Vec::new(),
        breaks: Vec::new(),
        before: vec![vec![DiskId(0)]],
        after: vec![Vec::new()],
        ends_in: "as it is".to_owned(),
        already_lost: vec!["gone".to_owned()],
        lost: vec![Loss {
            code,
            disk: None,
            bytes: Some(5),
            text: "lost".to_owned(),
            files: Some(LostFiles::default()),
        }],
        engine_notes: Vec::new(),
        do_first: vec!["copy".to_owned()],
        not_checked: vec!["vm-power-state"],
        verdict: None,
        state_token: "9f31".to_owned(),
    };
    let forest = Forest::default();
    let body = plan_json::body(&forest, &Assessment::default(), &plan);
    let value = serde_json::to_value(ls_json::head("gate", &forest, body)).unwrap();
    let errors = validate(&schema, &schema["$defs"]["plan"], &value, "gate");
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    assert_eq!(value["as"], "xcpng");
    assert_eq!(value["merge"][0]["free"], Value::Null);
}

#[test]
fn the_validator_sees_what_it_is_for() {
    let schema = schema();
    let folder = tempfile::tempdir().unwrap();
    store::healthy(folder.path());
    let good = json(folder.path(), &["ls", "."]);
    let spoil: [fn(&mut Value); 5] = [
        |value| value["schema"] = "vhdtree/2".into(),
        |value| value["disks"][0]["file_size"] = "9".into(),
        |value| value["disks"][1]["parent"]["state"] = "lost".into(),
        |value| value["disks"][0]["surprise"] = 1.into(),
        |value| {
            value["disks"][0]
                .as_object_mut()
                .unwrap()
                .remove("dirty_sectors");
        },
    ];
    for change in spoil {
        let mut bad = good.clone();
        change(&mut bad);
        assert!(!validate(&schema, &schema["$defs"]["ls"], &bad, "ls").is_empty());
    }
}
