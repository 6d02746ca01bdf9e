//! What inputs may hold: more is refused as soon as it is met, so that none costs more than two seconds and 200 MB.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{Deserialize, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};

use super::{HostError, HostFacts};
use crate::format::xml;

/// Machines and snapshots: a cluster of Hyper-V holds 8,000 machines of 50 snapshots at most, few are near that.
pub(super) const MACHINES: usize = 50_000;
pub(super) const SNAPSHOTS: usize = 100_000;
/// Files, disks among them.
pub(super) const FILES: usize = 200_000;
/// Disks of one machine or snapshot: Hyper-V allows 260, XCP-ng 255.
pub(super) const DISKS: usize = 1024;
/// Snapshots of one machine, or of one disk: Hyper-V allows 50, VirtualBox 250.
const SNAPSHOTS_OF_ONE: usize = 1024;
/// Volumes of a host, and folders on them.
pub(super) const VOLUMES: usize = 50_000;
/// Records of a pool: machines, disks, and what joins them.
pub(super) const RECORDS: usize = 150_000;
/// Rows of a sheet, and values of all its rows.
pub(super) const ROWS: usize = 200_000;
const VALUES: usize = 1_000_000;
/// Objects in JSON.
const OBJECTS: usize = 500_000;
/// A file of settings in XML, in bytes, and elements in it. A machine has some hundred, and as many again for each snapshot.
const SETTINGS_BYTES: usize = 8 << 20;
const ELEMENTS: usize = 100_000;

/// Whether facts are within the limits.
pub(super) fn check(facts: HostFacts) -> Result<HostFacts, HostError> {
    let few = |count: usize, most: usize, what: &'static str| {
        if count > most {
            return Err(HostError::TooMany(most, what));
        }
        Ok(())
    };
    let of_machines = facts.machines.iter().map(|machine| &machine.disks);
    let of_snapshots = facts.snapshots.iter().map(|snapshot| &snapshot.disks);
    for disks in of_machines.chain(of_snapshots).flatten() {
        few(disks.len(), DISKS, "disks of one machine")?;
    }
    few(facts.machines.len(), MACHINES, "machines")?;
    few(facts.snapshots.len(), SNAPSHOTS, "snapshots")?;
    few(facts.files.len(), FILES, "files")?;
    few(facts.free.len(), VOLUMES, "places with free space")?;
    let mut of_one: HashMap<&str, usize> = HashMap::new();
    let mut of_ids: HashMap<_, usize> = HashMap::new();
    for snapshot in &facts.snapshots {
        let disks = snapshot.disks.iter().flatten().map(String::as_str);
        let mut most = 0;
        let name = snapshot.vm.as_deref().filter(|_| snapshot.vm_id.is_none());
        for one in disks.chain(name) {
            let count = of_one.entry(one).or_default();
            *count = count.saturating_add(1);
            most = most.max(*count);
        }
        if let Some(id) = snapshot.vm_id {
            let count = of_ids.entry(id).or_default();
            *count = count.saturating_add(1);
            most = most.max(*count);
        }
        few(most, SNAPSHOTS_OF_ONE, "snapshots of one machine or disk")?;
    }
    Ok(facts)
}

fn count(text: &str, wanted: &[u8]) -> usize {
    text.bytes().filter(|byte| wanted.contains(byte)).count()
}

/// Whether JSON of any kind is within the limits.
pub(super) fn check_objects(text: &str) -> Result<(), HostError> {
    if count(text, b"{") > OBJECTS {
        return Err(HostError::TooMany(OBJECTS, "objects"));
    }
    Ok(())
}

/// Whether a sheet's rows can be held.
pub(super) fn check_sheet(text: &str) -> Result<(), HostError> {
    if count(text, b",;[\t") > VALUES {
        return Err(HostError::TooMany(VALUES, "values"));
    }
    Ok(())
}

/// Whether settings in XML can be held as a tree.
pub(in crate::store) fn check_settings(text: &str) -> Result<(), HostError> {
    if text.len() > SETTINGS_BYTES {
        return Err(HostError::TooMany(SETTINGS_BYTES, "bytes of settings"));
    }
    if count(text, b"<") > ELEMENTS {
        return Err(HostError::TooMany(ELEMENTS, "elements"));
    }
    xml::excess(text).map_or(Ok(()), |why| Err(HostError::Json(why)))
}

/// Reads a list of at most so many elements; `null` is none. Windows PowerShell wraps some lists: `{"value":[..],"Count":2}`.
pub(super) fn few<'de, D, T>(from: D, most: usize, what: &'static str) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    from.deserialize_any(Few {
        most,
        what,
        of: PhantomData,
    })
}

struct Few<T> {
    most: usize,
    what: &'static str,
    of: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Few<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_unit<E>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            if list.len() == self.most {
                return Err(Error::custom(HostError::TooMany(self.most, self.what)));
            }
            list.push(element);
        }
        Ok(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Vec<T>, A::Error> {
        let mut list = None;
        let (most, what) = (self.most, self.what);
        while let Some(name) = fields.next_key::<String>()? {
            if name == "value" && list.is_none() {
                list = Some(fields.next_value_seed(Few {
                    most,
                    what,
                    of: PhantomData,
                })?);
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        list.ok_or_else(|| Error::invalid_type(Unexpected::Map, &self))
    }
}

impl<'de, T: Deserialize<'de>> serde::de::DeserializeSeed<'de> for Few<T> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Vec<T>, D::Error> {
        from.deserialize_any(self)
    }
}

/// Bytes of which only so many may come until it is told that the next part begins.
pub(super) struct InParts<'a, R> {
    pub inner: R,
    pub left: &'a Cell<usize>,
}

/// The longest element of a pool's database, in bytes.
pub(super) const ELEMENT_BYTES: usize = 4 << 20;

impl<R: BufRead> Read for InParts<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let found = self.fill_buf()?;
        let len = found.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..len), found.get(..len)) {
            to.copy_from_slice(from);
        }
        self.consume(len);
        Ok(len)
    }
}

impl<R: BufRead> BufRead for InParts<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left.get() == 0 {
            let text = format!("an element has more than {ELEMENT_BYTES} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.left.set(self.left.get().saturating_sub(bytes));
        self.inner.consume(bytes);
    }
}
