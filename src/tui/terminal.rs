//! The terminal guard: every mode that is switched on is undone, whatever happens.
//!
//! The guard writes its own escape codes and keeps which modes are on in one place that the panic hook and the signal
//! thread can reach. Restoring twice is the same as once.

use std::io::{self, IsTerminal as _, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ThreadId;

use crossterm::terminal;

use crate::job::locked;

/// Main screen kept aside, cursor hidden, no line wrap surprises while drawing.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
/// Attributes off, cursor shown, main screen back.
const LEAVE: &str = "\x1b[0m\x1b[?25h\x1b[?1049l";
/// Buttons and wheel only, in the form that works beyond column 223. Not 1003: it would send every movement over the line.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";
/// Ends a synchronised update, in case one was open.
const END_SYNC: &str = "\x1b[?2026l";

/// What is switched on now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Modes {
    mouse: bool,
    owner: ThreadId,
}

static MODES: Mutex<Option<Modes>> = Mutex::new(None);
static HOOKED: AtomicBool = AtomicBool::new(false);

/// Whether the mouse is listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mouse {
    /// The terminal keeps it: selecting text works.
    #[default]
    Off,
    /// Clicks and the wheel come here.
    On,
}

/// Holds the terminal in raw mode on the alternate screen until dropped.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When stdout is no terminal, or the terminal refuses.
    pub fn enter(mouse: Mouse) -> io::Result<Self> {
        if !io::stdout().is_terminal() {
            return Err(io::Error::other("standard output is not a terminal"));
        }
        hook_panics();
        set(mouse)?;
        Ok(Self(()))
    }

    /// Gives the terminal back for a while (to a shell or a pager).
    pub fn pause(&mut self) {
        restore();
    }

    /// Takes it again.
    ///
    /// # Errors
    /// When the terminal refuses.
    pub fn resume(&mut self, mouse: Mouse) -> io::Result<()> {
        set(mouse)
    }

    /// Listens to the mouse, or stops.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn set_mouse(&mut self, mouse: Mouse) -> io::Result<()> {
        let mut modes = locked(&MODES);
        if let Some(modes) = modes.as_mut() {
            let on = mouse == Mouse::On;
            if modes.mouse != on {
                modes.mouse = on;
                let mut out = io::stdout().lock();
                out.write_all(if on { MOUSE_ON } else { MOUSE_OFF }.as_bytes())?;
                out.flush()?;
            }
        }
        Ok(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

fn set(mouse: Mouse) -> io::Result<()> {
    let mut modes = locked(&MODES);
    terminal::enable_raw_mode()?;
    *modes = Some(Modes {
        mouse: mouse == Mouse::On,
        owner: std::thread::current().id(),
    });
    let mut out = io::stdout().lock();
    out.write_all(ENTER.as_bytes())?;
    if mouse == Mouse::On {
        out.write_all(MOUSE_ON.as_bytes())?;
    }
    out.flush()
}

/// Undoes every mode that is on. Safe to call from any thread, at any time, any number of times; write errors are
/// ignored, since there is nobody left to tell.
pub fn restore() {
    let taken = locked(&MODES).take();
    let Some(modes) = taken else { return };
    let mut codes = String::from(END_SYNC);
    if modes.mouse {
        codes.push_str(MOUSE_OFF);
    }
    codes.push_str(LEAVE);
    let mut out = io::stdout().lock();
    let _ = out.write_all(codes.as_bytes());
    let _ = out.flush();
    drop(out);
    let _ = terminal::disable_raw_mode();
}

/// Gives line editing and echo back without writing anything: for the end of a process whose terminal takes no more bytes.
pub fn restore_without_writing() {
    let _ = terminal::disable_raw_mode();
}

/// A panic of the thread that holds the terminal restores it before the message is printed. A panic of a worker is
/// reported by the worker's own catcher and must not touch the screen.
fn hook_panics() {
    if HOOKED.swap(true, Ordering::SeqCst) {
        return;
    }
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let held = MODES.try_lock().ok().and_then(|modes| *modes);
        match held {
            Some(modes) if modes.owner != std::thread::current().id() => {}
            _ => {
                restore();
                previous(info);
            }
        }
    }));
}

/// What the terminal can be told, for tests: the codes that enter and leave.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_undoes_what_entering_did() {
        for code in ENTER.split("\x1b[").filter(|code| !code.is_empty()) {
            let undo = match code.strip_suffix('h') {
                Some(mode) => format!("\x1b[{mode}l"),
                None => format!("\x1b[{}h", code.trim_end_matches('l')),
            };
            assert!(LEAVE.contains(&undo), "{undo:?}");
        }
        assert!(MOUSE_OFF.contains("1000l") && MOUSE_OFF.contains("1006l"));
    }

    #[test]
    fn restoring_without_a_guard_does_nothing() {
        restore();
        restore();
        assert_eq!(*MODES.lock().unwrap(), None);
    }
}
