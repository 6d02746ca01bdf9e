//! Virtual PC's undo disks carry the time of making in their name.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::finding::Finding;
use crate::store::{Disk, codes, names};

/// How far name and footer may lie apart.
const TOLERANCE_SECONDS: i64 = 300;
/// Time zones lie whole quarters of an hour apart.
const QUARTER_SECONDS: i64 = 900;
/// The farthest zone from UTC.
const FARTHEST_ZONE: SignedDuration = SignedDuration::from_hours(14);

/// The time in `VirtualPCUndo_<disk>_0_0_hhmmssMMDDYYYY.vud`, as written, taken as UTC.
pub fn undo_name_time(file_name: &str) -> Option<Timestamp> {
    let lower = file_name.to_ascii_lowercase();
    let stem = lower.strip_prefix("virtualpcundo_")?.strip_suffix(".vud")?;
    let digits = stem.rsplit('_').next()?;
    if digits.len() != 14 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let field = |from: usize, to: usize| digits.get(from..to)?.parse::<i8>().ok();
    let year = digits.get(10..14)?.parse::<i16>().ok()?;
    let written = DateTime::new(
        year,
        field(6, 8)?,
        field(8, 10)?,
        field(0, 2)?,
        field(2, 4)?,
        field(4, 6)?,
        0,
    )
    .ok()?;
    Some(written.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// A finding if the name's time cannot be the footer's in any time zone.
pub(super) fn undo_time(disk: &Disk) -> Option<Finding> {
    if !names::has_extension(&disk.path, "vud") {
        return None;
    }
    let named = undo_name_time(disk.path.file_name()?.to_str()?)?;
    let made = disk.header.as_ref()?.created?;
    let apart = named.duration_since(made);
    let in_quarter = apart.as_secs().rem_euclid(QUARTER_SECONDS);
    let off = in_quarter.min(QUARTER_SECONDS.saturating_sub(in_quarter));
    let is_a_zone = apart.abs() <= FARTHEST_ZONE && off <= TOLERANCE_SECONDS;
    (!is_a_zone).then(|| {
        let text = format!("Its name says {named}, its footer {made}.");
        Finding::new(&codes::UNDO_TIME_DIFFERS, text).values(named.to_string(), made.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_in_an_undo_disks_name_is_read() {
        let time = undo_name_time("VirtualPCUndo_Windows XP_0_0_14253006232007.vud").unwrap();
        assert_eq!(time.to_string(), "2007-06-23T14:25:30Z");
        for name in [
            "VirtualPCUndo_x_0_0_14253013232007.vud",
            "VirtualPCUndo_x_0_0_1425.vud",
            "VirtualPCUndo_x_0_0_14253006232007.vhd",
            "x_0_0_14253006232007.vud",
        ] {
            assert_eq!(undo_name_time(name), None, "{name}");
        }
    }
}
