//! All files of a node.

use std::ops::ControlFlow;

use super::{FilesReport, GuestDisk, VolumeRow};
use crate::chain::Chain;
use crate::finding::Finding;
use crate::guest::codes;
use crate::guest::filesystem::{DirectoryEntry, FileKind, FileSystem, GuestError, GuestFile};
use crate::guest::lookup;
use crate::guest::walk::{TreeStep, walk};
use crate::job::Job;

/// A path in a disk: `p2:/a/b`, `/a/b`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestPath {
    /// The volume's name, if it was said.
    pub volume: Option<String>,
    /// From the volume's root; begins with `/` or is empty.
    pub path: String,
}

impl GuestPath {
    /// Takes apart what a person wrote. A volume's name ends with the first colon before any separator.
    pub fn parse(text: &str) -> Self {
        let (volume, path) = match text.split_once(':') {
            Some((volume, path)) if !volume.starts_with(['/', '\\']) && !volume.is_empty() => {
                (Some(volume.to_owned()), path)
            }
            _ => (None, text),
        };
        let path = path.trim_end_matches(['/', '\\']);
        let lead = if path.is_empty() || path.starts_with(['/', '\\']) {
            ""
        } else {
            "/"
        };
        Self {
            volume,
            path: format!("{lead}{path}"),
        }
    }

    pub fn is_of(&self, row: &VolumeRow) -> bool {
        self.volume
            .as_ref()
            .is_none_or(|volume| volume.eq_ignore_ascii_case(&row.name))
    }
}

/// What a listing tells, in order.
#[derive(Debug)]
pub enum ListEvent<'a> {
    Volume(&'a VolumeRow),
    File {
        volume: &'a VolumeRow,
        path: &'a str,
        entry: &'a DirectoryEntry,
        file: &'a GuestFile,
    },
}

/// Lists all files of a node, or those at and below a path.
pub fn list_files(
    chain: &Chain,
    within: Option<&GuestPath>,
    job: &Job,
    each: &mut dyn FnMut(ListEvent<'_>) -> ControlFlow<()>,
) -> FilesReport {
    let disk = GuestDisk::open(chain);
    let mut report = FilesReport {
        complete: true,
        ..FilesReport::default()
    };
    for (row, volume) in disk.rows() {
        if within.is_some_and(|path| !path.is_of(&row)) {
            continue;
        }
        if each(ListEvent::Volume(&row)).is_break() {
            break;
        }
        let Ok(fs) = volume.file_system() else {
            report.complete &= !row.may_hold_files;
            continue;
        };
        report.note_journal(&row.name, &volume, "");
        if list_volume(fs, &row, within, job, &mut report, each).is_break() {
            break;
        }
    }
    report.complete &= !job.cancel.is_cancelled();
    (report.reads, report.read_bytes) = disk.read();
    report
}

fn list_volume(
    fs: &dyn FileSystem,
    row: &VolumeRow,
    within: Option<&GuestPath>,
    job: &Job,
    report: &mut FilesReport,
    each: &mut dyn FnMut(ListEvent<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let path = within.map_or("", |within| &within.path);
    let top = match lookup::find(fs, path) {
        Ok(top) => top,
        Err(GuestError::NotFound) => return ControlFlow::Continue(()),
        Err(error) => {
            fault(report, row, path, &error);
            return ControlFlow::Continue(());
        }
    };
    let mut stopped = ControlFlow::Continue(());
    let mut tell = |path: &str, entry: &DirectoryEntry, report: &mut FilesReport| {
        match fs.file(entry.id) {
            Ok(file) => {
                stopped = each(ListEvent::File {
                    volume: row,
                    path,
                    entry,
                    file: &file,
                });
            }
            Err(error) => fault(report, row, path, &error),
        }
        stopped
    };
    if top.kind != FileKind::Directory {
        return tell(path, &top, report);
    }
    let whole = walk(fs, top.id, path, job, &mut |step| match step {
        TreeStep::Entry { path, entry } => tell(path, entry, report),
        TreeStep::Fault { path, error } => {
            fault(report, row, path, &error);
            ControlFlow::Continue(())
        }
    });
    report.complete &= whole || stopped.is_break();
    stopped
}

fn fault(report: &mut FilesReport, row: &VolumeRow, path: &str, error: &GuestError) {
    report.complete = false;
    if report.findings.len() < 64 {
        let finding = Finding::new(&codes::GUEST_DAMAGED, format!("{path}: {error}"));
        report.findings.push((row.name.clone(), finding));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_named_before_the_path() {
        for (text, volume, path) in [
            ("/a/b", None, "/a/b"),
            ("a", None, "/a"),
            ("p2:/a/", Some("p2"), "/a"),
            ("rl/root:/etc/fstab", Some("rl/root"), "/etc/fstab"),
            ("p2:", Some("p2"), ""),
            ("/", None, ""),
            ("/a:stream", None, "/a:stream"),
            ("\\a:s", None, "\\a:s"),
        ] {
            let parsed = GuestPath::parse(text);
            assert_eq!(parsed.volume.as_deref(), volume, "{text}");
            assert_eq!(parsed.path, path, "{text}");
        }
    }
}
