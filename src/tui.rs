//! The terminal browser.
//!
//! `update` is a pure function of state and message; drawing reads the state; everything with a thread, a clock or a
//! file is in [`runtime`]. What a key does is in [`keymap`]'s table; a screen is
//! one file and one row of [`screens::SCREENS`].
//!
//! ```text
//!  input, signals, jobs ─► Message ─► update(&mut App) ─► Effect ─► runtime
//!                                          │
//!                                          └─► frame::paint(&App) ─► paint: depth, one synchronised write
//! ```

pub mod app;
pub mod command;
pub mod depth;
mod document;
pub mod effect;
pub mod found;
pub mod frame;
mod help;
pub mod input;
pub mod keymap;
pub mod layout;
mod list;
pub mod message;
mod overlay;
pub mod pace;
pub mod paint;
#[cfg(any(test, feature = "testing"))]
pub mod picture;
mod place;
pub mod prepared;
pub mod runtime;
#[cfg(any(test, feature = "testing"))]
pub mod sample;
pub mod saved;
pub mod screen;
pub mod screens;
#[cfg(any(test, feature = "testing"))]
#[allow(clippy::expect_used, clippy::panic)]
pub mod script;
pub mod signals;
pub mod state;
mod status;
pub mod terminal;
pub mod theme;
mod title;
#[cfg(feature = "testing")]
pub mod trip;
pub mod update;
pub mod view;
pub mod widget;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;

use crate::analysis::Assessment;
use crate::analysis::settle::GuestAccess;
use crate::report::RowOptions;
use crate::store::{Forest, Product, ScanOptions};
use crate::text::{self, Charset, Clock, Units, Zone};

use self::app::{App, Settings};
use self::depth::{ColorChoice, Depth};
use self::signals::Left;
use self::state::{Memory, StatePlace};
use self::terminal::Mouse;
use self::theme::{BUILT_IN, Theme};

/// What to browse and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub scan: ScanOptions,
    /// A saved scan to browse instead.
    pub saved: Option<(Arc<Forest>, Arc<Assessment>)>,
    /// Name or path of a theme; `None`: `ansi16`.
    pub theme: Option<String>,
    /// Which signs.
    pub charset: Charset,
    /// When colours are wanted.
    pub color: ColorChoice,
    /// Whether the mouse is listened to.
    pub mouse: Mouse,
    /// In which zone times are shown.
    pub zone: Zone,
    /// How sizes are shown at first.
    pub units: Units,
    /// Order and selection of the rows at first.
    pub rows: RowOptions,
    /// Whose rules a delete follows; `None`: guessed from the store.
    pub product: Option<Product>,
    pub guest: GuestAccess,
    /// A sentence to begin with, such as what was not understood of a config file.
    pub notice: Option<String>,
    /// What the kernel holds the program to, as a sentence; `None`: nothing.
    pub guard: Option<String>,
    /// Keys that differ from the built-in table: command name to keys.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Flags that decide what is read and said, for commands: ` --facts FILE`, each with a blank before it.
    pub flags: String,
    /// The folder that exports go into; `None`: there is none.
    pub exports: Option<PathBuf>,
    /// The disk that the cursor is to stand on at first.
    pub at: Option<PathBuf>,
    /// Where this store's state is kept; `None`: nowhere.
    pub state: Option<StatePlace>,
    /// What was kept there; order and theme are in the options above already.
    pub memory: Memory,
}

/// Browses a store in the terminal on standard output until the user leaves; the terminal is as it was then.
///
/// # Errors
/// When a theme or a key is not what it should be, or the terminal cannot be had.
pub fn run(options: Options) -> anyhow::Result<Left> {
    let mut app = App::new(settings(&options)?, (80, 24));
    app.options = options.rows.clone();
    app.units = options.units;
    app.notice.clone_from(&options.notice);
    app.at.clone_from(&options.at);
    app.remember(options.state.clone(), options.memory.clone());
    runtime::run(options, app)
}

fn settings(options: &Options) -> anyhow::Result<Settings> {
    let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let depth = Depth::detect(
        options.color,
        env("NO_COLOR").as_deref(),
        env("COLORTERM").as_deref(),
        env("TERM").as_deref(),
    );
    let named = options.theme.as_deref().unwrap_or("ansi16");
    let theme = match depth {
        Depth::Mono => Theme::mono(),
        _ => Theme::load(named).context("--theme")?,
    };
    let mut themes: Vec<String> = BUILT_IN
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    if depth == Depth::Mono {
        themes = vec!["mono".to_owned()];
    } else if !themes.iter().any(|name| name == named) {
        themes.push(named.to_owned());
    }
    let saved = options.saved.as_ref().map(|(forest, _)| &forest.roots);
    let roots = text::paths(saved.unwrap_or(&options.scan.roots), " ");
    Ok(Settings {
        theme,
        themes,
        charset: options.charset,
        depth,
        mouse: options.mouse,
        clock: Clock::new(options.zone),
        keymap: Arc::new(screens::keymap(&options.keys)?),
        roots,
        flags: options.flags.clone(),
        exports: options.exports.as_deref().map(text::path),
        saved: options.saved.is_some(),
        guard: options.guard.clone(),
    })
}
