//! What XML from outside may hold before it is read as a tree: the attributes of an element are compared with each other, and
//! each element keeps the namespaces of all around it.

/// Attributes of one element, and namespaces of a document: nobody's settings have near as many.
const ATTRIBUTES: usize = 256;
const NAMESPACES: usize = 16;

/// Why a document would cost too much to be read, in words.
pub fn excess(text: &str) -> Option<String> {
    if text.matches("xmlns").count() > NAMESPACES {
        return Some(format!("it has more than {NAMESPACES} namespaces"));
    }
    let mut tags = text
        .split('<')
        .filter(|tag| !tag.starts_with(['!', '?', '/']));
    tags.any(|tag| attributes(tag) > ATTRIBUTES)
        .then(|| format!("an element has more than {ATTRIBUTES} attributes"))
}

/// Signs of equality in a tag, without those in values.
fn attributes(tag: &str) -> usize {
    let mut quote = None;
    let mut count = 0_usize;
    for byte in tag.bytes() {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'>') => break,
            (None, b'=') => count = count.saturating_add(1),
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_counted_and_not_the_text_of_values_or_elements() {
        let many = |count: usize| {
            (0..count)
                .map(|n| format!(" a{n}='>'"))
                .collect::<Vec<_>>()
                .concat()
        };
        assert_eq!(excess(&format!("<a{}/>", many(256))), None);
        assert!(
            excess(&format!("<a{}/>", many(257)))
                .unwrap()
                .contains("attributes")
        );
        let text = "=".repeat(1000);
        assert_eq!(
            excess(&format!("<a b=\"{text}\">{text}<!--{text}--></a>")),
            None
        );
        let spaces = " xmlns:a=\"b\"".repeat(17);
        assert!(
            excess(&format!("<a{spaces}/>"))
                .unwrap()
                .contains("namespaces")
        );
    }
}
