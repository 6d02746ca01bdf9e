//! Which files nobody means when they ask what changed, and which they mean first.

use crate::guest::filesystem::{Change, ChangeKind, FileKind, FileVersion, GuestTime};

/// Files of the root that are memory, not work.
const MEMORY: [&str; 6] = [
    "/pagefile.sys",
    "/hiberfil.sys",
    "/swapfile.sys",
    "/swapfile",
    "/swap.img",
    "/dumpstack.log.tmp",
];

/// Folders that systems fill by themselves.
const FOLDERS: [&str; 20] = [
    "/$extend/",
    "/system volume information/",
    "/windows/prefetch/",
    "/windows/temp/",
    "/windows/logs/",
    "/windows/softwaredistribution/",
    "/windows/system32/winevt/logs/",
    "/windows/system32/logfiles/",
    "/windows/system32/sru/",
    "/windows/system32/config/",
    "/windows/system32/wbem/repository/",
    "/windows/serviceprofiles/",
    "/programdata/microsoft/search/",
    "/programdata/microsoft/windows defender/",
    "/programdata/microsoft/diagnosis/",
    "/var/log/",
    "/var/cache/",
    "/var/tmp/",
    "/tmp/",
    "/var/lib/systemd/",
];

/// Logs of registry hives and of programs' traces, wherever they are.
const ENDINGS: [&str; 5] = [".log1", ".log2", ".blf", ".regtrans-ms", ".etl"];

/// Where people keep their work.
const OF_USERS: [&str; 4] = ["/users/", "/home/", "/documents and settings/", "/root/"];

/// Whether a change is of the kind that happens while nobody works.
pub fn is_noise(change: &Change) -> bool {
    let path = change.path.as_deref().unwrap_or("").to_lowercase();
    change.kind == ChangeKind::Metadata
        || MEMORY.contains(&path.as_str())
        || FOLDERS.iter().any(|folder| path.starts_with(folder))
        || path == "/$extend"
        || ENDINGS.iter().any(|ending| path.ends_with(ending))
}

/// Sorts the changes that a person would look at first to the front: users' folders, noise last, files before folders, then
/// the newest.
pub fn by_interest(changes: &mut [Change]) {
    changes.sort_by_cached_key(|change| {
        let path = change.path.as_deref().unwrap_or("").to_lowercase();
        (Interest::of(change), path)
    });
}

/// How much a person would want to see of a change before others: the less, the sooner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interest {
    /// Noise, without a path, not a user's, a folder.
    pub weight: u8,
    /// Seconds since 1970; the least there are if it is not known.
    pub time: std::cmp::Reverse<i64>,
}

impl Interest {
    pub fn of(change: &Change) -> Self {
        let path = change.path.as_deref().unwrap_or("").to_lowercase();
        let version = change.after.or(change.before);
        let reasons = [
            is_noise(change),
            change.path.is_none(),
            !OF_USERS.iter().any(|folder| path.starts_with(folder)),
            change.file == FileKind::Directory,
        ];
        let add = |weight: u8, reason: bool| weight << 1 | u8::from(reason);
        Self {
            weight: reasons.into_iter().fold(0, add),
            time: std::cmp::Reverse(
                version
                    .and_then(|version| seconds(&version))
                    .unwrap_or(i64::MIN),
            ),
        }
    }
}

/// The time in seconds; a guest's local time is taken as if it were universal, for an order needs no more.
fn seconds(version: &FileVersion) -> Option<i64> {
    Some(match version.modified? {
        GuestTime::Utc(at) => at.as_second(),
        GuestTime::Local(at) => {
            let at = at.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
            at.timestamp().as_second()
        }
    })
}
