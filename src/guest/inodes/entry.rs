//! Entries of directories that name inodes by number.

use crate::guest::filesystem::FileKind;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedInode<'a> {
    pub inode: u64,
    pub name: &'a [u8],
    /// `None` if the volume's directories do not say it.
    pub kind: Option<FileKind>,
}

/// Whether entries say what kind of file they name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKinds {
    Told,
    Untold,
}

impl EntryKinds {
    pub fn told_if(are_told: bool) -> Self {
        if are_told { Self::Told } else { Self::Untold }
    }
}

/// An entry that cannot be right, by its place in the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadEntry {
    pub at: usize,
}

/// What an entry says of the kind; Linux' file systems write the same numbers.
pub fn kind_of_entry(stored: u8) -> Option<FileKind> {
    match stored {
        1 => Some(FileKind::File),
        2 => Some(FileKind::Directory),
        7 => Some(FileKind::Link),
        3..=6 => Some(FileKind::Special),
        _ => None,
    }
}
