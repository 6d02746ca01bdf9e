//! Signals as messages; which of them ended the browser; and a way out when nobody takes messages any more.

use std::io;
use std::sync::mpsc::SyncSender;

use crate::tui::message::Message;

/// How the browser was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Left {
    #[default]
    ByKey,
    /// By itself: there is no disk to browse.
    Empty,
    /// By a signal, or because the terminal is gone, which is as good as SIGHUP: its number.
    BySignal(u8),
}

#[cfg(unix)]
mod unix {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, LazyLock};

    /// The signal that ends the browser; 0 = none came. Set in the handler itself: a terminal that hangs up fails
    /// every write, and the failed write must find the reason.
    static ENDED_BY: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);
    /// Another program has the terminal: Ctrl-C there is meant for it.
    static AWAY: AtomicBool = AtomicBool::new(false);
    /// Ctrl-C came, whoever it is meant for. Set in the handler itself: the thread that hears of it may be late.
    static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
    /// Ctrl-C came while another program had the terminal, and the thread has not heard of it yet.
    static UNHEARD: AtomicBool = AtomicBool::new(false);

    pub fn flag() -> Arc<AtomicUsize> {
        Arc::clone(&ENDED_BY)
    }

    pub fn remember(signal: i32) {
        let number = usize::try_from(signal).unwrap_or(0);
        // The first reason stands.
        let _ = ENDED_BY.compare_exchange(0, number, Ordering::SeqCst, Ordering::SeqCst);
    }

    pub fn ended_by() -> u8 {
        u8::try_from(ENDED_BY.load(Ordering::SeqCst)).unwrap_or(0)
    }

    pub fn interrupted() -> Arc<AtomicBool> {
        Arc::clone(&INTERRUPTED)
    }

    pub fn set_away(away: bool) {
        let came = INTERRUPTED.swap(false, Ordering::SeqCst);
        UNHEARD.store(came && !away, Ordering::SeqCst);
        AWAY.store(away, Ordering::SeqCst);
    }

    /// Asked for each Ctrl-C as the thread hears of it.
    pub fn is_for_another() -> bool {
        let unheard = UNHEARD.swap(false, Ordering::SeqCst);
        INTERRUPTED.store(false, Ordering::SeqCst);
        unheard || AWAY.load(Ordering::SeqCst)
    }
}

/// Listens for what ends (SIGTERM, SIGHUP, and SIGINT and SIGQUIT from outside), stops and continues the browser.
///
/// # Errors
/// When the system gives no handler or no thread.
#[cfg(unix)]
pub fn start(inbox: SyncSender<Message>) -> io::Result<()> {
    use crate::tui::message::Signal;
    use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
    use signal_hook::iterator::Signals;
    use std::time::Duration;

    /// How long the runtime has to leave by itself; a terminal that takes no bytes would keep it for ever.
    const PATIENCE: Duration = Duration::from_secs(2);

    for signal in [SIGTERM, SIGHUP] {
        let number = usize::try_from(signal).unwrap_or(0);
        signal_hook::flag::register_usize(signal, unix::flag(), number)?;
    }
    for signal in [SIGINT, SIGQUIT] {
        signal_hook::flag::register(signal, unix::interrupted())?;
    }
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT])?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                let (message, last) = match signal {
                    SIGTSTP => (Signal::Suspend, false),
                    SIGCONT => (Signal::Continue, false),
                    SIGINT | SIGQUIT if unix::is_for_another() => continue,
                    _ => (Signal::Terminate, true),
                };
                if last {
                    unix::remember(signal);
                }
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

/// How the browser was left, once it was.
#[cfg(unix)]
pub fn left() -> Left {
    match unix::ended_by() {
        0 => Left::ByKey,
        signal => Left::BySignal(signal),
    }
}

/// There are no such signals here.
#[cfg(not(unix))]
pub fn left() -> Left {
    Left::ByKey
}

/// The terminal is gone: the browser ends as if SIGHUP had come.
pub fn hung_up() {
    #[cfg(unix)]
    unix::remember(signal_hook::consts::SIGHUP);
}

/// True for what reading and writing a terminal that is gone fails with; its SIGHUP may come a moment later.
pub fn is_hang_up(error: &(dyn std::error::Error + 'static)) -> bool {
    #[cfg(unix)]
    {
        let code = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::raw_os_error);
        code == Some(rustix::io::Errno::IO.raw_os_error())
    }
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

/// Another program gets the terminal, and what its user interrupts is not the browser; or the browser has it back.
pub fn set_away(away: bool) {
    #[cfg(unix)]
    unix::set_away(away);
    #[cfg(not(unix))]
    let _ = away;
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
