//! How far a slip of the fingers is from what was meant.

/// Edits between two short texts (Levenshtein).
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut line: Vec<usize> = (0..=b.len()).collect();
    for (row, x) in a.chars().enumerate() {
        let mut corner = row;
        let mut left = row + 1;
        if let Some(first) = line.first_mut() {
            *first = left;
        }
        for (above, y) in line.iter_mut().skip(1).zip(&b) {
            let replaced = corner + usize::from(x != *y);
            corner = *above;
            left = replaced.min(left + 1).min(*above + 1);
            *above = left;
        }
    }
    line.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_letter_put_in_left_out_or_replaced_counts_once() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "ls"), 2);
    }
}
