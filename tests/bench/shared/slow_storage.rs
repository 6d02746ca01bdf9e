//! Storage that waits: a folder shown again through FUSE, each operation after a delay, all of them counted.
//!
//! Spoken to the kernel directly (`<linux/fuse.h>`, protocol 7.31), since no more of it is needed than looking, listing and
//! reading.

#![allow(dead_code, reason = "each test uses what it needs")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the protocol's fields are as wide as they are"
)]

use std::collections::{BTreeMap, HashMap};
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

/// Requests answered at once.
const SERVERS: usize = 256;
/// Longer than any request, of which the longest is one to write.
const REQUEST_BYTES: usize = 256 << 10;
/// How long the kernel may believe names and attributes, in seconds.
const VALID: u64 = 60;

const HEAD_BYTES: usize = 40;
const ENOENT: i32 = 2;
const EIO: i32 = 5;
const ENOSYS: i32 = 38;

/// A folder mounted anew, until this is dropped.
pub struct SlowStorage {
    place: PathBuf,
    state: Arc<State>,
}

/// What was asked of storage.
#[derive(Debug)]
pub struct Asked {
    times: BTreeMap<&'static str, u64>,
    pub read_bytes: u64,
    /// Requests under way at once, at most.
    pub at_once: usize,
}

impl Asked {
    /// How often an operation was asked for, by its name in `<linux/fuse.h>`.
    pub fn times(&self, operation: &str) -> u64 {
        self.times.get(operation).copied().unwrap_or(0)
    }
}

struct State {
    nodes: Vec<Node>,
    delay: Duration,
    /// How often each operation was asked for, those aside that nobody waits for.
    asked: Mutex<BTreeMap<&'static str, u64>>,
    read_bytes: AtomicU64,
    /// Requests under way, and the most there were at once.
    under_way: AtomicUsize,
    at_once: AtomicUsize,
}

struct Node {
    parent: usize,
    name: Vec<u8>,
    mode: u32,
    modified: (i64, i64),
    /// Where its content is, and its length.
    path: PathBuf,
    length: u64,
    children: Vec<usize>,
    names: HashMap<Vec<u8>, usize>,
}

impl SlowStorage {
    /// Shows `folder` again at `place`; `None` where this system or user may not do so.
    pub fn mount(folder: &Path, place: &Path, delay: Duration) -> Option<Self> {
        let device = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/fuse")
            .ok()?;
        let options = format!(
            "fd={},rootmode=40000,user_id=0,group_id=0,allow_other",
            device.as_raw_fd()
        );
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        let options = CString::new(options).ok()?;
        mount("slow", place, "fuse", flags, Some(options.as_c_str())).ok()?;
        let mut nodes = Vec::new();
        load(folder, Vec::new(), 0, &mut nodes).expect("the folder can be read");
        let state = Arc::new(State {
            nodes,
            delay,
            asked: Mutex::default(),
            read_bytes: AtomicU64::new(0),
            under_way: AtomicUsize::new(0),
            at_once: AtomicUsize::new(0),
        });
        for _ in 0..SERVERS {
            let (state, device) = (Arc::clone(&state), device.try_clone().ok()?);
            std::thread::Builder::new()
                .stack_size(128 << 10)
                .spawn(move || state.serve(device))
                .ok()?;
        }
        Some(Self {
            place: place.to_path_buf(),
            state,
        })
    }

    /// What was asked since the last time.
    pub fn asked(&self) -> Asked {
        Asked {
            times: std::mem::take(&mut *self.state.asked.lock().expect("no panic")),
            read_bytes: self.state.read_bytes.swap(0, Ordering::Relaxed),
            at_once: self.state.at_once.swap(0, Ordering::Relaxed),
        }
    }
}

impl Drop for SlowStorage {
    fn drop(&mut self) {
        let _ = unmount(&self.place, UnmountFlags::DETACH);
    }
}

fn load(path: &Path, name: Vec<u8>, parent: usize, nodes: &mut Vec<Node>) -> io::Result<usize> {
    let metadata = std::fs::metadata(path)?;
    let at = nodes.len();
    nodes.push(Node {
        parent,
        name,
        mode: metadata.mode(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        path: path.to_path_buf(),
        length: metadata.len(),
        children: Vec::new(),
        names: HashMap::new(),
    });
    if metadata.is_dir() {
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            let name = entry.file_name().into_encoded_bytes();
            let child = load(&entry.path(), name.clone(), at, nodes)?;
            nodes[at].children.push(child);
            nodes[at].names.insert(name, child);
        }
    }
    Ok(at)
}

type Answer = Result<Vec<u8>, i32>;

impl State {
    fn serve(&self, mut device: File) {
        let mut request = vec![0; REQUEST_BYTES];
        loop {
            match device.read(&mut request) {
                Ok(len) if len >= HEAD_BYTES => {
                    if let Some(answer) = self.answer(&request[..len]) {
                        let (error, body) = match answer {
                            Ok(body) => (0, body),
                            Err(error) => (-error, Vec::new()),
                        };
                        let mut reply = Vec::with_capacity(16 + body.len());
                        reply.extend((16 + body.len() as u32).to_ne_bytes());
                        reply.extend(error.to_ne_bytes());
                        reply.extend(&request[8..16]);
                        reply.extend(body);
                        let _ = device.write_all(&reply);
                    }
                }
                // Interrupted, or the request was taken back; the rest means that nothing is mounted any more.
                Err(error) if matches!(error.raw_os_error(), Some(4 | 2 | 11)) => {}
                Ok(_) | Err(_) => return,
            }
        }
    }

