//! Hyper-V's XML configuration (2008 to 2012 R2): leaves typed by an attribute, `type="string|integer|bool|bytes"`.

use std::borrow::Cow;

use super::{CappedFindings, ConfigTree, ConfigValue, Container, MachineConfig, codes};
use crate::finding::Finding;
use crate::format::FormatError;
use crate::format::base64;
use crate::format::encoding::{Decoded, decode};
use crate::format::xml;

/// The most XML nodes that are taken in: elements and texts.
const MAX_NODES: u32 = 400_000;

const NAME_ENDS: [char; 6] = [' ', '\t', '\r', '\n', '/', '>'];

/// Whether a file that begins with `head` is XML whose root element is `configuration`. .NET's and others' are too.
pub fn is_configuration(head: &[u8]) -> bool {
    let Decoded { text, .. } = decode(head);
    let mut rest = text.trim_start();
    loop {
        let (opening, closing) = if rest.starts_with("<?") {
            ("<?", "?>")
        } else if rest.starts_with("<!--") {
            ("<!--", "-->")
        } else if rest.starts_with("<!") {
            ("<!", ">")
        } else {
            break;
        };
        let Some((_, behind)) = rest
            .strip_prefix(opening)
            .and_then(|inner| inner.split_once(closing))
        else {
            return false;
        };
        rest = behind.trim_start();
    }
    rest.strip_prefix("<configuration")
        .and_then(|rest| rest.chars().next())
        .is_some_and(|c| c.is_whitespace() || matches!(c, '>' | '/'))
}

/// Whether the text has leaves typed as Hyper-V types them: tells a damaged configuration from another program's file.
pub fn has_typed_leaf(head: &[u8]) -> bool {
    let Decoded { text, .. } = decode(head);
    ["string", "integer", "bool", "bytes"]
        .iter()
        .any(|name| text.contains(&format!("type=\"{name}\"")))
}

/// Parses a whole file. A file that is cut short or broken behind some point gives the keys before it, and a finding.
///
/// # Errors
/// If it is no XML at all, or has a document type (entities are never expanded).
pub fn parse(bytes: &[u8]) -> Result<MachineConfig, FormatError> {
    let decoded = decode(bytes);
    let mut faults = CappedFindings::default();
    if decoded.damaged {
        faults.push(Finding::new(
            &codes::TEXT_DAMAGED,
            "Some bytes are no valid text; they are shown as U+FFFD.",
        ));
    }
    if let Some(why) = xml::excess(&decoded.text) {
        let text = format!("The XML is not read: {why}.");
        return Err(Finding::new(&codes::XML_DAMAGED, text).into());
    }
    let mut text = Cow::Borrowed(decoded.text.as_str());
    let mut tree = ConfigTree::default();
    match roxmltree::Document::parse_with_options(&text, options()) {
        Ok(document) => collect(&document, &mut tree, &mut faults),
        Err(error) => {
            let finding = damage(&error);
            let Some(repaired) = close_open_tags(&decoded.text, &error) else {
                return Err(finding.into());
            };
            text = Cow::Owned(repaired);
            let Ok(document) = roxmltree::Document::parse_with_options(&text, options()) else {
                return Err(finding.into());
            };
            faults.push(finding);
            collect(&document, &mut tree, &mut faults);
        }
    }
    Ok(MachineConfig {
        tree,
        container: Container::Xml(decoded.encoding),
        findings: faults.findings,
    })
}

fn options<'a>() -> roxmltree::ParsingOptions<'a> {
    roxmltree::ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        ..Default::default()
    }
}

fn damage(error: &roxmltree::Error) -> Finding {
    Finding::new(
        &codes::XML_DAMAGED,
        format!("The XML cannot be read to its end: {error}."),
    )
}

