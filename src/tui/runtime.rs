//! The loop, and what `update` orders: jobs, clipboard, pager, files, leaving.
//!
//! ```text
//!  input ─┐
//!  signals┼─► inbox (bounded) ─► take one, then drain ─► update ─► effects ─► here
//!  jobs  ─┘                                  │
//!                                            └─► pace ─► screen (one write)
//! ```

mod chains;
mod files;
mod job;
mod outside;
mod reporter;
mod tables;
mod watch;
mod work;

use std::io::{self, Stdout};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::store::real_path;
use crate::text;
use crate::tui::app::App;
use crate::tui::effect::{Effect, Export};
use crate::tui::input::Input;
use crate::tui::message::Message;
use crate::tui::pace::Pace;
use crate::tui::paint::Painter;
use crate::tui::screens::Screens;
use crate::tui::signals::Left;
use crate::tui::terminal::Guard;
use crate::tui::update::{start, update};
use crate::tui::{Options, signals};

use self::job::Jobs;
#[cfg(any(test, feature = "testing"))]
pub use self::job::answers;

/// Messages that may wait: more than a screenful of keys and news; beyond that, senders wait.
const INBOX: usize = 1024;
/// How long the cursor must stand still for the panes to follow it.
const REST: Duration = Duration::from_millis(120);

/// Runs the browser until it is left.
///
/// # Errors
/// When the terminal cannot be had or written to, and no signal is the reason.
pub fn run(options: Options, mut app: App) -> anyhow::Result<Left> {
    let (sender, inbox) = sync_channel(INBOX);
    // Handlers first: a signal between the two must not find a terminal that nobody restores.
    signals::start(sender.clone()).context("cannot listen for signals")?;
    let mut guard = Guard::enter(app.settings.mouse).context("cannot take the terminal")?;
    app.size = crossterm::terminal::size().context("cannot learn the size of the terminal")?;
    let painter = Painter::new(io::stdout(), app.size);
    let input = Input::start(sender.clone()).context("cannot read the terminal")?;
    let exports = options.exports.clone();
    let roots = options.scan.roots.clone();
    let jobs = Jobs::new(options, sender.clone());
    let mut runtime = Runtime {
        app,
        screens: Screens::default(),
        painter,
        input,
        jobs,
        pace: Pace::default(),
        left: Left::ByKey,
        exports,
        roots,
        inbox,
        sender,
    };
    let result = runtime.live(&mut guard);
    runtime.jobs.cancel_all();
    drop(guard);
    if let Err(error) = &result
        && error.chain().any(signals::is_hang_up)
    {
        signals::hung_up();
    }
    match signals::left() {
        // A terminal that hung up takes no bytes: that is no failure of its own.
        left @ Left::BySignal(_) => Ok(left),
        Left::ByKey | Left::Empty => result.map(|()| runtime.left),
    }
}

struct Runtime {
    app: App,
    screens: Screens,
    painter: Painter<Stdout>,
    input: Input,
    jobs: Jobs,
    pace: Pace,
    /// How it was left, if by no signal.
    left: Left,
    /// Where exports go, and where they must not.
    exports: Option<PathBuf>,
    roots: Vec<PathBuf>,
    inbox: Receiver<Message>,
    sender: SyncSender<Message>,
}

impl Runtime {
    fn live(&mut self, guard: &mut Guard) -> anyhow::Result<()> {
        let effects = start(&mut self.app);
        self.jobs.want(&self.app);
        self.carry_out(effects, guard)?;
        while !self.app.leaving {
            if self.app.dirty {
                self.app.dirty = false;
                self.pace.mark();
            }
            let message = match self.pace.wait(Instant::now()) {
                None if self.app.restless => match self.inbox.recv_timeout(REST) {
                    Ok(message) => message,
                    Err(RecvTimeoutError::Timeout) => Message::Rested,
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                },
                None => match self.inbox.recv() {
                    Ok(message) => message,
                    Err(_) => return Ok(()),
                },
                Some(wait) if wait.is_zero() => {
                    let started = Instant::now();
                    self.painter
                        .draw(&self.app, &self.screens)
                        .context("cannot write to the terminal")?;
                    self.pace.drawn(started, Instant::now());
                    continue;
                }
                Some(wait) => match self.inbox.recv_timeout(wait) {
                    Ok(message) => message,
                    Err(RecvTimeoutError::Timeout) => continue,
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                },
            };
            self.take(message, guard)?;
            // Everything that waits is taken before the next frame: keys are never slowed down by frames.
            loop {
                match self.inbox.try_recv() {
                    Ok(message) => self.take(message, guard)?,
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return Ok(()),
                }
                if self.app.leaving {
                    break;
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, message: Message, guard: &mut Guard) -> anyhow::Result<()> {
        #[cfg(feature = "testing")]
        crate::tui::trip::check(&message);
        let effects = update(&mut self.app, &mut self.screens, message);
        self.jobs.want(&self.app);
        self.carry_out(effects, guard)
    }

    fn carry_out(&mut self, effects: Vec<Effect>, guard: &mut Guard) -> anyhow::Result<()> {
        for effect in effects {
            match effect {
                Effect::Start(no, work) => self.jobs.start(no, work),
                Effect::Cancel(slot) => self.jobs.cancel(slot),
                Effect::Copy(text) => self.tell(outside::copy(&text)),
                Effect::Export(name, export) => {
                    let folder = self.exports.as_deref();
                    let written = outside::export(&name, folder, &self.roots, &export);
                    self.tell(match &written {
                        Ok(path) => format!("written: {}", text::path(path)),
                        Err(why) => format!("not written: {why}"),
                    });
                    if let (Export::Store(..), Ok(path)) = (export, written) {
                        self.app.kept.saved = real_path(&path).ok();
                    }
                }
                Effect::Pager(text) => {
                    signals::set_away(true);
                    let back = self.away(guard, |_| outside::page(&text));
                    signals::set_away(false);
                    back?;
                }
                Effect::Mouse(mouse) => guard.set_mouse(mouse)?,
                Effect::Redraw => {
                    self.renew(guard)?;
                }
                Effect::Suspend => self.away(guard, |_| {
                    signals::stop();
                    None
                })?,
                Effect::Remember(place, memory) => {
                    // A home that cannot be written is no reason to keep somebody here; the next visit begins afresh.
                    let _ = place.save(&memory);
                }
                Effect::Quit => {}
                Effect::QuitEmpty => self.left = Left::Empty,
            }
        }
        Ok(())
    }

    fn tell(&mut self, words: String) {
        self.app.notice = Some(words);
        self.app.dirty = true;
    }

    /// Gives the terminal to somebody else for a while.
    fn away(
        &mut self,
        guard: &mut Guard,
        visit: impl FnOnce(&SyncSender<Message>) -> Option<String>,
    ) -> anyhow::Result<()> {
        self.input.pause();
        guard.pause();
        let told = visit(&self.sender);
        self.renew(guard)?;
        self.input.resume();
        if let Some(told) = told {
            self.tell(told);
        }
        Ok(())
    }

    /// Takes the terminal again, whatever it shows now, at whatever size it has now.
    fn renew(&mut self, guard: &mut Guard) -> anyhow::Result<()> {
        guard
            .resume(self.app.settings.mouse)
            .context("cannot take the terminal again")?;
        if let Ok((width, height)) = crossterm::terminal::size() {
            let resize = Message::Resize(width, height);
            let effects = update(&mut self.app, &mut self.screens, resize);
            self.carry_out(effects, guard)?;
        }
        self.painter.forget();
        self.app.dirty = true;
        Ok(())
    }
}
