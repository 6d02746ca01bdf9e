//! How files of a store are opened and looked at.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::source::Source;
use crate::store::FileFacts;

/// An open file and what the file system said of it when it was opened.
#[derive(Debug)]
pub struct Opened {
    /// Its bytes.
    pub source: Arc<dyn Source>,
    pub facts: FileFacts,
}

/// Opens files of a store and looks at them. Tests put faults and times of their own here.
pub trait Files: Sync {
    /// Opens for reading what the walk or the gate has just found to be a regular file.
    ///
    /// # Errors
    /// What the system says; `InvalidInput` for anything but a regular file.
    fn open(&self, path: &Path) -> io::Result<Opened>;

    /// Looks at a file without opening it; symbolic links are followed.
    ///
    /// # Errors
    /// What the system says.
    fn facts(&self, path: &Path) -> io::Result<FileFacts>;
}
