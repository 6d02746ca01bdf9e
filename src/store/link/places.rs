//! Where a child's stored paths lead on this machine. Both separators split everywhere, `..` is taken by its text as
//! Windows does, and nothing is opened or looked at here.

use std::path::{Component, Path, PathBuf};

use crate::image::{ParentRef, PathKind, StoredPath};
use crate::store::gate::refuse_component;
use crate::store::{PathMap, ResolvedBy};

/// One place to look for a parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// By which rule.
    pub by: ResolvedBy,
    /// The path here, or as stored where there is none.
    pub shown: String,
    /// The path here, or why there is none.
    pub path: Result<PathBuf, NoPlace>,
}

/// Why a stored path leads nowhere here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// A path of another machine that no map translates.
    NoMap,
    /// It does not name a plain file.
    Refused(&'static str),
}

/// What a stored path starts at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Start {
    Relative,
    /// `/x`, or `\x` without a drive.
    Root,
    Drive(char),
    Share(String, String),
    Volume(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Split<'a> {
    start: Start,
    parts: Vec<&'a str>,
}

/// Every place, in the order they are to be tried: relative, same folder, absolute.
pub(super) fn places(parent: &ParentRef, folder: &Path, maps: &[PathMap]) -> Vec<Place> {
    let split: Vec<(&StoredPath, Result<Split<'_>, &'static str>)> = parent
        .paths
        .iter()
        .map(|stored| (stored, split(&stored.text)))
        .collect();
    let mut places = Vec::new();
    for (stored, split) in &split {
        match split {
            Ok(split) if is_relative(stored, split) => {
                add(&mut places, relative(split, folder));
            }
            Ok(_) => {}
            Err(why) => add(
                &mut places,
                Place {
                    by: by_kind(stored.kind),
                    shown: stored.text.clone(),
                    path: Err(NoPlace::Refused(why)),
                },
            ),
        }
    }
    for (_, split) in &split {
        let name = split.as_ref().ok().and_then(|split| split.parts.last());
        if let Some(name) = name.filter(|name| **name != "..") {
            add(&mut places, here(ResolvedBy::SameFolder, folder.join(name)));
        }
    }
    for (stored, split) in &split {
        if let Ok(split) = split
            && !is_relative(stored, split)
        {
            add(&mut places, absolute(stored, split, maps));
        }
    }
    places
}

fn add(places: &mut Vec<Place>, place: Place) {
    if !places
        .iter()
        .any(|known| known.path == place.path && known.path.is_ok())
        && !places.contains(&place)
    {
        places.push(place);
    }
}

fn here(by: ResolvedBy, path: PathBuf) -> Place {
    Place {
        by,
        shown: path.to_string_lossy().into_owned(),
        path: Ok(path),
    }
}

fn by_kind(kind: PathKind) -> ResolvedBy {
    match kind {
        PathKind::Relative => ResolvedBy::Relative,
        PathKind::Absolute | PathKind::Volume => ResolvedBy::Absolute,
    }
}

/// Some writers put a bare name where an absolute path belongs, and a full path where a relative one does.
fn is_relative(stored: &StoredPath, split: &Split<'_>) -> bool {
    match split.start {
        Start::Relative => true,
        Start::Root => stored.kind == PathKind::Relative,
        Start::Drive(_) | Start::Share(..) | Start::Volume(_) => false,
    }
}

fn relative(split: &Split<'_>, folder: &Path) -> Place {
    here(ResolvedBy::Relative, join(folder, &split.parts))
}

/// Joins by text: `..` takes the last folder away, and stops at the root.
fn join(folder: &Path, parts: &[&str]) -> PathBuf {
    let mut path = folder.to_path_buf();
    for part in parts {
        if *part == ".." {
            if matches!(path.components().next_back(), Some(Component::Normal(_))) {
                path.pop();
            }
        } else {
            path.push(part);
        }
    }
    path
}

fn absolute(stored: &StoredPath, split: &Split<'_>, maps: &[PathMap]) -> Place {
    let mapped = maps
        .iter()
        .filter_map(|map| {
            let from = self::split(&map.from).ok()?;
            let rest = below(&from, split)?;
            Some((from.parts.len(), join(&map.to, rest)))
        })
        // The longest prefix is the one meant; of equals the first given.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, path)| path);
    match mapped.or_else(|| native(split)) {
        Some(path) => here(ResolvedBy::Absolute, path),
        None => Place {
            by: ResolvedBy::Absolute,
            shown: stored.text.clone(),
            path: Err(NoPlace::NoMap),
        },
    }
}

