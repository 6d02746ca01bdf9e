//! Key scripts: a state, keys, and what is on the screen then. For tests and for the pictures.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use crate::text::{Charset, Clock};
use crate::tui::Options;
use crate::tui::app::{App, Settings};
use crate::tui::depth::Depth;
use crate::tui::effect::{Effect, JobRequest};
use crate::tui::frame::paint;
use crate::tui::keymap::Key;
use crate::tui::message::{JobKind, Message, News};
use crate::tui::prepared::{Prepared, PreparedStore};
use crate::tui::runtime::answers;
use crate::tui::sample::Sample;
use crate::tui::screens::{Screens, keymap};
use crate::tui::terminal::Mouse;
use crate::tui::theme::Theme;
use crate::tui::update::{start, update};

/// Settings as a fresh browser has them, on a terminal with 16 colours and UTF-8.
///
/// # Panics
/// When the built-in key table holds a conflict, which a test forbids.
pub fn settings() -> Settings {
    Settings {
        flags: String::new(),
        exports: Some("/exports".to_owned()),
        theme: Theme::load("ansi16").unwrap_or_else(|_| Theme::mono()),
        themes: ["ansi16", "safe", "light", "mono"]
            .map(str::to_owned)
            .to_vec(),
        charset: Charset::Unicode,
        depth: Depth::Ansi16,
        mouse: Mouse::Off,
        clock: Clock::default(),
        keymap: Arc::new(keymap(&BTreeMap::new()).expect("the built-in table holds no conflict")),
        roots: "/vmstore".to_owned(),
        saved: false,
        guard: None,
    }
}

/// A store as the program's own jobs tell it: ready to be shown by what a browser wants.
pub fn told(app: &App, store: PreparedStore) -> News {
    let mut by = app.wanted();
    by.options.phase = app.phase();
    News::Prepared(Box::new(Prepared::judged(store, by)))
}

/// A browser that has read a sample.
pub fn browser(sample: Sample, size: (u16, u16)) -> App {
    Script::read(App::new(settings(), size), sample).app
}

/// A browser, the effects its keys asked for, and its screen.
#[derive(Debug)]
pub struct Script {
    pub app: App,
    /// What was asked for since the last look at it.
    pub effects: Vec<Effect>,
    pub screens: Screens,
}

impl Script {
    /// A script on a browser that has read a sample.
    pub fn new(sample: Sample, size: (u16, u16)) -> Self {
        Self::read(App::new(settings(), size), sample)
    }

    /// A script on a browser that has nothing yet and reads a sample.
    pub fn read(app: App, sample: Sample) -> Self {
        let mut script = Self::of(app);
        start(&mut script.app);
        script.store(JobKind::Scan, sample);
        script.effects.clear();
        script
    }

    /// A job brings a sample, and ends.
    pub fn store(&mut self, slot: JobKind, sample: Sample) -> &mut Self {
        let news = told(&self.app, sample.snapshot());
        self.answer(slot, news)
    }

    /// A script on any browser.
    pub fn of(app: App) -> Self {
        Self {
            app,
            effects: Vec::new(),
            screens: Screens::default(),
        }
    }

    /// Presses keys: single characters, and names in angle brackets (`jj<Enter><^C>`).
    ///
    /// # Panics
    /// When a name is no key.
    pub fn keys(&mut self, keys: &str) -> &mut Self {
        let mut rest = keys;
        while let Some(c) = rest.chars().next() {
            let name = rest
                .strip_prefix('<')
                .and_then(|after| after.split_once('>'));
            let key = if let Some((name, after)) = name.filter(|(name, _)| !name.is_empty()) {
                rest = after;
                Key::parse(name).unwrap_or_else(|| panic!("<{name}> is no key"))
            } else {
                rest = &rest[c.len_utf8()..];
                let name = if c == ' ' {
                    "Space".to_owned()
                } else {
                    c.to_string()
                };
                Key::parse(&name).expect("a character is a key")
            };
            self.send(Message::Key(key));
        }
        self
    }

