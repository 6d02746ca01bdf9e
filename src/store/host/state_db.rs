//! `state.db`, the database of a pool: `xe pool-dump-database`, or `/var/lib/xcp/state.db` of its master. It holds secrets, so
//! only the tables VM, VDI and VBD are looked at. Read as it streams by: it may have hundreds of MiB.
//!
//! In a value `%.` is a space, `%_` two, `%t`, `%n`, `%r` a tab, a new line, a return, `%%` a percent sign
//! (xen-api, `xml_spaces.ml`).

use std::cell::Cell;
use std::collections::HashMap;
use std::io::BufRead;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::limits::{ELEMENT_BYTES, InParts, RECORDS};
use super::pool::{Object, Pool, reference, time};
use super::{HostError, HostFacts};

/// Whether a text begins as one.
pub(super) fn is_one(head: &[u8]) -> bool {
    let head = head.get(..4096).unwrap_or(head);
    let text = String::from_utf8_lossy(head);
    text.trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('<')
        && text.contains("<database")
}

/// Reads the tables.
///
/// # Errors
/// If it is no sound XML, or has more rows than are kept.
pub(super) fn read(input: impl BufRead) -> Result<HostFacts, HostError> {
    let left = Cell::new(ELEMENT_BYTES);
    let left = &left;
    let mut reader = Reader::from_reader(InParts { inner: input, left });
    let mut buffer = Vec::new();
    let mut table = String::new();
    let mut pool = Pool::default();
    let mut rows = 0_usize;
    loop {
        buffer.clear();
        left.set(ELEMENT_BYTES);
        let event = reader.read_event_into(&mut buffer).map_err(xml)?;
        let element = match &event {
            Event::Eof => return Ok(pool.facts()),
            Event::Start(element) | Event::Empty(element) => element,
            _ => continue,
        };
        match element.name().as_ref() {
            "table" => table = attributes(element)?.remove("name").unwrap_or_default(),
            "row" if ["VM", "VDI", "VBD"].contains(&table.as_str()) => {
                rows = rows.saturating_add(1);
                if rows > RECORDS {
                    return Err(HostError::TooMany(RECORDS, "rows"));
                }
                take(&mut pool, &table, &attributes(element)?);
            }
            _ => {}
        }
    }
}

fn take(pool: &mut Pool, table: &str, row: &HashMap<String, String>) {
    let get = |name: &str| row.get(name).map(String::as_str).unwrap_or_default();
    let is = |name: &str| get(name) == "true";
    if table == "VBD" {
        let (vm, vdi) = (reference(get("VM")), reference(get("VDI")));
        pool.vbds
            .extend(vm.zip(vdi).filter(|_| get("type") != "CD"));
        return;
    }
    let object = Object {
        key: get("ref").to_owned(),
        uuid: get("uuid").to_owned(),
        name: get("name__label").to_owned(),
        snapshot_of: is("is_a_snapshot").then(|| reference(get("snapshot_of")).unwrap_or_default()),
        taken: time(get("snapshot_time")),
        made_in: get("__ctime").parse().ok(),
    };
    if table == "VDI" {
        pool.vdis.push(object);
    } else if object.snapshot_of.is_some() || !is("is_a_template") && !is("is_control_domain") {
        pool.vms.push(object);
    }
}

fn attributes(element: &BytesStart<'_>) -> Result<HashMap<String, String>, HostError> {
    const WANTED: [&str; 13] = [
        "__ctime",
        "name",
        "ref",
        "uuid",
        "name__label",
        "is_a_snapshot",
        "is_a_template",
        "is_control_domain",
        "snapshot_of",
        "snapshot_time",
        "VM",
        "VDI",
        "type",
    ];
    let mut wanted = HashMap::new();
    // Whether two have one name is not asked: that would compare each with each.
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute.map_err(xml)?;
        let name = attribute.key.as_ref().to_owned();
        if WANTED.contains(&name.as_str()) {
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(xml)?;
            wanted.insert(name, plain(&value));
        }
    }
    Ok(wanted)
}

fn xml(error: impl std::fmt::Display) -> HostError {
    HostError::Json(format!("no XML: {error}"))
}

/// A value without the escapes of xapi.
fn plain(value: &str) -> String {
    let mut plain = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => match chars.next() {
                Some('.') => plain.push(' '),
                Some('_') => plain.push_str("  "),
                Some('t') => plain.push('\t'),
                Some('n') => plain.push('\n'),
                Some('r') => plain.push('\r'),
                Some(other) => plain.push(other),
                None => plain.push('%'),
            },
            c => plain.push(c),
        }
    }
    plain
}
