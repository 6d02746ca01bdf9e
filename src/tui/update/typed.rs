//! Typed lines: search, filter, places.

use crate::tui::app::{App, Asking, Overlay, View};
use crate::tui::command::Command;
use crate::tui::effect::Effect;
use crate::tui::keymap::Key;
use crate::tui::update::changed;
use crate::tui::widget::prompt::{Prompt, Typed};

/// Opens a prompt, or repeats the last search.
pub fn run(app: &mut App, command: Command) -> Vec<Effect> {
    match command {
        Command::Search => app.prompt = Some((Asking::Search, Prompt::default())),
        Command::Filter => {
            app.prompt = Some((Asking::Filter, Prompt::with(app.options.filter.clone())));
        }
        Command::GoTo if app.acting() == View::Map => {
            app.prompt = Some((Asking::Block, Prompt::default()));
        }
        Command::GoTo => app.prompt = Some((Asking::Sector, Prompt::default())),
        _ => return search(app, command == Command::SearchNext),
    }
    changed(app)
}

/// Takes pasted text.
pub fn paste(app: &mut App, text: &str) -> Vec<Effect> {
    let Some((asking, prompt)) = app.prompt.as_mut() else {
        // A paste outside a prompt means nothing: its letters must not become commands.
        return Vec::new();
    };
    prompt.paste(text);
    let asking = *asking;
    typing(app, asking)
}

/// Takes a key while a line is being typed.
pub fn key(app: &mut App, key: Key) -> Vec<Effect> {
    let Some((asking, prompt)) = app.prompt.as_mut() else {
        return Vec::new();
    };
    let asking = *asking;
    match prompt.key(key) {
        Typed::Changed => typing(app, asking),
        Typed::Ignored => Vec::new(),
        Typed::Gone => {
            app.prompt = None;
            if let Some(Overlay::Help { filter, .. }) = app.overlay.as_mut() {
                filter.clear();
            }
            if asking == Asking::Filter && !app.options.filter.is_empty() {
                app.options.filter.clear();
                app.rebuild();
            }
            changed(app)
        }
        Typed::Done => {
            let text = app
                .prompt
                .take()
                .map(|(_, prompt)| prompt.text().to_owned())
                .unwrap_or_default();
            app.dirty = true;
            done(app, asking, &text)
        }
    }
}

/// A filter works while it is typed.
fn typing(app: &mut App, asking: Asking) -> Vec<Effect> {
    if asking == Asking::Help
        && let (Some(Overlay::Help { scroll, filter }), Some((_, prompt))) =
            (app.overlay.as_mut(), &app.prompt)
    {
        prompt.text().clone_into(filter);
        *scroll = 0;
    }
    if asking == Asking::Filter {
        if let Some((_, prompt)) = &app.prompt {
            app.options.filter = prompt.text().to_owned();
        }
        app.rebuild();
        to_match(app);
    }
    changed(app)
}

/// From a row that is there only because of what hangs below it, to the first the filter is about.
fn to_match(app: &mut App) {
    let wanted = app.options.filter.to_lowercase();
    if wanted.is_empty() || app.row().is_some_and(|row| row.holds(&wanted)) {
        return;
    }
    if let Some(index) = app.rows.iter().position(|row| row.holds(&wanted)) {
        app.reveal_row(index);
    }
}

fn done(app: &mut App, asking: Asking, text: &str) -> Vec<Effect> {
    match asking {
        Asking::Search => {
            if !text.is_empty() {
                text.clone_into(&mut app.search);
            }
            search(app, true)
        }
        Asking::Filter | Asking::Help => Vec::new(),
        Asking::Confirm => super::copy::confirmed(app, text),
        Asking::Block => {
            let unit = if app.map.sectors.is_some() {
                sector_size(app)
            } else {
                block_size(app)
            };
            match place(text, unit, app.map.len()) {
                Some(block) => app.map.go(block),
                None => {
                    app.notice = Some(format!(
                        "{text}: neither a number, an offset (1.5G, 0x200000) nor a percentage"
                    ));
                }
            }
            Vec::new()
        }
        Asking::Sector => {
            let sectors = app
                .diff
                .child
                .clone()
                .and_then(|path| app.find(&path))
                .and_then(|id| app.store.forest.disk(id)?.header.clone())
                .map_or(0, |header| {
                    header.virtual_size / u64::from(header.sector_size.max(1))
                });
            match place(text, sector_size(app), sectors) {
                Some(sector) => {
                    app.diff.go(sector);
                    return super::diff::bytes(app);
                }
                None => {
                    app.notice = Some(format!(
                        "{text}: neither a number, an offset (1.5G, 0x200000) nor a percentage"
                    ));
                }
            }
            Vec::new()
        }
    }
}

