//! Directory entries, with their long names.

use jiff::civil::{Date, DateTime, Time};

use super::FileSystemKind;
use crate::format::bytes::{u16_at, u32_at};
use crate::guest::filesystem::{FileKind, GuestTime};

const ENTRY_BYTES: usize = 32;
const DIRECTORY: u8 = 0x10;
const VOLUME_LABEL: u8 = 0x08;
const LONG_NAME: u8 = 0x0f;
/// Entries of a long name, at most.
const LONG_PARTS_MAX: u8 = 20;

/// What the upper half of a short name's code page is taken for: the first PC's, code page 437.
const UPPER: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// One file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FatEntry {
    /// Its number in the directory, counted in entries of 32 bytes.
    pub(super) slot: u32,
    pub(super) name: String,
    pub(super) attributes: u8,
    pub(super) cluster: u32,
    pub(super) size: u32,
    pub(super) created: Option<GuestTime>,
    pub(super) modified: Option<GuestTime>,
}

impl FatEntry {
    pub(super) fn is_directory(&self) -> bool {
        self.attributes & DIRECTORY != 0
    }

    pub(super) fn kind(&self) -> FileKind {
        if self.is_directory() {
            FileKind::Directory
        } else {
            FileKind::File
        }
    }
}

/// The part of a long name that was gathered so far, last part first as they are stored.
#[derive(Debug, Default)]
struct LongName {
    units: Vec<[u16; 13]>,
    /// Number of the part gathered last; 0 without any.
    part: u8,
    checksum: u8,
}

impl LongName {
    fn gather(&mut self, raw: &[u8]) -> Option<()> {
        let order = *raw.first()?;
        let (part, checksum) = (order & 0x3f, *raw.get(13)?);
        let goes_on = part.checked_add(1) == Some(self.part) && checksum == self.checksum;
        if order & 0x40 != 0 && part <= LONG_PARTS_MAX {
            self.units.clear();
        } else if !goes_on {
            self.units.clear();
            self.part = 0;
            return None;
        }
        let mut units = [0; 13];
        let places = (1..11)
            .step_by(2)
            .chain((14..26).step_by(2))
            .chain([28, 30]);
        for (unit, at) in units.iter_mut().zip(places) {
            *unit = u16_at(raw, at)?;
        }
        self.units.push(units);
        self.part = part;
        self.checksum = checksum;
        Some(())
    }

    /// The name, if it is whole and belongs to this short name.
    fn take(&mut self, short: &[u8]) -> Option<String> {
        let sum = short
            .iter()
            .fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte));
        let whole = std::mem::take(&mut self.part) == 1 && self.checksum == sum;
        let units = std::mem::take(&mut self.units);
        whole.then(|| {
            let units = units.into_iter().rev().flatten();
            let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
            String::from_utf16_lossy(&units)
        })
    }
}

/// The files and directories of a directory, without `.` and `..`.
pub(super) fn parse(bytes: &[u8], kind: FileSystemKind) -> Vec<FatEntry> {
    let mut entries = Vec::new();
    let mut long = LongName::default();
    for (slot, raw) in (0..).zip(bytes.chunks_exact(ENTRY_BYTES)) {
        let (Some(first), Some(attributes)) = (raw.first(), raw.get(11)) else {
            break;
        };
        match (*first, *attributes) {
            (0, _) => break,
            (0xe5, _) => long = LongName::default(),
            (_, attributes) if attributes & 0x3f == LONG_NAME => {
                let _ = long.gather(raw);
            }
            (_, attributes) if attributes & VOLUME_LABEL != 0 => long = LongName::default(),
            (b'.', _) if raw.get(..11).is_some_and(is_dots) => long = LongName::default(),
            _ => entries.extend(entry(slot, raw, &mut long, kind)),
        }
    }
    entries
}

fn is_dots(name: &[u8]) -> bool {
    name == b".          " || name == b"..         "
}

fn entry(slot: u32, raw: &[u8], long: &mut LongName, kind: FileSystemKind) -> Option<FatEntry> {
    let short = raw.get(..11)?;
    let name = long
        .take(short)
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| short_name(short, raw.get(12).copied().unwrap_or(0)));
    let attributes = *raw.get(11)?;
    let tenths = raw.get(13).copied().unwrap_or(0);
    Some(FatEntry {
        slot,
        name,
        attributes,
        cluster: cluster(raw, kind)?,
        size: u32_at(raw, 28)?,
        created: time(u16_at(raw, 16)?, u16_at(raw, 14)?, tenths),
        modified: time(u16_at(raw, 24)?, u16_at(raw, 22)?, 0),
    })
}

