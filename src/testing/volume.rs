//! What tests of damaged volumes ask of each.

use std::ops::ControlFlow;

use crate::guest::content::read_content;
use crate::guest::filesystem::{FileId, FileKind, FileSystem};
use crate::guest::walk::{TreeStep, walk};
use crate::job::Job;

/// Walks the tree, asks for the record of each entry, and reads the first pieces of every stream of so many files: those files.
pub fn read_files(fs: &dyn FileSystem, files_max: usize, pieces_max: usize) -> Vec<FileId> {
    let job = Job::default();
    let mut files = Vec::new();
    walk(fs, fs.root(), "", &job, &mut |step| {
        if let TreeStep::Entry { entry, .. } = step {
            let _ = fs.file(entry.id);
            if entry.kind == FileKind::File && files.len() < files_max {
                files.push(entry.id);
            }
        }
        ControlFlow::Continue(())
    });
    for id in files.iter().copied() {
        let streams = fs.file(id).map_or_else(|_| Vec::new(), |file| file.streams);
        let streams = streams.iter().map(|stream| stream.name.as_str());
        for stream in std::iter::once("").chain(streams.take(4)) {
            let mut pieces = 0;
            let _ = read_content(fs, id, stream, &job, &mut |_| {
                pieces += 1;
                if pieces < pieces_max {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            });
        }
    }
    files
}
