//! What is mounted, as Linux tells.

use std::collections::HashMap;
use std::path::PathBuf;

/// One line of `proc(5)` mountinfo: `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw`.
#[cfg(any(target_os = "linux", test))]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Major and minor device number.
    pub device: (u32, u32),
    pub place: PathBuf,
    /// The kind of file system.
    pub kind: String,
}

/// Everything mounted now.
#[cfg(target_os = "linux")]
pub(crate) fn mounts() -> Vec<Mount> {
    parse(&std::fs::read("/proc/self/mountinfo").unwrap_or_default())
}

/// Places where a kernel shows itself as files, with the kind of file system. Elsewhere nothing says.
pub(crate) fn kernel_mounts() -> HashMap<PathBuf, String> {
    #[cfg(target_os = "linux")]
    return of_kernel(mounts());
    #[cfg(not(target_os = "linux"))]
    return HashMap::new();
}

#[cfg(any(target_os = "linux", test))]
fn of_kernel(mounts: Vec<Mount>) -> HashMap<PathBuf, String> {
    let mut last = HashMap::new();
    // What is mounted over another hides it.
    for mount in mounts {
        last.insert(mount.place, mount.kind);
    }
    last.retain(|_, kind| shows_kernel(kind));
    last
}

#[cfg(any(target_os = "linux", test))]
fn shows_kernel(kind: &str) -> bool {
    matches!(
        kind,
        "proc"
            | "sysfs"
            | "devtmpfs"
            | "devpts"
            | "cgroup"
            | "cgroup2"
            | "debugfs"
            | "tracefs"
            | "securityfs"
            | "selinuxfs"
            | "configfs"
            | "binfmt_misc"
            | "efivarfs"
            | "pstore"
            | "bpf"
            | "mqueue"
            | "fusectl"
            | "rpc_pipefs"
            | "nsfs"
    )
}

#[cfg(any(target_os = "linux", test))]
fn parse(table: &[u8]) -> Vec<Mount> {
    let lines = table.split(|byte| *byte == b'\n');
    lines.filter_map(parse_line).collect()
}

#[cfg(any(target_os = "linux", test))]
fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut words = line.split(|byte| *byte == b' ');
    let device = std::str::from_utf8(words.nth(2)?).ok()?;
    let (major, minor) = device.split_once(':')?;
    let place = words.nth(1)?;
    words.find(|word| *word == b"-")?;
    Some(Mount {
        device: (major.parse().ok()?, minor.parse().ok()?),
        place: PathBuf::from(unescaped(place)?),
        kind: String::from_utf8_lossy(words.next()?).into_owned(),
    })
}

/// Spaces and the like are written as a backslash and three octal digits.
#[cfg(any(target_os = "linux", test))]
fn unescaped(text: &[u8]) -> Option<std::ffi::OsString> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| *first == b'\\');
        let code =
            octal.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(code.unwrap_or(*first));
        rest = after.get(if code.is_some() { 3 } else { 0 }..)?;
    }
    #[cfg(unix)]
    return Some(std::os::unix::ffi::OsStringExt::from_vec(bytes));
    #[cfg(not(unix))]
    return String::from_utf8(bytes).ok().map(Into::into);
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
40 22 8:17 / /mnt/win\\040dows rw - fuseblk /dev/sdb1 rw,user_id=0
41 22 0:52 / /proc rw shared:9 master:1 - proc proc rw
42 22 0:53 / /sys rw - sysfs sysfs rw
43 22 259:300 / /sys rw - ext4 /dev/nvme rw
broken line
";

    #[test]
    fn lines_have_a_device_a_place_and_a_kind() {
        let mounts = parse(TABLE);
        assert_eq!(mounts.len(), 5);
        assert_eq!(
            mounts[1],
            Mount {
                device: (8, 17),
                place: "/mnt/win dows".into(),
                kind: "fuseblk".into()
            }
        );
    }

    #[test]
    fn only_what_is_seen_at_a_place_counts() {
        let kernel = of_kernel(parse(TABLE));
        assert_eq!(kernel, HashMap::from([("/proc".into(), "proc".into())]));
    }
}
