//! Signals as messages; and a way out when nobody takes messages any more.

use std::io;
use std::sync::mpsc::SyncSender;

use crate::tui::message::Message;

/// Listens for SIGTERM, SIGHUP, SIGTSTP and SIGCONT.
///
/// # Errors
/// When the system gives no handler or no thread.
#[cfg(unix)]
pub fn start(inbox: SyncSender<Message>) -> io::Result<()> {
    use crate::tui::message::Signal;
    use signal_hook::consts::{SIGCONT, SIGHUP, SIGTERM, SIGTSTP};
    use signal_hook::iterator::Signals;
    use std::time::Duration;

    /// How long the runtime has to leave by itself; a terminal that takes no bytes would keep it for ever.
    const PATIENCE: Duration = Duration::from_secs(2);

    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGTSTP, SIGCONT])?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                let (message, last) = match signal {
                    SIGTSTP => (Signal::Suspend, false),
                    SIGCONT => (Signal::Continue, false),
                    _ => (Signal::Terminate, true),
                };
                let _ = inbox.try_send(Message::Signal(message));
                if last {
                    std::thread::sleep(PATIENCE);
                    crate::tui::terminal::restore_without_writing();
                    std::process::exit(128_i32.saturating_add(signal));
                }
            }
        })?;
    Ok(())
}

/// There are no such signals here; Ctrl-C comes as a key.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn start(inbox: SyncSender<Message>) -> io::Result<()> {
    drop(inbox);
    Ok(())
}

/// Stops the process as Ctrl-Z would, and comes back when the shell says so.
#[cfg(unix)]
pub fn stop() {
    // Our own handler for SIGTSTP stands in the way of its default: ask for that one.
    let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP);
}

/// There is no such thing here.
#[cfg(not(unix))]
pub fn stop() {}
