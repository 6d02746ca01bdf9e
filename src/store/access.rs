//! May a file be opened? A disk that a running machine keeps to itself is not damaged; nor is one this user may not read.

use std::io;

use crate::finding::{Code, Finding};
use crate::source::error_words;
use crate::store::codes;

/// Why a file that is there is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Barred {
    /// Another program keeps it to itself: a sharing or lock violation on Windows, `EBUSY` or `ETXTBSY` over SMB.
    InUse,
    /// This user may not read it: `EACCES`, `EPERM`, access denied.
    Denied,
}

/// `ERROR_SHARING_VIOLATION` and `ERROR_LOCK_VIOLATION` of Windows' `winerror.h`.
const WINDOWS_IN_USE: [i32; 2] = [32, 33];

impl Barred {
    /// What an error of opening says of it; `None` if that is something else.
    pub fn of(error: &io::Error) -> Option<Self> {
        use io::ErrorKind::{ExecutableFileBusy, PermissionDenied, ResourceBusy};
        let number = error.raw_os_error().filter(|_| cfg!(windows));
        match error.kind() {
            _ if number.is_some_and(|number| WINDOWS_IN_USE.contains(&number)) => Some(Self::InUse),
            ResourceBusy | ExecutableFileBusy => Some(Self::InUse),
            PermissionDenied => Some(Self::Denied),
            _ => None,
        }
    }

    fn code(self) -> &'static Code {
        match self {
            Self::InUse => &codes::LOCKED,
            Self::Denied => &codes::DENIED,
        }
    }

    /// The finding of a disk that could not be opened.
    pub fn finding(self, error: &io::Error) -> Finding {
        let why = error_words(error);
        Finding::new(self.code(), format!("It could not be opened: {why}."))
    }
}

/// Whether findings say that a disk could not be opened, though nothing says that it is damaged.
pub(super) fn is_locked(findings: &[Finding]) -> bool {
    let is_one = |finding: &Finding| [&codes::LOCKED, &codes::DENIED].contains(&finding.code);
    findings.iter().any(is_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_opening_are_told_apart() {
        let of = |kind: io::ErrorKind| Barred::of(&kind.into());
        assert_eq!(of(io::ErrorKind::ResourceBusy), Some(Barred::InUse));
        assert_eq!(of(io::ErrorKind::ExecutableFileBusy), Some(Barred::InUse));
        assert_eq!(of(io::ErrorKind::PermissionDenied), Some(Barred::Denied));
        assert_eq!(of(io::ErrorKind::NotFound), None);
        for number in WINDOWS_IN_USE {
            let is_in_use =
                Barred::of(&io::Error::from_raw_os_error(number)) == Some(Barred::InUse);
            assert_eq!(is_in_use, cfg!(windows));
        }
        let finding = Barred::Denied.finding(&io::ErrorKind::PermissionDenied.into());
        assert!(is_locked(&[finding]) && !is_locked(&[]));
    }
}
