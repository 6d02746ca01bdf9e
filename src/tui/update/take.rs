//! Taking something away: to the terminal's clipboard, to a pager, into a file. Only asked for here; the runtime does it.

use std::path::PathBuf;

use crate::text;
use crate::tui::app::App;
use crate::tui::command::Command;
use crate::tui::effect::{Effect, Export};
use crate::tui::frame;
use crate::tui::screen::Subject;
use crate::tui::screens::Screens;
use crate::tui::view::View;

/// Copies, pages or exports.
pub fn run(app: &mut App, screens: &Screens, command: Command) -> Vec<Effect> {
    match command {
        Command::Pager => {
            let mut text = frame::text(app, screens).join("\n");
            text.push('\n');
            vec![Effect::Pager(text)]
        }
        Command::Export if app.view == View::HOME => {
            let export = Export::Store(app.store.forest.clone(), app.store.assessment.clone());
            vec![Effect::Export(PathBuf::from("vhdtree-scan.json"), export)]
        }
        Command::Export => {
            let name = format!("vhdtree-{}.txt", app.view.0);
            let export = Export::Text(frame::text(app, screens));
            vec![Effect::Export(PathBuf::from(name), export)]
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

fn subject(app: &App, screens: &Screens, command: Command) -> Option<String> {
    let screen = screens.get(app.view);
    let id = match screen.subject(app) {
        Subject::Disk(disk) => disk?,
        Subject::Store => app.disk()?,
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
