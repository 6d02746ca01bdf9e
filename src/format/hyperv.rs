//! Hyper-V's configuration containers: XML (2008 to 2012 R2) and VMCX (2016 on). Both become one tree of typed keys.
//!
//! Key names are the same in both (`/configuration/properties/name`), so what reads a tree need not know the container.
//! What the keys mean (generation id, creation time, disks) is read once for both, in [`store::hyperv`](crate::store::hyperv).

pub mod codes;
pub mod vmcx;
pub mod xml;

use crate::finding::{Code, Finding};
use crate::format::FormatError;
use crate::format::encoding::Encoding;
use crate::source::{Source, read_up_to};

/// The longest configuration that is read, in bytes. Real ones have 30 to 300 KiB.
pub const MAX_BYTES: u64 = 16 << 20;

/// The most keys kept of one configuration. Real ones have some hundreds.
pub const MAX_KEYS: usize = 200_000;

/// The deepest key kept. Real ones have up to eight levels.
pub const MAX_DEPTH: usize = 64;

/// The most bytes of key paths kept of one configuration.
const MAX_PATH_BYTES: usize = 32 << 20;

/// A value of a key.
#[derive(Debug, Clone, PartialEq)]
pub enum ConfigValue {
    String(String),
    /// Signed 64-bit integer.
    Integer(i64),
    /// Unsigned 64-bit integer.
    Unsigned(u64),
    /// 64-bit floating point.
    Double(f64),
    Bool(bool),
    /// Bytes: base64 in XML, an array in VMCX.
    Bytes(Vec<u8>),
    /// No value: a folder of keys.
    Node,
}

/// One key with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigEntry {
    /// Names from the root, each after a slash: `/configuration/properties/name`.
    pub path: String,
    pub value: ConfigValue,
}

/// The keys of a configuration in the order of the file. Names compare without ASCII case; of two equal paths the first counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConfigTree {
    entries: Vec<ConfigEntry>,
    path_bytes: usize,
}

/// A tree is full: see [`MAX_KEYS`], [`MAX_DEPTH`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl ConfigTree {
    /// Adds a key at the end.
    ///
    /// # Errors
    /// [`Full`] if it would pass the limits on keys, depth or memory; it is then not added.
    pub fn push(&mut self, path: String, value: ConfigValue) -> Result<(), Full> {
        let path_bytes = self.path_bytes.saturating_add(path.len());
        if self.entries.len() >= MAX_KEYS
            || path_bytes > MAX_PATH_BYTES
            || path.bytes().filter(|byte| *byte == b'/').count() > MAX_DEPTH
        {
            return Err(Full);
        }
        self.path_bytes = path_bytes;
        self.entries.push(ConfigEntry { path, value });
        Ok(())
    }

    /// All keys in the order of the file.
    pub fn entries(&self) -> &[ConfigEntry] {
        &self.entries
    }

    /// The value of a key, whatever its type.
    pub fn get(&self, path: &str) -> Option<&ConfigValue> {
        self.entries
            .iter()
            .find(|entry| entry.path.eq_ignore_ascii_case(path))
            .map(|entry| &entry.value)
    }

    /// The text of a key; `None` if it is missing or no text.
    pub fn string(&self, path: &str) -> Option<&str> {
        match self.get(path)? {
            ConfigValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number of a key; `None` if it is missing, no number, or past `i64`.
    pub fn integer(&self, path: &str) -> Option<i64> {
        match self.get(path)? {
            ConfigValue::Integer(number) => Some(*number),
            ConfigValue::Unsigned(number) => i64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// The truth of a key; numbers 0 and 1 count.
    pub fn bool(&self, path: &str) -> Option<bool> {
        match self.get(path)? {
            ConfigValue::Bool(truth) => Some(*truth),
            ConfigValue::Integer(0) | ConfigValue::Unsigned(0) => Some(false),
            ConfigValue::Integer(1) | ConfigValue::Unsigned(1) => Some(true),
            _ => None,
        }
    }

    /// Every key strictly below `path`, with what follows `path` and its slash.
    pub fn below<'a>(
        &'a self,
        path: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a ConfigValue)> + 'a {
        self.entries.iter().filter_map(move |entry| {
            let head = entry.path.get(..path.len())?;
            let rest = entry.path.get(path.len()..)?.strip_prefix('/')?;
            head.eq_ignore_ascii_case(path)
                .then_some((rest, &entry.value))
        })
    }
}

/// Which container a configuration came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// XML, and how its characters are stored.
    Xml(Encoding),
    /// VMCX, and its format version, `major << 8 | minor`.
    Vmcx(u32),
}

