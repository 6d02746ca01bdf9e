//! Taking something away: to the terminal's clipboard, to a pager, into a file. Only asked for here; the runtime does it.

use crate::text::{self, clip_middle};
use crate::tui::app::{App, Asking};
use crate::tui::command::Command;
use crate::tui::effect::{Effect, Export};
use crate::tui::frame;
use crate::tui::screen::TitleSubject;
use crate::tui::screens::Screens;
use crate::tui::view::View;
use crate::tui::widget::prompt::Prompt;

/// Copies, pages or exports.
pub fn run(app: &mut App, screens: &Screens, command: Command) -> Vec<Effect> {
    match command {
        Command::Pager => {
            let mut text = frame::text(app, screens).join("\n");
            text.push('\n');
            vec![Effect::Pager(text)]
        }
        Command::Export => {
            let name = if app.view == View::HOME {
                "vhdtree-scan.json".to_owned()
            } else {
                format!("vhdtree-{}.txt", app.view.0)
            };
            let ellipsis = app.settings.charset.glyphs().ellipsis;
            let room = usize::from(app.size.0 / 2);
            let folder = app
                .settings
                .exports
                .as_deref()
                .unwrap_or("the export folder");
            let folder = clip_middle(folder, room, ellipsis);
            app.ask(
                Asking::Export,
                format!(" name in {folder}: "),
                Prompt::with(name),
            );
            Vec::new()
        }
        _ => {
            if let Some(text) = subject(app, screens, command) {
                return app.send(text);
            }
            app.say("there is nothing to copy here");
            Vec::new()
        }
    }
}

/// The name was typed: the tree as JSON, another screen as text.
pub fn export(app: &App, screens: &Screens, name: &str) -> Vec<Effect> {
    if name.is_empty() {
        return Vec::new();
    }
    let export = if app.view == View::HOME {
        Export::Store(app.store.forest.clone(), app.store.assessment.clone())
    } else {
        Export::Text(frame::text(app, screens))
    };
    vec![Effect::Export(name.to_owned(), export)]
}

fn subject(app: &App, screens: &Screens, command: Command) -> Option<String> {
    let screen = screens.get(app.view);
    let id = match screen.subject(app) {
        TitleSubject::Disk(disk) => disk?,
        TitleSubject::Store => app.disk()?,
    };
    let disk = app.store.forest.disk(id)?;
    Some(match command {
        Command::CopyPath => text::path(&disk.path),
        Command::CopyName => text::file_name(&disk.path),
        Command::CopyId => disk.header.as_ref()?.id.to_string(),
        Command::CopyJson => crate::tui::saved::disk_json(&app.store, id)?,
        _ => app.command_of(screen.verb(), Some(id))?,
    })
}
