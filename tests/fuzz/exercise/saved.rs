//! Saved scans, read back, shown and saved again.

use std::sync::Arc;

use vhdtree::analysis::Assessment;
use vhdtree::report::columns::Column;
use vhdtree::report::json::brief::Prose;
use vhdtree::report::json::{self, stream};
use vhdtree::report::tree_text::{self, Headings};
use vhdtree::report::{ColumnStyle, RowOptions, findings, rows};
use vhdtree::store::Forest;
use vhdtree::tui::message::{JobKind, JobNo, Message};
use vhdtree::tui::prepared::PreparedStore;
use vhdtree::tui::sample::{self, Sample};
use vhdtree::tui::script::{Script, told};

use super::tui;

/// A scan as it is saved.
pub fn document(forest: &Forest, assessment: &Assessment) -> String {
    let mut text = Vec::new();
    stream::document(&mut text, forest, assessment, Prose::Kept).expect("memory can be written");
    String::from_utf8(text).expect("JSON is UTF-8")
}

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    [
        sample::store(),
        sample::twice_frozen(),
        sample::many(1),
        Sample::default(),
    ]
    .iter()
    .map(|sample| document(&sample.forest, &sample.assessment).into_bytes())
    .collect()
}

/// A document.
pub fn run(input: &[u8]) {
    let Ok(saved) = json::read::read(&mut &*input) else {
        return;
    };
    let (forest, assessment) = (saved.forest, saved.assessment);
    let text = document(&forest, &assessment);
    let again = json::read::read(&mut text.as_bytes()).expect("what was saved can be read");
    assert_eq!(
        document(&again.forest, &again.assessment),
        text,
        "saved alike again"
    );
    let all = rows(&forest, &assessment, &RowOptions::default());
    for id in forest.ids() {
        assert!(
            all.iter().any(|row| row.disk == Some(id)),
            "every disk has a row"
        );
        assert!(forest.line(id).count() <= forest.disks.len());
    }
    for line in tree_text::lines(
        &all,
        Column::ALL,
        &ColumnStyle::default(),
        Headings::Shown,
        None,
    ) {
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
    findings::of(&forest, &assessment);
    let mut script = Script::new(Sample::default(), (90, 24));
    script.keys("R");
    let no = script
        .app
        .jobs
        .get(&JobKind::Scan)
        .map_or(JobNo(0), |running| running.no);
    let store = PreparedStore {
        forest: Arc::new(forest),
        assessment: Arc::new(assessment),
    };
    let news = told(&script.app, store);
    script.send(Message::Job(JobKind::Scan, no, news));
    for keys in ["jj", "2", "<Esc>6", "<Esc>j5"] {
        script.keys(keys);
        tui::screen(&mut script);
    }
}