/// The document up to the fault, with the elements that are open there closed. `None` if the fault is not one of a cut.
fn close_open_tags(text: &str, error: &roxmltree::Error) -> Option<String> {
    if matches!(
        error,
        roxmltree::Error::DtdDetected
            | roxmltree::Error::NodesLimitReached
            | roxmltree::Error::NoRootNode
    ) {
        return None;
    }
    let end = match error {
        roxmltree::Error::UnclosedRootNode | roxmltree::Error::UnexpectedEndOfStream => text.len(),
        _ => offset(text, error.pos()).unwrap_or(text.len()),
    };
    let mut open: Vec<&str> = Vec::new();
    // Where the sound part ends; and where the last whole tag begins, if it opens an element.
    let mut sound = 0_usize;
    let mut last_opening = None;
    while let Some(found) = text.get(sound..end).and_then(|rest| rest.find('<')) {
        let start = sound.checked_add(found)?;
        let rest = text.get(start..end)?;
        let closing = if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<![CDATA[") {
            "]]>"
        } else {
            ">"
        };
        let Some(len) = rest.find(closing) else { break };
        let stop = start.checked_add(len)?.checked_add(closing.len())?;
        let tag = text.get(start..stop)?;
        let name = tag.trim_start_matches(['<', '/']).split(NAME_ENDS).next()?;
        if tag.starts_with("</") {
            if open.last() != Some(&name) {
                break;
            }
            open.pop();
            last_opening = None;
        } else if !tag.starts_with("<?") && !tag.starts_with("<!") && !tag.ends_with("/>") {
            open.push(name);
            last_opening = Some(start);
        }
        sound = stop;
    }
    // An element that is open at the cut has lost its value: better none than half a path.
    if let Some(start) = last_opening {
        open.pop();
        sound = start;
    }
    let mut repaired = text.get(..sound)?.to_owned();
    for name in open.iter().rev() {
        repaired.push_str("</");
        repaired.push_str(name);
        repaired.push('>');
    }
    Some(repaired)
}

fn offset(text: &str, pos: roxmltree::TextPos) -> Option<usize> {
    let row = usize::try_from(pos.row).ok()?.checked_sub(1)?;
    let column = usize::try_from(pos.col).ok()?.checked_sub(1)?;
    let mut start = 0_usize;
    for _ in 0..row {
        let found = text.get(start..)?.find('\n')?;
        start = start.checked_add(found)?.checked_add(1)?;
    }
    let within = text.get(start..)?.char_indices().nth(column)?.0;
    start.checked_add(within)
}

/// Every element becomes a key. The walk is a loop, so depth costs no stack.
fn collect(document: &roxmltree::Document, tree: &mut ConfigTree, faults: &mut CappedFindings) {
    let mut path = String::new();
    // The elements around the current one, each with the length of its path.
    let mut open: Vec<(roxmltree::NodeId, usize)> = Vec::new();
    let elements = document.root().descendants();
    for node in elements.filter(roxmltree::Node::is_element) {
        let parent = node.parent_element().map(|parent| parent.id());
        let depth = match parent {
            None => 0,
            Some(parent) => match open.iter().position(|(id, _)| *id == parent) {
                Some(at) => at.saturating_add(1),
                // The parent lies deeper than is kept.
                None => continue,
            },
        };
        if depth >= super::MAX_DEPTH {
            faults.full();
            continue;
        }
        open.truncate(depth);
        path.truncate(open.last().map_or(0, |(_, len)| *len));
        path.push('/');
        path.push_str(node.tag_name().name());
        open.push((node.id(), path.len()));
        if tree.push(path.clone(), value(node, &path, faults)).is_err() {
            faults.full();
            return;
        }
    }
}

fn value(node: roxmltree::Node, path: &str, faults: &mut CappedFindings) -> ConfigValue {
    // Text of this element alone: of its first text child, as a leaf has no other.
    let text: String = node
        .children()
        .filter(roxmltree::Node::is_text)
        .filter_map(|child| child.text())
        .collect();
    let Some(kind) = node.attribute("type") else {
        let folder = node.children().any(|child| child.is_element());
        return if folder || text.trim().is_empty() {
            ConfigValue::Node
        } else {
            ConfigValue::String(text)
        };
    };
    let trimmed = text.trim();
    let parsed = match kind {
        "integer" => integer(trimmed),
        "bool" | "boolean" => boolean(trimmed),
        "bytes" => base64::decode(trimmed).map(ConfigValue::Bytes),
        "double" => trimmed.parse().ok().map(ConfigValue::Double),
        _ => Some(ConfigValue::String(text.clone())),
    };
    parsed.unwrap_or_else(|| {
        faults.push(
            Finding::new(
                &codes::VALUE_DAMAGED,
                format!("The value of {path} is no {kind}."),
            )
            .values(kind, trimmed.chars().take(80).collect::<String>()),
        );
        ConfigValue::String(text.clone())
    })
}

fn integer(text: &str) -> Option<ConfigValue> {
    let signed = text.parse().ok().map(ConfigValue::Integer);
    signed.or_else(|| text.parse().ok().map(ConfigValue::Unsigned))
}

fn boolean(text: &str) -> Option<ConfigValue> {
    if text.eq_ignore_ascii_case("true") || text == "1" {
        Some(ConfigValue::Bool(true))
    } else if text.eq_ignore_ascii_case("false") || text == "0" {
        Some(ConfigValue::Bool(false))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"<?xml version="1.0" encoding="UTF-16" standalone="yes"?>
<configuration>
  <properties>
    <name type="string">TestWin7 &amp; 検証用</name>
    <version type="integer">1280</version>
    <highly_available type="bool">False</highly_available>
    <creation_time type="bytes">AQIDBAUGBwg=</creation_time>
    <big type="integer">18446744073709551615</big>
    <empty type="string"/>
  </properties>
</configuration>"#;

    #[test]
    fn typed_leaves_keep_their_type_though_the_declaration_lies() {
        let config = parse(SMALL.as_bytes()).unwrap();
        let tree = &config.tree;
        assert_eq!(
            tree.string("/configuration/properties/name"),
            Some("TestWin7 & 検証用")
        );
        assert_eq!(
            tree.integer("/configuration/properties/version"),
            Some(1280)
        );
        assert_eq!(
            tree.bool("/configuration/properties/highly_available"),
            Some(false)
        );
        assert_eq!(
            tree.get("/configuration/properties/creation_time"),
            Some(&ConfigValue::Bytes(vec![1, 2, 3, 4, 5, 6, 7, 8]))
        );
        assert_eq!(
            tree.get("/configuration/properties/big"),
            Some(&ConfigValue::Unsigned(u64::MAX))
        );
        assert_eq!(tree.string("/configuration/properties/empty"), Some(""));
        assert_eq!(
            tree.get("/configuration/properties"),
            Some(&ConfigValue::Node)
        );
        assert_eq!(config.findings, []);
    }

    #[test]
    fn a_cut_file_gives_what_lies_before_the_cut() {
        let cut = SMALL.find("<highly").unwrap() + 30;
        let config = parse(&SMALL.as_bytes()[..cut]).unwrap();
        assert_eq!(
            config.tree.integer("/configuration/properties/version"),
            Some(1280)
        );
        assert_eq!(
            config
                .tree
                .get("/configuration/properties/highly_available"),
            None
        );
        assert_eq!(config.findings[0].code.id, codes::XML_DAMAGED.id);
    }

    #[test]
    fn every_cut_gives_only_whole_values() {
        let whole = parse(SMALL.as_bytes()).unwrap();
        for cut in 0..SMALL.len() {
            let Ok(config) = parse(&SMALL.as_bytes()[..cut]) else {
                continue;
            };
            for entry in config.tree.entries() {
                if entry.value != ConfigValue::Node {
                    assert_eq!(
                        whole.tree.get(&entry.path),
                        Some(&entry.value),
                        "cut at {cut}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_value_that_does_not_fit_is_kept_as_text_with_a_finding() {
        let config = parse(b"<configuration><a type='integer'>x</a></configuration>").unwrap();
        assert_eq!(config.tree.string("/configuration/a"), Some("x"));
        assert_eq!(config.findings[0].code.id, codes::VALUE_DAMAGED.id);
    }

    #[test]
    fn entities_depth_and_numbers_of_nodes_do_no_harm() {
        let bomb = r#"<!DOCTYPE c [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><configuration>&b;</configuration>"#;
        assert!(parse(bomb.as_bytes()).is_err());
        let deep = format!("<configuration>{}", "<a>".repeat(150_000));
        let _ = parse(deep.as_bytes());
        let deep = format!(
            "<c>{}{}<b type='integer'>7</b></c>",
            "<a>".repeat(2_000),
            "</a>".repeat(2_000)
        );
        let config = parse(deep.as_bytes()).unwrap();
        assert_eq!(config.tree.entries().len(), super::super::MAX_DEPTH + 1);
        assert_eq!(config.tree.integer("/c/b"), Some(7));
        assert_eq!(config.findings[0].code.id, codes::TOO_MANY_KEYS.id);
        let wide = format!("<configuration>{}</configuration>", "<a/>".repeat(500_000));
        assert!(parse(wide.as_bytes()).is_err());
    }

    #[test]
    fn the_root_is_told_through_declaration_comment_and_mark() {
        assert!(is_configuration(
            "\u{feff}<?xml version='1.0'?>\r\n<!-- <x> --><configuration>".as_bytes()
        ));
        assert!(!is_configuration(b"<configurations/>"));
        assert!(!is_configuration(b"<?xml version='1.0'"));
        assert!(has_typed_leaf(SMALL.as_bytes()));
    }
}
