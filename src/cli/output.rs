//! Standard output and standard error: a reader that closes the pipe is no error, and an answer's exit code stays what it
//! was; progress is for people at a terminal only.

use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::args::OutArgs;
use crate::report::ColumnStyle;
use crate::report::json::brief::Prose;
use crate::report::json::{self, JsonLayout};
use crate::report::page::{Line, Role};
use crate::report::tree_text::Headings;
use crate::text::{Charset, Clock, Units, Zone};
use crate::tui::depth::ColorChoice;

/// Bytes written at a time: what a pipe holds.
const BUFFER_BYTES: usize = 64 << 10;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Json,
    /// A record on each line.
    Ndjson,
    /// A table for spreadsheets.
    Csv,
}

/// Whether colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paint {
    /// Escape codes for colours.
    Coloured,
    /// None.
    #[default]
    Plain,
}

/// Where answers go, and how they look.
pub struct Output {
    writer: BufWriter<Box<dyn Write>>,
    /// The form of the answer.
    pub form: Form,
    pub prose: Prose,
    /// How values become text.
    pub style: ColumnStyle,
    pub paint: Paint,
    /// The line with the names of columns.
    pub headings: Headings,
    quiet: bool,
    closed: bool,
    is_terminal: bool,
}

impl Output {
    /// Standard output, as the arguments want it.
    pub fn new(args: &OutArgs) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let coloured = match args.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal && !no_color && !is_dumb(),
        };
        Self {
            writer: BufWriter::with_capacity(BUFFER_BYTES, Box::new(io::stdout())),
            form: if args.json {
                Form::Json
            } else if args.ndjson {
                Form::Ndjson
            } else if args.csv {
                Form::Csv
            } else {
                Form::Text
            },
            prose: switched(args.brief, Prose::LeftOut),
            style: ColumnStyle {
                units: switched(args.bytes, Units::Bytes),
                clock: Clock::new(switched(args.local, Zone::Local)),
                charset: if args.ascii {
                    Charset::Ascii
                } else {
                    charset()
                },
                ..ColumnStyle::default()
            },
            paint: switched(coloured, Paint::Coloured),
            headings: switched(args.no_headings, Headings::Hidden),
            quiet: args.quiet,
            closed: false,
            is_terminal,
        }
    }

    /// Width of the terminal in cells; `None` if it is none.
    pub fn width(&self) -> Option<u16> {
        let (width, _) = self.is_terminal.then(crossterm::terminal::size)?.ok()?;
        (width > 0).then_some(width)
    }

    /// Cells that running text may take: the terminal's width, or 100 where there is none.
    pub fn text_width(&self) -> usize {
        const LEAST: usize = 32;
        self.width()
            .map_or(100, |width| usize::from(width).max(LEAST))
    }

    /// One line of text.
    ///
    /// # Errors
    /// When it cannot be written; never because the reader went away.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        self.write_all(text.as_bytes())?;
        self.write_all(b"\n")
    }

    /// Lines of text.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub fn lines<T: AsRef<str>>(&mut self, lines: impl IntoIterator<Item = T>) -> io::Result<()> {
        lines
            .into_iter()
            .try_for_each(|line| self.line(line.as_ref()))
    }

    /// A page, in colours if there are to be any.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub fn page(&mut self, page: &[Line]) -> io::Result<()> {
        let paint = self.paint;
        self.lines(page.iter().map(|line| match paint {
            Paint::Plain => line.plain(),
            Paint::Coloured => coloured(line),
        }))
    }

    /// A JSON value, as wide as the form wants it.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        let layout = match self.form {
            Form::Ndjson => JsonLayout::Line,
            _ => JsonLayout::Pretty,
        };
        json::write(self, value, layout)
    }

    /// A remark for people, on standard error.
    pub fn warn(&self, text: &str) {
        if !self.quiet {
            // There is nowhere left to say that standard error is gone.
            let _ = writeln!(io::stderr(), "vhdtree: {text}");
        }
    }

    /// Progress for people at a terminal.
    pub fn progress(&self) -> ProgressLine {
        ProgressLine {
            // Records that are written while the work goes on would run into it.
            shown: !self.quiet
                && io::stderr().is_terminal()
                && (self.form == Form::Text || !self.is_terminal),
            last: None,
        }
    }

    fn forgive(&mut self, result: io::Result<()>) -> io::Result<()> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            other => other,
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.closed {
            let result = self.writer.write_all(bytes);
            self.forgive(result)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let result = self.writer.flush();
        self.forgive(result)
    }
}

/// One line on standard error that is written over and over.
pub struct ProgressLine {
    shown: bool,
    last: Option<Instant>,
}

impl ProgressLine {
    const PAUSE: Duration = Duration::from_millis(200);

    /// Shows a text, at most five times a second.
    pub fn show(&mut self, text: impl FnOnce() -> String) {
        let due = self.last.is_none_or(|last| last.elapsed() >= Self::PAUSE);
        if self.shown && due {
            self.last = Some(Instant::now());
            let text: String = text().chars().take(76).collect();
            let _ = write!(io::stderr(), "\r\x1b[K{text}");
        }
    }

    /// Takes the line away, so that something else can stand there.
    pub fn clear(&mut self) {
        if self.shown && self.last.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A line with the escape codes of its roles, in the terminal's own sixteen colours.
fn coloured(line: &Line) -> String {
    let mut text = String::new();
    for (role, piece) in line.pieces() {
        let code = match role {
            Role::Heading => "1",
            Role::Dim | Role::Border => "2",
            Role::Ok | Role::Now | Role::For => "32",
            Role::Warning | Role::Unsure => "33",
            Role::Error => "31",
            _ => "",
        };
        if code.is_empty() || piece.trim().is_empty() {
            text.push_str(piece);
        } else {
            text.extend(["\x1b[", code, "m", piece, "\x1b[0m"]);
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// What a switch chooses in place of what is usual.
pub(super) fn switched<T: Default>(is_on: bool, to: T) -> T {
    if is_on { to } else { T::default() }
}

/// Standard output is a terminal that can place its text; a dumb one is served as a pipe is.
pub(super) fn shows_screens() -> bool {
    io::stdout().is_terminal() && !is_dumb()
}

fn is_dumb() -> bool {
    std::env::var("TERM").is_ok_and(|term| term == "dumb")
}

/// The signs that the locale and the terminal can show.
fn charset() -> Charset {
    if cfg!(windows) {
        return Charset::Unicode;
    }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty());
    let term = std::env::var("TERM").ok();
    Charset::detect(locale.as_deref(), term.as_deref())
}
