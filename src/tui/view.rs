//! From state to screen. Reads `&App`; [`Seen`] holds only what drawing itself finds out.
//!
//! ```text
//!  title   what store, how much, READ-ONLY                          title.rs
//!  tabs    the views by number, sort and filter                     title.rs
//!  body    the view, each in its file (the map's cells: widget/blockmap.rs);
//!          on a wide screen the tree has details and map below it
//!  why     why the selected row is flagged                          status.rs
//!  footer  keys                                                     status.rs
//!  status  jobs, notices, prompts                                   status.rs
//! ```

pub mod details;
pub mod diff;
pub mod health;
pub mod help;
pub mod layout;
pub mod map;
pub mod plan;
pub mod status;
pub mod title;
pub mod tree;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::app::{App, Overlay, Panes, View};
use crate::tui::command::Command;
use crate::tui::theme::Role;
use crate::tui::widget::popup::{popup, sheet};
use crate::tui::widget::rows::scrolled;
use crate::tui::widget::text::Line;

/// What drawing finds out: where lists are scrolled to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// First row of the tree.
    pub tree: usize,
    /// First run of the diff.
    pub runs: usize,
    /// First finding.
    pub findings: usize,
}

/// Draws everything into a buffer, in the theme's own colours.
pub fn paint(app: &App, seen: &mut Seen, area: Rect, buffer: &mut Buffer) {
    if (area.width, area.height) != app.size {
        // A resize is on its way here; what is drawn for another size would only flicker.
        return;
    }
    let parts = layout::layout(app);
    title::draw(app, buffer, parts.title);
    title::draw_tabs(app, buffer, parts.tabs);
    match app.view {
        View::Tree => {
            tree::draw(app, seen, buffer, parts.body);
            if parts.details.height > 0 {
                draw_panes(app, buffer, &parts);
            }
        }
        View::Details => draw_document(
            app,
            buffer,
            parts.body,
            &details::lines(app, app.disk(), parts.body.width),
        ),
        View::Map => map::draw(app, buffer, parts.body),
        View::Diff => diff::draw(app, seen, buffer, parts.body),
        View::Plan => draw_document(app, buffer, parts.body, &plan::lines(app, parts.body.width)),
        View::Health => health::draw(app, seen, buffer, parts.body),
    }
    status::draw_why(app, buffer, parts.why);
    status::draw_footer(app, buffer, parts.footer);
    status::draw_status(app, buffer, parts.status);
    draw_overlay(app, buffer, area);
}

fn draw_panes(app: &App, buffer: &mut Buffer, parts: &layout::Layout) {
    let glyphs = app.settings.charset.glyphs();
    let border = app.settings.theme.style(Role::Border);
    buffer.set_string(
        parts.rule.x,
        parts.rule.y,
        glyphs.rule.repeat(usize::from(parts.rule.width)),
        border,
    );
    let wall = parts.details.right();
    buffer.set_string(wall, parts.rule.y, glyphs.tee, border);
    for y in parts.details.y..parts.details.bottom() {
        buffer.set_string(wall, y, glyphs.wall, border);
    }
    for (view, area) in [(View::Details, parts.details), (View::Map, parts.map)] {
        let (name, role) = if app.acting() == view {
            (format!("[{}]", view.word()), Role::Tab)
        } else {
            (format!(" {} ", view.word()), Role::Border)
        };
        buffer.set_string(
            area.x + 1,
            parts.rule.y,
            name,
            app.settings.theme.style(role),
        );
    }
    let lines = details::lines(
        app,
        app.pane.as_deref().and_then(|path| app.find(path)),
        parts.details.width,
    );
    let room = usize::from(parts.details.height);
    let from = app.pane_scroll.min(lines.len().saturating_sub(room));
    for (line, y) in lines.iter().skip(from).take(room).zip(parts.details.y..) {
        line.paint(
            buffer,
            Rect {
                y,
                height: 1,
                ..parts.details
            },
            &app.settings.theme,
        );
    }
    map::draw(app, buffer, parts.map);
}

fn draw_document(app: &App, buffer: &mut Buffer, area: Rect, lines: &[Line]) {
    let shown = lines.iter().skip(app.scroll);
    Line::paint_all(shown, buffer, area, &app.settings.theme);
    if lines.len() > app.scroll + usize::from(area.height) && area.height > 0 {
        let more = format!(
            "{} {} more ",
            app.settings.charset.glyphs().ellipsis,
            lines.len() - app.scroll - usize::from(area.height)
        );
        let line = Line::of(Role::Selected, more);
        let width = u16::try_from(line.width()).unwrap_or(0).min(area.width);
        let corner = Rect {
            x: area.right() - width,
            y: area.bottom() - 1,
            width,
            height: 1,
        };
        line.paint(buffer, corner, &app.settings.theme);
    }
}

