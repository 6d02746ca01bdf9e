//! Gives up the right to write, before the first disk is opened: a reader that runs as root on live stores should be unable
//! to write, not merely unwilling.
//!
//! Linux has Landlock for that (5.13 and later, unless it is switched off): the process, its threads and the programs it
//! starts may from then on create, change or remove files only below the folders named here, and may open no TCP
//! connection. Nothing is lost where the kernel does not have it.

use std::path::Path;

/// Whether the kernel holds this process to what it gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confined {
    ByKernel,
    /// This system has no such guard, or not all of it.
    No,
}

/// What stays open to writing beside standard output.
#[derive(Debug, Clone, Copy, Default)]
pub struct Writable<'a> {
    /// Folders below which files may be made, changed and removed; those that are not there are passed over.
    pub folders: &'a [&'a Path],
    /// Folders from which a folder may be removed.
    pub emptied: &'a [&'a Path],
}

/// Gives up all other writing, for good. To be called before other threads are started: those would keep their rights.
#[cfg(target_os = "linux")]
pub fn confine(writable: Writable<'_>) -> Confined {
    match linux::restrict(writable) {
        Ok(landlock::RulesetStatus::FullyEnforced) => Confined::ByKernel,
        Ok(_) | Err(_) => Confined::No,
    }
}

/// Gives up nothing: this system has no such guard.
#[cfg(not(target_os = "linux"))]
pub fn confine(_: Writable<'_>) -> Confined {
    Confined::No
}

#[cfg(target_os = "linux")]
mod linux {
    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
        RulesetCreatedAttr as _, RulesetError, RulesetStatus,
    };

    use super::Writable;

    /// What a terminal program and its pager open for writing though it is no file.
    const DEVICES: [&str; 2] = ["/dev/tty", "/dev/null"];

    pub(super) fn restrict(writable: Writable<'_>) -> Result<RulesetStatus, RulesetError> {
        // The fourth has connections; what an older kernel lacks of it is left out.
        let abi = ABI::V4;
        let mut ruleset = Ruleset::default()
            .handle_access(AccessFs::from_write(abi))?
            .handle_access(AccessNet::from_all(abi))?
            .create()?;
        let folders = writable.folders.iter().copied();
        let rules = folders
            .map(|folder| (folder, AccessFs::from_write(abi)))
            .chain(
                writable
                    .emptied
                    .iter()
                    .map(|folder| (*folder, AccessFs::RemoveDir.into())),
            )
            .chain(DEVICES.map(|device| (device.as_ref(), AccessFs::WriteFile.into())));
        for (path, access) in rules {
            if let Ok(place) = PathFd::new(path) {
                ruleset = ruleset.add_rule(PathBeneath::new(place, access))?;
            }
        }
        Ok(ruleset.restrict_self()?.ruleset)
    }
}
