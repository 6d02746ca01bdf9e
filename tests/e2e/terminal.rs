//! A pseudo-terminal with the program in it, and a terminal's memory of what it was sent.

use std::io::{Read as _, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// The demo's store in a folder of its own.
pub struct Store {
    folder: tempfile::TempDir,
}

impl Store {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        vhdtree::demo::build(folder.path()).unwrap();
        Self { folder }
    }

    /// `machines` folders with a base and a child each.
    pub fn many(machines: u32) -> Self {
        use vhdtree::build::vhd::{Locator, VhdBuilder};
        let folder = tempfile::tempdir().unwrap();
        for machine in 0..machines {
            let place = folder.path().join(format!("vm{machine:05}"));
            std::fs::create_dir(&place).unwrap();
            let id = u128::from(machine) * 2 + 1;
            let base = VhdBuilder::dynamic(1 << 20)
                .block_size(64 << 10)
                .id(id)
                .build();
            let child = VhdBuilder::differencing(1 << 20)
                .block_size(64 << 10)
                .id(id + 1)
                .parent(id, "base.vhd")
                .locator(Locator::relative(r".\base.vhd"))
                .write(1027, &[0xab; 3 * 512])
                .build();
            std::fs::write(place.join("base.vhd"), base).unwrap();
            std::fs::write(place.join("child.avhd"), child).unwrap();
        }
        Self { folder }
    }

    /// What is no file, each named like a disk.
    pub fn hostile() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("mkfifo")
            .arg(folder.path().join("pipe.vhd"))
            .status();
        assert!(made.unwrap().success());
        std::fs::create_dir(folder.path().join("folder.vhd")).unwrap();
        for (target, name) in [
            ("/dev/zero", "zero.vhd"),
            ("pipe.vhd", "to-pipe.avhd"),
            ("loop.vhd", "loop.vhd"),
            ("nowhere", "dangling.avhdx"),
            (".", "self"),
        ] {
            std::os::unix::fs::symlink(target, folder.path().join(name)).unwrap();
        }
        std::fs::write(folder.path().join("new\nline\x1b[31m.vhd"), "x").unwrap();
        Self { folder }
    }

    /// Adds an empty disk.
    pub fn add(&self, name: &str) {
        let disk = vhdtree::build::vhd::VhdBuilder::dynamic(1 << 20).build();
        std::fs::write(self.folder.path().join(name), disk).unwrap();
    }

    fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

struct Memory {
    parser: vt100::Parser,
    bytes: Vec<u8>,
}

struct Shared {
    memory: Mutex<Memory>,
    changed: Condvar,
    reading: AtomicBool,
    /// What becomes of the terminal when reading ends: it stays open, or it is closed.
    keep: AtomicBool,
}

/// The program in a terminal. Dropped, the program is killed.
pub struct Session {
    /// Gone after a hang-up, as are the keys.
    master: Option<Box<dyn MasterPty + Send>>,
    child: Box<dyn Child + Send + Sync>,
    keys: Option<Box<dyn Write + Send>>,
    reader: std::thread::JoinHandle<()>,
    shared: Arc<Shared>,
}

fn side(cells: u16) -> NonZero<u16> {
    NonZero::new(cells).unwrap()
}

fn pty_size((cols, rows): (u16, u16)) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

impl Session {
    pub fn start(store: &Store, size: (u16, u16), flags: &[&str], env: &[(&str, &str)]) -> Self {
        let command = CommandBuilder::new(env!("CARGO_BIN_EXE_vhdtree"));
        Self::on_store(command, store, size, flags, env)
    }

    /// As [`start`](Self::start), every call with a file in its log.
    pub fn traced(log: &Path, store: &Store, env: &[(&str, &str)]) -> Self {
        let mut command = CommandBuilder::new("/usr/bin/strace");
        command.args(["-f", "-qq", "-y", "-s", "4096", "-o"]);
        command.arg(log);
        command.args(["-e", "trace=%file,ftruncate,fallocate,connect"]);
        command.arg(env!("CARGO_BIN_EXE_vhdtree"));
        Self::on_store(command, store, (80, 24), &[], env)
    }

    /// As [`start`](Self::start), under a limit as the shell's `ulimit` takes it.
    pub fn start_under(limit: &str, store: &Store, size: (u16, u16)) -> Self {
        let mut command = CommandBuilder::new("/bin/sh");
        let script = format!("ulimit {limit} && exec \"$0\" \"$@\"");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_vhdtree")]);
        Self::on_store(command, store, size, &[], &[])
    }

    fn on_store(
        mut command: CommandBuilder,
        store: &Store,
        size: (u16, u16),
        flags: &[&str],
        env: &[(&str, &str)],
    ) -> Self {
        command.env_clear();
        for (name, value) in [
            ("TERM", "xterm-256color"),
            ("LC_ALL", "C.UTF-8"),
            ("HOME", "/"),
            ("PATH", "/usr/bin:/bin"),
        ] {
            command.env(name, value);
        }
        for (name, value) in env {
            command.env(name, value);
        }
        command.cwd("/");
        command.arg("--no-config");
        command.args(flags);
        command.arg(store.path());
        Self::run(command, size)
    }

    /// `/vhdtree` of a folder that is the whole file system to it, without any environment but the terminal's name.
    pub fn jailed(root: &Path, store: &str, size: (u16, u16)) -> Self {
        let mut command = CommandBuilder::new("/usr/sbin/chroot");
        command.env_clear();
        command.env("TERM", "xterm");
        command.env("LC_ALL", "C.UTF-8");
        command.arg(root);
        command.cwd("/");
        command.args(["/vhdtree", store]);
        Self::run(command, size)
    }

