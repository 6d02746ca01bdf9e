//! The way out: one buffered writer, a synchronised update around each frame, and not a byte when nothing changed.

mod encode;

use std::io::{self, Write};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::app::App;
use crate::tui::frame::paint;
use crate::tui::screens::Screens;

use self::encode::encode;

/// Room kept for a frame; a larger one is given back.
const BUFFER_BYTES: usize = 256 << 10;
const BEGIN_SYNC: &[u8] = b"\x1b[?2026h";
const END_SYNC: &[u8] = b"\x1b[?2026l";
/// Plain letters, everything blank.
const CLEAR: &[u8] = b"\x1b[m\x1b[2J";

/// The terminal as it was written to last. The cursor stays hidden: the terminal guard hid it.
#[derive(Debug)]
pub struct Painter<W: Write> {
    out: W,
    /// What the terminal shows.
    shown: Buffer,
    /// What it is to show next.
    next: Buffer,
    /// What the terminal shows is not known.
    unknown: bool,
    frame: Vec<u8>,
    sent: u64,
}

impl<W: Write> Painter<W> {
    /// A blank screen on a writer.
    pub fn new(out: W, (width, height): (u16, u16)) -> Self {
        let area = Rect::new(0, 0, width, height);
        Self {
            out,
            shown: Buffer::empty(area),
            next: Buffer::empty(area),
            unknown: false,
            frame: Vec::with_capacity(BUFFER_BYTES),
            sent: 0,
        }
    }

    /// Draws the state; sends what changed on the screen, in one write, or nothing.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn draw(&mut self, app: &App, screens: &Screens) -> io::Result<()> {
        let area = Rect::new(0, 0, app.size.0, app.size.1);
        self.frame.extend_from_slice(BEGIN_SYNC);
        if self.unknown || self.shown.area != area {
            self.unknown = false;
            self.shown = Buffer::empty(area);
            self.next = Buffer::empty(area);
            self.frame.extend_from_slice(CLEAR);
        } else {
            self.next.reset();
        }
        paint(app, screens, area, &mut self.next);
        app.settings.depth.apply(&mut self.next);
        encode(&self.shown, &self.next, &mut self.frame);
        std::mem::swap(&mut self.shown, &mut self.next);
        let result = if self.frame.len() > BEGIN_SYNC.len() {
            self.frame.extend_from_slice(END_SYNC);
            self.sent = self.sent.saturating_add(self.frame.len() as u64);
            self.out
                .write_all(&self.frame)
                .and_then(|()| self.out.flush())
        } else {
            Ok(())
        };
        self.frame.clear();
        self.frame.shrink_to(BUFFER_BYTES);
        result
    }

    /// Forgets what was sent: the next frame is sent whole.
    pub fn forget(&mut self) {
        self.unknown = true;
    }

    /// Bytes sent so far.
    pub fn bytes_sent(&self) -> u64 {
        self.sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::message::Message;
    use crate::tui::sample;
    use crate::tui::script::Script;

    fn sent(screen: &mut Painter<Vec<u8>>, script: &mut Script, key: &str) -> u64 {
        let before = screen.bytes_sent();
        script.keys(key);
        screen.draw(&script.app, &script.screens).unwrap();
        screen.bytes_sent() - before
    }

    #[test]
    fn nothing_is_sent_when_nothing_changed() {
        let script = Script::new(sample::store(), (80, 24));
        let mut screen = Painter::new(Vec::new(), script.app.size);
        screen.draw(&script.app, &script.screens).unwrap();
        let first = screen.bytes_sent();
        assert!(first > 500);
        for _ in 0..3 {
            screen.draw(&script.app, &script.screens).unwrap();
        }
        assert_eq!(screen.bytes_sent(), first);
    }

    #[test]
    fn a_cursor_step_is_small_at_140_by_40() {
        let mut script = Script::new(sample::store(), (140, 40));
        let mut screen = Painter::new(Vec::new(), script.app.size);
        screen.draw(&script.app, &script.screens).unwrap();
        for key in [
            "j", "j", "j", "k", "j", "j", "j", "j", "j", "j", "j", "k", "k",
        ] {
            let bytes = sent(&mut screen, &mut script, key);
            assert!((1..=1536).contains(&bytes), "{key}: {bytes} bytes");
            let before = screen.bytes_sent();
            script.send(Message::Rested);
            screen.draw(&script.app, &script.screens).unwrap();
            let panes = screen.bytes_sent() - before;
            println!("{key}: {bytes} + {panes}");
            assert!(
                bytes + panes <= 1792,
                "{key}: {bytes} bytes, the panes {panes}"
            );
        }
    }

    #[test]
    fn a_frame_is_one_synchronised_update() {
        let script = Script::new(sample::store(), (80, 24));
        let mut screen = Painter::new(Vec::new(), script.app.size);
        screen.draw(&script.app, &script.screens).unwrap();
        let bytes = &screen.out;
        assert!(bytes.starts_with(BEGIN_SYNC) && bytes.ends_with(END_SYNC));
        let begins = bytes
            .windows(BEGIN_SYNC.len())
            .filter(|window| *window == BEGIN_SYNC)
            .count();
        assert_eq!(begins, 1);
    }

    #[test]
    fn a_redraw_sends_the_whole_screen_again() {
        let script = Script::new(sample::store(), (80, 24));
        let mut screen = Painter::new(Vec::new(), script.app.size);
        screen.draw(&script.app, &script.screens).unwrap();
        let first = screen.bytes_sent();
        screen.forget();
        screen.draw(&script.app, &script.screens).unwrap();
        assert!(screen.bytes_sent() >= first * 2 - 100);
    }
}
