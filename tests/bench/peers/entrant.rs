//! Who takes part in a race: commands, and how to know that they did the work.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::machine::timed;

/// A program and its arguments.
pub type Line = Vec<OsString>;

/// Makes a [`Line`] of anything that is text for the system.
#[macro_export]
macro_rules! line {
    ($($word:expr),+ $(,)?) => {
        vec![$(::std::ffi::OsString::from($word)),+]
    };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Ours,
    Peer,
    Limit,
}

/// What its output has to be for the run to count.
#[derive(Debug, Clone)]
pub enum Answer {
    /// So many lines at least.
    Lines(usize),
    /// So many bytes.
    Bytes(u64),
    /// These bytes, by their count and checksum.
    Content(u64, u32),
    /// A text.
    Has(String),
    /// Whatever; the exit code says enough.
    Any,
}

/// One that takes part.
#[derive(Debug)]
pub struct Entrant {
    pub name: String,
    pub role: Role,
    /// Run one after another; together they are one run.
    lines: Vec<Line>,
    answer: Answer,
    /// Brings the program itself into the page cache.
    wake: Option<Line>,
    /// An exit code that is not a failure, beside 0.
    good_code: i32,
}

impl Entrant {
    pub fn new(role: Role, name: impl Into<String>, line: Line, answer: Answer) -> Self {
        Self::of_many(role, name, vec![line], answer)
    }

    /// As many processes, one after the other.
    pub fn of_many(role: Role, name: impl Into<String>, lines: Vec<Line>, answer: Answer) -> Self {
        Self {
            name: name.into(),
            role,
            lines,
            answer,
            wake: None,
            good_code: 0,
        }
    }

    /// Run before a cold run, so that the disks are cold and not the program.
    #[must_use]
    pub fn woken_by(mut self, line: Line) -> Self {
        self.wake = Some(line);
        self
    }

    /// A further exit code that is no failure.
    #[must_use]
    pub fn may_exit(mut self, code: i32) -> Self {
        self.good_code = code;
        self
    }

    pub fn is_one_process(&self) -> bool {
        self.lines.len() == 1
    }

    pub fn wake(&self) {
        if let Some(line) = &self.wake {
            let _ = command(line).status();
        }
    }

    /// A run, timed; what it prints goes nowhere.
    pub fn run(&self) -> Duration {
        timed(|| {
            for line in &self.lines {
                let status = command(line).status();
                self.expect_success(line, status.ok().and_then(|status| status.code()));
            }
        })
    }

    /// A run whose answer is looked at.
    pub fn rehearse(&self) {
        let mut seen = Seen::default();
        for line in &self.lines {
            let mut child = command(line)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap_or_else(|error| panic!("{line:?}: {error}"));
            seen.all_of(child.stdout.take().unwrap());
            self.expect_success(line, child.wait().unwrap().code());
        }
        let is_right = match &self.answer {
            Answer::Lines(lines) => seen.lines >= *lines,
            Answer::Bytes(bytes) => seen.bytes == *bytes,
            Answer::Content(bytes, sum) => {
                (seen.bytes, seen.sum.clone().finalize()) == (*bytes, *sum)
            }
            Answer::Has(text) => seen.head.contains(text),
            Answer::Any => true,
        };
        assert!(
            is_right,
            "{}: {:?} wanted, {} lines and {} bytes came: {}",
            self.name,
            self.answer,
            seen.lines,
            seen.bytes,
            seen.head.chars().take(2000).collect::<String>()
        );
    }

    fn expect_success(&self, line: &Line, code: Option<i32>) {
        let is_good = code.is_some_and(|code| code == 0 || code == self.good_code);
        assert!(is_good, "{}: {line:?} ended with {code:?}", self.name);
    }
}

/// What was printed; of much only the head is kept.
#[derive(Default)]
struct Seen {
    lines: usize,
    bytes: u64,
    sum: crc32fast::Hasher,
    head: String,
}

impl Seen {
    const HEAD_BYTES: usize = 1 << 20;

    fn all_of(&mut self, mut pipe: impl std::io::Read) {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            let bytes = &buffer[..count];
            self.bytes += count as u64;
            self.sum.update(bytes);
            // Only text is asked for its lines; of disks' content the count means nothing.
            self.lines += bytes.split(|byte| *byte == b'\n').count() - 1;
            if self.head.len() < Self::HEAD_BYTES {
                self.head.push_str(&String::from_utf8_lossy(bytes));
            }
        }
    }
}

fn command(line: &Line) -> Command {
    let (program, arguments) = line.split_first().expect("a program");
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}