/// The first cluster; of FAT12 and FAT16 the upper half means something else.
fn cluster(raw: &[u8], kind: FileSystemKind) -> Option<u32> {
    let low = u32::from(u16_at(raw, 26)?);
    let high = match kind {
        FileSystemKind::Fat32 => u32::from(u16_at(raw, 20)?) << 16,
        _ => 0,
    };
    Some(high | low)
}

/// The first cluster of the directory above, by a directory's own `..`.
pub(super) fn parent(bytes: &[u8], kind: FileSystemKind) -> Option<u32> {
    let raw = bytes.get(ENTRY_BYTES..ENTRY_BYTES.checked_mul(2)?)?;
    (raw.get(..11)? == b"..         ").then(|| cluster(raw, kind))?
}

/// The label of the volume in its root directory.
pub(super) fn label(bytes: &[u8]) -> Option<String> {
    let entries = bytes.chunks_exact(ENTRY_BYTES);
    let mut used = entries.take_while(|raw| raw.first().is_some_and(|first| *first != 0));
    let raw = used.find(|raw| {
        let attributes = raw.get(11).copied().unwrap_or(0);
        attributes & 0x3f != LONG_NAME
            && attributes & VOLUME_LABEL != 0
            && raw.first() != Some(&0xe5)
    })?;
    Some(short_text(raw.get(..11)?))
}

fn short_name(short: &[u8], case: u8) -> String {
    let (stem, extension) = short.split_at_checked(8).unwrap_or_default();
    let mut stem = stem.to_vec();
    if let Some(first) = stem.first_mut().filter(|first| **first == 0x05) {
        // A name may begin with the byte that marks deleted entries; it is stored as this one.
        *first = 0xe5;
    }
    let cased = |bytes: &[u8], lower: bool| {
        let text = short_text(bytes);
        if lower { text.to_lowercase() } else { text }
    };
    let stem = cased(&stem, case & 0x08 != 0);
    let extension = cased(extension, case & 0x10 != 0);
    if extension.is_empty() {
        stem
    } else {
        format!("{stem}.{extension}")
    }
}

/// Bytes of the guest's code page, without the spaces behind them.
pub(super) fn short_text(bytes: &[u8]) -> String {
    let text: String = bytes
        .iter()
        .map(|byte| match byte.checked_sub(0x80) {
            None => char::from(*byte),
            Some(upper) => UPPER.chars().nth(upper.into()).unwrap_or('\u{fffd}'),
        })
        .collect();
    text.trim_end_matches([' ', '\0']).to_owned()
}

/// The guest's local time; the tenths are hundredths of a second beside two-second steps.
fn time(date: u16, time: u16, hundredths: u8) -> Option<GuestTime> {
    let part = |value: u16| i8::try_from(value).ok();
    let year = 1_980_i16.checked_add(i16::try_from(date >> 9).ok()?)?;
    let day = Date::new(year, part(date >> 5 & 0xf)?, part(date & 0x1f)?).ok()?;
    let second = (time & 0x1f)
        .checked_mul(2)?
        .checked_add(u16::from(hundredths / 100))?;
    let nanosecond = i32::from(hundredths % 100).checked_mul(10_000_000)?;
    let clock = Time::new(
        part(time >> 11)?,
        part(time >> 5 & 0x3f)?,
        part(second)?,
        nanosecond,
    );
    Some(GuestTime::Local(DateTime::from_parts(day, clock.ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_keep_their_case_and_code_page() {
        assert_eq!(short_name(b"README  TXT", 0x18), "readme.txt");
        assert_eq!(short_name(b"\x05TIL\x82    ", 0), "σTILé");
        assert_eq!(short_name(b"A       B  ", 0x08), "a.B");
        assert_eq!(UPPER.chars().count(), 128);
    }

    #[test]
    fn a_long_name_of_another_file_is_not_taken() {
        let mut long = [0xff; 32];
        long[0] = 0x41;
        long[11] = LONG_NAME;
        long[13] = 0x12;
        long[1..7].copy_from_slice(&[0x61, 0, 0x62, 0, 0, 0]);
        let mut short = [0; 32];
        short[..11].copy_from_slice(b"AB         ");
        let bytes = [long, short].concat();
        assert_eq!(parse(&bytes, FileSystemKind::Fat16)[0].name, "AB");
        let sum = short[..11]
            .iter()
            .fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte));
        long[13] = sum;
        let bytes = [long, short].concat();
        assert_eq!(parse(&bytes, FileSystemKind::Fat16)[0].name, "ab");
    }

    #[test]
    fn times_are_the_guest_s_own() {
        let at = time(0x5c62, 0x4a80 | 15, 150);
        let said = "2026-03-02T09:20:31.5".parse().unwrap();
        assert_eq!(at, Some(GuestTime::Local(said)));
        assert_eq!(time(0, 0, 0), None);
    }
}