    fn run(command: CommandBuilder, size: (u16, u16)) -> Self {
        let pair = native_pty_system().openpty(pty_size(size)).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let shared = Arc::new(Shared {
            memory: Mutex::new(Memory {
                parser: vt100::Parser::new(side(size.1), side(size.0), 0),
                bytes: Vec::new(),
            }),
            changed: Condvar::new(),
            reading: AtomicBool::new(true),
            keep: AtomicBool::new(true),
        });
        let mut reader = pair.master.try_clone_reader().unwrap();
        let remember = Arc::clone(&shared);
        let reading = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while remember.reading.load(Ordering::SeqCst) {
                match reader.read(&mut buffer) {
                    Ok(0) | Err(_) => break,
                    Ok(count) => {
                        let mut memory = remember.memory.lock().unwrap();
                        memory.parser.process(&buffer[..count]);
                        memory.bytes.extend_from_slice(&buffer[..count]);
                        remember.changed.notify_all();
                    }
                }
            }
            // Whoever stops reading keeps the terminal open all the same.
            if !remember.reading.load(Ordering::SeqCst) && remember.keep.load(Ordering::SeqCst) {
                std::mem::forget(reader);
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self {
            master: Some(pair.master),
            child,
            keys: Some(keys),
            reader: reading,
            shared,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    pub fn type_keys(&mut self, keys: &str) {
        let writer = self.keys.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    pub fn resize(&self, size: (u16, u16)) {
        self.shared
            .memory
            .lock()
            .unwrap()
            .parser
            .screen_mut()
            .set_size(side(size.1), side(size.0));
        self.master().resize(pty_size(size)).unwrap();
    }

    fn master(&self) -> &dyn MasterPty {
        self.master.as_deref().unwrap()
    }

    /// Closes the terminal, as a connection that breaks does.
    pub fn hang_up(&mut self, patience: Duration) {
        self.shared.keep.store(false, Ordering::SeqCst);
        self.stop_reading();
        // The reader looks up when something comes: a redraw sends the whole screen.
        self.type_keys("\x0c");
        let until = Instant::now() + patience;
        while !self.reader.is_finished() {
            assert!(Instant::now() < until, "nothing came after a redraw");
            std::thread::sleep(Duration::from_millis(5));
        }
        self.keys = None;
        self.master = None;
    }

    pub fn stop_reading(&self) {
        self.shared.reading.store(false, Ordering::SeqCst);
    }

    pub fn screen<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.shared.memory.lock().unwrap().parser.screen())
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.shared.memory.lock().unwrap().bytes.clone()
    }

    /// Waits until the screen is as wanted; else what it was.
    pub fn try_wait(
        &self,
        patience: Duration,
        wanted: impl Fn(&vt100::Screen) -> bool,
    ) -> Result<(), String> {
        let until = Instant::now() + patience;
        let mut memory = self.shared.memory.lock().unwrap();
        loop {
            if wanted(memory.parser.screen()) {
                return Ok(());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(memory.parser.screen().contents());
            }
            memory = self.shared.changed.wait_timeout(memory, left).unwrap().0;
        }
    }

    pub fn wait(&self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) {
        if let Err(screen) = self.try_wait(super::PATIENCE, wanted) {
            panic!("waited in vain for {what}; the screen was:\n{screen}");
        }
    }

    /// Waits for the end; the exit code.
    pub fn wait_for_exit(&mut self, patience: Duration) -> u32 {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(
                Instant::now() < until,
                "it did not end; the screen was:\n{}",
                self.screen(vt100::Screen::contents)
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the process is stopped, as a shell's job is.
    pub fn wait_stopped(&self, patience: Duration) {
        let until = Instant::now() + patience;
        loop {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
            let state = stat
                .rsplit(") ")
                .next()
                .and_then(|rest| rest.chars().next());
            if state == Some('T') {
                return;
            }
            assert!(Instant::now() < until, "it did not stop: {stat}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for a stretch of time in which nothing was sent and no thread of the process ran.
    pub fn wait_idle(&self, stretch: Duration, patience: Duration) {
        let until = Instant::now() + patience;
        loop {
            let before = (self.bytes().len(), self.switches());
            std::thread::sleep(stretch);
            if before == (self.bytes().len(), self.switches()) {
                return;
            }
            assert!(
                Instant::now() < until,
                "it is never idle: {before:?}, {:?}",
                self.switches()
            );
        }
    }

    /// Context switches of all threads so far.
    fn switches(&self) -> u64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        tasks
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("status")).ok())
            .flat_map(|status| {
                let counts: Vec<u64> = status
                    .lines()
                    .filter(|line| line.contains("ctxt_switches"))
                    .filter_map(|line| line.split_whitespace().nth(1)?.parse().ok())
                    .collect();
                counts
            })
            .sum()
    }

    /// True if the terminal gives every key at once and shows none.
    pub fn is_raw(&self) -> bool {
        const ICANON: u64 = 0x2;
        const ECHO: u64 = 0x8;
        let termios = self.master().get_termios().unwrap();
        u64::from(termios.local_flags.bits()) & (ICANON | ECHO) == 0
    }

    pub fn assert_restored(&self) {
        self.wait("the main screen, the cursor and no mouse", |screen| {
            !screen.alternate_screen()
                && !screen.hide_cursor()
                && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
        });
        assert!(!self.is_raw(), "raw mode was left on");
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal by name.
pub fn kill(signal: &str, pid: u32) {
    let status = Command::new("kill")
        .args(["-s", signal, &pid.to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}
