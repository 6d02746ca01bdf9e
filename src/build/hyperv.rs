//! Writes Hyper-V configurations of machines and snapshots, as XML (2008 to 2012 R2) or VMCX (2016 on).
//!
//! Keys are those of public samples. What no public sample shows (lists of snapshots, a snapshot's parent, the snapshot
//! last applied) is not written.

use std::fmt::Write as _;

use jiff::Timestamp;
use uuid::Uuid;

use crate::build::vmcx::VmcxBuilder;
use crate::format::base64;
use crate::format::hyperv::ConfigValue;

/// The instance id of the IDE controller in every first-generation machine.
pub const IDE: &str = "83f8638b-8dca-4152-9eda-2ca8b33039b4";

/// The instance id written for a SCSI controller.
pub const SCSI: &str = "d422512d-2bf2-4752-809d-7b82b5fcb1b4";

/// 1601-01-01 to 1970-01-01 in seconds.
const EPOCH_SECONDS: i64 = 11_644_473_600;

/// A configuration to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HypervConfig {
    /// `global_id`.
    pub id: Uuid,
    pub name: String,
    /// `version`; `None` writes 1280 (2012 R2) in XML and 2304 (2019) in VMCX.
    pub version: Option<i64>,
    /// `type_id`, such as `Virtual Machines`; `None` leaves it out.
    pub type_id: Option<String>,
    /// `creation_time`.
    pub created: Option<Timestamp>,
    /// `last_state_change_time`.
    pub last_state_change: Option<Timestamp>,
    pub notes: String,
    /// `generation_id`, 32 hex digits.
    pub generation_id: Option<String>,
    /// `disk_merge_pending`.
    pub merge_pending: bool,
    /// Disks as controller instance, controller number, drive number, path. Type `VHD`.
    pub disks: Vec<(&'static str, u32, u32, String)>,
    /// `savedstate` memory and device state paths.
    pub memory: Option<(String, String)>,
    /// Any further keys.
    pub extra: Vec<(String, String)>,
}

impl HypervConfig {
    /// A machine or snapshot with one IDE disk.
    pub fn new(id: Uuid, name: &str, disk: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            type_id: Some("Virtual Machines".to_owned()),
            disks: vec![(IDE, 0, 0, disk.to_owned())],
            ..Self::default()
        }
    }

    /// The keys, in the order they are written.
    pub fn keys(&self, version: i64) -> Vec<(String, ConfigValue)> {
        let mut keys = Vec::new();
        let text = |text: &str| ConfigValue::String(text.to_owned());
        let mut put = |path: &str, value: ConfigValue| {
            keys.push((format!("/configuration/{path}"), value));
        };
        let mut numbers: Vec<(&str, u32)> = Vec::new();
        for (controller, number, drive, path) in &self.disks {
            let folder = format!("_{controller}_/controller{number}/drive{drive}");
            put(&format!("{folder}/pathname"), text(path));
            put(&format!("{folder}/type"), text("VHD"));
            if !numbers.contains(&(controller, *number)) {
                // Every controller has an empty optical drive too: not a disk.
                let folder = format!("_{controller}_/controller{number}/drive63");
                put(&format!("{folder}/pathname"), text(""));
                put(&format!("{folder}/type"), text("NONE"));
                numbers.push((controller, *number));
            }
        }
        put(
            "global_settings/disk_merge_pending",
            ConfigValue::Bool(self.merge_pending),
        );
        if let Some(id) = &self.generation_id {
            put("global_settings/devices/generation_id", text(id));
        }
        put(
            "global_settings/snapshots/list/size",
            ConfigValue::Integer(0),
        );
        for (index, (controller, _)) in numbers.iter().enumerate() {
            let folder = format!("manifest/vdev{:03}", index.saturating_add(1));
            put(&format!("{folder}/device"), text(controller));
            put(&format!("{folder}/instance"), text(controller));
        }
        if let Some(created) = self.created {
            let bytes = filetime(created).to_le_bytes().to_vec();
            put("properties/creation_time", ConfigValue::Bytes(bytes));
        }
        put(
            "properties/global_id",
            text(&self.id.to_string().to_uppercase()),
        );
        put("properties/highly_available", ConfigValue::Bool(false));
        if let Some(changed) = self.last_state_change {
            put(
                "properties/last_state_change_time",
                ConfigValue::Integer(filetime(changed)),
            );
        }
        put("properties/name", text(&self.name));
        put("properties/notes", text(&self.notes));
        put("properties/subtype", ConfigValue::Integer(0));
        if let Some(type_id) = &self.type_id {
            put("properties/type_id", text(type_id));
        }
        put(
            "properties/version",
            ConfigValue::Integer(self.version.unwrap_or(version)),
        );
        if let Some((memory, state)) = &self.memory {
            put("savedstate/memlocation", text(memory));
            put("savedstate/vsvlocation", text(state));
        }
        for (path, value) in &self.extra {
            put(path, text(value));
        }
        keys
    }

    /// XML as text, lines ended by CR LF.
    pub fn xml_text(&self) -> String {
        let mut xml =
            String::from("<?xml version=\"1.0\" encoding=\"UTF-16\" standalone=\"yes\"?>\r\n");
        let mut open: Vec<String> = Vec::new();
        for (path, value) in self.keys(1280) {
            let mut names: Vec<String> = path.split('/').skip(1).map(str::to_owned).collect();
            let leaf = names.pop().unwrap_or_default();
            let shared = open.iter().zip(&names).take_while(|(a, b)| a == b).count();
            while open.len() > shared {
                let name = open.pop().unwrap_or_default();
                line(&mut xml, open.len(), &format!("</{name}>"));
            }
            for name in names.into_iter().skip(shared) {
                line(&mut xml, open.len(), &format!("<{name}>"));
                open.push(name);
            }
            let (kind, text) = leaf_text(&value);
            line(
                &mut xml,
                open.len(),
                &format!("<{leaf} type=\"{kind}\">{text}</{leaf}>"),
            );
        }
        while let Some(name) = open.pop() {
            line(&mut xml, open.len(), &format!("</{name}>"));
        }
        xml
    }

    /// XML as Hyper-V writes it: UTF-16LE with a byte order mark.
    pub fn xml(&self) -> Vec<u8> {
        let text = self.xml_text();
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    }

    /// VMCX, format 4.0.
    pub fn vmcx(&self) -> Vec<u8> {
        self.vmcx_builder().build()
    }

    /// The keys in a builder of VMCX, for changes to the container.
    pub fn vmcx_builder(&self) -> VmcxBuilder {
        let keys = self.keys(2304).into_iter();
        keys.fold(VmcxBuilder::default(), |builder, (path, value)| {
            builder.key(&path, value)
        })
    }
}

