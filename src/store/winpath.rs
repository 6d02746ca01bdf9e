//! Windows paths taken apart by their own rules on every system: images written on Windows are read on Linux.
//!
//! A path that comes out of an image or a configuration is never opened as it stands. [`WinPath::refusal`] names those
//! that are no plain file (devices, streams, reserved names); [`WinPath::mapped`] puts a folder of this machine in place
//! of a prefix.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::format::guid;

/// What a path starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// Nothing: it counts from the folder of the file that holds it.
    Relative,
    /// `C:\`: a drive, upper case.
    Drive(char),
    /// `C:name`: from the current folder of a drive, which nobody knows later.
    DriveRelative(char),
    /// `\name` or `/name`: the root of the current drive, or a Unix path.
    CurrentRoot,
    /// `\\server\share`, also as `\\?\UNC\server\share`.
    Unc { server: String, share: String },
    /// `\\?\Volume{guid}\`.
    Volume(Uuid),
    /// Anything else behind `\\.\` or `\\?\`: devices, `GLOBALROOT`, pipes. Holds the first component.
    Device(String),
}

/// Why a path is never opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A device or another thing of the system's own name space.
    Device,
    /// A stream of a file: `name:stream`.
    Stream,
    /// A name that Windows takes for a device wherever it stands: `NUL`, `con.txt`.
    ReservedName,
    /// A NUL in a name. (Other control characters are names to Unix, which writes these formats too.)
    Nul,
    /// It names no file: empty, or it ends in `..`.
    NoFile,
}

impl Refusal {
    /// A few words for a person.
    pub fn word(self) -> &'static str {
        match self {
            Self::Device => "a device, not a file",
            Self::Stream => "a stream of a file",
            Self::ReservedName => "a reserved device name",
            Self::Nul => "a NUL in the name",
            Self::NoFile => "no file name",
        }
    }
}

/// A Windows path in parts. Both slashes split; `.` and empty parts are dropped; `..` takes back a part where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WinPath {
    /// What it starts from.
    pub root: Root,
    /// Names below the root, as written. Only a relative path may begin with `..`.
    pub components: Vec<String>,
}

fn is_separator(c: char) -> bool {
    matches!(c, '\\' | '/')
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_separator).filter(|part| !part.is_empty())
}

impl WinPath {
    /// Takes a path apart. Every text is some path; NULs and blanks at its ends are dropped.
    pub fn parse(text: &str) -> Self {
        let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
        let mut chars = text.chars();
        match (chars.next(), chars.next(), chars.next(), chars.next()) {
            (Some(a), Some(b), Some('?' | '.'), Some(c))
                if is_separator(a) && is_separator(b) && is_separator(c) =>
            {
                Self::verbatim(text.get(4..).unwrap_or_default(), !text.contains('?'))
            }
            (Some('\\'), Some('?'), Some('?'), Some('\\')) => {
                Self::verbatim(text.get(4..).unwrap_or_default(), false)
            }
            (Some(a), Some(b), ..) if is_separator(a) && is_separator(b) => {
                Self::unc(text.get(2..).unwrap_or_default())
            }
            (Some(letter), Some(':'), third, _) if letter.is_ascii_alphabetic() => {
                let letter = letter.to_ascii_uppercase();
                let root = if third.is_some_and(is_separator) {
                    Root::Drive(letter)
                } else {
                    Root::DriveRelative(letter)
                };
                Self::below(root, text.get(2..).unwrap_or_default())
            }
            (Some(a), ..) if is_separator(a) => Self::below(Root::CurrentRoot, text),
            _ => Self::below(Root::Relative, text),
        }
    }

    /// What follows `\\?\` or `\\.\`.
    fn verbatim(rest: &str, device: bool) -> Self {
        let first = parts(rest).next().unwrap_or_default();
        let behind = rest
            .trim_start_matches(is_separator)
            .get(first.len()..)
            .unwrap_or_default();
        let mut letters = first.chars();
        match (letters.next(), letters.next(), letters.next()) {
            _ if device => {}
            (Some(letter), Some(':'), None) if letter.is_ascii_alphabetic() => {
                return Self::below(Root::Drive(letter.to_ascii_uppercase()), behind);
            }
            _ if first.eq_ignore_ascii_case("UNC") => return Self::unc(behind),
            _ => {
                let name = first
                    .get(..6)
                    .filter(|name| name.eq_ignore_ascii_case("Volume"));
                let id = name
                    .and_then(|_| first.get(6..))
                    .filter(|id| id.starts_with('{'));
                if let Some(id) = id.and_then(guid::from_text) {
                    return Self::below(Root::Volume(id), behind);
                }
            }
        }
        Self::below(Root::Device(first.to_owned()), behind)
    }

