//! How long it takes to judge a large store and to make its rows, once it was read: 40,000 disks in chains of five, with a
//! machine and two snapshots for each chain, and one machine in ten reverted.
//!
//! `cargo bench --bench forest [-- CHAINS]`. Goals: assessment and rows under 100 ms each, the best of seven.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vhdtree::analysis::{Compared, assess};
use vhdtree::report::json::read;
use vhdtree::report::{RowOptions, Sort, rows};

const CHAIN: usize = 5;
const BLOCKS: u64 = 1024;

fn name(chain: usize, level: usize) -> String {
    match level {
        0 => format!("vm{chain:05}/vm{chain:05}.vhd"),
        _ => format!("vm{chain:05}/vm{chain:05}_{level:08X}-0000-4000-8000-{chain:012X}.avhd"),
    }
}

fn disk(chain: usize, level: usize) -> Value {
    // One machine in ten goes on from a disk made a month after its last snapshot.
    let month = level + 1 + usize::from(level + 1 == CHAIN && chain.is_multiple_of(10));
    let id = |level: usize| format!("{level:08x}-0000-4000-8000-{chain:012x}");
    let parent = (level > 0).then(|| {
        json!({
            "id_wanted": id(level - 1),
            "stored_paths": [],
            "resolved": name(chain, level - 1),
            "resolved_by": "relative",
            "state": "ok",
        })
    });
    let children: Vec<String> = (level + 1 < CHAIN)
        .then(|| name(chain, level + 1))
        .into_iter()
        .collect();
    let snapshots: Vec<Value> = (level + 3 > CHAIN && level + 1 < CHAIN)
        .then(|| {
            json!({
                "name": format!("before {level}"),
                "id": id(100 + level),
                "vm": format!("vm{chain:05}"),
                "taken": format!("2009-{:02}-02T14:10:00Z", level + 2),
                "taken_source": "config",
                "parent": null,
                "verdict": null,
            })
        })
        .into_iter()
        .collect();
    json!({
        "path": name(chain, level),
        "format": "vhd",
        "kind": if level == 0 { "dynamic" } else { "differencing" },
        "virtual_size": BLOCKS << 21,
        "file_size": 33_569_792,
        "block_size": 1 << 21,
        "sector_size": 512,
        "blocks": {"total": BLOCKS, "full": 3, "partial": 9, "zero": 0, "unmapped": 0, "absent": BLOCKS - 12},
        "dirty_blocks": (level > 0).then_some(12),
        "dirty_sectors": (level > 0).then_some(1000),
        "dirty_bytes": (level > 0).then_some(512_000),
        "id": id(level),
        "creator": "win",
        "created": format!("2009-{month:02}-02T14:10:01Z"),
        "created_source": "footer",
        "modified": format!("2009-{:02}-02T14:09:59Z", level + 2),
        "parent": parent,
        "children": children,
        "depth": level,
        "leaf": level + 1 == CHAIN,
        "in_use_by": (level + 1 == CHAIN).then(|| vec![format!("vm{chain:05}")]),
        "snapshots": snapshots,
        "made_by_revert": null,
        "findings": [],
    })
}

fn best<T>(mut work: impl FnMut() -> T) -> (Duration, T) {
    let mut best: Option<Duration> = None;
    let mut made = None;
    for _ in 0..7 {
        let start = Instant::now();
        let result = work();
        let took = start.elapsed();
        best = Some(best.map_or(took, |best| best.min(took)));
        made = Some(result);
    }
    (best.unwrap(), made.unwrap())
}

fn main() {
    let chains = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(8_000);
    let disks: Vec<Value> = (0..chains)
        .flat_map(|chain| (0..CHAIN).map(move |level| disk(chain, level)))
        .collect();
    let machines: Vec<Value> = (0..chains)
        .map(|chain| {
            json!({
                "name": format!("vm{chain:05}"),
                "disks": [name(chain, CHAIN - 1)],
                "source": format!("vm{chain:05}/Virtual Machines/x.xml"),
            })
        })
        .collect();
    let document = json!({
        "schema": "vhdtree/1", "command": "ls", "complete": true, "errors": [],
        "roots": ["."], "disks": disks, "machines": machines,
    });
    let text = document.to_string();
    let forest = read::read(&mut text.as_bytes()).unwrap().forest;
    println!(
        "{} disks, {} snapshots",
        forest.disks.len(),
        forest.snapshots.len()
    );
    let (took, assessment) = best(|| assess(&forest, &Compared::default()));
    let reverted = assessment
        .disks
        .iter()
        .filter(|of| of.made_by_revert.is_some());
    println!(
        "assess            {took:>8.1?}  {} judged",
        reverted.count()
    );
    for sort in [Sort::Name, Sort::Size, Sort::Problems] {
        let options = RowOptions {
            sort,
            ..RowOptions::default()
        };
        let (took, made) = best(|| rows(&forest, &assessment, &options));
        println!(
            "rows by {:<9} {took:>8.1?}  {} rows",
            sort.word(),
            made.len()
        );
    }
    let options = RowOptions {
        filter: "vm00042".to_owned(),
        ..RowOptions::default()
    };
    let (took, made) = best(|| rows(&forest, &assessment, &options));
    println!("rows with filter  {took:>8.1?}  {} rows", made.len());
}
