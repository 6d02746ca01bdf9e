//! Parent locator: how a child names its parent ([MS-VHDX] 2.6.2.6).

use uuid::{Uuid, uuid};

use crate::finding::Finding;
use crate::format::parent::{ParentRef, PathKind, StoredPath};
use crate::format::vhdx::{codes, guid_at, u16_at, u32_at};
use crate::format::{guid, text};

/// The kind of locator that names another VHDX; the only one described.
pub const TYPE_ID: Uuid = uuid!("b04aefb7-d19e-4a81-b789-25b8e9445913");

const HEADER_BYTES: usize = 20;
const ENTRY_BYTES: usize = 12;

/// The paths, in the order a reader tries them.
const PATHS: [(&str, PathKind); 3] = [
    ("relative_path", PathKind::Relative),
    ("volume_path", PathKind::Volume),
    ("absolute_win32_path", PathKind::Absolute),
];

/// Reads a locator item that lies at `at_bytes` in the file. Whatever can be read of it is used.
///
/// Real files keep neither to the braces and the lower case the specification asks of linkages nor to the `\\?\` it asks
/// of absolute paths, and write a nil `parent_linkage2`; none of that is a finding.
pub fn parse(item: &[u8], at_bytes: u64, findings: &mut Vec<Finding>) -> ParentRef {
    let fault = |text: String| Finding::new(&codes::LOCATOR, text).at(at_bytes);
    let (Some(kind), Some(count)) = (guid_at(item, 0), u16_at(item, 18)) else {
        findings.push(fault(
            "the parent locator is shorter than its header".to_owned(),
        ));
        return ParentRef::default();
    };
    if kind != TYPE_ID {
        findings.push(
            Finding::new(
                &codes::LOCATOR_TYPE,
                format!("the parent locator is of the unknown kind {kind}"),
            )
            .at(at_bytes)
            .values(TYPE_ID.to_string(), kind.to_string()),
        );
        return ParentRef::default();
    }
    let entries = item
        .get(HEADER_BYTES..)
        .unwrap_or_default()
        .chunks_exact(ENTRY_BYTES);
    if entries.len() < usize::from(count) {
        findings.push(fault(format!(
            "the parent locator claims {count} entries and has room for {}",
            entries.len()
        )));
    }
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (index, entry) in entries.take(usize::from(count)).enumerate() {
        match pair(item, entry) {
            Ok((key, _)) if pairs.iter().any(|(known, _)| *known == key) => findings.push(fault(
                format!("the parent locator has `{key}` twice; the first was used"),
            )),
            Ok(found) => pairs.push(found),
            Err(why) => findings.push(fault(format!("entry {index} of the parent locator {why}"))),
        }
    }
    parent(&pairs, at_bytes, findings)
}

fn pair(item: &[u8], entry: &[u8]) -> Result<(String, String), &'static str> {
    let field = |offset_at: usize, length_at: usize| {
        let offset = usize::try_from(u32_at(entry, offset_at)?).ok()?;
        let length = usize::from(u16_at(entry, length_at)?);
        item.get(offset..offset.checked_add(length)?)
    };
    let key = field(0, 8).ok_or("has a key outside the locator")?;
    let value = field(4, 10).ok_or("has a value outside the locator")?;
    if key.is_empty() || key.len() % 2 != 0 || value.len() % 2 != 0 {
        return Err("has an empty key or half a character");
    }
    let key = text::utf16le(key);
    let value = text::utf16le(value);
    if key.damaged || value.damaged {
        return Err("is not valid UTF-16");
    }
    Ok((key.text, value.text))
}