    fn unc(rest: &str) -> Self {
        let mut names = parts(rest);
        let server = names.next().unwrap_or_default().to_owned();
        let share = names.next().unwrap_or_default().to_owned();
        Self::normal(Root::Unc { server, share }, names)
    }

    fn below(root: Root, rest: &str) -> Self {
        Self::normal(root, parts(rest))
    }

    fn normal<'a>(root: Root, names: impl Iterator<Item = &'a str>) -> Self {
        let mut components: Vec<String> = Vec::new();
        let open_start = matches!(root, Root::Relative | Root::DriveRelative(_));
        for name in names.filter(|name| *name != ".") {
            if name != ".." {
                components.push(name.to_owned());
            } else if components.last().is_some_and(|last| last != "..") {
                components.pop();
            } else if open_start {
                components.push(name.to_owned());
            }
        }
        Self { root, components }
    }

    /// The last component, if it is a name.
    pub fn file_name(&self) -> Option<&str> {
        let last = self.components.last()?;
        (last != "..").then_some(last.as_str())
    }

    /// The components before the last.
    pub fn folder(&self) -> &[String] {
        self.components
            .split_last()
            .map_or(&[], |(_, folder)| folder)
    }

    /// True if it counts from the folder of the file that holds it.
    pub fn is_relative(&self) -> bool {
        self.root == Root::Relative
    }

    /// The server and share, if it lies on one. To open such a path sends the user's credentials to that server.
    pub fn server(&self) -> Option<(&str, &str)> {
        match &self.root {
            Root::Unc { server, share } => Some((server, share)),
            _ => None,
        }
    }

    /// The drive, if it lies on one.
    pub fn drive(&self) -> Option<char> {
        match self.root {
            Root::Drive(letter) => Some(letter),
            _ => None,
        }
    }

    /// Why it is never opened, if so.
    pub fn refusal(&self) -> Option<Refusal> {
        if matches!(self.root, Root::Device(_)) {
            return Some(Refusal::Device);
        }
        self.special_name()
            .or_else(|| self.file_name().is_none().then_some(Refusal::NoFile))
    }

    /// Why a name in it is no plain name, if so.
    pub fn special_name(&self) -> Option<Refusal> {
        let host = self.server();
        let hosts = host.into_iter().flat_map(|(server, share)| [server, share]);
        self.components
            .iter()
            .map(String::as_str)
            .chain(hosts)
            .find_map(|name| match name {
                _ if name.contains('\0') => Some(Refusal::Nul),
                _ if name.contains(':') => Some(Refusal::Stream),
                _ if is_reserved(name) => Some(Refusal::ReservedName),
                _ => None,
            })
    }

    /// A relative path joined to a folder of this machine, `..` taken literally; `None` if it is not relative.
    pub fn joined(&self, folder: &Path) -> Option<PathBuf> {
        if !self.is_relative() {
            return None;
        }
        let mut path = folder.to_path_buf();
        for name in &self.components {
            if name == ".." {
                if !path.pop() {
                    return None;
                }
            } else {
                path.push(name);
            }
        }
        Some(path)
    }

    /// With the prefix `from` replaced by the folder `to`: whole components, without case. `None` if it does not begin so.
    pub fn mapped(&self, from: &Self, to: &Path) -> Option<PathBuf> {
        if !same_root(&self.root, &from.root) || self.is_relative() {
            return None;
        }
        let (head, rest) = self.components.split_at_checked(from.components.len())?;
        let same = |(a, b): (&String, &String)| eq_ignore_case(a, b);
        if !head.iter().zip(&from.components).all(same) {
            return None;
        }
        // A name such as `C:` would be a root of its own where this runs on Windows.
        if rest.iter().any(|name| name == ".." || name.contains(':')) {
            return None;
        }
        Some(
            rest.iter()
                .fold(to.to_path_buf(), |path, name| path.join(name)),
        )
    }
}