fn draw_overlay(app: &App, buffer: &mut Buffer, area: Rect) {
    let Some(overlay) = &app.overlay else { return };
    let (lines, scroll) = overlay_text(app, overlay);
    let title = match overlay {
        Overlay::Help { filter, .. } => {
            let find = app
                .settings
                .keymap
                .key_of(Command::Search, app.settings.charset);
            let filter = match (&app.prompt, filter.as_str()) {
                (None, "") => format!("{find} filters"),
                (_, filter) => format!("{find}{filter}"),
            };
            format!("Help: {}   {filter}", app.acting().word())
        }
        Overlay::Text { title, .. } => title.clone(),
    };
    let widest = lines.iter().map(Line::width).max().unwrap_or(0);
    let width = u16::try_from(widest + 4).unwrap_or(u16::MAX).max(40);
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let (theme, glyphs) = (&app.settings.theme, app.settings.charset.glyphs());
    let inner = match overlay {
        Overlay::Help { .. } => popup(buffer, area, (width, height), &title, theme, glyphs),
        Overlay::Text { .. } => sheet(buffer, area, height, &title, theme, glyphs),
    };
    for (line, y) in lines.iter().skip(scroll).zip(inner.y..inner.bottom()) {
        line.paint(
            buffer,
            Rect {
                y,
                height: 1,
                ..inner
            },
            theme,
        );
    }
    let left = lines
        .len()
        .saturating_sub(scroll + usize::from(inner.height));
    if left > 0 && inner.bottom() < area.bottom() {
        let text = format!(" {left} more: PgDn ");
        buffer.set_string(inner.x, inner.bottom(), text, theme.style(Role::Key));
    }
    let key = app
        .settings
        .keymap
        .key_of(Command::Back, app.settings.charset);
    let closes = Line::of(Role::Key, format!(" {key} closes "));
    let width = u16::try_from(closes.width()).unwrap_or(u16::MAX);
    if inner.bottom() < area.bottom() && inner.width > width + 20 {
        let corner = Rect::new(inner.right() - width - 1, inner.bottom(), width, 1);
        closes.paint(buffer, corner, theme);
    }
}

fn overlay_text(app: &App, overlay: &Overlay) -> (Vec<Line>, usize) {
    match overlay {
        Overlay::Help { scroll, filter } => {
            let width = usize::from(app.size.0.saturating_sub(4)).max(10);
            (help::lines(app, width, filter), *scroll)
        }
        Overlay::Text { lines, scroll, .. } => {
            let width = usize::from(app.size.0).max(10);
            let lines = lines
                .iter()
                .flat_map(|line| Line::of(Role::Text, line.as_str()).wrap(width, 0))
                .collect();
            (lines, *scroll)
        }
    }
}

/// Lines of what lies over the view, for scrolling.
pub fn overlay_lines(app: &App) -> usize {
    app.overlay
        .as_ref()
        .map_or(0, |overlay| overlay_text(app, overlay).0.len())
}

/// Lines of the view's document, for scrolling.
pub fn document_lines(app: &App) -> usize {
    let width = layout::body(app).width;
    match app.view {
        View::Details => details::lines(app, app.disk(), width).len(),
        View::Plan => plan::lines(app, width).len(),
        View::Tree | View::Map | View::Diff | View::Health => 0,
    }
}

/// Rows of bytes there are for the selected place of a diff, for scrolling.
pub fn hex_rows(app: &App) -> usize {
    let body = layout::body(app);
    diff::hex_lines(app, body.width).len()
}

/// What a finding means, as lines of a width.
pub fn finding(item: &crate::report::findings::Found, width: usize) -> Vec<String> {
    let lines = health::about(item, width);
    lines.iter().map(Line::plain).collect()
}

/// The first row of the tree that is on the screen, for clicks.
pub fn tree_scroll(app: &App) -> usize {
    let height = usize::from(layout::body(app).height.saturating_sub(1));
    scrolled(app.scroll, app.cursor, app.shown.len(), height)
}

/// The view whose name is at a column of the tabs.
pub fn tab_at(app: &App, column: u16) -> Option<View> {
    title::tabs(app)
        .into_iter()
        .find(|(_, from, to, _)| (*from..*to).contains(&usize::from(column)))
        .map(|(view, ..)| view)
}

/// The view as plain text, whole: for the pager and for export.
pub fn text(app: &App) -> Vec<String> {
    let width = app.size.0.max(80);
    let lines = match app.view {
        View::Tree => tree::all_lines(app, width),
        View::Details => details::lines(app, app.disk(), width),
        View::Map => map::text_lines(app),
        View::Diff => diff::text_lines(app, width),
        View::Plan => plan::lines(app, width),
        View::Health => health::text_lines(app, width),
    };
    let mut text = vec![title::line(app, usize::from(width)).plain()];
    text.extend(lines.iter().map(Line::plain));
    text
}

/// True if the screen shows the tree and its panes.
pub fn is_split(app: &App) -> bool {
    app.panes == Panes::Split && layout::layout(app).details.height > 0
}
