//! Where a path really leads: the form in which places are compared.

use std::io;
use std::ops::Range;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use super::winpath::WinPath;

/// The path from the root of the file system, every symbolic link resolved; on Windows in the form in which people and
/// images write it.
///
/// # Errors
/// What the system says.
pub fn real_path(path: &Path) -> io::Result<PathBuf> {
    let real = std::fs::canonicalize(path)?;
    let short = real.to_str().filter(|_| cfg!(windows)).and_then(shortened);
    Ok(short.map_or(real, PathBuf::from))
}

/// Windows resolves a path to `\\?\C:\x` or `\\?\UNC\server\share\x`. Without the prefix it means the same only if no name
/// in it is one that Windows would read in another way.
fn shortened(text: &str) -> Option<String> {
    let rest = text.strip_prefix(r"\\?\")?;
    let path = WinPath::parse(text);
    let is_plain = |name: &String| !name.ends_with([' ', '.']);
    if path.special_name().is_some() || !path.components.iter().all(is_plain) {
        return None;
    }
    if path.server().is_some() {
        return Some(format!(r"\\{}", rest.get("UNC\\".len()..)?));
    }
    path.drive().map(|_| rest.to_owned())
}

/// Which of some things, sorted by the bytes of their paths, lie below a folder.
pub(super) fn below<T>(sorted: &[T], path: impl Fn(&T) -> &Path, folder: &Path) -> Range<usize> {
    let mut prefix = folder.as_os_str().as_encoded_bytes().to_vec();
    if !prefix.is_empty() && prefix.last() != Some(&(MAIN_SEPARATOR as u8)) {
        prefix.push(MAIN_SEPARATOR as u8);
    }
    let prefix = prefix.as_slice();
    let start = sorted.partition_point(|of| path(of).as_os_str().as_encoded_bytes() < prefix);
    let rest = sorted.get(start..).unwrap_or_default();
    let is_below = |of: &T| {
        let path = path(of).as_os_str().as_encoded_bytes();
        path.starts_with(prefix)
    };
    let len = rest.partition_point(is_below);
    start..start.saturating_add(len)
}

/// Whether a path begins with a folder, by whole names. Windows compares them without case.
pub fn begins_with(path: &Path, folder: &Path) -> bool {
    if cfg!(windows) {
        begins_without_case(path, folder)
    } else {
        path.starts_with(folder)
    }
}

fn begins_without_case(path: &Path, folder: &Path) -> bool {
    let mut names = path.components();
    folder.components().all(|wanted| {
        names.next().is_some_and(|name| {
            let (name, wanted) = (name.as_os_str(), wanted.as_os_str());
            super::winpath::eq_ignore_case(&name.to_string_lossy(), &wanted.to_string_lossy())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_a_folder_is_one_range() {
        let sorted = ["a-b/x", "a/x", "a/y/z", "ab/x", "b"].map(PathBuf::from);
        let of = |folder: &str| below(&sorted, PathBuf::as_path, Path::new(folder));
        assert_eq!(of("a"), 1..3);
        assert_eq!(of("a/y"), 2..3);
        assert_eq!(of(""), 0..5);
        assert!(of("c").is_empty() && of("a/x").is_empty());
    }

    #[test]
    fn a_resolved_windows_path_is_shortened_where_that_means_the_same() {
        for (long, short) in [
            (r"\\?\C:\VMs\a.vhd", Some(r"C:\VMs\a.vhd")),
            (r"\\?\d:\", Some(r"d:\")),
            (r"\\?\UNC\srv\vms\検証.vhdx", Some(r"\\srv\vms\検証.vhdx")),
            (r"\\?\C:\VMs\nul.vhd", None),
            (r"\\?\C:\VMs.\a.vhd", None),
            (r"\\?\C:\VMs \a.vhd", None),
            (
                r"\\?\Volume{00000000-0000-0000-0000-000000000102}\a.vhd",
                None,
            ),
            (r"\\?\GLOBALROOT\Device\a.vhd", None),
            (r"C:\VMs\a.vhd", None),
            ("/mnt/vms", None),
        ] {
            assert_eq!(shortened(long).as_deref(), short, "{long}");
        }
    }

    #[test]
    fn a_folder_holds_what_begins_with_its_names() {
        let within = |path: &str, folder: &str| begins_without_case(path.as_ref(), folder.as_ref());
        assert!(within("/vms/Web/a.vhd", "/VMs/web"));
        assert!(!within("/vms/web2/a.vhd", "/vms/web"));
        assert!(!within("/vms", "/vms/web"));
        let exact = |path: &str| begins_with(path.as_ref(), "/vms".as_ref());
        assert!(exact("/vms/a.vhd"));
        assert_eq!(exact("/VMS/a.vhd"), cfg!(windows));
    }

    #[test]
    fn a_link_is_resolved() {
        let folder = tempfile::tempdir().unwrap();
        let real = real_path(folder.path()).unwrap();
        assert_eq!(real_path(&real.join(".")).unwrap(), real);
        assert!(!real.to_str().unwrap().starts_with(r"\\?\"));
        assert!(real_path(&real.join("none")).is_err());
    }
}
