//! How XCP-ng's storage manager names volumes (`lvutil.py`, `lvhdutil.py`, `journaler.py`), and device-mapper names.

use uuid::Uuid;

use crate::format::guid;

/// What the name of a volume says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum VolumeName {
    /// `VHD-<uuid>`: a VHD, its footer at the volume's end.
    Vhd(Uuid),
    /// `LV-<uuid>`: a disk's content as it is.
    Raw(Uuid),
    /// `QCOW2-<uuid>`.
    Qcow2(Uuid),
    /// `VHD-OLD_<uuid>`, `OLD_<uuid>`: a machine's disk, put aside while its parent takes its place (`cleanup.py`).
    PutAside,
    /// `MGT`: names and snapshots of the disks.
    Management,
    /// `<uuid>.cbtlog`: changed blocks, kept for backups.
    ChangeLog,
    Other,
}

impl VolumeName {
    pub(in crate::store) fn of(name: &str) -> Self {
        let id = |rest: &str| guid::from_text(rest).filter(|_| rest.len() == 36);
        let known = |prefix: &str| name.strip_prefix(prefix).and_then(id);
        if let Some(id) = known("VHD-") {
            Self::Vhd(id)
        } else if let Some(id) = known("LV-") {
            Self::Raw(id)
        } else if let Some(id) = known("QCOW2-") {
            Self::Qcow2(id)
        } else if is_put_aside(name) {
            Self::PutAside
        } else if name == "MGT" {
            Self::Management
        } else if name.strip_suffix(".cbtlog").and_then(id).is_some() {
            Self::ChangeLog
        } else {
            Self::Other
        }
    }

    /// The id of the disk, if it is one.
    pub(in crate::store) fn disk(self) -> Option<Uuid> {
        match self {
            Self::Vhd(id) | Self::Raw(id) | Self::Qcow2(id) => Some(id),
            Self::PutAside | Self::Management | Self::ChangeLog | Self::Other => None,
        }
    }

    /// Whether it holds a virtual disk.
    pub(in crate::store) fn is_disk(self) -> bool {
        self == Self::PutAside || self.disk().is_some()
    }
}

fn is_put_aside(name: &str) -> bool {
    let bare = name.strip_prefix("VHD-").unwrap_or(name);
    let id = bare.strip_prefix("OLD_");
    id.is_some_and(|id| id.len() == 36 && guid::from_text(id).is_some())
}

/// The volume's name in a device-mapper name, `VG-LV` with every hyphen of both doubled; `None` unless that is a disk's.
pub(in crate::store) fn lvm_name(device: &str) -> Option<String> {
    // The id in a disk's name has hyphens.
    if !device.contains("--") {
        return None;
    }
    let doubled = device.replace("--", "\0");
    let (_, volume) = doubled.split_once('-')?;
    let volume = volume.replace('\0', "-");
    VolumeName::of(&volume).is_disk().then_some(volume)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_volumes_are_told_apart() {
        let id = "33333333-0000-4000-8000-000000000003";
        let of = |text: &str| VolumeName::of(&text.replace("ID", id));
        let uuid = guid::from_text(id).unwrap();
        assert_eq!(of("VHD-ID"), VolumeName::Vhd(uuid));
        assert_eq!(of("LV-ID"), VolumeName::Raw(uuid));
        assert_eq!(of("QCOW2-ID"), VolumeName::Qcow2(uuid));
        assert_eq!(of("MGT"), VolumeName::Management);
        assert_eq!(of("ID.cbtlog"), VolumeName::ChangeLog);
        assert_eq!(of("VHD-OLD_ID"), VolumeName::PutAside);
        assert_eq!(of("OLD_ID"), VolumeName::PutAside);
        for other in ["VHD-", "VHD-{ID}", "VHD-ID.vhd", "root", "OLD_x"] {
            assert_eq!(of(other), VolumeName::Other, "{other}");
        }
    }

    #[test]
    fn device_names_are_undoubled() {
        let device = "VG_XenStorage--6f2c1c1e--1111--4222--8333--444455556666-VHD--33333333--0000--4000--8000--000000000003";
        let volume = "VHD-33333333-0000-4000-8000-000000000003";
        assert_eq!(lvm_name(device).as_deref(), Some(volume));
        assert_eq!(lvm_name("cl-root"), None);
        assert_eq!(lvm_name(volume), None);
        assert_eq!(lvm_name(&device[..device.len() - 1]), None);
    }
}
