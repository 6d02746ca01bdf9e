//! Where a child's stored paths lead on this machine. Both separators split everywhere, `..` is taken by its text as
//! Windows does, and nothing is opened or looked at here.

use std::path::{Path, PathBuf};

use crate::image::{ParentRef, PathKind, StoredPath};
use crate::store::containers::lvm_name;
use crate::store::winpath::{Refusal, Root, WinPath};
use crate::store::{PathMap, ResolvedBy};

/// One place to look for a parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ParentPlace {
    pub by: ResolvedBy,
    /// The path here, or the path as stored and why there is none here.
    pub path: Result<PathBuf, (String, NoPlace)>,
}

/// Why a stored path leads nowhere here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// A path of another machine that no map translates.
    NoMap,
    /// It climbs above the root of this machine: the child lay deeper where the path was written.
    AboveRoot,
    /// It does not name a plain file.
    Refused(Refusal),
}

/// Shows `look` every place in the order they are to be tried, each once: relative, same folder, absolute; stops at the
/// first for which it gives something. Mostly the first place is the right one, so the others are not even made.
pub(super) fn look_in_places<R>(
    parent: &ParentRef,
    folder: &Path,
    maps: &[PathMap],
    mut look: impl FnMut(&ParentPlace) -> Option<R>,
) -> Option<R> {
    let stored = || parent.paths.iter().map(|stored| (stored, parse(stored)));
    let named = stored().filter_map(|(stored, path)| {
        if let Some(refusal) = path.refusal() {
            Some(ParentPlace {
                by: by_kind(stored.kind),
                path: Err((stored.text.clone(), NoPlace::Refused(refusal))),
            })
        } else {
            path.is_relative().then(|| relative(stored, &path, folder))
        }
    });
    let sound = || stored().filter(|(_, path)| path.refusal().is_none());
    let beside = sound().filter_map(|(_, path)| {
        let name = path.file_name()?;
        Some(here(ResolvedBy::SameFolder, folder.join(name)))
    });
    // XCP-ng stores the device-mapper name of a volume's parent.
    let volumes = sound().filter_map(|(_, path)| {
        let volume = lvm_name(path.file_name()?)?;
        Some(here(ResolvedBy::SameFolder, folder.join(volume)))
    });
    let far = sound()
        .filter(|(_, path)| !path.is_relative())
        .map(|(stored, path)| absolute(stored, &path, maps));
    let mut seen: Vec<ParentPlace> = Vec::new();
    for place in named.chain(beside).chain(volumes).chain(far) {
        let is_same_file = |known: &ParentPlace| known.path == place.path && known.path.is_ok();
        if seen
            .iter()
            .any(|known| is_same_file(known) || *known == place)
        {
            continue;
        }
        if let Some(found) = look(&place) {
            return Some(found);
        }
        seen.push(place);
    }
    None
}

/// Some writers put a bare name where an absolute path belongs, and `\name` or a full path where a relative one does.
fn parse(stored: &StoredPath) -> WinPath {
    // A MacX locator is a URL; blktap writes `file://./name` for a relative one.
    let text = ["file://localhost", "file://"]
        .iter()
        .find_map(|scheme| stored.text.strip_prefix(scheme))
        .unwrap_or(&stored.text);
    let path = WinPath::parse(text);
    if path.root == Root::CurrentRoot && stored.kind == PathKind::Relative {
        WinPath::parse(text.trim_start_matches(['\\', '/']))
    } else {
        path
    }
}

fn here(by: ResolvedBy, path: PathBuf) -> ParentPlace {
    ParentPlace { by, path: Ok(path) }
}

fn nowhere(by: ResolvedBy, stored: &StoredPath, why: NoPlace) -> ParentPlace {
    ParentPlace {
        by,
        path: Err((stored.text.clone(), why)),
    }
}

fn by_kind(kind: PathKind) -> ResolvedBy {
    match kind {
        PathKind::Relative => ResolvedBy::Relative,
        PathKind::Absolute | PathKind::Volume => ResolvedBy::Absolute,
    }
}

fn relative(stored: &StoredPath, path: &WinPath, folder: &Path) -> ParentPlace {
    let by = ResolvedBy::Relative;
    match path.joined(folder) {
        Some(path) => here(by, path),
        None => nowhere(by, stored, NoPlace::AboveRoot),
    }
}

