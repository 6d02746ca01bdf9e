//! Taking something away: to the terminal's clipboard, to a pager, into a file. Only asked for here; the runtime does it.

use std::path::PathBuf;

use crate::analysis::plan::Answer;
use crate::text::{self, escape};
use crate::tui::app::{App, Asking, Overlay, View};
use crate::tui::command::Command;
use crate::tui::effect::{Effect, Export};
use crate::tui::update::changed;
use crate::tui::widget::prompt::Prompt;

/// Copies, pages or exports.
pub fn run(app: &mut App, command: Command) -> Vec<Effect> {
    match command {
        Command::Pager => {
            let mut text = crate::tui::view::text(app).join("\n");
            text.push('\n');
            vec![Effect::Pager(text)]
        }
        Command::Export => {
            let export = match app.view {
                View::Tree => Export::Store(app.store.forest.clone(), app.store.assessment.clone()),
                _ => Export::Text(crate::tui::view::text(app)),
            };
            let name = match app.view {
                View::Tree => "vhdtree-scan.json".to_owned(),
                view => format!("vhdtree-{}.txt", view.word().to_lowercase()),
            };
            vec![Effect::Export(PathBuf::from(name), export)]
        }
        Command::CopyCommand if app.view == View::Plan => copy_plan(app),
        _ => {
            if let Some(text) = subject(app, command) {
                send(app, text)
            } else {
                app.notice = Some("there is nothing to copy here".to_owned());
                changed(app)
            }
        }
    }
}

fn subject(app: &App, command: Command) -> Option<String> {
    let id = app.shown_disk()?;
    let disk = app.store.forest.disk(id)?;
    let path = text::path(&disk.path);
    Some(match command {
        Command::CopyPath => path,
        Command::CopyName => text::file_name(&disk.path),
        Command::CopyId => disk.header.as_ref()?.id.to_string(),
        Command::CopyJson => crate::tui::saved::disk_json(&app.store, id)?,
        _ => {
            let verb = match app.view {
                View::Tree | View::Details => "info",
                View::Map => "map",
                View::Diff => "diff",
                View::Plan => "plan",
                View::Health => {
                    return Some(format!("vhdtree check {}", quoted(&app.settings.roots)));
                }
            };
            let other = match (app.view, &app.diff.other) {
                (View::Diff, Some(other)) => format!(" {}", quoted(&text::path(other))),
                _ => String::new(),
            };
            format!("vhdtree {verb} {}{other}", quoted(&path))
        }
    })
}

/// A word for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The plan's command: freely if nothing speaks against it, else only after the name was typed.
fn copy_plan(app: &mut App) -> Vec<Effect> {
    match app.plan.as_ref().map(|(_, plan)| plan.answer) {
        None => {
            app.notice = Some("there is no plan here".to_owned());
            changed(app)
        }
        Some(Answer::Pass) => match subject(app, Command::CopyCommand) {
            Some(text) => send(app, text),
            None => changed(app),
        },
        Some(Answer::Refuse | Answer::CannotTell) => {
            app.prompt = Some((Asking::Confirm, Prompt::default()));
            changed(app)
        }
    }
}

/// The name was typed: the command goes with the verdict as a comment above it.
pub fn confirmed(app: &mut App, typed: &str) -> Vec<Effect> {
    let name = app.group_name();
    if typed != name {
        app.notice = Some(format!("that is not {name}: nothing was sent"));
        return changed(app);
    }
    let Some((_, plan)) = app.plan.clone() else {
        return changed(app);
    };
    let Some(command) = subject(app, Command::CopyCommand) else {
        return changed(app);
    };
    let text = format!(
        "# {}: {}\n{command}",
        plan.answer.word(),
        escape(&plan.summary)
    );
    send(app, text)
}

/// Sends a text to the terminal and shows it: no terminal says whether it took it.
fn send(app: &mut App, text: String) -> Vec<Effect> {
    app.overlay = Some(Overlay::Text {
        title: "Sent to the terminal".to_owned(),
        lines: text.lines().map(str::to_owned).collect(),
        scroll: 0,
    });
    app.dirty = true;
    vec![Effect::Copy(text)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_blanks_and_quotes_are_one_word_of_a_shell() {
        assert_eq!(quoted("/a/b.vhd"), "/a/b.vhd");
        assert_eq!(quoted("/a b's.vhd"), "'/a b'\\''s.vhd'");
        assert_eq!(quoted("検証"), "'検証'");
        assert_eq!(quoted(""), "''");
    }
}
