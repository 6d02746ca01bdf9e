//! From state to the terminal's cells. Reads only.
//!
//! ```text
//!  title   what store, how much, READ-ONLY                          title.rs
//!  tabs    the screens by number, and what changes what is shown    title.rs
//!  body    the screen, each in its file (screens/); on a wide terminal the tree has two others below it
//!  why     why the selected row is flagged                          status.rs
//!  footer  keys                                                     status.rs
//!  status  jobs, notices, prompts                                   status.rs
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::app::App;
use crate::tui::layout::ScreenLayout;
use crate::tui::overlay;
use crate::tui::screens::{self, PANES, Screens};
use crate::tui::theme::Role;
use crate::tui::view::View;
use crate::tui::{status, title};

/// Draws everything into a buffer, in the theme's own colours.
pub fn paint(app: &App, all: &Screens, area: Rect, buffer: &mut Buffer) {
    if (area.width, area.height) != app.size {
        // A resize is on its way here; what is drawn for another size would only flicker.
        return;
    }
    let parts = app.layout();
    title::draw(app, all, buffer, parts.title);
    title::draw_tabs(app, all, buffer, parts.tabs);
    for (view, area) in visible(app, &parts) {
        all.get(view).draw(app, area, buffer);
    }
    if parts.is_split() {
        draw_rules(app, buffer, &parts);
    }
    status::draw_why(app, buffer, parts.why);
    status::draw_footer(app, buffer, parts.footer);
    status::draw_status(app, buffer, parts.status);
    overlay::draw(app, buffer, area);
}

/// The screens that are drawn, each with its part.
pub fn visible(app: &App, parts: &ScreenLayout) -> impl Iterator<Item = (View, Rect)> {
    let panes = PANES.into_iter().zip([parts.left, parts.right]);
    let panes = panes.filter(|(_, area)| area.height > 0);
    std::iter::once((app.view, parts.body)).chain(panes)
}

/// The part of the screen that has the keys.
pub fn area_of(app: &App, view: View) -> Rect {
    let parts = app.layout();
    let found = visible(app, &parts).find(|(shown, _)| *shown == view);
    found.map_or(parts.body, |(_, area)| area)
}

/// The lines between the tree and its panes, with their names.
fn draw_rules(app: &App, buffer: &mut Buffer, parts: &ScreenLayout) {
    let glyphs = app.settings.charset.glyphs();
    let border = app.settings.theme.style(Role::Border);
    buffer.set_string(
        parts.rule.x,
        parts.rule.y,
        glyphs.rule.repeat(usize::from(parts.rule.width)),
        border,
    );
    if parts.has_panes() {
        let wall = parts.left.right();
        buffer.set_string(wall, parts.rule.y, glyphs.tee, border);
        for y in parts.left.y..parts.left.bottom() {
            buffer.set_string(wall, y, glyphs.wall, border);
        }
    }
    let panes = PANES.into_iter().zip([parts.left, parts.right]);
    for (view, area) in panes.filter(|(_, area)| area.height > 0) {
        let title = screens::title(view);
        let (name, role) = if app.acting() == view {
            (format!("[{title}]"), Role::Tab)
        } else {
            (format!(" {title} "), Role::Border)
        };
        buffer.set_string(
            area.x + 1,
            parts.rule.y,
            name,
            app.settings.theme.style(role),
        );
    }
}

/// The open screen as plain text, whole: for the pager and for export.
pub fn text(app: &App, all: &Screens) -> Vec<String> {
    let width = app.size.0.max(80);
    let mut text = vec![title::line(app, all, usize::from(width)).plain()];
    let lines = all.get(app.view).text(app, width);
    text.extend(lines.iter().map(crate::tui::widget::text::Line::plain));
    text
}
