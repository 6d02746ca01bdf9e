//! `changes`: what changed between two scans of one store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use super::exit::Exit;
use super::output::{Form, Output};
use super::saved::{is_saved, saved};
use super::session::{ScannedStore, Session};
use crate::analysis::changes::{ChangedWhat, JudgedForest, StoreChange, changes};
use crate::report::csv;
use crate::report::json::brief::Prose;
use crate::report::json::changes as json;
use crate::report::json::ls::head;
use crate::report::json::scan;
use crate::report::page::{Line, Page, Role};
use crate::store::CountPolicy;
use crate::store::earlier::EarlierScan;
use crate::text::{self, Overlong, escape, many, second};

pub(super) fn run(
    session: &Session,
    old: &Path,
    new: &Path,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    session.forbid_saved()?;
    // What is known now is of the newer of two scans; the older one keeps the verdicts it had.
    let before = if is_saved(old) {
        let saved = saved(&[old.to_path_buf()])?;
        ScannedStore::new(Arc::new(saved.forest), saved.assessment)
    } else {
        side(session, old, Vec::new(), out)?
    };
    // A store of today is judged with what was there then in mind.
    let earlier = vec![Arc::new(EarlierScan::of(&before.forest))];
    let after = side(session, new, earlier, out)?;
    let found = changes(judged(&before), judged(&after));
    let whole = is_whole(&before) && is_whole(&after);
    match out.form {
        Form::Json => {
            let mut body = json::body(&before.forest, &after.forest, &found);
            if out.prose == Prose::LeftOut {
                body.changes
                    .iter_mut()
                    .for_each(json::StoreChangeJson::brief);
            }
            let mut document = head("changes", &after.forest, body);
            document.complete = whole;
            out.json(&document)?;
        }
        Form::Ndjson => {
            let mut record = scan::record("changes", &after.forest);
            record.complete = whole;
            out.json(&record)?;
            for change in &found {
                let mut change = json::StoreChangeJson::from(change);
                if out.prose == Prose::LeftOut {
                    change.brief();
                }
                out.json(&change)?;
            }
        }
        Form::Csv => {
            out.line("change,path,before,after,worse,text")?;
            for change in &found {
                out.line(&row(change))?;
            }
        }
        Form::Text => page(&before, &after, &found, out)?,
    }
    Ok(if found.iter().any(|change| change.worse) {
        Exit::No
    } else if whole {
        Exit::Done
    } else {
        Exit::CannotTell
    })
}

/// A saved scan, or a store as it is now.
fn side(
    session: &Session,
    path: &Path,
    earlier: Vec<Arc<EarlierScan>>,
    out: &Output,
) -> anyhow::Result<ScannedStore> {
    if is_saved(path) {
        let (forest, assessment) = session.saved_with_facts(&[path.to_path_buf()])?;
        return Ok(ScannedStore::new(forest, assessment));
    }
    std::fs::metadata(path).with_context(|| text::path(path))?;
    let session = Session {
        job: session.job.clone(),
        scan: session.scan.clone(),
        earlier,
        ends_at_once: Arc::clone(&session.ends_at_once),
    };
    session.read_named(&[PathBuf::from(path)], CountPolicy::Count, out)
}

fn judged(of: &ScannedStore) -> JudgedForest<'_> {
    JudgedForest {
        forest: &of.forest,
        assessment: &of.assessment,
    }
}

fn is_whole(of: &ScannedStore) -> bool {
    of.forest.complete && of.forest.errors.is_empty()
}

fn row(change: &StoreChange) -> String {
    let value = |value: &Option<_>| value.as_ref().map_or_else(String::new, json::value_text);
    let cells = [
        change.what.word().to_owned(),
        text::path(&change.path),
        escape(&value(&change.before)),
        escape(&value(&change.after)),
        change.worse.to_string(),
        escape(&change.text),
    ];
    csv::line(cells.iter().map(String::as_str))
}

/// Columns before the sentence of a change.
const INDENT: usize = 14;

fn page(
    before: &ScannedStore,
    after: &ScannedStore,
    found: &[StoreChange],
    out: &mut Output,
) -> anyhow::Result<()> {
    let mut page = Page::new(out.text_width(), Overlong::Keep);
    for change in found {
        let role = match change.what {
            _ if change.worse => Role::Error,
            ChangedWhat::Size => Role::Dim,
            _ => Role::Text,
        };
        let word = change.what.word();
        let line = Line::of(role, format!("{word:<INDENT$}"));
        page.record(line.with(Role::Text, text::path(&change.path)), INDENT);
        page.text(Role::Dim, INDENT, escape(&change.text));
    }
    out.page(&page.into_lines())?;
    let when = |of: &ScannedStore| match (of.forest.at, of.forest.host()) {
        (Some(at), Some(host)) => format!("{} on {}", second(at), escape(host)),
        (Some(at), None) => second(at),
        _ => "a time that is not known".to_owned(),
    };
    let worse = found.iter().filter(|change| change.worse).count();
    out.line(&format!(
        "{} from {} to {}; worse: {worse}",
        many(found.len(), "change"),
        when(before),
        when(after),
    ))?;
    for (name, of) in [("old", before), ("new", after)] {
        if !is_whole(of) {
            out.warn(&format!("the {name} scan is not complete: what seems gone or new may only not have been read"));
        }
    }
    Ok(())
}
