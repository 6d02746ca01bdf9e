//! Every finding of the store, worst first, and what the selected one means.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::finding::{Finding, Severity};
use crate::report::findings::Found;
use crate::text::{self, escape};
use crate::tui::app::App;
use crate::tui::theme::Role;
use crate::tui::view::Seen;
use crate::tui::view::details::severity_role;
use crate::tui::view::layout::health_parts;
use crate::tui::widget::rows::{Focus, draw_rows, scrolled};
use crate::tui::widget::text::{Line, clip, clip_middle, pad};

/// Draws the findings and the text of the selected one.
pub fn draw(app: &App, seen: &mut Seen, buffer: &mut Buffer, area: Rect) {
    if area.height == 0 {
        return;
    }
    let theme = &app.settings.theme;
    let health = &app.health;
    summary(app).paint(buffer, area, theme);
    let (list, text) = health_parts(area, health.shown.len());
    seen.findings = scrolled(
        seen.findings,
        health.cursor,
        health.shown.len(),
        usize::from(list.height),
    );
    let cursor = (!health.shown.is_empty()).then_some((health.cursor, Focus::Here));
    draw_rows(
        buffer,
        list,
        theme,
        seen.findings,
        cursor,
        health.shown.len(),
        |place| {
            let item = health
                .shown
                .get(place)
                .and_then(|index| health.items.get(*index));
            item.map(|item| row(app, item, usize::from(list.width)))
                .unwrap_or_default()
        },
    );
    if health.shown.is_empty() && list.height > 0 {
        let words = if health.items.is_empty() {
            " No findings: nothing is wrong or notable."
        } else {
            " All findings are hidden: a shows hidden codes, f changes the severity."
        };
        Line::of(Role::Dim, words).paint(buffer, list, theme);
    }
    if let Some(item) = health.item() {
        let glyphs = app.settings.charset.glyphs();
        let title = format!("{} {} ", glyphs.rule.repeat(2), item.finding.code.id);
        let mut lines = vec![Line::of(Role::Border, title)];
        lines.extend(about(item, usize::from(text.width)));
        for (line, y) in lines.iter().zip(text.y..text.bottom()) {
            line.paint(
                buffer,
                Rect {
                    y,
                    height: 1,
                    ..text
                },
                theme,
            );
        }
    }
}

fn summary(app: &App) -> Line {
    let counts = app.health.counts();
    let count = |severity| counts.get(&severity).copied().unwrap_or(0);
    let least = match app.health.least {
        Severity::Info => "all",
        Severity::Warning => "warnings and errors",
        Severity::Error => "errors only",
    };
    let many =
        |number: usize, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
    Line::of(
        Role::Heading,
        format!(
            " {}  {}  {}",
            many(count(Severity::Error), "error"),
            many(count(Severity::Warning), "warning"),
            many(count(Severity::Info), "note")
        ),
    )
    .with(Role::Dim, format!("   shown: {least}"))
}

fn row(app: &App, item: &Found, width: usize) -> Line {
    let ellipsis = app.settings.charset.glyphs().ellipsis;
    let code = &item.finding.code;
    let narrow = width < 70;
    let (code_width, name_width) = if narrow {
        (14, width.saturating_sub(9 + 15))
    } else {
        (26, 24)
    };
    let mut line = Line::of(
        severity_role(code.severity),
        format!(" {:<7} ", code.severity.word()),
    );
    line.push(
        Role::Text,
        format!("{} ", pad(&clip(code.id, code_width, ellipsis), code_width)),
    );
    let name = clip_middle(&place(app, item), name_width, ellipsis);
    line.push(Role::Text, format!("{} ", pad(&name, name_width)));
    let left = width.saturating_sub(line.width());
    line.push(Role::Dim, clip(&escape(&item.finding.text), left, ellipsis));
    line
}

/// What was expected and what is there, as far as a finding has it; escaped.
pub fn values(finding: &Finding) -> String {
    match (finding.expected.as_str(), finding.actual.as_str()) {
        ("", "") => String::new(),
        (expected, "") => format!("expected {}", escape(expected)),
        ("", actual) => format!("found {}", escape(actual)),
        (expected, actual) => format!("expected {}, found {}", escape(expected), escape(actual)),
    }
}

/// The disk of a finding as the tree shows it, behind its machine or folder.
fn place(app: &App, item: &Found) -> String {
    let row = app.find(&item.path).and_then(|id| app.row_of(id));
    let Some(row) = row else {
        return text::file_name(&item.path);
    };
    let mut group = row;
    while let Some(above) = group.parent.and_then(|at| app.rows.get(at as usize)) {
        group = above;
    }
    let group = group.name.rsplit('/').next().unwrap_or(&group.name);
    if group == "." || row.name.contains('/') {
        row.name.clone()
    } else {
        format!("{group}/{}", row.name)
    }
}

/// What a finding means.
pub fn about(item: &Found, width: usize) -> Vec<Line> {
    let finding = &item.finding;
    let mut lines = Vec::new();
    let mut say = |label: &str, text: String| {
        if text.is_empty() {
            return;
        }
        // Beside its label a text on a narrow screen would have no room.
        let (label, indent) = if width < 60 {
            (format!(" {label}: "), 2)
        } else {
            (format!(" {label:<14} "), 16)
        };
        let line = Line::of(Role::Heading, label).with(Role::Text, text);
        lines.extend(line.wrap(width, indent));
    };
    say("What", escape(&finding.text));
    say("File", text::path(&item.path));
    let at = finding
        .at
        .map(|at| format!("offset {at:#x}"))
        .unwrap_or_default();
    say(
        "How we know",
        [at, values(finding)]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(": "),
    );
    say("Why it matters", finding.code.why.to_owned());
    say("What to do", finding.code.action.to_owned());
    lines
}

/// Every finding as text.
pub fn text_lines(app: &App, width: u16) -> Vec<Line> {
    let mut lines = vec![summary(app)];
    for item in &app.health.items {
        lines.push(Line::of(
            Role::Text,
            format!(
                "{} {}",
                item.finding.code.severity.word(),
                item.finding.code.id
            ),
        ));
        lines.extend(about(item, width.into()));
        lines.push(Line::new());
    }
    lines
}