/// A configuration as read.
#[derive(Debug, Clone, PartialEq)]
pub struct MachineConfig {
    pub tree: ConfigTree,
    pub container: Container,
    /// What is wrong with the container or with single values.
    pub findings: Vec<Finding>,
}

/// Which container the first bytes of a file show, if any. 4 KiB are enough.
pub fn sniff(head: &[u8]) -> Option<SniffedConfig> {
    if vmcx::is_vmcx(head) {
        Some(SniffedConfig::Vmcx)
    } else if xml::is_configuration(head) {
        Some(SniffedConfig::Xml)
    } else {
        None
    }
}

/// What [`sniff`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SniffedConfig {
    /// The signature of VMCX (and VMRS).
    Vmcx,
    /// An XML document whose root is `configuration`. Other programs use that root too: see [`is_hyperv`].
    Xml,
}

/// Reads the configuration in `source`; `None` if it is none by its first bytes.
///
/// # Errors
/// When bytes cannot be read, or nothing can be made of them: too long, no XML, a format version that is not known.
pub fn read(source: &dyn Source) -> Result<Option<MachineConfig>, FormatError> {
    let head = read_up_to(source, 0, 4096).map_err(FormatError::read("configuration", 0))?;
    let Some(sniffed) = sniff(&head) else {
        return Ok(None);
    };
    if source.len() > MAX_BYTES {
        return Err(Finding::new(
            &codes::TOO_LARGE,
            "The configuration is far longer than any real one and is not read.",
        )
        .values(
            format!("at most {MAX_BYTES} bytes"),
            source.len().to_string(),
        )
        .into());
    }
    let len = usize::try_from(source.len()).unwrap_or(usize::MAX);
    let bytes = read_up_to(source, 0, len).map_err(FormatError::read("configuration", 0))?;
    match sniffed {
        SniffedConfig::Vmcx => vmcx::parse(bytes).map(Some),
        SniffedConfig::Xml => xml::parse(&bytes).map(Some),
    }
}

/// Whether a tree is one of a Hyper-V machine or snapshot: it has a key that Hyper-V's configurations have and others do not.
pub fn is_hyperv(tree: &ConfigTree) -> bool {
    const MARKS: [&str; 5] = [
        "/configuration/properties/global_id",
        "/configuration/properties/type_id",
        "/configuration/settings/global/logical_id",
        "/configuration/global_settings",
        "/configuration/manifest",
    ];
    MARKS.iter().any(|mark| tree.get(mark).is_some())
}

/// Collects findings, at most a few of each code, so that a file of nothing but faults stays small.
#[derive(Debug, Default)]
struct CappedFindings {
    findings: Vec<Finding>,
}

impl CappedFindings {
    const MAX_PER_CODE: usize = 8;

    fn push(&mut self, finding: Finding) {
        if self.count(finding.code) < Self::MAX_PER_CODE {
            self.findings.push(finding);
        }
    }

    fn count(&self, code: &Code) -> usize {
        let same = |finding: &&Finding| finding.code.id == code.id;
        self.findings.iter().filter(same).count()
    }

    fn full(&mut self) {
        if self.count(&codes::TOO_MANY_KEYS) == 0 {
            self.push(Finding::new(
                &codes::TOO_MANY_KEYS,
                format!("Keys past the limit of {MAX_KEYS} keys, {MAX_DEPTH} levels are left out."),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_without_case_and_listed_below_their_folder() {
        let mut tree = ConfigTree::default();
        tree.push("/configuration".into(), ConfigValue::Node)
            .unwrap();
        tree.push("/configuration/A".into(), ConfigValue::Unsigned(1))
            .unwrap();
        tree.push("/configurations/b".into(), ConfigValue::Integer(-1))
            .unwrap();
        assert_eq!(tree.integer("/CONFIGURATION/a"), Some(1));
        assert_eq!(tree.bool("/configuration/a"), Some(true));
        assert_eq!(tree.below("/configuration").count(), 1);
        assert_eq!(tree.string("/configuration/a"), None);
    }

    #[test]
    fn a_tree_has_limits() {
        let mut tree = ConfigTree::default();
        assert_eq!(tree.push("/a".repeat(MAX_DEPTH), ConfigValue::Node), Ok(()));
        assert_eq!(
            tree.push("/a".repeat(MAX_DEPTH + 1), ConfigValue::Node),
            Err(Full)
        );
    }

    #[test]
    fn a_file_of_another_kind_is_none() {
        let source = crate::source::MemorySource(b"<html><configuration/></html>".to_vec());
        assert_eq!(read(&source).unwrap(), None);
    }
}
