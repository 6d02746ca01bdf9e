//! The files screen: a tree that grows while the search goes on, versions, and the command that brings a file back.

use std::sync::Arc;

use vhdtree::analysis::files::VolumeRow;
use vhdtree::analysis::files::versions::{PathFound, PathVersion};
use vhdtree::guest::codes;
use vhdtree::guest::filesystem::{
    Change, ChangeKind, FileId, FileKind, FileVersion, GuestTime, VolumeState,
};
use vhdtree::guest::volume::NotRead;
use vhdtree::report::files::ChangeTotals;
use vhdtree::tui::effect::{Effect, JobRequest};
use vhdtree::tui::found::{FileVersions, FilesEnd, FilesOf, FoundFile, FoundFiles};
use vhdtree::tui::message::{JobKind, Message, News};
use vhdtree::tui::sample;
use vhdtree::tui::script::Script;

use crate::screens::at_the_reverted_disk;

fn volume(name: &str, kind: &str, label: &str, written_bytes: u64) -> VolumeRow {
    VolumeRow {
        name: name.to_owned(),
        kind: kind.to_owned(),
        label: label.to_owned(),
        id: String::new(),
        why: None,
        state: Some(VolumeState::Clean),
        written_bytes,
        may_hold_files: true,
    }
}

fn change(kind: ChangeKind, path: &str, bytes: u64, day: i8) -> Change {
    let is_folder = path.ends_with('/');
    let version = FileVersion {
        bytes: (!is_folder).then_some(bytes),
        modified: Some(GuestTime::Local(
            jiff::civil::date(2009, 5, day).at(9, 12, 0, 0),
        )),
    };
    Change {
        number: 0,
        kind,
        file: if is_folder {
            FileKind::Directory
        } else {
            FileKind::File
        },
        id: FileId {
            number: 0,
            generation: 0,
        },
        path: Some(path.trim_end_matches('/').to_owned()),
        old_path: (kind == ChangeKind::Renamed).then(|| "/data/old name.txt".to_owned()),
        before: (kind != ChangeKind::Created).then_some(version),
        after: (kind != ChangeKind::Deleted).then_some(version),
        written_bytes: bytes,
        links: Vec::new(),
        streams: Vec::new(),
    }
}

fn found() -> FoundFiles {
    let changes = [
        change(
            ChangeKind::Created,
            "/Users/taro/Desktop/検証用.txt",
            15_000,
            4,
        ),
        change(ChangeKind::Modified, "/data/db.mdf", 8_493_466, 6),
        change(ChangeKind::Deleted, "/data/gone.log", 412, 1),
        change(ChangeKind::Renamed, "/data/new name.txt", 0, 2),
        change(ChangeKind::Metadata, "/data/", 0, 6),
        change(ChangeKind::Modified, "/pagefile.sys", 6 << 20, 7),
        change(
            ChangeKind::Modified,
            "/Windows/Logs/a\u{1b}[31m.log",
            900,
            7,
        ),
    ];
    let mut totals = ChangeTotals::default();
    for change in &changes {
        totals.add(change);
    }
    let closed = VolumeRow {
        why: Some(NotRead {
            code: &codes::GUEST_ENCRYPTED,
            text: "contents are encrypted: no files can be shown".to_owned(),
        }),
        state: None,
        ..volume("p2", "BitLocker", "", 40 << 20)
    };
    FoundFiles {
        volumes: vec![volume("p1", "NTFS", "SYSTEM", 16 << 20), closed],
        totals: vec![totals, ChangeTotals::default()],
        files: changes
            .iter()
            .map(|change| FoundFile::changed(0, change))
            .collect(),
        end: Some(FilesEnd {
            complete: false,
            said: Vec::new(),
        }),
    }
}

fn asked(script: &Script) -> FilesOf {
    let last = script.effects.iter().rev().find_map(|effect| match effect {
        Effect::Start(_, JobRequest::Files { of, .. }) => Some(*of),
        _ => None,
    });
    last.expect("files were asked for")
}

/// The files of the story's disk, found.
fn shown(size: (u16, u16)) -> Script {
    let mut script = at_the_reverted_disk(size);
    script.keys("F");
    assert_eq!(asked(&script), FilesOf::Parent);
    script.answer(JobKind::Files, News::Files(Arc::new(found())));
    script
}

