//! Without a command: the browser, with flags and config file brought together.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::ValueEnum as _;

use super::args::{Cli, sort};
use super::confine::{Confined, Writable, confine};
use super::exit::Exit;
use super::ls::row_options;
use super::output::{Output, switched};
use super::saved::is_saved;
use super::session::{Session, family, no_disk};
use crate::analysis::settle::GuestAccess;
use crate::config::Config;
use crate::report::RowOptions;
use crate::report::row::Bases;
use crate::store::CountPolicy;
use crate::text::{self, Charset, Units, Zone};
use crate::tui::app::quoted;
use crate::tui::depth::ColorChoice;
use crate::tui::signals::Left;
use crate::tui::state::{self, Memory, StatePlace};
use crate::tui::terminal::Mouse;
use crate::tui::theme::Theme;
use crate::tui::{self, Options};

/// Browses a store, or a saved scan; `removed` are folders that are to go at the end.
pub(super) fn run(
    session: &Session,
    roots: &[PathBuf],
    cli: &Cli,
    removed: &[&Path],
    out: &mut Output,
) -> anyhow::Result<Exit> {
    let config = config(cli)?;
    // Once on the screen, where it is seen, and once for when the screen is gone.
    let notice = config
        .warnings
        .first()
        .map(|warning| format!("config file: {warning}"));
    for warning in &config.warnings {
        out.warn(&format!("config file: {warning}"));
    }
    let guard = guard(cli, roots, removed);
    let from = &session.scan.from;
    let saved = session.saved(roots)?;
    let saved = saved.map(|(forest, assessment)| (forest, Arc::new(assessment)));
    let (roots, at) = family(roots)?;
    let roots = roots.as_slice();
    let state = if cli.browse.no_state {
        None
    } else {
        StatePlace::of(if from.is_empty() { roots } else { from })
    };
    let memory = state.as_ref().map(StatePlace::load).unwrap_or_default();
    // The browser judges by it as by facts that are named, and the commands it shows must answer as it does.
    let kept = memory.saved.as_deref();
    let kept = kept.filter(|file| saved.is_none() && is_saved(file));
    let flags = flags(session, kept);
    // A theme file that is gone since must not keep the browser from starting.
    let theme_kept = memory
        .theme
        .clone()
        .filter(|name| Theme::load(name).is_ok());
    let on = |flag: bool, configured: Option<bool>| flag || configured.unwrap_or(false);
    let theme = cli.browse.theme.clone();
    let left = tui::run(Options {
        scan: session.options(roots, CountPolicy::Count)?,
        saved,
        theme: theme.or(theme_kept).or(config.theme.clone()),
        charset: charset(cli, &config, out),
        color: color(cli, &config)?,
        mouse: switched(on(cli.browse.mouse, config.mouse), Mouse::On),
        zone: switched(!cli.out.utc && on(cli.out.local, config.local), Zone::Local),
        units: switched(on(cli.out.bytes, config.bytes), Units::Bytes),
        rows: rows(cli, &config, &memory)?,
        product: session.scan.product.map(Into::into),
        guest: switched(session.scan.no_guest, GuestAccess::Forbidden),
        notice,
        guard,
        flags,
        keys: config.keys,
        exports: cli.browse.export.clone().or_else(state::folder),
        at,
        state,
        memory,
    })?;
    Ok(match left {
        Left::ByKey => Exit::Done,
        Left::Empty => anyhow::bail!("{}", no_disk(roots)),
        Left::BySignal(number) => Exit::Signal(number),
    })
}

/// The flags that decide what is read and said, for commands that show the same; `kept` is the scan that was saved last.
fn flags(session: &Session, kept: Option<&Path>) -> String {
    let scan = &session.scan;
    let word = |path: &Path| quoted(&text::path(path));
    let mut flags = String::new();
    let mut add = |name: &str, value: String| {
        flags.extend([" --", name, " ", &value]);
    };
    for path in scan.facts.iter().map(PathBuf::as_path).chain(kept) {
        add("facts", word(path));
    }
    for path in &scan.now {
        add("now", word(path));
    }
    for map in &scan.map {
        let map = format!("{}={}", text::escape(&map.from), text::path(&map.to));
        add("map", quoted(&map));
    }
    for path in &scan.parent_root {
        add("parent-root", word(path));
    }
    if let Some(product) = scan.product.and_then(|of| of.to_possible_value()) {
        add("as", product.get_name().to_owned());
    }
    if scan.no_guest {
        flags.push_str(" --no-guest");
    }
    flags
}

/// Gives up all writing but into the folders of state and exports. What the kernel holds the program to then, as a sentence.
fn guard(cli: &Cli, roots: &[PathBuf], removed: &[&Path]) -> Option<String> {
    let kept = state::folder().filter(|_| !cli.browse.no_state);
    let exports = cli.browse.export.clone().or_else(state::folder);
    let mut own: Vec<PathBuf> = Vec::new();
    for folder in [kept, exports].into_iter().flatten() {
        // It must be there to be let out of the rule; a store's is not made, and nothing is written there.
        if !own.contains(&folder) && state::make(&folder, roots).is_ok() {
            own.push(folder);
        }
    }
    let parents: Vec<&Path> = removed.iter().filter_map(|of| of.parent()).collect();
    let folders: Vec<&Path> = own.iter().map(PathBuf::as_path).collect();
    let writable = Writable {
        folders: &[&folders[..], removed].concat(),
        emptied: &parents,
    };
    let place = match own.as_slice() {
        [] => "nowhere at all".to_owned(),
        own => format!("only below {}", text::paths(own, " and ")),
    };
    (confine(writable) == Confined::ByKernel)
        .then(|| format!("The kernel lets this program write {place}, and connect to nothing."))
}

fn config(cli: &Cli) -> anyhow::Result<Config> {
    let read = match &cli.browse.config {
        _ if cli.browse.no_config => return Ok(Config::default()),
        Some(path) => Config::read(path),
        None => Config::usual(),
    };
    read.context("config file")
}

fn charset(cli: &Cli, config: &Config, out: &Output) -> Charset {
    match config.ascii {
        Some(true) => Charset::Ascii,
        Some(false) if !cli.out.ascii => Charset::Unicode,
        _ => out.style.charset,
    }
}

fn color(cli: &Cli, config: &Config) -> anyhow::Result<ColorChoice> {
    match (cli.out.color, &config.color) {
        (ColorChoice::Auto, Some(word)) => ColorChoice::from_str(word, false).map_err(|_| {
            anyhow::anyhow!("config file: color is auto, always or never, not {word:?}")
        }),
        (asked, _) => Ok(asked),
    }
}

/// The order: the flag's, else the one kept of this store, else the config file's.
fn rows(cli: &Cli, config: &Config, memory: &Memory) -> anyhow::Result<RowOptions> {
    let configured = config.sort.as_deref().map(sort).transpose();
    let configured = configured.map_err(|error| anyhow::anyhow!("config file: sort: {error}"))?;
    let asked = cli.tree.sort.or(memory.order()).or(configured);
    let (sort, direction) = asked.unwrap_or_default();
    Ok(RowOptions {
        sort,
        direction,
        bases: Bases::Folded,
        ..row_options(&cli.tree)
    })
}
