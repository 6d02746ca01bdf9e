//! Comma-separated values (RFC 4180), for spreadsheets: safe to open there, too.

/// One line without its end. A cell that a spreadsheet would take for a formula gets a `'` before it.
pub fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell != "-";
        let quoted = formula || cell.contains([',', '"', '\n', '\r']);
        if !quoted {
            text.push_str(cell);
            continue;
        }
        text.push('"');
        if formula {
            text.push('\'');
        }
        text.push_str(&cell.replace('"', "\"\""));
        text.push('"');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_commas_and_formulas_are_made_harmless() {
        assert_eq!(line(["a", "b,c", "d\"e"]), "a,\"b,c\",\"d\"\"e\"");
        assert_eq!(
            line(["=1+1", "@x", "-", "-2"]),
            "\"'=1+1\",\"'@x\",-,\"'-2\""
        );
    }
}