#[test]
fn files_at_every_size() {
    for size in crate::screens::SIZES {
        let shot = shown(size).shot();
        insta::assert_snapshot!(format!("files_{}x{}", size.0, size.1), shot);
    }
}

#[test]
fn rows_show_while_the_search_goes_on_and_the_cursor_stays_on_its_file() {
    let mut script = at_the_reverted_disk((80, 24));
    script.keys("F");
    assert!(script.screen().contains("looking for files"));
    let no = script.app.jobs[&JobKind::Files].no;
    let tell = |script: &mut Script, files: &[usize], end: bool| {
        let all = found();
        let news = FoundFiles {
            files: files.iter().map(|at| all.files[*at].clone()).collect(),
            end: all.end.filter(|_| end),
            ..all
        };
        script.send(Message::Job(
            JobKind::Files,
            no,
            News::Files(Arc::new(news)),
        ));
    };
    tell(&mut script, &[0], false);
    assert!(
        script.screen().contains("検証用.txt"),
        "{}",
        script.screen()
    );
    script.keys("G<Up><Up>");
    tell(&mut script, &[1, 2, 3, 4, 5, 6], true);
    let screen = script.screen();
    let selected = |line: &&str| line.starts_with('>');
    let line = screen.lines().find(selected).unwrap();
    assert!(line.contains("検証用.txt"), "{screen}");
    assert!(!screen.contains("pagefile.sys"), "{screen}");
    script.keys("a");
    let screen = script.screen();
    assert!(screen.contains("pagefile.sys"), "{screen}");
}

#[test]
fn folders_close_and_a_file_shows_its_versions() {
    let mut script = shown((80, 24));
    script.keys("jj");
    let before = script.screen();
    assert!(before.contains("db.mdf"), "{before}");
    script.keys("h<Enter>");
    assert!(!script.screen().contains("db.mdf"), "{}", script.screen());
    script.keys("<Enter>j<Enter>");
    let asked = script.effects.iter().rev().find_map(|effect| match effect {
        Effect::Start(_, JobRequest::Versions { path, disk, .. }) => Some((path.clone(), *disk)),
        _ => None,
    });
    let (path, disk) = asked.unwrap();
    assert_eq!(path.volume.as_deref(), Some("p1"));
    assert_eq!(path.path, "/data/db.mdf");
    let here = PathFound::Here {
        volume: "p1".to_owned(),
        kind: FileKind::File,
        version: FileVersion {
            bytes: Some(7),
            modified: None,
        },
        same_as_parent: false,
    };
    let parent = script.app.store.forest.parent_of(disk).unwrap();
    let versions = vec![
        PathVersion {
            disk: parent,
            found: PathFound::Absent,
        },
        PathVersion { disk, found: here },
    ];
    let versions = FileVersions { path, versions };
    script.answer(JobKind::Versions, News::Versions(Arc::new(versions)));
    let screen = script.screen();
    assert!(
        screen.contains("not there") && screen.contains("7 B"),
        "{screen}"
    );
}

#[test]
fn copying_out_shows_the_command_and_takes_a_deleted_file_from_the_parent() {
    let mut script = shown((120, 24));
    script.keys("jjjo");
    let screen = script.screen();
    assert!(screen.contains("vhdtree cp "), "{screen}");
    let command = script.effects.iter().rev().find_map(|effect| match effect {
        Effect::Copy(text) => Some(text.clone()),
        _ => None,
    });
    let command = command.unwrap();
    assert!(
        command.ends_with("/data/gone.log .") && command.contains("WIN7x64_Diff.vhd"),
        "{command}"
    );
}

#[test]
fn two_marked_disks_are_compared_and_a_base_is_listed() {
    let mut script = at_the_reverted_disk((80, 24));
    script.keys("<Space>kk<Space>F");
    assert!(matches!(asked(&script), FilesOf::Other(_)));
    let mut script = Script::new(sample::store(), (80, 24));
    script.keys("/WIN7x64_Diff.vhd<Enter>F");
    assert_eq!(asked(&script), FilesOf::All);
}
