//! The way out: one buffered writer, a synchronised update around each frame, and not a byte when nothing changed.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use ratatui::Terminal;
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

use crate::tui::app::App;
use crate::tui::view::{Seen, draw};

/// One frame fits in, so that it is one write.
const BUFFER_BYTES: usize = 256 << 10;
const BEGIN_SYNC: &[u8] = b"\x1b[?2026h";
const END_SYNC: &[u8] = b"\x1b[?2026l";

/// A backend that begins a synchronised update with the first byte of a frame, ends it with the last, and sends
/// nothing for a frame without changes. The cursor stays hidden: the terminal guard hid it.
#[derive(Debug)]
struct Quiet<W: Write> {
    inner: CrosstermBackend<Writer<W>>,
    size: Size,
}

/// Gathers a whole frame and sends it in one go.
#[derive(Debug)]
struct Frameful<W: Write> {
    out: W,
    frame: Vec<u8>,
    sent: u64,
}

/// The backend's hold on the frame. Flushes on the way are nothing: the frame goes out whole, by [`Screen::draw`].
#[derive(Debug)]
struct Writer<W: Write>(Rc<RefCell<Frameful<W>>>);

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let frame = &mut self.0.borrow_mut().frame;
        if frame.is_empty() {
            frame.extend_from_slice(BEGIN_SYNC);
        }
        frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Frameful<W> {
    fn send(&mut self) -> io::Result<()> {
        if self.frame.is_empty() {
            return Ok(());
        }
        self.frame.extend_from_slice(END_SYNC);
        self.sent = self.sent.saturating_add(self.frame.len() as u64);
        let result = self
            .out
            .write_all(&self.frame)
            .and_then(|()| self.out.flush());
        self.frame.clear();
        self.frame.shrink_to(BUFFER_BYTES);
        result
    }
}

impl<W: Write> Backend for Quiet<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        if content.peek().is_none() {
            return Ok(());
        }
        self.inner.draw(content)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        // Asking the terminal would wait for an answer that the input thread takes.
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, _: P) -> io::Result<()> {
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.inner.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.inner.clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize {
            columns_rows: self.size,
            pixels: Size::default(),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        // The frame goes out whole, by `Screen::draw`.
        Ok(())
    }
}

/// The screen: what was sent last, and where scrolled lists are.
#[derive(Debug)]
pub struct Screen<W: Write> {
    terminal: Terminal<Quiet<W>>,
    frame: Rc<RefCell<Frameful<W>>>,
    seen: Seen,
}

impl<W: Write> Screen<W> {
    /// A blank screen on a writer.
    ///
    /// # Errors
    /// Never in practice: nothing is written yet.
    pub fn new(out: W, (width, height): (u16, u16)) -> io::Result<Self> {
        // Crossterm would answer NO_COLOR by resets that also end reverse video; our themes answer it instead.
        crossterm::style::force_color_output(true);
        let frame = Rc::new(RefCell::new(Frameful {
            out,
            frame: Vec::with_capacity(BUFFER_BYTES),
            sent: 0,
        }));
        let backend = Quiet {
            inner: CrosstermBackend::new(Writer(Rc::clone(&frame))),
            size: Size::new(width, height),
        };
        Ok(Self {
            terminal: Terminal::new(backend)?,
            frame,
            seen: Seen::default(),
        })
    }

    /// Draws the state; sends what changed on the screen, in one write, or nothing.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn draw(&mut self, app: &App) -> io::Result<()> {
        let size = Size::new(app.size.0, app.size.1);
        self.terminal.backend_mut().size = size;
        // On a changed size this clears and forgets what was sent.
        self.terminal.autoresize()?;
        let mut frame = self.terminal.get_frame();
        draw(app, &mut self.seen, &mut frame);
        self.terminal.flush()?;
        self.terminal.swap_buffers();
        self.frame.borrow_mut().send()
    }

    /// Forgets what was sent: the next frame is sent whole.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn forget(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Bytes sent so far.
    pub fn bytes_sent(&self) -> u64 {
        self.frame.borrow().sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keymap::Key;
    use crate::tui::message::Message;
    use crate::tui::sample;
    use crate::tui::script::browser;
    use crate::tui::update::update;

    fn sent(screen: &mut Screen<Vec<u8>>, app: &mut App, key: &str) -> u64 {
        let before = screen.bytes_sent();
        update(app, Message::Key(Key::parse(key).unwrap()));
        screen.draw(app).unwrap();
        screen.bytes_sent() - before
    }

    #[test]
    fn nothing_is_sent_when_nothing_changed() {
        let app = browser(sample::store(), (80, 24));
        let mut screen = Screen::new(Vec::new(), app.size).unwrap();
        screen.draw(&app).unwrap();
        let first = screen.bytes_sent();
        assert!(first > 500);
        for _ in 0..3 {
            screen.draw(&app).unwrap();
        }
        assert_eq!(screen.bytes_sent(), first);
    }

    #[test]
    fn a_cursor_step_is_small_at_140_by_40() {
        let mut app = browser(sample::store(), (140, 40));
        let mut screen = Screen::new(Vec::new(), app.size).unwrap();
        screen.draw(&app).unwrap();
        for key in [
            "j", "j", "j", "k", "j", "j", "j", "j", "j", "j", "j", "k", "k",
        ] {
            let bytes = sent(&mut screen, &mut app, key);
            assert!((1..=1536).contains(&bytes), "{key}: {bytes} bytes");
            let before = screen.bytes_sent();
            update(&mut app, Message::Rested);
            screen.draw(&app).unwrap();
            let panes = screen.bytes_sent() - before;
            assert!(panes <= 6 << 10, "the panes after {key}: {panes} bytes");
        }
    }

    #[test]
    fn a_frame_is_one_synchronised_update() {
        let app = browser(sample::store(), (80, 24));
        let mut screen = Screen::new(Vec::new(), app.size).unwrap();
        screen.draw(&app).unwrap();
        let frame = screen.frame.borrow();
        let bytes = &frame.out;
        assert!(bytes.starts_with(BEGIN_SYNC) && bytes.ends_with(END_SYNC));
        let begins = bytes
            .windows(BEGIN_SYNC.len())
            .filter(|window| *window == BEGIN_SYNC)
            .count();
        assert_eq!(begins, 1);
    }

    #[test]
    fn a_redraw_sends_the_whole_screen_again() {
        let app = browser(sample::store(), (80, 24));
        let mut screen = Screen::new(Vec::new(), app.size).unwrap();
        screen.draw(&app).unwrap();
        let first = screen.bytes_sent();
        screen.forget().unwrap();
        screen.draw(&app).unwrap();
        assert!(screen.bytes_sent() >= first * 2 - 100);
    }
}
