//! A file system with one fault in it: any look, opening or read of a scan can fail, be cut short, take long, or find
//! the file changed under it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::source::Source;
use crate::store::FileFacts;
use crate::store::facts::{Files, Opened, SystemFiles};

/// Something done to a file behind the reader's back.
pub type Meddling = Box<dyn Fn(&Path) + Send + Sync>;

/// What goes wrong.
pub enum Fault {
    /// The system gives this error number.
    Error(i32),
    /// A read ends in the middle, as at the end of a file that has shrunk. A look or opening is not touched.
    Short,
    /// It takes so long, and then succeeds.
    Slow(Duration),
    /// Something is done to the file just before.
    Meddle(Meddling),
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(number) => write!(f, "Error({number})"),
            Self::Short => f.write_str("Short"),
            Self::Slow(time) => write!(f, "Slow({time:?})"),
            Self::Meddle(_) => f.write_str("Meddle"),
        }
    }
}

/// Whether a fault stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    Once,
    /// It happens again whenever the same is asked of the same file; of reads, whenever they touch the same byte.
    Forever,
}

/// What was asked of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// What the system says of it.
    Facts,
    Open,
    /// The bytes from here on.
    Read {
        /// Position of the first byte.
        offset_bytes: u64,
        /// Number of bytes.
        len: u64,
    },
}

impl Asked {
    fn touches(self, first_hit: Self) -> bool {
        match (self, first_hit) {
            (
                Self::Read { offset_bytes, len },
                Self::Read {
                    offset_bytes: bad, ..
                },
            ) => offset_bytes <= bad && bad < offset_bytes.saturating_add(len),
            (a, b) => a == b,
        }
    }
}

/// One fault at the n-th question asked of any file, and the count of the questions.
#[derive(Debug)]
pub struct Faults {
    at: Option<u64>,
    fault: Fault,
    lasting: Lasting,
    asked: AtomicU64,
    hits: Mutex<Vec<(PathBuf, Asked)>>,
}

impl Faults {
    /// No fault; questions are counted all the same.
    pub fn none() -> Arc<Self> {
        Self::new(None, Fault::Short, Lasting::Once)
    }

    /// `fault` at question number `at`, counted from 0.
    pub fn at(at: u64, fault: Fault, lasting: Lasting) -> Arc<Self> {
        Self::new(Some(at), fault, lasting)
    }

    fn new(at: Option<u64>, fault: Fault, lasting: Lasting) -> Arc<Self> {
        Arc::new(Self {
            at,
            fault,
            lasting,
            asked: AtomicU64::new(0),
            hits: Mutex::default(),
        })
    }

    /// How many questions were asked so far.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Which questions met the fault, the first one first.
    pub fn hits(&self) -> Vec<(PathBuf, Asked)> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(PathBuf, Asked)>> {
        self.hits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault, if this question meets it.
    fn meets(&self, path: &Path, asked: Asked) -> Option<&Fault> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let mut hits = self.lock();
        let again = self.lasting == Lasting::Forever
            && hits
                .first()
                .is_some_and(|(bad, first)| bad == path && asked.touches(*first));
        if !again && self.at != Some(number) {
            return None;
        }
        hits.push((path.to_path_buf(), asked));
        Some(&self.fault)
    }

    fn before(&self, path: &Path, asked: Asked) -> io::Result<()> {
        match self.meets(path, asked) {
            Some(Fault::Error(number)) => Err(io::Error::from_raw_os_error(*number)),
            Some(Fault::Short) if matches!(asked, Asked::Read { .. }) => {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Some(Fault::Slow(time)) => {
                std::thread::sleep(*time);
                Ok(())
            }
            Some(Fault::Meddle(meddle)) => {
                meddle(path);
                Ok(())
            }
            Some(Fault::Short) | None => Ok(()),
        }
    }
}

/// This machine's files, with a fault.
#[derive(Debug)]
pub struct FaultyFiles {
    inner: SystemFiles,
    faults: Arc<Faults>,
}

impl FaultyFiles {
    /// Files that ask `faults` before anything else.
    pub fn new(faults: Arc<Faults>) -> Self {
        Self {
            inner: SystemFiles::new(),
            faults,
        }
    }
}

impl Files for FaultyFiles {
    fn open(&self, path: &Path) -> io::Result<Opened> {
        self.faults.before(path, Asked::Open)?;
        let opened = self.inner.open(path)?;
        Ok(Opened {
            source: Arc::new(FaultySource {
                inner: opened.source,
                path: path.to_path_buf(),
                faults: Arc::clone(&self.faults),
            }),
            facts: opened.facts,
        })
    }

    fn facts(&self, path: &Path) -> io::Result<FileFacts> {
        self.faults.before(path, Asked::Facts)?;
        self.inner.facts(path)
    }
}

/// A file's bytes, with a fault.
#[derive(Debug)]
pub struct FaultySource {
    inner: Arc<dyn Source>,
    path: PathBuf,
    faults: Arc<Faults>,
}

impl Source for FaultySource {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        let asked = Asked::Read {
            offset_bytes,
            len: buf.len() as u64,
        };
        self.faults.before(&self.path, asked)?;
        self.inner.read_exact_at(buf, offset_bytes)
    }
}
