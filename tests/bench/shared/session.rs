//! A program in a pseudo-terminal, seen from outside.

#![allow(dead_code, reason = "each bench uses what it needs")]

use std::ffi::OsStr;
use std::io::{Read as _, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long something on the screen is waited for.
pub const PATIENCE: Duration = Duration::from_mins(1);

struct Shared {
    parser: Mutex<vt100::Parser>,
    changed: Condvar,
}

pub struct Session {
    _master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    shared: Arc<Shared>,
}

impl Session {
    pub fn start(program: impl AsRef<OsStr>, args: &[&OsStr]) -> Self {
        let size = PtySize {
            rows: 40,
            cols: 140,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program);
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        command.args(args);
        let child = pair.slave.spawn_command(command).unwrap();
        let shared = Arc::new(Shared {
            parser: Mutex::new(vt100::Parser::new(
                40.try_into().unwrap(),
                140.try_into().unwrap(),
                0,
            )),
            changed: Condvar::new(),
        });
        let mut reader = pair.master.try_clone_reader().unwrap();
        let remember = Arc::clone(&shared);
        std::thread::spawn(move || {
            let mut buffer = [0; 16 << 10];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                remember.parser.lock().unwrap().process(&buffer[..count]);
                remember.changed.notify_all();
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self {
            _master: pair.master,
            child,
            keys,
            shared,
        }
    }

    /// Waits for a text, or for it to be gone.
    pub fn wait(&self, text: &str, shown: bool) {
        let parser = self.shared.parser.lock().unwrap();
        let (parser, waited) = self
            .shared
            .changed
            .wait_timeout_while(parser, PATIENCE, |parser| {
                parser.screen().contents().contains(text) != shown
            })
            .unwrap();
        assert!(
            !waited.timed_out(),
            "{text}: {}",
            parser.screen().contents()
        );
    }

    pub fn shows(&self, text: &str) -> bool {
        self.shared
            .parser
            .lock()
            .unwrap()
            .screen()
            .contents()
            .contains(text)
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    pub fn cpu_ticks(&self) -> u64 {
        let pid = self.child.process_id().unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields = stat.rsplit(") ").next().unwrap_or_default();
        fields
            .split(' ')
            .skip(11)
            .take(2)
            .filter_map(|ticks| ticks.parse::<u64>().ok())
            .sum()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
