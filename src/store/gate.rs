//! May this path be opened? Paths stored inside a disk are untrusted: they lead only into the folders the user named
//! (the roots and `--parent-root`), without exception. Not the `gate` command: that is [`crate::analysis::plan::gate`].

use std::io;
use std::path::{Path, PathBuf};

use super::containers;
use super::place::{begins_with, real_path};

/// What the gate says of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// A regular file within the roots; the path with every symbolic link resolved.
    Open(PathBuf),
    /// Within the roots, and nothing there.
    Missing,
    /// Outside the roots, or leading there through a symbolic link. Nothing was opened.
    Outside,
    /// Within the roots, and not a regular file, or it cannot be looked at: why.
    Refused(String),
}

/// Answers for paths; tests put their own in.
pub trait Admit: Sync {
    /// May this file be opened?
    fn admit(&self, path: &Path) -> Admission;
}

/// The folders and files in which disks may be opened, every symbolic link in them resolved.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    roots: Vec<GateRoot>,
}

/// A folder that was named.
#[derive(Debug, Clone, PartialEq, Eq)]
struct GateRoot {
    /// Every symbolic link in it resolved.
    real: PathBuf,
    given: PathBuf,
}

impl Gate {
    /// A gate around roots. A root that is a file lets in its folder's files: a disk given alone finds the parent beside it.
    ///
    /// # Errors
    /// The first root that does not exist or cannot be looked at.
    pub fn new<'a>(
        roots: impl IntoIterator<Item = &'a PathBuf>,
    ) -> Result<Self, (PathBuf, io::Error)> {
        let mut resolved = Vec::new();
        for root in roots {
            let root = &containers::container_of(root).unwrap_or_else(|| root.clone());
            let real = real_path(root).map_err(|error| (root.clone(), error))?;
            let is_folder = real.is_dir();
            let folder = |path: PathBuf| match path.parent() {
                Some(folder) if !is_folder => folder.to_path_buf(),
                _ => path,
            };
            let root = GateRoot {
                given: folder(root.clone()),
                real: folder(real),
            };
            if !resolved
                .iter()
                .any(|known: &GateRoot| known.real == root.real)
            {
                resolved.push(root);
            }
        }
        Ok(Self { roots: resolved })
    }

    fn holds(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| begins_with(path, &root.real))
    }

    /// A path within the roots as it reads from the root that was given, as the walk tells its paths.
    pub fn as_given(&self, real: &Path) -> PathBuf {
        let below = |root: &GateRoot| Some(root.given.join(real.strip_prefix(&root.real).ok()?));
        let found = self.roots.iter().find_map(below);
        found.unwrap_or_else(|| real.to_path_buf())
    }
}

/// A name that no file can have here names nothing either.
fn names_nothing(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
    matches!(kind, NotFound | NotADirectory | InvalidFilename)
}

impl Admit for Gate {
    fn admit(&self, path: &Path) -> Admission {
        // A path that is outside by its text alone is not even looked at: looking may mount, or send credentials.
        if !self.holds(path) {
            return Admission::Outside;
        }
        match real_path(path) {
            Ok(real) if !self.holds(&real) => Admission::Outside,
            Ok(real) => match std::fs::metadata(&real) {
                Ok(metadata) if metadata.is_file() => Admission::Open(real),
                Ok(_) => Admission::Refused("not a regular file".to_owned()),
                Err(error) => Admission::Refused(error.to_string()),
            },
            Err(error) if names_nothing(error.kind()) => Admission::Missing,
            Err(error) => Admission::Refused(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_link_that_leaves_the_roots_is_outside() {
        let folder = tempfile::tempdir().unwrap();
        let real = real_path(folder.path()).unwrap();
        let (inside, outside) = (real.join("in"), real.join("out"));
        std::fs::create_dir(&inside).unwrap();
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("p.vhd"), b"x").unwrap();
        std::fs::write(inside.join("q.vhd"), b"x").unwrap();
        std::os::unix::fs::symlink(&outside, inside.join("way")).unwrap();
        let gate = Gate::new([&inside]).unwrap();
        assert_eq!(
            gate.admit(&inside.join("q.vhd")),
            Admission::Open(inside.join("q.vhd"))
        );
        assert_eq!(gate.admit(&inside.join("way/p.vhd")), Admission::Outside);
        assert_eq!(gate.admit(&outside.join("p.vhd")), Admission::Outside);
        assert_eq!(gate.admit(&inside.join("../out/p.vhd")), Admission::Outside);
        assert_eq!(gate.admit(&inside.join("none.vhd")), Admission::Missing);
        assert_eq!(gate.admit(&inside.join("q.vhd/x")), Admission::Missing);
        let too_long = inside.join("x".repeat(300));
        assert_eq!(gate.admit(&too_long), Admission::Missing);
        assert!(matches!(gate.admit(&inside), Admission::Refused(_)));
        let both = Gate::new([&inside, &outside]).unwrap();
        assert!(matches!(
            both.admit(&inside.join("way/p.vhd")),
            Admission::Open(_)
        ));
    }

    #[test]
    fn a_file_as_root_lets_in_what_lies_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let real = real_path(folder.path()).unwrap();
        for name in ["child.vhd", "parent.vhd"] {
            std::fs::write(real.join(name), b"x").unwrap();
        }
        let gate = Gate::new([&real.join("child.vhd")]).unwrap();
        assert!(matches!(
            gate.admit(&real.join("parent.vhd")),
            Admission::Open(_)
        ));
        assert!(Gate::new([&real.join("no such root")]).is_err());
    }

    #[test]
    fn other_servers_and_devices_are_outside_and_not_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let gate = Gate::new([&folder.path().to_path_buf()]).unwrap();
        for path in [
            r"\\192.0.2.1\share\a.vhd",
            r"\\?\UNC\192.0.2.1\share\a.vhd",
            r"\\.\PhysicalDrive0",
            r"\\?\GLOBALROOT\Device\Null",
            "NUL",
            r"C:\other\a.vhd",
            "/dev/null",
        ] {
            assert_eq!(gate.admit(Path::new(path)), Admission::Outside, "{path}");
        }
    }

    #[cfg(windows)]
    #[test]
    fn windows_names_are_let_in_whatever_their_case_and_prefix() {
        let folder = tempfile::tempdir().unwrap();
        let real = real_path(folder.path()).unwrap();
        std::fs::write(real.join("a.vhd"), b"x").unwrap();
        let gate = Gate::new([&real]).unwrap();
        let path = real.join("a.vhd");
        let text = path.to_str().unwrap();
        for text in [
            text.to_lowercase(),
            text.to_uppercase(),
            text.to_owned() + ".",
        ] {
            let admitted = gate.admit(Path::new(&text));
            assert_eq!(admitted, Admission::Open(path.clone()), "{text}");
        }
        for name in ["b.vhd", "b\u{1b}[31m.vhd", "b?.vhd"] {
            assert_eq!(gate.admit(&real.join(name)), Admission::Missing, "{name:?}");
        }
        assert!(matches!(gate.admit(&real), Admission::Refused(_)));
        // A device wherever it stands: resolved, it lies outside.
        for name in ["NUL", "a.vhd:stream", "con.vhd"] {
            let admitted = gate.admit(&real.join(name));
            assert!(
                !matches!(admitted, Admission::Open(_)),
                "{name}: {admitted:?}"
            );
        }
    }
}