fn parent(pairs: &[(String, String)], at_bytes: u64, findings: &mut Vec<Finding>) -> ParentRef {
    let value = |wanted: &str| {
        pairs
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.as_str())
    };
    let linkage = |key: &str| {
        value(key)
            .and_then(guid::from_text)
            .filter(|id| !id.is_nil())
    };
    let id_wanted = linkage("parent_linkage");
    let second_id_wanted = linkage("parent_linkage2");
    if id_wanted.is_none() && second_id_wanted.is_none() {
        findings.push(
            Finding::new(
                &codes::LOCATOR_LINKAGE,
                "the parent locator has no usable `parent_linkage`",
            )
            .at(at_bytes)
            .values("a GUID", value("parent_linkage").unwrap_or("nothing")),
        );
    }
    let paths: Vec<StoredPath> = PATHS
        .iter()
        .filter_map(|(field, kind)| {
            let text = value(field).filter(|text| !text.is_empty())?;
            Some(StoredPath {
                kind: *kind,
                field,
                text: text.to_owned(),
            })
        })
        .collect();
    if paths.is_empty() {
        findings.push(
            Finding::new(&codes::LOCATOR_PATHS, "the parent locator has no path").at(at_bytes),
        );
    }
    ParentRef {
        id_wanted,
        second_id_wanted,
        paths,
        raw: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn item(pairs: &[(&str, &str)]) -> Vec<u8> {
        let mut bytes = TYPE_ID.to_bytes_le().to_vec();
        bytes.extend([0, 0]);
        bytes.extend(u16::try_from(pairs.len()).expect("few").to_le_bytes());
        let mut data = Vec::new();
        let start = HEADER_BYTES + pairs.len() * ENTRY_BYTES;
        for (key, value) in pairs {
            let (key, value) = (utf16(key), utf16(value));
            let at = u32::try_from(start + data.len()).expect("small");
            let value_at = at + u32::try_from(key.len()).expect("small");
            bytes.extend(at.to_le_bytes());
            bytes.extend(value_at.to_le_bytes());
            bytes.extend(u16::try_from(key.len()).expect("small").to_le_bytes());
            bytes.extend(u16::try_from(value.len()).expect("small").to_le_bytes());
            data.extend(key);
            data.extend(value);
        }
        bytes.extend(data);
        bytes
    }

    fn read(bytes: &[u8]) -> (ParentRef, Vec<&'static str>) {
        let mut findings = Vec::new();
        let parent = parse(bytes, 0x11_0000, &mut findings);
        (
            parent,
            findings.iter().map(|finding| finding.code.id).collect(),
        )
    }

    const LINKAGE: &str = "{83ED0EC3-24C8-49a6-a959-5e4bf1288bfb}";
    const NIL: &str = "{00000000-0000-0000-0000-000000000000}";

    #[test]
    fn paths_come_in_search_order_whatever_their_order_on_disk() {
        let (parent, ids) = read(&item(&[
            ("absolute_win32_path", r"C:\VMs\検証用.vhdx"),
            (
                "volume_path",
                r"\\?\Volume{26a21bda-a627-11d7-9931-806e6f6e6963}\p.vhdx",
            ),
            ("parent_linkage", LINKAGE),
            ("parent_linkage2", NIL),
            ("relative_path", r".\p.vhdx"),
        ]));
        assert!(ids.is_empty(), "{ids:?}");
        assert_eq!(
            parent.id_wanted,
            Some(uuid!("83ed0ec3-24c8-49a6-a959-5e4bf1288bfb"))
        );
        assert_eq!(parent.second_id_wanted, None);
        let fields: Vec<_> = parent
            .paths
            .iter()
            .map(|path| (path.field, path.kind))
            .collect();
        assert_eq!(fields, PATHS);
        assert_eq!(parent.paths[2].text, r"C:\VMs\検証用.vhdx");
    }

    #[test]
    fn the_second_linkage_stands_in_for_a_missing_first() {
        let (parent, ids) = read(&item(&[
            ("parent_linkage2", "83ed0ec3-24c8-49a6-a959-5e4bf1288bfb"),
            ("relative_path", "p.vhdx"),
        ]));
        assert!(ids.is_empty(), "{ids:?}");
        assert_eq!(parent.id_wanted, None);
        assert!(parent.second_id_wanted.is_some());
    }

    #[test]
    fn without_linkage_or_path_there_are_findings() {
        assert_eq!(
            read(&item(&[("parent_linkage", NIL)])).1,
            ["vhdx-locator-linkage", "vhdx-locator-paths"]
        );
        assert_eq!(
            read(&item(&[("parent_linkage", "soup"), ("relative_path", "p")])).1,
            ["vhdx-locator-linkage"]
        );
    }

    #[test]
    fn entries_that_point_outside_are_left_out() {
        let mut bytes = item(&[("parent_linkage", LINKAGE), ("relative_path", "p")]);
        bytes[HEADER_BYTES + 4..HEADER_BYTES + 8].copy_from_slice(&u32::MAX.to_le_bytes());
        let (parent, ids) = read(&bytes);
        assert_eq!(ids, ["vhdx-locator", "vhdx-locator-linkage"]);
        assert_eq!(parent.paths.len(), 1);
    }

    #[test]
    fn a_key_given_twice_keeps_its_first_value() {
        let (parent, ids) = read(&item(&[
            ("parent_linkage", LINKAGE),
            ("relative_path", "first"),
            ("relative_path", "second"),
        ]));
        assert_eq!(ids, ["vhdx-locator"]);
        assert_eq!(parent.paths[0].text, "first");
    }

    #[test]
    fn another_kind_and_a_stump_give_no_parent() {
        let mut bytes = item(&[("parent_linkage", LINKAGE)]);
        assert_eq!(read(&bytes[..19]).1, ["vhdx-locator"]);
        bytes[18..20].copy_from_slice(&u16::MAX.to_le_bytes());
        assert!(read(&bytes).1.contains(&"vhdx-locator"));
        bytes[0] ^= 1;
        assert_eq!(read(&bytes).1, ["vhdx-locator-type"]);
    }
}