fn same_root(a: &Root, b: &Root) -> bool {
    match (a, b) {
        (
            Root::Unc { server, share },
            Root::Unc {
                server: other_server,
                share: other_share,
            },
        ) => eq_ignore_case(server, other_server) && eq_ignore_case(share, other_share),
        // `--map D:=/mnt/d` is meant as `D:\`.
        (Root::Drive(a), Root::Drive(b) | Root::DriveRelative(b)) => a == b,
        (a, b) => a == b,
    }
}

/// Whether two names are equal without case, as far as Unicode's simple lower case goes.
pub fn eq_ignore_case(a: &str, b: &str) -> bool {
    a.chars()
        .flat_map(char::to_lowercase)
        .eq(b.chars().flat_map(char::to_lowercase))
}

/// Whether Windows takes a name for a device: with any ending, with blanks behind it.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.trim_end_matches([' ', '.']).to_ascii_uppercase();
    if matches!(
        stem.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$"
    ) {
        return true;
    }
    let port = stem
        .strip_prefix("COM")
        .or_else(|| stem.strip_prefix("LPT"));
    let mut digits = port.unwrap_or_default().chars();
    matches!(
        (digits.next(), digits.next()),
        (Some('0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'), None)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root_and_names(text: &str) -> (Root, String) {
        let path = WinPath::parse(text);
        (path.root, path.components.join("|"))
    }

    #[test]
    fn every_form_of_path_is_taken_apart_on_every_system() {
        let unc = |server: &str, share: &str| Root::Unc {
            server: server.into(),
            share: share.into(),
        };
        let volume = Root::Volume(Uuid::from_u128(0x0102));
        for (text, root, names) in [
            ("C:\\VMs\\a.vhd", Root::Drive('C'), "VMs|a.vhd"),
            ("c:/VMs//x\\.\\a.vhd", Root::Drive('C'), "VMs|x|a.vhd"),
            ("C:a.vhd", Root::DriveRelative('C'), "a.vhd"),
            ("\\VMs\\a.vhd", Root::CurrentRoot, "VMs|a.vhd"),
            ("/var/run/a.vhd", Root::CurrentRoot, "var|run|a.vhd"),
            (".\\a.vhd", Root::Relative, "a.vhd"),
            ("..\\b\\..\\a.vhd", Root::Relative, "..|a.vhd"),
            ("C:\\..\\a.vhd", Root::Drive('C'), "a.vhd"),
            ("\\\\srv\\vms\\d\\a.vhdx", unc("srv", "vms"), "d|a.vhdx"),
            ("//srv/vms/a.vhdx", unc("srv", "vms"), "a.vhdx"),
            ("\\\\?\\UNC\\srv\\vms\\a.vhdx", unc("srv", "vms"), "a.vhdx"),
            ("\\\\?\\d:\\VMs\\a.vhdx", Root::Drive('D'), "VMs|a.vhdx"),
            ("//?/d:/VMs/a.vhdx", Root::Drive('D'), "VMs|a.vhdx"),
            ("\\??\\d:\\VMs\\a.vhdx", Root::Drive('D'), "VMs|a.vhdx"),
            ("//?/unc/srv/vms/a.vhdx", unc("srv", "vms"), "a.vhdx"),
            ("\\\\srv", unc("srv", ""), ""),
            ("\\\\srv\\vms\\..\\..\\a.vhdx", unc("srv", "vms"), "a.vhdx"),
            ("x:stream", Root::DriveRelative('X'), "stream"),
            (" a.vhd \0", Root::Relative, "a.vhd"),
            ("d\\a.vhd.", Root::Relative, "d|a.vhd."),
            (
                "\\\\?\\Volume{00000000-0000-0000-0000-000000000102}\\VMs\\検証用.avhdx",
                volume,
                "VMs|検証用.avhdx",
            ),
            (
                "\\\\.\\PhysicalDrive0",
                Root::Device("PhysicalDrive0".into()),
                "",
            ),
            (
                "\\\\?\\GLOBALROOT\\Device\\x",
                Root::Device("GLOBALROOT".into()),
                "Device|x",
            ),
            ("", Root::Relative, ""),
        ] {
            assert_eq!(root_and_names(text), (root, names.to_owned()), "{text}");
        }
    }

    #[test]
    fn devices_streams_and_reserved_names_are_refused() {
        for (text, refusal) in [
            ("\\\\.\\PhysicalDrive0", Some(Refusal::Device)),
            ("\\\\.\\C:", Some(Refusal::Device)),
            ("//./pipe/x", Some(Refusal::Device)),
            ("\\\\?\\GLOBALROOT\\Device\\a.vhd", Some(Refusal::Device)),
            ("\\??\\PhysicalDrive0", Some(Refusal::Device)),
            ("\\\\?\\PhysicalDrive0", Some(Refusal::Device)),
            ("\\\\?\\Volume{no guid}\\a.vhd", Some(Refusal::Device)),
            ("\\\\.\\UNC\\srv\\vms\\a.vhd", Some(Refusal::Device)),
            ("C:\\VMs\\a.vhd:stream", Some(Refusal::Stream)),
            (".\\a.vhd::$DATA", Some(Refusal::Stream)),
            (".\\x:stream", Some(Refusal::Stream)),
            ("d:\\e:\\a.vhd", Some(Refusal::Stream)),
            ("\\\\srv:80\\vms\\a.vhd", Some(Refusal::Stream)),
            ("NUL", Some(Refusal::ReservedName)),
            ("NUL. .", Some(Refusal::ReservedName)),
            ("aux .x.vhd", Some(Refusal::ReservedName)),
            ("C:\\con\\a.vhd", Some(Refusal::ReservedName)),
            ("C:/VMs/prn.vhd/..", None),
            ("\\\\?\\C:\\VMs\\NUL", Some(Refusal::ReservedName)),
            ("\\\\srv\\nul\\a.vhd", Some(Refusal::ReservedName)),
            ("CONIN$", Some(Refusal::ReservedName)),
            ("C:\\VMs\\nul.vhdx", Some(Refusal::ReservedName)),
            ("com\u{b9}.vhd", Some(Refusal::ReservedName)),
            ("d\\LPT9 .vhd", Some(Refusal::ReservedName)),
            ("a\0b.vhd", Some(Refusal::Nul)),
            ("a\u{1b}[31m.vhd", None),
            ("..", Some(Refusal::NoFile)),
            ("C:\\", Some(Refusal::NoFile)),
            ("\\\\srv\\vms", Some(Refusal::NoFile)),
            ("", Some(Refusal::NoFile)),
            ("C:\\VMs\\null.vhdx", None),
            ("COM10.vhd", None),
            ("\\\\srv\\vms\\a.vhd", None),
        ] {
            assert_eq!(WinPath::parse(text).refusal(), refusal, "{text}");
        }
    }

    #[test]
    fn a_prefix_maps_by_whole_components_without_case() {
        let to = Path::new("/mnt/vms");
        let map = |from: &str, path: &str| WinPath::parse(path).mapped(&WinPath::parse(from), to);
        assert_eq!(
            map("D:\\VMs", "d:\\vms\\A\\a.vhd"),
            Some("/mnt/vms/A/a.vhd".into())
        );
        assert_eq!(map("D:\\VMs", "D:\\VMs2\\a.vhd"), None);
        assert_eq!(map("D:", "D:\\a.vhd"), Some("/mnt/vms/a.vhd".into()));
        assert_eq!(
            map("\\\\SRV\\x", "\\\\srv\\X\\a.vhd"),
            Some("/mnt/vms/a.vhd".into())
        );
        assert_eq!(map("D:\\VMs", "D:\\VMs\\..\\a.vhd"), None);
        assert_eq!(map("/old", "/old/d/a.vhd"), Some("/mnt/vms/d/a.vhd".into()));
        assert_eq!(map("D:\\VMs", "a.vhd"), None);
    }

    #[test]
    fn a_relative_path_joins_and_does_not_climb_above_nothing() {
        let join = |text: &str, folder: &str| WinPath::parse(text).joined(Path::new(folder));
        assert_eq!(
            join(".\\..\\base\\a.vhd", "/s/child"),
            Some("/s/base/a.vhd".into())
        );
        assert_eq!(join("..\\a.vhd", ""), None);
        assert_eq!(join("C:\\a.vhd", "/s"), None);
    }

    #[test]
    fn names_and_folders_come_apart() {
        let path = WinPath::parse("C:\\VMs\\Web\\a.vhd");
        assert_eq!(path.file_name(), Some("a.vhd"));
        assert_eq!(path.folder(), ["VMs", "Web"]);
        assert!(eq_ignore_case("ÄB.vhd", "äb.VHD"));
    }
}