    fn answer(&self, request: &[u8]) -> Option<Answer> {
        let node = u64_at(request, 16) as usize - usize::from(u64_at(request, 16) > 0);
        let body = &request[HEAD_BYTES..];
        let (what, answer) = match u32_at(request, 4) {
            // FORGET, INTERRUPT, BATCH_FORGET
            2 | 36 | 42 => return None,
            1 => ("lookup", self.look_up(node, body)),
            3 => ("getattr", Ok(self.attributes(node))),
            14 => ("open", Ok(vec![0; 16])),
            15 => ("read", self.read(node, body)),
            17 => ("statfs", Ok(file_system())),
            18 => ("release", Ok(Vec::new())),
            25 => ("flush", Ok(Vec::new())),
            26 => return Some(Ok(hello(body))),
            27 => ("opendir", Ok(vec![0; 16])),
            28 => ("readdir", Ok(self.list(node, body))),
            29 => ("releasedir", Ok(Vec::new())),
            _ => ("other", Err(ENOSYS)),
        };
        *self
            .asked
            .lock()
            .expect("no panic")
            .entry(what)
            .or_default() += 1;
        let under_way = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.at_once.fetch_max(under_way, Ordering::Relaxed);
        std::thread::sleep(self.delay);
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        Some(answer)
    }

    fn look_up(&self, node: usize, body: &[u8]) -> Answer {
        let name = body.strip_suffix(b"\0").ok_or(EIO)?;
        let node = self.nodes.get(node).ok_or(ENOENT)?;
        let child = *node.names.get(name).ok_or(ENOENT)?;
        let mut entry = Vec::new();
        for value in [child as u64 + 1, 0, VALID, VALID, 0] {
            entry.extend(value.to_ne_bytes());
        }
        entry.extend(self.attribute_bytes(child));
        Ok(entry)
    }

    fn attributes(&self, node: usize) -> Vec<u8> {
        let mut out = Vec::new();
        for value in [VALID, 0] {
            out.extend(value.to_ne_bytes());
        }
        out.extend(self.attribute_bytes(node));
        out
    }

    fn attribute_bytes(&self, at: usize) -> Vec<u8> {
        let node = &self.nodes[at];
        let size = node.length;
        let (seconds, nanoseconds) = node.modified;
        let mut out = Vec::with_capacity(88);
        for value in [at as u64 + 1, size, size.div_ceil(512)] {
            out.extend(value.to_ne_bytes());
        }
        for _ in 0..3 {
            out.extend(seconds.to_ne_bytes());
        }
        for _ in 0..3 {
            out.extend((nanoseconds as u32).to_ne_bytes());
        }
        for value in [node.mode, 1, 0, 0, 0, 4096, 0] {
            out.extend(value.to_ne_bytes());
        }
        out
    }

    fn read(&self, node: usize, body: &[u8]) -> Answer {
        let node = &self.nodes[node];
        let from = node.length.min(u64_at(body, 8));
        let length = (node.length - from).min(u64::from(u32_at(body, 16)));
        let mut bytes = vec![0; usize::try_from(length).map_err(|_| EIO)?];
        let file = File::open(&node.path).map_err(|_| EIO)?;
        file.read_exact_at(&mut bytes, from).map_err(|_| EIO)?;
        self.read_bytes.fetch_add(length, Ordering::Relaxed);
        Ok(bytes)
    }

    fn list(&self, node: usize, body: &[u8]) -> Vec<u8> {
        let node = &self.nodes[node];
        let size = u32_at(body, 16) as usize;
        let mut out = Vec::new();
        for (at, child) in node
            .children
            .iter()
            .enumerate()
            .skip(u64_at(body, 8) as usize)
        {
            let child_node = &self.nodes[*child];
            let len = (24 + child_node.name.len()).next_multiple_of(8);
            if out.len() + len > size {
                break;
            }
            let end = out.len() + len;
            out.extend((*child as u64 + 1).to_ne_bytes());
            out.extend((at as u64 + 1).to_ne_bytes());
            out.extend((child_node.name.len() as u32).to_ne_bytes());
            out.extend((child_node.mode >> 12).to_ne_bytes());
            out.extend(&child_node.name);
            out.resize(end, 0);
        }
        out
    }
}

/// What the kernel is told at first: version 7.31, nothing but asynchronous reads.
fn hello(body: &[u8]) -> Vec<u8> {
    const ASYNC_READ: u32 = 1;
    const PARALLEL_DIROPS: u32 = 1 << 18;
    let flags = u32_at(body, 12) & (ASYNC_READ | PARALLEL_DIROPS);
    let mut out = Vec::new();
    // Nothing is read ahead, so that what is read is what was asked for.
    for value in [7, 31, 0, flags] {
        out.extend(value.to_ne_bytes());
    }
    // Requests in the background, and from how many on it is crowded.
    for value in [256_u16, 192] {
        out.extend(value.to_ne_bytes());
    }
    for value in [128 << 10, 1] {
        out.extend(u32::to_ne_bytes(value));
    }
    out.resize(64, 0);
    out
}

fn file_system() -> Vec<u8> {
    let mut out = Vec::new();
    for value in [1 << 20, 1 << 19, 1 << 19, 1 << 20, 1 << 19] {
        out.extend(u64::to_ne_bytes(value));
    }
    for value in [4096, 255, 4096] {
        out.extend(u32::to_ne_bytes(value));
    }
    out.resize(80, 0);
    out
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
}
