//! `explain`: what a code means, why it matters, what to do.

use anyhow::Context as _;
use serde::Serialize;

use super::exit::Exit;
use super::output::{Form, Output};
use crate::finding::Code;
use crate::report::codes;
use crate::report::page::{Page, finding};
use crate::text::Overlong;

#[derive(Serialize)]
struct Explained {
    codes: Vec<&'static Code>,
}

pub(super) fn run(code: Option<&str>, out: &mut Output) -> anyhow::Result<Exit> {
    let found = match code {
        None => codes::all(),
        Some(name) => vec![codes::find(name).with_context(|| unknown(name))?],
    };
    match out.form {
        Form::Json => out.json(&crate::report::json::Document {
            schema: crate::report::json::SCHEMA,
            command: "explain",
            complete: true,
            errors: Vec::new(),
            body: Explained { codes: found },
        })?,
        Form::Ndjson => {
            for code in found {
                out.json(code)?;
            }
        }
        Form::Csv | Form::Text if code.is_none() => {
            for code in found {
                out.line(&format!(
                    "{:<32} {:<8} {}",
                    code.id,
                    code.severity.word(),
                    code.title
                ))?;
            }
        }
        Form::Csv | Form::Text => {
            let mut page = Page::new(out.text_width(), Overlong::Keep);
            for code in found {
                finding::code(&mut page, code);
            }
            out.page(&page.into_lines())?;
        }
    }
    Ok(Exit::Done)
}

fn unknown(name: &str) -> String {
    let alike = codes::alike(name);
    let hint = match alike.as_slice() {
        [] => "`vhdtree explain` lists all".to_owned(),
        some => format!("did you mean {}?", some.join(", ")),
    };
    format!("no code {name:?}; {hint}")
}