fn search(app: &mut App, forward: bool) -> Vec<Effect> {
    if app.view == View::Health {
        let wanted = app.search.to_lowercase();
        let len = app.health.shown.len();
        let from = app.health.cursor;
        let text = |index: usize| {
            let item = app
                .health
                .shown
                .get(index)
                .and_then(|index| app.health.items.get(*index));
            item.map(|item| {
                format!(
                    "{} {} {}",
                    item.finding.code.id,
                    item.path.display(),
                    item.finding.text
                )
                .to_lowercase()
            })
        };
        let matches = |index: &usize| text(*index).is_some_and(|text| text.contains(&wanted));
        let found = if forward {
            (from + 1..len).chain(0..len.min(from + 1)).find(matches)
        } else {
            (0..from).rev().chain((from..len).rev()).find(matches)
        };
        match found {
            Some(index) => app.health.cursor = index,
            None => app.notice = Some(format!("no match for {}", app.search)),
        }
        return changed(app);
    }
    super::tree::search(app, forward)
}

fn block_size(app: &App) -> u64 {
    app.map.table.as_ref().map_or(1, |table| table.block_bytes)
}

fn sector_size(app: &App) -> u64 {
    app.diff
        .data
        .as_ref()
        .map_or(512, |data| u64::from(data.sector_size.max(1)))
}

/// A place by number, by offset in bytes (with a unit, or hexadecimal), or by percentage.
fn place(text: &str, unit_bytes: u64, len: u64) -> Option<u64> {
    let text = text.trim();
    let unit_bytes = unit_bytes.max(1);
    if let Some(percent) = text.strip_suffix('%') {
        let hundredths = decimal(percent)?;
        let place = u128::from(len) * u128::from(hundredths) / 10_000;
        return u64::try_from(place).ok();
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return Some(u64::from_str_radix(hex, 16).ok()? / unit_bytes);
    }
    let shift = match text.chars().last()?.to_ascii_uppercase() {
        'K' => 10,
        'M' => 20,
        'G' => 30,
        'T' => 40,
        _ => return text.replace(',', "").parse().ok(),
    };
    let hundredths = decimal(text.get(..text.len() - 1)?)?;
    let bytes = (u128::from(hundredths) << shift) / 100;
    u64::try_from(bytes / u128::from(unit_bytes)).ok()
}

/// A decimal number in hundredths.
fn decimal(text: &str) -> Option<u64> {
    let text = text.trim();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = format!("{part:0<2}");
    let hundredths: u64 = part.get(..2)?.parse().ok()?;
    let whole: u64 = whole.parse().ok()?;
    whole.checked_mul(100)?.checked_add(hundredths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_by_number_offset_and_percentage() {
        let unit = 2 << 20;
        assert_eq!(place("131,172", unit, 1 << 20), Some(131_172));
        assert_eq!(place("1T", unit, 1 << 20), Some(524_288));
        assert_eq!(place("1.5g", unit, 1 << 20), Some(768));
        assert_eq!(place("0x200000", unit, 1 << 20), Some(1));
        assert_eq!(place("50%", unit, 1 << 20), Some(524_288));
        assert_eq!(place("12.5 %", unit, 1000), Some(125));
        assert_eq!(place("検", unit, 1), None);
        assert_eq!(place("", unit, 1), None);
        assert_eq!(place("99999999999999999999T", unit, 1), None);
    }
}