    pub fn send(&mut self, message: Message) -> &mut Self {
        let effects = update(&mut self.app, &mut self.screens, message);
        self.effects.extend(effects);
        self
    }

    /// Answers the newest job of a slot.
    ///
    /// # Panics
    /// When no such job runs: the keys before did not ask for it.
    pub fn answer(&mut self, slot: JobKind, news: News) -> &mut Self {
        let no = self
            .app
            .jobs
            .get(&slot)
            .unwrap_or_else(|| panic!("no {slot:?} job runs"))
            .no;
        self.send(Message::Job(slot, no, news));
        self.send(Message::Job(slot, no, News::Ended(Ok(()))))
    }

    /// Does the jobs that were asked for, and those that their answers ask for, until none is left.
    ///
    /// # Panics
    /// When a job fails.
    pub fn work(&mut self, options: &Options) -> &mut Self {
        while let Some(at) = self
            .effects
            .iter()
            .position(|e| matches!(e, Effect::Start(..)))
        {
            let Effect::Start(no, work) = self.effects.remove(at) else {
                continue;
            };
            if matches!(work, JobRequest::Watch { .. }) {
                continue;
            }
            let slot = work.slot();
            let (news, ended) = answers(options, work);
            ended.as_ref().expect("the job can be done");
            for news in news {
                self.send(Message::Job(slot, no, news));
            }
            self.send(Message::Job(slot, no, News::Ended(ended)));
        }
        self
    }

    /// The open screen as plain text, whole, as for the pager.
    pub fn text(&self) -> Vec<String> {
        crate::tui::frame::text(&self.app, &self.screens)
    }

    /// The screen as cells.
    pub fn buffer(&mut self) -> Buffer {
        let area = Rect::new(0, 0, self.app.size.0, self.app.size.1);
        let mut buffer = Buffer::empty(area);
        paint(&self.app, &self.screens, area, &mut buffer);
        self.app.settings.depth.apply(&mut buffer);
        buffer
    }

    /// The screen as lines of text, trailing blanks cut.
    pub fn screen(&mut self) -> String {
        text_of(&self.buffer())
    }

    /// The screen as text, and below it where which style is: what a snapshot keeps.
    pub fn shot(&mut self) -> String {
        let buffer = self.buffer();
        format!("{}\n{}", text_of(&buffer), styles_of(&buffer))
    }
}

/// A buffer as lines of text, trailing blanks cut.
pub fn text_of(buffer: &Buffer) -> String {
    let mut text = String::new();
    for row in buffer.content.chunks(usize::from(buffer.area.width).max(1)) {
        let mut line = String::new();
        let mut skip = 0;
        for cell in row {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            line.push_str(cell.symbol());
            skip = cell.symbol().width().saturating_sub(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The styled stretches of a buffer, one a line: row, columns, style.
pub fn styles_of(buffer: &Buffer) -> String {
    let mut text = String::new();
    let width = usize::from(buffer.area.width).max(1);
    for (y, row) in buffer.content.chunks(width).enumerate() {
        let mut x = 0;
        while let Some(cell) = row.get(x) {
            let style = (cell.fg, cell.bg, cell.modifier);
            let len = row[x..]
                .iter()
                .take_while(|cell| (cell.fg, cell.bg, cell.modifier) == style)
                .count();
            if style
                != (
                    ratatui::style::Color::Reset,
                    ratatui::style::Color::Reset,
                    ratatui::style::Modifier::empty(),
                )
            {
                let mut words = Vec::new();
                if cell.fg != ratatui::style::Color::Reset {
                    words.push(cell.fg.to_string().to_lowercase());
                }
                if cell.bg != ratatui::style::Color::Reset {
                    words.push(format!("on {}", cell.bg.to_string().to_lowercase()));
                }
                words.extend(
                    cell.modifier
                        .iter_names()
                        .map(|(name, _)| name.to_lowercase()),
                );
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{y:>3} {x:>3}-{:<3} {}", x + len - 1, words.join(" "));
            }
            x += len;
        }
    }
    text
}
