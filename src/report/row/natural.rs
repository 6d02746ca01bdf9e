//! Natural order: numbers in names by their value, so that `vm2` stands before `vm10`; letters without case.

use std::cmp::Ordering;
use std::str::Chars;

/// Compares two names.
pub fn compare(a: &str, b: &str) -> Ordering {
    let (mut x, mut y) = (a.chars(), b.chars());
    loop {
        let (before_x, before_y) = (x.clone(), y.clone());
        let (one, other) = match (x.next(), y.next()) {
            (None, None) => return a.cmp(b),
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(one), Some(other)) => (one, other),
        };
        let order = if one.is_ascii_digit() && other.is_ascii_digit() {
            (x, y) = (before_x, before_y);
            compare_numbers(&mut x, &mut y)
        } else {
            one.to_lowercase().cmp(other.to_lowercase())
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Compares the digits both begin with, and takes them away. Of two with the same value the shorter comes first only where
/// nothing else tells the names apart.
fn compare_numbers(x: &mut Chars<'_>, y: &mut Chars<'_>) -> Ordering {
    let (one, other) = (digits(x), digits(y));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

/// The digits at the start, taken away, without leading zeros.
fn digits<'a>(chars: &mut Chars<'a>) -> &'a str {
    let text = chars.as_str();
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    *chars = rest.chars();
    number.trim_start_matches('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_by_their_value() {
        let mut names = ["vm10", "VM2", "vm1", "vm010b", "vm", "a100", "検2", "検10"];
        names.sort_by(|a, b| compare(a, b));
        assert_eq!(
            names,
            ["a100", "vm", "vm1", "VM2", "vm10", "vm010b", "検2", "検10"]
        );
        let long = "9".repeat(60);
        assert_eq!(compare(&long, &format!("1{long}")), Ordering::Less);
        assert_eq!(
            compare("a01", "a1"),
            Ordering::Less,
            "an order without ties"
        );
    }
}
