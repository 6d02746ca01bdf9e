//! Every JSON answer against the schema that is shipped.
//!
//! The validator knows the keywords the schema uses and fails on any other, so that nothing in it goes unchecked.

use serde_json::Value;
use vhdtree::analysis::Assessment;
use vhdtree::analysis::plan::{Answer, Loss, Merge, Plan, Reason};
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
        let errors = validate(&schema, &schema["$defs"]["disk"], &value, "line");
        assert!(errors.is_empty(), "{}", errors.join("\n"));
        count += 1;
    }
    assert_eq!(count, 8);
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
            blocks: 1,
            bytes: 2,
            bytes_max: 3,
            grow_max: 4,
            free: None,
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
