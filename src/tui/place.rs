//! A place on a disk as people type it.

/// Says that a text names no place.
pub fn no_place(text: &str) -> String {
    format!("{text}: neither a number, an offset (1.5G, 0x200000) nor a percentage")
}

/// A place by number, by offset in bytes (with a unit, or hexadecimal), or by percentage.
pub fn place(text: &str, unit_bytes: u64, len: u64) -> Option<u64> {
    let text = text.trim();
    let unit_bytes = unit_bytes.max(1);
    if let Some(percent) = text.strip_suffix('%') {
        let hundredths = decimal(percent)?;
        let place = u128::from(len) * u128::from(hundredths) / 10_000;
        return u64::try_from(place).ok();
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return Some(u64::from_str_radix(hex, 16).ok()? / unit_bytes);
    }
    let shift = match text.chars().last()?.to_ascii_uppercase() {
        'K' => 10,
        'M' => 20,
        'G' => 30,
        'T' => 40,
        _ => return text.replace(',', "").parse().ok(),
    };
    let hundredths = decimal(text.get(..text.len() - 1)?)?;
    let bytes = (u128::from(hundredths) << shift) / 100;
    u64::try_from(bytes / u128::from(unit_bytes)).ok()
}

/// A decimal number in hundredths.
fn decimal(text: &str) -> Option<u64> {
    let text = text.trim();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = format!("{part:0<2}");
    let hundredths: u64 = part.get(..2)?.parse().ok()?;
    let whole: u64 = whole.parse().ok()?;
    whole.checked_mul(100)?.checked_add(hundredths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_by_number_offset_and_percentage() {
        let unit = 2 << 20;
        assert_eq!(place("131,172", unit, 1 << 20), Some(131_172));
        assert_eq!(place("1T", unit, 1 << 20), Some(524_288));
        assert_eq!(place("1.5g", unit, 1 << 20), Some(768));
        assert_eq!(place("0x200000", unit, 1 << 20), Some(1));
        assert_eq!(place("50%", unit, 1 << 20), Some(524_288));
        assert_eq!(place("12.5 %", unit, 1000), Some(125));
        assert_eq!(place("検", unit, 1), None);
        assert_eq!(place("", unit, 1), None);
        assert_eq!(place("99999999999999999999T", unit, 1), None);
    }
}