fn absolute(stored: &StoredPath, path: &WinPath, maps: &[PathMap]) -> ParentPlace {
    let by = ResolvedBy::Absolute;
    match mapped(path, maps).or_else(|| native(path)) {
        Some(path) => here(by, path),
        None => nowhere(by, stored, NoPlace::NoMap),
    }
}

/// Where the maps say that a path of another machine lies here.
pub(in crate::store) fn mapped(path: &WinPath, maps: &[PathMap]) -> Option<PathBuf> {
    let mapped = maps.iter().filter_map(|map| {
        let from = WinPath::parse(&map.from);
        Some((from.components.len(), path.mapped(&from, &map.to)?))
    });
    // The longest prefix is the one meant; of equals the first given.
    let best = mapped.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, path)| path)
}

/// A path of this very kind of machine may be meant as it stands.
fn native(path: &WinPath) -> Option<PathBuf> {
    let root = match path.root {
        Root::CurrentRoot if cfg!(unix) => PathBuf::from("/"),
        Root::Drive(letter) if cfg!(windows) => PathBuf::from(format!("{letter}:\\")),
        // To look at it would send the user's name to that server; the gate lets nothing through but the roots given.
        Root::Unc {
            ref server,
            ref share,
        } if cfg!(windows) => PathBuf::from(format!(r"\\{server}\{share}\")),
        _ => return None,
    };
    Some(
        path.components
            .iter()
            .fold(root, |path, name| path.join(name)),
    )
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
        let mut all = Vec::new();
        let parent = parent(paths);
        look_in_places(&parent, Path::new("/store/vm"), maps, |place| {
            all.push(place.clone());
            None::<()>
        });
        all.into_iter()
            .map(|place| {
                let shown = match place.path {
                    Ok(path) => path.to_string_lossy().replace('\\', "/"),
                    Err((_, NoPlace::NoMap)) => "no map".to_owned(),
                    Err((_, NoPlace::AboveRoot)) => "above the root".to_owned(),
                    Err((_, NoPlace::Refused(why))) => why.word().to_owned(),
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
            "above the root",
            "the child lay deeper once; that is no fault"
        );
        assert_eq!(
            tried(&[(Relative, r"..\..\etc\passwd")], &[])
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
            map(r"\\?\Volume{00000000-0000-0000-0000-0000000001ab}\", "/vol"),
        ];
        let last = |kind, text: &str| tried(&[(kind, text)], &maps).pop().unwrap().1;
        assert_eq!(last(Absolute, r"D:\VMs\a.vhd"), "/vms/a.vhd");
        assert_eq!(last(Absolute, r"\\?\D:\x\a.vhd"), "/d/x/a.vhd");
        assert_eq!(last(Absolute, r"D:\VMsX\a.vhd"), "/d/VMsX/a.vhd");
        assert_eq!(last(Absolute, r"\\SRV\Share\v\a.vhd"), "/smb/v/a.vhd");
        assert_eq!(last(Absolute, r"\\?\UNC\srv\share\a.vhd"), "/smb/a.vhd");
        assert_eq!(
            last(
                Volume,
                r"\\?\Volume{00000000-0000-0000-0000-0000000001AB}\a.vhdx"
            ),
            "/vol/a.vhdx"
        );
        if cfg!(unix) {
            assert_eq!(last(Absolute, r"\\other\share\a.vhd"), "no map");
        }
    }

    #[test]
    fn nothing_of_this_machine_is_meant_by_a_volume_or_half_a_path() {
        for text in [
            r"\\?\Volume{00000000-0000-0000-0000-0000000001ab}\a.vhd",
            "C:a.vhd",
            r"\\srv\share\a.vhd",
            r"C:\VMs\a.vhd",
        ] {
            let places = tried(&[(Absolute, text)], &[]);
            let (by, path) = places.last().unwrap();
            let is_native =
                cfg!(windows) && (text.starts_with(r"C:\") || text.starts_with(r"\\srv"));
            assert_eq!(
                (*by, path == "no map"),
                (By::Absolute, !is_native),
                "{text}"
            );
        }
    }

    #[test]
    fn devices_streams_and_reserved_names_are_refused() {
        for (text, why) in [
            (r"\\.\PhysicalDrive0", "a device, not a file"),
            (r"\\?\GLOBALROOT\Device\x", "a device, not a file"),
            (r".\NUL.vhdx", "a reserved device name"),
            (r".\base.vhd:evil", "a stream of a file"),
            (".\\a\0b", "a NUL in the name"),
            ("", "no file name"),
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
