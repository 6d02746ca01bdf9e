//! The machine this runs on.

use jiff::Timestamp;

use crate::store::{DiskId, ScannedOn};

/// This machine, as the one on which all disks are found; `None` if it has no name.
pub(super) fn this_machine(at: Timestamp) -> Option<ScannedOn> {
    let host = host_name();
    let first = DiskId(0);
    (!host.trim().is_empty()).then_some(ScannedOn {
        host,
        first,
        at: Some(at),
    })
}

#[cfg(unix)]
fn host_name() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}