/// A time as Windows keeps it: 100 ns since 1601.
pub fn filetime(at: Timestamp) -> i64 {
    let seconds = at.as_second().saturating_add(EPOCH_SECONDS);
    let ticks = i64::from(at.subsec_nanosecond()) / 100;
    seconds.saturating_mul(10_000_000).saturating_add(ticks)
}

fn line(xml: &mut String, depth: usize, text: &str) {
    // Writing to a String cannot fail.
    let _ = write!(
        xml,
        "{:width$}{text}\r\n",
        "",
        width = depth.saturating_mul(2)
    );
}

fn leaf_text(value: &ConfigValue) -> (&'static str, String) {
    match value {
        ConfigValue::String(text) => {
            let text = text.replace('&', "&amp;").replace('<', "&lt;");
            ("string", text.replace('>', "&gt;"))
        }
        ConfigValue::Integer(number) => ("integer", number.to_string()),
        ConfigValue::Unsigned(number) => ("integer", number.to_string()),
        ConfigValue::Double(number) => ("double", number.to_string()),
        ConfigValue::Bool(true) => ("bool", "True".to_owned()),
        ConfigValue::Bool(false) => ("bool", "False".to_owned()),
        ConfigValue::Bytes(bytes) => ("bytes", base64::encode(bytes)),
        ConfigValue::Node => ("string", String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::hyperv;
    use crate::source::MemorySource;

    #[test]
    fn xml_in_any_encoding_and_vmcx_hold_the_same_keys() {
        let config = HypervConfig {
            created: Some("2021-08-22T21:41:00Z".parse().unwrap()),
            notes: "<b> & \"c\"".into(),
            generation_id: Some("b7ca8a6ab91ab997147185c9284d42c5".into()),
            ..HypervConfig::new(Uuid::from_u128(7), "検証用", "D:\\VMs\\a.vhd")
        };
        for bytes in [config.xml(), config.xml_text().into_bytes(), config.vmcx()] {
            let read = hyperv::read(&MemorySource(bytes)).unwrap().unwrap();
            assert_eq!(read.findings, []);
            assert!(hyperv::is_hyperv(&read.tree));
            for (path, value) in config.keys(1280) {
                if path != "/configuration/properties/version" {
                    assert_eq!(read.tree.get(&path), Some(&value), "{path}");
                }
            }
        }
    }
}
