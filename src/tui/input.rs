//! The input thread: the only reader of the terminal. It blocks; it never polls where the system can wake it.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crossterm::event::{Event, MouseButton, MouseEventKind, read};

use crate::job::locked;
use crate::tui::keymap::Key;
use crate::tui::message::{Message, MouseAction, Signal};

/// What the input thread and the runtime agree on.
#[derive(Debug, Default)]
struct InputGate {
    paused: Mutex<InputState>,
    changed: Condvar,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum InputState {
    #[default]
    Reading,
    /// Is asked not to read.
    Asked,
    Parked,
}

/// Reads the terminal until the inbox is gone.
#[derive(Debug, Clone, Default)]
pub struct Input {
    gate: Arc<InputGate>,
}

impl Input {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(inbox: SyncSender<Message>) -> std::io::Result<Self> {
        let input = Self::default();
        let gate = Arc::clone(&input.gate);
        std::thread::Builder::new()
            .name("input".to_owned())
            .spawn(move || {
                loop {
                    gate.pass();
                    match next() {
                        Ok(Some(event)) => {
                            if gate.is_asked() && matches!(event, Event::Resize(..)) {
                                // The runtime woke this thread to park it.
                                continue;
                            }
                            if let Some(message) = message(&event)
                                && inbox.send(message).is_err()
                            {
                                return;
                            }
                        }
                        Ok(None) => {}
                        Err(_) => {
                            // The terminal is gone.
                            crate::tui::signals::hung_up();
                            let _ = inbox.send(Message::Signal(Signal::Terminate));
                            return;
                        }
                    }
                }
            })?;
        Ok(input)
    }

    /// Stops reading, so that another program can; comes back when the thread does not read any more, or does not
    /// answer for half a second.
    pub fn pause(&self) {
        let mut state = locked(&self.gate.paused);
        *state = InputState::Asked;
        #[cfg(unix)]
        {
            // Wakes the blocking read with a resize event.
            let _ = signal_hook::low_level::raise(signal_hook::consts::SIGWINCH);
        }
        let limit = Duration::from_millis(500);
        let waited = self
            .gate
            .changed
            .wait_timeout_while(state, limit, |state| *state != InputState::Parked);
        drop(waited);
    }

    /// Reads again.
    pub fn resume(&self) {
        *locked(&self.gate.paused) = InputState::Reading;
        self.gate.changed.notify_all();
    }
}

impl InputGate {
    /// Waits as long as reading is not wanted.
    fn pass(&self) {
        let mut state = locked(&self.paused);
        while *state != InputState::Reading {
            *state = InputState::Parked;
            self.changed.notify_all();
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn is_asked(&self) -> bool {
        *locked(&self.paused) != InputState::Reading
    }
}

#[cfg(unix)]
fn next() -> std::io::Result<Option<Event>> {
    read().map(Some)
}

/// Nothing can wake a blocking read here, so it looks up now and then.
#[cfg(not(unix))]
fn next() -> std::io::Result<Option<Event>> {
    if crossterm::event::poll(Duration::from_millis(200))? {
        read().map(Some)
    } else {
        Ok(None)
    }
}

fn message(event: &Event) -> Option<Message> {
    match event {
        Event::Key(key) => Key::from_event(key).map(Message::Key),
        Event::Paste(text) => Some(Message::Paste(text.clone())),
        Event::Resize(width, height) => Some(Message::Resize(*width, *height)),
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                Some(Message::Mouse(MouseAction::Click(mouse.column, mouse.row)))
            }
            MouseEventKind::ScrollDown => Some(Message::Mouse(MouseAction::WheelDown)),
            MouseEventKind::ScrollUp => Some(Message::Mouse(MouseAction::WheelUp)),
            _ => None,
        },
        Event::FocusGained | Event::FocusLost => None,
    }
}