/// What is left of `path` below `prefix`, names compared without case.
fn below<'a, 'b>(prefix: &Split<'_>, path: &'b Split<'a>) -> Option<&'b [&'a str]> {
    let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    let starts_alike = match (&prefix.start, &path.start) {
        (Start::Drive(a), Start::Drive(b)) => a.eq_ignore_ascii_case(b),
        (Start::Share(a, b), Start::Share(c, d)) => same(a, c) && same(b, d),
        (Start::Volume(a), Start::Volume(b)) => same(a, b),
        (Start::Root, Start::Root) => true,
        _ => false,
    };
    let (head, rest) = path.parts.split_at_checked(prefix.parts.len())?;
    let is_below = starts_alike && head.iter().zip(&prefix.parts).all(|(a, b)| same(a, b));
    is_below.then_some(rest)
}

/// A path of this very kind of machine may be meant as it stands.
fn native(split: &Split<'_>) -> Option<PathBuf> {
    match split.start {
        Start::Root if cfg!(unix) => Some(join(Path::new("/"), &split.parts)),
        Start::Drive(letter) if cfg!(windows) => {
            Some(join(Path::new(&format!("{letter}:\\")), &split.parts))
        }
        _ => None,
    }
}

/// Splits a stored path; the reason if it names something that must not be opened.
fn split(text: &str) -> Result<Split<'_>, &'static str> {
    // A MacX locator is a URL; blktap writes `file://./name` for a relative one.
    let text = text
        .strip_prefix("file://localhost")
        .or_else(|| text.strip_prefix("file://"))
        .unwrap_or(text);
    let is_separator = |c| c == '\\' || c == '/';
    let mut all = text.split(is_separator);
    let starts_double = text.starts_with(r"\\") || text.starts_with("//");
    let (start, rest): (Start, Vec<&str>) = if starts_double {
        all.next();
        all.next();
        let first = all.next().unwrap_or_default();
        if first == "." {
            return Err("names a device");
        }
        if first == "?" {
            let second = all.next().unwrap_or_default();
            if second.eq_ignore_ascii_case("unc") {
                let (server, share) = (all.next(), all.next());
                (share_of(server, share), all.collect())
            } else if let Some(letter) = drive(second) {
                (Start::Drive(letter), all.collect())
            } else if second.to_ascii_lowercase().starts_with("volume{") {
                (Start::Volume(second.to_owned()), all.collect())
            } else {
                return Err("names a device");
            }
        } else {
            (share_of(Some(first), all.next()), all.collect())
        }
    } else if text.starts_with(is_separator) {
        (Start::Root, all.collect())
    } else {
        let first = text.split(is_separator).next().unwrap_or_default();
        if let Some(letter) = drive(first) {
            all.next();
            (Start::Drive(letter), all.collect())
        } else if let (Some(letter), Some(rest)) =
            (drive(first.get(..2).unwrap_or("")), first.get(2..))
        {
            // `C:x` depends on a current folder nobody knows; its last name is still worth a try beside the child.
            all.next();
            (
                Start::Drive(letter),
                std::iter::once(rest).chain(all).collect(),
            )
        } else {
            (Start::Relative, all.collect())
        }
    };
    let parts: Vec<&str> = rest
        .into_iter()
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    if parts.is_empty() && start == Start::Relative {
        return Err("names no file");
    }
    match parts.iter().find_map(|part| refuse_component(part)) {
        Some(why) => Err(why),
        None => Ok(Split { start, parts }),
    }
}

fn share_of(server: Option<&str>, share: Option<&str>) -> Start {
    Start::Share(
        server.unwrap_or_default().to_owned(),
        share.unwrap_or_default().to_owned(),
    )
}

fn drive(part: &str) -> Option<char> {
    let mut letters = part.chars();
    let letter = letters.next().filter(char::is_ascii_alphabetic)?;
    (letters.next() == Some(':') && letters.next().is_none()).then_some(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parent(paths: &[(PathKind, &str)]) -> ParentRef {
        ParentRef {
            paths: paths
                .iter()
                .map(|(kind, text)| StoredPath {
                    kind: *kind,
                    field: "test",
                    text: (*text).to_owned(),
                })
                .collect(),
            ..ParentRef::default()
        }
    }

    fn tried(paths: &[(PathKind, &str)], maps: &[PathMap]) -> Vec<(ResolvedBy, String)> {
        places(&parent(paths), Path::new("/store/vm"), maps)
            .into_iter()
            .map(|place| {
                let shown = match place.path {
                    Ok(path) => path.to_string_lossy().replace('\\', "/"),
                    Err(NoPlace::NoMap) => "no map".to_owned(),
                    Err(NoPlace::Refused(why)) => why.to_owned(),
                };
                (place.by, shown)
            })
            .collect()
    }

    use PathKind::{Absolute, Relative, Volume};
    use ResolvedBy as By;

    #[test]
    fn relative_paths_start_at_the_childs_folder_with_either_separator() {
        for text in [
            r".\base.vhd",
            "./base.vhd",
            "base.vhd",
            r"\base.vhd",
            "file://./base.vhd",
        ] {
            assert_eq!(
                tried(&[(Relative, text)], &[]),
                [(By::Relative, "/store/vm/base.vhd".into())],
                "{text}"
            );
        }
        assert_eq!(
            tried(&[(Relative, r"..\golden\..\Base Disks\b.vhd")], &[]),
            [
                (By::Relative, "/store/Base Disks/b.vhd".into()),
                (By::SameFolder, "/store/vm/b.vhd".into())
            ]
        );
        assert_eq!(
            tried(&[(Relative, r"..\..\..\..\etc\passwd")], &[])
                .first()
                .unwrap()
                .1,
            "/etc/passwd",
            "the gate refuses it, the path is still sound"
        );
    }

    #[test]
    fn the_order_is_relative_same_folder_absolute() {
        let maps = [PathMap {
            from: r"d:\vms".into(),
            to: "/mnt/vms".into(),
        }];
        assert_eq!(
            tried(
                &[(Absolute, r"D:\VMs\Sub\P.vhd"), (Relative, r"..\P.vhd")],
                &maps
            ),
            [
                (By::Relative, "/store/P.vhd".into()),
                (By::SameFolder, "/store/vm/P.vhd".into()),
                (By::Absolute, "/mnt/vms/Sub/P.vhd".into()),
            ]
        );
    }

    #[test]
    fn the_longest_map_wins_and_shares_and_volumes_map_too() {
        let map = |from: &str, to: &str| PathMap {
            from: from.into(),
            to: to.into(),
        };
        let maps = [
            map(r"D:\", "/d"),
            map(r"D:\VMs\", "/vms"),
            map(r"\\srv\share", "/smb"),
            map(r"\\?\Volume{01ab}\", "/vol"),
        ];
        let last = |kind, text: &str| tried(&[(kind, text)], &maps).pop().unwrap().1;
        assert_eq!(last(Absolute, r"D:\VMs\a.vhd"), "/vms/a.vhd");
        assert_eq!(last(Absolute, r"\\?\D:\x\a.vhd"), "/d/x/a.vhd");
        assert_eq!(last(Absolute, r"D:\VMsX\a.vhd"), "/d/VMsX/a.vhd");
        assert_eq!(last(Absolute, r"\\SRV\Share\v\a.vhd"), "/smb/v/a.vhd");
        assert_eq!(last(Absolute, r"\\?\UNC\srv\share\a.vhd"), "/smb/a.vhd");
        assert_eq!(last(Volume, r"\\?\Volume{01AB}\a.vhdx"), "/vol/a.vhdx");
        assert_eq!(last(Absolute, r"\\other\share\a.vhd"), "no map");
    }

    #[test]
    fn devices_streams_and_reserved_names_are_refused() {
        for (text, why) in [
            (r"\\.\PhysicalDrive0", "names a device"),
            (r"\\?\GLOBALROOT\Device\x", "names a device"),
            (r".\NUL.vhdx", "it names a device"),
            (r".\base.vhd:evil", "it names a stream"),
            (".\\a\0b", "it holds a NUL"),
            ("", "names no file"),
        ] {
            assert_eq!(
                tried(&[(Relative, text)], &[]),
                [(By::Relative, why.into())],
                "{text:?}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_unix_path_is_taken_as_it_stands() {
        assert_eq!(
            tried(&[(Absolute, "file:///run/sr-mount/x/base.vhd")], &[]),
            [
                (By::SameFolder, "/store/vm/base.vhd".into()),
                (By::Absolute, "/run/sr-mount/x/base.vhd".into())
            ]
        );
    }
}
